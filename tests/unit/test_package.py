"""The package: the wheel holds the whole tree, the grammar is unambiguous, imports stay lazy."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def test_the_wheel_holds_the_tree(tmp_path: Path) -> None:
    copy = tmp_path / "tree"
    tracked = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    for name in tracked:
        source = ROOT / name
        if not name.startswith(("mapschema/", "grammar/", "generators/")) and name not in (
            "pyproject.toml",
            "README.md",
        ):
            continue
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            target.symlink_to(source.readlink())
        elif source.exists():
            target.write_bytes(source.read_bytes())
    built = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(copy)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    packed = {n for n in zipfile.ZipFile(wheel).namelist() if not n.startswith("mapschema-")}
    wanted = set()
    for name in tracked:
        top, _, rest = name.partition("/")
        if not (ROOT / name).is_file() or (ROOT / name).is_symlink():
            continue
        if top == "mapschema":
            wanted.add(name)
        elif top in ("grammar", "generators"):
            wanted.add(f"mapschema/{top}/{rest}")
    assert packed == wanted


def test_the_grammar_is_strict_lalr() -> None:
    """lark refuses any conflict of rules or terminals then (it needs interegular for it)."""
    pytest.importorskip("interegular", reason="the test extra brings it")
    from mapschema.grammar import parser

    assert parser(strict=True).options.strict


def modules_after(code: str) -> set[str]:
    ran = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ran.stdout.split())


def test_imports_are_lazy() -> None:
    heavy = {"pycparser", "lark", "jinja2", "tree_sitter", "tree_sitter_go", "elftools"}
    loaded = modules_after("import mapschema, mapschema.cli\nmapschema.cli._parser()")
    assert not loaded & heavy
    code = "import io, contextlib, mapschema.cli\nwith contextlib.redirect_stdout(io.StringIO()):\n    mapschema.cli.main(['layout', %r, '--format', 'json'])"
    flow = str(ROOT / "examples" / "flow_tracker" / "bytecode" / "flow.c")
    assert modules_after(code % flow) & heavy == {"pycparser"}
    schema = str(ROOT / "tests" / "data" / "netmon.mapschema")
    assert modules_after(code % schema) & heavy == {"lark"}


def test_python_m_and_version() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "mapschema", "--version"], capture_output=True, text=True, check=True
    )
    assert ran.stdout.startswith("mapschema ")
