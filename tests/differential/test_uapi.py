"""The kernel's UAPI headers, as they come in the ziglang wheel: every record as clang lays it out."""

from __future__ import annotations

import json
import os
import re

import pytest

from mapschema.frontends.c import preprocessor
from support.clang import libc_includes, record_layouts, run_clang, zig_folder
from support.cli import run

LINUX = zig_folder() / "lib" / "libc" / "include" / "any-linux-any" / "linux"
HEADERS = sorted(LINUX.glob("*.h"))
# one in four is enough for each run; MAPSCHEMA_UAPI=1 takes them all
STEP = 1 if os.environ.get("MAPSCHEMA_UAPI") else 4
PARTS = 4


@pytest.mark.parametrize("part", range(PARTS))
def test_headers(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        preprocessor, "system_folders", lambda: ()
    )  # the wheel's alone, as for clang
    includes = [w for w in libc_includes() if w not in ("-nostdinc", "-isystem")]
    system = [word for folder in includes for word in ("-isystem", folder)]
    checked = refused = 0
    for header in HEADERS[part * STEP :: PARTS * STEP]:
        alone = run_clang(
            "-target",
            "bpfel",
            "-x",
            "c",
            "-std=gnu17",
            "-w",
            *libc_includes(),
            "-fsyntax-only",
            str(header),
        )
        if alone.returncode:
            refused += 1
            continue
        result = run("layout", header, "--all", "--format", "json", *system)
        assert result.status == 0, f"{header.name}: {result.err[:2000]}"
        records = json.loads(result.out)["records"]
        names = [f"{r['kind']} {r['name']}" for r in records]
        head = f'#include "{header}"\n'

        def uses(spelled: list[str], head: str = head) -> str:
            return head + "".join(
                f"extern char use_{i}[sizeof({n}) + 1];\n" for i, n in enumerate(spelled)
            )

        probe = run_clang("-target", "bpfel", "-x", "c", "-std=gnu17", "-w", "-ferror-limit=0", *libc_includes(),
                          "-fsyntax-only", "-", stdin=uses(names))  # fmt: skip
        for at in set(re.findall(r"use_(\d+)", probe.stderr)):  # no tag: the typedef's name
            names[int(at)] = records[int(at)]["name"]
        truth = record_layouts(uses(names), "bpfel", "-std=gnu17", *libc_includes())
        for name, record in zip(names, records, strict=True):
            offsets = tuple(m["bit_offset"] for m in record["members"])
            theirs = truth[name]
            assert (record["size"], record["align"], offsets) == (theirs.size, theirs.align, theirs.offsets), (
                header.name, name,
            )  # fmt: skip
            checked += 1
    assert checked > 100
    assert refused < 30
