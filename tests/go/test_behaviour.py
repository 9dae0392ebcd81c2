"""What the generated Go does when it runs: strings, flags, addresses, samples."""

from __future__ import annotations

import subprocess
from pathlib import Path

from support import golang
from support.cli import run

MAIN = """package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
)

func main() {
	e := PacketEvent{Timestamp: 1500, Family: 2, Flags: TCPFlagsSyn | TCPFlagsAck | 0x40, Verdict: 7}
	e.SetComm("a name that is too long")
	fmt.Println(e.CommString(), e.Verdict, VerdictDrop, e.Flags, TCPFlags(0))
	e.SetComm("short")
	fmt.Println(e.Comm)
	fmt.Println(e.SetSrcAddr(netip.MustParseAddr("2001:db8::1")), e.Family, e.SrcAddr())
	fmt.Println(e.SetSrcAddr(netip.MustParseAddr("10.0.0.1")), e.Family, e.SrcAddr(), e.Src)
	fmt.Println(e.SetSrcAddr(netip.Addr{}), e.SrcAddr())
	e.Family = 99
	fmt.Println(e.SrcAddr().IsValid())
	e.MAC = MakeMACAddr(net.HardwareAddr{2, 0, 0, 0, 0, 1})
	e.SetVLAN(0xabc)
	e.SetPriority(5)
	fmt.Println(e.MAC, e.VLAN(), e.Priority(), e.Timestamp)
	raw, _ := e.AppendBinary(nil)
	var back PacketEvent
	fmt.Println(len(raw), back.Decode(append(raw, 1, 2, 3)), back == e, errors.Is(back.Decode(raw[:55]), io.ErrUnexpectedEOF))
	fmt.Println(back.Decode(raw[:55]))
	k := FlowKey{SrcIP: IPv4Addr{10, 0, 0, 1}, DstIP: MakeIPv4Addr(netip.MustParseAddr("10.0.0.2")), SrcPort: MakeBE16(8080), Protocol: 6}
	fmt.Println(k, k.SrcPort.Host(), k == FlowKey{})
	fmt.Printf("%v %+v\\n", k, &k)
	text, _ := json.Marshal(k)
	fmt.Println(string(text))
	allocs := map[FlowKey]int{k: 1}
	fmt.Println(allocs[k])
}
"""
EXPECTED = """a name that is  Verdict(7) DROP SYN|ACK|0x40 0x0
[115 104 111 114 116 0 0 0 0 0 0 0 0 0 0 0]
true 10 2001:db8::1
true 2 10.0.0.1 [10 0 0 1 0 0 0 0 0 0 0 0 0 0 0 0]
false 10.0.0.1
false
02:00:00:00:00:01 2748 5 1.5µs
56 <nil> true true
main: packet_event: sample of 55 bytes, want at least 56: unexpected EOF
{SrcIP:10.0.0.1 DstIP:10.0.0.2 SrcPort:8080 DstPort:0 Protocol:6} 8080 false
{SrcIP:10.0.0.1 DstIP:10.0.0.2 SrcPort:8080 DstPort:0 Protocol:6} {SrcIP:10.0.0.1 DstIP:10.0.0.2 SrcPort:8080 DstPort:0 Protocol:6}
{"SrcIP":"10.0.0.1","DstIP":"10.0.0.2","SrcPort":"8080","DstPort":"0","Protocol":6}
1
"""


def test_netmon(tmp_path: Path) -> None:
    folder = golang.new_module(tmp_path)
    schema = Path(__file__).parent.parent / "data" / "netmon.mapschema"
    assert run("compile", schema, "-o", folder, "--go-package", "main", "--emit", "go").status == 0
    (folder / "main.go").write_text(MAIN)
    built = golang.run_go("build", "-o", "prog", ".", cwd=folder)
    assert built.returncode == 0, built.stderr
    ran = subprocess.run([str(folder / "prog")], capture_output=True, text=True, check=True)
    assert ran.stdout == EXPECTED


def test_tags_that_can_not_be(tmp_path: Path) -> None:
    """A case that doesn't fit the tag, or a tag Go stores in bytes: no accessor, and the Go builds."""
    folder = golang.new_module(tmp_path)
    (folder / "s.mapschema").write_text(
        "union a { be32 v4 @ipv4 @case(300); u8 v6[16] @ipv6 @case(10); }\n"
        "struct one { union a src @tag(family); u8 family; }\n"
        "struct two @packed { u8 x; union a src @tag(family); u16 family; }\n"
        "struct three { union a src @tag(family); u32 family : 3; }\n"
    )
    assert run("compile", folder / "s.mapschema", "-o", folder, "--go-package", "s").status == 0
    golang.check_builds(folder, ("amd64", "386"))
    text = (folder / "s_layout.go").read_text()
    assert text.count("netip.Addr {") == 1
    assert "case 300" not in text
