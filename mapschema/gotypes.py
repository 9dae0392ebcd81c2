"""Go types as a Go source defines them: values without offsets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from mapschema.source import Span


@dataclass(frozen=True, slots=True)
class GoBasic:
    """A predeclared type: ``uint32``, ``bool``, ``uintptr`` ..."""

    name: str


@dataclass(frozen=True, slots=True)
class GoArray:
    count: int
    element: GoType


@dataclass(frozen=True, slots=True)
class GoStructField:
    """A field; an embedded one has its type's name, and `embedded` set."""

    name: str
    type: GoType
    span: Span
    embedded: bool = False


@dataclass(frozen=True, slots=True)
class GoStruct:
    fields: tuple[GoStructField, ...]


@dataclass(frozen=True, slots=True)
class GoNamed:
    """A defined type and what it stands for."""

    name: str
    underlying: GoType


@dataclass(frozen=True, slots=True)
class GoOther:
    """A type that no C struct has (slice, map, string ...), or one that can't be told."""

    text: str


GoType: TypeAlias = GoBasic | GoArray | GoStruct | GoNamed | GoOther


@dataclass(frozen=True, slots=True)
class GoDefinition:
    """A type that a Go package defines; `mirror` is what its comment says it mirrors."""

    name: str
    type: GoType
    span: Span
    mirror: str | None = None


def underlying(type_: GoType) -> GoType:
    """The type behind any names."""
    while isinstance(type_, GoNamed):
        type_ = type_.underlying
    return type_
