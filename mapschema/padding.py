"""Records with their padding written out as members, for generators of C."""

from __future__ import annotations

from dataclasses import replace

from mapschema.layout import LayoutError, Layouts
from mapschema.types import Array, Int, Member, Record, Typedef, strip_typedefs

_U8 = Typedef("__u8", Int("char", False))


def explicit(record: Record, layouts: Layouts, taken: set[str]) -> Record:
    """The record with a ``__u8 _padN[..]`` in each hole, and at its tail.

    Bits that are left in a byte become an unnamed bit-field.  `taken` are names
    that are in use (see `names`); those of the padding are added.  Where the
    padding would move a member, the record comes back as it was (a union
    always does).
    """
    layout = layouts.record(record)
    if record.kind == "union" or not layout.padding:
        return record
    pads = list(layout.padding)
    members: list[Member] = []
    counter = 0

    def fill(until_bit: int) -> None:
        nonlocal counter
        while pads and pads[0].bit_offset < until_bit:
            pad = pads.pop(0)
            if pad.kind in ("bit_hole", "bit_tail"):
                members.append(Member(None, _U8, pad.bit_size, is_pad=True))
                continue
            while f"_pad{counter}" in taken:
                counter += 1
            taken.add(f"_pad{counter}")
            members.append(Member(f"_pad{counter}", Array(_U8, pad.bit_size // 8), is_pad=True))
            counter += 1

    for slot in layout.slots:
        fill(slot.bit_offset)
        members.append(slot.member)
    if not _ends_open(record):
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


def _ends_open(record: Record) -> bool:
    """Whether a flexible array is last, behind which no member may stand."""
    if not record.members:
        return False
    last = strip_typedefs(record.members[-1].type)
    return (isinstance(last, Array) and last.count is None) or (
        isinstance(last, Record) and _ends_open(last)
    )


def _added(member: Member, record: Record) -> bool:
    return member.is_pad and all(member is not m for m in record.members)


def names(record: Record) -> set[str]:
    """The names of the members, those of anonymous records among them."""
    found: set[str] = set()
    for member in record.members:
        if member.name is not None:
            found.add(member.name)
        elif isinstance(member.type, Record):
            found |= names(member.type)
    return found
