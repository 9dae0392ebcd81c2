"""Compares the layouts of two sides: C or schema against Go, or against another source.

Each side becomes a list of leaves (scalars and arrays of scalars) with their
offsets; leaves are matched by name first, then by place.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from mapschema.annotations import is_big_endian
from mapschema.diagnostics import Diagnostic, Diagnostics, Severity
from mapschema.frontends.c.preprocessor import COptions
from mapschema.golayout import GOARCHES, GoLeaf, GoSourceLayout, NoLayout, source_layout
from mapschema.gotypes import GoDefinition, GoStruct, underlying
from mapschema.layout import Layouts
from mapschema.source import Span
from mapschema.types import (
    Array,
    Enum,
    Float,
    Int,
    MapDef,
    Member,
    Pointer,
    Record,
    Schema,
    Type,
    spell,
    strip_typedefs,
)

_MAX_LEAVES = 100_000


@dataclass(frozen=True, slots=True)
class Leaf:
    """A scalar or an array of scalars of a C record; offset and size in bits.

    `kind` is ``int``, ``uint``, ``float``, ``bool``, ``bytes`` (fits anything of
    its size), ``union`` or ``bits``.
    """

    path: tuple[str, ...]
    bit_offset: int
    bit_size: int
    kind: str
    type: str
    count: int | None
    span: Span | None
    big_endian: bool = False

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def offset(self) -> int:
        return self.bit_offset // 8

    @property
    def end(self) -> int:
        return (self.bit_offset + self.bit_size + 7) // 8


@dataclass(frozen=True, slots=True)
class Role:
    """What a record is in the maps: for the sentence on what happens at run time."""

    map: str
    part: str
    """``key``, ``value`` or ``sample``."""


# -- sides ----------------------------------------------------------------


def is_go(path: str) -> bool:
    """Whether a side is Go: a ``.go`` file, or a folder that has some."""
    if path.endswith(".go"):
        return True
    return os.path.isdir(path) and any(name.endswith(".go") for name in os.listdir(path))


def compare_against(
    schemas: Sequence[Schema],
    side: str,
    layouts: Layouts,
    diagnostics: Diagnostics,
    options: COptions | None = None,
) -> list[Diagnostic]:
    """The findings of the schemas against one other side, in a stable order."""
    records = [(record, schema) for schema in schemas for record in schema.records]
    if is_go(side):
        from mapschema.readers.gosource import read_go

        definitions = read_go(side, diagnostics)
        return _against_go(records, schemas, definitions, layouts)
    if os.path.isdir(side):
        diagnostics.error("MS002", "the folder has no Go files", path=side)
        return []
    from mapschema.load import load

    other = load(side, options or COptions(), diagnostics)
    if other is None or diagnostics.has_errors:
        return []
    return _against_schema(schemas, other, layouts)


def compare_sides(
    left: str, right: str, options: COptions, diagnostics: Diagnostics
) -> list[Diagnostic]:
    """The findings of ``compare LEFT RIGHT``; one side at least is no Go."""
    from mapschema.abi import BPFEL
    from mapschema.load import load

    if is_go(left) and is_go(right):
        diagnostics.error(
            "MS002", "both sides are Go: one must be a source of C or a schema", path=left
        )
        return []
    if is_go(left):
        left, right = right, left
    schema = load(left, options, diagnostics)
    if schema is None or diagnostics.has_errors:
        return []
    return compare_against([schema], right, Layouts(BPFEL), diagnostics, options)


# -- C's leaves -----------------------------------------------------------


def leaves_of(record: Record, layouts: Layouts) -> list[Leaf]:
    """The leaves of a record, in the order of their offsets; pads are left out."""
    found: list[Leaf] = []
    _collect(record, layouts, 0, (), found)
    return found


def _collect(
    record: Record, layouts: Layouts, base: int, path: tuple[str, ...], found: list[Leaf]
) -> None:
    for slot in layouts.record(record).slots:
        member = slot.member
        if member.is_pad:
            continue
        below = (*path, member.name) if member.name is not None else path
        _leaf(member, member.type, layouts, base + slot.bit_offset, slot.bit_size, below, found)


def _leaf(
    member: Member,
    type_: Type,
    layouts: Layouts,
    at: int,
    size: int,
    path: tuple[str, ...],
    found: list[Leaf],
) -> None:
    if size == 0 or len(found) > _MAX_LEAVES:
        return
    base = strip_typedefs(type_)
    text = spell(member.type)
    if member.is_bitfield:
        if member.name is not None:
            found.append(Leaf(path, at, size, "bits", text, None, member.span))
        return
    if isinstance(base, Record):
        if base.kind == "union":
            found.append(Leaf(path, at, size, "union", text, None, member.span))
        else:
            _collect(base, layouts, at, path, found)
        return
    if isinstance(base, Array):
        element: Type = base
        count = 1
        while isinstance(element, Array):
            count *= element.count or 0
            element = strip_typedefs(element.element)
        if isinstance(element, Record) and element.kind == "struct":
            step = layouts.size(element) * 8
            for index in range(count):
                _collect(element, layouts, at + index * step, (*path, str(index)), found)
            return
        kind = "union" if isinstance(element, Record) else _kind(element, layouts)
        found.append(Leaf(path, at, size, kind, text, count, member.span))
        return
    big = is_big_endian(type_, member.annotations)
    found.append(Leaf(path, at, size, _kind(base, layouts), text, None, member.span, big))


def _kind(base: Type, layouts: Layouts) -> str:
    match base:
        case Float():
            return "float"
        case Pointer():
            return "uint"
        case Int() if base.kind == "bool":
            return "bool"
        case Int() if base.kind == "int128":
            return "bytes"
        case Int() if base.kind == "char" and base.signed is None:
            return "bytes"
        case Int() | Enum():
            return "int" if layouts.is_signed(base) else "uint"
    return "bytes"


# -- which type belongs to which ------------------------------------------


def normal(name: str) -> str:
    """A name without case and underscores, for matching the usual spellings."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def match_go(
    records: Sequence[tuple[Record, Schema]], definitions: Sequence[GoDefinition]
) -> list[tuple[Record, Schema, GoDefinition]]:
    """Pairs of a record and the Go type that mirrors it.

    By a ``mapschema: mirror`` comment; else by name: ``flow_key``, ``FlowKey``,
    bpf2go's ``FlowFlowKey`` (the input's stem in front), ``flowKeyT``.
    """
    pairs: list[tuple[Record, Schema, GoDefinition]] = []
    for record, schema in records:
        name = record.name or record.typedef_name
        if not name:
            continue
        wanted = normal(name)
        bare = normal(re.sub(r"_t$", "", name))
        spellings = {
            wanted,
            bare,
            f"{bare}t",
            normal(schema.stem) + wanted,
            normal(schema.stem) + bare,
        }
        for definition in definitions:
            if definition.mirror is not None:
                if definition.mirror == name:
                    pairs.append((record, schema, definition))
            elif normal(definition.name) in spellings and isinstance(
                underlying(definition.type), GoStruct
            ):
                pairs.append((record, schema, definition))
    return pairs


