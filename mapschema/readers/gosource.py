"""Reads the types of Go source: a file, a fragment without a package clause, a folder.

tree-sitter does the syntax; nothing is executed and no Go toolchain is needed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mapschema.diagnostics import Diagnostics
from mapschema.gotypes import (
    GoArray,
    GoBasic,
    GoDefinition,
    GoNamed,
    GoOther,
    GoStruct,
    GoStructField,
    GoType,
)
from mapschema.source import ReadError, SourceFile, Span, read_source

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_BASIC = {
    "bool", "uint8", "byte", "int8", "uint16", "int16", "uint32", "int32", "rune", "uint64", "int64",
    "int", "uint", "uintptr", "float32", "float64", "complex64", "complex128",
}  # fmt: skip
_ALIASES = {"byte": "uint8", "rune": "int32"}
_IMPORTED: dict[str, GoType] = {
    "structs.HostLayout": GoStruct(()),
    "time.Duration": GoNamed("Duration", GoBasic("int64")),
    "unsafe.Pointer": GoBasic("uintptr"),
}
_MAX_DEPTH = 60


@cache
def _parser() -> Parser:
    import tree_sitter
    import tree_sitter_go

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_go.language()))


def go_files(path: str) -> list[str]:
    """The Go files of a folder (no tests), sorted; a file stands for itself."""
    if not os.path.isdir(path):
        return [path]
    names = sorted(os.listdir(path))
    return [
        os.path.join(path, name)
        for name in names
        if name.endswith(".go") and not name.endswith("_test.go") and name[0] not in "._"
    ]


def read_go(path: str, diagnostics: Diagnostics) -> list[GoDefinition]:
    """The types that a Go file or folder defines, in source order."""
    paths = go_files(path)
    if not paths:
        diagnostics.error("MS001", "the folder has no Go files", path=path)
    files: list[SourceFile] = []
    for name in paths:
        try:
            files.append(read_source(Path(name), name))
        except ReadError as error:
            diagnostics.error("MS001", str(error), path=name)
    return _Package(files, diagnostics).definitions()


class _Offsets:
    """tree-sitter's byte offsets as character offsets."""

    def __init__(self, file: SourceFile) -> None:
        self.file = file
        self.data = file.text.encode("utf-8", "surrogatepass")
        self.ascii = len(self.data) == len(file.text)

    def span(self, node: Node) -> Span:
        start, end = node.start_byte, node.end_byte
        if not self.ascii:
            start = len(self.data[:start].decode("utf-8", "replace"))
            end = len(self.data[:end].decode("utf-8", "replace"))
        return Span(self.file, start, end)

    def text(self, node: Node) -> str:
        return self.data[node.start_byte : node.end_byte].decode("utf-8", "replace")


class _Unknown(Exception):
    """A constant's value can't be told."""


