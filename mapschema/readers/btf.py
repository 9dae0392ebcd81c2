"""BTF: the kernel's type format, from bytes to the schema's types.

The format is that of the kernel's Documentation/bpf/btf.rst.  BTF gives each
member's offset but no attributes, so a record's `packed` and `aligned` are told
from the offsets; a record whose layout would then still differ gets its
padding written out.  Every length and offset of the input is checked.
"""

from __future__ import annotations

import struct
from dataclasses import replace

from mapschema.layout import LayoutError, Layouts
from mapschema.types import (
    Array,
    Enum,
    EnumValue,
    Float,
    FloatKind,
    Int,
    IntKind,
    Member,
    Pointer,
    Record,
    Type,
    Typedef,
    pointer_to,
    spell,
)

INT, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF = range(1, 9)
VOLATILE, CONST, RESTRICT, FUNC, FUNC_PROTO, VAR, DATASEC, FLOAT = range(9, 17)
DECL_TAG, TYPE_TAG, ENUM64 = 17, 18, 19
MAGIC = 0xEB9F
MAX_TYPES = 2_000_000
_QUALIFIERS = {VOLATILE: "volatile", CONST: "const", RESTRICT: "", TYPE_TAG: "", DECL_TAG: ""}


class BtfError(Exception):
    """The data is no BTF, or is damaged; the message says where."""


