"""C's own type words, which C and the DSL share."""

from __future__ import annotations

from collections.abc import Sequence

from mapschema.types import Float, Int


def basic_type(names: Sequence[str]) -> Int | Float | None:
    """The type of C's specifier words in any order (C 6.7.2), None for a typedef's name or void."""
    words = [n for n in names if n not in ("const", "volatile", "_Atomic")]
    rest = sorted(w for w in words if w not in ("signed", "unsigned", "int"))
    signed = "unsigned" not in words
    match rest:
        case []:
            return Int("int", signed) if words else None
        case ["char"]:
            plain = "signed" not in words and signed
            return Int("char", None if plain else signed)
        case ["short"]:
            return Int("short", signed)
        case ["long"]:
            return Int("long", signed)
        case ["long", "long"]:
            return Int("long long", signed)
        case ["__int128"]:
            return Int("int128", signed)
        case ["_Bool"] | ["bool"]:
            return Int("bool", False)
        case ["float"]:
            return Float("float")
        case ["double"]:
            return Float("double")
        case ["double", "long"]:
            return Float("long double")
    return None