class _Package:
    def __init__(self, files: Sequence[SourceFile], diagnostics: Diagnostics) -> None:
        self.diagnostics = diagnostics
        self.specs: dict[str, tuple[Node, _Offsets, str | None]] = {}
        self.constants: dict[str, tuple[Node, _Offsets, int]] = {}
        self.values: dict[str, int] = {}
        self.resolved: dict[str, GoType] = {}
        self.busy: set[str] = set()
        for file in files:
            self._collect(file)

    def _collect(self, file: SourceFile) -> None:
        offsets = _Offsets(file)
        tree = _parser().parse(offsets.data)
        root = tree.root_node
        if root.has_error:
            bad = _first_error(root)
            if bad is not None:
                what = "missing " + bad.type if bad.is_missing else "this is no Go"
                self.diagnostics.warning("MS010", f"{what}; going on behind it", offsets.span(bad))
        for node in _top_level(root):
            if node.type == "type_declaration":
                comment = _comment_before(node, offsets)
                for spec in node.named_children:
                    if spec.type not in ("type_spec", "type_alias"):
                        continue
                    name = spec.child_by_field_name("name")
                    if name is None:
                        continue
                    words = _comment_before(spec, offsets) or comment
                    match = re.search(r"mapschema:\s*mirror\s+(?:(?:struct|union)\s+)?(\w+)", words)
                    self.specs.setdefault(
                        offsets.text(name), (spec, offsets, match.group(1) if match else None)
                    )
            elif node.type == "const_declaration":
                self._constants(node, offsets)

    def _constants(self, node: Node, offsets: _Offsets) -> None:
        iota = 0
        previous: Node | None = None
        for spec in node.named_children:
            if spec.type != "const_spec":
                continue
            names = [
                c
                for c in spec.named_children
                if c.type == "identifier" and c.start_byte < _value_start(spec)
            ]
            value = spec.child_by_field_name("value")
            previous = value if value is not None else previous
            if previous is not None:
                expressions = previous.named_children
                for name, expression in zip(names, expressions, strict=False):
                    self.constants[offsets.text(name)] = (expression, offsets, iota)
            iota += 1

    def definitions(self) -> list[GoDefinition]:
        found: list[GoDefinition] = []
        for name, (spec, offsets, mirror) in self.specs.items():
            if spec.child_by_field_name("type_parameters") is not None:
                continue
            name_node = spec.child_by_field_name("name")
            assert name_node is not None
            found.append(GoDefinition(name, self.named(name), offsets.span(name_node), mirror))
        return found

    # -- types ------------------------------------------------------------

    def named(self, name: str) -> GoType:
        """What a name of this package stands for."""
        if name in self.resolved:
            return self.resolved[name]
        entry = self.specs.get(name)
        if entry is None:
            if name in _BASIC:
                return GoBasic(_ALIASES.get(name, name))
            return GoOther(name)
        if name in self.busy:
            return GoOther(name)
        self.busy.add(name)
        spec, offsets, _ = entry
        node = spec.child_by_field_name("type")
        made: GoType = GoOther(name) if node is None else self.type(node, offsets, {}, 0)
        self.busy.discard(name)
        result = made if spec.type == "type_alias" else GoNamed(name, made)
        self.resolved[name] = result
        return result

    def type(self, node: Node, offsets: _Offsets, bound: dict[str, GoType], depth: int) -> GoType:
        """The type of a syntax node; `bound` holds type parameters."""
        text = offsets.text(node)
        if depth > _MAX_DEPTH:
            return GoOther(text[:40])
        match node.type:
            case "type_identifier":
                return bound.get(text) or self.named(text)
            case "qualified_type":
                return _IMPORTED.get(text, GoOther(text))
            case "parenthesized_type":
                return self.type(node.named_children[0], offsets, bound, depth + 1)
            case "pointer_type":
                return GoOther(text)
            case "array_type":
                length = node.child_by_field_name("length")
                element = node.child_by_field_name("element")
                if length is None or element is None:
                    return GoOther(text)
                inner = self.type(element, offsets, bound, depth + 1)
                try:
                    count = self.constant(length, offsets, 0, 0)
                except _Unknown:
                    return GoOther(text)
                return GoArray(count, inner) if 0 <= count < 1 << 40 else GoOther(text)
            case "struct_type":
                return GoStruct(tuple(self._fields(node, offsets, bound, depth)))
            case "generic_type":
                return self._generic(node, offsets, bound, depth)
        return GoOther(text[:60])

    def _fields(
        self, node: Node, offsets: _Offsets, bound: dict[str, GoType], depth: int
    ) -> Iterator[GoStructField]:
        for field_list in node.named_children:
            for item in field_list.named_children:
                if item.type != "field_declaration":
                    continue
                type_node = item.child_by_field_name("type")
                if type_node is None:
                    continue
                names = [c for c in item.named_children if c.type == "field_identifier"]
                star = any(c.type == "*" for c in item.children)
                made = self.type(type_node, offsets, bound, depth + 1)
                if not names:
                    name = offsets.text(type_node).split(".")[-1].split("[")[0]
                    if star:
                        made = GoOther("*" + name)
                    yield GoStructField(name, made, offsets.span(type_node), embedded=True)
                for name_node in names:
                    yield GoStructField(offsets.text(name_node), made, offsets.span(name_node))

    def _generic(
        self, node: Node, offsets: _Offsets, bound: dict[str, GoType], depth: int
    ) -> GoType:
        name_node = node.child_by_field_name("type")
        arguments = node.child_by_field_name("type_arguments")
        if name_node is None or arguments is None:
            return GoOther(offsets.text(node))
        entry = self.specs.get(offsets.text(name_node))
        if entry is None:
            return GoOther(offsets.text(node))
        spec, where, _ = entry
        parameters = spec.child_by_field_name("type_parameters")
        body = spec.child_by_field_name("type")
        if parameters is None or body is None:
            return GoOther(offsets.text(node))
        names = [
            where.text(n)
            for p in parameters.named_children
            for n in p.named_children
            if n.type == "identifier"
        ]
        given: list[GoType] = []
        for argument in arguments.named_children:
            inner = argument.named_children[0] if argument.type == "type_elem" else argument
            given.append(self.type(inner, offsets, bound, depth + 1))
        made = self.type(body, where, dict(zip(names, given, strict=False)), depth + 1)
        return GoNamed(offsets.text(node), made)

    # -- constants --------------------------------------------------------

    def constant(self, node: Node, offsets: _Offsets, iota: int, depth: int) -> int:
        """The value of an integer constant expression; raises _Unknown."""
        if depth > _MAX_DEPTH:
            raise _Unknown
        text = offsets.text(node)
        match node.type:
            case "int_literal":
                cleaned = text.replace("_", "")
                if re.fullmatch(r"0[0-7]+", cleaned):
                    cleaned = "0o" + cleaned[1:]
                try:
                    return int(cleaned, 0)
                except ValueError:
                    raise _Unknown from None
            case "iota":
                return iota
            case "rune_literal" if len(text) == 3:
                return ord(text[1])
            case "identifier" | "type_identifier":
                entry = self.constants.get(text)
                if entry is None:
                    raise _Unknown
                return self.constant(entry[0], entry[1], entry[2], depth + 1)
            case "parenthesized_expression":
                return self.constant(node.named_children[0], offsets, iota, depth + 1)
            case "unary_expression":
                value = self.constant(node.named_children[0], offsets, iota, depth + 1)
                return {"-": -value, "+": value, "^": ~value}.get(text[:1], value)
            case "binary_expression":
                left = self.constant(node.named_children[0], offsets, iota, depth + 1)
                right = self.constant(node.named_children[1], offsets, iota, depth + 1)
                operator = node.child_by_field_name("operator")
                return _binary(offsets.text(operator) if operator is not None else "", left, right)
            case "call_expression" | "type_conversion_expression":
                last = node.named_children[-1]
                if last.type == "argument_list" and len(last.named_children) == 1:
                    function = offsets.text(node.named_children[0])
                    if function in _BASIC or function in self.specs:
                        return self.constant(last.named_children[0], offsets, iota, depth + 1)
        raise _Unknown