class Btf:
    """One BTF blob; types are decoded when asked for, each once.

    `base` is the BTF that a module's split BTF builds on.
    """

    def __init__(self, data: bytes, layouts: Layouts, base: Btf | None = None) -> None:
        self.layouts = layouts
        self.base = base
        if len(data) < 24:
            raise BtfError("the data ends inside the BTF header")
        for order in ("<", ">"):
            if struct.unpack_from(f"{order}H", data)[0] == MAGIC:
                self.order = order
                break
        else:
            raise BtfError(f"no BTF: it begins with {data[:2].hex()}")
        version, _, header = struct.unpack_from(f"{self.order}BBI", data, 2)
        if version != 1:
            raise BtfError(f"BTF version {version} is unknown")
        type_at, type_size, text_at, text_size = struct.unpack_from(f"{self.order}IIII", data, 8)
        for at, size, what in ((type_at, type_size, "types"), (text_at, text_size, "strings")):
            if header < 24 or header + at + size > len(data):
                raise BtfError(
                    f"the {what} lie outside of the data ({header + at} + {size} of {len(data)})"
                )
        self._types = data[header + type_at : header + type_at + type_size]
        self._text = data[header + text_at : header + text_at + text_size]
        self.first_id = base.count if base is not None else 1
        self._first_text: int = base.text_size if base is not None else 0
        self.text_size: int = self._first_text + text_size
        self._starts: list[int] = []
        self._scan()
        self._made: dict[int, Type] = {}
        self._busy: set[int] = set()

    @property
    def count(self) -> int:
        """One more than the largest type id."""
        return self.first_id + len(self._starts)

    @property
    def byte_order(self) -> str:
        return "little" if self.order == "<" else "big"

    def _scan(self) -> None:
        """Finds where each type begins."""
        data, at, size = self._types, 0, len(self._types)
        unpack = struct.Struct(f"{self.order}III").unpack_from
        while at < size:
            if at + 12 > size:
                raise BtfError(f"type {self.count} ends early (at byte {at} of the types)")
            self._starts.append(at)
            if len(self._starts) > MAX_TYPES:
                raise BtfError("too many types")
            info = unpack(data, at)[1]
            kind, vlen = info >> 24 & 31, info & 0xFFFF
            at += 12
            if kind in (INT, VAR, DECL_TAG):
                at += 4
            elif kind == ARRAY:
                at += 12
            elif kind in (STRUCT, UNION, DATASEC, ENUM64):
                at += 12 * vlen
            elif kind in (ENUM, FUNC_PROTO):
                at += 8 * vlen
            elif not 1 <= kind <= 19:
                raise BtfError(f"type {self.count - 1} has the unknown kind {kind}")
        if at > size:
            raise BtfError(f"type {self.count - 1} ends outside of the data")

    # -- raw access -------------------------------------------------------

    def raw(self, type_id: int) -> tuple[int, str, int, bool, int, int]:
        """Kind, name, vlen, kind flag, size or type, and where the type's own data begins."""
        owner = self._owner(type_id)
        at = owner._starts[type_id - owner.first_id]
        name, info, size = struct.unpack_from(f"{owner.order}III", owner._types, at)
        return info >> 24 & 31, self.name(name), info & 0xFFFF, bool(info >> 31), size, at + 12

    def _owner(self, type_id: int) -> Btf:
        if self.base is not None and type_id < self.first_id:
            return self.base._owner(type_id)
        if not self.first_id <= type_id < self.count:
            raise BtfError(f"there is no type {type_id}")
        return self

    def fields(self, type_id: int, form: str, at: int, count: int) -> list[tuple[int, ...]]:
        """`count` tuples of 32-bit numbers (`form`: ``III``) that follow a type."""
        owner = self._owner(type_id)
        one = struct.Struct(owner.order + form)
        return [one.unpack_from(owner._types, at + i * one.size) for i in range(count)]

    def name(self, offset: int) -> str:
        if self.base is not None and offset < self._first_text:
            return self.base.name(offset)
        offset -= self._first_text
        if not 0 <= offset < max(1, len(self._text)):
            raise BtfError(f"a name lies outside of the strings (at {offset})")
        end = self._text.find(b"\0", offset)
        if end < 0:
            raise BtfError(f"a name has no end (at {offset})")
        text = self._text[offset:end].decode("utf-8", "replace")
        return "".join(c if c.isprintable() else "?" for c in text)

    # -- types ------------------------------------------------------------

    def type(self, type_id: int) -> Type | None:
        """The schema's type for an id; None for void, functions, and undefined tags."""
        if type_id == 0:
            return None
        found = self._made.get(type_id)
        if found is not None:
            return found
        if self.base is not None and type_id < self.first_id:
            return self.base.type(type_id)
        if type_id in self._busy:
            raise BtfError(f"type {type_id} contains itself")
        if len(self._busy) > 200:
            raise BtfError("types are nested too deeply")
        self._busy.add(type_id)
        try:
            made = self._build(type_id)
        finally:
            self._busy.discard(type_id)
        if made is not None:
            self._made[type_id] = made
        return made

    def rename(self, type_id: int, made: Type) -> None:
        """Puts a type in place of the one that was made for an id."""
        self._made[type_id] = made

    def _build(self, type_id: int) -> Type | None:
        kind, name, vlen, flag, size, at = self.raw(type_id)
        match kind:
            case 1:
                ((info,),) = self.fields(type_id, "I", at, 1)
                return _integer(name, size, info >> 24 & 15)
            case 2:
                return Pointer(self.spelling(size, 0), self._type_tag(size))
            case 3:
                ((element_id, _, count),) = self.fields(type_id, "III", at, 1)
                element = self.type(element_id)
                if element is None:
                    raise BtfError(f"type {type_id} is an array of nothing")
                return Array(element, count)
            case 4 | 5:
                return self._record(
                    type_id, name, "union" if kind == UNION else "struct", vlen, flag, size, at
                )
            case 6 | 19:
                return self._enum(type_id, name, vlen, flag, size, at, kind == ENUM64)
            case 8:
                target = self.type(size)
                return None if target is None else Typedef(name, target)
            case 9 | 10 | 11 | 18:
                return self.type(size)
            case 16:
                kinds: dict[int, FloatKind] = {
                    2: "half",
                    4: "float",
                    8: "double",
                    12: "long double",
                    16: "long double",
                }
                if size not in kinds:
                    raise BtfError(f"type {type_id} is a float of {size} bytes")
                return Float(kinds[size])
        return None

    def _type_tag(self, type_id: int) -> str | None:
        if type_id == 0:
            return None
        kind, name, _, _, _, _ = self.raw(type_id)
        return name if kind == TYPE_TAG else None

    def spelling(self, type_id: int, depth: int) -> str:
        """How C writes what a pointer points to."""
        if type_id == 0:
            return "void"
        if depth > 50:
            raise BtfError(f"type {type_id} refers to itself")
        kind, name, _, flag, target, _ = self.raw(type_id)
        if kind in _QUALIFIERS:
            return f"{_QUALIFIERS[kind]} {self.spelling(target, depth + 1)}".strip()
        match kind:
            case 2:
                return pointer_to(self.spelling(target, depth + 1))
            case 4 | 5 | 7:
                word = "union" if kind == UNION or (kind == FWD and flag) else "struct"
                return f"{word} {name}" if name else "void"
            case 6 | 19:
                return f"enum {name}" if name else "int"
            case 8:
                return name
            case 1 | 16:
                made = self.type(type_id)
                return spell(made) if made is not None else name
            case 12 | 13:
                return "void (void)"
        return "void"

    def _enum(
        self, type_id: int, name: str, vlen: int, signed: bool, size: int, at: int, wide: bool
    ) -> Enum:
        values: list[EnumValue] = []
        for entry in self.fields(type_id, "III" if wide else "II", at, vlen):
            value = entry[1] | (entry[2] << 32 if wide else 0)
            bits = 64 if wide else 32
            if signed and value >> (bits - 1):
                value -= 1 << bits
            values.append(EnumValue(self.name(entry[0]), value))
        plain = Enum(name or None, tuple(values))
        try:
            found = self.layouts.enum_int(plain)
            if self.layouts.size(found) == size and (self.layouts.is_signed(found) or not signed):
                return plain
        except LayoutError:
            pass
        kinds: dict[int, IntKind] = {1: "char", 2: "short", 4: "int", 8: "long long"}
        if size not in kinds:
            raise BtfError(f"type {type_id} is an enum of {size} bytes")
        return replace(plain, underlying=Int(kinds[size], signed))

    def _record(
        self, type_id: int, name: str, kind: str, vlen: int, flag: bool, size: int, at: int
    ) -> Record:
        placed: list[tuple[Member, int, int]] = []
        for position, (name_at, member_id, offset) in enumerate(
            self.fields(type_id, "III", at, vlen)
        ):
            member_type = self.type(member_id)
            if member_type is None:
                raise BtfError(f"a member of type {type_id} has no size")
            width = offset >> 24 if flag else 0
            bit_offset = offset & 0xFFFFFF if flag else offset
            if not width:
                width = self._old_width(member_id)
            if (
                isinstance(member_type, Array)
                and member_type.count == 0
                and position == vlen - 1
                and kind == "struct"
                and vlen > 1
            ):
                member_type = Array(member_type.element, None)
            member = Member(self.name(name_at) or None, member_type, width or None)
            bits = width or self.layouts.size(member_type) * 8
            placed.append((member, bit_offset, bits))
        record = Record(
            name or None, "union" if kind == "union" else "struct", tuple(m for m, _, _ in placed)
        )
        return fit(record, [(offset, bits) for _, offset, bits in placed], size, self.layouts)

    def _old_width(self, type_id: int) -> int:
        """Bit-fields before the kind flag: an integer type with fewer bits than its size."""
        kind, _, _, _, size, at = self.raw(type_id)
        if kind != INT:
            return 0
        ((info,),) = self.fields(type_id, "I", at, 1)
        bits = info & 0xFF
        return bits if bits != size * 8 else 0


