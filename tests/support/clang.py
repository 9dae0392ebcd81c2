"""clang as it comes in the ziglang wheel: the judge of every C layout."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import ziglang


@cache
def zig_folder() -> Path:
    return Path(ziglang.__file__).parent


def clang_command(*args: str) -> list[str]:
    return [str(zig_folder() / "zig"), "clang", *args]


def libc_includes(arch: str = "x86") -> list[str]:
    """Flags for the compiler's own headers and the UAPI's, as clang for bpf needs them.

    `arch` chooses <asm/...>: bpfeb needs a big-endian one.
    """
    lib = zig_folder() / "lib"
    folders = [
        lib / "include",
        lib / "libc" / "include" / "any-linux-any",
        lib / "libc" / "include" / f"{arch}-linux-any",
    ]
    return ["-nostdinc", *(flag for folder in folders for flag in ("-isystem", str(folder)))]


def run_clang(*args: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        clang_command(*args), input=stdin, capture_output=True, text=True, check=False
    )


@dataclass(frozen=True)
class ClangLayout:
    """Size and alignment in bytes, offsets in bits."""

    size: int
    align: int
    offsets: tuple[int, ...]


_DUMP = re.compile(
    r"Type: (?P<name>[^\n]+)\n.*?Size:(?P<size>\d+).*?Alignment:(?P<align>\d+).*?"
    r"FieldOffsets: \[(?P<offsets>[^\]]*)\]",
    re.S,
)


def record_layouts(source: str, target: str, *flags: str) -> dict[str, ClangLayout]:
    """Layouts of the records that the source asks the size of, by clang's name for them.

    -fdump-record-layouts-complete is not used: it lays a record out before an
    attribute behind the closing brace is seen, and shows the wrong numbers.
    """
    run = run_clang(
        "-target", target, "-x", "c", "-std=gnu2x", "-w", *flags,
        "-Xclang", "-fdump-record-layouts-simple", "-fsyntax-only", "-", stdin=source,
    )  # fmt: skip
    if run.returncode:
        raise AssertionError(f"clang refused the source:\n{run.stderr[:3000]}\n{source}")
    found: dict[str, ClangLayout] = {}
    for match in _DUMP.finditer(run.stdout):
        offsets = tuple(int(x) for x in match["offsets"].split(",") if x.strip())
        found[match["name"]] = ClangLayout(
            int(match["size"]) // 8, int(match["align"]) // 8, offsets
        )
    return found
