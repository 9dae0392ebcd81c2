"""The ``@`` words: what they mean, where they may stand, and on which types.

The same words serve the DSL and the comments of C.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mapschema.diagnostics import Diagnostics, suggest
from mapschema.layout import LayoutError, Layouts
from mapschema.source import Span
from mapschema.types import Array, Int, Member, Record, Type, strip_typedefs, typedef_chain


@dataclass(frozen=True, slots=True)
class Word:
    """One ``@`` word: its argument (``none``, ``name``, ``number``, ``text``) and places."""

    name: str
    argument: str
    places: frozenset[str]
    meaning: str


def _word(name: str, argument: str, places: str, meaning: str) -> Word:
    return Word(name, argument, frozenset(places.split()), meaning)


WORDS: dict[str, Word] = {
    word.name: word
    for word in (
        _word("ipv4", "none", "member", "an IPv4 address, 4 bytes in network order"),
        _word("ipv6", "none", "member", "an IPv6 address, 16 bytes"),
        _word("mac", "none", "member", "an Ethernet address, 6 bytes"),
        _word("ktime", "none", "member", "nanoseconds since boot, 8 bytes"),
        _word("cstr", "none", "member", "a char array that holds a NUL-terminated string"),
        _word("be", "none", "member", "an integer in network byte order"),
        _word("atomic", "none", "member", "a counter that several CPUs add to"),
        _word("unit", "text", "member", "the unit that the number counts"),
        _word("go", "name", "member record enum map", "the name in Go"),
        _word("tag", "name", "member", "the member that says which arm of the union is in use"),
        _word("pad", "none", "member", "bytes without a meaning"),
        _word("case", "number", "member", "the tag's value for this arm"),
        _word("aligned", "number", "member record typedef", "C's aligned(N), in bytes"),
        _word("packed", "none", "member record enum", "C's packed attribute"),
        _word("pack", "number", "record", "C's #pragma pack(N)"),
        _word("flags", "flags", "map enum", "the map's flags; on an enum: its values are bits"),
        _word("pin", "name", "map", "where the map is pinned: by_name or none"),
        _word("map_extra", "number", "map", "the map's extra flags (Bloom filter, arena)"),
        _word("numa_node", "number", "map", "the NUMA node that holds the map"),
        _word("carries", "name", "map", "the record that a ring buffer or perf array transports"),
    )
}

_WORD = re.compile(r"@(?P<name>\w+)(?:\((?P<argument>[^()]*)\))?\s*,?\s*")


def parse_words(text: str, span: Span, diagnostics: Diagnostics) -> dict[str, str]:
    """The words of a comment's text (``@ipv4 @be``); mistakes are reported."""
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = _WORD.match(text, at)
        if match is None:
            rest = text[at:].strip()
            if not rest.startswith("--"):
                diagnostics.error(
                    "MS030",
                    f"can't read '{rest}' here",
                    span,
                    help="write @word or @word(argument)",
                )
            break
        at = match.end()
        name, argument = match["name"], match["argument"]
        value = (argument or "").strip().strip('"')
        if check_word(name, argument is not None, None, span, diagnostics) and check_argument(
            name, value, span, diagnostics
        ):
            found[name] = value
    return found


def check_word(
    name: str, has_argument: bool, place: str | None, span: Span, diagnostics: Diagnostics
) -> bool:
    """Whether the word exists, may stand at `place`, and has an argument as it should."""
    word = WORDS.get(name)
    if word is None:
        hint = suggest(f"@{name}", [f"@{word}" for word in WORDS])
        diagnostics.error("MS030", f"unknown annotation '@{name}'{hint}", span)
        return False
    if place is not None and place not in word.places:
        places = " or ".join(sorted(word.places))
        diagnostics.error("MS030", f"'@{name}' belongs on a {places}, not on a {place}", span)
        return False
    needs = word.argument != "none" and not (name == "flags" and place == "enum")
    if place is None and name == "flags":
        return True
    if needs != has_argument:
        how = f"@{name}({word.argument})" if needs else f"@{name} without an argument"
        diagnostics.error("MS030", f"write {how}", span)
        return False
    return True


