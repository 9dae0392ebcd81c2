"""The versioned JSON document of ``mapschema layout --format json``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from mapschema.layout import Layouts, RecordLayout
from mapschema.mapsizes import key_size, value_size
from mapschema.source import Span
from mapschema.types import Array, Enum, MapDef, Record, Schema, Type, spell

VERSION = 1


def layout_document(schemas: Sequence[Schema], layouts: Layouts) -> dict[str, Any]:
    """Records, enums and maps of the schemas on one ABI, as JSON's types.

    Sizes of records are in bytes, offsets and sizes of members in bits.
    Identical definitions appear once.  Raises LayoutError.
    """
    return {
        "version": VERSION,
        "abi": layouts.abi.name,
        "records": _once(
            record_entry(layouts.record(r), layouts) for s in schemas for r in s.records
        ),
        "enums": _once(enum_entry(e, layouts) for s in schemas for e in s.enums),
        "maps": _once(map_entry(m, layouts) for s in schemas for m in s.maps),
    }


def _once(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Drops an entry that differs from an earlier one of its name only in its place."""
    kept: dict[str | None, list[dict[str, Any]]] = {}
    result: list[dict[str, Any]] = []
    for entry in entries:
        shape = {k: v for k, v in entry.items() if k not in ("path", "line")}
        known = kept.setdefault(entry["name"], [])
        if shape not in known:
            known.append(shape)
            result.append(entry)
    return result


def _place(span: Span | None) -> dict[str, Any]:
    return {"path": span.path if span else None, "line": span.line if span else None}


def record_entry(layout: RecordLayout, layouts: Layouts) -> dict[str, Any]:
    """One record with its members and padding."""
    record = layout.record
    entry: dict[str, Any] = {
        "name": record.name or record.typedef_name,
        "kind": record.kind,
        "size": layout.size,
        "align": layout.align,
        "packed": record.packed,
        **_place(record.span),
        "members": [],
        "padding": [
            {
                "kind": p.kind,
                "bit_offset": p.bit_offset,
                "bit_size": p.bit_size,
                "after": p.after or None,
            }
            for p in layout.padding
        ],
    }
    for slot in layout.slots:
        member: dict[str, Any] = {
            "name": slot.member.name,
            "type": spell(slot.member.type),
            "bit_offset": slot.bit_offset,
            "bit_size": slot.bit_size,
            "bitfield": slot.member.is_bitfield,
        }
        inner = _unnamed_record(slot.member.type)
        if inner is not None:
            member["record"] = record_entry(layouts.record(inner), layouts)
        entry["members"].append(member)
    return entry


def _unnamed_record(type_: Type) -> Record | None:
    while isinstance(type_, Array):
        type_ = type_.element
    if isinstance(type_, Record) and not type_.name and not type_.typedef_name:
        return type_
    return None


def enum_entry(enum: Enum, layouts: Layouts) -> dict[str, Any]:
    """One enum with its values; the size is in bytes."""
    return {
        "name": enum.name or enum.typedef_name,
        "size": layouts.enum_size_align(enum)[0],
        "signed": layouts.is_signed(enum),
        "values": [{"name": v.name, "value": v.value} for v in enum.values],
        **_place(enum.span),
    }


def map_entry(item: MapDef, layouts: Layouts) -> dict[str, Any]:
    """One map; `inner` is the inner map's own object."""
    return {
        "name": item.name,
        "type": item.type,
        "key": spell(item.key) if item.key is not None else None,
        "key_size": key_size(item, layouts),
        "value": spell(item.value) if item.value is not None else None,
        "value_size": value_size(item, layouts),
        "max_entries": item.max_entries,
        "map_flags": item.map_flags,
        "map_extra": item.map_extra,
        "numa_node": item.numa_node,
        "pinning": item.pinning,
        "carries": [r.spelling for r in item.carries],
        "inner": map_entry(item.inner, layouts) if item.inner is not None else None,
        **_place(item.span),
    }
