"""The DSL frontend: a ``.mapschema`` text becomes a `Schema`.

Two steps: the items are collected by name, then each is resolved when it is
first needed, so their order does not matter.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mapschema import maptypes
from mapschema.abi import ABIS, BPFEL
from mapschema.annotations import WORDS, check_argument, check_word
from mapschema.diagnostics import Diagnostics, suggest
from mapschema.frontends.basictypes import basic_type
from mapschema.frontends.c import COptions, CUnit
from mapschema.frontends.c.integers import (
    ConstantError,
    Value,
    binary,
    parse_character,
    parse_integer,
    unary,
)
from mapschema.frontends.c.notes import Notes
from mapschema.grammar import parser
from mapschema.layout import LayoutError, Layouts
from mapschema.source import ReadError, SourceFile, Span, read_source
from mapschema.types import (
    Array,
    Const,
    Enum,
    EnumValue,
    Float,
    Int,
    IntKind,
    MapDef,
    Member,
    Pointer,
    Record,
    RecordKind,
    Schema,
    Type,
    Typedef,
    closure,
    map_types,
    spell,
    strip_typedefs,
)

if TYPE_CHECKING:
    from lark import Token, Tree

    Node = Tree[Token]

MAX_ERRORS = 25
MAX_NESTING = 100


class _Failed(Exception):
    """An item can't be resolved; the reason has been reported."""


def _builtin_types() -> dict[str, Type]:
    ints: dict[str, tuple[IntKind, bool]] = {
        "8": ("char", False), "16": ("short", False), "32": ("int", False), "64": ("long long", False),
    }  # fmt: skip
    table: dict[str, Type] = {}
    for bits, (kind, _) in ints.items():
        unsigned = Typedef(f"__u{bits}", Int(kind, False))
        signed = Typedef(f"__s{bits}", Int(kind, True))
        for name in (f"u{bits}", f"__u{bits}", f"uint{bits}_t"):
            table[name] = unsigned
        for name in (f"s{bits}", f"i{bits}", f"__s{bits}", f"int{bits}_t"):
            table[name] = signed
        if bits != "8":
            for order in ("be", "le"):
                made = Typedef(f"__{order}{bits}", unsigned)
                table[f"{order}{bits}"] = table[f"__{order}{bits}"] = made
    table["u128"] = table["__u128"] = Int("int128", False)
    table["s128"] = table["i128"] = table["__s128"] = Int("int128", True)
    table["f32"], table["f64"] = Float("float"), Float("double")
    table["size_t"] = Int("long", False)
    return table


BUILTIN_TYPES = _builtin_types()
_UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


@dataclass(slots=True)
class _Carried:
    """A map's argument: a type, or an inner map."""

    type: Type | None = None
    map: MapDef | None = None
    span: Span | None = None


def read_dsl(
    file: SourceFile,
    options: COptions,
    diagnostics: Diagnostics,
    *,
    stem: str,
    types: Sequence[str] = (),
) -> Schema:
    """Reads a schema file; mistakes go to `diagnostics`, all of them in one run."""
    tree, broken = _parse(file, diagnostics)
    reader = _Reader(file, options, diagnostics, broken)
    return reader.read(tree, stem, types)


# -- text to tree ---------------------------------------------------------


def _parse(file: SourceFile, diagnostics: Diagnostics) -> tuple[Node | None, set[str]]:
    """The tree; a statement with a mistake is reported, blanked, and left out."""
    from lark import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken

    text = file.text
    broken: set[str] = set()
    if _too_deep(text):
        diagnostics.error("MS010", "brackets are nested too deeply", Span(file, 0, 1))
        return None, broken
    for _ in range(MAX_ERRORS):
        try:
            return parser().parse(text), broken
        except UnexpectedInput as error:
            offset = error.pos_in_stream if error.pos_in_stream is not None else len(text)
            if (
                isinstance(error, UnexpectedEOF)
                or offset < 0
                or (isinstance(error, UnexpectedToken) and error.token.type == "$END")
            ):
                offset = len(text.rstrip())
            length = len(str(error.token)) if isinstance(error, UnexpectedToken) else 1
            span = Span(
                file, min(offset, max(0, len(text) - 1)), min(len(text), offset + max(1, length))
            )
            if isinstance(error, UnexpectedCharacters):
                wanted = set(error.allowed or ())
                found = repr(text[offset : offset + 1])
            elif isinstance(error, UnexpectedToken):
                wanted = set(error.accepts or error.expected)
                found = "the end of the file" if error.token.type == "$END" else f"'{error.token}'"
            else:
                wanted, found = set(), "the end of the file"
            message, hint = _syntax_message(text, offset, found, wanted)
            diagnostics.error("MS010", message, span, help=hint)
            start, stop = _statement_around(text, offset)
            blanked = text[start:stop]
            broken.update(
                re.findall(r"\b(?:struct|union|enum|flags|map|const)\s+([A-Za-z_]\w*)", blanked)
            )
            owner = _owner(text, start)
            if owner:
                broken.add(owner)
            clean = re.sub(r"[^\n]", " ", blanked)
            if clean == blanked:
                return None, broken
            text = text[:start] + clean + text[stop:]
    return None, broken


def _too_deep(text: str) -> bool:
    depth = 0
    for char in text:
        if char in "{([":
            depth += 1
            if depth > MAX_NESTING:
                return True
        elif char in "})]":
            depth -= 1
    return False


