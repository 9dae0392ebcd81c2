"""A virtual environment in .venv with mapschema in it, for the two commands of the README."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv"


def python() -> Path:
    """The environment's interpreter, the environment made when it is not there."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this file must tell an old Python why
        sys.exit(f"mapschema needs Python 3.11 or later, this is {sys.version.split()[0]}")
    path = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not path.exists():
        print(f"making {FOLDER.relative_to(ROOT)} ...", flush=True)
        venv.create(FOLDER, with_pip=True)
    return path


def install(what: str) -> Path:
    """Installs the package in place, `what` being ``.`` or ``.[test]``; gives the interpreter."""
    interpreter = python()
    print(f"installing {what} ...", flush=True)
    run([interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-e", what])
    return interpreter


def run(command: list[str | Path], **more: str) -> None:
    """Runs a command in the project's folder and stops with its status where it fails."""
    done = subprocess.run(
        [str(word) for word in command], cwd=ROOT, env={**os.environ, **more}, check=False
    )
    if done.returncode:
        sys.exit(done.returncode)
