"""The real bpf2go takes the list that we write, and gets every type on it right."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from support import golang
from support.clang import libc_includes
from support.cli import run
from support.seed import block

HEAD = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char _license[] SEC("license") = "GPL";
"""


def map_of(value: str, name: str = "m", key: str = "__u32") -> str:
    return (
        f"struct {{ __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, {key}); "
        f'__type(value, {value}); }} {name} SEC(".maps");\n'
    )


# name: (source, types that must be listed, types that must be left out with a word of the reason)
CASES: dict[str, tuple[str, set[str], dict[str, str]]] = {
    "plain": ("struct a { __u32 x; __u64 y; };\n" + map_of("struct a"), {"a"}, {}),
    "tag and typedef of one name": (
        "typedef struct a { __u32 x; } a;\nstruct b { __u32 y; };\n" + map_of("a") + map_of("struct b", "n"),
        {"b"}, {"a": "multiple"},
    ),
    "a global's type": (
        "struct g { __u32 x; __u16 y; };\nstruct g the_global;\nstruct a { __u64 x; };\n" + map_of("struct a"),
        {"a", "g"}, {},
    ),
    "a global of a kind that aborts": (
        "struct g { void *p; };\nstruct g the_global;\nstruct a { __u64 x; };\n" + map_of("struct a"),
        {"a"}, {"g": "pointer"},
    ),
    "an inner map's record": (
        "struct in { __u32 x; __u64 y; };\n"
        "struct inner { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, __u32); "
        "__type(value, struct in); };\n"
        "struct { __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS); __uint(max_entries, 4); __type(key, __u32); "
        '__array(values, struct inner); } outer SEC(".maps");\n',
        {"in"}, {},
    ),
    "anonymous struct": ("struct a { struct { __u32 x; }; __u32 y; };\n" + map_of("struct a"), set(), {"a": "anonymous"}),
    "anonymous union": ("struct a { union { __u32 x; __u8 z[4]; }; __u32 y; };\n" + map_of("struct a"), set(), {"a": "arm"}),
    "anonymous union of one arm": ("struct a { union { __u32 x; }; __u32 y; };\n" + map_of("struct a"), {"a"}, {}),
    "pointer": ("struct a { void *p; };\n" + map_of("struct a"), set(), {"a": "pointer"}),
    "float": ("struct a { double d; };\n" + map_of("struct a"), set(), {"a": "double"}),
    "bit-field": ("struct a { __u32 x : 3; __u32 y; };\n" + map_of("struct a"), set(), {"a": "bit-field"}),
    "packed key": (
        "struct k { __u32 x; __u8 y; } __attribute__((packed));\n" + map_of("__u64", key="struct k"),
        set(), {"k": "8 bytes"},
    ),
    "packed where nothing moves": (
        "struct k { __u32 x; __u32 y; } __attribute__((packed));\n" + map_of("__u64", key="struct k"), {"k"}, {},
    ),
    "flexible array": (
        "struct a { __u32 n; __u8 data[]; };\n" + map_of("struct a"), set(), {"a": "no size"},
    ),
    "union": ("union u { __u32 x; __u64 y; };\nstruct a { union u u; };\n" + map_of("struct a"), set(), {"a": "arm", "u": "arm"}),
    "names that collide": (
        "struct a { __u32 foo_bar; __u32 fooBar; };\nstruct b { __u32 x; };\n" + map_of("struct a") + map_of("struct b", "n"),
        {"b"}, {"a": "compile"},
    ),
    "a struct named maps": (
        "struct maps { __u32 x; };\nstruct b { __u32 x; };\n" + map_of("struct maps") + map_of("struct b", "n"),
        {"b"}, {"maps": "taken"},
    ),
    "a field named _": ("struct a { __u32 _; };\n" + map_of("struct a"), set(), {"a": "without a name"}),
    "enum": (
        "enum e { RED, GREEN = 7 };\nstruct a { enum e e; __u32 x; };\n" + map_of("struct a"), {"a", "e"}, {},
    ),
    "only the code names it": (
        "struct event { __u32 x; };\nstruct a { __u32 x; };\n" + map_of("struct a")
        + 'SEC("xdp") int p(struct xdp_md *ctx) { struct event e = { 1 }; return e.x; }\n',
        {"a"}, {"event": "BTF"},
    ),
    "a pointer keeps it in the BTF": (
        "struct event { __u32 x; };\nconst struct event *unused __attribute__((unused));\n"
        'struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ev SEC(".maps");\n',
        {"event"}, {},
    ),
    "nested and arrays": (
        "struct in { __u16 a; __u8 b[3]; };\nstruct a { struct in i[3]; __u64 z; __u8 mac[6]; };\n" + map_of("struct a"),
        {"a", "in"}, {},
    ),
    "aligned member": (
        "struct a { __u8 x; __u32 y __attribute__((aligned(16))); };\n" + map_of("struct a"), {"a"}, {},
    ),
    "typedef without a tag": ("typedef struct { __u32 x; __u8 y; } rec_t;\n" + map_of("rec_t"), {"rec_t"}, {}),
}  # fmt: skip