_ITEM_WORDS = (
    "schema",
    "go",
    "kernel",
    "import",
    "const",
    "enum",
    "flags",
    "struct",
    "union",
    "typedef",
    "map",
    "assert",
)
_NAMES_OF_TOKENS = {
    "SEMICOLON": "';'", "LBRACE": "'{'", "RBRACE": "'}'", "LPAR": "'('", "RPAR": "')'",
    "LSQB": "'['", "RSQB": "']'", "COLON": "':'", "COMMA": "','", "EQUAL": "'='", "AT": "'@'",
    "NAME": "a name", "NUMBER": "a number", "STRING": "a string", "LESS": "'<'", "MORE": "'>'",
    "VERSION": "a version such as 5.8",
}  # fmt: skip


def _syntax_message(text: str, offset: int, found: str, wanted: set[str]) -> tuple[str, str | None]:
    if text.startswith("__attribute__", offset):
        return "unexpected '__attribute__'", "in a schema write @packed or @aligned(N)"
    if text.startswith("#", offset):
        return "unexpected '#'", "a schema has no preprocessor: use const, and import for headers"
    if re.search(r"\benum\s+\w+\s*:\s*$", text[:offset][-200:]):
        return f"unexpected {found}", "an unnamed bit-field's type is written without 'enum'"
    word = re.match(r"[A-Za-z_]\w*", text[offset:])
    if "STRUCT" in wanted and "SCHEMA" in wanted and word:
        hint = suggest(word.group(), _ITEM_WORDS)
        return f"unexpected '{word.group()}'{hint}", f"expected one of {', '.join(_ITEM_WORDS)}"
    if "SEMICOLON" in wanted and len(wanted) < 30 and "RBRACE" not in wanted:
        return f"unexpected {found}", "is a ';' missing in front of it?"
    simple = [_NAMES_OF_TOKENS[w] for w in sorted(wanted) if w in _NAMES_OF_TOKENS]
    if simple and len(simple) <= 3 and len(wanted) <= 4:
        return f"unexpected {found}", f"expected {' or '.join(simple)}"
    if "NAME" in wanted and len(wanted) > 4:
        return f"unexpected {found}", "expected a name"
    return f"unexpected {found}", None


_SCAN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|[{};]', re.S)


def _statement_around(text: str, offset: int) -> tuple[int, int]:
    """The statement (a member, or a whole item) that holds the offset."""
    starts = [0]  # where the statement at each depth begins
    depth_there: int | None = None  # depth at the offset, once the scan is past it
    for match in _SCAN.finditer(text):
        mark = match.group()
        if mark not in ("{", "}", ";"):
            continue
        at = match.end()
        if depth_there is None and match.start() >= offset:
            depth_there = len(starts)
        if mark == "{":
            starts.append(at)
            continue
        if mark == "}" and len(starts) > 1:
            if depth_there == len(starts):
                # the statement in front of the brace lacks its semicolon
                if text[starts[-1] : match.start()].strip():
                    return starts[-1], match.start()
                return _item_start(text, offset), at
            starts.pop()
        if depth_there == len(starts):
            return min(starts[-1], offset), at
        starts[-1] = at
    item = _item_start(text, offset)
    following = re.search(rf"^(?:{'|'.join(_ITEM_WORDS)})\b", text[offset + 1 :], re.M)
    return item, offset + 1 + following.start() if following else len(text)


def _item_start(text: str, offset: int) -> int:
    """Where the last line begins, up to the offset, that has a word in its first column."""
    start = 0
    for match in re.finditer(r"^\w", text[: offset + 1], re.M):
        start = match.start()
    return start


def _owner(text: str, offset: int) -> str | None:
    """The record that is open at the offset."""
    found = None
    for match in re.finditer(
        r"\b(?:struct|union|enum|flags)\s+([A-Za-z_]\w*)[^;{}]*\{", text[:offset]
    ):
        inside = text[match.end() : offset]
        if inside.count("{") >= inside.count("}"):
            found = match.group(1)
    return found


# -- tree to schema -------------------------------------------------------


