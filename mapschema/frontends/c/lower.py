"""From pycparser's trees to the schema's types, a declaration at a time, on demand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from mapschema.abi import Abi
from mapschema.diagnostics import Diagnostics, suggest
from mapschema.frontends.basictypes import basic_type
from mapschema.frontends.c.declarations import Declaration, Index
from mapschema.frontends.c.dialect import (
    BUILTIN_TYPEDEFS,
    KEYWORD_PREFIX,
    Attribute,
    SyntaxMistake,
    Text,
    parse,
)
from mapschema.frontends.c.integers import (
    ConstantError,
    Value,
    binary,
    parse_character,
    parse_integer,
    promote,
    unary,
    usual_conversions,
)
from mapschema.frontends.c.kerneltypes import Fallback
from mapschema.frontends.c.notes import Notes
from mapschema.frontends.c.tokens import Token
from mapschema.layout import LayoutError, Layouts
from mapschema.source import Span
from mapschema.types import (
    Array,
    Enum,
    EnumValue,
    Float,
    Int,
    IntKind,
    Member,
    Pointer,
    Record,
    Type,
    Typedef,
    pointer_to,
    spell,
    strip_typedefs,
)

MAX_CHAIN = 150
"""How many types may contain one another."""

_BUILTIN: dict[str, Type] = {
    "__int128_t": Int("int128", True),
    "__uint128_t": Int("int128", False),
    "_Float16": Float("half"),
    "__fp16": Float("half"),
}
_MODES: dict[str, IntKind] = {
    "QI": "char", "HI": "short", "SI": "int", "DI": "long long", "TI": "int128",
    "byte": "char", "word": "long", "pointer": "long",
}  # fmt: skip


class Unresolved(Exception):
    """A type that can't be had; the reason has been reported."""


