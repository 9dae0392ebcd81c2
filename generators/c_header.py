"""The C header: records with explicit padding, assertions, and the maps."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mapschema import maptypes
from mapschema.generators import GeneratedFile, Request
from mapschema.generators.templating import comment_lines, render
from mapschema.layout import LayoutError, Layouts
from mapschema.mapsizes import key_size, value_size
from mapschema.padding import explicit, names
from mapschema.types import (
    Array,
    Enum,
    EnumValue,
    MapDef,
    Member,
    Pointer,
    Record,
    Schema,
    Type,
    Typedef,
    declare,
    innermost,
    spell,
    strip_typedefs,
)

# What <linux/types.h> and the compiler define.
KNOWN_TYPEDEFS = frozenset(
    [
        "__s8",
        "__u8",
        "__s16",
        "__u16",
        "__s32",
        "__u32",
        "__s64",
        "__u64",
        "__le16",
        "__be16",
        "__le32",
        "__be32",
        "__le64",
        "__be64",
        "__sum16",
        "__wsum",
        "__poll_t",
        "__aligned_u64",
        "__aligned_be64",
        "__aligned_le64",
        "__int128_t",
        "__uint128_t",
        "__aligned_s64",
        "__kernel_size_t",
        "__kernel_time_t",
    ]
)


def generate(request: Request) -> list[GeneratedFile]:
    """``STEM_layout.h``."""
    writer = _Header(request.schema, request.layouts, request.foreign)
    guard = re.sub(r"\W", "_", f"{request.stem}_layout_h").upper()
    if guard[0].isdigit():
        guard = f"H_{guard}"
    text = render(
        "c_header/header.h.j2",
        guard=guard,
        includes=[f"{stem}_layout.h" for stem in request.includes],
        source=" ".join(comment_lines(request.source_name)),
        consts=[
            {"name": c.name, "value": _literal(c.value), "doc": comment_lines(c.doc)}
            for c in request.schema.consts
        ],
        blocks=writer.blocks(),
        maps=[writer.map(item) for item in request.schema.maps],
    )
    return [GeneratedFile(f"{request.stem}_layout.h", text)]


def _literal(value: int) -> str:
    if value > 0x7FFFFFFFFFFFFFFF:
        return f"{value}ULL"
    if value > 0xFFFFFFFF or value < -0x7FFFFFFF:
        return f"{value}LL" if value != -(1 << 63) else "(-9223372036854775807LL - 1)"
    return f"{value}U" if value > 0x7FFFFFFF else str(value)


def _inline_enums(records: Iterable[Record]) -> set[int]:
    """`id` of the enums without a name that members have: they are written in their records."""
    found: set[int] = set()
    for record in records:
        for member in record.members:
            base = innermost(member.type)
            if isinstance(base, Enum) and not base.name and not base.typedef_name:
                found.add(id(base))
            elif isinstance(base, Record) and not base.name and not base.typedef_name:
                found |= _inline_enums([base])
    return found


class _Header:
    def __init__(self, schema: Schema, layouts: Layouts, foreign: frozenset[int]) -> None:
        self.schema = schema
        self.layouts = layouts
        self.typedefs: set[str] = set(KNOWN_TYPEDEFS)
        self.done: set[int] = set(foreign)
        self.out: list[dict[str, object]] = []
        self.inlined: set[int] = set()

    def blocks(self) -> list[dict[str, object]]:
        """Typedefs, enums and records, each behind what it needs."""
        inline = _inline_enums(self.schema.records)
        for enum in self.schema.enums:
            if id(enum) not in inline:
                self._need(enum)
        for record in self.schema.records:
            self._need(record)
        for item in self.schema.maps:
            self._need_map(item)
        return self.out

    def _need_map(self, item: MapDef) -> None:
        for type_ in (item.key, item.value):
            if type_ is not None:
                self._need(type_)
        if item.inner is not None:
            self._need_map(item.inner)

    def _need(self, type_: Type) -> None:
        match type_:
            case Typedef():
                base = strip_typedefs(type_)
                own_name = (
                    isinstance(base, (Record, Enum))
                    and not base.name
                    and base.typedef_name == type_.name
                )
                if type_.name in self.typedefs:
                    return
                self.typedefs.add(type_.name)
                self._need(type_.target)
                if own_name:
                    return
                align = f" __attribute__((aligned({type_.align})))" if type_.align else ""
                self.out.append(
                    {
                        "lines": [
                            f"typedef {declare(self._safe(type_.target), type_.name)}{align};"
                        ],
                        "asserts": [],
                        "doc": [],
                    }
                )
            case Array():
                self._need(type_.element)
            case Enum():
                if id(type_) not in self.done:
                    self.done.add(id(type_))
                    self.out.append(self._enum(type_))
            case Record():
                if id(type_) in self.done:
                    return
                self.done.add(id(type_))
                self._need_members(type_)
                if type_.name or type_.typedef_name:
                    self.out.append(self._record(type_))

    def _need_members(self, record: Record) -> None:
        for member in record.members:
            base = innermost(member.type)
            if isinstance(base, Enum) and not base.name and not base.typedef_name:
                continue  # it is written where it stands
            self._need(member.type)

    # -- enums ------------------------------------------------------------

    def _enum(self, enum: Enum) -> dict[str, object]:
        values, packed = self._sized_values(enum)
        lines = [
            "typedef enum {"
            if not enum.name and enum.typedef_name
            else f"enum {enum.name or ''}".rstrip() + " {"
        ]
        for value in values:
            doc = comment_lines(value.doc)
            lines.append(
                f"\t{value.name} = {_literal(value.value)},{' /* ' + doc[0] + ' */' if doc else ''}"
            )
        close = "}"
        if packed:
            close += " __attribute__((packed))"
        if not enum.name and enum.typedef_name:
            close += f" {enum.typedef_name}"
        note = "" if not enum.flags else " /* mapschema: @flags */"
        lines[0] += note
        lines.append(f"{close};")
        asserts = []
        if enum.name or enum.typedef_name:
            size = self.layouts.enum_size_align(enum)[0]
            asserts.append(
                f'_Static_assert(sizeof({spell(enum)}) == {size}, "size of {spell(enum)}");'
            )
        return {"lines": lines, "asserts": asserts, "doc": comment_lines(enum.doc)}

    def _sized_values(self, enum: Enum) -> tuple[list[EnumValue], bool]:
        """The values, with bounds added where a fixed type needs them, and `packed`."""
        values = list(enum.values)
        if enum.underlying is None:
            return values, enum.packed
        target = self.layouts.enum_int(enum)
        size, signed = self.layouts.size(target), self.layouts.is_signed(target)
        packed = size < 4
        for extra in ([], ["max"], ["min"], ["min", "max"]):
            bounds = {
                "max": (1 << (size * 8 - (1 if signed else 0))) - 1,
                "min": -(1 << (size * 8 - 1)) if signed else 0,
            }
            trial = values + [EnumValue(f"__{enum.display_name}_{e}", bounds[e]) for e in extra]
            plain = Enum(enum.name, tuple(trial), None, packed)
            try:
                got = self.layouts.enum_int(plain)
            except LayoutError:
                continue
            if self.layouts.size(got) == size and self.layouts.is_signed(got) == signed:
                return trial, packed
        return values, packed

    # -- records ----------------------------------------------------------

    def _record(self, record: Record) -> dict[str, object]:
        lines = self._body(record, names(record))
        if not record.name:
            lines[0] = f"typedef {lines[0]}"
            lines[-1] += f" {record.typedef_name}"
        lines[-1] += ";"
        if record.pack:
            lines = [f"#pragma pack(push, {record.pack})", *lines, "#pragma pack(pop)"]
        layout = self.layouts.record(record)
        name = record.spelling
        asserts = [f'_Static_assert(sizeof({name}) == {layout.size}, "size of {name}");']
        for slot in layout.slots:
            member = slot.member
            if member.name is None or member.is_bitfield:
                continue
            asserts.append(
                f"_Static_assert(__builtin_offsetof({name}, {member.name}) == {slot.bit_offset // 8}, "
                f'"offset of {member.name} in {name}");'
            )
        return {"lines": lines, "asserts": asserts, "doc": comment_lines(record.doc)}

    def _body(self, record: Record, taken: set[str]) -> list[str]:
        """The definition without its name behind it; attributes stand in front of the tag."""
        attributes = [
            word
            for word, on in (("packed", record.packed), (f"aligned({record.align})", record.align))
            if on
        ]
        attribute = f" __attribute__(({', '.join(attributes)}))" if attributes else ""
        padded = explicit(record, self.layouts, taken)
        lines = [f"{record.kind}{attribute}{' ' + record.name if record.name else ''} {{"]
        for member in padded.members:
            for text in comment_lines(member.doc):
                lines.append(f"\t/* {text} */")
            lines += [f"\t{line}" for line in self._member(member, taken)]
        lines.append("}")
        return lines

    def _member(self, member: Member, taken: set[str]) -> list[str]:
        attribute = " __attribute__((packed))" if member.packed else ""
        if member.align is not None:
            attribute += f" __attribute__((aligned({member.align})))"
        found = dict(member.annotations)
        if member.is_pad and member.name is not None:
            found["pad"] = ""
        words = " ".join(f"@{k}({v})" if v else f"@{k}" for k, v in sorted(found.items()))
        note = " ".join(comment_lines(f"mapschema: {words}")) if words else ""
        tail = f"{attribute};{' /* ' + note + ' */' if note else ''}"
        base = innermost(member.type)
        dims = ""
        element: Type = member.type
        while isinstance(element, Array):
            dims += f"[{'' if element.count is None else element.count}]"
            element = element.element
        inline: list[str] | None = None
        if element is base and isinstance(base, Record) and not base.name and not base.typedef_name:
            inline = self._body(base, taken if member.name is None else names(base))
        elif element is base and isinstance(base, Enum) and not base.name and not base.typedef_name:
            inline = self._inline_enum(base)
        name = member.name or ""
        if inline is not None:
            inline = list(inline)
            inline[-1] += f"{' ' + name if name else ''}{dims}"
            if member.bit_width is not None:
                inline[-1] += f" : {member.bit_width}"
            inline[-1] += tail
            return inline
        safe = self._safe(member.type)
        if member.bit_width is not None:
            return [f"{spell(safe)} {name + ' ' if name else ''}: {member.bit_width}{tail}"]
        return [f"{declare(safe, name)}{tail}"]

    def _inline_enum(self, enum: Enum) -> list[str]:
        """An enum without a name where it stands; where it stands again, its integer type."""
        if id(enum) in self.inlined:
            return [spell(self.layouts.enum_int(enum))]
        self.inlined.add(id(enum))
        lines: list[str] = self._enum(enum)["lines"]  # type: ignore[assignment]
        return [*lines[:-1], lines[-1].rstrip(";")]

    def _safe(self, type_: Type) -> Type:
        """The type with pointers only to what any C file knows."""
        if isinstance(type_, Array):
            return Array(self._safe(type_.element), type_.count)
        if isinstance(type_, Pointer):
            target = type_.target
            words = target.replace("*", " ").split()
            plain = all(
                w
                in (
                    "const",
                    "volatile",
                    "void",
                    "unsigned",
                    "signed",
                    "char",
                    "short",
                    "int",
                    "long",
                    "float",
                    "double",
                    "_Bool",
                )
                for w in words
            )
            tagged = "(" not in target and any(w in ("struct", "union") for w in words)
            if (
                plain
                or tagged
                or target in KNOWN_TYPEDEFS
                or re.fullmatch(r"void \((\*+\)\()?void\)", target)
            ):
                return type_
            return Pointer("void")
        return type_

    # -- maps -------------------------------------------------------------

    def map(self, item: MapDef) -> dict[str, object]:
        """The map's definition and, in comments, what it carries."""
        lines = self._map_body(item)
        lines[-1] += f' {item.name} SEC(".maps");'
        doc = comment_lines(item.doc)
        if item.carries:
            names = ", ".join(r.spelling for r in item.carries)
            doc = (
                [*doc, f"mapschema: @carries({item.carries[0].display_name})"]
                if len(item.carries) == 1
                else [*doc, f"carries {names}"]
            )
        return {"doc": doc, "lines": lines}

    def _map_body(self, item: MapDef) -> list[str]:
        kind = maptypes.BY_NAME[item.type]
        lines = ["struct {", f"\t__uint(type, BPF_MAP_TYPE_{item.type});"]
        if item.max_entries:
            lines.append(f"\t__uint(max_entries, {item.max_entries});")
        for what, type_, size in (
            ("key", item.key, key_size(item, self.layouts)),
            ("value", item.value, value_size(item, self.layouts)),
        ):
            if (
                kind.shape == "ring"
                or (what == "key" and not kind.has_key)
                or (what == "value" and not kind.has_value)
            ):
                continue
            if kind.fd_value and what == "value":
                if item.inner is None:
                    lines.append("\t__uint(value_size, 4);")
                continue
            base = innermost(type_) if type_ is not None else None
            unnamed = isinstance(base, Record) and not base.name and not base.typedef_name
            if type_ is not None and not unnamed:
                lines.append(f"\t__type({what}, {spell(type_)});")
            else:
                lines.append(f"\t__uint({what}_size, {size});")
        flags = item.map_flags
        if flags:
            names = maptypes.flag_names(flags)
            lines.append(f"\t__uint(map_flags, {' | '.join(names)});")
        if item.numa_node is not None:
            lines.append(f"\t__uint(numa_node, {item.numa_node});")
        if item.map_extra:
            if item.map_extra < 1 << 31:
                lines.append(f"\t__uint(map_extra, {item.map_extra});")
            else:
                lines.append(f"\t__ulong(map_extra, {_literal(item.map_extra)});")
        if item.pinning == "by_name":
            lines.append("\t__uint(pinning, LIBBPF_PIN_BY_NAME);")
        if item.inner is not None:
            inner = self._map_body(item.inner)
            inner[-1] += ");"
            lines.append(f"\t__array(values, {inner[0]}")
            lines += [f"\t{line}" for line in inner[1:]]
        lines.append("}")
        return lines
