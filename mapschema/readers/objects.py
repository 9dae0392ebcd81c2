"""Reads an ELF object or a raw BTF file: its records, enums and BTF-defined maps."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

from mapschema import maptypes
from mapschema.abi import ABIS
from mapschema.diagnostics import Diagnostics, suggest
from mapschema.layout import LayoutError, Layouts
from mapschema.readers.btf import (
    ARRAY,
    CONST,
    DATASEC,
    ENUM,
    ENUM64,
    FUNC,
    FUNC_PROTO,
    PTR,
    RESTRICT,
    STRUCT,
    TYPE_TAG,
    TYPEDEF,
    UNION,
    VAR,
    VOLATILE,
    Btf,
    BtfError,
)
from mapschema.types import Enum, MapDef, Record, Schema, Type, closure, map_types, strip_typedefs


def btf_section(data: bytes) -> bytes:
    """The bytes of an ELF file's .BTF section, or the data itself where it is BTF; raises BtfError."""
    if data[:4] != b"\x7fELF":
        return data
    from elftools.elf.elffile import ELFFile

    try:
        section = ELFFile(io.BytesIO(data)).get_section_by_name(".BTF")
        found = None if section is None else bytes(section.data())
    except Exception as error:  # elftools raises whatever a damaged file leads it to
        raise BtfError(f"the ELF file is damaged ({error})") from None
    if found is None:
        raise BtfError("the object has no .BTF section: compile it with -g")
    return found


def read_object(
    path: str,
    data: bytes,
    diagnostics: Diagnostics,
    *,
    stem: str,
    types: Sequence[str] = (),
    everything: bool = False,
    base: bytes | None = None,
) -> Schema | None:
    """The schema of an object; None, reported, where it is damaged.

    Without `everything`: the maps, what they reach, and `types`; a raw BTF
    file has no maps, so all of it is taken then.
    """
    try:
        blob = btf_section(data)
        order = "bpfeb" if blob[:2] == b"\xeb\x9f" else "bpfel"
        layouts = Layouts(ABIS[order])
        below = Btf(btf_section(base), layouts) if base is not None else None
        reader = _Reader(Btf(blob, layouts, below), path, diagnostics)
        return reader.schema(stem, types, everything or data[:4] != b"\x7fELF")
    except BtfError as error:
        diagnostics.error("MS040", f"damaged BTF: {error}", path=path)
    except LayoutError as error:
        diagnostics.error("MS040", f"BTF with an impossible layout: {error.message}", path=path)
    return None


