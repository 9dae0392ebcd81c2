"""Writes a declaration's tokens as text that pycparser reads, and parses it.

pycparser knows C23's attributes but not GNU's spellings, so each attribute
list becomes ``[[mapschema::a(N)]]``, N being its place in a side table.  The
text is one line, and its columns lead back to the tokens.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from mapschema.frontends.c.declarations import skip_group
from mapschema.frontends.c.tokens import Token
from mapschema.source import Span

if TYPE_CHECKING:
    from pycparser.c_parser import CParser

_DROP = {
    "__extension__", "__inline__", "__inline", "inline", "_Noreturn", "__restrict", "restrict",
    "__restrict__", "__thread", "_Thread_local", "thread_local", "register", "constexpr", "auto",
}  # fmt: skip
_RESPELL = {
    "__const": "const", "__const__": "const", "__volatile__": "volatile", "__volatile": "volatile",
    "__signed__": "signed", "__signed": "signed", "__typeof__": "typeof", "__typeof": "typeof",
    "typeof_unqual": "typeof", "__alignof__": "_Alignof", "__alignof": "_Alignof",
    "alignof": "_Alignof", "__builtin_offsetof": "offsetof", "bool": "_Bool",
    "alignas": "_Alignas", "static_assert": "_Static_assert",
}  # fmt: skip
_KEYWORDS_OF_C23 = {"true", "false", "nullptr"}
KEYWORD_PREFIX = "mapschema_word_"
_RELEVANT = {
    "packed", "aligned", "mode", "vector_size", "btf_type_tag", "ms_struct", "gcc_struct",
    "flag_enum", "scalar_storage_order",
}  # fmt: skip
_NO_NAMES = set(_RESPELL) | _KEYWORDS_OF_C23
"""Typedefs of these (``typedef _Bool bool;``) are written as something else."""
_SPECIFIERS = {"typedef", "static", "extern", "const", "volatile"}
BUILTIN_TYPEDEFS = (
    "__int128_t",
    "__uint128_t",
    "__builtin_va_list",
    "_Float16",
    "__fp16",
    "__bf16",
)


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute: its name without underscores, and its argument's tokens."""

    name: str
    arguments: tuple[Token, ...]
    span: Span


class SyntaxMistake(Exception):
    """A declaration that can't be parsed."""

    def __init__(self, message: str, span: Span) -> None:
        super().__init__(message)
        self.message = message
        self.span = span


@dataclass(slots=True)
class Text:
    """A declaration as pycparser's text, with the way back to its tokens."""

    text: str
    columns: list[int]
    tokens: list[Token]
    attributes: list[list[Attribute]] = field(default_factory=list)

    def token_at(self, column: int) -> Token:
        """The token that stands at a column (from 1) of the text."""
        return self.tokens[max(0, bisect_right(self.columns, column - 1) - 1)]

    def span(self, node: Any) -> Span:
        """The place of a pycparser node."""
        coord = getattr(node, "coord", None)
        if coord is None or coord.column is None:
            return self.tokens[0].span
        return self.token_at(coord.column).span