def roles(schemas: Sequence[Schema]) -> dict[int, list[Role]]:
    """By a record's `id`: the maps whose key, value or sample it is."""
    found: dict[int, list[Role]] = {}

    def add(type_: Type | None, name: str, part: str) -> None:
        base = strip_typedefs(type_) if type_ is not None else None
        if isinstance(base, Record):
            found.setdefault(id(base), []).append(Role(name, part))

    def visit(item: MapDef) -> None:
        add(item.key, item.name, "key")
        if not item.carries:
            add(item.value, item.name, "value")
        for record in item.carries:
            add(record, item.name, "sample")
        if item.inner is not None:
            visit(item.inner)

    for schema in schemas:
        for item in schema.maps:
            visit(item)
    return found


# -- against Go -----------------------------------------------------------


def _against_go(
    records: Sequence[tuple[Record, Schema]],
    schemas: Sequence[Schema],
    definitions: Sequence[GoDefinition],
    layouts: Layouts,
) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    part_of = roles(schemas)
    for record, _, definition in match_go(records, definitions):
        pair = _Pair(record, definition, layouts, part_of.get(id(record), []))
        found += pair.compare()
    return found


class _Pair:
    """One record of C and the Go type that should mirror it."""

    def __init__(
        self, record: Record, definition: GoDefinition, layouts: Layouts, part_of: list[Role]
    ) -> None:
        self.record = record
        self.definition = definition
        self.layout = layouts.record(record)
        self.leaves = leaves_of(record, layouts)
        self.part_of = part_of
        self.found: list[Diagnostic] = []

    def add(
        self,
        rule: str,
        message: str,
        span: Span | None,
        *,
        severity: Severity = "error",
        member: str | None = None,
        help: str | None = None,
    ) -> None:
        where = self.record.span
        if where is not None and severity != "note":
            origin = f"{self.record.spelling} is at {os.path.basename(where.path)}:{where.line}"
            help = f"{help}; {origin}" if help else origin
        self.found.append(
            Diagnostic(
                rule, severity, message, span or self.definition.span, None, help,
                self.record.display_name, member,
            )
        )  # fmt: skip

    def compare(self) -> list[Diagnostic]:
        go = self.definition
        try:
            memory = {arch: source_layout(go.type, arch) for arch in GOARCHES}
            encoded = source_layout(go.type, "amd64", encoded=True)
        except NoLayout as error:
            self.add(
                "CMP506",
                f"{go.name} can't mirror {self.record.spelling}: it holds {error.text}, which has no place in a map",
                error.span,
            )
            return self.found
        in_memory = memory["amd64"]
        # cilium/ebpf takes a value's memory where Go adds no padding of its
        # own, else what encoding/binary writes: either way, the fields one
        # after another.
        if encoded.size != in_memory.size and in_memory.size == self.layout.size:
            self.add(
                "CMP507",
                f"{go.name} has padding that only Go's compiler knows: cilium/ebpf writes it as "
                f"{encoded.size} bytes, {self.record.spelling} has {self.layout.size}. {self._fails(encoded.size)}",
                None,
                help="name the padding: _ [N]byte",
            )
            self._members(in_memory)
            return self.found
        if encoded.size != self.layout.size:
            self.add(
                "CMP501",
                f"{self.record.spelling} has {self.layout.size} bytes in C, {go.name} has {encoded.size} in Go. "
                f"{self._fails(encoded.size)}",
                None,
                help=self._repair(encoded),
            )
        self._members(encoded)
        for arch, layout in memory.items():
            if layout.size != in_memory.size:
                self.add(
                    "CMP508",
                    f"{go.name} has {layout.size} bytes on {arch}, {in_memory.size} on amd64",
                    None,
                    severity="warning",
                    help="name the padding, so that every GOARCH agrees",
                )
                break
        return self.found

    def _fails(self, go_size: int) -> str:
        """What happens at run time."""
        size = self.layout.size
        sentences = []
        for role in self.part_of:
            if role.part == "key":
                sentences.append(
                    f"Lookup, Put and Delete on {role.map} fail: the key is {size} bytes in the kernel, {go_size} in Go"
                )
            elif role.part == "value":
                sentences.append(
                    f"Lookup and Put on {role.map} fail: the value is {size} bytes in the kernel, {go_size} in Go"
                )
            elif go_size > size:
                sentences.append(
                    f"reading a sample of {role.map} fails: it has {size} bytes, Go wants {go_size}"
                )
            else:
                sentences.append(
                    f"a sample of {role.map} has {size} bytes, Go reads {go_size} of them"
                )
        return "; ".join(sentences) or "What one side writes, the other misreads"

    def _repair(self, go: GoSourceLayout) -> str:
        extra = go.size - self.layout.size
        tail = [leaf for leaf in go.leaves if leaf.filler]
        if (
            extra > 0
            and tail
            and tail[-1].offset + tail[-1].size == go.size
            and tail[-1].size == extra
        ):
            return (
                f"C has no padding there: remove the last {extra} bytes of {self.definition.name}"
            )
        return "generate the type with mapschema compile, or write the members and padding as C lays them out"

    # -- members ----------------------------------------------------------

    def _members(self, go: GoSourceLayout) -> None:
        real = [leaf for leaf in go.leaves if not leaf.filler]
        by_path: dict[str, list[GoLeaf]] = {}
        for field in real:
            by_path.setdefault(normal("".join(field.path)), []).append(field)
            if len(field.path) > 1:
                by_path.setdefault(normal(field.path[-1]), []).append(field)
        used: set[int] = set()
        names_in_c = {normal("".join(leaf.path)) for leaf in self.leaves}
        for leaf in self.leaves:
            if leaf.kind in ("bits", "union"):
                self._covered(leaf, go, used)
                continue
            candidates = [
                g for g in by_path.get(normal("".join(leaf.path)), []) if id(g) not in used
            ]
            if not candidates and leaf.path:
                candidates = [
                    g
                    for g in by_path.get(normal(leaf.path[-1]), [])
                    if id(g) not in used and g.offset == leaf.offset
                ]
            if candidates:
                chosen = next((g for g in candidates if g.offset == leaf.offset), candidates[0])
                used.add(id(chosen))
                self._same_name(leaf, chosen)
                continue
            self._by_place(leaf, go, real, used, names_in_c)
        for item in real:
            if id(item) not in used:
                self._only_in_go(item)

    def _same_name(self, leaf: Leaf, go: GoLeaf) -> None:
        go_name = f"{self.definition.name}.{'.'.join(go.path)}"
        if go.offset != leaf.offset:
            there = next(
                (other for other in self.leaves if other.offset <= go.offset < other.end), None
            )
            reads = f": Go reads bytes {go.offset} to {go.offset + go.size - 1}"
            reads += (
                f", which are {there.name}" if there else ", which are padding or beyond the end"
            )
            self.add(
                "CMP502",
                f"{leaf.name} is at byte {leaf.offset} in C, {go_name} at byte {go.offset} in Go{reads}",
                go.span,
                member=leaf.name,
            )
            if go.size * 8 == leaf.bit_size:
                return
        self._same_place(leaf, go, go_name)

    def _same_place(self, leaf: Leaf, go: GoLeaf, go_name: str) -> None:
        if go.size * 8 != leaf.bit_size:
            rule, what = (
                "CMP503",
                f"{leaf.name} has {leaf.bit_size // 8} bytes in C, {go_name} has {go.size} in Go",
            )
            if (
                leaf.count is not None
                and go.count is not None
                and go.size // go.count * leaf.count == leaf.bit_size // 8
            ):
                rule, what = (
                    "CMP505",
                    f"{leaf.name} has {leaf.count} elements in C, {go_name} has {go.count} in Go",
                )
            self.add(rule, what, go.span, member=leaf.name)
            return
        if (go.basic == "uint8" and go.count is not None) or leaf.kind == "bytes":
            if leaf.kind == "bytes" and go.basic in ("float32", "float64"):
                self.add(
                    "CMP504",
                    f"{leaf.name} is {leaf.type} in C, {go_name} a {go.basic} in Go",
                    go.span,
                    member=leaf.name,
                )
            return  # bytes fit anything of their size
        if (leaf.count is None) != (go.count is None) and 1 not in (leaf.count, go.count):
            self.add(
                "CMP504",
                f"{leaf.name} is {leaf.type} in C, {go_name} is {_go_text(go)} in Go",
                go.span,
                member=leaf.name,
            )
            return
        if leaf.count and go.count and leaf.count != go.count:
            self.add(
                "CMP505",
                f"{leaf.name} has {leaf.count} elements in C, {go_name} has {go.count} in Go",
                go.span,
                member=leaf.name,
            )
            return
        kind = _go_kind(go.basic)
        if kind == leaf.kind or {kind, leaf.kind} == {"bool", "uint"}:
            return
        words = {
            "int": "signed",
            "uint": "unsigned",
            "float": "a float",
            "bool": "a bool",
            "bytes": "bytes",
        }
        self.add(
            "CMP504",
            f"{leaf.name} is {words[leaf.kind]} in C ({leaf.type}), {go_name} is {words.get(kind, kind)} in Go ({go.basic})",
            go.span,
            member=leaf.name,
        )

    def _by_place(
        self,
        leaf: Leaf,
        go: GoSourceLayout,
        real: list[GoLeaf],
        used: set[int],
        names_in_c: set[str],
    ) -> None:
        """A member of C without a field of its name in Go."""
        here = [g for g in real if g.offset < leaf.end and g.offset + g.size > leaf.offset]
        exact = next((g for g in here if g.offset == leaf.offset and id(g) not in used), None)
        if exact is not None and normal("".join(exact.path)) not in names_in_c:
            used.add(id(exact))
            go_name = f"{self.definition.name}.{'.'.join(exact.path)}"
            if exact.offset + exact.size > leaf.end and exact.basic == "uint8" and exact.count:
                # one byte array for several members: fine, whatever they are
                for other in self.leaves:
                    if other.offset >= leaf.end and other.end <= exact.offset + exact.size:
                        used.add(id(other))
                return
            before = len(self.found)
            self._same_place(leaf, exact, go_name)
            if len(self.found) == before:
                self.add(
                    "CMP509",
                    f"{leaf.name} is called {go_name} in Go",
                    exact.span,
                    severity="note",
                    member=leaf.name,
                )
            return
        if id(leaf) in used:
            return
        covering = [g for g in go.leaves if g.offset < leaf.end and g.offset + g.size > leaf.offset]
        if covering and all(g.filler for g in covering):
            self.add(
                "CMP510",
                f"{leaf.name} (bytes {leaf.offset} to {leaf.end - 1} in C) is padding in {self.definition.name}: "
                "Go can't read it, and writes zeros over it",
                covering[0].span,
                member=leaf.name,
            )
        elif not any(
            g.basic == "uint8" and g.count and _of_no_member(g, names_in_c) for g in covering
        ):
            self.add(
                "CMP510",
                f"{leaf.name} (at byte {leaf.offset} in C) is missing in {self.definition.name}",
                None,
                member=leaf.name,
            )

    def _covered(self, leaf: Leaf, go: GoSourceLayout, used: set[int]) -> None:
        """A union or bit-field: some field of Go must hold its bytes."""
        covering = [g for g in go.leaves if g.offset < leaf.end and g.offset + g.size > leaf.offset]
        named = [g for g in covering if not g.filler]
        used.update(id(g) for g in named)
        what = "the union" if leaf.kind == "union" else "the bit-field"
        name = leaf.name or "(anonymous)"
        if not named:
            state = "is padding in" if covering else "is missing in"
            self.add(
                "CMP510",
                f"{what} {name} (bytes {leaf.offset} to {leaf.end - 1} in C) {state} {self.definition.name}",
                covering[0].span if covering else None,
                member=leaf.name or None,
            )
            return
        low = min(g.offset for g in named)
        high = max(g.offset + g.size for g in named)
        if low > leaf.offset or (high < leaf.end and leaf.kind == "bits"):
            self.add(
                "CMP502",
                f"{what} {name} is at bytes {leaf.offset} to {leaf.end - 1} in C, Go holds bytes {low} to {high - 1}",
                named[0].span,
                member=leaf.name or None,
            )

    def _only_in_go(self, go: GoLeaf) -> None:
        end = go.offset + go.size
        touched = [leaf for leaf in self.leaves if leaf.offset < end and leaf.end > go.offset]
        name = f"{self.definition.name}.{'.'.join(go.path)}"
        if touched:
            names = ", ".join(leaf.name or "(anonymous)" for leaf in touched)
            self.add(
                "CMP510",
                f"{name} (bytes {go.offset} to {end - 1} in Go) has no member in C: it reads {names}",
                go.span,
            )
        elif end <= self.layout.size:
            self.add("CMP511", f"{name} is padding in C", go.span, severity="note")
        else:
            self.add("CMP510", f"{name} (at byte {go.offset} in Go) has no member in C", go.span)


