"""The kernel as judge: it accepts the maps, and gives back the bytes that were put in."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mapschema import maptypes
from support import golang
from support.clang import run_clang
from support.cli import run
from support.kernel import create_map, lookup, update
from support.seed import blocks

pytestmark = pytest.mark.usefixtures("kernel")
NETMON = Path(__file__).parent.parent / "data" / "netmon.mapschema"
HERE = Path(__file__).parent
SEED_MAPS = blocks("c")


def maps_of(source: Path) -> list[dict[str, Any]]:
    result = run("layout", source, "--format", "json")
    assert result.status == 0, result.err
    maps: list[dict[str, Any]] = json.loads(result.out)["maps"]
    return maps


def create(item: dict[str, Any]) -> int:
    """BPF_MAP_CREATE with just what the JSON says."""
    inner = create(item["inner"]) if item["inner"] else 0
    entries = item["max_entries"]
    if item["type"] == "PERF_EVENT_ARRAY" and not entries:
        entries = os.cpu_count() or 1  # as the loaders do
    return create_map(
        maptypes.BY_NAME[item["type"]].number, item["key_size"], item["value_size"], entries,
        item["map_flags"], inner, item["map_extra"],
    )  # fmt: skip


@pytest.mark.parametrize("number", range(len(SEED_MAPS)), ids=[b.title[:30] for b in SEED_MAPS])
def test_seed_map_by_hand(number: int, tmp_path: Path) -> None:
    source = tmp_path / "flow.c"
    source.write_text(SEED_MAPS[number].code)
    (item,) = maps_of(source)
    fd = create(item)
    try:
        if item["type"] == "RINGBUF":
            return
        key = (
            bytes(item["key_size"])
            if "ARRAY" in item["type"]
            else bytes(range(1, item["key_size"] + 1))
        )
        cpus = _possible_cpus() if "PERCPU" in item["type"] else 1
        stride = (
            -(-item["value_size"] // 8) * 8
            if cpus > 1 or "PERCPU" in item["type"]
            else item["value_size"]
        )
        value = bytes(i % 251 for i in range(stride * cpus))
        update(fd, key, value)
        assert lookup(fd, key, len(value)) == value
    finally:
        os.close(fd)


def _possible_cpus() -> int:
    text = Path("/sys/devices/system/cpu/possible").read_text().strip()
    return int(text.split("-")[-1]) + 1


def test_every_map_type_is_accepted(tmp_path: Path) -> None:
    maps = maps_of(NETMON)
    assert {m["type"] for m in maps} == {
        "HASH", "LRU_HASH", "PERCPU_HASH", "LRU_PERCPU_HASH", "ARRAY", "PERCPU_ARRAY", "HASH_OF_MAPS",
        "ARRAY_OF_MAPS", "RINGBUF", "PERF_EVENT_ARRAY", "QUEUE", "STACK", "LPM_TRIE",
    }  # fmt: skip
    for item in maps:
        os.close(create(item))


def test_wrong_sizes_are_refused() -> None:
    """The test above can fail: the kernel does look at what it gets."""
    with pytest.raises(OSError, match="Invalid argument"):
        create_map(maptypes.BY_NAME["RINGBUF"].number, 4, 8, 4096)
    with pytest.raises(OSError, match="Invalid argument"):
        create_map(maptypes.BY_NAME["LPM_TRIE"].number, 8, 4, 16, 0)


def go_case(item: dict[str, Any], names: dict[str, str], sizes: dict[str, int]) -> str:
    """The Go that puts a value through one map."""
    name = item["name"]

    def made(what: str) -> str:
        c = item[what]
        return f"new({names.get(c, {'__u32': 'uint32', '__u64': 'uint64'}.get(c, ''))})"

    m = f'maps["{name}"]'
    kind = item["type"]
    if kind in ("HASH", "LRU_HASH", "LPM_TRIE", "ARRAY"):
        return f'\tkeyed("{name}", {m}, {made("key")}, {made("value")})'
    if "PERCPU" in kind:
        value = made("value")[4:-1]
        return (
            f"\t{{\n\t\tv := new({value})\n\t\tvs := make([]*{value}, cpus)\n\t\tfor i := range vs {{\n\t\t\tvs[i] = v\n\t\t}}\n"
            f'\t\tperCPU("{name}", {m}, {made("key")}, v, vs)\n\t}}'
        )
    if kind in ("QUEUE", "STACK"):
        return f'\tqueue("{name}", {m}, {made("value")}, {made("value")})'
    if kind.endswith("_OF_MAPS"):
        return f'\touter("{name}", {m}, spec.Maps["{name}"])'
    program, read = {
        "RINGBUF": ("to_ringbuf", "readRing"),
        "PERF_EVENT_ARRAY": ("to_perf", "readPerf"),
    }[kind]
    carried = names[item["carries"][0]]
    size = sizes[item["carries"][0]]
    return f'\tsample("{name}", coll.Programs["{program}"], {read}({m}), new({carried}), {size})'


def run_through_go(
    source: Path, program: Path, tmp_path: Path, clang_bpf: list[str], stem: str
) -> subprocess.CompletedProcess[str]:
    folder = golang.new_module(tmp_path / "go")
    result = run("compile", source, "-o", folder, "--go-package", "main")
    assert result.status == 0, result.err
    built = run_clang(
        *clang_bpf,
        "-Wall",
        "-Wextra",
        "-Werror",
        "-I",
        str(folder),
        "-c",
        str(program),
        "-o",
        str(folder / "program.o"),
    )
    assert built.returncode == 0, built.stderr
    report = json.loads((folder / f"{stem}_report.json").read_text())
    names = {f"struct {t['name']}": t["go"] for t in report["go"]["types"]}
    sizes = {f"struct {r['name']}": r["size"] for r in report["records"]}
    cases = [go_case(item, names, sizes) for item in report["maps"]]
    text = (HERE / "main.go.txt").read_text().replace("//CASES//", "\n".join(cases))
    (folder / "main.go").write_text(text)
    compiled = golang.run_go("build", "-o", "prog", ".", cwd=folder)
    assert compiled.returncode == 0, compiled.stderr
    return subprocess.run(
        [str(folder / "prog")], cwd=folder, capture_output=True, text=True, check=False
    )


def test_netmon_through_cilium(tmp_path: Path, clang_bpf: list[str]) -> None:
    """All thirteen map types: what the generated C defines and the generated Go puts in comes back."""
    ran = run_through_go(NETMON, HERE / "carriers.c", tmp_path, clang_bpf, "netmon")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.strip().endswith("done")
    for name in ("flows", "counters", "events", "cpu_stats cpu 0", "cpu_totals cpu 0", "cpu_flows cpu 0", "settings",
                 "sessions", "tenants", "shards", "work", "undo", "samples", "routes"):  # fmt: skip
        assert f"ok {name}\n" in ran.stdout


@pytest.mark.parametrize("number", range(len(SEED_MAPS)), ids=[b.title[:30] for b in SEED_MAPS])
def test_seed_through_cilium(number: int, tmp_path: Path, clang_bpf: list[str]) -> None:
    source = tmp_path / "flow.c"
    source.write_text(SEED_MAPS[number].code)
    program = tmp_path / "program.c"
    text = '#include "flow_layout.h"\n'
    if "bpf_ringbuf_reserve" in source.read_text():
        text = (HERE / "carriers.c").read_text().replace("netmon_layout.h", "flow_layout.h")
        text = text[: text.index('SEC("xdp")\nint to_perf')]
    program.write_text(text + 'char _license[] SEC("license") = "GPL";\n')
    ran = run_through_go(source, program, tmp_path, clang_bpf, "flow")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "ok " in ran.stdout
