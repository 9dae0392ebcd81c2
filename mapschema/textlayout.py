"""A record as text, as pahole's readers know it: offsets, sizes, holes, a summary."""

from __future__ import annotations

from mapschema.layout import Layouts, Padding, RecordLayout
from mapschema.types import Member, Record, declare, spell, strip_typedefs


def record_text(layout: RecordLayout, layouts: Layouts) -> list[str]:
    """Lines for one record; offsets and sizes in bytes, a bit-field's as ``byte: bit``."""
    record = layout.record
    lines = [f"{record.spelling} {{"]
    lines += _members(layout, layouts, 0, "  ")
    lines.append("}")
    notes = [f"size: {layout.size}", f"align: {layout.align}", f"members: {len(record.members)}"]
    holes = [p for p in layout.padding if p.kind == "hole"]
    if holes:
        notes.append(f"holes: {len(holes)}, sum {sum(p.bit_size for p in holes) // 8}")
    bits = [p for p in layout.padding if p.kind in ("bit_hole", "bit_tail")]
    if bits:
        notes.append(f"bit holes: {len(bits)}, sum {_count(sum(p.bit_size for p in bits), 'bit')}")
    tail = sum(p.bit_size for p in layout.padding if p.kind == "tail") // 8
    if tail:
        notes.append(f"tail padding: {tail}")
    if record.packed:
        notes.append("packed")
    lines.append(f"  /* {', '.join(notes)} */")
    return lines


def _members(layout: RecordLayout, layouts: Layouts, base: int, indent: str) -> list[str]:
    rows: list[tuple[str, str] | list[str]] = []
    pads = list(layout.padding)
    for slot in layout.slots:
        while pads and layout.record.kind == "struct" and pads[0].bit_offset < slot.bit_offset:
            rows.append(("", _hole(pads.pop(0))))
        offset = base + slot.bit_offset
        member = slot.member
        place = f"/* {offset // 8:5} {slot.bit_size // 8:5} */"
        if member.is_bitfield:
            place = f"/* {offset // 8:5}:{offset % 8} {slot.bit_size:2} bits */"
        inner = strip_typedefs(member.type)
        if isinstance(inner, Record) and not inner.name and not inner.typedef_name:
            nested = [f"{indent}{inner.kind} {{"]
            nested += _members(layouts.record(inner), layouts, offset, indent + "  ")
            nested.append(f"{indent}}}{' ' + member.name if member.name else ''}; {place}")
            rows.append(nested)
            continue
        rows.append((_declaration(member), place))
    for pad in pads:
        rows.append(("", _hole(pad)))
    width = max([len(r[0]) for r in rows if isinstance(r, tuple)], default=0)
    lines: list[str] = []
    for row in rows:
        if isinstance(row, tuple):
            lines.append(
                f"{indent}{row[0].ljust(width)} {row[1]}" if row[0] else f"{indent}{row[1]}"
            )
        else:
            lines += row
    return lines


def _declaration(member: Member) -> str:
    if member.bit_width is not None:
        return f"{spell(member.type)} {member.name or ''}: {member.bit_width};".replace("  ", " ")
    return f"{declare(member.type, member.name or '')};"


def _hole(pad: Padding) -> str:
    match pad.kind:
        case "hole":
            return f"/* XXX {_count(pad.bit_size // 8, 'byte')} hole */"
        case "tail":
            return f"/* padding: {_count(pad.bit_size // 8, 'byte')} */"
        case "bit_hole":
            return f"/* XXX {_count(pad.bit_size, 'bit')} hole */"
        case "bit_tail":
            return f"/* bit padding: {_count(pad.bit_size, 'bit')} */"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
