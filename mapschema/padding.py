"""Records with their padding written out as members, for generators of C."""

from __future__ import annotations

from dataclasses import replace

from mapschema.layout import LayoutError, Layouts
from mapschema.types import Array, Int, Member, Record, Type, Typedef

_U8 = Typedef("__u8", Int("char", False))


def explicit(record: Record, layouts: Layouts) -> Record:
    """The record with a ``__u8 _padN[..]`` in each hole, and at its tail.

    Bits that are left in a byte become an unnamed bit-field.  Where the padding
    would move a member, the record comes back as it was (a union always does).
    """
    layout = layouts.record(record)
    if record.kind == "union" or not layout.padding:
        return record
    pads = list(layout.padding)
    taken = set(_names(record))
    members: list[Member] = []
    counter = 0
    last_bits: Type | None = None

    def fill(until_bit: int) -> None:
        nonlocal counter
        while pads and pads[0].bit_offset < until_bit:
            pad = pads.pop(0)
            if pad.kind in ("bit_hole", "bit_tail"):
                if last_bits is not None:
                    members.append(Member(None, last_bits, pad.bit_size, is_pad=True))
                continue
            while f"_pad{counter}" in taken:
                counter += 1
            members.append(Member(f"_pad{counter}", Array(_U8, pad.bit_size // 8), is_pad=True))
            counter += 1

    for slot in layout.slots:
        fill(slot.bit_offset)
        members.append(slot.member)
        if slot.member.is_bitfield:
            last_bits = slot.member.type
    fill(layout.size * 8 + 1)
    padded = replace(record, members=tuple(members))
    try:
        check = layouts.record(padded)
    except LayoutError:
        return record
    before = [(s.bit_offset, s.bit_size) for s in layout.slots]
    after = [(s.bit_offset, s.bit_size) for s in check.slots if not _added(s.member, layout.record)]
    same = (check.size, check.align) == (layout.size, layout.align) and before == after
    return padded if same else record


def _added(member: Member, record: Record) -> bool:
    return member.is_pad and all(member is not m for m in record.members)


def _names(record: Record) -> list[str]:
    found: list[str] = []
    for member in record.members:
        if member.name is not None:
            found.append(member.name)
        elif isinstance(member.type, Record):
            found += _names(member.type)
    return found
