"""Inputs too large or strange to keep as files: a diagnostic, status 2, bounded time, nothing written."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

_DOUBLING = (
    "".join(f"#define A{i} A{i + 1} A{i + 1}\n" for i in range(40)) + "struct a { int x[A0]; };"
)
INPUTS: dict[str, bytes] = {
    "nul.h": b"struct a {\0};",
    "latin.h": "struct a { int x; }; // café".encode("latin-1"),
    "nested.h": b"struct a {" + b"struct {" * 10_000 + b"int x;" + b"};" * 10_000 + b"};",
    "parens.h": b"struct a { int x[" + b"(" * 10_000 + b"1" + b")" * 10_000 + b"]; };",
    "cycle.h": b'#include "cycle.h"\nstruct a { int x; };',
    "doubling.h": _DOUBLING.encode(),
    "elements.h": b"struct a { char x[9223372036854775808]; };",
    "chain.h": b"\n".join(b"struct s%d { struct s%d x; };" % (i, i + 1) for i in range(3000)),
    "typedefs.h": b"\n".join(b"typedef t%d t%d;" % (i, i + 1) for i in range(2000))
    + b"\nstruct a { t2000 x; };",
    "pack.h": b"#pragma pack(" + b"9" * 10_000 + b")\nstruct a { int x; };",
    "digits.h": b"struct a { int x[" + b"9" * 10_000 + b"]; };",
    "floats.h": b"struct a { int x[(int)1e999]; };",
    "random.c": bytes((i * 7919 + 13) % 255 + 1 for i in range(20_000)),
    "nested.mapschema": b"struct a {" * 5000,
    "sum.mapschema": b"const A = " + b"+".join([b"1"] * 30_000) + b";",
    "digits.mapschema": b"struct a { u8 x[" + b"9" * 10_000 + b"]; }",
    "version.mapschema": b"kernel >= 5; struct a { u8 x; }",
    "string.mapschema": b'import "unclosed; struct a { u8 x; }',
}


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))


@pytest.mark.parametrize("name", INPUTS)
def test_input(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(INPUTS[name])
    ran = subprocess.run(
        [sys.executable, "-m", "mapschema", "compile", name, "-o", "out"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, preexec_fn=limited, check=False,
    )  # fmt: skip
    assert ran.returncode == 2, ran.stderr[-2000:]
    assert "Traceback" not in ran.stderr
    assert "MS090" not in ran.stderr
    assert "error[MS" in ran.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("folder.h", "is a directory"),
        ("nothing.h", "no such file"),
        ("x.txt", "unknown kind of input"),
    ],
)
def test_paths(name: str, message: str, tmp_path: Path) -> None:
    if name == "folder.h":
        (tmp_path / name).mkdir()
    elif name == "x.txt":
        (tmp_path / name).write_text("x")
    ran = subprocess.run(
        [sys.executable, "-m", "mapschema", "compile", name, "-o", "out"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 2
    assert ran.stderr.startswith(f"{name}: error[MS00")
    assert message in ran.stderr
    assert not (tmp_path / "out").exists()


def test_control_characters_do_not_reach_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "a.h").write_bytes(b"struct a { \x1b[31mevil x; };")
    ran = subprocess.run(
        [sys.executable, "-m", "mapschema", "compile", "a.h"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 2
    assert b"\x1b" not in ran.stderr


COMMENTS = r"""
/**
 * - a list
 * 1. one
 * # Heading
 * [x]: http://foo
 *	code
 * +build ignore
 *
 *
 * end "; import "os" \
 */
struct a {
	int x; /* - *\/ foo */
	// # bar \
	int y;
	int z;
};
"""


def test_comments_stay_comments(tmp_path: Path) -> None:
    """Nothing in a comment changes the code, and gofmt has nothing to say."""
    from support import golang
    from support.clang import run_clang
    from support.cli import run

    (tmp_path / "a.h").write_text(COMMENTS)
    out = golang.new_module(tmp_path / "out")
    assert run("compile", tmp_path / "a.h", "-o", out, "--go-package", "a").status == 0
    golang.check_builds(out, ("amd64",))
    header = (out / "a_layout.h").read_text().replace("#include <linux/types.h>", "")
    assert (
        run_clang("-x", "c", "-fsyntax-only", "-Wall", "-Werror", "-", stdin=header).returncode == 0
    )
