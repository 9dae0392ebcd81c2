"""The command line: outputs whole or not at all, check, diff, determinism, exit statuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.cli import run

HEADER = """#include <linux/types.h>
struct key { __u32 a; __u8 b; };
struct value { __u64 n; };
"""
OUTPUTS = {
    "flow_layout.h", "flow_layout.go", "mapschema_types.go", "flow_bpf2go.txt", "flow_report.txt", "flow_report.json",
}  # fmt: skip


@pytest.fixture
def flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.h").write_text(HEADER)
    return tmp_path / "flow.h"


def names(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir()}


def test_check_and_diff(flow: Path) -> None:
    assert run("compile", "flow.h", "-o", "out", "--check").status == 1
    assert not Path("out").exists()
    assert run("compile", "flow.h", "-o", "out").status == 0
    assert names(Path("out")) == OUTPUTS
    assert run("compile", "flow.h", "-o", "out", "--check").status == 0
    assert run("compile", "flow.h", "-o", "out", "--diff").out == ""
    flow.write_text(HEADER.replace("__u64 n", "__u64 n; __u64 more"))
    before = {p.name: p.read_text() for p in Path("out").iterdir()}
    checked = run("compile", "flow.h", "-o", "out", "--check")
    assert checked.status == 1
    assert "out/flow_layout.go: stale" in checked.out
    assert "mapschema_types.go" not in checked.out
    shown = run("compile", "flow.h", "-o", "out", "--diff")
    assert shown.status == 1
    assert "+\tMore uint64 // 8" in shown.out
    assert {p.name: p.read_text() for p in Path("out").iterdir()} == before


def test_a_broken_input_leaves_the_last_good_output(flow: Path) -> None:
    run("compile", "flow.h", "-o", "out")
    before = {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in Path("out").iterdir()}
    flow.write_text(HEADER + "struct broken { nope x; };")
    assert run("compile", "flow.h", "-o", "out").status == 2
    assert {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in Path("out").iterdir()} == before


def test_all_or_none(flow: Path) -> None:
    """A target that can't be replaced keeps all others as they were."""
    run("compile", "flow.h", "-o", "out")
    target = Path("out/flow_report.json")
    target.unlink()
    target.mkdir()
    (target / "x").write_text("x")
    before = Path("out/flow_layout.go").read_text()
    flow.write_text(HEADER + "struct more { int x; };")
    result = run("compile", "flow.h", "-o", "out")
    assert result.status == 2
    assert "is a directory" in result.err
    assert Path("out/flow_layout.go").read_text() == before
    assert names(Path("out")) == OUTPUTS


def test_nothing_is_touched_when_nothing_changed(flow: Path) -> None:
    run("compile", "flow.h", "-o", "out")
    before = {p.name: p.stat().st_mtime_ns for p in Path("out").iterdir()}
    again = run("compile", "flow.h", "-o", "out")
    assert again.status == 0
    assert {p.name: p.stat().st_mtime_ns for p in Path("out").iterdir()} == before


def test_the_same_bytes_whatever_the_hash_seed_and_locale(flow: Path) -> None:
    results = []
    for seed, locale in (("0", "C"), ("1", "C.UTF-8"), ("4242", "tr_TR.UTF-8")):
        out = f"out{seed}"
        subprocess.run(
            [sys.executable, "-m", "mapschema", "compile", "flow.h", "-o", out], check=True, capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": locale, "LANG": locale},
        )  # fmt: skip
        results.append({p.name: p.read_bytes() for p in Path(out).iterdir()})
    assert results[0] == results[1] == results[2]


def test_several_inputs_share_a_record(flow: Path) -> None:
    Path("common.h").write_text("struct shared { unsigned int x; };\n")
    Path("a.h").write_text('#include "common.h"\nstruct a { struct shared s; };\n')
    Path("b.h").write_text('#include "common.h"\nstruct b { struct shared s; };\n')
    outputs = []
    for order in (["a.h", "b.h"], ["b.h", "a.h"]):
        out = Path("_".join(order))
        assert run("compile", *order, "-o", out).status == 0
        texts = {p.name: p.read_text() for p in out.iterdir()}
        assert sum(t.count("type Shared struct") for t in texts.values()) == 1
        outputs.append(texts)
    assert "type Shared struct" in outputs[0]["a_layout.go"]
    assert '#include "a_layout.h"' in outputs[0]["b_layout.h"]
    document = json.loads(run("layout", "a.h", "b.h", "--format", "json").out)
    assert [r["name"] for r in document["records"]] == ["shared", "a", "b"]


