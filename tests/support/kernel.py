"""bpf(2) by hand: creates maps, puts, gets, without any library."""

from __future__ import annotations

import ctypes
import os
import platform
import struct

_NUMBER = {
    "x86_64": 321,
    "aarch64": 280,
    "riscv64": 280,
    "s390x": 351,
    "ppc64le": 361,
    "loongarch64": 280,
}
_LIBC = ctypes.CDLL(None, use_errno=True)
MAP_CREATE, MAP_LOOKUP, MAP_UPDATE = 0, 1, 2


def bpf(command: int, attr: bytes) -> int:
    buffer = ctypes.create_string_buffer(attr.ljust(128, b"\0"), 128)
    result = int(_LIBC.syscall(_NUMBER[platform.machine()], command, buffer, 128))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def create_map(
    number: int, key: int, value: int, entries: int, flags: int = 0, inner: int = 0, extra: int = 0
) -> int:
    """BPF_MAP_CREATE; returns the descriptor or raises OSError."""
    attr = struct.pack("<IIIIII", number, key, value, entries, flags, inner)
    attr = attr.ljust(64, b"\0") + struct.pack("<Q", extra)
    return bpf(MAP_CREATE, attr)


def update(fd: int, key: bytes, value: bytes, flags: int = 0) -> None:
    """BPF_MAP_UPDATE_ELEM."""
    k, v = (
        ctypes.create_string_buffer(key, len(key) or 1),
        ctypes.create_string_buffer(value, len(value)),
    )
    attr = struct.pack(
        "<IIQQQ", fd, 0, ctypes.addressof(k) if key else 0, ctypes.addressof(v), flags
    )
    bpf(MAP_UPDATE, attr)


def lookup(fd: int, key: bytes, size: int) -> bytes:
    """BPF_MAP_LOOKUP_ELEM; the value's bytes."""
    k, v = ctypes.create_string_buffer(key, len(key) or 1), ctypes.create_string_buffer(size)
    attr = struct.pack("<IIQQQ", fd, 0, ctypes.addressof(k) if key else 0, ctypes.addressof(v), 0)
    bpf(MAP_LOOKUP, attr)
    return v.raw
