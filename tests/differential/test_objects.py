"""Objects that clang made: the records and maps in their BTF are those of the source."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from mapschema.abi import BPFEL
from mapschema.diagnostics import Diagnostics
from mapschema.frontends.c import kerneltypes
from mapschema.layout import Layouts
from mapschema.readers.btf import STRUCT, UNION, Btf
from mapschema.readers.objects import btf_section, read_object
from support.clang import record_layouts, run_clang
from support.cli import run
from support.records import RandomRecords

SEEDS = range(max(2, int(os.environ.get("MAPSCHEMA_RANDOM_SOURCES", "4"))))


def build(source: str, target: str, folder: Path, *flags: str) -> Path:
    (folder / "x.c").write_text(source)
    made = run_clang(
        "-target",
        target,
        "-O2",
        "-g",
        "-w",
        "-std=gnu2x",
        *flags,
        "-c",
        str(folder / "x.c"),
        "-o",
        str(folder / "x.o"),
    )
    assert made.returncode == 0, made.stderr
    return folder / "x.o"


def layout(path: Path, *flags: str) -> dict[str, Any]:
    result = run("layout", path, "--format", "json", *flags)
    assert result.status == 0, result.err
    document: dict[str, Any] = json.loads(result.out)
    return document


@pytest.mark.parametrize("target", ["bpfel", "bpfeb"])
@pytest.mark.parametrize("seed", SEEDS)
def test_random_records(seed: int, target: str, tmp_path: Path) -> None:
    writer = RandomRecords(seed + 2000, int128=True)
    for _ in range(40):
        writer.record()
    text = "struct opaque;\n" + "\n".join(writer.text) + "\n"
    names = [r for r in writer.records if Layouts(BPFEL).record(r).size]
    keep = "".join(f"{r.spelling} *keep_{r.name};\n" for r in names)
    path = build(text + keep, target, tmp_path)
    truth = record_layouts(text, target)
    found = {
        f"{r['kind']} {r['name']}": r for r in layout(path, "--all", "--abi", target)["records"]
    }
    checked = 0
    for record in names:
        mine, theirs = found[record.spelling], truth[record.spelling]
        # BTF has no unnamed bit-fields; all other members are there, in order
        named = [
            o
            for m, o in zip(record.members, theirs.offsets, strict=True)
            if m.name or not m.is_bitfield
        ]
        ours = [
            m["bit_offset"]
            for m in mine["members"]
            if (m["name"] and not m["name"].startswith("_pad"))
            or (not m["name"] and not m["bitfield"])
        ]
        assert (mine["size"], ours) == (theirs.size, named), record.spelling
        checked += 1
    assert checked >= 30


MAPS = """
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, val) int (*name)[val]
#define __type(name, val) typeof(val) *name
#define __array(name, val) typeof(val) *name[]
#define __ulong(name, val) enum { __unique_##name = val } name
typedef unsigned int __u32; typedef unsigned long long __u64;
struct key { __u32 a; unsigned char b; } __attribute__((packed));
struct value { __u64 n; enum { X, Y } e : 3; union { int i; float f; }; };
struct inner { __uint(type, 1); __uint(max_entries, 4); __type(key, __u32); __type(value, struct value); };
int prog(void *ctx);
struct { __uint(type, 9); __uint(max_entries, 10000); __type(key, struct key); __type(value, struct value); __uint(pinning, 1); } flows SEC(".maps");
struct { __uint(type, 27); __uint(max_entries, 4096); } events SEC(".maps");
struct { __uint(type, 13); __uint(max_entries, 8); __type(key, __u32); __array(values, struct inner); } outer SEC(".maps");
struct { __uint(type, 3); __uint(max_entries, 8); __uint(key_size, 4); __array(values, int (void *)); } progs SEC(".maps");
struct { __uint(type, 33); __uint(map_flags, 1024); __uint(max_entries, 10); __ulong(map_extra, 0x100000000); } arena SEC(".maps");
struct { __uint(type, 30); __uint(max_entries, 8); __uint(value_size, sizeof(struct value)); __uint(map_extra, 3); } bloom SEC(".maps");
"""


def test_maps_are_those_of_the_source(tmp_path: Path) -> None:
    path = build(MAPS, "bpfel", tmp_path)

    def bare(item: dict[str, Any]) -> dict[str, Any]:
        kept = {k: v for k, v in item.items() if k not in ("path", "line", "inner", "carries")}
        kept["inner"] = bare(item["inner"]) if item["inner"] else None
        return kept

    ours = {m["name"]: bare(m) for m in layout(tmp_path / "x.c")["maps"]}
    theirs = {m["name"]: bare(m) for m in layout(path)["maps"]}
    assert theirs == ours
    assert len(ours) == 6
    assert ours["arena"]["map_extra"] == 1 << 32


def test_an_object_compiles_and_compares(tmp_path: Path) -> None:
    path = build(MAPS, "bpfel", tmp_path)
    result = run("compile", path, "-o", tmp_path / "out", "--go-package", "x")
    assert result.status == 0, result.err
    assert "type Key struct" in (tmp_path / "out" / "x_layout.go").read_text()
    same = run("compare", tmp_path / "x.c", path)
    assert (same.status, same.out) == (0, "")
    (tmp_path / "y.c").write_text(MAPS.replace("unsigned char b;", "unsigned short b;"))
    other = run("compare", tmp_path / "y.c", path)
    assert other.status == 1
    assert "b has 2 bytes on the left, 1 on the right" in other.out


def test_split_btf() -> None:
    """Ids and names of a module go on where the base ends."""
    import struct as packing

    def blob(types: bytes, strings: bytes) -> bytes:
        return (
            packing.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(types), len(types), len(strings))
            + types
            + strings
        )

    base = Btf(blob(packing.pack("<IIII", 1, 1 << 24, 4, 1 << 24 | 32), b"\0int\0"), Layouts(BPFEL))
    module = packing.pack("<III", 5, STRUCT << 24 | 1, 4) + packing.pack("<III", 7, 1, 0)
    btf = Btf(blob(module, b"s\0x\0"), Layouts(BPFEL), base)
    made = btf.type(2)
    assert getattr(made, "name", None) == "s"
    assert getattr(made, "members", ())[0].name == "x"
    assert UNION == STRUCT + 1


@pytest.mark.parametrize("seed", range(int(os.environ.get("MAPSCHEMA_DAMAGED_OBJECTS", "60"))))
def test_damaged_objects(seed: int, tmp_path: Path, objects: dict[str, bytes]) -> None:
    """Any byte may lie: the answer is a diagnostic or a schema, soon."""
    chosen = random.Random(seed)
    data = bytearray(objects["btf" if seed % 2 else "elf"])
    for _ in range(chosen.choice((1, 2, 8, 64))):
        data[chosen.randrange(len(data))] = chosen.choice(
            (0, 1, 0x7F, 0x80, 0xFF, chosen.randrange(256))
        )
    if chosen.random() < 0.3:
        del data[chosen.randrange(len(data)) :]
    diagnostics = Diagnostics()
    schema = read_object("x.o", bytes(data), diagnostics, stem="x", everything=True)
    assert schema is not None or diagnostics.has_errors


@pytest.fixture(scope="session")
def objects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    elf = build(MAPS, "bpfel", tmp_path_factory.mktemp("objects")).read_bytes()
    return {"elf": elf, "btf": btf_section(elf)}


def test_the_kernels_own_btf(kernel: None) -> None:
    """Thousands of records, each at the places and of the size that BTF gives."""
    data = Path("/sys/kernel/btf/vmlinux").read_bytes()
    btf = Btf(data, Layouts(BPFEL))
    checked = 0
    for type_id in range(1, btf.count):
        kind, _, vlen, flag, size, at = btf.raw(type_id)
        if kind not in (STRUCT, UNION):
            continue
        made = btf.type(type_id)
        layout = Layouts(BPFEL).record(made)  # type: ignore[arg-type]
        offsets = [o & 0xFFFFFF if flag else o for _, _, o in btf.fields(type_id, "III", at, vlen)]
        assert layout.size == size
        assert [s.bit_offset for s in layout.slots if not s.member.is_pad] == offsets
        checked += 1
    assert checked > 5000


KERNEL = """
typedef unsigned int __u32; typedef __u32 u32; typedef unsigned long long u64; typedef _Bool bool;
typedef struct { int counter; } atomic_t;
enum { TASK_COMM_LEN = 16 };
struct sockaddr { unsigned short family; char data[14]; };
struct task { u32 pid; u64 start; atomic_t usage; struct task *parent; } __attribute__((aligned(64)));
struct task one; struct sockaddr two; bool three; char four[TASK_COMM_LEN]; int len = TASK_COMM_LEN;
int f(void) { enum { X = 3 } x = X; return x; }
"""


def test_a_missing_vmlinux_is_the_machines_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = build(
        KERNEL.replace("enum {", "enum lengths {", 1).replace("int len", "enum lengths len"),
        "bpfel",
        tmp_path,
        "-std=gnu17",
    )
    (tmp_path / "btf").write_bytes(btf_section(made.read_bytes()))
    monkeypatch.setattr(kerneltypes, "KERNEL_BTF", str(tmp_path / "btf"))
    kerneltypes.kernel_types.cache_clear()
    source = """#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
