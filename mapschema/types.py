"""The schema: C types, records, maps, as frozen values without any offset.

A type does not know its size: that is a question to `layout`, for one ABI.
Records and enums compare by identity; everything below them is shared, so a
schema is a graph without cycles (a pointer names its target, it does not
hold it).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from mapschema.source import Span

IntKind = Literal["bool", "char", "short", "int", "long", "long long", "int128"]
FloatKind = Literal["half", "float", "double", "long double"]
RecordKind = Literal["struct", "union"]


@dataclass(frozen=True, slots=True)
class Int:
    """An integer type of C by its kind; `signed` is None for plain char.

    Plain char's sign is the ABI's choice, so it is settled there.
    """

    kind: IntKind
    signed: bool | None

    @property
    def name(self) -> str:
        if self.kind == "bool":
            return "_Bool"
        if self.kind == "int128":
            return "__int128" if self.signed else "unsigned __int128"
        if self.kind == "char":
            return (
                "char" if self.signed is None else "signed char" if self.signed else "unsigned char"
            )
        return self.kind if self.signed else f"unsigned {self.kind}"


@dataclass(frozen=True, slots=True)
class Float:
    """A floating-point type of C by its kind."""

    kind: FloatKind

    @property
    def name(self) -> str:
        return "_Float16" if self.kind == "half" else self.kind


@dataclass(frozen=True, slots=True)
class EnumValue:
    """One enumerator."""

    name: str
    value: int
    span: Span | None = None
    doc: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Enum:
    """An enumeration.

    `underlying` is C23's fixed type (``enum e : u8``) or None; `packed` is the
    GNU attribute.  `flags` says that the values are bits to be combined.
    """

    name: str | None
    values: tuple[EnumValue, ...]
    underlying: Type | None = None
    packed: bool = False
    align: int | None = None
    """From ``aligned(N)``, in bytes; None where it is not given."""
    flags: bool = False
    typedef_name: str | None = None
    span: Span | None = None
    doc: str = ""

    @property
    def display_name(self) -> str:
        return self.name or self.typedef_name or "(unnamed)"


@dataclass(frozen=True, slots=True)
class Pointer:
    """A pointer; `target` is the C spelling of what it points to (``void (void)``: a function)."""

    target: str
    tag: str | None = None
    """``kptr``, ``percpu_kptr``, ``arena`` ... from a BTF type tag, else None."""


@dataclass(frozen=True, slots=True)
class Array:
    """An array of `count` elements; None is a flexible array member (``[]``)."""

    element: Type
    count: int | None


@dataclass(frozen=True, slots=True)
class Typedef:
    """A typedef; `align` (bytes) replaces the target's alignment where it is given."""

    name: str
    target: Type
    align: int | None = None
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a record.

    `bit_width` is None for an ordinary member, 0 for ``: 0``.  `name` is None
    for an unnamed bit-field or an anonymous record.  `align` is in bytes.
    `annotations` holds the DSL's ``@`` words: name -> argument ("" if none).
    """

    name: str | None
    type: Type
    bit_width: int | None = None
    packed: bool = False
    align: int | None = None
    span: Span | None = field(default=None, compare=False)
    doc: str = field(default="", compare=False)
    annotations: Mapping[str, str] = field(default_factory=dict, compare=False)
    is_pad: bool = False
    """True for what a schema's ``pad`` made: bytes without a meaning."""

    @property
    def is_bitfield(self) -> bool:
        return self.bit_width is not None


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """A complete struct or union.

    `packed` is the GNU attribute, `pack` the value of ``#pragma pack`` in
    force at the definition, `align` the largest ``aligned(N)``; both in bytes.
    """

    name: str | None
    kind: RecordKind
    members: tuple[Member, ...]
    packed: bool = False
    pack: int | None = None
    align: int | None = None
    typedef_name: str | None = None
    """Name of the first typedef of an untagged record."""
    span: Span | None = None
    doc: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def display_name(self) -> str:
        return self.name or self.typedef_name or "(unnamed)"

    @property
    def spelling(self) -> str:
        """How C names the type: ``struct flow_key``, or its typedef's name."""
        if self.name:
            return f"{self.kind} {self.name}"
        return self.typedef_name or f"{self.kind} (unnamed)"


Type: TypeAlias = Int | Float | Enum | Pointer | Array | Typedef | Record