def bpf2go_run(
    folder: Path, binary: Path, wrapper: Path, headers: Path, line: str
) -> subprocess.CompletedProcess[str]:
    """Runs the //go:generate line as `go generate` would."""
    words = line.removeprefix("//go:generate go tool bpf2go ").split()
    flags = [*libc_includes(), "-I", str(headers)]
    return subprocess.run(
        [str(binary), "-cc", str(wrapper), "-no-strip", "-target", "bpfel", "-go-package", "main", *words, "--", *flags],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


def listed(folder: Path, stem: str) -> tuple[str, set[str], dict[str, str]]:
    text = (folder / f"{stem}_bpf2go.txt").read_text()
    (line,) = [x for x in text.splitlines() if x.startswith("//go:generate")]
    types = set(re.findall(r"^-type (\w+)$", text, re.M))
    assert types == set(re.findall(r"-type (\w+)", line))
    return line, types, dict(re.findall(r"^# left out: (\w+): (.*)$", text, re.M))


def go_sizes(folder: Path, stem: str, types: set[str]) -> dict[str, int]:
    """Sizes that bpf2go's Go has, asked from Go itself."""
    from mapschema.bpf2go import identifier

    ident = stem.capitalize()
    prints = "".join(
        f'\tprintln("{t}", unsafe.Sizeof(*new({ident}{identifier(t)})))\n' for t in sorted(types)
    )
    check = golang.new_module(folder / "check")
    for name in (f"{stem}_bpfel.go", f"{stem}_bpfel.o"):
        shutil.copy(folder / name, check / name)
    (check / "main.go").write_text(
        f'package main\n\nimport "unsafe"\n\nvar _ unsafe.Pointer\n\nfunc main() {{\n{prints}}}\n'
    )
    ran = golang.run_go("run", ".", cwd=check)
    assert ran.returncode == 0, ran.stderr
    words = ran.stderr.split()
    return dict(zip(words[::2], map(int, words[1::2]), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_the_list(
    name: str, tmp_path: Path, bpf2go: Path, clang_wrapper: Path, bpf_headers: Path
) -> None:
    source, wanted, refused = CASES[name]
    folder = golang.new_module(tmp_path)
    (folder / "prog.c").write_text(HEAD + source)
    result = run("compile", folder / "prog.c", "-o", folder, "-I", bpf_headers)
    assert result.status == 0, result.err
    line, types, left_out = listed(folder, "prog")
    assert types == wanted
    assert set(left_out) == set(refused)
    for item, word in refused.items():
        assert word in left_out[item], left_out
    ran = bpf2go_run(folder, bpf2go, clang_wrapper, bpf_headers, line)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    if not types:
        return
    document = json.loads((folder / "prog_report.json").read_text())
    ours = {r["name"]: r["size"] for r in document["records"]} | {
        e["name"]: e["size"] for e in document["enums"]
    }
    assert go_sizes(folder, "prog", types) == {t: ours[t] for t in types}


@pytest.mark.parametrize("name", [n for n, (_, _, refused) in CASES.items() if refused])
def test_what_is_left_out_is_wrong_with_bpf2go(
    name: str, tmp_path: Path, bpf2go: Path, clang_wrapper: Path, bpf_headers: Path
) -> None:
    """bpf2go really fails on each type that we leave out, gives it another size, or loses members."""
    source, _, refused = CASES[name]
    for item, reason in refused.items():
        folder = golang.new_module(tmp_path / item)
        (folder / "prog.c").write_text(HEAD + source)
        assert run("compile", folder / "prog.c", "-o", folder, "-I", bpf_headers).status == 0
        line = f"//go:generate go tool bpf2go -no-global-types -type {item} Prog prog.c"
        ran = bpf2go_run(folder, bpf2go, clang_wrapper, bpf_headers, line)
        if ran.returncode != 0:
            continue
        generated = (folder / "prog_bpfel.go").read_text()
        if "bit-field" in reason or "arm" in reason:
            continue  # the size is right, the members are lost
        if "without a name" in reason:
            assert re.search(r"^\tuint32$", generated, re.M)  # embedded
            continue
        document = json.loads((folder / "prog_report.json").read_text())
        size = {r["name"]: r["size"] for r in document["records"]}[item]
        try:
            got = go_sizes(folder, "prog", {item})
        except AssertionError:
            continue  # it doesn't compile
        assert got[item] != size, generated


def test_the_seed(tmp_path: Path, bpf2go: Path, clang_wrapper: Path, bpf_headers: Path) -> None:
    folder = golang.new_module(tmp_path)
    (folder / "flow.c").write_text(block("bytecode/flow.c").code)
    assert run("compile", folder / "flow.c", "-o", folder, "-I", bpf_headers).status == 0
    line, types, left_out = listed(folder, "flow")
    assert line == "//go:generate go tool bpf2go -no-global-types -type flow_stats Flow flow.c"
    assert types == {"flow_stats"}
    assert "16 bytes" in left_out["flow_key"]
    ran = bpf2go_run(folder, bpf2go, clang_wrapper, bpf_headers, line)
    assert ran.returncode == 0, ran.stderr
    assert go_sizes(folder, "flow", types) == {"flow_stats": 32}


def test_a_schema(tmp_path: Path, bpf2go: Path, clang_wrapper: Path, bpf_headers: Path) -> None:
    """The line for a schema names the program that includes its header."""
    folder = golang.new_module(tmp_path)
    shutil.copy(Path(__file__).parent.parent / "data" / "netmon.mapschema", folder)
    assert run("compile", folder / "netmon.mapschema", "-o", folder).status == 0
    (folder / "netmon.bpf.c").write_text(
        '#include "netmon_layout.h"\nchar _license[] SEC("license") = "GPL";\n'
    )
    line, types, left_out = listed(folder, "netmon")
    assert types == {"verdict", "tcp_flags", "flow_stats", "config", "route_key"}
    assert set(left_out) == {"flow_key", "address", "packet_event"}
    ran = bpf2go_run(folder, bpf2go, clang_wrapper, bpf_headers, line)
    assert ran.returncode == 0, ran.stderr
    sizes = go_sizes(folder, "netmon", types)
    assert sizes == {"verdict": 1, "tcp_flags": 1, "flow_stats": 32, "config": 12, "route_key": 8}