class Lowerer:
    """Looks names up in an index and gives the schema's types for them.

    Each declaration is parsed once, when something in it is first needed, and
    each mistake is reported once; who needs a broken type gets None.
    """

    def __init__(
        self,
        index: Index,
        notes: Notes,
        diagnostics: Diagnostics,
        fallback: Fallback | None,
        abi: Abi,
    ) -> None:
        self.index = index
        self.notes = notes
        self.diagnostics = diagnostics
        self.fallback = fallback
        self.layouts = Layouts(abi)
        self.used_fallback: dict[str, Span] = {}
        self._typedef_names = set(index.typedefs) | set(BUILTIN_TYPEDEFS)
        if fallback is not None:
            self._typedef_names |= fallback.typedef_names() - set(index.variables)
        self._trees: dict[int, tuple[list[Any], Text] | None] = {}
        self._records: dict[str, Record | None] = {}
        self._enums: dict[str, Enum | None] = {}
        self._typedefs: dict[str, Typedef | None] = {}
        self._values: dict[str, Value] = {}
        self._anonymous: dict[int, Record | Enum] = {}
        self._opaque: set[str] = set()
        self._busy: list[str] = []
        self.text: Text | None = None
        self._pack: int | None = None

    def typedef_names(self) -> set[str]:
        """All names that are types."""
        return self._typedef_names

    def has_tag(self, tag: str) -> bool:
        """Whether the tag is defined here."""
        return tag in self.index.tags

    def has_typedef(self, name: str) -> bool:
        """Whether the typedef is defined here."""
        return name in self.index.typedefs

    @contextmanager
    def reading(self, text: Text, pack: int | None) -> Iterator[None]:
        """While it lasts, nodes are of this text, under this ``#pragma pack``."""
        saved = self.text, self._pack
        self.text, self._pack = text, pack
        try:
            yield
        finally:
            self.text, self._pack = saved

    # -- declarations -----------------------------------------------------

    def tree(self, declaration: Declaration) -> tuple[list[Any], Text] | None:
        """The declaration parsed, or None (reported) where it can't be."""
        key = id(declaration)
        if key not in self._trees:
            try:
                self._trees[key] = parse(declaration.tokens, self._typedef_names)
            except SyntaxMistake as mistake:
                self._trees[key] = None
                self._syntax(declaration, mistake)
        return self._trees[key]

    def _syntax(self, declaration: Declaration, mistake: SyntaxMistake) -> None:
        unknown = self._unknown_type(declaration.tokens)
        if unknown is not None:
            self._unknown(unknown.text, unknown.span)
        else:
            self.diagnostics.error("MS010", mistake.message, mistake.span)

    def _unknown_type(self, tokens: list[Token]) -> Token | None:
        """An identifier that stands where only a type can, and isn't one."""
        fresh = True
        for at, token in enumerate(tokens[:-1]):
            following = tokens[at + 1]
            if token.kind == "id":
                if token.text in ("const", "volatile", "typedef", "static", "extern", "typeof"):
                    continue
                looks = (
                    following.kind == "id"
                    or (
                        following.text == "*"
                        and at + 2 < len(tokens)
                        and tokens[at + 2].kind == "id"
                    )
                    or (following.text == ")" and at > 1 and tokens[at - 2].text == "typeof")
                )
                if fresh and looks and token.text not in self._typedef_names | _C_WORDS:
                    return token
                fresh = False
            else:
                fresh = token.text in (";", "{", "(")
        return None

    def _unknown(self, name: str, span: Span) -> None:
        names = self._typedef_names | {f"struct {tag}" for tag in self.index.tags}
        hint = suggest(name, names)
        if name in self.index.tags and not hint:
            hint = f", did you mean 'struct {name}'?"
        self.diagnostics.error("MS011", f"unknown type '{name}'{hint}", span)

    def lower_all(self, declaration: Declaration) -> tuple[list[Record], list[Enum], list[Typedef]]:
        """Everything that the declaration defines, in source order."""
        records: list[Record] = []
        enums: list[Enum] = []
        typedefs: list[Typedef] = []
        parsed = self.tree(declaration)
        if parsed is None:
            return records, enums, typedefs
        nodes, text = parsed
        for node in nodes:
            kind = type(node).__name__
            if kind not in ("Decl", "Typedef"):
                continue
            with_name = str(getattr(node, "name", None))
            if kind == "Typedef" and self.index.typedefs.get(with_name) is declaration:
                made = self.typedef(with_name, text.span(node))
                if made is not None:
                    typedefs.append(made)
                    base = made.target
                    if isinstance(base, (Record, Enum)):
                        self._collect(base, records, enums)
            else:
                for inner in _definitions(node.type):
                    try:
                        self._collect(self._enter(declaration, text, inner), records, enums)
                    except Unresolved:
                        continue
        return records, enums, typedefs

    def _collect(self, item: Record | Enum, records: list[Record], enums: list[Enum]) -> None:
        if isinstance(item, Record):
            if item not in records:
                records.append(item)
        elif item not in enums:
            enums.append(item)

    def _enter(self, declaration: Declaration, text: Text, node: Any) -> Record | Enum:
        with self.reading(text, declaration.pack):
            result = self._tag_type(node, [])
        if not isinstance(result, (Record, Enum)):
            raise Unresolved
        return result

    # -- names ------------------------------------------------------------

    def record_or_enum(self, tag: str, span: Span | None) -> Record | Enum | None:
        """What a tag names, reported and None where it is unknown or broken."""
        for table in (self._records, self._enums):
            if tag in table:
                return table[tag]
        if tag in self._busy:
            self.diagnostics.error(
                "MS015", f"'{tag}' contains itself", span, help="use a pointer to it", record=tag
            )
            return None
        declarations = self.index.tags.get(tag)
        if not declarations:
            return None
        if len(self._busy) > MAX_CHAIN:
            self.diagnostics.error("MS010", "types are nested too deeply", span)
            return None
        self._busy.append(tag)
        try:
            found = self._define(tag, declarations[0])
            for other in declarations[1:]:
                if other.tokens[0].file.builtin:
                    continue
                if [t.text for t in other.tokens] != [t.text for t in declarations[0].tokens]:
                    at = next((t for t in other.tokens if t.text == tag), other.tokens[0])
                    first = declarations[0].tokens[0].span
                    self.diagnostics.error(
                        "MS013",
                        f"'{tag}' is defined again, in another way (first at {first.path}:{first.line})",
                        at.span,
                    )
        finally:
            self._busy.pop()
        return found

    def _define(self, tag: str, declaration: Declaration) -> Record | Enum | None:
        parsed = self.tree(declaration)
        found: Record | Enum | None = None
        if parsed is not None:
            nodes, text = parsed
            node = next((n for n in definitions_in(nodes) if n.name == tag), None)
            if node is not None:
                with self.reading(text, declaration.pack), suppress(Unresolved):
                    attributes = _attributes_of(nodes, node)
                    found = self._build(node, self._attributes(attributes))
        if isinstance(found, Enum):
            self._enums[tag] = found
        else:
            self._records[tag] = found
        return found

    def typedef(self, name: str, span: Span | None = None) -> Typedef | None:
        """What a typedef's name stands for; None (reported) where it can't be had."""
        if name in self._typedefs:
            return self._typedefs[name]
        declaration = self.index.typedefs.get(name)
        if declaration is None:
            if self.fallback is not None and self.fallback.has_typedef(name):
                if span is not None:
                    self.used_fallback.setdefault(name, span)
                return self.fallback.typedef(name)
            return None
        if f"typedef {name}" in self._busy:
            self.diagnostics.error("MS015", f"typedef '{name}' refers to itself", span)
            return None
        self._busy.append(f"typedef {name}")
        result: Typedef | None = None
        try:
            parsed = self.tree(declaration)
            if parsed is not None:
                nodes, text = parsed
                node = next((n for n in nodes if getattr(n, "name", None) == name), None)
                if node is not None and self._has_no_size(node.type):
                    self._opaque.add(name)  # fine behind a pointer
                elif node is not None:
                    with self.reading(text, declaration.pack), suppress(Unresolved):
                        result = self._typedef(name, node)
        finally:
            self._busy.pop()
        self._typedefs[name] = result
        return result

    def _has_no_size(self, node: Any) -> bool:
        """Whether a typedef's type node is void, a function, or a tag that nothing defines."""
        while type(node).__name__ == "TypeDecl":
            node = node.type
        match type(node).__name__:
            case "FuncDecl":
                return True
            case "IdentifierType":
                return bool(node.names == ["void"]) or node.names[-1] in self._opaque
            case "Struct" | "Union" | "Enum":
                body = node.values if type(node).__name__ == "Enum" else node.decls
                known = node.name in self.index.tags or (
                    self.fallback is not None and self.fallback.has_tag(node.name)
                )
                return body is None and not known
        return False

    def _typedef(self, name: str, node: Any) -> Typedef:
        assert self.text is not None
        attributes: list[Attribute] = self._attributes(node.attributes)
        target = self.type_of(node.type, attributes, typedef_name=name)
        align = self._align(attributes, node)
        mode = next((a for a in attributes if a.name == "mode"), None)
        if mode is not None and mode.arguments:
            kind = _MODES.get(mode.arguments[0].text.strip("_"))
            base = strip_typedefs(target)
            if kind is not None and isinstance(base, Int):
                target = Int(kind, base.signed)
        return Typedef(name, target, align, self.text.span(node))

    def enumerator(self, name: str) -> Value | None:
        """The value of an enumeration constant, or None."""
        if name in self._values:
            return self._values[name]
        declaration = self.index.enumerator(name)
        if declaration is None:
            if self.fallback is not None:
                return self.fallback.enumerator(name)
            return None
        key = f"enumerator {name}"
        if key in self._busy:
            return None
        self._busy.append(key)
        try:
            parsed = self.tree(declaration)
            if parsed is not None:
                nodes, text = parsed
                for node in definitions_in(nodes):
                    if type(node).__name__ == "Enum" and any(
                        _word(item.name) == name for item in node.values.enumerators
                    ):
                        try:
                            self._enter(declaration, text, node)
                        except Unresolved:
                            return None
        finally:
            self._busy.pop()
        return self._values.get(name)

    # -- types ------------------------------------------------------------

    def type_of(
        self, node: Any, attributes: list[Attribute] | None = None, typedef_name: str | None = None
    ) -> Type:
        """The type of a pycparser type node.

        Attributes that belong to the declaration are added to `attributes`.
        Raises Unresolved where the type is unknown (reported).
        """
        assert self.text is not None
        if attributes is None:
            attributes = []
        kind = type(node).__name__
        match kind:
            case "TypeDecl" | "Typename" | "Decl":
                attributes.extend(self._attributes(getattr(node, "attributes", None)))
                return self.type_of(node.type, attributes, typedef_name)
            case "IdentifierType":
                return self._identifier_type(node)
            case "Struct" | "Union" | "Enum":
                return self._tag_type(node, [], typedef_name)
            case "AttributedType":
                own = self._attributes(node.attributes)
                inner = node.type
                inner_kind = type(inner).__name__
                if (inner_kind in ("Struct", "Union") and inner.decls is not None) or (
                    inner_kind == "Enum" and inner.values is not None
                ):
                    return self._tag_type(inner, own, typedef_name)
                attributes.extend(own)
                return self.type_of(inner, attributes, typedef_name)
            case "PtrDecl":
                own = self._attributes(getattr(node, "attributes", None))
                # btf_type_tag may stand behind the pointee's type or the star.
                inner_attributes = [*own, *_tags_below(self, node.type)]
                tag = next((a for a in inner_attributes if a.name == "btf_type_tag"), None)
                attributes.extend(a for a in inner_attributes if a.name != "btf_type_tag")
                text = "".join(t.text for t in tag.arguments).strip('"') if tag else None
                return Pointer(self._spell(node.type), text)
            case "ArrayDecl":
                attributes.extend(self._attributes(getattr(node, "attributes", None)))
                count = None if node.dim is None else self._dimension(node.dim)
                element = self.type_of(node.type, attributes)
                return Array(element, count)
            case "FuncDecl":
                raise self.fail("MS010", "a function can't be a member", node)
            case "TypeOf":
                inner = node.expr
                if type(inner).__name__ == "Typename":
                    return self.type_of(inner, attributes)
                return self._expression_type(inner)
        raise self.fail("MS010", f"unsupported type ({kind})", node)

    def fail(self, rule: str, message: str, node: Any, help: str | None = None) -> Unresolved:
        """Reports an error at a node of the declaration at hand; the caller raises the result."""
        assert self.text is not None
        self.diagnostics.error(rule, message, self.text.span(node), help=help)
        return Unresolved()

    def _dimension(self, node: Any) -> int:
        value = self.constant(node)
        if value.value < 0:
            raise self.fail("MS017", f"array of {value.value} elements", node)
        return value.value

    def _identifier_type(self, node: Any) -> Type:
        assert self.text is not None
        names: list[str] = list(node.names)
        basic = basic_type(names)
        if basic is not None:
            return basic
        name = _word(names[-1])
        if name == "__builtin_va_list" and self.layouts.abi.name.startswith("bpf"):
            return Pointer("void")
        if name in _BUILTIN and name not in self.index.typedefs:
            return _BUILTIN[name]
        span = self.text.span(node)
        found = self.typedef(name, span)
        if found is None:
            if name == "void" or name in self._opaque:
                raise self.fail("MS012", f"'{name}' has no size", node)
            if name not in self.index.typedefs:
                self._unknown(name, span)
            raise Unresolved
        return found

    def _tag_type(
        self, node: Any, attributes: list[Attribute], typedef_name: str | None = None
    ) -> Type:
        kind = type(node).__name__
        body = node.values if kind == "Enum" else node.decls
        if body is None:
            found = self.record_or_enum(node.name, self._span(node))
            if found is None:
                if self.fallback is not None and self.fallback.has_tag(node.name):
                    found = self.fallback.record_or_enum(node.name, None)
                    if found is not None:
                        span = self._span(node)
                        if span is not None:
                            self.used_fallback.setdefault(node.name, span)
                        return found
                if node.name not in self.index.tags:
                    word = kind.lower()
                    hint = suggest(node.name, self.index.tags)
                    raise self.fail("MS012", f"'{word} {node.name}' is not defined{hint}", node)
                raise Unresolved
            if isinstance(found, Record) and found.kind != kind.lower():
                raise self.fail(
                    "MS013", f"'{node.name}' is a {found.kind}, not a {kind.lower()}", node
                )
            return found
        if node.name is not None:
            if node.name in self._busy and node.name not in self._records:
                # nested in itself, or reached through its own declaration
                return self._build(node, attributes, typedef_name)
            found = self.record_or_enum(node.name, self._span(node))
            if found is None:
                raise Unresolved
            return found
        cached = self._anonymous.get(id(node))
        if cached is None:
            cached = self._build(node, attributes, typedef_name)
            self._anonymous[id(node)] = cached
        return cached

    def _span(self, node: Any) -> Span | None:
        return self.text.span(node) if self.text is not None else None

    def _build(
        self, node: Any, attributes: list[Attribute], typedef_name: str | None = None
    ) -> Record | Enum:
        assert self.text is not None
        attributes = [*attributes, *self._attributes(getattr(node, "attributes", None))]
        if type(node).__name__ == "Enum":
            return self._enum(node, attributes, typedef_name)
        span = self._name_span(node)
        members: list[Member] = []
        broken = False
        seen: dict[str, Span | None] = {}
        for item in node.decls or ():
            if type(item).__name__ == "StaticAssert":
                self._static_assert(item)
                continue
            if type(item).__name__ != "Decl":
                continue
            try:
                member = self._member(item, node)
            except Unresolved:
                broken = True
                continue
            if member is None:
                continue
            if member.name is not None:
                if member.name in seen:
                    self.diagnostics.error(
                        "MS013", f"member '{member.name}' is there twice", member.span
                    )
                    broken = True
                seen[member.name] = member.span
            last = members[-1].type if members and type(node).__name__ == "Struct" else None
            if isinstance(last, Array) and last.count is None:
                self.diagnostics.error(
                    "MS017",
                    f"flexible array '{members[-1].name}' must be the last member",
                    members[-1].span,
                )
                broken = True
            members.append(member)
        if broken:
            raise Unresolved
        return Record(
            name=node.name,
            kind="union" if type(node).__name__ == "Union" else "struct",
            members=tuple(members),
            packed=any(a.name == "packed" for a in attributes),
            pack=self._pack,
            align=self._align(attributes, node),
            typedef_name=None if node.name else typedef_name,
            span=span,
            doc=self.notes.doc(span),
            annotations=self.notes.annotations(span),
        )

    def _name_span(self, node: Any) -> Span:
        """The tag's token, or the keyword's where there is no tag."""
        assert self.text is not None
        span = self.text.span(node)
        if node.name:
            tokens = self.text.tokens
            for at, token in enumerate(tokens):
                if token.pos >= span.start and token.file is span.file and token.text == node.name:
                    return tokens[at].span
        return span

    def _member(self, item: Any, parent: Any) -> Member | None:
        assert self.text is not None
        attributes = self._attributes(item.attributes)
        kind = type(item.type).__name__
        name = _word(item.name) if item.name else None
        if (
            item.bitsize is None
            and name is None
            and kind in ("Struct", "Union", "Enum", "AttributedType")
        ):
            inner = item.type.type if kind == "AttributedType" else item.type
            word = type(inner).__name__
            if word == "Enum" or (word in ("Struct", "Union") and inner.name is not None):
                # "struct x { ... };" or "enum { ... };" inside a record declares no member
                if getattr(inner, "decls", None) is not None or word == "Enum":
                    self.type_of(item.type, attributes)
                return None
        if item.bitsize is None and name is None and kind == "TypeDecl":
            return None
        member_type = self.type_of(item.type, attributes)
        span = self.text.span(item)
        align = self._align(attributes, item)
        for aligned in item.align or ():
            alignment = aligned.alignment
            if type(alignment).__name__ == "Typename":
                value = self.layouts.size_align(self.type_of(alignment))[1]
            else:
                value = self.constant(alignment).value
            if value:
                align = max(align or 0, value)
        width: int | None = None
        if item.bitsize is not None:
            width = self._bit_width(item, member_type, name)
        packed = any(a.name == "packed" for a in attributes)
        words = self.notes.annotations(span)
        doc = self.notes.doc(span)
        return Member(
            name, member_type, width, packed, align, span, doc, words, is_pad="pad" in words
        )

    def _bit_width(self, item: Any, member_type: Type, name: str | None) -> int:
        width = self.constant(item.bitsize).value
        try:
            limit = self.layouts.max_bit_width(member_type)
        except LayoutError as error:
            raise self.fail("MS021", error.message, item) from None
        if limit is None:
            raise self.fail("MS016", f"bit-field '{name}' is not of an integer type", item)
        if width < 0 or width > limit:
            raise self.fail(
                "MS016",
                f"bit-field '{name or '(unnamed)'}' of {width} bits: its type has {limit}",
                item,
            )
        if width == 0 and name is not None:
            raise self.fail("MS016", f"bit-field '{name}' can't have width 0", item)
        return width

    def _enum(self, node: Any, attributes: list[Attribute], typedef_name: str | None) -> Enum:
        assert self.text is not None
        underlying: Type | None = None
        fixed = getattr(node, "underlying_type", None)
        if fixed is not None:
            underlying = self.type_of(fixed)
            if not isinstance(strip_typedefs(underlying), Int):
                raise self.fail("MS012", "an enum's type must be an integer", node)
            try:
                self.layouts.size(underlying)
            except LayoutError as error:
                raise self.fail("MS021", error.message, node) from None
        values: list[EnumValue] = []
        following = 0
        for item in node.values.enumerators:
            name = _word(item.name)
            if item.value is not None:
                following = self.constant(item.value).value
            if not -(1 << 63) <= following < 1 << 64:
                raise self.fail("MS014", f"enumerator '{name}' does not fit 64 bits", item)
            if underlying is not None and following not in self.layouts.int_range(underlying):
                base = spell(strip_typedefs(underlying))
                raise self.fail(
                    "MS014", f"enumerator '{name}' = {following} does not fit {base}", item
                )
            span = self.text.span(item)
            values.append(EnumValue(name, following, span, self.notes.doc(span)))
            wide = following > 0x7FFFFFFF or following < -0x80000000
            self._values[name] = Value(following, 64 if wide else 32, following < 1 << 63)
            following += 1
        span = self._name_span(node)
        return Enum(
            name=node.name,
            values=tuple(values),
            underlying=underlying,
            packed=any(a.name == "packed" for a in attributes),
            align=self._align(attributes, node),
            flags=any(a.name == "flag_enum" for a in attributes)
            or "flags" in self.notes.annotations(span),
            typedef_name=None if node.name else typedef_name,
            span=span,
            doc=self.notes.doc(span),
        )

    # -- attributes -------------------------------------------------------

    def _attributes(self, nodes: Any) -> list[Attribute]:
        """Attributes of AttributeSpecifier nodes, from the text's side table."""
        assert self.text is not None
        result: list[Attribute] = []
        for specifier in nodes or ():
            for attribute in specifier.attributes:
                if attribute.namespace == "mapschema":
                    result.extend(self.text.attributes[int(str(attribute.arguments))])
        return result

    def _align(self, attributes: list[Attribute], node: Any) -> int | None:
        best: int | None = None
        for attribute in attributes:
            if attribute.name == "vector_size":
                raise self.fail("MS019", "vector types are not supported", node)
            if attribute.name == "scalar_storage_order":
                raise self.fail(
                    "MS019", "scalar_storage_order is not supported (clang refuses it)", node
                )
            if attribute.name != "aligned":
                continue
            value = self.layouts.abi.max_align
            if attribute.arguments:
                value = self._attribute_value(attribute)
            if value <= 0 or value & (value - 1):
                self.diagnostics.error(
                    "MS019",
                    f"aligned({value}): the alignment must be a power of two",
                    attribute.span,
                )
                raise Unresolved
            if value > 1 << 28:
                self.diagnostics.error("MS019", f"aligned({value}) is too large", attribute.span)
                raise Unresolved
            best = max(best or 0, value)
        return best

    def _attribute_value(self, attribute: Attribute) -> int:
        if len(attribute.arguments) == 1 and attribute.arguments[0].kind == "num":
            try:
                return parse_integer(attribute.arguments[0].text).value
            except ConstantError as error:
                self.diagnostics.error("MS014", str(error), attribute.span)
                raise Unresolved from None
        return self.expression(list(attribute.arguments)).value

    def expression(self, tokens: list[Token]) -> Value:
        """The value of a constant expression given as tokens."""
        first = tokens[0]

        def word(text: str, kind: str = "punct") -> Token:
            return Token(kind, text, first.file, first.pos, first.length)

        wrapped = [word("enum", "id"), word("{"), word("x", "id"), word("="), word("("), *tokens,
                   word(")"), word("}"), word(";")]  # fmt: skip
        try:
            nodes, text = parse(wrapped, self._typedef_names)
        except SyntaxMistake as mistake:
            self.diagnostics.error("MS014", mistake.message, mistake.span)
            raise Unresolved from None
        with self.reading(text, self._pack):
            return self.constant(nodes[0].type.values.enumerators[0].value)

    # -- constant expressions ---------------------------------------------

    def constant(self, node: Any) -> Value:
        """The value of an integer constant expression; raises Unresolved (reported)."""
        try:
            return self._evaluate(node, 0)
        except ConstantError as error:
            raise self.fail("MS014", str(error), node) from None
        except LayoutError as error:
            raise self.fail("MS021", error.message, node) from None

    def _evaluate(self, node: Any, depth: int) -> Value:
        if depth > 200:
            raise ConstantError("the expression is nested too deeply")
        match type(node).__name__:
            case "Constant":
                if node.type == "string":
                    raise ConstantError("a string is not an integer constant")
                if "char" in node.type and "'" in node.value:
                    return parse_character(node.value)
                if "float" in node.type or "double" in node.type:
                    return _float_value(node.value)
                return parse_integer(node.value)
            case "ID":
                return self._name_value(_word(node.name))
            case "UnaryOp":
                return self._unary(node, depth)
            case "BinaryOp":
                left = self._evaluate(node.left, depth + 1)
                if (node.op == "&&" and not left.value) or (node.op == "||" and left.value):
                    return Value(int(node.op == "||"))
                return binary(node.op, left, self._evaluate(node.right, depth + 1))
            case "TernaryOp":
                chosen = node.iftrue if self._evaluate(node.cond, depth + 1).value else node.iffalse
                other = node.iffalse if chosen is node.iftrue else node.iftrue
                value = self._evaluate(chosen, depth + 1)
                try:
                    return usual_conversions(value, self._evaluate(other, depth + 1))[0]
                except ConstantError:
                    return value
            case "Cast":
                value = self._evaluate(node.expr, depth + 1)
                target = strip_typedefs(self.type_of(node.to_type))
                if isinstance(target, Int) and target.kind == "bool":
                    return Value(int(value.value != 0), 8, False)
                if isinstance(target, (Int, Enum)):
                    return value.cast(self.layouts.size(target) * 8, self.layouts.is_signed(target))
                if isinstance(target, Pointer):
                    return value.cast(64, False)
                return value
            case "FuncCall":
                return self._call(node, depth)
            case "Offsetof" | "OffsetOf":
                return self._offsetof(node.type, node.designator)
        raise ConstantError("this is not an integer constant expression")

    def _call(self, node: Any, depth: int) -> Value:
        name = getattr(node.name, "name", "")
        args = node.args.exprs if node.args is not None else []
        if name == "offsetof" and len(args) == 2:
            return self._offsetof(args[0], args[1])
        if name == "__builtin_constant_p":
            return Value(1)
        if name == "__builtin_choose_expr" and len(args) == 3:
            return self._evaluate(
                args[1 if self._evaluate(args[0], depth + 1).value else 2], depth + 1
            )
        if name == "__builtin_expect" and args:
            return self._evaluate(args[0], depth + 1)
        raise ConstantError(f"call of '{name}' in a constant expression")

    def _name_value(self, name: str) -> Value:
        if name in ("true", "false") and name not in self.index.enumerators:
            return Value(int(name == "true"))
        value = self.enumerator(name)
        if value is None:
            hint = suggest(name, self.index.enumerators)
            raise ConstantError(f"unknown constant '{name}'{hint}")
        return value

    def _unary(self, node: Any, depth: int) -> Value:
        if node.op in ("sizeof", "_Alignof", "alignof"):
            operand = node.expr
            if type(operand).__name__ == "Typename":
                if _is_void(operand):
                    return Value(1, 64, False)
                type_ = self.type_of(operand)
            else:
                type_ = self._expression_type(operand)
            size, align = self.layouts.size_align(type_)
            return Value(size if node.op == "sizeof" else align, 64, False)
        return unary(node.op, self._evaluate(node.expr, depth + 1))

    def _offsetof(self, type_node: Any, designator: Any) -> Value:
        type_ = strip_typedefs(self.type_of(type_node))
        bits = self._designate(type_, designator)[0]
        return Value(bits // 8, 64, False)

    def _designate(self, root: Type, node: Any) -> tuple[int, Type]:
        """Bit offset and type of a designator (``a.b[2]``) in a record."""
        match type(node).__name__:
            case "ID":
                found = self.layouts.find_member(root, _word(node.name))
            case "StructRef":
                offset, inner = self._designate(root, node.name)
                found = self.layouts.find_member(inner, _word(node.field.name))
                found = None if found is None else (offset + found[0], found[1])
            case "ArrayRef":
                offset, inner = self._designate(root, node.name)
                array = strip_typedefs(inner)
                if not isinstance(array, Array):
                    raise ConstantError("offsetof: this is no array")
                at = self.constant(node.subscript).value
                return offset + at * self.layouts.size(array.element) * 8, array.element
            case _:
                found = None
        if found is None:
            raise ConstantError("offsetof: no such member")
        return found

    def _expression_type(self, node: Any) -> Type:
        """The type of an expression, for sizeof and typeof."""
        match type(node).__name__:
            case "ID":
                name = _word(node.name)
                declaration = self.index.variables.get(name)
                if declaration is not None:
                    parsed = self.tree(declaration)
                    if parsed is not None:
                        found = next(
                            (n for n in parsed[0] if getattr(n, "name", None) == name), None
                        )
                        if found is not None:
                            with self.reading(parsed[1], declaration.pack):
                                return self.type_of(found.type)
                if self.enumerator(name) is not None:
                    return Int("int", True)
                self._unknown(name, self._span(node) or Span(self.text.tokens[0].file, 0, 0))  # type: ignore[union-attr]
                raise Unresolved
            case "Cast":
                return self.type_of(node.to_type)
            case "StructRef":
                if node.type == "->":
                    base = self._pointee(node.name)
                else:
                    base = self._expression_type(node.name)
                member = self.layouts.find_member(base, _word(node.field.name))
                if member is None:
                    raise ConstantError(f"no member '{node.field.name}' in {spell(base)}")
                return member[1]
            case "ArrayRef":
                array = strip_typedefs(self._expression_type(node.name))
                if isinstance(array, Array):
                    return array.element
            case "UnaryOp" if node.op == "*":
                return self._pointee(node.expr)
            case "UnaryOp" if node.op in ("sizeof", "_Alignof"):
                return Int("long", False)
            case "UnaryOp" if node.op == "&":
                return Pointer("void")
            case "Constant" if node.type == "string":
                return Array(Int("char", None), len(node.value) - 1)
            case "ExprList" if len(node.exprs) == 1:
                return self._expression_type(node.exprs[0])
        value = promote(self._evaluate(node, 0))
        return Int("int" if value.bits <= 32 else "long", value.signed)

    def _pointee(self, node: Any) -> Type:
        if type(node).__name__ == "Cast":
            inner = node.to_type
            while type(inner).__name__ in ("Typename", "TypeDecl"):
                inner = inner.type
            if type(inner).__name__ == "PtrDecl":
                return self.type_of(inner.type)
        raise ConstantError("the type of this expression can't be told without a compiler")

    def _static_assert(self, node: Any) -> None:
        try:
            value = self.constant(node.cond)
        except Unresolved:
            return
        if value.value == 0:
            message = getattr(node.message, "value", "") or ""
            self.diagnostics.error(
                "MS018",
                f"static assertion failed{': ' + message.strip(chr(34)) if message else ''}",
                self._span(node),
            )

    def check_assertion(self, declaration: Declaration) -> None:
        """Evaluates a top-level _Static_assert; a false one is an error."""
        parsed = self.tree(declaration)
        if parsed is None:
            return
        with self.reading(parsed[1], declaration.pack):
            for node in parsed[0]:
                if type(node).__name__ == "StaticAssert":
                    self._static_assert(node)

    # -- spelling of pointers' targets ------------------------------------

    def _spell(self, node: Any) -> str:
        """What a pointer points to, as C writes it."""
        match type(node).__name__:
            case "TypeDecl" | "Typename":
                text = self._spell(node.type)
                quals = [q for q in node.quals or () if q in ("const", "volatile")]
                return " ".join([*quals, text])
            case "AttributedType":
                return self._spell(node.type)
            case "IdentifierType":
                basic = basic_type(list(node.names))
                return basic.name if isinstance(basic, (Int, Float)) else " ".join(node.names)
            case "Struct" | "Union" | "Enum":
                return f"{type(node).__name__.lower()} {node.name}" if node.name else "void"
            case "PtrDecl":
                return pointer_to(self._spell(node.type))
            case "ArrayDecl":
                return "void"
            case "FuncDecl":
                return "void (void)"
            case "TypeOf" if type(node.expr).__name__ == "Typename":
                return self._spell(node.expr)
        return "void"


_C_WORDS = {
    "struct", "union", "enum", "int", "char", "short", "long", "unsigned", "signed", "void", "float",
    "double", "_Bool", "bool", "__int128", "sizeof", "_Alignof", "inline", "__attribute__",
    "__extension__", "_Static_assert", "static_assert", "return", "__signed__", "_Alignas",
    "__typeof__", "register", "auto", "_Atomic", "_Complex", "__inline__", "__inline", "restrict",
    "alignas", "__const", "__volatile__", "__restrict", "_Noreturn", "__asm__", "asm", "typeof_unqual",
}  # fmt: skip


def _float_value(text: str) -> Value:
    """A floating constant cut to an integer, as a cast around it would."""
    try:
        number = (
            float.fromhex(text.rstrip("lL")) if "x" in text.lower() else float(text.rstrip("fFlL"))
        )
        return Value(int(number), 64).cast(64, True)
    except (ValueError, OverflowError):
        raise ConstantError(f"'{text[:40]}' has no integer value") from None


def _word(name: str) -> str:
    return name.removeprefix(KEYWORD_PREFIX)


def _is_void(node: Any) -> bool:
    while type(node).__name__ in ("Typename", "TypeDecl"):
        node = node.type
    return type(node).__name__ == "IdentifierType" and node.names == ["void"]


def _definitions(node: Any) -> Iterator[Any]:
    """Records and enums with a body in a type node, the outermost first of all tagged ones."""
    kind = type(node).__name__
    if kind in ("Struct", "Union"):
        if node.decls is None:
            return
        if node.name:
            yield node
        for item in node.decls:
            if type(item).__name__ == "Decl":
                yield from (
                    n for n in _definitions(item.type) if n.name or type(n).__name__ == "Enum"
                )
    elif kind == "Enum":
        if node.values is not None:
            yield node
    elif kind == "TypeOf":
        yield from _definitions(node.expr)
    elif hasattr(node, "type") and not isinstance(node.type, str):
        yield from _definitions(node.type)


def definitions_in(nodes: list[Any]) -> Iterator[Any]:
    """All definitions of records and enums in pycparser's declarations, nested ones too."""
    for node in nodes:
        if type(node).__name__ in ("Decl", "Typedef"):
            yield from _definitions(node.type)


def _attributes_of(nodes: list[Any], wanted: Any) -> Any:
    """The attributes behind the closing brace of a definition, wherever it is nested."""
    stack = [n.type for n in nodes if hasattr(n, "type")]
    while stack:
        node = stack.pop()
        kind = type(node).__name__
        if kind == "AttributedType" and node.type is wanted:
            return node.attributes
        if kind in ("Struct", "Union"):
            stack.extend(item.type for item in node.decls or () if type(item).__name__ == "Decl")
        elif kind == "TypeOf":
            stack.append(node.expr)
        elif hasattr(node, "type") and not isinstance(node.type, str):
            stack.append(node.type)
    return None


def _tags_below(lowerer: Lowerer, node: Any) -> list[Attribute]:
    """Attributes behind a pointer's star: pycparser hangs the declarator's own there, too."""
    found: list[Attribute] = []
    while type(node).__name__ in ("TypeDecl", "AttributedType", "PtrDecl", "ArrayDecl", "FuncDecl"):
        found.extend(lowerer._attributes(getattr(node, "attributes", None)))
        node = node.type
    return found
