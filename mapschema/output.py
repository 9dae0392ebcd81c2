"""Writes the outputs: all of them or none, each whole, never a good file by a broken one."""

from __future__ import annotations

import contextlib
import difflib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mapschema.generators import GeneratedFile


class WriteError(Exception):
    """The outputs can't be written; nothing was."""


def stale(files: Sequence[GeneratedFile], folder: Path) -> list[GeneratedFile]:
    """The files whose text on disk differs or is missing."""
    return [item for item in files if _current(folder / item.name) != item.text]


def _current(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def diff(files: Sequence[GeneratedFile], folder: Path) -> str:
    """A unified diff from what is on disk to what would be written."""
    parts: list[str] = []
    for item in stale(files, folder):
        path = folder / item.name
        before = (_current(path) or "").splitlines(keepends=True)
        parts += difflib.unified_diff(
            before, item.text.splitlines(keepends=True), str(path), str(path)
        )
    return "".join(parts)


def write(files: Sequence[GeneratedFile], folder: Path) -> list[Path]:
    """Writes the stale ones of the files and returns their paths; raises WriteError.

    New texts are written beside their targets first; the targets are replaced
    only when all of them are there, and put back if one replacement fails.
    """
    for item in files:
        if os.path.basename(item.name) != item.name or item.name in ("", ".", ".."):
            raise WriteError(f"a generator may not write outside the output folder: {item.name!r}")
    if folder.exists() and not folder.is_dir():
        raise WriteError(f"{folder}: is a file, not a folder")
    wanted = stale(files, folder)
    prepared: list[tuple[str, Path]] = []
    replaced: list[tuple[Path, str | None]] = []
    done = False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for item in wanted:
            target = folder / item.name
            if target.is_dir():
                raise WriteError(f"{target}: is a directory")
            handle, name = tempfile.mkstemp(prefix=f".{item.name}.", suffix=".tmp", dir=folder)
            prepared.append((name, target))
            with os.fdopen(handle, "wb") as stream:
                stream.write(item.text.encode("utf-8"))
            os.chmod(name, _mode(target))
        for name, target in prepared:
            backup = None
            if target.exists():
                backup = f"{name}.old"
                os.link(target, backup)
            replaced.append((target, backup))
            os.replace(name, target)
        done = True
    except OSError as error:
        raise WriteError(f"{error.filename or folder}: {error.strerror or error}") from None
    finally:
        if not done:
            for target, backup in reversed(replaced):
                with contextlib.suppress(OSError):
                    if backup is None:
                        target.unlink()
                    else:
                        os.replace(backup, target)
        for _, backup in replaced:
            if backup is not None:
                with contextlib.suppress(OSError):
                    os.unlink(backup)
        for name, _ in prepared:
            with contextlib.suppress(OSError):
                os.unlink(name)
    return [target for _, target in prepared]


def _mode(target: Path) -> int:
    """The file's own mode, or what the user's umask gives a new one."""
    try:
        return target.stat().st_mode & 0o7777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