@dataclass(frozen=True, slots=True)
class MapDef:
    """A BPF map as its source defines it.

    Sizes are in bytes, and None where a type says them; `key` and `value` are
    None where the source names no type.  `type` is the kernel's name without
    ``BPF_MAP_TYPE_``.  `carries` are the records a ring buffer or perf array
    transports, with how that is known in `carries_from`.
    """

    name: str
    type: str
    key: Type | None = None
    value: Type | None = None
    key_size: int | None = None
    value_size: int | None = None
    max_entries: int = 0
    map_flags: int = 0
    map_extra: int = 0
    numa_node: int | None = None
    pinning: str = "none"
    inner: MapDef | None = None
    carries: tuple[Record, ...] = ()
    carries_from: str = ""
    explicit_value_type: bool = False
    """A ring buffer or perf array whose source says ``__type(value, T)``."""
    span: Span | None = None
    doc: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Const:
    """A named constant of a schema, emitted as a macro and a Go constant."""

    name: str
    value: int
    span: Span | None = None
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Schema:
    """Everything that was read from one input, in source order.

    `records` and `enums` are those to lay out and emit; `universe` has every
    complete one that was read, the includes' too.
    """

    path: str
    stem: str
    records: tuple[Record, ...]
    enums: tuple[Enum, ...]
    typedefs: tuple[Typedef, ...]
    maps: tuple[MapDef, ...]
    consts: tuple[Const, ...] = ()
    go_package: str | None = None
    kernel: tuple[int, int] | None = None
    own: frozenset[int] = frozenset()
    """`id` of the records and enums that the input itself defines."""
    ambiguous: frozenset[str] = frozenset()
    """Names that are both a tag and a typedef."""
    mentioned: frozenset[str] = frozenset()
    """Tags and typedefs that global variables name."""
    map_definitions: frozenset[str] = frozenset()
    """Tags and typedefs of the structs that define maps; nothing is generated for them."""

    def without_map_definitions(self) -> Schema:
        """The schema without the structs that only define maps."""
        if not self.map_definitions:
            return self
        kept = tuple(r for r in self.records if not {r.name, r.typedef_name} & self.map_definitions)
        return replace(self, records=kept)


def strip_typedefs(type_: Type) -> Type:
    """The type behind any chain of typedefs."""
    while isinstance(type_, Typedef):
        type_ = type_.target
    return type_


def typedef_chain(type_: Type) -> Iterator[str]:
    """Names of the typedefs that lead to the type, outermost first."""
    while isinstance(type_, Typedef):
        yield type_.name
        type_ = type_.target


def innermost(type_: Type) -> Type:
    """The element type behind any arrays and typedefs."""
    while isinstance(type_, (Typedef, Array)):
        type_ = type_.target if isinstance(type_, Typedef) else type_.element
    return type_


def spell(type_: Type) -> str:
    """The type as C writes it without a declarator: ``__u8[4][6]``, ``struct flow_key *``."""
    match type_:
        case Int() | Float() | Typedef():
            return type_.name
        case Enum():
            return f"enum {type_.name}" if type_.name else type_.typedef_name or "enum (unnamed)"
        case Pointer():
            return pointer_to(type_.target)
        case Array():
            dims = ""
            element: Type = type_
            while isinstance(element, Array):
                dims += f"[{'' if element.count is None else element.count}]"
                element = element.element
            return spell(element) + dims
        case Record():
            return type_.spelling


def pointer_to(target: str) -> str:
    """The spelling of a pointer: ``void (void)``, a function, gives ``void (*)(void)``."""
    if "(*" in target:
        return target.replace("(*", "(**", 1)
    if target.endswith(")"):
        return target.replace(" (", " (*)(", 1)
    return target + ("*" if target.endswith("*") else " *")


def declare(type_: Type, name: str) -> str:
    """A C declaration of `name` with the type: ``__u8 mac[6]``."""
    dims = ""
    while isinstance(type_, Array):
        dims += f"[{'' if type_.count is None else type_.count}]"
        type_ = type_.element
    base = spell(type_)
    if isinstance(type_, Pointer) and "*)" in base:
        return base.replace("*)", f"*{name}{dims})", 1)
    return f"{base}{'' if base.endswith('*') else ' '}{name}{dims}"


def reachable(root: Type) -> Iterator[Record | Enum]:
    """Records and enums that the type contains, innermost first, itself last, each once."""
    seen: set[int] = set()
    done: list[Record | Enum] = []
    stack: list[tuple[Type, bool]] = [(root, False)]
    while stack:
        current, expanded = stack.pop()
        current = innermost(current)
        if not isinstance(current, (Record, Enum)):
            continue
        if expanded:
            done.append(current)
            continue
        if id(current) in seen:
            continue
        seen.add(id(current))
        stack.append((current, True))
        if isinstance(current, Record):
            stack.extend((member.type, False) for member in reversed(current.members))
    yield from done


def map_types(item: MapDef) -> list[Type]:
    """The types that a map names: key, value, what it carries, its inner map's."""
    found: list[Type] = [t for t in (item.key, item.value) if t is not None]
    found += item.carries
    if item.inner is not None:
        found += map_types(item.inner)
    return found


def closure(roots: Iterable[Type]) -> tuple[tuple[Record, ...], tuple[Enum, ...]]:
    """The named records, and the enums, that the roots reach, each after what it contains."""
    records: list[Record] = []
    enums: list[Enum] = []
    seen: set[int] = set()
    for root in roots:
        for item in reachable(root):
            if id(item) in seen:
                continue
            seen.add(id(item))
            if isinstance(item, Enum):
                enums.append(item)
            elif item.name or item.typedef_name:
                records.append(item)
    return tuple(records), tuple(enums)
