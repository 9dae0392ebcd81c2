"""C's preprocessing tokens, with the place each one comes from."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from mapschema.diagnostics import Diagnostics
from mapschema.source import SourceFile, Span

NO_HIDE: frozenset[str] = frozenset()


class Token:
    """One preprocessing token.

    `kind` is ``id``, ``num``, ``str``, ``chr``, ``punct``, ``other`` or
    ``pragma`` (text: what stands behind ``#pragma``).  `pos` is the character
    offset in `file`; a token from a macro's body has the place where the macro
    was used.  `hide` names the macros that must not expand it again.
    """

    __slots__ = ("bol", "file", "hide", "kind", "length", "pos", "space", "text")

    def __init__(
        self,
        kind: str,
        text: str,
        file: SourceFile,
        pos: int,
        length: int,
        space: bool = False,
        bol: bool = False,
        hide: frozenset[str] = NO_HIDE,
    ) -> None:
        self.kind = kind
        self.text = text
        self.file = file
        self.pos = pos
        self.length = length
        self.space = space
        self.bol = bol
        self.hide = hide

    def __repr__(self) -> str:
        return f"Token({self.kind}, {self.text!r})"

    @property
    def span(self) -> Span:
        return Span(self.file, self.pos, self.pos + self.length)

    def placed(self, at: Token, hide: frozenset[str]) -> Token:
        """A copy that claims to stand where `at` stands."""
        return Token(self.kind, self.text, at.file, at.pos, at.length, self.space, False, hide)

    def hidden(self, hide: frozenset[str]) -> Token:
        return Token(
            self.kind, self.text, self.file, self.pos, self.length, self.space, False, hide
        )


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment's text without its marks, and the lines (from 1) it covers."""

    text: str
    first_line: int
    last_line: int
    start: int
    end: int
    own_line: bool
    """True if nothing but white space stands in front of it on its line."""
    on_directive: bool
    """True if it stands behind a preprocessor directive."""


_TOKEN = re.compile(
    r"""(?P<space>[ \t\f\v]+)
    |(?P<newline>\n)
    |(?P<id>[A-Za-z_$\x80-\U0010ffff][\w$]*)
    |(?P<punct>\.\.\.|<<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*%&|^]=|\#\#|::|
        /(?![/*])=?|[-+*%&|^~!<>=?:;,.(){}\[\]\#])
    |(?P<num>\.?[0-9](?:[eEpP][-+]|'[0-9A-Za-z]|[\w.])*)
    |(?P<str>(?:u8|[uUL])?"(?:[^"\\\n]|\\.)*")
    |(?P<chr>(?:u8|[uUL])?'(?:[^'\\\n]|\\.)*')
    |(?P<line>//[^\n]*)
    |(?P<block>/\*.*?\*/)
    |(?P<other>.)""",
    re.X | re.S,
)
_SPLICE = re.compile(r"\\[ \t]*\n")


class _Offsets:
    """Maps offsets of the text without line splices to those of the file."""

    def __init__(self, text: str) -> None:
        self.starts: list[int] = []
        self.shifts: list[int] = []
        removed = 0
        for match in _SPLICE.finditer(text):
            removed += match.end() - match.start()
            self.starts.append(match.end() - removed)
            self.shifts.append(removed)

    def __call__(self, offset: int) -> int:
        index = bisect_right(self.starts, offset)
        return offset + (self.shifts[index - 1] if index else 0)


def tokenize(file: SourceFile, diagnostics: Diagnostics) -> list[Token]:
    """The tokens of a file; comments and white space become `space` and `bol` flags."""
    text = file.text
    if "\\" in text and _SPLICE.search(text):
        place = _Offsets(text)
        text = _SPLICE.sub("", text)
        return _scan(file, text, 0, len(text), place, diagnostics)
    return _scan(file, text, 0, len(text), None, diagnostics)


def tokenize_range(file: SourceFile, at: int, end: int, diagnostics: Diagnostics) -> list[Token]:
    """The tokens of a part of a file that has no line splices, and begins and ends between tokens."""
    return _scan(file, file.text, at, end, None, diagnostics)


def _scan(
    file: SourceFile,
    text: str,
    at: int,
    end: int,
    place: _Offsets | None,
    diagnostics: Diagnostics,
) -> list[Token]:
    """The tokens of ``text[at:end]``; `place` leads back to offsets of the file."""
    tokens: list[Token] = []
    append = tokens.append
    space, bol = False, True
    match_at = _TOKEN.match
    while at < end:
        match = match_at(text, at, end)
        assert match is not None
        kind = match.lastgroup
        stop = match.end()
        if kind == "space" or kind == "line":
            space = True
        elif kind == "newline":
            bol = True
        elif kind == "block":
            space = True
        else:
            assert kind is not None
            value = match.group()
            if (
                kind == "id"
                and stop < end
                and text[stop] in "\"'"
                and value in ("L", "u", "U", "u8")
            ):
                longer = _TOKEN_STRING.match(text, at)
                if longer is not None:
                    value, stop = longer.group(), longer.end()
                    kind = "str" if value.endswith('"') else "chr"
            pos = at if place is None else place(at)
            if kind == "other":
                _complain(file, value, text, at, pos, diagnostics)
                if value == "/":  # an unclosed comment swallows the rest
                    break
            append(Token(kind, value, file, pos, stop - at, space, bol))
            space = bol = False
        at = stop
    return tokens


_TOKEN_STRING = re.compile(r"""(?:u8|[uUL])(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')""")


def _complain(
    file: SourceFile, value: str, text: str, at: int, pos: int, diagnostics: Diagnostics
) -> None:
    span = Span(file, pos, pos + 1)
    if value == "/":
        diagnostics.error("MS003", "unterminated comment", span, help="close it with */")
    elif value in "\"'" and not text.startswith("#", text.rfind("\n", 0, at) + 1):
        # In text that #if 0 skips, or in a #error line, an apostrophe is harmless: the
        # parser refuses such a token where it matters.
        return


_COMMENT = re.compile(
    r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|//(?:[^\n\\]|\\.)*|/\*.*?\*/', re.S
)


def comments(file: SourceFile) -> list[Comment]:
    """All comments of a file, in order."""
    found: list[Comment] = []
    text = file.text
    for match in _COMMENT.finditer(text):
        raw = match.group()
        if not raw.startswith("/"):
            continue
        start, end = match.span()
        line_start = text.rfind("\n", 0, start) + 1
        if raw.startswith("//"):
            body = raw.lstrip("/").strip()
        else:
            lines = [line.strip() for line in raw[2:-2].strip("*").splitlines()]
            body = "\n".join(line.removeprefix("*").strip() for line in lines).strip()
        first = file.position(start)[0]
        last = file.position(max(start, end - 1))[0]
        before = text[line_start:start].strip()
        found.append(Comment(body, first, last, start, end, not before, before.startswith("#")))
    return found
