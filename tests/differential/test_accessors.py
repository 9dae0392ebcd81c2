"""Bit-field accessors of the generated Go against the C compiler's own code, byte for byte.

A C program and a Go program fill each record with the same bytes, read every
bit-field, write it, and print the record.  The two must print the same.
MAPSCHEMA_GOARCH and MAPSCHEMA_EMULATOR run both for another architecture
(say s390x and qemu-s390x-static), where that emulator is installed.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from mapschema.abi import BPFEL
from mapschema.diagnostics import Diagnostics
from mapschema.frontends.c.preprocessor import COptions
from mapschema.golayout import GoPlan, plan_schemas
from mapschema.layout import Layouts
from mapschema.load import load
from support import golang
from support.clang import clang_command
from support.cli import run
from support.records import RandomRecords

GOARCH = os.environ.get("MAPSCHEMA_GOARCH", "amd64")
EMULATOR = os.environ.get("MAPSCHEMA_EMULATOR", "")
ZIG_TARGET = {
    "amd64": "x86_64-linux-musl",
    "s390x": "s390x-linux-musl",
    "arm64": "aarch64-linux-musl",
}
SEEDS = range(max(3, int(os.environ.get("MAPSCHEMA_RANDOM_SOURCES", "4"))))


def plan_of(path: Path) -> GoPlan:
    diagnostics = Diagnostics()
    schema = load(str(path), COptions(), diagnostics)
    assert schema is not None
    assert not diagnostics.has_errors
    (plan,) = plan_schemas([schema], Layouts(BPFEL), {})
    return plan


def values(width: int, signed: bool, is_bool: bool) -> list[int]:
    """Values to store: all ones, one bit, a pattern."""
    if is_bool:
        return [1, 0]
    ones = -1 if signed else (1 << width) - 1
    return [ones, 0, 1 if width > 1 else 0]


def programs(plan: GoPlan) -> tuple[str, str, int]:
    """The bodies of main() in C and in Go, and the number of bit-fields they touch."""
    c: list[str] = []
    go: list[str] = []
    count = 0
    for item in plan.records:
        record = item.record
        if not record.name or item.is_union:
            continue
        bits = [a for a in item.accessors if a.kind == "bits"]
        if not bits:
            continue
        c.append(f"\t{{ {record.spelling} r; fill(&r, sizeof r);")
        go.append(
            f"\t{{\n\t\tvar r {item.name}\n\t\tfill(unsafe.Slice((*byte)(unsafe.Pointer(&r)), unsafe.Sizeof(r)))"
        )
        for accessor in bits:
            name, member = accessor.name, accessor.member
            if accessor.is_bool:
                # what lies there may be no valid bool's bits: only store
                pass
            else:
                kind = "signed" if accessor.signed else "unsigned"
                c.append(f'\t\tprintf("%lld\\n", (long long)({kind} long long)r.{member});')
                go.append(f"\t\tfmt.Println(int64(r.{name}()))")
            for value in values(accessor.bit_width, accessor.signed, accessor.is_bool):
                literal = f"{value}" if value >= 0 else f"({value})"
                c.append(
                    f"\t\tr.{member} = {literal}{'ULL' if value >= 0 else ''}; show(&r, sizeof r);"
                )
                argument = (
                    "true"
                    if accessor.is_bool and value
                    else "false"
                    if accessor.is_bool
                    else literal
                )
                go.append(
                    f"\t\tr.Set{name}({argument})\n\t\tshow(unsafe.Slice((*byte)(unsafe.Pointer(&r)), unsafe.Sizeof(r)))"
                )
            count += 1
        c.append("\t}")
        go.append("\t}")
    return "\n".join(c), "\n".join(go), count


C_HEAD = """
#include <stdio.h>
static void fill(void *p, unsigned long n) { unsigned char *b = p; for (unsigned long i = 0; i < n; i++) b[i] = (unsigned char)(i * 37 + 11); }
static void show(void *p, unsigned long n) { unsigned char *b = p; for (unsigned long i = 0; i < n; i++) printf("%02x", b[i]); printf("\\n"); }
"""
GO_HEAD = """package main

