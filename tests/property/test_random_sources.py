"""Random C through the whole command: clang judges reading and the C header, Go the Go file."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mapschema.abi import ABIS
from support import golang
from support.clang import record_layouts, run_clang
from support.cli import run
from support.records import RandomRecords, schema_text

SEEDS = range(max(2, int(os.environ.get("MAPSCHEMA_RANDOM_SOURCES", "4"))))
RECORDS = 40


def source_text(seed: int, *, int128: bool) -> tuple[str, str]:
    """The source for mapschema, and the same with what clang needs for its answer."""
    writer = RandomRecords(seed, int128=int128)
    for _ in range(RECORDS):
        writer.record()
    ours = (
        "struct opaque;\n" + "\n".join(x for x in writer.text if not x.startswith("extern")) + "\n"
    )
    return ours, "struct opaque;\n" + "\n".join(writer.text) + "\n"


@pytest.mark.parametrize("seed", SEEDS)
def test_reading_is_clangs(seed: int, tmp_path: Path) -> None:
    for int128, names in (
        (True, [n for n in ABIS if n not in ("386", "arm")]),
        (False, ["386", "arm"]),
    ):
        ours, theirs = source_text(seed, int128=int128)
        (tmp_path / "r.h").write_text(ours)
        for name in names:
            truth = record_layouts(theirs, ABIS[name].clang_target)
            result = run("layout", tmp_path / "r.h", "--format", "json", "--abi", name)
            assert result.status == 0, result.err
            records = {r["name"]: r for r in json.loads(result.out)["records"]}
            checked = 0
            for spelled, layout in truth.items():
                kind, _, tag = spelled.partition(" ")
                if tag not in records or "::" in spelled:
                    continue
                record = records[tag]
                offsets = tuple(m["bit_offset"] for m in record["members"])
                assert (record["kind"], record["size"], record["align"], offsets) == (
                    kind, layout.size, layout.align, layout.offsets,
                ), spelled  # fmt: skip
                checked += 1
            assert checked == len(records) == RECORDS


@pytest.mark.parametrize("seed", SEEDS)
def test_the_dsl_says_the_same(seed: int, tmp_path: Path) -> None:
    writer = RandomRecords(seed + 1000, int128=True)
    for _ in range(RECORDS):
        writer.record()
    (tmp_path / "r.mapschema").write_text(schema_text(writer.items))
    theirs = "struct opaque;\n" + "\n".join(writer.text) + "\n"
    for name in ("bpfel", "s390x", "arm64"):
        truth = record_layouts(theirs, ABIS[name].clang_target)
        result = run("layout", tmp_path / "r.mapschema", "--format", "json", "--abi", name)
        assert result.status == 0, result.err
        records = json.loads(result.out)["records"]
        assert len(records) == RECORDS
        for record in records:
            layout = truth[f"{record['kind']} {record['name']}"]
            offsets = tuple(m["bit_offset"] for m in record["members"])
            assert (record["size"], record["align"], offsets) == (
                layout.size,
                layout.align,
                layout.offsets,
            ), record["name"]


@pytest.mark.parametrize("seed", SEEDS)
def test_outputs_are_taken_by_clang_and_go(seed: int, tmp_path: Path) -> None:
    ours, theirs = source_text(seed, int128=True)
    (tmp_path / "r.h").write_text(ours)
    out = golang.new_module(tmp_path / "out")
    result = run("compile", tmp_path / "r.h", "-o", out, "--go-package", "random")
    assert result.status == 0, result.err
    header = (out / "r_layout.h").read_text()
    assert (
        header.count("_Static_assert(sizeof(struct ") + header.count("_Static_assert(sizeof(union ")
        >= RECORDS
    )

    # the header lays every record out as the source did, on bpf
    uses = "".join(
        line + "\n" for line in theirs.splitlines() if line.startswith("extern char use_")
    )
    again = record_layouts(_without_includes(header) + uses, "bpfel")
    truth = record_layouts(theirs, "bpfel")
    for spelled, layout in truth.items():
        if "::" not in spelled and spelled in again:
            assert (again[spelled].size, again[spelled].align) == (layout.size, layout.align), (
                spelled
            )
    assert (
        run_clang(
            "-target",
            "bpfel",
            "-x",
            "c",
            "-std=gnu2x",
            "-fsyntax-only",
            "-",
            stdin=_without_includes(header),
        ).returncode
        == 0
    )

    golang.check_builds(out)


def _without_includes(header: str) -> str:
    types = (
        "typedef unsigned char __u8; typedef unsigned short __u16; typedef unsigned int __u32;"
        "typedef unsigned long long __u64;\n"
    )
    return types + header.replace("#include <linux/types.h>\n", "")
