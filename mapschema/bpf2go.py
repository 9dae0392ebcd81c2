"""What bpf2go makes of a type: right, wrong, or no output at all.

The rules are those of cilium/ebpf v0.22.0's `btf.GoFormatter` and
`cmd/bpf2go`: types are looked up by name in the object's BTF, bit-fields are
dropped, of a union only the first arm is kept, holes become ``_ [N]byte``, and
Go's own alignment does the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mapschema.golayout import GOARCHES, GoType
from mapschema.layout import Layouts
from mapschema.types import (
    Array,
    Enum,
    Float,
    Int,
    MapDef,
    Pointer,
    Record,
    Schema,
    Type,
    reachable,
    spell,
    strip_typedefs,
)

_OWN_NAMES = (
    "Specs", "ProgramSpecs", "MapSpecs", "VariableSpecs", "Objects", "Maps", "Variables", "Programs",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Listing:
    """The types for ``-type``, and of each other type why it is left out."""

    types: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]


class _Wrong(Exception):
    """bpf2go's Go for the type is wrong, or there is none; the message says why."""


def identifier(name: str) -> str:
    """bpf2go's Go name for a C name (`internal.Identifier`)."""
    out = ""
    previous = ""
    for char in name:
        if char.isalpha():
            if not previous:
                char = char.upper()
        elif char == "_":
            if not previous or previous.isdigit() or (previous.isalpha() and previous.islower()):
                previous = ""
                continue
        elif not char.isdigit():
            continue
        out += char
        previous = char
    return out


def listing(schema: Schema, layouts: Layouts, ident: str) -> Listing:
    """Judges every record and enum of a schema, in order."""
    present = _in_btf(schema)
    types: list[str] = []
    left_out: list[tuple[str, str]] = []
    taken = {ident + name for name in _OWN_NAMES} | {ident}
    wanted: list[Record | Enum] = [*schema.enums, *schema.records]
    for item in wanted:
        name = item.name or item.typedef_name
        if not name:
            continue
        try:
            _judge(item, name, schema, layouts, present)
            names = [ident + identifier(name)]
            if isinstance(item, Enum):
                names += [names[0] + identifier(v.name) for v in item.values]
            clash = next((n for i, n in enumerate(names) if n in taken or n in names[:i]), None)
            if clash is not None:
                raise _Wrong(f"its Go name {clash} is taken, and the Go would not compile")
            taken.update(names)
            types.append(name)
        except _Wrong as error:
            left_out.append((name, str(error)))
    return Listing(tuple(types), tuple(left_out))


def _judge(
    item: Record | Enum, name: str, schema: Schema, layouts: Layouts, present: set[int]
) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_]+", name):
        raise _Wrong("bpf2go takes only letters, digits and _ in a type's name")
    if name in schema.ambiguous:
        raise _Wrong(f"'{name}' is a tag and a typedef, and bpf2go finds multiple types")
    if id(item) not in present and name not in schema.mentioned:
        raise _Wrong(
            "no map and no global variable names it, so clang leaves it out of the object's BTF and "
            "bpf2go can't find it"
        )
    if isinstance(item, Enum):
        _type(item, layouts)
        return
    made = _struct(item, layouts)
    layout = layouts.record(item)
    if made.size != layout.size:
        raise _Wrong(f"bpf2go gives it {made.size} bytes in Go, C has {layout.size}")


def _in_btf(schema: Schema) -> set[int]:
    """`id` of the records and enums that the maps reach by value."""
    found: set[int] = set()

    def visit(types: Iterable[Type | None]) -> None:
        for type_ in types:
            if type_ is not None:
                found.update(id(item) for item in reachable(type_))

    def visit_map(item: MapDef) -> None:
        visit([item.key, item.value])
        if item.explicit_value_type:
            visit(item.carries)
        if item.inner is not None:
            visit_map(item.inner)

    for item in schema.maps:
        visit_map(item)
    for record in schema.records:
        if (record.name or record.typedef_name) in schema.mentioned:
            visit([record])
    return found


def _struct(record: Record, layouts: Layouts) -> GoType:
    """Size and alignment of bpf2go's Go struct; raises _Wrong where a member is lost or moved."""
    layout = layouts.record(record)
    name = record.display_name
    if record.kind == "union":
        if not record.members:
            raise _Wrong("an empty union aborts bpf2go")
        if len(record.members) > 1:
            raise _Wrong(
                "bpf2go keeps only the first arm of the union"
                + (f" '{name}'" if record.name else "")
            )
    fields: list[tuple[str, GoType, int]] = []
    seen: set[str] = set()
    at = 0
    for slot in layout.slots:
        member = slot.member
        if member.is_bitfield:
            if member.name is not None:
                raise _Wrong(f"bpf2go drops the bit-field '{member.name}'")
            continue
        offset = slot.bit_offset // 8
        if offset > at:
            fields.append(("_", GoType("pad", offset - at, 1), at))
        base = strip_typedefs(member.type)
        if member.name is None:
            if not (isinstance(base, Record) and base.kind == "union"):
                raise _Wrong("an anonymous struct aborts bpf2go")
            inner = _struct(base, layouts)  # raises: an anonymous union has several arms
            fields.append(("anonymous", inner, offset))
        else:
            go_name = identifier(member.name)
            if not go_name:
                raise _Wrong(
                    f"bpf2go embeds '{member.name}' without a name, and cilium/ebpf can't set it"
                )
            if not go_name[0].isalpha() or go_name in seen:
                raise _Wrong(f"bpf2go's Go for '{member.name}' would not compile")
            seen.add(go_name)
            fields.append((member.name, _type(member.type, layouts), offset))
        at = offset + slot.bit_size // 8
    if layout.size > at:
        fields.append(("_", GoType("pad", layout.size - at, 1), at))
    if fields and fields[-1][1].size == 0:
        raise _Wrong(f"'{fields[-1][0]}' has no size, and Go adds padding behind it")
    largest = max([f[1].align for f in fields], default=1)
    for goarch in GOARCHES:
        place, most = 0, 1
        for member_name, type_, offset in fields:
            align = type_.align_on(goarch)
            most = max(most, align)
            place = -(-place // align) * align
            if place != offset:
                raise _Wrong(
                    f"bpf2go puts '{member_name}' at byte {place} in Go on {goarch}, C at {offset}"
                )
            place += type_.size
        size = -(-place // most) * most
        if size != layout.size:
            raise _Wrong(f"bpf2go gives {name} {size} bytes in Go on {goarch}, C has {layout.size}")
    return GoType(name, layout.size, largest)


def _type(type_: Type, layouts: Layouts) -> GoType:
    base = strip_typedefs(type_)
    match base:
        case Pointer():
            raise _Wrong("a pointer aborts bpf2go")
        case Float():
            raise _Wrong(f"{base.name} aborts bpf2go")
        case Int():
            size = layouts.size(base)
            return GoType(base.name, size, 1 if size > 8 else size)
        case Enum():
            size = layouts.enum_size_align(base)[0]
            if size > 8:
                raise _Wrong(f"an enum of {size} bytes aborts bpf2go")
            return GoType("enum", size, size)
        case Array():
            element = _type(base.element, layouts)
            return GoType("array", element.size * (base.count or 0), element.align)
        case Record():
            return _struct(base, layouts)
    raise _Wrong(f"bpf2go has no Go for {spell(type_)}")
