"""The stand-ins say what the real headers say, and are enough for the document's sources."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mapschema.abi import ABIS
from mapschema.diagnostics import Diagnostics
from mapschema.frontends.c import COptions, CUnit, standins
from mapschema.frontends.c import preprocessor as pp
from mapschema.layout import Layouts
from mapschema.source import SourceFile
from mapschema.types import Record
from support.clang import libc_includes, record_layouts, run_clang
from support.cli import run
from support.seed import Block, blocks

HEADERS = sorted(n for n in standins.NAMES if n.startswith("linux/") and standins.read(n))
TOO_NEW = {"bpf_task_work", "bpf_wq", "bpf_refcount"}  # perhaps not in the wheel's headers


def unit(name: str) -> CUnit:
    diagnostics = Diagnostics()
    text = f"#include <{name}>\n"
    made = CUnit(SourceFile("x.h", text), COptions(system_folders=()), diagnostics)
    assert [d for d in diagnostics if d.severity == "error"] == []
    return made


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("abi", ["bpfel", "bpfeb"])
def test_records(name: str, abi: str) -> None:
    made = CUnit(
        SourceFile("x.h", f"#include <{name}>\n"),
        COptions(system_folders=(), abi=abi),
        Diagnostics(),
    )
    layouts = Layouts(ABIS[abi])
    records = [
        r
        for tag in made.index.tags
        if isinstance(r := made.lowerer.record_or_enum(tag, None), Record)
    ]
    head = f"#include <{name}>\n"
    includes = libc_includes("s390x" if abi == "bpfeb" else "x86")
    probe = run_clang("-target", abi, "-x", "c", "-w", *includes, "-fsyntax-only", "-",
                      stdin=head + "".join(f"char use_{r.name}[sizeof({r.spelling})];\n" for r in records))  # fmt: skip
    unknown = set(re.findall(r"use_(\w+)\[", probe.stderr))
    assert unknown <= TOO_NEW, probe.stderr
    known = [r for r in records if r.name not in unknown]
    truth = record_layouts(
        head + "".join(f"char use_{r.name}[sizeof({r.spelling})];\n" for r in known),
        abi,
        *includes,
    )
    for record in known:
        layout = layouts.record(record)
        offsets = tuple(s.bit_offset for s in layout.slots)
        theirs = truth[record.spelling]
        assert (layout.size, layout.align, offsets) == (
            theirs.size,
            theirs.align,
            theirs.offsets,
        ), record.spelling
    assert known or name == "linux/types.h"


def test_constants() -> None:
    """Every enumerator and number of the stand-in <linux/bpf.h> has the real value."""
    made = unit("linux/bpf.h")
    names = [n for n in made.index.enumerators if made.lowerer.enumerator(n) is not None]
    lines = [f'_Static_assert({n} == {made.lowerer.enumerator(n).value}, "{n}");' for n in names]  # type: ignore[union-attr]
    checked = run_clang("-target", "bpfel", "-x", "c", "-w", *libc_includes(), "-fsyntax-only", "-ferror-limit=0", "-",
                        stdin="#include <linux/bpf.h>\n" + "\n".join(lines))  # fmt: skip
    wrong = [x for x in checked.stderr.splitlines() if "error:" in x and "undeclared" not in x]
    assert wrong == []
    missing = set(re.findall(r"undeclared identifier '(\w+)'", checked.stderr))
    assert missing <= {"BPF_MAP_TYPE_INSN_ARRAY", "BPF_F_RB_OVERWRITE", "BPF_F_NO_USER_CONV"}
    assert len(names) > 60


def test_integer_types() -> None:
    for name in ("stdint.h", "stddef.h", "linux/types.h"):
        made = unit(name)
        lines = []
        for typedef in made.index.typedefs:
            found = made.lowerer.typedef(typedef)
            if found is None:
                continue
            size, align = made.lowerer.layouts.size_align(found)
            signed = int(made.lowerer.layouts.is_signed(found))
            lines.append(
                f"_Static_assert(sizeof({typedef}) == {size} && _Alignof({typedef}) == {align} && "
                f'(({typedef})-1 < 0) == {signed}, "{typedef}");'
            )
        include = "#include <stdint.h>\n#include <stddef.h>\n#include <linux/types.h>\n#include <sys/types.h>\n"
        checked = run_clang("-target", "bpfel", "-x", "c", "-w", *libc_includes(), "-I", "/nowhere", "-fsyntax-only", "-",
                            stdin=include.replace("#include <sys/types.h>\n", "typedef __SIZE_TYPE__ ssize_t_;\n") + "\n".join(x for x in lines if "ssize_t" not in x))  # fmt: skip
        errors = [x for x in checked.stderr.splitlines() if "error:" in x]
        assert errors == []
        assert len(lines) > 1


@pytest.mark.parametrize("seed", blocks("c"), ids=lambda b: b.title[:20])
def test_a_machine_without_headers(
    seed: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "flow.c"
    source.write_text(seed.code)
    with_headers = run("layout", source, "--format", "json")
    monkeypatch.setattr(pp, "system_folders", lambda: ())
    without = run("layout", source, "--format", "json")
    assert without.status == 0, without.err
    assert json.loads(without.out) == json.loads(with_headers.out)
