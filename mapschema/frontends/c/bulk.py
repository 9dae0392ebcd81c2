"""Large stretches of plain declarations, indexed by regular expressions instead of tokens.

A kernel's ``vmlinux.h`` is 2.8 MB of types in one plain style.  A stretch of
such text (no directive, comment, string or macro in it) stays text: its
declarations end at lines that begin in the first column and end with ``;``,
and each becomes tokens only when it is needed.  Whatever is not in that style
takes the ordinary way; the result is the same.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator

from mapschema.diagnostics import Diagnostics
from mapschema.frontends.c.declarations import Declaration
from mapschema.frontends.c.tokens import Token, tokenize_range
from mapschema.source import SourceFile

MINIMUM = 100_000
"""Characters from which on a stretch is worth it."""

_DIRECTIVE = re.compile(r"^[ \t]*#.*", re.M)
_LINE_END = re.compile(r"^\S.*;$", re.M)
_TAG = re.compile(r"^[ \t]*(?:typedef\s+)?(?:struct|union|enum)\s+(\w+)\s*\{", re.M)
_TYPEDEF_LINE = re.compile(r"^(?:typedef |\}).*;$", re.M)
_LAST_NAME = re.compile(r"(\w+)(?:\[[^\]]*\])*;$")
_POINTER_NAME = re.compile(r"\(\s*\*+\s*(\w+)\s*[)\[]")
_FUNCTION_NAME = re.compile(r"^typedef [^(]*?(\w+)\(")
_UNDERSCORED = re.compile(r"(?<!\w)_\w+")
_WORD = re.compile(r"[A-Za-z_]\w*")
_HEAD = re.compile(r"\s*(typedef\b|(?:struct|union|enum)\b[^;(=]*(?:\{|;$))")
_CLOSE = re.compile(r"\}(?: *__attribute__ *\(\(.*\)\))? *;|(?:struct|union|enum) \w+ ?(?:\{\})?;")


def stretches(file: SourceFile) -> list[tuple[int, int]]:
    """The ranges of a file's text between directives that may stay text."""
    text = file.text
    if len(text) < MINIMUM or "\\" in text:
        return []
    found: list[tuple[int, int]] = []
    start = 0
    for match in _DIRECTIVE.finditer(text):
        if match.start() - start >= MINIMUM:
            found.append((start, match.start()))
        start = match.end()
    if len(text) - start >= MINIMUM:
        found.append((start, len(text)))
    marks = ('"', "'", "//", "/*")
    return [(a, b) for a, b in found if not any(text.find(mark, a, b) >= 0 for mark in marks)]


def _has_word(text: str, word: str) -> bool:
    """Whether a text has a word; faster on a large text than a regular expression is."""
    at = text.find(word)
    while at >= 0:
        end = at + len(word)
        before = text[at - 1] if at else " "
        after = text[end] if end < len(text) else " "
        if not (before.isalnum() or before == "_" or after.isalnum() or after == "_"):
            return True
        at = text.find(word, end)
    return False


class BulkToken(Token):
    """Stands for a whole stretch in the stream of tokens; `text` is empty."""

    __slots__ = ("bulk",)

    def __init__(self, bulk: BulkText) -> None:
        super().__init__("bulk", "", bulk.file, bulk.start, len(bulk.text), bol=True)
        self.bulk = bulk


class BulkDeclaration(Declaration):
    """A declaration of a stretch, which becomes tokens when they are asked for."""

    def __init__(self, bulk: BulkText, number: int) -> None:
        super().__init__([], bulk.pack)
        self._bulk = bulk
        self._number = number

    @property
    def tokens(self) -> list[Token]:
        if not self._tokens:
            self._tokens = self._bulk.tokens(self._number)
        return self._tokens

    @property
    def file(self) -> SourceFile:
        return self._bulk.file


class BulkText:
    """One stretch: its declarations by number, and where names are declared."""

    def __init__(self, file: SourceFile, start: int, end: int) -> None:
        self.file = file
        self.start = start
        self.text = file.text[start:end]
        self.ends = [match.end() for match in _LINE_END.finditer(self.text)]
        self.pack: int | None = None
        """The value of ``#pragma pack`` in force."""
        self._made: dict[int, BulkDeclaration] = {}

    def declaration(self, number: int) -> BulkDeclaration:
        """A declaration by its number; the same object each time."""
        made = self._made.get(number)
        if made is None:
            made = self._made[number] = BulkDeclaration(self, number)
        return made

    def declarations(self) -> list[Declaration]:
        """All of them, in order."""
        return [self.declaration(number) for number in range(len(self.ends))]

    def mentions(self, names: Collection[str]) -> bool:
        """Whether any of the names (those of macros) is a word of the text."""
        plain = [name for name in names if not name.startswith("_")]
        if len(plain) > 40:
            return not set(_WORD.findall(self.text)).isdisjoint(names)
        if any(_has_word(self.text, name) for name in plain):
            return True
        return not set(_UNDERSCORED.findall(self.text)).isdisjoint(names)

    def is_plain(self) -> bool:
        """Whether each declaration is one of a type, in the style that the index reads."""
        text = self.text
        if not self.ends or text[self.ends[-1] :].strip():
            return False
        opening = text.count("{")
        if opening != text.count("}") or opening != text.count("{\n") + text.count("{}"):
            return False  # two records begin on one line
        start = 0
        match_head, match_close = _HEAD.match, _CLOSE.match
        for end in self.ends:
            head = match_head(text, start, end)
            if head is None:
                return False
            if not head.group(1).startswith("typedef"):
                line = text.rfind("\n", start, end) + 1
                if match_close(text, line, end) is None:
                    return False
            start = end
        return True

    def number_at(self, offset: int) -> int:
        """The number of the declaration that holds an offset of the stretch."""
        return bisect_right(self.ends, offset)

    def range(self, number: int) -> tuple[int, int]:
        """Where a declaration begins and ends, as offsets of the file."""
        begin = self.ends[number - 1] if number else 0
        return self.start + begin, self.start + self.ends[number]

    def tokens(self, number: int) -> list[Token]:
        begin, end = self.range(number)
        return tokenize_range(self.file, begin, end, Diagnostics())

    def all_tokens(self) -> list[Token]:
        """The tokens of the whole stretch."""
        return tokenize_range(self.file, self.start, self.start + len(self.text), Diagnostics())

    def tags(self) -> Iterator[tuple[str, int]]:
        """Each tag that is defined, with the number of its declaration."""
        for match in _TAG.finditer(self.text):
            yield match.group(1), self.number_at(match.start(1))

    def typedefs(self) -> Iterator[tuple[str, int]]:
        """Each typedef's name with the number of its declaration."""
        text = self.text
        for match in _TYPEDEF_LINE.finditer(text):
            line = match.group()
            if line == "};":
                continue
            number = self.number_at(match.start() + 1)
            if line[0] == "}":
                begin = self.ends[number - 1] if number else 0
                if not text[begin : begin + 20].lstrip().startswith("typedef"):
                    continue
            name = None
            if "(" in line and "{" not in line and "__attribute__" not in line:
                name = _POINTER_NAME.search(line) or _FUNCTION_NAME.match(line)
            name = name or _LAST_NAME.search(line)
            if name is not None:
                yield name.group(1), number

    def enumerator(self, name: str) -> int | None:
        """The number of the declaration that has an enumerator, or None."""
        for match in re.finditer(rf"^\s+{re.escape(name)}(?= =|,|$)", self.text, re.M):
            return self.number_at(match.end())
        return None
