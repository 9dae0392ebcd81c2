"""Inputs to schemas: which frontend reads a path, and what several inputs share."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mapschema.abi import ABIS
from mapschema.annotations import check_member
from mapschema.diagnostics import Diagnostics
from mapschema.document import enum_entry, record_entry
from mapschema.frontends.c.preprocessor import COptions
from mapschema.layout import LayoutError, Layouts
from mapschema.mapsizes import key_size, value_size
from mapschema.source import ReadError, read_bytes, read_source
from mapschema.types import Enum, Record, Schema

_ENDINGS = (".bpf.c", ".mapschema", ".bpf.o", ".c", ".h", ".o", ".btf")


def stem_of(path: str) -> str:
    """The input's name without folder and endings; a leading ``_`` or ``.`` is dropped."""
    name = os.path.basename(path)
    for ending in _ENDINGS:
        if name.endswith(ending) and len(name) > len(ending):
            name = name[: -len(ending)]
            break
    return name.lstrip("_.") or "schema"


def load(
    path: str,
    options: COptions,
    diagnostics: Diagnostics,
    *,
    types: Sequence[str] = (),
    everything: bool = False,
    base: str | None = None,
) -> Schema | None:
    """Reads one input; None, reported, where it can't be read at all.

    `base` is the path of the BTF that a module's split BTF builds on.

    Also reports records without a layout on the ABI of the options, and
    annotations that don't fit.
    """
    if _looks_like_object(path):
        from mapschema.readers.objects import read_object

        try:
            data = read_bytes(Path(path))
            below = read_bytes(Path(base)) if base else None
        except ReadError as error:
            diagnostics.error("MS001", str(error), path=path)
            return None
        return read_object(
            path,
            data,
            diagnostics,
            stem=stem_of(path),
            types=types,
            everything=everything,
            base=below,
        )
    if not path.endswith((".h", ".c", ".mapschema")):
        if not os.path.exists(path):
            diagnostics.error("MS001", "no such file", path=path)
        else:
            what = "is a directory, not a file" if os.path.isdir(path) else "unknown kind of input"
            diagnostics.error(
                "MS002",
                what,
                path=path,
                help="inputs are .h, .c, .bpf.c and .mapschema files, ELF objects, and raw BTF",
            )
        return None
    try:
        file = read_source(Path(path), path)
    except ReadError as error:
        diagnostics.error("MS001", str(error), path=path)
        return None
    if path.endswith(".mapschema"):
        from mapschema.frontends.dsl import read_dsl

        schema = read_dsl(file, options, diagnostics, stem=stem_of(path), types=types)
    else:
        from mapschema.frontends.c import read_c

        schema = read_c(
            file, options, diagnostics, stem=stem_of(path), types=types, everything=everything
        )
    _check(schema, Layouts(ABIS[options.abi]), diagnostics)
    return schema


def _looks_like_object(path: str) -> bool:
    """Whether the file begins as an ELF or BTF file does."""
    if path.endswith((".h", ".c", ".mapschema", ".go")) or not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as stream:
            head = stream.read(4)
    except OSError:
        return False
    return head == b"\x7fELF" or head[:2] in (b"\x9f\xeb", b"\xeb\x9f")


def _check(schema: Schema, layouts: Layouts, diagnostics: Diagnostics) -> None:
    for enum in schema.enums:
        try:
            layouts.enum_size_align(enum)
        except LayoutError as error:
            diagnostics.error("MS021", error.message, error.span or enum.span)
    for record in schema.records:
        try:
            layouts.record(record)
        except LayoutError as error:
            diagnostics.error(
                "MS021", error.message, error.span or record.span, record=record.display_name
            )
            continue
        _check_members(record, layouts, diagnostics)
    for item in schema.maps:
        try:
            key_size(item, layouts), value_size(item, layouts)
        except LayoutError as error:
            diagnostics.error("MS021", error.message, error.span or item.span)


def _check_members(record: Record, layouts: Layouts, diagnostics: Diagnostics) -> None:
    for member in record.members:
        check_member(member, record, layouts, diagnostics)
        if isinstance(member.type, Record) and not member.type.name:
            _check_members(member.type, layouts, diagnostics)


@dataclass(frozen=True, slots=True)
class Shared:
    """Schemas of one run, each record and enum kept by the first that defines it.

    `canonical` leads from the `id` of one that was dropped to the one that was
    kept; `includes` has for each schema the stems of those it leans on.
    """

    schemas: tuple[Schema, ...]
    canonical: dict[int, Record | Enum]
    includes: tuple[tuple[str, ...], ...]


def share(schemas: Sequence[Schema], layouts: Layouts, diagnostics: Diagnostics) -> Shared:
    """Drops what an earlier input defines, too; two different ones of a name are an error."""
    first: dict[str, tuple[Record | Enum, str, object]] = {}
    canonical: dict[int, Record | Enum] = {}
    result: list[Schema] = []
    includes: list[tuple[str, ...]] = []
    for schema in schemas:
        kept: list[Record | Enum] = []
        needs: list[str] = []
        items: list[Record | Enum] = [*schema.enums, *schema.records]
        for item in items:
            name = item.name or item.typedef_name
            if name is None:
                kept.append(item)
                continue
            shape = _shape(item, layouts)
            known = first.get(name)
            if known is None:
                first[name] = (item, schema.stem, shape)
                kept.append(item)
            elif known[2] == shape:
                canonical[id(item)] = known[0]
                if known[1] not in needs and known[1] != schema.stem:
                    needs.append(known[1])
            else:
                where = known[0].span
                place = f" (first at {where.path}:{where.line})" if where else ""
                diagnostics.error(
                    "MS013", f"'{name}' is defined in another way by two inputs{place}", item.span
                )
        result.append(
            replace(
                schema,
                records=tuple(r for r in kept if isinstance(r, Record)),
                enums=tuple(e for e in kept if isinstance(e, Enum)),
            )
        )
        includes.append(tuple(needs))
    return Shared(tuple(result), canonical, tuple(includes))


def _shape(item: Record | Enum, layouts: Layouts) -> object:
    try:
        entry = (
            enum_entry(item, layouts)
            if isinstance(item, Enum)
            else record_entry(layouts.record(item), layouts)
        )
    except LayoutError:
        return None
    return {key: value for key, value in entry.items() if key not in ("path", "line")}
