"""How a record lies in Go.  All of Go's offset arithmetic is here.

Go places fields by the spec's rule: each at a multiple of its type's
alignment, the struct's size a multiple of the largest.  64-bit numbers align
to 4 on 386 and arm, to 8 elsewhere.  A plan puts each of C's members at C's
offset on every GOARCH, with explicit padding; a member that Go would place
elsewhere gets a type of alignment 1.  Offsets and sizes are in bytes, those of
bit-fields in bits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Literal

from mapschema import gotypes
from mapschema.annotations import is_big_endian, is_char_array
from mapschema.gonames import Names, exported
from mapschema.layout import LayoutError, Layouts, MemberSlot
from mapschema.source import Span
from mapschema.types import (
    Array,
    Enum,
    Float,
    Int,
    Member,
    Pointer,
    Record,
    Schema,
    Type,
    spell,
    strip_typedefs,
)

GOARCHES = ("amd64", "386", "arm64", "arm", "riscv64", "s390x", "ppc64le", "mips64le", "loong64")
_NARROW = {"386", "arm"}  # 8-byte numbers align to 4

HELPERS = (
    "BE16", "BE32", "BE64", "IPv4Addr", "IPv6Addr", "MACAddr", "KTime", "Unaligned16",
    "Unaligned32", "Unaligned64", "UnalignedInt16", "UnalignedInt32", "UnalignedInt64",
    "UnalignedFloat32", "UnalignedFloat64",
)  # fmt: skip
"""The types of ``mapschema_types.go``."""


@dataclass(frozen=True, slots=True)
class GoType:
    """A Go type: how it is written, its size, and its alignment on 64-bit machines."""

    text: str
    size: int
    align: int

    def align_on(self, goarch: str) -> int:
        """Alignment on a GOARCH (Go spec, "Size and alignment guarantees"; gc's sizes)."""
        return min(self.align, 4) if goarch in _NARROW else self.align


@dataclass(frozen=True, slots=True)
class GoField:
    """A field of a Go struct; padding has the name ``_``."""

    name: str
    type: GoType
    offset: int
    doc: str = ""
    members: tuple[str, ...] = ()
    """C names of the members that the field holds."""
    unit: str = ""


AccessorKind = Literal["bits", "bytes", "string"]


@dataclass(frozen=True, slots=True)
class Accessor:
    """A getter and setter over storage.

    `bits`: a bit-field of `storage`, at `bit_offset` bits from its start.
    `bytes`: a value of `type` in a byte array, at `offset` bytes.
    `string`: a char array.
    """

    kind: AccessorKind
    name: str
    type: GoType
    storage: str
    storage_type: GoType
    offset: int = 0
    bit_offset: int = 0
    bit_width: int = 0
    signed: bool = False
    is_bool: bool = False
    doc: str = ""
    member: str = ""


@dataclass(frozen=True, slots=True)
class TaggedAddress:
    """An address in a union, whose arm a tag names: ``@tag(family)``, ``@case(2)``.

    `arms` are (value of the tag, the arm's getter, ``4`` or ``6``).
    """

    name: str
    field: str
    union: str
    tag: str
    tag_type: str
    arms: tuple[tuple[int, str, int], ...]
    member: str
    tag_member: str


@dataclass(frozen=True, slots=True)
class GoRecord:
    """The plan for one record: a struct, or for a union a byte array with accessors."""

    name: str
    record: Record
    size: int
    align: int
    fields: tuple[GoField, ...]
    accessors: tuple[Accessor, ...]
    is_union: bool
    omitted: tuple[str, ...] = ()
    """Zero-size members that Go can't hold (flexible arrays)."""
    renamed: tuple[tuple[str, str, str], ...] = ()
    addresses: tuple[TaggedAddress, ...] = ()
    byte_members: tuple[str, ...] = ()
    """C names of the members that have align-1 storage because Go would misplace them."""

    @property
    def go_type(self) -> GoType:
        return GoType(self.name, self.size, self.align)


@dataclass(slots=True)
class GoPlan:
    """Go types for all records and enums of a schema, in order."""

    records: list[GoRecord] = field(default_factory=list)
    enums: list[tuple[str, Enum, GoType]] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    failed: list[tuple[Record | Enum, str]] = field(default_factory=list)
    helpers: set[str] = field(default_factory=set)
    renamed: list[tuple[str, str, str]] = field(default_factory=list)
    const_names: dict[str, str] = field(default_factory=dict)
    """Go names of the schema's constants."""
    value_names: dict[tuple[int, str], str] = field(default_factory=dict)
    """Go names of enumerators, by their enum's `id` and their C name."""

    def record(self, record: Record) -> GoRecord | None:
        """The plan of a record, or None where it failed."""
        for item in self.records:
            if item.record is record:
                return item
        return None


def plan_schemas(
    schemas: Sequence[Schema], layouts: Layouts, canonical: Mapping[int, Record | Enum]
) -> list[GoPlan]:
    """Plans the Go types of schemas that share a package, a plan for each.

    `canonical` leads from the `id` of a record or enum that another of the
    schemas defines, too, to the one that is emitted.
    """
    names = Names({*HELPERS, *(f"Make{name}" for name in HELPERS), "hostIsBigEndian"})
    planner = Planner(layouts, names, canonical)
    plans: list[GoPlan] = []
    for schema in schemas:
        planner.plan = plan = GoPlan()
        before = len(names.renamed)
        for enum in schema.enums:
            if enum.name or enum.typedef_name:
                with suppress(PlanError):  # noted in the plan
                    planner.enum(enum)
        for record in schema.records:
            with suppress(PlanError):
                planner.record(record)
        for enum in schema.enums:
            with suppress(PlanError):
                planner.enum(enum)
        for const in schema.consts:
            plan.const_names[const.name] = names.take(exported(const.name), const.name)
        for type_name, enum, _ in plan.enums:
            for value in enum.values:
                wanted = exported(value.name)
                if type_name and not re.match(rf"{type_name}[A-Z0-9]", wanted):
                    wanted = type_name + wanted
                plan.value_names[id(enum), value.name] = names.take(wanted, value.name)
        plan.renamed = names.renamed[before:]
        for item in plan.records:
            plan.renamed += [(f"{item.record.display_name}.{c}", w, g) for c, w, g in item.renamed]
        plans.append(plan)
    return plans


class PlanError(Exception):
    """A record can't be mirrored in Go; the message says why."""


_INTS = {1: "uint8", 2: "uint16", 4: "uint32", 8: "uint64"}
_SIGNED = {1: "int8", 2: "int16", 4: "int32", 8: "int64"}


def bytes_type(size: int) -> GoType:
    """``[N]byte``."""
    return GoType(f"[{size}]byte", size, 1)


class Planner:
    """Plans Go types; `names` is the package's scope."""

    def __init__(
        self, layouts: Layouts, names: Names, canonical: Mapping[int, Record | Enum]
    ) -> None:
        self.layouts = layouts
        self.names = names
        self.canonical = canonical
        self.plan = GoPlan()
        self._records: dict[int, GoRecord | str] = {}
        self._enums: dict[int, GoType] = {}

    # -- enums ------------------------------------------------------------

    def enum(self, enum: Enum, fallback: str = "") -> GoType:
        """The Go type of an enum, planned when first seen; raises PlanError."""
        other = self.canonical.get(id(enum))
        enum = other if isinstance(other, Enum) else enum
        found = self._enums.get(id(enum))
        if found is None:
            base = self.layouts.enum_int(enum)
            size = self.layouts.enum_size_align(enum)[0]
            table = _SIGNED if self.layouts.is_signed(base) else _INTS
            if size not in table:
                why = f"Go has no {size}-byte integer"
                if all(item is not enum for item, _ in self.plan.failed):
                    self.plan.failed.append((enum, why))
                raise PlanError(why)
            text = table[size]
            source = enum.name or enum.typedef_name
            if source or fallback:
                wanted = exported(source) if source else fallback
                name = self.names.take(wanted, source or fallback)
                found = GoType(name, size, size)
                self.plan.enums.append((name, enum, GoType(text, size, size)))
                self.plan.names[id(enum)] = name
            else:
                found = GoType(text, size, size)
                self.plan.enums.append(("", enum, found))
            self._enums[id(enum)] = found
        return found

    # -- records ----------------------------------------------------------

    def record(self, record: Record, fallback: str = "") -> GoRecord:
        """The plan of a record, made when first seen; raises PlanError."""
        other = self.canonical.get(id(record))
        record = other if isinstance(other, Record) else record
        found = self._records.get(id(record))
        if found is None:
            source = record.name or record.typedef_name or ""
            try:
                found = self._build(record, source, fallback)
            except (PlanError, LayoutError) as error:
                found = str(error)
                self.plan.failed.append((record, found))
            self._records[id(record)] = found
            if isinstance(found, GoRecord):
                self.plan.records.append(found)
                self.plan.names[id(record)] = found.name
        if isinstance(found, str):
            raise PlanError(found)
        return found

    def _build(self, record: Record, source: str, fallback: str) -> GoRecord:
        layout = self.layouts.record(record)
        if layout.size == 0:
            raise PlanError("it has no size, and Go can't hold a field of no size at an end")
        wanted = record.annotations.get("go") or (exported(source) if source else fallback)
        name = self.names.take(wanted, source or fallback)
        members = Names({"String", "Decode", "AppendBinary", "_", "HostLayout"})
        builder = _RecordBuilder(self, record, name, layout.size, members)
        if record.kind == "union":
            for slot in layout.slots:
                builder.arm(slot, 0)
            made = GoRecord(
                name, record, layout.size, 1, (), tuple(builder.accessors), True,
                tuple(builder.omitted), tuple(members.renamed),
            )  # fmt: skip
        else:
            builder.struct(layout.slots)
            addresses = builder.addresses()
            fields = builder.padded()
            made = GoRecord(
                name,
                record,
                layout.size,
                max([f.type.align for f in fields], default=1),
                fields,
                tuple(builder.accessors),
                False,
                tuple(builder.omitted),
                tuple(members.renamed),
                addresses,
                tuple(builder.byte_members),
            )
            check(made)
        return made

    # -- types ------------------------------------------------------------

    def natural(self, type_: Type, words: dict[str, str] | None, fallback: str) -> GoType:
        """The Go type of a C type where alignment is no matter; raises PlanError."""
        words = words or {}
        base = strip_typedefs(type_)
        if isinstance(base, Array):
            if base.count is None:
                raise PlanError("a flexible array has no size")
            size = self.layouts.size(base)
            for word, helper in (("ipv4", "IPv4Addr"), ("ipv6", "IPv6Addr"), ("mac", "MACAddr")):
                if word in words and size == {"ipv4": 4, "ipv6": 16, "mac": 6}[word]:
                    return self.helper(helper, size)
            element_type = strip_typedefs(base.element)
            if (
                isinstance(element_type, Int)
                and element_type.kind == "char"
                and element_type.signed is not True
            ):
                return GoType(f"[{base.count}]byte", size, 1)
            element = self.natural(base.element, words, fallback)
            return GoType(f"[{base.count}]{element.text}", size, element.align)
        size = self.layouts.size(base)
        if isinstance(base, Record):
            made = self.record(base, fallback)
            if "ipv6" in words and size == 16:
                return self.helper("IPv6Addr", 16)
            if "ipv4" in words and size == 4:
                return self.helper("IPv4Addr", 4)
            return made.go_type
        if "ipv4" in words and size == 4:
            return self.helper("IPv4Addr", 4)
        if is_big_endian(type_, words) and size in (2, 4, 8) and isinstance(base, Int):
            return self.helper(f"BE{size * 8}", size)
        if "ktime" in words and size == 8:
            return self.helper("KTime", 8, 8)
        match base:
            case Enum():
                return self.enum(base, fallback)
            case Pointer():
                return GoType("uint64" if size == 8 else "uint32", size, size)
            case Float():
                if size not in (4, 8):
                    raise PlanError(f"Go has no {size}-byte float")
                return GoType(f"float{size * 8}", size, size)
            case Int():
                if base.kind == "bool":
                    return GoType("bool", 1, 1)
                if base.kind == "int128":
                    return bytes_type(16)
                table = _SIGNED if self.layouts.is_signed(base) else _INTS
                return GoType(table[size], size, size)
        raise PlanError(f"no Go type for {spell(type_)}")

    def helper(self, name: str, size: int, align: int = 1) -> GoType:
        self.plan.helpers.add(name)
        return GoType(name, size, align)

    def align_one(self, natural: GoType, type_: Type) -> GoType | None:
        """An align-1 type with Get and Set for a number, or None for other types."""
        base = strip_typedefs(type_)
        if isinstance(base, Array) and base.count is not None:
            element = self.align_one(natural, base.element)
            return (
                None
                if element is None
                else GoType(f"[{base.count}]{element.text}", self.layouts.size(base), 1)
            )
        size = self.layouts.size(base)
        if isinstance(base, Float):
            return self.helper(f"UnalignedFloat{size * 8}", size)
        if isinstance(base, Pointer) or (
            isinstance(base, Int) and base.kind not in ("bool", "int128")
        ):
            signed = isinstance(base, Int) and self.layouts.is_signed(base)
            return self.helper(f"Unaligned{'Int' if signed else ''}{size * 8}", size)
        return None


class _RecordBuilder:
    """Collects the fields and accessors of one record."""

    def __init__(
        self, planner: Planner, record: Record, name: str, size: int, names: Names
    ) -> None:
        self.planner = planner
        self.record = record
        self.name = name
        self.size = size
        self.names = names
        self.fields: list[GoField] = []
        self.accessors: list[Accessor] = []
        self.omitted: list[str] = []
        self.byte_members: list[str] = []
        self.anonymous = 0

    def go_name(self, member: Member) -> str:
        return member.annotations.get("go") or exported(member.name or "")

    # -- structs ----------------------------------------------------------

    def struct(self, slots: tuple[MemberSlot, ...], base_bits: int = 0) -> None:
        """Adds the members; those of anonymous structs stand among them."""
        run: list[MemberSlot] = []
        for slot in slots:
            member = slot.member
            at = slot.bit_offset + base_bits
            if member.is_bitfield:
                placed = replace(slot, bit_offset=at)
                if run and not _same_run(run, placed, self.planner.layouts):
                    self._run(run)
                    run = []
                if slot.bit_size:
                    run.append(placed)
                continue
            self._run(run)
            run = []
            base = strip_typedefs(member.type)
            if member.name is None and isinstance(base, Record) and base.kind == "struct":
                self.struct(self.planner.layouts.record(base).slots, at)
            elif member.is_pad:
                continue
            elif slot.bit_size == 0:
                if member.name:
                    self.omitted.append(member.name)
            else:
                self._member(member, at // 8, slot.bit_size // 8)
        self._run(run)

    def _member(self, member: Member, offset: int, size: int) -> None:
        planner = self.planner
        if member.name is None:
            wanted, source = f"Anon{self.anonymous}", "(anonymous)"
            self.anonymous += 1
        else:
            wanted, source = self.go_name(member), member.name
        fallback = f"{self.name}{wanted}"
        natural = planner.natural(member.type, dict(member.annotations), fallback)
        # Go's size is a multiple of the largest alignment: a member whose
        # alignment doesn't divide C's size would make Go's struct larger.
        fits = offset % natural.align == 0 and self.size % natural.align == 0
        type_ = natural
        unit = member.annotations.get("unit", "")
        if not fits:
            self.byte_members.append(source)
            small = planner.align_one(natural, member.type)
            if small is None:
                self._stored(member, natural, offset, size, wanted, source)
                return
            type_ = small
        if member.name and is_char_array(member.type) and natural.text == f"[{size}]byte":
            name = self.names.take(wanted, source, "{}String", "Set{}")
            self.accessors.append(
                Accessor("string", name, GoType("string", 0, 0), name, type_, member=source)
            )
        else:
            name = self.names.take(wanted, source)
        self.fields.append(GoField(name, type_, offset, member.doc, (source,), unit))

    def _stored(
        self, member: Member, natural: GoType, offset: int, size: int, wanted: str, source: str
    ) -> None:
        """A member that lies in a byte array, behind a getter and a setter."""
        name = self.names.take(wanted, source, "Set{}", "{}Bytes")
        storage = f"{name}Bytes"
        type_ = bytes_type(size)
        self.fields.append(GoField(storage, type_, offset, member.doc, (source,)))
        self._accessor(name, natural, member, storage, type_, 0)

    def _accessor(
        self,
        name: str,
        natural: GoType,
        member: Member,
        storage: str,
        storage_type: GoType,
        offset: int,
    ) -> None:
        self.accessors.append(
            Accessor(
                "bytes",
                name,
                natural,
                storage,
                storage_type,
                offset,
                doc=member.doc,
                member=member.name or "",
            )
        )

    def _run(self, run: list[MemberSlot]) -> None:
        """One storage field for bit-fields that share bytes, and their accessors."""
        named = [slot for slot in run if slot.member.name is not None]
        if not named:
            return
        start = named[0].bit_offset // 8
        stop = (named[-1].bit_offset + named[-1].bit_size + 7) // 8
        size = stop - start
        storage_type = bytes_type(size)
        if size in _INTS and start % size == 0 and self.size % size == 0:
            storage_type = GoType(_INTS[size], size, size)
        first = named[0].member
        wanted = f"{self.go_name(first)}Bits"
        storage = self.names.take(wanted, first.name or "")
        names = tuple(slot.member.name or "" for slot in named)
        self.fields.append(GoField(storage, storage_type, start, "", names))
        for slot in named:
            self._bits(
                slot.member, slot.bit_offset - start * 8, slot.bit_size, storage, storage_type
            )

    def _bits(
        self, member: Member, bit_offset: int, width: int, storage: str, storage_type: GoType
    ) -> None:
        wanted = self.go_name(member)
        name = self.names.take(wanted, member.name or "", "Set{}")
        base = strip_typedefs(member.type)
        if isinstance(base, Int) and base.kind == "int128":
            if width > 64:
                raise PlanError(f"bit-field '{member.name}' is wider than 64 bits")
            type_ = GoType("int64" if base.signed else "uint64", 8, 8)
        else:
            type_ = self.planner.natural(member.type, None, f"{self.name}{wanted}")
            if type_.text.startswith("BE"):  # a bit-field is never in network order
                type_ = GoType(_INTS[type_.size], type_.size, type_.size)
        self.accessors.append(
            Accessor(
                "bits", name, type_, storage, storage_type, 0, bit_offset, width,
                self.planner.layouts.is_signed(member.type), type_.text == "bool",
                doc=member.doc, member=member.name or "",
            )
        )  # fmt: skip

    def padded(self) -> tuple[GoField, ...]:
        """The fields with explicit padding between them and behind the last."""
        result: list[GoField] = []
        at = 0
        for item in self.fields:
            if item.offset < at:
                raise PlanError(f"'{item.name}' overlaps the member in front of it")
            if item.offset > at:
                result.append(GoField("_", bytes_type(item.offset - at), at))
            result.append(item)
            at = item.offset + item.type.size
        if at < self.size:
            result.append(GoField("_", bytes_type(self.size - at), at))
        return tuple(result)

    def addresses(self) -> tuple[TaggedAddress, ...]:
        """The address accessors of members with ``@tag``, where both fields are plain ones."""
        bits = {m.name for m in self.record.members if m.is_bitfield}
        by_member = {
            f.members[0]: f for f in self.fields if len(f.members) == 1 and f.members[0] not in bits
        }
        found: list[TaggedAddress] = []
        for member in self.record.members:
            tag = by_member.get(member.annotations.get("tag", ""))
            union = strip_typedefs(member.type)
            place = by_member.get(member.name or "")
            if tag is None or place is None or not isinstance(union, Record):
                continue
            plan = self.planner.record(union)
            if place.type.text != plan.name or tag.type.text.startswith(
                ("[", "BE", "Unaligned", "bool")
            ):
                continue
            tag_type = next(m.type for m in self.record.members if m.name == tag.members[0])
            values = self.planner.layouts.int_range(tag_type)
            getters = {a.member: a for a in plan.accessors if a.kind == "bytes"}
            arms: list[tuple[int, str, int]] = []
            for arm in union.members:
                case, getter = arm.annotations.get("case", ""), getters.get(arm.name or "")
                version = {"IPv4Addr": 4, "IPv6Addr": 6}.get(getter.type.text if getter else "")
                number = int(case) if re.fullmatch(r"-?[0-9]{1,19}", case) else None
                if getter is not None and version and number is not None and number in values:
                    arms.append((number, getter.name, version))
            if not arms or len({a[0] for a in arms}) < len(arms):
                continue
            name = self.names.take(f"{place.name}Addr", member.name or "", "Set{}")
            found.append(
                TaggedAddress(
                    name,
                    place.name,
                    plan.name,
                    tag.name,
                    tag.type.text,
                    tuple(arms),
                    member.name or "",
                    tag.members[0],
                )
            )
        return tuple(found)

    # -- unions -----------------------------------------------------------

    def arm(self, slot: MemberSlot, base_bits: int) -> None:
        """A getter and setter for a union's arm; those of anonymous records stand among them."""
        member = slot.member
        at = slot.bit_offset + base_bits
        storage_type = bytes_type(self.size)
        base = strip_typedefs(member.type)
        if member.is_bitfield:
            if member.name is not None:
                self._bits(member, at, slot.bit_size, "", storage_type)
            return
        if member.name is None and isinstance(base, Record):
            for inner in self.planner.layouts.record(base).slots:
                self.arm(inner, at)
            return
        if member.is_pad or slot.bit_size == 0:
            if member.name and not member.is_pad:
                self.omitted.append(member.name)
            return
        wanted = self.go_name(member)
        natural = self.planner.natural(
            member.type, dict(member.annotations), f"{self.name}{wanted}"
        )
        name = self.names.take(wanted, member.name or "", "Set{}")
        self._accessor(name, natural, member, "", storage_type, at // 8)


def _same_run(run: list[MemberSlot], slot: MemberSlot, layouts: Layouts) -> bool:
    """Whether a bit-field goes on in the storage of those in front of it."""
    last = run[-1]
    end = last.bit_offset + last.bit_size
    if slot.bit_size == 0 or slot.bit_offset // 8 > (end - 1) // 8:
        # it begins in another byte: the same run only inside the same storage unit
        if slot.bit_size == 0 or slot.bit_offset != end:
            return False
        unit = layouts.size(slot.member.type) * 8
        first_unit = layouts.size(run[0].member.type) * 8
        return unit == first_unit and slot.bit_offset // unit == run[0].bit_offset // unit
    return True


def check(plan: GoRecord) -> None:
    """Lays the fields out by Go's rules on every GOARCH; raises PlanError on any difference."""
    for goarch in GOARCHES:
        at, largest = 0, 1
        for item in plan.fields:
            align = item.type.align_on(goarch)
            largest = max(largest, align)
            at = (at + align - 1) // align * align
            if at != item.offset:
                raise PlanError(
                    f"Go would put '{item.name}' at {at} on {goarch}, not at {item.offset}"
                )
            at += item.type.size
        size = (at + largest - 1) // largest * largest
        if size != plan.size:
            raise PlanError(f"Go would make it {size} bytes on {goarch}, not {plan.size}")


# -- Go types of a source, for comparisons ----------------------------------

_BASIC_SIZES = {
    "bool": 1, "uint8": 1, "int8": 1, "uint16": 2, "int16": 2, "uint32": 4, "int32": 4, "uint64": 8,
    "int64": 8, "float32": 4, "float64": 8, "complex64": 8, "complex128": 16,
}  # fmt: skip


class NoLayout(Exception):
    """A Go type that can't lie in a map: a slice, a string, an unknown type."""

    def __init__(self, text: str, span: Span | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.span = span


@dataclass(frozen=True, slots=True)
class GoLeaf:
    """A scalar, or an array of scalars, of a Go type; offset and size in bytes.

    `path` are the fields' names from the outside in; `count` is None for a
    scalar.  `filler` is a field named ``_``.
    """

    path: tuple[str, ...]
    offset: int
    size: int
    basic: str
    count: int | None
    span: Span | None
    type_name: str
    filler: bool


@dataclass(frozen=True, slots=True)
class GoSourceLayout:
    """A Go type laid out: as memory, or `encoded` as encoding/binary writes it."""

    size: int
    align: int
    leaves: tuple[GoLeaf, ...]


def source_layout(type_: gotypes.GoType, goarch: str, *, encoded: bool = False) -> GoSourceLayout:
    """Lays out a type of a Go source; raises NoLayout.

    encoding/binary writes the fields one after another without padding.
    """
    leaves: list[GoLeaf] = []
    size, align = _place(type_, goarch, encoded, 0, (), None, False, "", leaves)
    return GoSourceLayout(size, align, tuple(leaves))


def _place(
    type_: gotypes.GoType,
    goarch: str,
    encoded: bool,
    at: int,
    path: tuple[str, ...],
    span: Span | None,
    filler: bool,
    name: str,
    leaves: list[GoLeaf],
) -> tuple[int, int]:
    """Adds the leaves of a type that begins at byte `at`; gives its size and alignment."""
    while isinstance(type_, gotypes.GoNamed):
        name = name or type_.name
        type_ = type_.underlying
    if isinstance(type_, gotypes.GoBasic):
        size = _BASIC_SIZES.get(type_.name)
        if size is None:
            if encoded and type_.name != "uintptr":
                raise NoLayout(type_.name, span)
            size = 4 if goarch in _NARROW else 8
        leaves.append(GoLeaf(path, at, size, type_.name, None, span, name, filler))
        align = 4 if type_.name == "complex64" else 8 if type_.name == "complex128" else size
        return size, 1 if encoded else min(align, 4) if goarch in _NARROW else align
    if isinstance(type_, gotypes.GoArray):
        inner: list[GoLeaf] = []
        size, align = _place(type_.element, goarch, encoded, 0, (), span, filler, "", inner)
        total = size * type_.count
        if len(inner) == 1 and not inner[0].path:
            leaf = inner[0]
            count = type_.count * (leaf.count or 1)
            if total:
                leaves.append(
                    GoLeaf(path, at, total, leaf.basic, count, span, name or leaf.type_name, filler)
                )
            return total, align
        if len(inner) * type_.count > MAX_LEAVES:
            raise NoLayout(f"an array of {type_.count} structs", span)
        for index in range(type_.count):
            _place(
                type_.element,
                goarch,
                encoded,
                at + index * size,
                (*path, str(index)),
                span,
                filler,
                "",
                leaves,
            )
        return total, align
    if isinstance(type_, gotypes.GoStruct):
        start, largest = at, 1
        last_size = None
        for item in type_.fields:
            probe: list[GoLeaf] = []
            size, align = _place(item.type, goarch, encoded, 0, (), item.span, True, "", probe)
            largest = max(largest, align)
            at = start + (at - start + align - 1) // align * align
            below = path if item.embedded else (*path, item.name)
            _place(
                item.type,
                goarch,
                encoded,
                at,
                below,
                item.span,
                filler or item.name == "_",
                "",
                leaves,
            )
            at += size
            last_size = size
        size = at - start
        if last_size == 0 and size and not encoded:
            size += 1  # so that a pointer to the last field points into the struct
        return (size + largest - 1) // largest * largest, largest
    raise NoLayout(type_.text, span)


MAX_LEAVES = 100_000