class _Reader:
    def __init__(self, btf: Btf, path: str, diagnostics: Diagnostics) -> None:
        self.btf = btf
        self.path = path
        self.diagnostics = diagnostics

    def schema(self, stem: str, types: Sequence[str], everything: bool) -> Schema:
        btf = self.btf
        roots: list[Type] = []
        named: dict[str, list[int]] = {}
        sections: dict[str, int] = {}
        for type_id in range(btf.first_id, btf.count):
            kind, name, _, _, _, _ = btf.raw(type_id)
            if kind in (STRUCT, UNION, ENUM, ENUM64, TYPEDEF) and name:
                named.setdefault(name, []).append(type_id)
            if kind == DATASEC:
                sections[name] = type_id
            if everything and kind in (STRUCT, UNION, ENUM, ENUM64) and name:
                made = self._made(type_id)
                if made is not None:
                    roots.append(made)
            elif everything and kind == TYPEDEF and name:
                self._name_untagged(type_id, roots)
        maps = self._maps(sections[".maps"]) if ".maps" in sections else []
        for item in maps:
            roots += map_types(item)
        for wanted in types:
            tag = wanted.split()[-1]
            ids = named.get(tag)
            if not ids:
                hint = suggest(tag, named)
                self.diagnostics.error(
                    "MS022", f"--type {wanted}: no such type{hint}", path=self.path
                )
                continue
            for type_id in ids:
                made = self._made(type_id)
                if made is not None:
                    roots.append(made)
        records, enums = closure(roots)
        return Schema(
            path=self.path, stem=stem, records=records, enums=enums, typedefs=(), maps=tuple(maps),
            own=frozenset(id(r) for r in roots),
        )  # fmt: skip

    def _made(self, type_id: int) -> Type | None:
        """A type; one that is damaged or has no layout is reported, and only it is lost."""
        try:
            return self.btf.type(type_id)
        except LayoutError as error:
            self.diagnostics.warning("MS040", f"left out: {error.message}", path=self.path)
            return None

    def _name_untagged(self, type_id: int, roots: list[Type]) -> None:
        """Gives a record or enum without a tag the name of its first typedef."""
        target = self.btf.raw(type_id)[4]
        kind, name, _, _, _, _ = self.btf.raw(target) if target else (0, "", 0, False, 0, 0)
        if kind not in (STRUCT, UNION, ENUM, ENUM64) or name:
            return
        made = self._made(target)
        if isinstance(made, (Record, Enum)) and made.typedef_name is None:
            made = replace(made, typedef_name=self.btf.raw(type_id)[1])
            self.btf.rename(target, made)
            roots.append(made)

    # -- maps -------------------------------------------------------------

    def _maps(self, section: int) -> list[MapDef]:
        _, _, vlen, _, _, at = self.btf.raw(section)
        found: list[MapDef] = []
        for type_id, _, _ in self.btf.fields(section, "III", at, vlen):
            kind, name, _, _, target, _ = self.btf.raw(type_id)
            if kind != VAR:
                raise BtfError(f"type {type_id} in .maps is no variable")
            made = self._map(name, target, 0)
            if made is not None:
                found.append(made)
        return found

    def _struct(self, type_id: int) -> int:
        """The struct behind qualifiers, typedefs, arrays and pointers."""
        for _ in range(50):
            kind, _, _, _, target, at = self.btf.raw(type_id)
            if kind == STRUCT:
                return type_id
            if kind == ARRAY:
                ((type_id, _, _),) = self.btf.fields(type_id, "III", at, 1)
            elif kind in (PTR, TYPEDEF, CONST, VOLATILE, RESTRICT, TYPE_TAG):
                type_id = target
            else:
                break
        return 0

    def _map(self, name: str, type_id: int, depth: int) -> MapDef | None:
        struct_id = self._struct(type_id)
        if not struct_id or depth > 2:
            self.diagnostics.error("MS020", f"map '{name}' is no struct", path=self.path)
            return None
        _, _, vlen, _, _, at = self.btf.raw(struct_id)
        numbers: dict[str, int] = {}
        key: Type | None = None
        value: Type | None = None
        inner: MapDef | None = None
        for name_at, member_id, _ in self.btf.fields(struct_id, "III", at, vlen):
            field = self.btf.name(name_at)
            kind, _, _, _, target, _ = self.btf.raw(member_id)
            if field in ("key", "value") and kind == PTR:
                made = self.btf.type(target)
                key, value = (made, value) if field == "key" else (key, made)
            elif field == "values":
                if not self._is_program(member_id):
                    inner = self._map(f"{name}.inner", member_id, depth + 1)
            elif kind == PTR:
                array_kind, _, _, _, _, array_at = self.btf.raw(target)
                if array_kind == ARRAY:
                    ((_, _, count),) = self.btf.fields(target, "III", array_at, 1)
                    numbers[field] = count
            elif kind in (ENUM, ENUM64):
                made = self.btf.type(member_id)
                if isinstance(made, Enum) and made.values:
                    numbers[field] = made.values[0].value
        kind_of = maptypes.BY_NUMBER.get(numbers.get("type", 0))
        if kind_of is None:
            self.diagnostics.error(
                "MS020", f"map '{name}' has no type that the kernel knows", path=self.path
            )
            return None
        carried = (
            strip_typedefs(value)
            if value is not None and kind_of.shape in ("ring", "perf")
            else None
        )
        return MapDef(
            name=name, type=kind_of.name, key=key, value=value, key_size=numbers.get("key_size"),
            value_size=numbers.get("value_size"), max_entries=numbers.get("max_entries", 0),
            map_flags=numbers.get("map_flags", 0), map_extra=numbers.get("map_extra", 0),
            numa_node=numbers.get("numa_node"), pinning="by_name" if numbers.get("pinning") == 1 else "none",
            inner=inner, carries=(carried,) if isinstance(carried, Record) else (),
            carries_from="__type(value)" if isinstance(carried, Record) else "",
            explicit_value_type=isinstance(carried, Record),
        )  # fmt: skip

    def _is_program(self, type_id: int) -> bool:
        """Whether ``values`` holds programs: an array of pointers to functions."""
        for _ in range(20):
            kind, _, _, _, target, at = self.btf.raw(type_id)
            if kind in (FUNC, FUNC_PROTO):
                return True
            if kind == ARRAY:
                ((type_id, _, _),) = self.btf.fields(type_id, "III", at, 1)
            elif kind == PTR:
                type_id = target
            else:
                return False
            if type_id == 0:
                return True
        return False