class _Writer:
    def __init__(self) -> None:
        self.pieces: list[tuple[str, Token]] = []
        self.attributes: list[list[Attribute]] = []
        # Where a bit-field's colon stands, by bracket depth: an attribute
        # behind the width has to go in front of it.
        self.colons: list[int | None] = [None]
        self.starts: list[int] = [0]  # where the declaration at each depth begins

    def write(self, tokens: list[Token]) -> None:
        at = 0
        while at < len(tokens):
            token = tokens[at]
            text = token.text
            if text in ("__attribute__", "__attribute"):
                end = skip_group(tokens, at + 1)
                self._attribute(_parse_list(tokens[at + 3 : end - 2]), token)
                at = end
            elif text == "[" and at + 1 < len(tokens) and tokens[at + 1].text == "[":
                end = skip_group(tokens, at)
                self._attribute(_parse_list(tokens[at + 2 : end - 2]), token)
                at = end
            elif text in ("__asm__", "asm", "__asm", "__declspec"):
                at = skip_group(tokens, at + 1)
            elif text in _DROP:
                at += 1
            elif text == "=" and len(self.colons) == 1:
                at = self._initializer(tokens, at)
            else:
                self._plain(token)
                at += 1

    def _plain(self, token: Token) -> None:
        text = token.text
        if text in _KEYWORDS_OF_C23:
            text = KEYWORD_PREFIX + text
        self.pieces.append((_RESPELL.get(text, text), token))
        if text in ("{", "(", "["):
            self.colons.append(None)
            self.starts.append(len(self.pieces))
        elif text in ("}", ")", "]"):
            if len(self.colons) > 1:
                self.colons.pop()
                self.starts.pop()
        elif text in (";", ","):
            self.colons[-1] = None
            if text == ";":
                self.starts[-1] = len(self.pieces)
        elif text == ":" and self.colons[-1] is None:
            self.colons[-1] = len(self.pieces) - 1

    def _attribute(self, attributes: list[Attribute], token: Token) -> None:
        kept = [item for item in attributes if item.name in _RELEVANT]
        if not kept:
            return
        piece = (f"[[mapschema::a({len(self.attributes)})]]", token)
        self.attributes.append(kept)
        colon = self.colons[-1]
        if colon is None and self.pieces and self.pieces[-1][0] in _SPECIFIERS:
            # Among the specifiers GNU's attribute means the whole declaration.
            self.pieces.insert(self.starts[-1], piece)
        elif colon is None:
            self.pieces.append(piece)
        else:
            self.pieces.insert(colon, piece)
            self.colons[-1] = colon + 1

    def _initializer(self, tokens: list[Token], at: int) -> int:
        while at < len(tokens) and tokens[at].text not in (",", ";"):
            at = skip_group(tokens, at) if tokens[at].text in ("(", "[", "{") else at + 1
        return at


def _parse_list(tokens: list[Token]) -> list[Attribute]:
    """The attributes of a comma-separated list."""
    result: list[Attribute] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        at += 1
        if token.kind != "id":
            continue
        if at + 1 < len(tokens) and tokens[at].text == "::":
            token = tokens[at + 1]
            at += 2
        arguments: tuple[Token, ...] = ()
        if at < len(tokens) and tokens[at].text == "(":
            end = skip_group(tokens, at)
            arguments = tuple(tokens[at + 1 : end - 1])
            at = end
        name = token.text
        if name.startswith("__") and name.endswith("__"):
            name = name[2:-2]
        result.append(Attribute(name, arguments, token.span))
    return result


def write(tokens: list[Token]) -> Text:
    """The tokens as pycparser's text."""
    writer = _Writer()
    writer.write(tokens)
    columns: list[int] = []
    column = 0
    for piece, _ in writer.pieces:
        columns.append(column)
        column += len(piece) + 1
    text = " ".join(piece for piece, _ in writer.pieces)
    return Text(text, columns, [token for _, token in writer.pieces], writer.attributes)


@cache
def _parser() -> CParser:
    from pycparser.c_parser import CParser

    return CParser(dialect="c23")


_WHERE = re.compile(r":(\d+):(\d+): ?(.*)", re.S)


def parse(tokens: list[Token], typedefs: set[str]) -> tuple[list[Any], Text]:
    """Parses a declaration; `typedefs` are the names that are types.

    Returns pycparser's external declarations; raises SyntaxMistake.
    """
    from pycparser.c_parser import ParseError

    for token in tokens:
        if token.kind == "other":
            raise SyntaxMistake(f"unexpected character {token.text!r}", token.span)
    text = write(tokens)
    used = sorted(({t.text for t in tokens if t.kind == "id"} & typedefs) - _NO_NAMES)
    names = ", ".join([*BUILTIN_TYPEDEFS, *used])
    prefix = f"typedef int {names};\n"
    try:
        ast = _parser().parse(f"{prefix}# 1\n{text.text}", "")
    except ParseError as error:
        match = _WHERE.match(str(error))
        token = text.tokens[-1]
        message = str(error)
        if match:
            if match.group(1) == "1":
                token = text.token_at(int(match.group(2)))
            message = match.group(3)
        message = (
            message.removeprefix(": ")
            .replace("before: ", "unexpected ")
            .replace(KEYWORD_PREFIX, "")
        )
        shown = re.sub(r"^unexpected (\S+)$", r"unexpected '\1'", message)
        raise SyntaxMistake(shown, token.span) from None
    except RecursionError:
        raise SyntaxMistake("nested too deeply", tokens[0].span) from None
    return list(ast.ext[1 + len(BUILTIN_TYPEDEFS) - 1 + len(used) :]), text