import (
	"fmt"
	"unsafe"
)

func fill(b []byte) {
	for i := range b {
		b[i] = byte(i*37 + 11)
	}
}

func show(b []byte) {
	fmt.Printf("%x\\n", b)
}

var _ unsafe.Pointer

func main() {
"""


@pytest.mark.parametrize("seed", SEEDS)
def test_bit_fields(seed: int, tmp_path: Path) -> None:
    writer = RandomRecords(seed + 500, int128=False, long_double=False)
    for _ in range(40):
        writer.record()
    text = (
        "struct opaque;\n" + "\n".join(x for x in writer.text if not x.startswith("extern")) + "\n"
    )
    (tmp_path / "r.h").write_text(text)
    compare_programs(text, tmp_path, 8)


TRICKY = """
struct vlan { unsigned long long t; unsigned char pad; unsigned short vlan : 12, prio : 3; };
struct tcp { unsigned short res1 : 4, doff : 4, fin : 1, syn : 1, rst : 1, psh : 1, ack : 1, urg : 1, ece : 1, cwr : 1; };
struct sg { int a : 3; int b : 17; int c : 12; signed char d : 5; unsigned long long e : 61; };
struct __attribute__((packed)) odd { unsigned char x; unsigned int a : 5; unsigned int b : 30; unsigned long long c : 63; unsigned char y; };
struct nested { struct { unsigned a : 4; unsigned b : 28; }; unsigned char z; unsigned c : 7; };
enum col { RED, GREEN = 5 };
struct en { enum col c : 3; unsigned d : 29; _Bool f : 1; _Bool g : 1; unsigned char h; };
struct wide { unsigned long long a : 64; long long b : 33; long long c : 31; };
struct split { unsigned a : 8; unsigned b : 8; unsigned c : 16; unsigned : 0; unsigned d : 1; };
"""


def test_tricky_bit_fields(tmp_path: Path) -> None:
    (tmp_path / "r.h").write_text(TRICKY)
    compare_programs(TRICKY, tmp_path, 30)


def compare_programs(text: str, tmp_path: Path, at_least: int) -> None:
    c, go, count = programs(plan_of(tmp_path / "r.h"))
    assert count >= at_least
    folder = golang.new_module(tmp_path / "go")
    result = run("compile", tmp_path / "r.h", "-o", folder, "--emit", "go")
    assert result.status == 0, result.err
    (folder / "main.go").write_text(f"{GO_HEAD}{go}\n}}\n")
    built = golang.run_go("build", "-o", "prog", ".", cwd=folder, GOARCH=GOARCH, CGO_ENABLED="0")
    assert built.returncode == 0, built.stderr
    (tmp_path / "prog.c").write_text(f"{C_HEAD}{text}\nint main(void) {{\n{c}\n\treturn 0;\n}}\n")
    # plain char as on bpf; no sanitizers, since members are misaligned on purpose
    compiled = subprocess.run(
        [*clang_command()[:1], "cc", "-target", ZIG_TARGET[GOARCH], "-std=gnu2x", "-w", "-O1", "-fno-sanitize=all", "-fsigned-char", "-static",
         "-o", str(tmp_path / "cprog"), str(tmp_path / "prog.c")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert compiled.returncode == 0, compiled.stderr
    emulator = [EMULATOR] if EMULATOR else []
    theirs = subprocess.run(
        [*emulator, str(tmp_path / "cprog")], capture_output=True, text=True, check=True
    ).stdout
    ours = subprocess.run(
        [*emulator, str(folder / "prog")], capture_output=True, text=True, check=True
    ).stdout
    if ours != theirs:
        pairs = zip(ours.splitlines(), theirs.splitlines(), strict=False)
        line = next((i for i, (a, b) in enumerate(pairs) if a != b), -1)
        statements = [s for s in c.splitlines() if "printf" in s or "show" in s]
        pytest.fail(
            f"{statements[line]}\nGo: {ours.splitlines()[line]}\nC:  {theirs.splitlines()[line]}"
        )
