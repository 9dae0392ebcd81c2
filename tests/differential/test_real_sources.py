"""BPF sources that come with cilium/ebpf: records as clang lays them out, maps as the loader sees them."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from mapschema import maptypes
from support import golang
from support.clang import libc_includes, record_layouts, run_clang
from support.cli import run

PRINT_SPECS = """package main

import (
	"encoding/json"
	"os"

	"github.com/cilium/ebpf"
)

func main() {
	out := map[string]any{}
	for _, path := range os.Args[1:] {
		spec, err := ebpf.LoadCollectionSpec(path)
		if err != nil {
			continue
		}
		maps := map[string]any{}
		for name, m := range spec.Maps {
			maps[name] = map[string]any{"type": m.Type, "key_size": m.KeySize, "value_size": m.ValueSize,
				"max_entries": m.MaxEntries, "map_flags": m.Flags, "pinning": m.Pinning}
		}
		out[path] = maps
	}
	json.NewEncoder(os.Stdout).Encode(out)
}
"""


def sources() -> list[Path]:
    root = golang.ebpf_folder()
    found = {
        p
        for pattern in (
            "testdata/*.c",
            "examples/*/*.c",
            "btf/testdata/*.c",
            "cmd/bpf2go/testdata/*.c",
        )
        for p in root.glob(pattern)
    }
    # written to be refused by every loader
    return sorted(p for p in found if p.name != "invalid_map.c")


def flags_for(source: Path, headers: Path) -> list[str]:
    root = golang.ebpf_folder()
    own = root / ("examples/headers" if "examples" in source.parts else "testdata")
    return ["-I", str(own), "-I", str(headers), "-D__TARGET_ARCH_x86"]


def ours(source: Path, headers: Path, *more: str) -> dict[str, Any]:
    includes = [w for w in libc_includes() if w not in ("-nostdinc", "-isystem")]
    system = [word for folder in includes for word in ("-isystem", folder)]
    result = run("layout", source, "--format", "json", *system, *flags_for(source, headers), *more)
    assert result.status == 0, f"{source}: {result.err}"
    document: dict[str, Any] = json.loads(result.out)
    return document


def test_records(bpf_headers: Path) -> None:
    checked = 0
    for source in sources():
        document = ours(source, bpf_headers, "--all")
        uses = f'#include "{source}"\n'
        for at, record in enumerate(document["records"]):
            uses += f"extern char use_{at}[sizeof({record['kind']} {record['name']}) + 1];\n"
        flags = ["-std=gnu17", *libc_includes(), *flags_for(source, bpf_headers)]
        try:
            truth = record_layouts(uses, "bpfel", *flags)
        except AssertionError as error:  # typedefs of untagged records have no tag
            for at in set(re.findall(r"use_(\d+)", str(error).split("#include")[0])):
                record = document["records"][int(at)]
                uses = uses.replace(
                    f"sizeof({record['kind']} {record['name']}) ", f"sizeof({record['name']}) "
                )
            truth = record_layouts(uses, "bpfel", *flags)
        for record in document["records"]:
            layout = truth.get(f"{record['kind']} {record['name']}") or truth[record["name"]]
            offsets = tuple(m["bit_offset"] for m in record["members"])
            assert (record["size"], record["align"], offsets) == (layout.size, layout.align, layout.offsets), (
                source, record["name"],
            )  # fmt: skip
            checked += 1
    assert checked > 100


def test_maps(tmp_path: Path, bpf_headers: Path) -> None:
    objects: dict[str, Path] = {}
    for at, source in enumerate(sources()):
        target = tmp_path / f"{at}.o"
        built = run_clang(
            "-target", "bpfel", "-O2", "-g", "-w", *libc_includes(), *flags_for(source, bpf_headers),
            "-c", str(source), "-o", str(target),
        )  # fmt: skip
        if built.returncode == 0:
            objects[str(target)] = source
    module = golang.new_module(tmp_path / "specs")
    (module / "main.go").write_text(PRINT_SPECS)
    built_go = golang.run_go("build", "-o", "specs", ".", cwd=module)
    assert built_go.returncode == 0, built_go.stderr
    ran = subprocess.run(
        [str(module / "specs"), *objects], capture_output=True, text=True, check=True
    )
    checked = 0
    for path, specs in json.loads(ran.stdout).items():
        source = objects[path]
        mine = {m["name"]: m for m in ours(source, bpf_headers)["maps"]}
        # the loader makes maps of its own from .data sections and struct_ops
        made = maptypes.BY_NAME["STRUCT_OPS"].number
        theirs = {n: s for n, s in specs.items() if not n.startswith(".") and s["type"] != made}
        assert set(mine) == set(theirs), source
        for name, spec in theirs.items():
            item = mine[name]
            if item["type"] in ("PERF_EVENT_ARRAY", "PROG_ARRAY", "ARRAY_OF_MAPS", "HASH_OF_MAPS"):
                # cilium/ebpf fills these in when it creates the map
                spec |= {k: spec[k] or 4 for k in ("key_size", "value_size")}
            found = {
                "type": maptypes.BY_NAME[item["type"]].number,
                "pinning": {"none": 0, "by_name": 1}[item["pinning"]],
                **{k: item[k] for k in ("key_size", "value_size", "max_entries", "map_flags")},
            }
            assert found == spec, (source, name)
            checked += 1
    assert checked > 30
