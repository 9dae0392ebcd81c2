"""The running kernel's types, in place of a ``vmlinux.h`` that is not there."""

from __future__ import annotations

import os
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mapschema.abi import ABIS
from mapschema.frontends.c.integers import Value
from mapschema.layout import LayoutError, Layouts
from mapschema.types import Enum, Record, Typedef

if TYPE_CHECKING:
    from mapschema.readers.btf import Btf
    from mapschema.source import Span

KERNEL_BTF = "/sys/kernel/btf/vmlinux"


class Fallback(Protocol):
    """Where a name is looked up that the source and its includes don't define."""

    def __hash__(self) -> int: ...
    def typedef_names(self) -> set[str]: ...
    def has_tag(self, tag: str) -> bool: ...
    def has_typedef(self, name: str) -> bool: ...
    def record_or_enum(self, tag: str, span: Span | None) -> Record | Enum | None: ...
    def typedef(self, name: str, span: Span | None = None) -> Typedef | None: ...
    def enumerator(self, name: str) -> Value | None: ...


def is_there() -> bool:
    """Whether this machine's kernel exports its BTF."""
    return os.path.isfile(KERNEL_BTF)


@cache
def kernel_types(abi: str, below: Fallback) -> Fallback:
    """The kernel's types, and behind them what `below` has; `below` itself where BTF can't be read."""
    from mapschema.readers.btf import Btf, BtfError

    try:
        return KernelTypes(Btf(Path(KERNEL_BTF).read_bytes(), Layouts(ABIS[abi])), below)
    except (OSError, BtfError):
        return below


class KernelTypes:
    """Looks names up in a BTF blob; each type is decoded when it is needed."""

    def __init__(self, btf: Btf, below: Fallback) -> None:
        from mapschema.readers.btf import ENUM, ENUM64, STRUCT, TYPEDEF, UNION

        self._btf = btf
        self._below = below
        self._tags: dict[str, int] = {}
        self._typedefs: dict[str, int] = {}
        self._enums: list[int] = []
        for type_id in range(btf.first_id, btf.count):
            kind, name, _, _, _, _ = btf.raw(type_id)
            if kind in (STRUCT, UNION, ENUM, ENUM64):
                if name:
                    self._tags.setdefault(name, type_id)
                if kind in (ENUM, ENUM64):
                    self._enums.append(type_id)
            elif kind == TYPEDEF:
                self._typedefs.setdefault(name, type_id)

    def typedef_names(self) -> set[str]:
        return set(self._typedefs) | self._below.typedef_names()

    def has_tag(self, tag: str) -> bool:
        return tag in self._tags or self._below.has_tag(tag)

    def has_typedef(self, name: str) -> bool:
        return name in self._typedefs or self._below.has_typedef(name)

    def record_or_enum(self, tag: str, span: Span | None) -> Record | Enum | None:
        if tag not in self._tags:
            return self._below.record_or_enum(tag, span)
        try:
            found = self._btf.type(self._tags[tag])
        except LayoutError:
            return None
        return found if isinstance(found, (Record, Enum)) else None

    def typedef(self, name: str, span: Span | None = None) -> Typedef | None:
        if name not in self._typedefs:
            return self._below.typedef(name, span)
        try:
            found = self._btf.type(self._typedefs[name])
        except LayoutError:
            return None
        return found if isinstance(found, Typedef) else None

    @cached_property
    def _values(self) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for type_id in self._enums:
            enum = self._btf.type(type_id)
            if isinstance(enum, Enum):
                for item in enum.values:
                    wide = not -(1 << 31) <= item.value < 1 << 31
                    found.setdefault(
                        item.name, Value(item.value, 64 if wide else 32, item.value < 1 << 63)
                    )
        return found

    def enumerator(self, name: str) -> Value | None:
        return self._values.get(name) or self._below.enumerator(name)
