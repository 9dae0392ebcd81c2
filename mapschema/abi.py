"""The ABIs that a layout is asked for, as data.

Sizes and alignments are in bytes.  Each value is what clang says for the
target named in `clang_target`; where it comes from is noted at the constant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mapschema.types import FloatKind, IntKind

ByteOrder = Literal["little", "big"]


@dataclass(frozen=True, slots=True)
class Abi:
    """One target's C data model.

    `ints` and `floats` give (size, alignment) in bytes by kind; a kind that
    the target lacks is absent.  `zero_width_aligns` is AAPCS's rule that an
    unnamed bit-field counts for its record's alignment.
    """

    name: str
    clang_target: str
    byte_order: ByteOrder
    pointer_size: int
    long_size: int
    char_signed: bool
    ints: dict[IntKind, tuple[int, int]]
    floats: dict[FloatKind, tuple[int, int]]
    zero_width_aligns: bool = False
    max_align: int = 16
    """What ``aligned`` without an argument means, in bytes."""


def _abi(
    name: str,
    target: str,
    *,
    order: ByteOrder = "little",
    word: int = 8,
    long_long_align: int = 8,
    double_align: int = 8,
    long_double: tuple[int, int] = (16, 16),
    int128_align: int | None = 16,
    half: bool = True,
    char_signed: bool = True,
    aapcs: bool = False,
) -> Abi:
    ints: dict[IntKind, tuple[int, int]] = {
        "bool": (1, 1),
        "char": (1, 1),
        "short": (2, 2),
        "int": (4, 4),
        "long": (word, word),
        "long long": (8, long_long_align),
    }
    if int128_align is not None:
        ints["int128"] = (16, int128_align)
    floats: dict[FloatKind, tuple[int, int]] = {
        "float": (4, 4),
        "double": (8, double_align),
        "long double": long_double,
    }
    if half:
        floats["half"] = (2, 2)
    max_align = 8 if name in ("arm", "s390x") else 16
    return Abi(name, target, order, word, word, char_signed, ints, floats, aapcs, max_align)


# i386: the System V psABI aligns 8-byte integers and doubles to 4, and has a
# 12-byte long double.  s390x: its ELF ABI aligns nothing above 8.  arm, arm64:
# AAPCS and AAPCS64 let unnamed bit-fields count for alignment.
ABIS: dict[str, Abi] = {
    abi.name: abi
    for abi in (
        _abi("bpfel", "bpfel", long_double=(8, 8), half=False),
        _abi("bpfeb", "bpfeb", order="big", long_double=(8, 8), half=False),
        _abi("amd64", "x86_64-linux-gnu"),
        _abi(
            "386",
            "i686-linux-gnu",
            word=4,
            long_long_align=4,
            double_align=4,
            long_double=(12, 4),
            int128_align=None,
        ),
        _abi("arm64", "aarch64-linux-gnu", char_signed=False, aapcs=True),
        _abi(
            "arm",
            "arm-linux-gnueabihf",
            word=4,
            long_double=(8, 8),
            int128_align=None,
            char_signed=False,
            aapcs=True,
        ),
        _abi("riscv64", "riscv64-linux-gnu", char_signed=False),
        _abi(
            "s390x",
            "s390x-linux-gnu",
            order="big",
            long_double=(16, 8),
            int128_align=8,
            char_signed=False,
        ),
        _abi("ppc64le", "powerpc64le-linux-gnu", char_signed=False),
        _abi("mips64le", "mips64el-linux-gnuabi64"),
        _abi("loong64", "loongarch64-linux-gnu"),
    )
}

BPFEL = ABIS["bpfel"]
