"""Fixtures that several kinds of tests use."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from support import golang
from support.clang import libc_includes, zig_folder


@pytest.fixture(scope="session")
def bpf_headers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose ``bpf/`` has libbpf's headers, from the Go module of cilium/ebpf."""
    folder = tmp_path_factory.mktemp("headers")
    (folder / "bpf").symlink_to(golang.ebpf_folder() / "examples" / "headers")
    return folder


@pytest.fixture(scope="session")
def clang_bpf(bpf_headers: Path) -> list[str]:
    """Flags with which clang compiles a BPF program."""
    return ["-target", "bpfel", "-O2", "-g", *libc_includes(), "-I", str(bpf_headers)]


@pytest.fixture(scope="session")
def clang_wrapper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An executable that is the wheel's clang, for bpf2go's ``-cc``."""
    path = tmp_path_factory.mktemp("cc") / "clang"
    path.write_text(f'#!/bin/sh\nexec "{zig_folder() / "zig"}" clang "$@"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture(scope="session")
def bpf2go(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bpf2go binary of cilium/ebpf v0.22.0."""
    module = golang.new_module(tmp_path_factory.mktemp("bpf2go"))
    built = golang.run_go("build", "-o", "bpf2go", "github.com/cilium/ebpf/cmd/bpf2go", cwd=module)
    assert built.returncode == 0, built.stderr
    return module / "bpf2go"


def _bpf_allowed() -> str:
    """An empty string where bpf(2) may create maps, else why not."""
    from support.kernel import create_map

    try:
        os.close(create_map(1, 4, 4, 1))
    except OSError as error:
        return f"bpf(2): {error.strerror}"
    return ""


@pytest.fixture(scope="session")
def kernel() -> None:
    """Skips where bpf(2) isn't allowed; under CI=true as root that is a failure."""
    if not sys.platform.startswith("linux"):
        why = "this is no Linux"
    else:
        why = _bpf_allowed()
    if why:
        if os.environ.get("CI") == "true" and hasattr(os, "geteuid") and os.geteuid() == 0:
            pytest.fail(f"the kernel tests must run in CI as root: {why}")
        pytest.skip(f"the kernel can't be asked: {why}")
