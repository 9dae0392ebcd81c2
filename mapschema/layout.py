"""C layout: sizes, alignments and bit offsets.  All of C's offset arithmetic is here.

The rules are those of clang's Itanium record layout builder as it works on C
(`RecordLayoutBuilder.cpp`), which follows each target's psABI.  Sizes and
alignments of types are in bytes, offsets and sizes of members in bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mapschema.abi import Abi
from mapschema.source import Span
from mapschema.types import (
    Array,
    Enum,
    Float,
    Int,
    IntKind,
    Member,
    Pointer,
    Record,
    Type,
    Typedef,
)

PaddingKind = Literal["hole", "tail", "bit_hole", "bit_tail"]

MAX_BYTES = 2**61 - 1
"""clang refuses larger types ("array is too large")."""


class LayoutError(Exception):
    """A type has no layout on the ABI; `span` is the place to show, if any."""

    def __init__(self, message: str, span: Span | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.span = span


@dataclass(frozen=True, slots=True)
class MemberSlot:
    """Where a member lies: offset and size in bits, `align` in bytes."""

    member: Member
    bit_offset: int
    bit_size: int
    align: int


@dataclass(frozen=True, slots=True)
class Padding:
    """Bits of a record that no member owns, from `bit_offset` on.

    `after` is the name of the member in front of it ("" for an unnamed one or
    none).  `bit_hole` and `bit_tail` are less than a byte, `hole` and `tail`
    are whole bytes.
    """

    kind: PaddingKind
    bit_offset: int
    bit_size: int
    after: str


@dataclass(frozen=True, slots=True)
class RecordLayout:
    """A record on one ABI; `size` and `align` in bytes.

    A struct's slots and padding together tile its size exactly.
    """

    record: Record
    abi: Abi
    size: int
    align: int
    slots: tuple[MemberSlot, ...]
    padding: tuple[Padding, ...]

    def slot(self, name: str) -> MemberSlot | None:
        """The slot of a direct member, by name."""
        for slot in self.slots:
            if slot.member.name == name:
                return slot
        return None


class Layouts:
    """Layouts of any types on one ABI, each record laid out once."""

    def __init__(self, abi: Abi) -> None:
        self.abi = abi
        self._records: dict[int, RecordLayout] = {}
        self._keep: list[Record] = []

    # -- types ------------------------------------------------------------

    def size_align(self, type_: Type) -> tuple[int, int]:
        """Size and alignment in bytes; raises LayoutError.

        A flexible array has size 0 and its element's alignment.
        """
        match type_:
            case Int():
                found = self.abi.ints.get(type_.kind)
                if found is None:
                    raise LayoutError(f"{type_.name} is not supported on {self.abi.name}")
                return found
            case Float():
                found = self.abi.floats.get(type_.kind)
                if found is None:
                    raise LayoutError(f"{type_.name} is not supported on {self.abi.name}")
                return found
            case Pointer():
                return (self.abi.pointer_size, self.abi.pointer_size)
            case Typedef():
                size, align = self.size_align(type_.target)
                # aligned(N) on a typedef replaces the alignment, also downwards.
                return size, align if type_.align is None else type_.align
            case Array():
                size, align = self.size_align(type_.element)
                total = size * (type_.count or 0)
                if total > MAX_BYTES:
                    raise LayoutError(f"array is too large ({type_.count} elements)")
                return total, align
            case Enum():
                return self.enum_size_align(type_)
            case Record():
                layout = self.record(type_)
                return layout.size, layout.align

    def size(self, type_: Type) -> int:
        """Size in bytes; raises LayoutError."""
        return self.size_align(type_)[0]

    def enum_int(self, enum: Enum) -> Int:
        """The integer type that clang gives an enumeration.

        A fixed type is taken; else `packed` takes the smallest type that holds
        every value, and an ordinary enum the first of int, long, long long.
        """
        if enum.underlying is not None:
            target: Type = enum.underlying
            while isinstance(target, Typedef):
                target = target.target
            if not isinstance(target, Int):
                raise LayoutError("an enum's type must be an integer", enum.span)
            return target
        values = [item.value for item in enum.values]
        negative = any(value < 0 for value in values)
        bits = 0
        for value in values:
            needed = (value if value >= 0 else ~value).bit_length() + (1 if negative else 0)
            bits = max(bits, needed)
        kinds: tuple[IntKind, ...] = ("int", "long", "long long")
        if enum.packed:
            kinds = ("char", "short", *kinds)
        for kind in kinds:
            if bits <= self.abi.ints[kind][0] * 8:
                return Int(kind, negative)
        raise LayoutError("an enumerator doesn't fit any integer type", enum.span)

    def enum_size_align(self, enum: Enum) -> tuple[int, int]:
        """Size and alignment of an enumeration in bytes."""
        size, align = self.abi.ints[self.enum_int(enum).kind]
        if enum.underlying is not None and isinstance(enum.underlying, Typedef):
            align = self.size_align(enum.underlying)[1]
        return size, max(align, enum.align or 0)

    def is_signed(self, type_: Type) -> bool:
        """Whether an integer, enum or bool type is signed on this ABI."""
        while isinstance(type_, Typedef):
            type_ = type_.target
        if isinstance(type_, Enum):
            type_ = self.enum_int(type_)
        if not isinstance(type_, Int) or type_.kind == "bool":
            return False
        return self.abi.char_signed if type_.signed is None else type_.signed

    def int_range(self, type_: Type) -> range:
        """The values that an integer or enum type holds; raises LayoutError."""
        bits = self.size(type_) * 8
        return range(-(1 << bits - 1), 1 << bits - 1) if self.is_signed(type_) else range(1 << bits)

    def max_bit_width(self, type_: Type) -> int | None:
        """The widest bit-field of a type, None where it can have none; raises LayoutError."""
        while isinstance(type_, Typedef):
            type_ = type_.target
        if isinstance(type_, Int) and type_.kind == "bool":
            return 1
        return self.size(type_) * 8 if isinstance(type_, (Int, Enum)) else None

    # -- records ----------------------------------------------------------

    def record(self, record: Record) -> RecordLayout:
        """The layout of a record; raises LayoutError with the member's span."""
        found = self._records.get(id(record))
        if found is None:
            found = _Builder(self, record).build()
            self._records[id(record)] = found
            self._keep.append(record)  # so that no other record gets this id
        return found

    def find_member(self, type_: Type, name: str) -> tuple[int, Type] | None:
        """Bit offset and type of a record's member, those of anonymous records among them."""
        while isinstance(type_, Typedef):
            type_ = type_.target
        if not isinstance(type_, Record):
            return None
        for slot in self.record(type_).slots:
            if slot.member.name == name:
                return slot.bit_offset, slot.member.type
            if slot.member.name is None and not slot.member.is_bitfield:
                inner = self.find_member(slot.member.type, name)
                if inner is not None:
                    return slot.bit_offset + inner[0], inner[1]
        return None


