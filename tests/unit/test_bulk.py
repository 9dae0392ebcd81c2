"""A large header read as text gives what reading it by tokens gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mapschema.frontends.c import bulk
from support.clang import record_layouts
from support.cli import run

STYLE = """#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

typedef unsigned char __u8;

typedef unsigned int __u32;

typedef __u32 u32;

typedef _Bool bool;

typedef u32 mac_t[6];

typedef void (*callback_t)(int, struct later *);

typedef int function_t(void *, u32);

typedef struct {} empty_t;

typedef struct {
	int counter;
} atomic_t;

enum {
	false = 0,
	true = 1,
};

enum sizes {
	SMALL = 3,
	LARGE = 7,
};

struct empty {};

struct packed_one {
	u32 a;
	bool b;
} __attribute__((packed));

struct outer {
	struct nested {
		u32 x;
	} inner;
	atomic_t count;
	struct packed_one p[LARGE];
	callback_t fn;
	function_t *fp;
	mac_t mac;
	int (*ops)(struct outer *, enum sizes);
	long: 32;
	unsigned int bits: 3;
	union {
		u32 v4;
		__u8 v6[16];
	};
};

struct forward;

%s
#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif
"""
FILLER = "".join(
    f"struct filler_{i} {{\n\tu32 member_{i};\n\tu32 another_member_with_a_long_name_{i}[16];\n\tu32 a_third_member_of_the_filler_{i};\n\tstruct filler_{max(0, i - 1)} *next;\n}};\n\n"
    for i in range(800)
)
HEADER = STYLE % FILLER
PROGRAM = """#include "vmlinux.h"
struct mine { struct outer o; struct nested n; atomic_t a; u32 size[LARGE]; bool flag; struct filler_700 *p; empty_t e; };
"""


def read(tmp_path: Path, name: str, *flags: str) -> object:
    result = run("layout", tmp_path / name, "--format", "json", *flags)
    assert result.status == 0, result.err
    return json.loads(result.out)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "vmlinux.h").write_text(HEADER)
    (tmp_path / "prog.bpf.c").write_text(PROGRAM)
    assert len(HEADER) > bulk.MINIMUM
    return tmp_path


def used(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Notes for each stretch whether it stayed text."""
    seen: list[bool] = []
    original = bulk.BulkText.is_plain

    def watched(self: bulk.BulkText) -> bool:
        seen.append(original(self))
        return seen[-1]

    monkeypatch.setattr(bulk.BulkText, "is_plain", watched)
    return seen


@pytest.mark.parametrize("flags", [(), ("--all",)])
def test_the_same(files: Path, flags: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = used(monkeypatch)
    fast = read(files, "prog.bpf.c", *flags)
    assert seen == [True]
    monkeypatch.setattr(bulk, "MINIMUM", 1 << 40)
    assert read(files, "prog.bpf.c", *flags) == fast
    assert seen == [True]


def test_as_clang(files: Path) -> None:
    (files / "own.c").write_text(PROGRAM)
    (record,) = [r for r in read(files, "own.c")["records"] if r["name"] == "mine"]  # type: ignore[index]
    truth = record_layouts(
        PROGRAM + "char use[sizeof(struct mine)];", "bpfel", "-std=gnu17", "-I", str(files)
    )["struct mine"]
    assert (record["size"], tuple(m["bit_offset"] for m in record["members"])) == (
        truth.size,
        truth.offsets,
    )


@pytest.mark.parametrize(
    ("name", "change", "stays"),
    [
        ("a macro that is used", ("#define __VMLINUX_H__", "#define __VMLINUX_H__\n#define member_7 renamed"), False),
        ("a macro with an underscore", ("#define __VMLINUX_H__", "#define __VMLINUX_H__\n#define __u32 __u32_renamed"), False),
        ("a macro that is not used", ("#define __VMLINUX_H__", "#define __VMLINUX_H__\n#define nowhere 1"), True),
        ("a function", ("struct forward;", "static inline int f(void)\n{\n\treturn 1;\n}\n"), False),
        ("a variable", ("struct forward;", "struct {\n\tint x;\n} variable;"), False),
        ("several on a line", ("struct forward;", "struct s1 { struct s2 { int x; } y; };"), False),
        ("pack", ("struct forward;", "\n#pragma pack(1)\nstruct tight {\n\t__u8 a;\n\tu32 b;\n};\n"), True),
    ],
)  # fmt: skip
def test_other_styles(
    name: str, change: tuple[str, str], stays: bool, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert change[0] in HEADER
    (files / "vmlinux.h").write_text(HEADER.replace(*change))
    seen = used(monkeypatch)
    fast = read(files, "prog.bpf.c", "--all")
    if not stays and name.startswith("a macro"):
        assert seen == [True]  # plain, but it has to be expanded
    else:
        assert seen == [stays]
    monkeypatch.setattr(bulk, "MINIMUM", 1 << 40)
    assert read(files, "prog.bpf.c", "--all") == fast


def test_a_mistake_in_it_has_its_place(files: Path) -> None:
    (files / "vmlinux.h").write_text(HEADER.replace("\tatomic_t count;", "\tatomik_t count;"))
    result = run("layout", files / "prog.bpf.c")
    assert result.status == 2
    line = HEADER[: HEADER.index("\tatomic_t count;")].count("\n") + 1
    assert (
        f"vmlinux.h:{line}:2: error[MS011]: unknown type 'atomik_t', did you mean 'atomic_t'?"
        in result.err
    )
    assert "    \tatomik_t count;\n    \t^~~~~~~~" in result.err
