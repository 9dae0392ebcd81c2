"""Splits a translation unit into top-level declarations and indexes them by name.

Nothing is parsed here: a declaration stays a list of tokens until it is asked
for.  Function bodies are kept as tokens, for who looks for a call in them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mapschema.diagnostics import Diagnostics
from mapschema.frontends.c.tokens import Token
from mapschema.source import SourceFile

if TYPE_CHECKING:
    from mapschema.frontends.c.bulk import BulkText

MAX_NESTING = 100
_TAGS = {"struct", "union", "enum"}
_ATTRIBUTE = {"__attribute__", "__attribute", "__declspec", "_Alignas", "alignas"}
_OPEN = {"(": ")", "[": "]", "{": "}"}


class Declaration:
    """One top-level declaration: its tokens with the final ``;``.

    `pack` is the value of ``#pragma pack`` in force where it starts.  A
    function's declaration has the tokens in front of its body, and `body`.
    """

    def __init__(
        self, tokens: list[Token], pack: int | None, body: list[Token] | None = None
    ) -> None:
        self._tokens = tokens
        self.pack = pack
        self.body = body

    @property
    def tokens(self) -> list[Token]:
        return self._tokens

    @property
    def file(self) -> SourceFile:
        return self.tokens[0].file


@dataclass(slots=True)
class Index:
    """The declarations of a translation unit by what they declare, in source order."""

    tags: dict[str, list[Declaration]] = field(default_factory=dict)
    typedefs: dict[str, Declaration] = field(default_factory=dict)
    enumerators: dict[str, Declaration] = field(default_factory=dict)
    variables: dict[str, Declaration] = field(default_factory=dict)
    maps: list[Declaration] = field(default_factory=list)
    functions: list[Declaration] = field(default_factory=list)
    assertions: list[Declaration] = field(default_factory=list)
    items: list[Declaration | BulkText] = field(default_factory=list)

    def enumerator(self, name: str) -> Declaration | None:
        """The declaration that has an enumerator."""
        found = self.enumerators.get(name)
        if found is not None:
            return found
        for item in self.items:
            if not isinstance(item, Declaration):
                number = item.enumerator(name)
                if number is not None:
                    return item.declaration(number)
        return None


def split(tokens: list[Token], diagnostics: Diagnostics) -> list[Declaration | BulkText]:
    """The top-level declarations; unbalanced or too deep brackets are diagnosed.

    A stretch of text that stayed text stands among them.
    """
    found: list[Declaration | BulkText] = []
    pack: int | None = None
    pack_stack: list[tuple[str, int | None]] = []
    start_pack: int | None = None
    current: list[Token] = []
    stack: list[Token] = []
    seen_assign = False
    index, count = 0, len(tokens)
    while index < count:
        token = tokens[index]
        index += 1
        kind = token.kind
        if kind == "pragma":
            pack = _pragma_pack(token, pack, pack_stack, diagnostics)
            if not current:
                start_pack = pack
            continue
        if kind == "bulk":
            from mapschema.frontends.c.bulk import BulkToken

            assert isinstance(token, BulkToken)
            if current or stack:  # a declaration goes on into the stretch
                tokens[index:index] = token.bulk.all_tokens()
                count = len(tokens)
            else:
                token.bulk.pack = pack
                found.append(token.bulk)
            continue
        if not current:
            if token.text == ";":
                continue
            start_pack = pack
            seen_assign = False
        if kind != "punct":
            current.append(token)
            continue
        text = token.text
        if text in _OPEN:
            if text == "{" and not stack and not seen_assign and not _opens_type(current):
                stop = _skip_block(tokens, index, token, diagnostics)
                body = tokens[index : stop - 1]
                index = stop
                if current:
                    found.append(Declaration(current, start_pack, body))
                current = []
                continue
            stack.append(token)
            if len(stack) > MAX_NESTING:
                diagnostics.error("MS010", "brackets are nested too deeply", token.span)
                return found
        elif text in ")]}":
            if not stack or _OPEN[stack[-1].text] != text:
                what = f"'{stack[-1].text}' is open" if stack else "nothing is open"
                diagnostics.error("MS010", f"unexpected '{text}': {what}", token.span)
                return found
            stack.pop()
        elif text == "=" and not stack:
            seen_assign = True
        current.append(token)
        if text == ";" and not stack:
            found.append(Declaration(current, start_pack))
            current = []
    if stack:
        diagnostics.error(
            "MS010", f"unclosed '{stack[0].text}' at the end of the input", stack[0].span
        )
    elif current:
        diagnostics.error(
            "MS010",
            "the input ends inside a declaration",
            current[0].span,
            help="is a ';' missing?",
        )
    return found


def _skip_block(tokens: list[Token], index: int, opening: Token, diagnostics: Diagnostics) -> int:
    """Index behind the ``}`` that closes a function body; its inside need not be C."""
    depth = 1
    while index < len(tokens):
        text = tokens[index].text
        index += 1
        if text == "{":
            depth += 1
        elif text == "}":
            depth -= 1
            if depth == 0:
                return index
    diagnostics.error("MS010", "unclosed '{' at the end of the input", opening.span)
    return index + 1


def _opens_type(tokens: list[Token]) -> bool:
    """Whether a ``{`` behind these tokens begins the body of a struct, union or enum."""
    index = 0
    opens = False
    while index < len(tokens):
        text = tokens[index].text
        if text in _TAGS:
            opens = True
            index = _after_head(tokens, index)
            if index >= len(tokens):
                return True
            opens = False
            continue
        index += 1
    return opens


def _after_head(tokens: list[Token], index: int) -> int:
    """Index behind ``struct attributes tag attributes`` (and an enum's ``: type``)."""
    is_enum = tokens[index].text == "enum"
    index = skip_attributes(tokens, index + 1)
    if index < len(tokens) and tokens[index].kind == "id":
        index = skip_attributes(tokens, index + 1)
    if is_enum and index < len(tokens) and tokens[index].text == ":":
        index += 1
        while index < len(tokens) and tokens[index].kind == "id":
            index += 1
    return index


def skip_attributes(tokens: list[Token], index: int) -> int:
    """Index behind any attributes that begin at `index`."""
    while index < len(tokens):
        text = tokens[index].text
        if text in _ATTRIBUTE:
            index = skip_group(tokens, index + 1)
        elif text == "[" and index + 1 < len(tokens) and tokens[index + 1].text == "[":
            index = skip_group(tokens, index)
        else:
            break
    return index


def skip_group(tokens: list[Token], index: int) -> int:
    """Index behind the bracket group that begins at `index`, which may lack."""
    if index >= len(tokens) or tokens[index].text not in _OPEN:
        return index
    depth = 0
    while index < len(tokens):
        text = tokens[index].text
        if text in ("(", "[", "{"):
            depth += 1
        elif text in (")", "]", "}"):
            depth -= 1
        index += 1
        if depth == 0:
            break
    return index


def _pragma_pack(
    token: Token,
    pack: int | None,
    stack: list[tuple[str, int | None]],
    diagnostics: Diagnostics,
) -> int | None:
    """The packing in force after ``#pragma pack(...)``; clang's push, pop and labels."""
    text = token.text
    if not (text.startswith("(") and text.endswith(")")):
        diagnostics.error("MS019", "#pragma pack needs parentheses", token.span)
        return pack
    words = [word for word in text[1:-1].split(",") if word]
    if not words:
        return None
    if words[0] in ("push", "pop"):
        label = next((w for w in words[1:] if not _is_number(w)), "")
        if words[0] == "push":
            stack.append((label, pack))
        else:
            while stack:
                name, pack = stack.pop()
                if not label or name == label:
                    break
        words = [word for word in words[1:] if _is_number(word)]
        if not words:
            return pack
    if not _is_number(words[0]) or int(words[0]) not in (0, 1, 2, 4, 8, 16):
        diagnostics.error(
            "MS019", f"#pragma pack({words[0]}): the value must be 1, 2, 4, 8 or 16", token.span
        )
        return pack
    return int(words[0]) or None


def _is_number(word: str) -> bool:
    return re.fullmatch(r"[0-9]{1,4}", word) is not None


def index(items: list[Declaration | BulkText]) -> Index:
    """Finds what each declaration declares."""
    result = Index(items=items)
    for declaration in items:
        if not isinstance(declaration, Declaration):
            for name, number in declaration.tags():
                result.tags.setdefault(name, []).append(declaration.declaration(number))
            for name, number in declaration.typedefs():
                result.typedefs.setdefault(name, declaration.declaration(number))
            continue
        tokens = declaration.tokens
        if declaration.body is not None:
            result.functions.append(declaration)
            continue
        if tokens[0].text in ("_Static_assert", "static_assert"):
            result.assertions.append(declaration)
            continue
        _index_tags(declaration, result)
        names = _declared_names(tokens)
        if tokens[0].text == "typedef" or any(t.text == "typedef" for t in tokens[1:4]):
            for name in names:
                result.typedefs.setdefault(name, declaration)
            continue
        for name in names:
            known = result.variables.get(name)
            if known is None or any(t.text == "extern" for t in known.tokens[:3]):
                result.variables[name] = declaration
        if names and any(t.kind == "str" and _is_map_section(t.text) for t in tokens):
            result.maps.append(declaration)
    return result


def _is_map_section(text: str) -> bool:
    return text == '".maps"' or text == '"maps"' or text.startswith('"maps/')


def _index_tags(declaration: Declaration, result: Index) -> None:
    tokens = declaration.tokens
    for at, token in enumerate(tokens):
        if token.kind != "id" or token.text not in _TAGS:
            continue
        opening = _after_head(tokens, at)
        if opening >= len(tokens) or tokens[opening].text != "{":
            continue
        tag_at = skip_attributes(tokens, at + 1)
        if tokens[tag_at].kind == "id":
            entries = result.tags.setdefault(tokens[tag_at].text, [])
            if declaration not in entries:
                entries.append(declaration)
        if token.text == "enum":
            inside = opening + 1
            expect = True
            while inside < len(tokens) and tokens[inside].text != "}":
                item = tokens[inside]
                if expect and item.kind == "id":
                    result.enumerators.setdefault(item.text, declaration)
                    expect = False
                if item.text in _OPEN:
                    inside = skip_group(tokens, inside)
                    continue
                if item.text == ",":
                    expect = True
                inside += 1


def _declared_names(tokens: list[Token]) -> list[str]:
    """The names that a declaration's declarators introduce."""
    names: list[str] = []
    current: str | None = None
    fixed = False
    skipping = False
    at = 0
    while at < len(tokens):
        token = tokens[at]
        text = token.text
        after = skip_attributes(tokens, at)
        if after > at:
            at = after
            continue
        if text in _TAGS:
            at = _after_head(tokens, at)
            continue
        if text in ("__asm__", "asm", "typeof", "__typeof__", "__typeof"):
            at = skip_group(tokens, at + 1)
            continue
        if text == "(":
            end = skip_group(tokens, at)
            inner = [t for t in tokens[at + 1 : end - 1] if t.text not in ("const", "volatile")]
            if not fixed and inner and inner[0].text in ("*", "("):
                name = next((t.text for t in inner if t.kind == "id"), None)
                current, fixed = name, True
            else:
                fixed = fixed or current is not None
            at = end
            continue
        if text in ("[", "{"):
            at = skip_group(tokens, at)
            continue
        if text == "=":
            skipping = True
        elif text in (",", ";"):
            if current is not None:
                names.append(current)
            current, fixed, skipping = None, False, False
        elif token.kind == "id" and not fixed and not skipping:
            current = text
        at += 1
    # "struct foo;" and "int;" declare no variable: a lone word is a type's name
    return names if len(tokens) > 2 else []