class _Reader:
    def __init__(
        self, file: SourceFile, options: COptions, diagnostics: Diagnostics, broken: set[str]
    ) -> None:
        self.file = file
        self.options = options
        self.diagnostics = diagnostics
        self.notes = Notes(diagnostics)
        # `pad auto` is for bpfel; sizeof means the ABI that was asked for.
        self.bpf = Layouts(BPFEL)
        self.layouts = self.bpf if options.abi == BPFEL.name else Layouts(ABIS[options.abi])
        self.tags: dict[str, Node] = {}
        self.typedefs: dict[str, Node] = {}
        self.constants: dict[str, Node] = {}
        self.map_items: dict[str, Node] = {}
        self.enumerators: dict[str, tuple[str, Node]] = {}
        self.resolved: dict[str, Record | Enum | None] = {}
        self.resolved_typedefs: dict[str, Typedef | None] = {}
        self.resolved_constants: dict[str, Value | None] = {}
        self.values: dict[str, dict[str, int]] = {}
        self.busy: list[str] = []
        self.broken = broken
        self.imports: list[CUnit] = []

    def read(self, tree: Node | None, stem: str, types: Sequence[str]) -> Schema:
        package: str | None = None
        kernel: tuple[int, int] | None = None
        items = [] if tree is None else _trees(tree)
        assertions: list[Node] = []
        for item in items:
            match item.data:
                case "schema_name":
                    continue  # a name for people; the files are named after the input
                case "go_package":
                    package = self.string(item.children[0])
                    if not re.fullmatch(r"[a-z_][a-z0-9_]*", package):
                        self.error(
                            "MS025",
                            f"'{package}' is no good name for a Go package",
                            item.children[0],
                            "use lower-case letters and digits",
                        )
                        package = None
                case "kernel_version":
                    major, minor = str(item.children[0]).split(".")
                    kernel = (int(major[:6]), int(minor[:6]))
                case "import_header":
                    self._import(item)
                case "constant":
                    self._collect(self.constants, item.children[0], item, "constant")
                case "enumeration":
                    self._collect_tag(item)
                case "record_item":
                    record = _trees(item, "record")[0]
                    # annotations behind the closing brace, as C has them
                    record.children.extend(_trees(item, "annotation"))
                    self._collect_tag(record)
                case "typedef_item":
                    declarator = _trees(item)[1]
                    self._collect(self.typedefs, _trees(declarator, "name")[0], item, "typedef")
                case "map_item":
                    self._collect(self.map_items, item.children[0], item, "map")
                case "assertion":
                    assertions.append(item)
        for name in self.typedefs:
            if name in self.tags:
                self.error(
                    "MS013", f"'{name}' is both a typedef and a tag", self.typedefs[name],
                    "a bare type name would be ambiguous: rename one",
                )  # fmt: skip
        roots: list[Type] = []
        for name in self.tags:
            found = self.tag(name, None)
            if found is not None:
                roots.append(found)
        typedefs = [t for t in (self.typedef(n, None) for n in self.typedefs) if t is not None]
        consts = self._consts()
        maps: list[MapDef] = []
        for name, node in self.map_items.items():
            try:
                maps.append(self._map(name, node))
            except _Failed:
                continue
        own = frozenset(id(item) for item in roots)
        for found_map in maps:
            roots += map_types(found_map)
        for name in types:
            tag = name.split()[-1]
            made = self.tag(tag, None) or self.typedef(tag, None)
            if made is None:
                hint = suggest(tag, [*self.tags, *self.typedefs])
                self.diagnostics.error(
                    "MS022", f"--type {name}: no such type{hint}", path=self.file.path
                )
            else:
                roots.append(made)
        for assertion in assertions:
            self._assert(assertion)
        records, enums = closure(roots)
        return Schema(
            path=self.file.path, stem=stem, records=records, enums=enums, typedefs=tuple(typedefs),
            maps=tuple(maps), consts=consts, go_package=package, kernel=kernel, own=own,
        )  # fmt: skip

    # -- small things -----------------------------------------------------

    def span(self, node: Node | Token) -> Span:
        from lark import Tree

        if isinstance(node, Tree):
            meta = node.meta
            if meta.empty:
                return Span(self.file, 0, 1)
            return Span(self.file, meta.start_pos, meta.end_pos)
        start = node.start_pos or 0
        return Span(self.file, start, start + len(node))

    def name(self, node: Node | Token) -> str:
        from lark import Tree

        return str(node.children[0] if isinstance(node, Tree) else node)

    def string(self, token: object) -> str:
        return re.sub(r"\\(.)", r"\1", str(token)[1:-1])

    def error(
        self, rule: str, message: str, node: Node | Token, help: str | None = None
    ) -> _Failed:
        self.diagnostics.error(rule, message, self.span(node), help=help)
        return _Failed()

    def _collect(
        self, table: dict[str, Node], name_node: Node | Token, item: Node, what: str
    ) -> None:
        name = self.name(name_node)
        if name in table:
            self.error("MS013", f"{what} '{name}' is defined twice", name_node)
        else:
            table[name] = item

    def _collect_tag(self, item: Node) -> None:
        name_node = _trees(item, "name")[0]
        name = self.name(name_node)
        if name in BUILTIN_TYPES:
            self.error("MS013", f"'{name}' is a built-in type", name_node, "choose another name")
            return
        self._collect(self.tags, name_node, item, str(_trees(item)[0].children[0]))
        bodies = [item] if item.data == "enumeration" else list(item.find_data("nested_enum"))
        for body in bodies:
            enums = [body] if body.data == "enumeration" else _trees(body, "enumeration")
            for enum in enums:
                for enumerator in enum.find_data("enumerator"):
                    key = self.name(_trees(enumerator, "name")[0])
                    owner = self.name(_trees(enum, "name")[0])
                    if enum is not item:
                        self.tags.setdefault(owner, enum)
                    if key in self.enumerators:
                        self.error("MS013", f"enumerator '{key}' is defined twice", enumerator)
                    else:
                        self.enumerators[key] = (owner, enum)
        if item.data == "record":
            for nested in item.find_data("nested_record"):
                record = _trees(nested, "record")[0]
                nested_name = self.name(_trees(record, "name")[0])
                if nested_name in self.tags and self.tags[nested_name] is not record:
                    self.error("MS013", f"'{nested_name}' is defined twice", record)
                self.tags[nested_name] = record

    def _import(self, item: Node) -> None:
        target = self.string(item.children[0])
        candidates = [os.path.join(os.path.dirname(self.file.path), target)]
        candidates += [
            os.path.join(f, target) for f in (*self.options.include, *self.options.isystem)
        ]
        path = next((c for c in candidates if os.path.isfile(c)), None)
        if path is None:
            self.error(
                "MS005", f"'{target}' not found", item.children[0], "name its folder with -I"
            )
            return
        try:
            file = read_source(Path(path), path)
        except ReadError as error:
            self.error("MS001", f"'{target}' {error}", item.children[0])
            return
        self.imports.append(CUnit(file, self.options, self.diagnostics))

    # -- types ------------------------------------------------------------

    def tag(self, name: str, at: Node | Token | None) -> Record | Enum | None:
        """The record or enum of a tag, or None (reported where it is broken)."""
        if name in self.resolved:
            return self.resolved[name]
        node = self.tags.get(name)
        if node is None:
            for unit in self.imports:
                found = unit.lowerer.record_or_enum(name, self.span(at) if at is not None else None)
                if found is not None:
                    return found
            return None
        if name in self.busy:
            where = at if at is not None else node
            self.error("MS015", f"'{name}' contains itself", where, "use a pointer to it")
            return None
        self.busy.append(name)
        result: Record | Enum | None = None
        try:
            result = self._enum(node) if node.data == "enumeration" else self._record(node)
        except _Failed:
            result = None
        finally:
            self.busy.pop()
        if result is None:
            self.broken.add(name)
        self.resolved[name] = result
        return result

    def typedef(self, name: str, at: Node | Token | None) -> Typedef | None:
        if name in self.resolved_typedefs:
            return self.resolved_typedefs[name]
        node = self.typedefs.get(name)
        if node is None:
            for unit in self.imports:
                found = unit.lowerer.typedef(name)
                if found is not None:
                    return found
            return None
        if f"typedef {name}" in self.busy:
            self.error(
                "MS015", f"typedef '{name}' refers to itself", at if at is not None else node
            )
            return None
        self.busy.append(f"typedef {name}")
        result: Typedef | None = None
        try:
            type_node, declarator = _trees(node)[:2]
            target = self.member_type(type_node)
            target, name_node, words, _ = self._declarator(declarator, target, "typedef", {})
            align = self._align(words, declarator)
            result = Typedef(name, target, align, self.span(name_node))
        except _Failed:
            result = None
        finally:
            self.busy.pop()
        self.resolved_typedefs[name] = result
        return result

    def member_type(self, node: Node) -> Type | str:
        """The type of a member_type node; a string where it is void."""
        return self.plain_type(_trees(node)[-1])

    def plain_type(self, node: Node) -> Type | str:
        if node.data == "c_type":
            words = [str(t) for t in _trees(node)[0].children]
            return basic_type(words) or "void"
        name_node = _trees(node, "name")[0] if node.data == "tagged_type" else node.children[0]
        name = self.name(name_node)
        if node.data == "tagged_type":
            kind = str(_trees(node)[0].children[0])
            found: Type | None = self.tag(name, name_node)
            if isinstance(found, Record) and found.kind != kind:
                raise self.error("MS013", f"'{name}' is a {found.kind}, not a {kind}", name_node)
            if isinstance(found, Enum) and kind in ("struct", "union"):
                raise self.error("MS013", f"'{name}' is an enum, not a {kind}", name_node)
        else:
            found = (
                BUILTIN_TYPES.get(name)
                or self.typedef(name, name_node)
                or self.tag(name, name_node)
            )
        if found is None:
            if not (name in self.broken or name in self.tags or name in self.typedefs):
                known = [*BUILTIN_TYPES, *self.tags, *self.typedefs]
                for unit in self.imports:
                    known += [*unit.index.tags, *unit.index.typedefs]
                raise self.error("MS011", f"unknown type '{name}'{suggest(name, known)}", name_node)
            raise _Failed
        return found

    def _declarator(
        self, node: Node, base: Type | str, place: str, extra: dict[str, str]
    ) -> tuple[Type, Node | Token, dict[str, str], int | None]:
        """Type, name, annotations and bit width of a declarator."""
        name_node: Node | None = None
        width: int | None = None
        dims: list[int | None] = []
        words: dict[str, str] = dict(extra)
        type_: Type | str = base
        for child in _trees(node):
            match child.data:
                case "stars":
                    for _ in child.children:
                        target = type_ if isinstance(type_, str) else spell(type_)
                        type_ = Pointer(target)
                case "name":
                    name_node = child
                case "dimension":
                    dims.append(self._dimension(child))
                case "bits":
                    width = self.constant(child.children[0])
                case "annotation":
                    self._annotation(child, place, words)
        assert name_node is not None
        if isinstance(type_, str):
            raise self.error("MS012", f"'{type_}' has no size", name_node, "a pointer to it has")
        for count in reversed(dims):
            type_ = Array(type_, count)
        return type_, name_node, words, width

    def _dimension(self, node: Node) -> int | None:
        if not node.children:
            return None
        count = self.constant(node.children[0])
        if count < 0:
            raise self.error("MS017", f"array of {count} elements", node)
        return count

    def _annotation(self, node: Node, place: str, words: dict[str, str]) -> None:
        name_node = _trees(node, "name")[0]
        name = self.name(name_node)
        arguments = node.children[1:]
        if not check_word(name, bool(arguments), place, self.span(node), self.diagnostics):
            return
        if name in words:
            self.error("MS030", f"'@{name}' is there twice", node)
        word = WORDS[name]
        if not arguments:
            words[name] = ""
        elif word.argument == "number":
            try:
                words[name] = str(self.constant(arguments[0]))
            except _Failed:
                return
        else:
            words[name] = ",".join(self._plain_argument(a) for a in arguments)
            if not check_argument(name, words[name], self.span(node), self.diagnostics):
                del words[name]

    def _plain_argument(self, node: object) -> str:
        from lark import Tree

        if isinstance(node, Tree) and node.data == "string":
            return self.string(node.children[0])
        if isinstance(node, Tree) and node.data == "constant_name":
            return str(node.children[0])
        if isinstance(node, Tree):
            return str(self.constant(node))
        return str(node)

    def _align(self, words: dict[str, str], node: Node, name: str = "aligned") -> int | None:
        if name not in words:
            return None
        value = int(words.pop(name))
        if value <= 0 or value & (value - 1) or value > 1 << 28:
            raise self.error(
                "MS019", f"@{name}({value}): the alignment must be a power of two", node
            )
        if name == "pack" and value > 16:
            raise self.error("MS019", f"@pack({value}): the value must be 1, 2, 4, 8 or 16", node)
        return value

    # -- enums ------------------------------------------------------------

    def _enum(self, node: Node, *, anonymous: bool = False) -> Enum:
        word = str(_trees(node)[0].children[0])
        names = _trees(node, "name")
        name_node = names[0] if names and not anonymous else None
        words: dict[str, str] = {}
        for annotation in _trees(node, "annotation"):
            self._annotation(annotation, "enum", words)
        base = _trees(node, "enum_base")
        underlying: Type | None = None
        if base:
            made = self.plain_type(_trees(base[0])[0])
            if isinstance(made, str) or not isinstance(strip_typedefs(made), Int):
                raise self.error("MS012", "an enum's type must be an integer", base[0])
            try:
                self.layouts.size(made)
            except LayoutError as error:
                raise self.error("MS021", error.message, base[0]) from None
            underlying = made
        name = self.name(name_node) if name_node is not None else None
        values: list[EnumValue] = []
        table: dict[str, int] = {}
        if name:
            self.values[name] = table
        following = 0
        bodies = _trees(node, "enumerators")
        for item in _trees(bodies[0]) if bodies else []:
            key_node = _trees(item, "name")[0]
            key = self.name(key_node)
            if len(item.children) > 1:
                following = self.constant(item.children[1])
            self._check_range(following, underlying, key, item)
            span = self.span(key_node)
            values.append(EnumValue(key, following, span, self.notes.doc(span)))
            table[key] = following
            following += 1
        if not values:
            raise self.error("MS010", "an enum needs at least one value", node)
        span = self.span(name_node) if name_node is not None else self.span(node)
        if word == "flags":
            for value in values:
                if value.value < 0:
                    self.error("MS014", f"flag '{value.name}' is negative", node)
        return Enum(
            name, tuple(values), underlying, "packed" in words, None, word == "flags" or "flags" in words,
            None, span, self.notes.doc(span),
        )  # fmt: skip

    def _check_range(self, value: int, underlying: Type | None, key: str, node: Node) -> None:
        allowed, what = range(-(1 << 63), 1 << 64), "64 bits"
        if underlying is not None:
            allowed, what = self.layouts.int_range(underlying), spell(underlying)
        if value not in allowed:
            raise self.error("MS014", f"'{key}' = {value} does not fit {what}", node)

    # -- records ----------------------------------------------------------

    def _record(self, node: Node) -> Record:
        """A record node with a name, or the pieces of an anonymous one."""
        kind: RecordKind = "union" if str(_trees(node)[0].children[0]) == "union" else "struct"
        name_node = _trees(node, "name")[0]
        words: dict[str, str] = {}
        for annotation in _trees(node, "annotation"):
            self._annotation(annotation, "record", words)
        return self._body(
            kind, self.name(name_node), _members(node), words, node, self.span(name_node)
        )

    def _body(
        self,
        kind: RecordKind,
        name: str | None,
        items: list[Node],
        words: dict[str, str],
        node: Node,
        span: Span,
    ) -> Record:
        members: list[Member] = []
        pads: list[tuple[int, Node]] = []
        failed = False
        for item in items:
            try:
                if item.data == "pad_auto":
                    pads.append((len(members), item))
                else:
                    members += self._members(item, len(members))
            except _Failed:
                failed = True
        seen: set[str] = set()
        for position, member in enumerate(members):
            if member.name is not None and member.name in seen:
                self.diagnostics.error(
                    "MS013", f"member '{member.name}' is there twice", member.span
                )
                failed = True
            seen.add(member.name or "")
            if (
                isinstance(member.type, Array)
                and member.type.count is None
                and (kind == "struct" and position + 1 < len(members))
            ):
                self.diagnostics.error(
                    "MS017", f"flexible array '{member.name}' must be the last member", member.span
                )
                failed = True
        if failed or (name is not None and name in self.broken):
            raise _Failed
        packed = "packed" in words
        align = self._align(words, node)
        pack = self._align(words, node, "pack")
        kept = {k: v for k, v in words.items() if k in ("go",)}
        record = Record(
            name, kind, tuple(members), packed, pack, align, None, span, self.notes.doc(span), kept
        )
        if pads:
            record = self._fill(record, pads, seen)
        try:
            self.layouts.record(record)
        except LayoutError as error:
            self.diagnostics.error("MS021", error.message, error.span or span)
            raise _Failed from None
        return record

    def _fill(self, record: Record, pads: list[tuple[int, Node]], names: set[str]) -> Record:
        """The record with each ``pad auto`` as a member of the gap's size."""
        if record.kind == "union":
            raise self.error(
                "MS024", "'pad auto' in a union: its arms lie on one another", pads[0][1]
            )
        try:
            layout = self.bpf.record(record)
        except LayoutError as error:
            self.diagnostics.error("MS021", error.message, error.span or record.span)
            raise _Failed from None
        members = list(record.members)
        counter = 0
        inserted = 0
        for position, node in pads:
            before = layout.slots[position - 1] if position else None
            end = (before.bit_offset + before.bit_size + 7) // 8 if before else 0
            following = (
                layout.slots[position].bit_offset
                if position < len(layout.slots)
                else layout.size * 8
            )
            size = following // 8 - end
            if size <= 0:
                self.diagnostics.warning(
                    "MS024", "'pad auto' fills nothing: there is no gap here", self.span(node),
                    record=record.display_name,
                )  # fmt: skip
                continue
            name = f"_pad{counter}"
            while name in names:
                counter += 1
                name = f"_pad{counter}"
            names.add(name)
            counter += 1
            pad = Member(name, Array(BUILTIN_TYPES["u8"], size), span=self.span(node), is_pad=True)
            members.insert(position + inserted, pad)
            inserted += 1
        filled = replace(record, members=tuple(members))
        check = self.bpf.record(filled)
        kept = [(s.member.name, s.bit_offset) for s in check.slots if not s.member.is_pad]
        if (
            kept != [(s.member.name, s.bit_offset) for s in layout.slots]
            or check.size != layout.size
        ):
            raise self.error("MS024", "'pad auto' would move other members here", pads[0][1])
        if self.layouts is not self.bpf and self.layouts.record(filled).padding:
            self.diagnostics.warning(
                "MS024",
                f"'pad auto' leaves gaps in {record.spelling} on {self.layouts.abi.name}: it is sized for bpfel",
                self.span(pads[0][1]),
                record=record.display_name,
            )
        return filled

    def _members(self, item: Node, position: int) -> list[Member]:
        found: list[Member] = []
        children = _trees(item)
        match item.data:
            case "pad_bytes":
                size = self.constant(item.children[0])
                if not 0 < size <= 1 << 20:
                    raise self.error("MS024", f"pad of {size} bytes", item)
                pad_type = Array(BUILTIN_TYPES["u8"], size)
                return [Member(f"_pad_{position}", pad_type, span=self.span(item), is_pad=True)]
            case "unnamed_bits":
                made = self.plain_type(children[0])
                width = self.constant(item.children[1])
                if isinstance(made, str):
                    raise self.error("MS016", f"a bit-field of type {made}", item)
                self._check_bits(made, width, None, item)
                return [Member(None, made, width, span=self.span(item))]
            case "named":
                base = self.member_type(children[0])
                declarators = children[1:]
            case "anonymous":
                record = self._anonymous(item, children)
                return [Member(None, record, span=self.span(item))]
            case "inline_record":
                base = self._anonymous(item, children)
                declarators = _trees(item, "declarator")
            case "inline_enum":
                base = self._enum(item, anonymous=True)
                declarators = _trees(item, "declarator")
            case "nested_enum" | "nested_record":
                inner = children[0]
                name_node = _trees(inner, "name")[0]
                tag = self.tag(self.name(name_node), name_node)
                if tag is None:
                    raise _Failed
                base = tag
                declarators = children[1:]
            case _:
                raise AssertionError(item.data)
        for declarator in declarators:
            name_node = _trees(declarator, "name")[0]
            span = self.span(name_node)
            extra = dict(self.notes.annotations(span))
            type_, name_node_, words, bits = self._declarator(declarator, base, "member", extra)
            name = self.name(name_node_)
            packed = words.pop("packed", None) is not None
            align = self._align(words, declarator)
            if bits is not None:
                self._check_bits(type_, bits, name, declarator)
            found.append(
                Member(name, type_, bits, packed, align, span, self.notes.doc(span), words)
            )
        return found

    def _anonymous(self, item: Node, children: list[Node]) -> Record:
        words: dict[str, str] = {}
        for annotation in _trees(item, "annotation"):
            self._annotation(annotation, "record", words)
        kind: RecordKind = "union" if str(children[0].children[0]) == "union" else "struct"
        return self._body(kind, None, _members(item), words, item, self.span(item))

    def _check_bits(self, type_: Type, width: int, name: str | None, node: Node) -> None:
        try:
            limit = self.layouts.max_bit_width(type_)
        except LayoutError as error:
            raise self.error("MS021", error.message, node) from None
        if limit is None:
            raise self.error("MS016", f"bit-field '{name}' is not of an integer type", node)
        if not 0 <= width <= limit:
            raise self.error("MS016", f"bit-field of {width} bits: its type has {limit}", node)
        if width == 0 and name is not None:
            raise self.error("MS016", f"bit-field '{name}' can't have width 0", node)

    # -- constants --------------------------------------------------------

    def constant(self, node: object) -> int:
        """The value of an expression node; raises _Failed (reported)."""
        try:
            return self.evaluate(node).value
        except RecursionError:
            raise self.error("MS010", "the expression is nested too deeply", node) from None  # type: ignore[arg-type]

    def evaluate(self, node: object) -> Value:
        from lark import Tree

        assert isinstance(node, Tree)
        try:
            return self._evaluate(node)
        except ConstantError as error:
            raise self.error("MS014", str(error), node) from None
        except LayoutError as error:
            raise self.error("MS021", error.message, node) from None

    def _evaluate(self, node: Node) -> Value:
        children = node.children
        match node.data:
            case "number":
                return _wide(parse_integer(str(children[0])))
            case "sized_number":
                return Value(parse_integer(str(children[0])).value * _UNITS[str(children[1])], 64)
            case "character":
                return parse_character(str(children[0])).cast(64, True)
            case "constant_name":
                return self._named(str(children[0]), children[0])  # type: ignore[arg-type]
            case "scoped_name":
                return self._scoped(str(children[0]), str(children[1]), node)
            case "unary":
                return unary(str(children[0]), self.evaluate(children[1]))
            case "binary":
                left = self.evaluate(children[0])
                return binary(str(children[1]), left, self.evaluate(children[2]))
            case "conditional":
                return self.evaluate(children[1 if self.evaluate(children[0]).value else 2])
            case "size_of" | "align_of":
                parts = _trees(node)
                made = self.member_type(parts[0])
                type_: Type = Pointer("void") if _trees(node, "stars")[0].children else _sized(made)
                size, align = self.layouts.size_align(type_)
                return Value(size if node.data == "size_of" else align, 64)
            case "offset_of":
                return self._offset_of(node)
        raise ConstantError("this is no constant expression")

    def _offset_of(self, node: Node) -> Value:
        type_ = strip_typedefs(_sized(self.member_type(_trees(node)[0])))
        bits = 0
        for token in node.children[1:]:
            found = self.layouts.find_member(type_, str(token))
            if found is None:
                names = (
                    [m.name for m in type_.members if m.name] if isinstance(type_, Record) else []
                )
                raise ConstantError(
                    f"no member '{token}' in {spell(type_)}{suggest(str(token), names)}"
                )
            bits += found[0]
            type_ = strip_typedefs(found[1])
        return Value(bits // 8, 64)

    def _named(self, name: str, at: Token) -> Value:
        if name in self.resolved_constants:
            value = self.resolved_constants[name]
            if value is None:
                raise _Failed
            return value
        node = self.constants.get(name)
        if node is not None:
            if f"const {name}" in self.busy:
                raise self.error("MS015", f"constant '{name}' refers to itself", at)
            self.busy.append(f"const {name}")
            self.resolved_constants[name] = None
            try:
                value = self.evaluate(node.children[1])
            finally:
                self.busy.pop()
            self.resolved_constants[name] = value
            return value
        if name in self.enumerators:
            owner = self.enumerators[name][0]
            known = self.values.get(owner, {})
            if name not in known and owner not in self.busy:
                self.tag(owner, at)
                known = self.values.get(owner, {})
            if name in known:
                return Value(known[name], 64)
            raise _Failed
        for unit in self.imports:
            found = unit.lowerer.enumerator(name)
            if found is not None:
                return _wide(found)
        if name in self.broken:
            raise _Failed
        hint = suggest(name, [*self.constants, *self.enumerators])
        raise ConstantError(f"unknown constant '{name}'{hint}")

    def _scoped(self, owner: str, name: str, node: Node) -> Value:
        if owner in self.tags and owner not in self.busy:
            self.tag(owner, node)
        values = self.values.get(owner)
        if values is None or name not in values:
            raise ConstantError(f"unknown constant '{owner}.{name}'{suggest(name, values or ())}")
        return Value(values[name], 64)

    def _consts(self) -> tuple[Const, ...]:
        found: list[Const] = []
        for name, node in self.constants.items():
            try:
                value = self._named(name, node.children[0])  # type: ignore[arg-type]
            except (_Failed, ConstantError):
                continue
            span = self.span(node.children[0])
            found.append(Const(name, value.value, span, self.notes.doc(span)))
        return tuple(found)

    def _assert(self, node: Node) -> None:
        try:
            value = self.constant(node.children[0])
        except _Failed:
            return
        if value:
            return
        detail = ""
        expression = node.children[0]
        from lark import Tree

        if (
            isinstance(expression, Tree)
            and expression.data == "binary"
            and str(expression.children[1]) == "=="
        ):
            detail = f": the left side is {self.constant(expression.children[0])}"
        words = self.string(node.children[1]) if len(node.children) > 1 else ""
        self.error(
            "MS018", f"assertion failed{detail}{' (' + words + ')' if words else ''}", expression
        )

    # -- maps -------------------------------------------------------------

    def _map(self, name: str, node: Node) -> MapDef:
        name_node = node.children[0]
        words: dict[str, str] = {}
        for annotation in _trees(node, "annotation"):
            self._annotation(annotation, "map", words)
        span = self.span(name_node)
        made = self._argument(_trees(node, "argument")[0], name, words)
        if made.map is None:
            known = ", ".join(sorted(t.dsl for t in maptypes.BY_NAME.values())[:6])
            raise self.error(
                "MS020",
                "a map needs a map type",
                _trees(node, "argument")[0],
                f"for example {known}",
            )
        flags = made.map.map_flags
        for flag in filter(None, words.get("flags", "").split(",")):
            bit = maptypes.FLAGS.get(flag.lower().removeprefix("bpf_f_"))
            if bit is None:
                hint = suggest(flag, maptypes.FLAGS)
                self.error("MS020", f"unknown map flag '{flag}'{hint}", node)
            else:
                flags |= bit
        numa = int(words["numa_node"]) if "numa_node" in words else None
        return replace(
            made.map,
            map_flags=flags | (maptypes.FLAGS["numa_node"] if numa is not None else 0),
            map_extra=int(words.get("map_extra", "0")),
            numa_node=numa,
            pinning=words.get("pin", "none"),
            span=span,
            doc=self.notes.doc(span),
            annotations=words,
        )

    def _argument(self, node: Node, name: str, words: dict[str, str] | None = None) -> _Carried:
        """A map's argument: a type with its dimensions, or a (nested) map."""
        base = next(
            c for c in _trees(node) if c.data in ("generic", "c_type", "tagged_type", "named_type")
        )
        bounds = _trees(node, "bound")
        sizes = _trees(node, "bytes")
        stars = _trees(node, "stars")[0].children
        is_map = base.data == "generic" or (
            base.data == "named_type" and self.name(base.children[0]).upper() in maptypes.BY_NAME
            and self.name(base.children[0]) not in self.tags
        )  # fmt: skip
        if not is_map:
            type_: Type | str = self.plain_type(base)
            for _ in stars:
                type_ = Pointer(type_ if isinstance(type_, str) else spell(type_))
            if isinstance(type_, str):
                raise self.error("MS012", f"'{type_}' has no size", node)
            if sizes:
                raise self.error("MS020", "unexpected size in parentheses", sizes[0])
            for bound in reversed(bounds):
                type_ = Array(type_, self._dimension(bound))
            return _Carried(type=type_, span=self.span(node))
        word_node = _trees(base, "name")[0] if base.data == "generic" else base.children[0]
        word = self.name(word_node)
        kind = maptypes.BY_NAME.get(word.upper())
        if kind is None:
            hint = suggest(word, [t.dsl for t in maptypes.BY_NAME.values()])
            raise self.error("MS020", f"unknown map type '{word}'{hint}", word_node)
        if len(bounds) + len(sizes) > 1:
            raise self.error("MS020", "one size is enough", node)
        entries = 0
        if bounds and bounds[0].children:
            entries = self.constant(bounds[0].children[0])
        elif sizes:
            entries = self.constant(sizes[0].children[0])
        if not 0 <= entries <= 0xFFFFFFFF:
            raise self.error("MS020", f"max_entries {entries} does not fit 32 bits", node)
        arguments = [self._argument(a, f"{name}.inner") for a in _trees(base, "argument")]
        return _Carried(
            map=self._assemble(kind, name, arguments, entries, node), span=self.span(node)
        )

    def _assemble(
        self, kind: maptypes.MapType, name: str, arguments: list[_Carried], entries: int, node: Node
    ) -> MapDef:
        made = MapDef(name=name, type=kind.name, max_entries=entries, span=self.span(node))
        if kind.shape in ("ring", "perf"):
            records = [strip_typedefs(a.type) for a in arguments if a.type is not None]
            carried = tuple(r for r in records if isinstance(r, Record))
            if len(carried) != len(arguments):
                raise self.error("MS020", f"{kind.dsl} carries records", node)
            return replace(made, carries=carried, carries_from="schema" if carried else "")
        wanted = (1 if kind.has_key else 0) + (1 if kind.has_value else 0)
        if kind.fd_value and kind.shape == "fd" and len(arguments) in (0, 1):
            key = arguments[0].type if arguments else BUILTIN_TYPES["u32"]
            return replace(made, key=key, value=BUILTIN_TYPES["u32"])
        if len(arguments) != wanted:
            shape = {0: "no types", 1: "one type, the value", 2: "two types, key and value"}[wanted]
            raise self.error("MS020", f"{kind.dsl} takes {shape}, not {len(arguments)}", node)
        if kind.shape == "outer":
            if arguments[1].map is None or arguments[0].type is None:
                raise self.error(
                    "MS020",
                    f"{kind.dsl} needs a key and an inner map",
                    node,
                    f"for example {kind.dsl}<u32, hash<u32, u64>[256]>[64]",
                )
            if arguments[1].map.inner is not None:
                raise self.error("MS020", "an inner map can't hold maps itself", node)
            return replace(made, key=arguments[0].type, inner=arguments[1].map)
        if any(a.map is not None for a in arguments):
            raise self.error(
                "MS020", f"{kind.dsl} can't hold a map", node, "use array_of_maps or hash_of_maps"
            )
        types = [a.type for a in arguments]
        key = types.pop(0) if kind.has_key else None
        value = types.pop(0) if kind.has_value else None
        if kind.name == "LPM_TRIE" or (
            kind.shape == "storage"
            and kind.name
            not in (
                "CGROUP_STORAGE",
                "PERCPU_CGROUP_STORAGE",
            )
        ):
            made = replace(made, map_flags=maptypes.NO_PREALLOC)
        return replace(made, key=key, value=value)


def _trees(node: Node, data: str | None = None) -> list[Node]:
    """The child trees, all or those of one rule."""
    from lark import Tree

    return [c for c in node.children if isinstance(c, Tree) and (data is None or c.data == data)]


_MEMBER_RULES = {
    "pad_auto", "pad_bytes", "unnamed_bits", "named", "anonymous", "inline_record", "inline_enum",
    "nested_enum", "nested_record",
}  # fmt: skip


def _members(node: Node) -> list[Node]:
    return [c for c in _trees(node) if c.data in _MEMBER_RULES]


def _wide(value: Value) -> Value:
    return value if value.bits == 64 else value.cast(64, True)


def _sized(made: Type | str) -> Type:
    if isinstance(made, str):
        raise ConstantError(f"'{made}' has no size")
    return made