struct event { u32 pid; u64 at; char comm[TASK_COMM_LEN]; struct sockaddr from; struct task t; bool ok; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, u32); __type(value, struct event); } m SEC(".maps");
"""
    (tmp_path / "prog.bpf.c").write_text(source)
    result = run("layout", tmp_path / "prog.bpf.c", "--format", "json")
    assert result.status == 0, result.err
    assert (
        "prog.bpf.c:1:10: warning[MS006]: 'vmlinux.h' not found; its types come from this machine's own kernel"
        in result.err
    )
    document = json.loads(result.out)
    (event,) = [r for r in document["records"] if r["name"] == "event"]
    types = KERNEL.split("struct task one")[0]
    truth = record_layouts(
        types + source.split("\n")[2] + "char use[sizeof(struct event)];", "bpfel", "-std=gnu17"
    )["struct event"]
    assert (event["size"], tuple(m["bit_offset"] for m in event["members"])) == (
        truth.size,
        truth.offsets,
    )
    assert document["maps"][0]["value_size"] == truth.size
    (tmp_path / "wrong.bpf.c").write_text('#include "vmlinux.h"\nstruct a { struct tsk t; };\n')
    assert run("layout", tmp_path / "wrong.bpf.c").status == 2
    monkeypatch.setattr(kerneltypes, "KERNEL_BTF", str(tmp_path / "nothing"))
    kerneltypes.kernel_types.cache_clear()
    missing = run("layout", tmp_path / "prog.bpf.c")
    assert missing.status == 2
    assert "warning[MS005]: 'vmlinux.h' not found; going on without it" in missing.err
