"""The schema language: what the random tests don't write."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from support.cli import run

DATA = Path(__file__).parent.parent / "data"


def layout(tmp_path: Path, text: str, *flags: str) -> dict[str, Any]:
    path = tmp_path / "s.mapschema"
    path.write_text(text)
    result = run("layout", path, "--format", "json", *flags)
    assert result.status == 0, result.err
    document: dict[str, Any] = json.loads(result.out)
    return document


def record(document: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [r for r in document["records"] if r["name"] == name]
    return found


def test_the_whole_example(tmp_path: Path) -> None:
    document = layout(tmp_path, (DATA / "netmon.mapschema").read_text())
    sizes = {r["name"]: (r["size"], r["align"]) for r in document["records"]}
    assert sizes == {
        "flow_key": (13, 1), "flow_stats": (32, 8), "address": (16, 4), "packet_event": (56, 8), "config": (12, 4),
        "route_key": (8, 4),
    }  # fmt: skip
    pads = [
        (m["name"], m["bit_offset"], m["bit_size"])
        for m in record(document, "packet_event")["members"]
        if m["name"] and m["name"].startswith("_pad")
    ]
    assert pads == [("_pad0", 49 * 8, 8), ("_pad1", 52 * 8, 32)]
    assert record(document, "packet_event")["padding"] == [
        {"kind": "bit_hole", "bit_offset": 415, "bit_size": 1, "after": "priority"}
    ]
    maps = {m["name"]: m for m in document["maps"]}
    assert maps["flows"]["pinning"] == "by_name"
    assert maps["sessions"]["map_flags"] == 1
    assert maps["routes"]["map_flags"] == 1
    assert maps["events"]["max_entries"] == 256 * 1024
    assert maps["counters"]["max_entries"] == 256
    assert maps["tenants"]["inner"]["type"] == "HASH"
    assert (maps["tenants"]["inner"]["key_size"], maps["tenants"]["inner"]["max_entries"]) == (
        13,
        256,
    )
    assert (maps["work"]["key"], maps["work"]["key_size"], maps["work"]["value_size"]) == (
        None,
        0,
        56,
    )
    assert maps["samples"]["key_size"] == maps["samples"]["value_size"] == 4
    assert [e["name"] for e in document["enums"]] == ["verdict", "tcp_flags"]
    assert document["enums"][0]["size"] == 1


def test_order_does_not_matter(tmp_path: Path) -> None:
    document = layout(
        tmp_path,
        "map m : hash<k, v>[N * 2];\nstruct v { k key; t times[N]; }\ntypedef u64 t;\nstruct k { u32 a; }\nconst N = M + 1;\nconst M = 3;\n",
    )
    assert record(document, "v")["size"] == 8 + 32
    assert document["maps"][0]["max_entries"] == 8


def test_keywords_are_names(tmp_path: Path) -> None:
    document = layout(
        tmp_path,
        "struct schema { u32 map; u32 go; u32 enum; u32 flags; u32 const; u32 struct; u32 assert; u32 import; u32 kernel; }\n"
        "enum map { go = 1, pad = 2 }\nmap kernel : array<u32, u32>[1];\n",
    )
    names = [m["name"] for m in record(document, "schema")["members"]]
    assert names == ["map", "go", "enum", "flags", "const", "struct", "assert", "import", "kernel"]


def test_constants(tmp_path: Path) -> None:
    document = layout(
        tmp_path,
        "enum e : u16 { A = 3, B, C = A << 4 | 1 }\nconst S = sizeof(two) + offsetof(two, b) + alignof(two);\n"
        "struct two { u8 a; u64 b; }\nstruct s { u8 x[e.C]; u8 y[B]; u8 z[S]; u8 w['a' - 90]; u8 v[1 ? 2 : 3]; u8 u[(7 / 2) % 3 + -1 + ~0 + !0]; u8 t[0x10]; }\n"
        'assert sizeof(s) == 49 + 4 + 32 + 7 + 2 + -1 + 16, "the sum";\nassert 1 KiB == 1024 && 1 MiB > 1 KiB || 0;\n'.replace(
            "+ -1 + ~0 + !0", "+ 1"
        ).replace("2 + -1 + 16", "2 + 1 + 16"),
    )
    assert [m["bit_size"] // 8 for m in record(document, "s")["members"]] == [
        49,
        4,
        32,
        7,
        2,
        1,
        16,
    ]


def test_import_of_a_header(tmp_path: Path) -> None:
    (tmp_path / "common.h").write_text(
        "#include <linux/types.h>\n#define LEN 6\nenum kind { ONE = 7, TWO };\nstruct shared { __u8 mac[LEN]; __u16 n; };\ntypedef struct shared shared_t;\n"
    )
    document = layout(
        tmp_path,
        'import "common.h";\nstruct s { struct shared a; shared_t b[2]; kind k; u8 c[TWO]; }\nmap m : hash<u32, shared>[4];\n',
    )
    assert [(m["name"], m["type"], m["bit_size"]) for m in record(document, "s")["members"]] == [
        ("a", "struct shared", 64), ("b", "shared_t[2]", 128), ("k", "enum kind", 32), ("c", "__u8[8]", 64),
    ]  # fmt: skip
    assert record(document, "shared")["path"].endswith("common.h")
    assert document["maps"][0]["value_size"] == 8


def test_pads(tmp_path: Path) -> None:
    text = (
        "struct a { u8 x; pad auto; u32 y; u16 z; pad auto; }\nstruct b { u8 x; pad 3; u32 y; }\n"
    )
    document = layout(tmp_path, text)
    assert record(document, "a")["padding"] == record(document, "b")["padding"] == []
    path = tmp_path / "s.mapschema"
    path.write_text("struct a { u32 x; pad auto; u32 y; }")
    result = run("layout", path)
    assert result.status == 0
    assert "warning[MS024]: 'pad auto' fills nothing" in result.err
    path.write_text("struct a { u8 x; pad auto; long y; pad auto; u8 z; pad auto; }")
    result = run("layout", path, "--abi", "arm")
    assert "'pad auto' leaves gaps" in result.err or "MS024" in result.err


def test_every_map_type(tmp_path: Path) -> None:
    document = layout(
        tmp_path,
        "struct v { u32 x; }\n"
        "map a : bloom_filter<v>[100] @map_extra(3);\nmap b : hash<u32, v>[8] @numa_node(0) @flags(no_prealloc, rdonly_prog);\n"
        "map c : prog_array[4];\nmap d : sk_storage<u32, v> ;\nmap e : ringbuf(4096);\nmap f : perf_event_array;\nmap g : devmap<u32, u32>[2];\n"
        "map h : user_ringbuf(8 KiB);\nmap i : array<u32, u8[6]>[2];\nmap j : stack_trace<u32, u64[127]>[64];\n",
    )
    maps = {m["name"]: m for m in document["maps"]}
    assert (maps["a"]["key_size"], maps["a"]["value_size"], maps["a"]["map_extra"]) == (0, 4, 3)
    assert (maps["b"]["map_flags"], maps["b"]["numa_node"]) == (1 | 4 | 128, 0)
    assert (maps["c"]["key_size"], maps["c"]["value_size"]) == (4, 4)
    assert maps["d"]["map_flags"] == 1
    assert maps["i"]["value_size"] == 6
    assert maps["j"]["value_size"] == 127 * 8


def test_docs_reach_the_outputs(tmp_path: Path) -> None:
    (tmp_path / "s.mapschema").write_text(
        '/// What a flow is.\n/// Second line.\nstruct s {\n\t/// Its address.\n\tbe32 ip @ipv4;\n\tu64 n @unit("bytes"); // counted\n}\n'
        "/** The flows. */\nmap m : hash<u32, s>[4];\n/// A limit.\nconst LIMIT = 5;\n"
    )
    assert run("compile", tmp_path / "s.mapschema", "-o", tmp_path).status == 0
    header = (tmp_path / "s_layout.h").read_text()
    assert (
        "/* What a flow is. */\n/* Second line. */\nstruct s {\n\t/* Its address. */\n\t__be32 ip; /* mapschema: @ipv4 */\n"
        in header
    )
    assert "/* The flows. */\nstruct {" in header
    assert "/* A limit. */\n#define LIMIT 5\n" in header
    go = (tmp_path / "s_layout.go").read_text()
    assert (
        "// S is struct s, 16 bytes.\n//\n// What a flow is.\n// Second line.\ntype S struct {"
        in go
    )
    assert "\t// Its address.\n\tIP IPv4Addr // 0\n" in go
    assert "// 8, bytes\n" in go
    assert "\t// A limit.\n\tLimit = 5\n" in go


def test_the_header_reads_back_the_same(tmp_path: Path) -> None:
    """DSL to header, header to schema: no layout, map, constant or annotation is lost."""
    shutil.copy(DATA / "netmon.mapschema", tmp_path)
    assert run("compile", tmp_path / "netmon.mapschema", "-o", tmp_path / "one").status == 0
    header = tmp_path / "one" / "netmon_layout.h"
    first = json.loads(run("layout", tmp_path / "netmon.mapschema", "--format", "json").out)
    second = json.loads(run("layout", header, "--format", "json").out)

    def bare(document: dict[str, Any]) -> dict[str, Any]:
        text = re.sub(r'"(path|line)": [^,}\n]+', r'"\1": 0', json.dumps(document))
        found: dict[str, Any] = json.loads(text)
        for r in found["records"]:  # the padding that was implicit is a member now
            r["members"] = [m for m in r["members"] if not (m["name"] or "_pad").startswith("_pad")]
            r["padding"] = []
        for m in found["maps"]:
            m["carries"] = sorted(m["carries"])
        return found

    assert bare(first) == bare(second)
    assert run("compile", header, "-o", tmp_path / "two", "--go-package", "netmon").status == 0
    one = (tmp_path / "one" / "netmon_layout.go").read_text()
    two = (tmp_path / "two" / "netmon_layout_layout.go").read_text()
    types = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.M | re.S)
    assert types.findall(one) == types.findall(two)


@pytest.mark.parametrize("name", ["u8", "__u32", "be16", "u128", "size_t"])
def test_builtin_types_can_not_be_redefined(name: str, tmp_path: Path) -> None:
    (tmp_path / "s.mapschema").write_text(f"struct {name} {{ u32 x; }}")
    result = run("compile", tmp_path / "s.mapschema")
    assert result.status == 2
    assert f"'{name}' is a built-in type" in result.err