def test_one_stem_twice_is_an_error(flow: Path) -> None:
    Path("flow.bpf.c").write_text(HEADER)
    result = run("compile", "flow.h", "flow.bpf.c")
    assert result.status == 2
    assert "flow.bpf.c: error[MS023]" in result.err


def test_different_records_of_one_name_are_an_error(flow: Path) -> None:
    Path("other.h").write_text("struct key { long long x; };")
    result = run("compile", "flow.h", "other.h")
    assert result.status == 2
    assert (
        "other.h:1:8: error[MS013]: 'key' is defined in another way by two inputs (first at flow.h:2)"
        in result.err
    )


def test_names_of_outputs(flow: Path) -> None:
    for name, stem in (("_hidden.h", "hidden"), (".dot.h", "dot"), ("x.bpf.c", "x")):
        Path(name).write_text("struct s { int x; };")
        assert run("compile", name, "-o", f"o{stem}", "--emit", "go").status == 0
        assert names(Path(f"o{stem}")) == {f"{stem}_layout.go", "mapschema_types.go"}


def test_types(flow: Path) -> None:
    Path("inc.h").write_text(
        "struct far { int x; }; struct other { int y; };\ntypedef struct { int z; } anon_t;\n"
    )
    Path("near.h").write_text('#include "inc.h"\nstruct near { int x; };\n')

    def found(*args: str) -> list[str]:
        result = run("layout", "near.h", "--format", "json", *args)
        assert result.status == 0, result.err
        return [r["name"] for r in json.loads(result.out)["records"]]

    assert found() == ["near"]
    assert found("--type", "far") == ["far"]
    assert found("--type", "struct far", "--type", "anon_t") == ["far", "anon_t"]
    assert sorted(found("--all")) == ["anon_t", "far", "near", "other"]
    wrong = run("layout", "near.h", "--type", "fra")
    assert wrong.status == 2
    assert "no such type, did you mean 'far'?" in wrong.err


def test_macro_and_include_flags(flow: Path) -> None:
    Path("inc").mkdir()
    Path("inc/t.h").write_text("#define N 3\n")
    Path("f.h").write_text("#define M 2\n")
    Path("m.h").write_text(
        "#include <t.h>\nstruct s { char a[N]; char b[M]; char c[D]; char e[E]; };\n"
    )
    for flags in (
        ["-I", "inc", "-D", "D=4", "-DE"],
        ["-Iinc", "-DD=4", "-DE=1"],
        ["-isysteminc", "-DD=4", "-DE"],
        ["-isystem", "inc", "-DD=4", "-DE"],
    ):
        result = run("layout", "m.h", "--format", "json", "--include", "f.h", *flags)
        assert result.status == 0, result.err
        assert json.loads(result.out)["records"][0]["size"] == 3 + 2 + 4 + 1
    result = run("layout", "m.h", "--include=f.h", "-Iinc", "-DD=4", "-DE", "-UE")
    assert result.status == 2


@pytest.mark.parametrize(
    "arguments",
    [["compile"], ["nonsense"], ["compile", "flow.h", "--emit", "cpp"], ["layout", "flow.h", "--abi", "vax"],
     ["compile", "flow.h", "--check", "--diff"], ["compile", "flow.h", "--go-package", "a b"], []],
)  # fmt: skip
def test_wrong_use(arguments: list[str], flow: Path) -> None:
    result = run(*arguments)
    assert result.status == 2
    assert "Traceback" not in result.err
    assert names(flow.parent) == {"flow.h"}


@pytest.mark.parametrize("command", ["compile", "layout", "compare"])
def test_help_has_examples(command: str) -> None:
    result = run(command, "--help")
    assert result.status == 0
    assert f"mapschema {command} " in result.out.split("examples:")[1]


