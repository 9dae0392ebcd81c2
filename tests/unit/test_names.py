"""Names that are keywords, collide, or are taken: the Go builds, the C header compiles, renames are said."""

from __future__ import annotations

from pathlib import Path

import pytest

from mapschema.gonames import Names, exported
from support import golang
from support.clang import libc_includes, run_clang
from support.cli import run

TRICKY = Path(__file__).parent.parent / "data" / "tricky_names.h"


def test_tricky_names(tmp_path: Path) -> None:
    out = golang.new_module(tmp_path)
    result = run("compile", TRICKY, "-o", out, "--go-package", "names")
    assert result.status == 0, result.err
    golang.check_builds(out)
    checked = run_clang(
        "-target",
        "bpfel",
        "-x",
        "c",
        "-fsyntax-only",
        "-Wall",
        *libc_includes(),
        str(out / "tricky_names_layout.h"),
    )
    assert checked.returncode == 0, checked.stderr
    report = (out / "tricky_names_report.txt").read_text()
    assert "type.fooBar: FooBar2, not FooBar" in report
    assert "ipv4_addr: IPv4Addr2, not IPv4Addr" in report
    assert "empty: it has no size" in report


@pytest.mark.parametrize(
    ("c", "go"),
    [
        ("src_ip", "SrcIP"), ("flow_key", "FlowKey"), ("fooBar", "FooBar"), ("ipv4_addr", "IPv4Addr"), ("DROP", "Drop"),
        ("tcp_flags", "TCPFlags"), ("timeout_ms", "TimeoutMs"), ("_", "X"), ("__x", "X"), ("2nd", "X2nd"), ("a$b", "AB"),
        ("vlan", "VLAN"), ("mac", "MAC"), ("TCP_SYN_SENT", "TCPSynSent"), ("cpu0", "Cpu0"), ("id", "ID"),
    ],
)  # fmt: skip
def test_exported(c: str, go: str) -> None:
    assert exported(c) == go


def test_taken_names_get_numbers() -> None:
    names = Names({"A"})
    assert [names.take("A", "a"), names.take("A", "A"), names.take("B", "b", "Set{}"), names.take("SetB", "set_b")] == [
        "A2", "A3", "B", "SetB2",
    ]  # fmt: skip
    assert names.renamed == [("a", "A", "A2"), ("A", "A", "A3"), ("set_b", "SetB", "SetB2")]
