"""The document's blocks, unedited, through the command; clang and Go judge what comes out."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from support import golang
from support.clang import record_layouts, run_clang
from support.cli import run
from support.seed import Block, block, blocks

C_BLOCKS = blocks("c")
GO_BLOCKS = blocks("go")


def test_the_document_has_the_blocks_we_think() -> None:
    assert [b.title for b in C_BLOCKS] == [
        "1. Hash Map for Flow Tracking",
        "2. Array Map for Per-Interface Counters",
        "3. Ring Buffer for Events",
        "4. Per-CPU Hash Map for High-Performance Counters",
        "5. Configuration Map (Userspace → Kernel)",
        "C Code (bytecode/flow.c)",
    ]
    assert len(GO_BLOCKS) == 6


EXPECTED_MAPS = {
    "1.": ("flow_table", "LRU_HASH", 13, 32, 10000),
    "2.": ("interface_counters", "ARRAY", 4, 8, 256),
    "3.": ("events", "RINGBUF", 0, 0, 256 * 1024),
    "4.": ("percpu_stats", "PERCPU_HASH", 4, 8, 1024),
    "5.": ("cnf_config", "ARRAY", 4, 12, 1),
    "C ": ("flows", "LRU_HASH", 13, 32, 10000),
}


@pytest.mark.parametrize("seed", C_BLOCKS, ids=lambda b: b.title)
def test_c_block(seed: Block, tmp_path: Path, clang_bpf: list[str]) -> None:
    source = tmp_path / "flow.c"
    source.write_text(seed.code, encoding="utf-8")
    out = golang.new_module(tmp_path / "out")
    result = run("compile", source, "-o", out)
    assert result.status == 0, result.err
    assert "Traceback" not in result.err
    names = sorted(p.name for p in out.iterdir())
    assert [n for n in names if not n.startswith("go.")] == [
        "flow_bpf2go.txt", "flow_layout.go", "flow_layout.h", "flow_report.json", "flow_report.txt",
        "mapschema_types.go",
    ]  # fmt: skip

    # the C header compiles for bpf, with its assertions
    program = tmp_path / "program.c"
    program.write_text('#include "flow_layout.h"\nchar _license[] SEC("license") = "GPL";\n')
    built = run_clang(
        *clang_bpf, "-Wall", "-Wextra", "-Werror", "-I", str(out), "-c", str(program),
        "-o", str(tmp_path / "program.o"),
    )  # fmt: skip
    assert built.returncode == 0, built.stderr

    # the Go builds for every GOARCH and is as gofmt and vet want it
    main = out / "main.go"
    main.write_text("package main\n\nfunc main() {}\n")
    golang.check_builds(out, ("amd64", "386", "arm64", "arm", "s390x", "riscv64"))

    document = json.loads(run("layout", source, "--format", "json").out)
    (item,) = document["maps"]
    found = (item["name"], item["type"], item["key_size"], item["value_size"], item["max_entries"])
    assert found == EXPECTED_MAPS[seed.title[:2]]


def test_layouts_are_clangs(clang_bpf: list[str], tmp_path: Path) -> None:
    source = tmp_path / "flow.c"
    source.write_text(block("bytecode/flow.c").code)
    document = json.loads(run("layout", source, "--format", "json").out)
    uses = "".join(
        f"char use_{r['name']}[sizeof(struct {r['name']})];\n" for r in document["records"]
    )
    truth = record_layouts(source.read_text() + uses, "bpfel", *clang_bpf[4:])
    for record in document["records"]:
        theirs = truth[f"struct {record['name']}"]
        offsets = tuple(m["bit_offset"] for m in record["members"])
        assert (record["size"], record["align"], offsets) == (
            theirs.size,
            theirs.align,
            theirs.offsets,
        )


def test_the_key_of_the_document_is_found(tmp_path: Path) -> None:
    """Its Go key has 16 bytes, its C key 13."""
    (tmp_path / "flow.c").write_text(block("bytecode/flow.c").code)
    (tmp_path / "table.go").write_text(block("Reading from Hash Map").code)
    result = run("compile", tmp_path / "flow.c", "--against", tmp_path / "table.go", "-o", tmp_path)
    assert result.status == 1
    (finding,) = [line for line in result.out.splitlines() if "error[" in line]
    assert f"{tmp_path}/table.go:12:6: error[CMP501]" in finding
    assert "struct flow_key has 13 bytes in C, FlowKey has 16 in Go" in finding
    assert "Lookup, Put and Delete on flows fail" in finding
    report = (tmp_path / "flow_report.txt").read_text()
    assert "FlowKey has 16 in Go" in report
    document = json.loads((tmp_path / "flow_report.json").read_text())
    (entry,) = document["diagnostics"]
    assert (entry["rule"], entry["record"], entry["line"]) == ("CMP501", "flow_key", 12)


@pytest.mark.parametrize("go", GO_BLOCKS, ids=lambda b: b.title)
@pytest.mark.parametrize("c", C_BLOCKS, ids=lambda b: b.title[:2])
def test_go_blocks_are_read(go: Block, c: Block, tmp_path: Path) -> None:
    """Every Go block against every C block: only the 16-byte key is wrong."""
    (tmp_path / "flow.c").write_text(c.code)
    (tmp_path / "agent.go").write_text(go.code)
    result = run("compare", tmp_path / "flow.c", tmp_path / "agent.go")
    wrong = "type FlowKey struct" in go.code and "struct flow_key {" in c.code
    assert result.status == (1 if wrong else 0), result.out + result.err
    assert ("CMP501" in result.out) is wrong


def test_the_documents_own_go_mirrors_agree_with_go(tmp_path: Path) -> None:
    """unsafe.Sizeof of the document's types is what the comparison assumes."""
    sizes = {}
    for go in GO_BLOCKS:
        for name in ("FlowKey", "FlowStats", "Config", "PacketEvent"):
            if f"type {name} struct" in go.code:
                start = go.code.index(f"type {name} struct")
                sizes[name] = go.code[start : go.code.index("\n}\n", start) + 3]
    module = golang.new_module(tmp_path)
    prints = "".join(f'\tprintln("{n}", unsafe.Sizeof({n}{{}}))\n' for n in sorted(sizes))
    (module / "main.go").write_text(
        'package main\n\nimport "unsafe"\n\n'
        + "\n".join(sizes.values())
        + f"\nfunc main() {{\n{prints}}}\n"
    )
    ran = golang.run_go("run", ".", cwd=module)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr.split() == [
        "Config",
        "12",
        "FlowKey",
        "16",
        "FlowStats",
        "32",
        "PacketEvent",
        "24",
    ]


def test_a_fresh_process_does_the_same(tmp_path: Path) -> None:
    import sys

    (tmp_path / "flow.c").write_text(block("bytecode/flow.c").code)
    ran = subprocess.run(
        [sys.executable, "-m", "mapschema", "compile", "flow.c"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    again = run("compile", tmp_path / "flow.c", "-o", tmp_path, "--check")
    assert again.status == 0, again.out
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