def _of_no_member(go: GoLeaf, names_in_c: set[str]) -> bool:
    """Whether no member of C has the field's name, so that it may stand for several."""
    return normal("".join(go.path)) not in names_in_c


def _go_kind(basic: str) -> str:
    if basic.startswith("float"):
        return "float"
    if basic.startswith("complex"):
        return "complex"
    return {"b": "bool", "u": "uint"}.get(basic[0], "int")


def _go_text(go: GoLeaf) -> str:
    return f"[{go.count}]{go.basic}" if go.count is not None else go.basic


# -- against another source -----------------------------------------------


def _against_schema(schemas: Sequence[Schema], other: Schema, layouts: Layouts) -> list[Diagnostic]:
    """Differences of records, enums and maps of the same names."""
    found: list[Diagnostic] = []
    theirs = {r.name or r.typedef_name: r for r in other.records}
    enums = {e.name or e.typedef_name: e for e in other.enums if e.name or e.typedef_name}
    maps = {m.name: m for m in other.maps}
    for schema in schemas:
        for record in schema.records:
            match = theirs.get(record.name or record.typedef_name)
            if match is not None:
                found += _records(record, match, layouts)
        for enum in schema.enums:
            other_enum = enums.get(enum.name or enum.typedef_name)
            if other_enum is not None:
                found += _enums(enum, other_enum, layouts)
        for item in schema.maps:
            other_map = maps.get(item.name)
            if other_map is not None:
                found += _maps(item, other_map, layouts)
    return found