def _integer(name: str, size: int, encoding: int) -> Type:
    signed = bool(encoding & 1)
    if size == 1 and (encoding & 4 or name in ("_Bool", "bool")):
        return Int("bool", False)
    if size == 1:
        return Int("char", None if name == "char" else signed)
    kinds: dict[int, IntKind] = {2: "short", 4: "int", 8: "long", 16: "int128"}
    if size == 8 and "long long" in name:
        return Int("long long", signed)
    if size == 4 and "long" in name:
        return Int("long", signed)
    if size not in kinds:
        return Array(Int("char", False), size)
    return Int(kinds[size], signed)


def fit(record: Record, places: list[tuple[int, int]], size: int, layouts: Layouts) -> Record:
    """The record with the attributes that give each member its place; all in bits, `size` in bytes.

    Tried in turn: none, aligned on members and the record, packed, packed with
    the gaps as members.  Raises LayoutError where nothing fits.
    """
    for trial in (record, *_guesses(record, places, size, layouts)):
        if _fits(trial, record, places, size, layouts):
            return trial
    raise LayoutError(f"{record.spelling}: no attributes give its members their places")


def _fits(
    trial: Record, record: Record, places: list[tuple[int, int]], size: int, layouts: Layouts
) -> bool:
    try:
        layout = layouts.record(trial)
    except LayoutError:
        return False
    found = [s.bit_offset for s in layout.slots if not s.member.is_pad]
    return layout.size == size and found == [offset for offset, _ in places]


def _guesses(
    record: Record, places: list[tuple[int, int]], size: int, layouts: Layouts
) -> list[Record]:
    aligned: list[Member] = []
    end = 0
    for member, (offset, bits) in zip(record.members, places, strict=True):
        natural = layouts.size_align(member.type)[1]
        if record.kind == "struct" and not member.is_bitfield and offset % 8 == 0:
            at = offset // 8
            start = -(-end // 8)
            align: int = natural
            while align < 4096 and -(-start // align) * align < at:
                align *= 2
            if align != natural and -(-start // align) * align == at:
                member = replace(member, align=align)
        aligned.append(member)
        end = max(end, offset + bits)
    guesses: list[Record] = []
    powers: list[int | None] = [None, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096]
    for packed in (False, True):
        for members in (record.members, tuple(aligned)):
            for power in powers:
                if power is not None and size % power:
                    break
                guesses.append(replace(record, members=members, packed=packed, align=power))
    guesses.append(_spelled_out(record, places, size))
    return guesses


def _spelled_out(record: Record, places: list[tuple[int, int]], size: int) -> Record:
    """Packed, with unnamed bit-fields and byte arrays in the gaps."""
    members: list[Member] = []
    byte = Int("char", False)
    at = 0

    def fill(until: int) -> None:
        nonlocal at
        if until <= at:
            return
        bits = min(until, -(-at // 8) * 8) - at
        if bits:
            members.append(Member(None, byte, bits, is_pad=True))
            at += bits
        if until - at >= 8:
            members.append(
                Member(f"_pad{len(members)}", Array(byte, (until - at) // 8), is_pad=True)
            )
            at += (until - at) // 8 * 8
        if until > at:
            members.append(Member(None, byte, until - at, is_pad=True))
            at = until

    for member, (offset, bits) in zip(record.members, places, strict=True):
        if record.kind == "struct":
            fill(offset)
        members.append(member)
        at = max(at, offset + bits)
    if record.kind == "struct" and at < size * 8:
        last = members[-1] if members else None
        if last is not None and isinstance(last.type, Array) and last.type.count is None:
            # an array of none that is not at the end after all
            members[-1] = replace(last, type=Array(last.type.element, 0))
        fill(size * 8)
    if record.kind == "union" and at < size * 8:
        members.append(Member("_pad", Array(byte, size), is_pad=True))
    return replace(record, members=tuple(members), packed=True)