def test_colour_only_where_it_is_wanted(flow: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flow.write_text("struct a { nope x; };")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b" not in run("compile", "flow.h").err
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[1;31merror[MS011]:" in run("compile", "flow.h").err
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run("compile", "flow.h").err


def test_go_package(flow: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def package(*flags: str) -> str:
        run("compile", "flow.h", "-o", "out", "--emit", "go", *flags)
        return next(
            x
            for x in Path("out/flow_layout.go").read_text().splitlines()
            if x.startswith("package ")
        )

    monkeypatch.delenv("GOPACKAGE", raising=False)
    assert package() == "package main"
    monkeypatch.setenv("GOPACKAGE", "agent")
    assert package() == "package agent"
    assert package("--go-package", "flow") == "package flow"


def test_json_of_the_design(flow: Path) -> None:
    Path("c.h").write_text(
        "#include <linux/types.h>\nstruct config { __u32 rate_limit; __u32 timeout_ms; __u8 enabled; };\n"
        "struct two { __u8 a[4][6]; unsigned b : 3; unsigned : 0; union { int c; struct { char d; } e; }; __u16 flex[]; };\n"
    )
    document = json.loads(run("layout", "c.h", "--format", "json").out)
    assert (document["version"], document["abi"]) == (1, "bpfel")
    config, two = document["records"]
    assert {k: config[k] for k in ("name", "kind", "size", "align", "packed", "path", "line")} == {
        "name": "config", "kind": "struct", "size": 12, "align": 4, "packed": False, "path": "c.h", "line": 2,
    }  # fmt: skip
    assert config["members"][0] == {
        "name": "rate_limit", "type": "__u32", "bit_offset": 0, "bit_size": 32, "bitfield": False,
    }  # fmt: skip
    assert config["padding"] == [
        {"kind": "tail", "bit_offset": 72, "bit_size": 24, "after": "enabled"}
    ]
    members = two["members"]
    assert [m["name"] for m in members] == ["a", "b", None, None, "flex"]
    assert members[0]["type"] == "__u8[4][6]"
    assert (members[2]["bit_size"], members[2]["bitfield"]) == (0, True)
    assert [m["name"] for m in members[3]["record"]["members"]] == ["c", "e"]
    assert members[3]["record"]["members"][1]["record"]["members"][0]["bit_offset"] == 0
    assert members[4]["bit_size"] == 0


def test_a_damaged_cache_does_no_harm(flow: Path) -> None:
    Path("s.mapschema").write_text("struct s { u32 x; }\n")
    cache = Path("cache").absolute()

    def compiled(out: str, **more: str) -> dict[str, bytes]:
        ran = subprocess.run(
            [sys.executable, "-m", "mapschema", "compile", "s.mapschema", "-o", out],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "XDG_CACHE_HOME": str(cache), **more},
        )
        assert "error" not in ran.stderr
        assert "Traceback" not in ran.stderr
        return {p.name: p.read_bytes() for p in Path(out).iterdir()}

    first = compiled("one", MAPSCHEMA_NO_CACHE="1")
    assert not cache.exists()
    assert compiled("two") == first
    kept = list((cache / "mapschema").iterdir())
    assert kept
    for how in (b"", b"garbage", None):
        for file in kept:
            data = file.read_bytes()
            file.write_bytes(data[: len(data) // 2] if how is None else how)
        assert compiled("three") == first
    for file in kept:
        file.unlink(missing_ok=True)
    cache.chmod(0o500)
    assert compiled("four", XDG_CACHE_HOME="relative") == first


@pytest.mark.parametrize("name", ["s.h", "s.mapschema"])
@pytest.mark.parametrize(
    "text", ["struct a { __int128 x : 5; };", "struct a { int b; __int128 x; };"]
)
def test_a_type_that_the_abi_lacks(name: str, text: str, flow: Path) -> None:
    Path(name).write_text(text)
    result = run("layout", name, "--abi", "386")
    assert result.status == 2
    assert (
        f"{name}:1:{text.index('x') + 1}: error[MS021]: __int128 is not supported on 386"
        in result.err
    )
    assert run("layout", name).status == 0


@pytest.mark.parametrize("name", ["s.h", "s.mapschema"])
def test_an_enum_of_a_type_that_the_abi_lacks(name: str, flow: Path) -> None:
    Path(name).write_text("enum e : __int128 { A = 1 }; struct a { enum e x; };")
    result = run("layout", name, "--abi", "386")
    assert result.status == 2
    assert f"{name}:1:" in result.err
    assert "error[MS021]: __int128 is not supported on 386" in result.err
    compiled = run("compile", name, "-o", "out")
    assert compiled.status == 0, compiled.err
    assert "// e has no Go type: Go has no 16-byte integer." in Path("out/s_layout.go").read_text()
    assert "e: Go has no 16-byte integer" in Path("out/s_report.txt").read_text()
