"""Reads BPF map definitions: ``struct { __uint(type, ...); ... } name SEC(".maps")``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from mapschema import maptypes
from mapschema.diagnostics import Diagnostics, suggest
from mapschema.frontends.c.declarations import Declaration
from mapschema.frontends.c.dialect import Text
from mapschema.frontends.c.lower import Lowerer, Unresolved, definitions_in
from mapschema.frontends.c.notes import Notes
from mapschema.frontends.c.tokens import Token
from mapschema.source import Span
from mapschema.types import MapDef, Record, Type

_NUMBERS = {
    "type",
    "key_size",
    "value_size",
    "max_entries",
    "map_flags",
    "map_extra",
    "numa_node",
    "pinning",
}


@dataclass(slots=True)
class _Fields:
    numbers: dict[str, int] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    key: Type | None = None
    value: Type | None = None
    inner: MapDef | None = None
    broken: bool = False


class MapReader:
    """Turns the declarations of the maps section into `MapDef` values."""

    def __init__(self, lowerer: Lowerer, notes: Notes, diagnostics: Diagnostics) -> None:
        self.lowerer = lowerer
        self.notes = notes
        self.diagnostics = diagnostics
        self.definitions: set[str] = set()
        """Tags and typedefs of the structs that define maps: they are no data."""

    def read(self, declaration: Declaration) -> list[MapDef]:
        """The maps of one declaration; broken ones are reported and left out."""
        parsed = self.lowerer.tree(declaration)
        if parsed is None:
            return []
        nodes, text = parsed
        found: list[MapDef] = []
        for node in nodes:
            if type(node).__name__ != "Decl" or not node.name or "extern" in (node.storage or ()):
                continue
            span = text.span(node)
            struct = self._struct(node.type, text)
            if struct is None:
                self.diagnostics.error(
                    "MS020", f"'{node.name}' is in the maps section, but is no struct", span
                )
                continue
            legacy = self._legacy(declaration, struct[0], span)
            if legacy is not None:
                first = declaration.tokens[0].span
                made = None if legacy.broken else self._finish(node.name, legacy, span, first)
            else:
                made = self._map(node.name, struct[0], struct[1], declaration, span)
            if made is not None:
                found.append(made)
        return found

    def _struct(self, node: Any, text: Text) -> tuple[Any, Text] | None:
        """The struct node with a body behind declarators, typedefs and tags."""
        for _ in range(50):
            kind = type(node).__name__
            if kind == "Struct":
                if node.decls is not None:
                    return node, text
                self.definitions.add(node.name)
                declarations = self.lowerer.index.tags.get(node.name)
                parsed = self.lowerer.tree(declarations[0]) if declarations else None
                if parsed is None:
                    return None
                found = next((n for n in definitions_in(parsed[0]) if n.name == node.name), None)
                if found is None:
                    return None
                node, text = found, parsed[1]
            elif kind == "TypeOf":
                node = node.expr
            elif kind in ("IdentifierType", "ID"):  # a typedef, or typeof(another_map)
                index = self.lowerer.index
                if kind == "ID":
                    name, declaration = node.name, index.variables.get(node.name)
                else:
                    name, declaration = node.names[-1], index.typedefs.get(node.names[-1])
                    self.definitions.add(name)
                parsed = self.lowerer.tree(declaration) if declaration else None
                if parsed is None:
                    return None
                text = parsed[1]
                node = next((n for n in parsed[0] if n.name == name), None)
                if node is None:
                    return None
            elif hasattr(node, "type"):
                node = node.type
            else:
                return None
        return None

    def _map(
        self, name: str, struct: Any, text: Text, declaration: Declaration | None, span: Span
    ) -> MapDef | None:
        with self.lowerer.reading(text, declaration.pack if declaration else None):
            fields = self._fields(struct, name)
        if fields.broken:
            return None
        first = declaration.tokens[0].span if declaration else span
        return self._finish(name, fields, span, first)

    def _fields(self, struct: Any, map_name: str) -> _Fields:
        fields = _Fields()
        text = self.lowerer.text
        assert text is not None
        for item in struct.decls:
            if type(item).__name__ != "Decl" or not item.name:
                continue
            fields.spans[item.name] = text.span(item)
            try:
                self._field(item, fields, map_name)
            except Unresolved:
                fields.broken = True
        return fields

    def _field(self, item: Any, fields: _Fields, map_name: str) -> None:
        name = item.name
        node = item.type
        kind = type(node).__name__
        lowerer = self.lowerer
        if name in _NUMBERS:
            if (
                kind == "PtrDecl"
                and type(node.type).__name__ == "ArrayDecl"
                and node.type.dim is not None
            ):
                fields.numbers[name] = lowerer.constant(node.type.dim).value
                return
            inner = node.type if kind == "TypeDecl" else node
            if type(inner).__name__ == "Enum" and inner.values is not None:  # __ulong
                fields.numbers[name] = lowerer.constant(inner.values.enumerators[0].value).value
                return
            raise lowerer.fail("MS020", f"write __uint({name}, N)", item)
        if name in ("key", "value"):
            if kind != "PtrDecl":
                raise lowerer.fail("MS020", f"write __type({name}, T)", item)
            made = lowerer.type_of(node.type)
            if name == "key":
                fields.key = made
            else:
                fields.value = made
            return
        if name == "values":
            self._values(node, fields, map_name, item)
            return
        known = ", ".join(sorted(_NUMBERS | {"key", "value", "values"}))
        hint = suggest(name, _NUMBERS | {"key", "value", "values"})
        raise lowerer.fail(
            "MS020", f"unknown map attribute '{name}'{hint}", item, help=f"libbpf knows {known}"
        )

    def _legacy(self, declaration: Declaration, struct: Any, span: Span) -> _Fields | None:
        """A ``struct bpf_map_def`` with an initialiser; None for a BTF definition.

        Such a struct has plain integers where a BTF definition has pointers.
        """
        names = [item.name for item in struct.decls if type(item).__name__ == "Decl" and item.name]
        if not names or any(type(i.type).__name__ != "TypeDecl" for i in struct.decls):
            return None
        if not set(names) & {"type", "key_size", "size_key"}:
            return None
        fields = _Fields()
        for at, (designator, tokens) in enumerate(_initialisers(declaration.tokens)):
            name = designator or (names[at] if at < len(names) else "")
            name = _LEGACY.get(name, name)
            if name in _NUMBERS and name != "pinning" and tokens:
                fields.spans[name] = tokens[0].span
                try:
                    fields.numbers[name] = self.lowerer.expression(tokens).value
                except Unresolved:
                    fields.broken = True
        fields.spans.setdefault("type", span)
        return fields

    def _values(self, node: Any, fields: _Fields, map_name: str, item: Any) -> None:
        """The inner map of ``__array(values, struct {...})``; programs are stepped over."""
        text = self.lowerer.text
        assert text is not None
        inner = node
        while type(inner).__name__ in ("ArrayDecl", "PtrDecl"):
            inner = inner.type
        target = inner
        while type(target).__name__ in ("TypeDecl", "Typename", "TypeOf"):
            target = target.expr if type(target).__name__ == "TypeOf" else target.type
        if type(target).__name__ == "FuncDecl" or (
            type(target).__name__ == "PtrDecl" and type(target.type).__name__ == "FuncDecl"
        ):
            return
        struct = self._struct(inner, text)
        if struct is None:
            raise self.lowerer.fail("MS020", "'values' needs the inner map's struct", item)
        made = self._map(f"{map_name}.inner", struct[0], struct[1], None, text.span(item))
        if made is None:
            fields.broken = True
        fields.inner = made

    def _finish(self, name: str, fields: _Fields, span: Span, first: Span) -> MapDef | None:
        """The map; comments count above its first line, and on the line of its name."""
        numbers = fields.numbers
        if "type" not in numbers:
            self.diagnostics.error(
                "MS020",
                f"map '{name}' has no type",
                span,
                help="write __uint(type, BPF_MAP_TYPE_...)",
            )
            return None
        type_ = maptypes.BY_NUMBER.get(numbers["type"])
        if type_ is None:
            self.diagnostics.error(
                "MS020",
                f"map '{name}': the kernel has no map type {numbers['type']}",
                fields.spans["type"],
            )
            return None
        words = {**self.notes.annotations(first), **self.notes.annotations(span)}
        carried: list[Record] = []
        if "carries" in words:
            tag = words["carries"].removeprefix("struct ").strip()
            record = self.lowerer.record_or_enum(tag, span)
            if isinstance(record, Record):
                carried.append(record)
            else:
                hint = suggest(tag, self.lowerer.index.tags)
                self.diagnostics.error("MS012", f"'struct {tag}' is not defined{hint}", span)
        return MapDef(
            name=name,
            type=type_.name,
            key=fields.key,
            value=fields.value,
            key_size=numbers.get("key_size"),
            value_size=numbers.get("value_size"),
            max_entries=numbers.get("max_entries", 0) & 0xFFFFFFFF,
            map_flags=numbers.get("map_flags", 0) & 0xFFFFFFFF,
            map_extra=numbers.get("map_extra", 0),
            numa_node=numbers.get("numa_node"),
            pinning="by_name" if numbers.get("pinning") == 1 else "none",
            inner=fields.inner,
            carries=tuple(carried),
            carries_from="annotation" if carried else "",
            span=span,
            doc=self.notes.doc(first) or self.notes.doc(span),
            annotations=words,
        )


# iproute2's names for the members of its own map definition.
_LEGACY = {
    "size_key": "key_size",
    "size_value": "value_size",
    "max_elem": "max_entries",
    "flags": "map_flags",
}


def _initialisers(tokens: list[Token]) -> list[tuple[str, list[Token]]]:
    """The designator (or "") and expression of each initialiser of ``= { ... }``."""
    at = next((i for i, t in enumerate(tokens) if t.text == "="), None)
    if at is None or at + 1 >= len(tokens) or tokens[at + 1].text != "{":
        return []
    found: list[tuple[str, list[Token]]] = []
    for part in _arguments(tokens, at + 1):
        if len(part) > 2 and part[0].text == "." and part[2].text == "=":
            found.append((part[1].text, part[3:]))
        elif part:
            found.append(("", part))
    return found


_SIZED_AT = {
    "bpf_ringbuf_reserve": (0, 1),
    "bpf_ringbuf_output": (0, 2),
    "bpf_perf_event_output": (1, 4),
}


def carried_records(
    name: str, functions: Iterable[Declaration], lowerer: Lowerer
) -> tuple[tuple[Record, ...], str]:
    """The records that the program's code puts into a ring buffer or perf array.

    Looks for ``bpf_ringbuf_reserve(&name, sizeof(*e), 0)``,
    ``bpf_ringbuf_output`` and ``bpf_perf_event_output``; `e`'s type is told by
    its declaration in the same function.  Returns the records and the call.
    """
    records: list[Record] = []
    how = ""
    for function in functions:
        body = function.body or []
        for at, token in enumerate(body):
            places = _SIZED_AT.get(token.text) if token.kind == "id" else None
            if places is None or at + 1 >= len(body) or body[at + 1].text != "(":
                continue
            arguments = _arguments(body, at + 1)
            if len(arguments) <= places[1]:
                continue
            target = [t.text for t in arguments[places[0]]]
            if target != ["&", name]:
                continue
            tag = _sized_tag([t.text for t in arguments[places[1]]], [*function.tokens, *body[:at]])
            if tag is None:
                continue
            record = lowerer.record_or_enum(tag, token.span)
            if isinstance(record, Record) and record not in records:
                records.append(record)
                how = how or token.text
    return tuple(records), how


def _arguments(tokens: list[Token], opening: int) -> list[list[Token]]:
    depth = 0
    result: list[list[Token]] = [[]]
    for token in tokens[opening:]:
        text = token.text
        if text in ("(", "[", "{"):
            depth += 1
            if depth == 1:
                continue
        elif text in (")", "]", "}"):
            depth -= 1
            if depth == 0:
                break
        elif text == "," and depth == 1:
            result.append([])
            continue
        result[-1].append(token)
    return result


def _sized_tag(expression: list[str], scope: list[Token]) -> str | None:
    """The struct whose size ``sizeof(...)`` asks for."""
    if expression[:1] != ["sizeof"]:
        return None
    inner = [t for t in expression[1:] if t not in ("(", ")")]
    if inner[:1] == ["struct"] and len(inner) == 2:
        return inner[1]
    variable = inner[-1] if inner and inner[:-1] in ([], ["*"]) else None
    if variable is None:
        return None
    tag: str | None = None
    for at in range(len(scope) - 2):
        if scope[at].text == "struct" and scope[at + 1].kind == "id":
            stop = at + 2
            while stop < len(scope) and scope[stop].text == "*":
                stop += 1
            if stop < len(scope) and scope[stop].text == variable:
                tag = scope[at + 1].text
    return tag
