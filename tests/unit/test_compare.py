"""Go mirrors of one record: faithful ones raise nothing, wrong ones are named by member."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.cli import run

C = """
typedef unsigned char __u8; typedef unsigned short __u16; typedef unsigned int __u32;
typedef unsigned long long __u64; typedef int __s32; typedef __u32 __be32;
enum verdict { PASS, DROP };
struct inner { __u16 a; __u16 b; };
struct rec {
	__u64 time;
	__u32 src_ip;
	__u32 dst_ip;
	__s32 delta;
	__u8 kind;
	__u8 mac[6];
	enum verdict verdict;
	struct inner in;
	__u64 counters[4];
	float ratio;
	__u16 vlan : 12, prio : 3;
};
struct key { __u32 ip; __u8 proto; } __attribute__((packed));
union addr { __u32 v4; __u8 v6[16]; };
struct ev { union addr a; __u8 family; };
struct { int (*type)[1]; struct key *key; struct rec *value; int (*max_entries)[8]; } m __attribute__((section(".maps")));
"""
# offsets: time 0, src_ip 8, dst_ip 12, delta 16, kind 20, mac 21, hole 27, verdict 28, in 32,
# hole 36, counters 40, ratio 72, vlan 76, tail 78 .. 80
GOOD = """
type Rec struct {
	Time     uint64
	SrcIP    uint32
	DstIP    uint32
	Delta    int32
	Kind     uint8
	MAC      [6]byte
	_        [1]byte
	Verdict  uint32
	In       Inner
	_        [4]byte
	Counters [4]uint64
	Ratio    float32
	VLANBits uint16
	_        [2]byte
}
type Inner struct { A, B uint16 }
"""

FAITHFUL = {
    "plain": GOOD,
    "host layout": GOOD.replace("type Rec struct {", "type Rec struct {\n\t_ structs.HostLayout"),
    "named padding": GOOD.replace("_        [1]byte", "Pad1 [1]byte").replace("_        [4]byte", "Pad2 uint32"),
    "byte arrays": GOOD.replace("SrcIP    uint32", "SrcIP [4]byte").replace("Time     uint64", "Time [8]byte"),
    "aliases": GOOD.replace("SrcIP    uint32", "SrcIP Addr").replace("Delta    int32", "Delta D") + "type Addr = uint32\ntype D int32\n",
    "nested as a literal": GOOD.replace("In       Inner", "In struct{ A uint16; B uint16 }"),
    "flattened": GOOD.replace("In       Inner", "A uint16\n\tB uint16"),
    "embedded": GOOD.replace("In       Inner", "Inner"),
    "constant bounds": "const N = 1 << 1\n" + GOOD.replace("[4]uint64", "[2 * N]uint64"),
    "iota": "const (\n\tA = iota\n\tB\n\tC\n\tD\n\tE\n)\n" + GOOD.replace("[4]uint64", "[E]uint64"),
    "generic": GOOD.replace("In       Inner", "In Pair[uint16]") + "type Pair[T any] struct { A, B T }\n",
    "bool for a byte": GOOD.replace("Kind     uint8", "Kind bool"),
    "named enum": GOOD.replace("Verdict  uint32", "Verdict Verdict") + "type Verdict uint32\n",
    "names without initialisms": GOOD.replace("SrcIP", "SrcIp").replace("MAC ", "Mac "),
    "bpf2go's name": GOOD.replace("type Rec ", "type FlowRec "),
    "with _t": GOOD.replace("type Rec ", "type RecT "),
    "packed key in bytes": "type Key struct {\n\tIP [4]byte\n\tProto uint8\n}\n",
    "key by encoding/binary": "type Key struct {\n\tIP uint32\n\tProto uint8\n}\n",
    "union as bytes": "type Ev struct {\n\tA [16]byte\n\tFamily uint8\n\t_ [3]byte\n}\n",
    "union as its first arm": "type Ev struct {\n\tA struct { V4 uint32; _ [12]byte }\n\tFamily uint8\n\t_ [3]byte\n}\n",
    "other types": "type Unrelated struct { X []byte }\nfunc f() {}\n",
    "in a package": "package p\n\nimport \"structs\"\n" + GOOD,
}  # fmt: skip

# what changes, the rule, and the member that is named
WRONG = {
    "swapped": (("SrcIP    uint32\n\tDstIP    uint32", "DstIP    uint32\n\tSrcIP    uint32"), "CMP502", {"src_ip", "dst_ip"}),
    "sign": (("Delta    int32", "Delta uint32"), "CMP504", {"delta"}),
    "float": (("SrcIP    uint32", "SrcIP float32"), "CMP504", {"src_ip"}),
    "float the other way": (("Ratio    float32", "Ratio uint32"), "CMP504", {"ratio"}),
    "narrowed and filled": (("SrcIP    uint32", "SrcIP uint16\n\t_ [2]byte"), "CMP503", {"src_ip"}),
    "dropped for padding": (("Kind     uint8", "_ uint8"), "CMP510", {"kind"}),
    "dropped": (("Kind     uint8\n", ""), "CMP510", {"kind"}),
    "padding moved": (("MAC      [6]byte\n\t_        [1]byte", "_        [1]byte\n\tMAC      [6]byte"), "CMP502", {"mac"}),
    "bound": (("MAC      [6]byte\n\t_        [1]byte", "MAC [7]byte"), "CMP505", {"mac"}),
    "bound of numbers": (("Counters [4]uint64", "Counters [3]uint64\n\t_ [8]byte"), "CMP505", {"counters"}),
    "nested swap": (("A, B uint16", "B, A uint16"), "CMP502", {"in.a", "in.b"}),
    "exchanged types": (("Kind     uint8\n\tMAC      [6]byte", "Kind     int8\n\tMAC      [6]byte"), "CMP504", {"kind"}),
    "bit-field lost": (("VLANBits uint16\n\t_        [2]byte", "_        [4]byte"), "CMP510", {"vlan", "prio"}),
    "no padding before the counters": (("_        [4]byte\n\tCounters", "Counters"), "CMP507", {None}),
    "elements of another size": (("Counters [4]uint64", "Counters [8]uint32"), "CMP505", {"counters"}),
    "a slice": (("MAC      [6]byte", "MAC []byte"), "CMP506", {None}),
}  # fmt: skip


def compare(tmp_path: Path, go: str) -> tuple[int, list[dict[str, object]]]:
    (tmp_path / "flow.h").write_text(C)
    (tmp_path / "mirror.go").write_text(go)
    result = run("compare", tmp_path / "flow.h", tmp_path / "mirror.go", "--output-format", "json")
    assert result.status in (0, 1), result.err
    found: list[dict[str, object]] = json.loads(result.out)["diagnostics"]
    return result.status, found


@pytest.mark.parametrize("name", FAITHFUL)
def test_faithful(name: str, tmp_path: Path) -> None:
    status, found = compare(tmp_path, FAITHFUL[name])
    assert [d for d in found if d["severity"] != "note"] == []
    assert status == 0


@pytest.mark.parametrize("name", WRONG)
def test_wrong(name: str, tmp_path: Path) -> None:
    (before, after), rule, members = WRONG[name]
    assert before in GOOD
    status, found = compare(tmp_path, GOOD.replace(before, after))
    assert status == 1
    named = {d["member"] for d in found if d["rule"] == rule}
    assert members <= named, found
    assert all(
        d["record"] in ("rec", "inner") and str(d["path"]).endswith("mirror.go") for d in found
    )


def test_the_packed_key(tmp_path: Path) -> None:
    status, found = compare(
        tmp_path, "type Key struct {\n\tIP uint32\n\tProto uint8\n\t_ [3]byte\n}\n"
    )
    assert status == 1
    assert [d["rule"] for d in found] == ["CMP501"]
    assert "Lookup, Put and Delete on m fail: the key is 5 bytes in the kernel, 8 in Go" in str(
        found[0]["message"]
    )


def test_mirror_comment(tmp_path: Path) -> None:
    go = "// Peer of the C side.\n// mapschema: mirror struct inner\ntype Other struct { A uint16; B int16 }\n"
    status, found = compare(tmp_path, go)
    assert status == 1
    assert [(d["rule"], d["member"]) for d in found] == [("CMP504", "b")]


def test_folder(tmp_path: Path) -> None:
    (tmp_path / "flow.h").write_text(C)
    folder = tmp_path / "agent"
    folder.mkdir()
    (folder / "a.go").write_text("package agent\n\n" + GOOD.split("type Inner")[0])
    (folder / "b.go").write_text("package agent\n\ntype Inner struct { A, B int16 }\n")
    (folder / "b_test.go").write_text("package agent\n\ntype Key struct { X uint64 }\n")
    result = run("compare", tmp_path / "flow.h", folder)
    assert result.status == 1
    assert "in.a is unsigned in C (__u16), Rec.In.A is signed in Go (int16)" in result.out
    assert "Key" not in result.out


def test_against_c(tmp_path: Path) -> None:
    old, new = tmp_path / "old.h", tmp_path / "new.h"
    old.write_text(C)
    for change, rule in (
        (("__u32 src_ip;\n\t__u32 dst_ip;", "__u32 dst_ip;\n\t__u32 src_ip;"), "CMP502"),
        (("__s32 delta", "__u32 delta"), "CMP504"),
        (("__u32 src_ip", "__be32 src_ip"), "CMP512"),
        (("PASS, DROP", "DROP, PASS"), "CMP513"),
        (("(*max_entries)[8]", "(*max_entries)[9]"), "CMP520"),
        (("vlan : 12, prio : 3", "vlan : 11, prio : 4"), "CMP503"),
        (("mac[6]", "mac[7]"), "CMP503"),
    ):
        assert change[0] in C
        new.write_text(C.replace(*change))
        result = run("compare", old, new, "--output-format", "json")
        assert result.status == 1, change
        assert rule in {d["rule"] for d in json.loads(result.out)["diagnostics"]}
    new.write_text(C.replace("__u8 mac[6];", "__u8 mac[6];\n\t__u8 extra;"))
    result = run("compare", old, new)
    assert result.status == 0
    assert "note[CMP511]: extra is padding on the left" in result.out
    new.write_text(C)
    assert run("compare", old, new).out == ""


def test_what_we_generate_is_faithful(tmp_path: Path) -> None:
    (tmp_path / "flow.h").write_text(C)
    assert run("compile", tmp_path / "flow.h", "-o", tmp_path / "out").status == 0
    result = run("compare", tmp_path / "flow.h", tmp_path / "out")
    assert result.out == ""
    assert result.status == 0


def test_two_go_sides(tmp_path: Path) -> None:
    (tmp_path / "a.go").write_text(GOOD)
    assert run("compare", tmp_path / "a.go", tmp_path / "a.go").status == 2
    (tmp_path / "empty").mkdir()
    (tmp_path / "flow.h").write_text(C)
    result = run("compare", tmp_path / "flow.h", tmp_path / "empty")
    assert result.status == 2
    assert "the folder has no Go files" in result.err