_ARGUMENTS = {
    "go": (r"[A-Z][A-Za-z0-9_]*", "an exported Go name"),
    "tag": (r"[A-Za-z_]\w*", "a member's name"),
    "case": (r"-?\w+", "a number or an enumerator"),
    "carries": (r"(?:struct\s+)?[A-Za-z_]\w*", "a record's name"),
    "pin": (r"by_name|none", "by_name or none"),
}


def check_argument(name: str, value: str, span: Span, diagnostics: Diagnostics) -> bool:
    """Whether an argument can be what its word needs; it ends up in generated code."""
    rule = _ARGUMENTS.get(name)
    if rule is None or re.fullmatch(rule[0], value, re.ASCII):
        return True
    diagnostics.error("MS030", f"@{name}({value[:40]}): {rule[1]} is needed", span)
    return False


_SIZES = {"ipv4": 4, "ipv6": 16, "mac": 6, "ktime": 8}


def check_member(
    member: Member, record: Record, layouts: Layouts, diagnostics: Diagnostics
) -> None:
    """Reports annotations that the member's type can't bear."""
    words = member.annotations
    if not words or member.span is None:
        return
    try:
        size = layouts.size(member.type)
    except LayoutError:
        return
    base = strip_typedefs(member.type)
    scalar = base
    count = 1
    # an array of addresses is annotated like one address
    while isinstance(scalar, Array) and scalar.count:
        element = strip_typedefs(scalar.element)
        if isinstance(element, Int) and element.kind == "char":
            break
        count *= scalar.count
        scalar = element
    for name, wanted in _SIZES.items():
        if name in words and (size != wanted * count and size != wanted):
            diagnostics.error(
                "MS030",
                f"'@{name}' needs {wanted} bytes, '{member.name}' has {size}",
                member.span,
                record=record.display_name,
                member=member.name,
            )
    if "ktime" in words and not isinstance(scalar, Int):
        diagnostics.error("MS030", "'@ktime' needs a 64-bit integer", member.span)
    if "cstr" in words and not is_char_array(member.type):
        diagnostics.error(
            "MS030", f"'@cstr' needs an array of char, '{member.name}' is none", member.span
        )
    if "be" in words and not (
        isinstance(scalar, Int) and scalar.kind not in ("bool", "int128", "char")
    ):
        diagnostics.error(
            "MS030",
            f"'@be' needs an integer of 2, 4 or 8 bytes, '{member.name}' is none",
            member.span,
        )
    if "atomic" in words and not (isinstance(base, Int) and size in (4, 8)):
        diagnostics.error(
            "MS030",
            f"'@atomic' needs an integer of 4 or 8 bytes, '{member.name}' is none",
            member.span,
        )
    if "tag" in words:
        union = strip_typedefs(member.type)
        if not (isinstance(union, Record) and union.kind == "union"):
            diagnostics.error(
                "MS030", f"'@tag' needs a union, '{member.name}' is none", member.span
            )
        elif words["tag"] not in {m.name for m in record.members}:
            names = [m.name for m in record.members if m.name]
            hint = suggest(words["tag"], names)
            diagnostics.error("MS030", f"'@tag({words['tag']})': no such member{hint}", member.span)
    if "case" in words and record.kind != "union":
        diagnostics.error("MS030", "'@case' belongs on an arm of a union", member.span)


def is_char_array(type_: Type) -> bool:
    """Whether the type is an array of plain char with a bound."""
    base = strip_typedefs(type_)
    if not isinstance(base, Array) or base.count is None:
        return False
    element = strip_typedefs(base.element)
    return isinstance(element, Int) and element.kind == "char"


def is_big_endian(type_: Type, words: Mapping[str, str]) -> bool:
    """Whether an integer is in network order: by ``@be``, or by a ``__beNN`` typedef."""
    if "be" in words:
        return True
    return any(name in ("__be16", "__be32", "__be64", "be16", "be32", "be64", "__aligned_be64")
               for name in typedef_chain(type_))  # fmt: skip