def _records(left: Record, right: Record, layouts: Layouts) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    name = left.display_name

    def add(
        rule: str,
        message: str,
        span: Span | None,
        member: str | None = None,
        severity: Severity = "error",
    ) -> None:
        where = left.span
        help = (
            f"{left.spelling} is at {os.path.basename(where.path)}:{where.line}"
            if where and severity != "note"
            else None
        )
        found.append(
            Diagnostic(rule, severity, message, span or right.span, None, help, name, member)
        )

    a, b = layouts.record(left), layouts.record(right)
    if a.size != b.size:
        add(
            "CMP501",
            f"{left.spelling} has {a.size} bytes on the left, {b.size} on the right",
            right.span,
        )
    ours, theirs = leaves_of(left, layouts), leaves_of(right, layouts)
    by_name = {leaf.name: leaf for leaf in theirs}
    seen: set[str] = set()
    for leaf in ours:
        other = by_name.get(leaf.name)
        if other is None:
            place = next(
                (
                    t
                    for t in theirs
                    if (t.bit_offset, t.bit_size) == (leaf.bit_offset, leaf.bit_size)
                    and t.name not in {o.name for o in ours}
                ),
                None,
            )
            if place is not None and place.kind == leaf.kind:
                seen.add(place.name)
                add(
                    "CMP509",
                    f"{leaf.name} is called {place.name} on the right",
                    place.span,
                    leaf.name,
                    "note",
                )
            else:
                add(
                    "CMP510",
                    f"{leaf.name} (at byte {leaf.offset} on the left) is missing on the right",
                    right.span,
                    leaf.name,
                )
            continue
        seen.add(leaf.name)
        if other.bit_offset != leaf.bit_offset:
            unit = "bit" if "bits" in (leaf.kind, other.kind) else "byte"
            at = (
                (leaf.bit_offset, other.bit_offset)
                if unit == "bit"
                else (leaf.offset, other.offset)
            )
            add(
                "CMP502",
                f"{leaf.name} is at {unit} {at[0]} on the left, {unit} {at[1]} on the right",
                other.span,
                leaf.name,
            )
        if other.bit_size != leaf.bit_size:
            bits = "bits" in (leaf.kind, other.kind)
            size = (
                (leaf.bit_size, other.bit_size)
                if bits
                else (leaf.bit_size // 8, other.bit_size // 8)
            )
            add(
                "CMP503",
                f"{leaf.name} has {size[0]} {'bits' if bits else 'bytes'} on the left, {size[1]} on the right",
                other.span,
                leaf.name,
            )
        elif other.kind != leaf.kind or other.count != leaf.count:
            add(
                "CMP504",
                f"{leaf.name} is {leaf.type} on the left, {other.type} on the right",
                other.span,
                leaf.name,
            )
        elif other.big_endian != leaf.big_endian:
            sides = ("network", "host") if leaf.big_endian else ("host", "network")
            add(
                "CMP512",
                f"{leaf.name} is in {sides[0]} byte order on the left, in {sides[1]} byte order on the right",
                other.span,
                leaf.name,
            )
    for other in theirs:
        if other.name not in seen:
            in_padding = not any(
                o.bit_offset < other.bit_offset + other.bit_size
                and other.bit_offset < o.bit_offset + o.bit_size
                for o in ours
            )
            if in_padding and other.end <= a.size:
                add(
                    "CMP511", f"{other.name} is padding on the left", other.span, other.name, "note"
                )
            else:
                add(
                    "CMP510",
                    f"{other.name} (at byte {other.offset} on the right) is missing on the left",
                    other.span,
                    other.name,
                )
    return found


def _enums(left: Enum, right: Enum, layouts: Layouts) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    a, b = layouts.enum_size_align(left)[0], layouts.enum_size_align(right)[0]
    name = left.display_name
    if a != b:
        found.append(
            Diagnostic(
                "CMP501",
                "error",
                f"enum {name} has {a} bytes on the left, {b} on the right",
                right.span,
                record=name,
            )
        )
    theirs = {v.name: v for v in right.values}
    for value in left.values:
        other = theirs.get(value.name)
        if other is None:
            found.append(
                Diagnostic(
                    "CMP513",
                    "warning",
                    f"{value.name} is missing on the right",
                    right.span,
                    record=name,
                    member=value.name,
                )
            )
        elif other.value != value.value:
            found.append(
                Diagnostic(
                    "CMP513",
                    "error",
                    f"{value.name} is {value.value} on the left, {other.value} on the right",
                    other.span,
                    record=name,
                    member=value.name,
                )
            )
    return found


def _maps(left: MapDef, right: MapDef, layouts: Layouts) -> list[Diagnostic]:
    from mapschema.document import map_entry

    a, b = map_entry(left, layouts), map_entry(right, layouts)
    found: list[Diagnostic] = []
    for what in (
        "type",
        "key_size",
        "value_size",
        "max_entries",
        "map_flags",
        "map_extra",
        "pinning",
    ):
        if a[what] != b[what]:
            found.append(
                Diagnostic(
                    "CMP520",
                    "error",
                    f"map {left.name}: {what} is {a[what]} on the left, {b[what]} on the right",
                    right.span,
                    record=left.name,
                    member=what,
                )
            )
    return found