def _align_to(value: int, align: int) -> int:
    return (value + align - 1) // align * align


class _Builder:
    """Lays out one record; the names are those of clang's builder."""

    def __init__(self, layouts: Layouts, record: Record) -> None:
        self.layouts = layouts
        self.record = record
        self.is_union = record.kind == "union"
        self.align = max(1, record.align or 1)
        self.max_field_align = record.pack or 0
        self.data_bits = 0  # end of the last byte in use
        self.unfilled_bits = 0  # of that byte, free behind the last bit-field
        self.size_bits = 0
        self.slots: list[MemberSlot] = []

    def build(self) -> RecordLayout:
        for member in self.record.members:
            try:
                if member.bit_width is None:
                    self._field(member)
                else:
                    self._bitfield(member, member.bit_width)
            except LayoutError as error:
                raise LayoutError(error.message, error.span or member.span) from None
        size_bits = _align_to(self.size_bits, self.align * 8)
        if size_bits > MAX_BYTES * 8:
            raise LayoutError(f"{self.record.spelling} is too large", self.record.span)
        slots = tuple(self.slots)
        return RecordLayout(
            self.record,
            self.layouts.abi,
            size_bits // 8,
            self.align,
            slots,
            _padding(slots, size_bits, self.is_union),
        )

    def _field(self, member: Member) -> None:
        self.unfilled_bits = 0
        offset = 0 if self.is_union else self.data_bits // 8
        size, align = self.layouts.size_align(member.type)
        if isinstance(member.type, Array) and member.type.count is None:
            size = 0
        if self.record.packed or member.packed:
            align = 1
        align = max(align, member.align or 0)
        # The maximum of #pragma pack overrides the aligned attribute.
        if self.max_field_align:
            align = min(align, self.max_field_align)
        offset = _align_to(offset, align)
        self.slots.append(MemberSlot(member, offset * 8, size * 8, align))
        end = (size if self.is_union else offset + size) * 8
        self.data_bits = max(self.data_bits, end) if self.is_union else end
        self.size_bits = max(self.size_bits, self.data_bits)
        self.align = max(self.align, align)

    def _bitfield(self, member: Member, width: int) -> None:
        abi = self.layouts.abi
        storage, type_align = self.layouts.size_align(member.type)
        storage_bits, align = storage * 8, type_align * 8
        packed = self.record.packed or member.packed
        offset = 0 if self.is_union else self.data_bits - self.unfilled_bits

        unpacked_align = align
        if packed and width != 0:
            align = 1
        explicit = (member.align or 0) * 8
        if explicit:
            align = max(align, explicit)
            unpacked_align = max(unpacked_align, explicit)
        limit = self.max_field_align * 8
        if limit and width:
            unpacked_align = min(unpacked_align, limit)
            align = unpacked_align if packed else min(align, limit)

        if width == 0 or (not limit and offset % align + width > storage_bits):
            offset = _align_to(offset, align)
        elif explicit and (not limit or explicit <= limit):
            offset = _align_to(offset, explicit)

        self.slots.append(MemberSlot(member, offset, width, max(1, align // 8)))
        if member.name is None and not abi.zero_width_aligns:
            align = 8

        if self.is_union:
            self.data_bits = max(self.data_bits, _align_to(width, 8))
        else:
            end = offset + width
            self.data_bits = _align_to(end, 8)
            self.unfilled_bits = self.data_bits - end
        self.size_bits = max(self.size_bits, self.data_bits)
        self.align = max(self.align, align // 8)


def _padding(slots: tuple[MemberSlot, ...], size_bits: int, is_union: bool) -> tuple[Padding, ...]:
    """The gaps between slots, split at byte boundaries."""
    gaps: list[tuple[int, int, str, bool]] = []
    end = 0
    after = ""
    for slot in slots:
        if is_union:
            if slot.bit_size >= end:
                end, after = slot.bit_size, slot.member.name or ""
            continue
        if slot.bit_offset > end:
            gaps.append((end, slot.bit_offset, after, False))
        end = slot.bit_offset + slot.bit_size
        after = slot.member.name or ""
    if size_bits > end:
        gaps.append((end, size_bits, after, True))
    result: list[Padding] = []
    for start, stop, name, is_tail in gaps:
        whole_start = _align_to(start, 8)
        whole_stop = stop // 8 * 8
        bits: PaddingKind = "bit_tail" if is_tail else "bit_hole"
        if whole_start > whole_stop:
            result.append(Padding(bits, start, stop - start, name))
            continue
        if whole_start > start:
            result.append(Padding(bits, start, whole_start - start, name))
        if whole_stop > whole_start:
            kind: PaddingKind = "tail" if is_tail else "hole"
            result.append(Padding(kind, whole_start, whole_stop - whole_start, name))
        if stop > whole_stop:
            result.append(Padding(bits, whole_stop, stop - whole_stop, name))
    return tuple(result)
