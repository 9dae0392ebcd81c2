"""CPU time of mapschema against clang on the same source, in one run, as ratios.

    python benchmarks/reading.py [VMLINUX_H]

The flow tracker's source is compiled, and a program that includes a full
vmlinux.h (written by `bpftool btf dump file /sys/kernel/btf/vmlinux format c`)
is laid out.  Commands alternate; the median of the user and system time counts.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import ziglang

ROOT = Path(__file__).resolve().parent.parent
ZIG = Path(ziglang.__file__).parent
ROUNDS = 7
# as an installed package has it: its modules are compiled already
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
PROGRAM = """#include "vmlinux.h"
struct event { u32 pid; u64 at; char comm[16]; struct sockaddr_in peer; };
struct { int (*type)[1]; int (*max_entries)[64]; u32 *key; struct event *value; }
	events __attribute__((section(".maps"), used));
"""


def cpu(command: list[str], folder: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=ENVIRONMENT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def compare(what: str, ours: list[str], theirs: list[str], folder: str) -> None:
    times: tuple[list[float], list[float]] = ([], [])
    cpu(ours, folder)
    for _ in range(ROUNDS):
        for command, found in ((ours, times[0]), (theirs, times[1])):
            found.append(cpu(command, folder))
    a, b = (statistics.median(t) for t in times)
    spread = max(max(t) / min(t) for t in times)
    print(
        f"{what}: mapschema {a * 1000:.0f} ms, clang {b * 1000:.0f} ms, ratio {a / b:.2f} (spread {spread:.2f})"
    )


def main() -> None:
    lib = ZIG / "lib"
    system = [
        lib / "include",
        lib / "libc/include/any-linux-any",
        lib / "libc/include/x86-linux-any",
    ]
    isystem = [word for folder in system for word in ("-isystem", str(folder))]
    clang = [str(ZIG / "zig"), "clang", "-target", "bpf", "-fsyntax-only", "-w"]
    ours = [sys.executable, "-m", "mapschema"]
    with tempfile.TemporaryDirectory() as folder:
        standins = ROOT / "mapschema/frontends/c/standins"
        os.makedirs(f"{folder}/inc/bpf")
        for name in ("bpf_helpers.h", "bpf_endian.h"):
            source = standins / name
            Path(folder, "inc/bpf", name).write_text(source.read_text() if source.exists() else "")
        flow = Path(folder, "flow.c")
        flow.write_text("#define bpf_map_lookup_elem(m, k) ((void *)0)\n#define bpf_map_update_elem(m, k, v, f) 0\n"
                        "#define bpf_ktime_get_ns() 0\n" + (ROOT / "examples/flow_tracker/bytecode/flow.c").read_text())  # fmt: skip
        compare(
            "compile the flow tracker",
            [*ours, "compile", "flow.c", "-o", "out", *isystem, "-I", "inc"],
            [*clang, "-nostdinc", *isystem, "-I", "inc", "flow.c"],
            folder,
        )
        if len(sys.argv) > 1:
            Path(folder, "vmlinux.h").write_bytes(Path(sys.argv[1]).read_bytes())
            Path(folder, "program.c").write_text(PROGRAM)
            compare(
                "lay out a program that includes vmlinux.h",
                [*ours, "layout", "program.c"],
                [*clang, "-std=gnu17", "program.c"],
                folder,
            )


if __name__ == "__main__":
    main()