def _binary(operator: str, left: int, right: int) -> int:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/" if right:
            return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
        case "%" if right:
            return left - right * int(left / right)
        case "<<" if 0 <= right < 64:
            return left << right
        case ">>" if 0 <= right < 64:
            return left >> right
        case "&":
            return left & right
        case "|":
            return left | right
        case "^":
            return left ^ right
        case "&^":
            return left & ~right
    raise _Unknown


def _value_start(spec: Node) -> int:
    for field in ("type", "value"):
        node = spec.child_by_field_name(field)
        if node is not None:
            return int(node.start_byte)
    return int(spec.end_byte) + 1


def _top_level(root: Node) -> Iterator[Node]:
    """Declarations of the file, also those inside an ERROR node of a fragment."""
    for node in root.named_children:
        if node.type == "ERROR":
            yield from node.named_children
        else:
            yield node


def _comment_before(node: Node, offsets: _Offsets) -> str:
    lines: list[str] = []
    at = node.prev_named_sibling
    line = node.start_point[0]
    while at is not None and at.type == "comment" and at.end_point[0] >= line - 1:
        lines.append(offsets.text(at))
        line = at.start_point[0]
        at = at.prev_named_sibling
    return "\n".join(reversed(lines))


def _first_error(root: Node) -> Node | None:
    stack = [root]
    while stack:
        node = stack.pop()
        if node.type == "ERROR" or node.is_missing:
            return node
        stack.extend(c for c in reversed(node.children) if c.has_error or c.is_missing)
    return None
