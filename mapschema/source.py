"""Source text and places in it.

A `SourceFile` is one text as it was read; a `Span` is a half-open range of
character offsets in it.  Lines and columns are counted only when a message is
shown, so that reading a large header does not pay for them.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path

MAX_FILE_BYTES = 64 * 1024 * 1024


class SourceFile:
    """One text that was read: a path as the user wrote it, and its characters.

    Two files are the same only if they are the same object.
    """

    def __init__(self, path: str, text: str, *, builtin: bool = False) -> None:
        self.path = path
        self.text = text
        self._asked = 0
        self.builtin = builtin
        """True for a stand-in header that mapschema brings itself."""

    def __repr__(self) -> str:
        return f"SourceFile({self.path!r})"

    @cached_property
    def _line_starts(self) -> list[int]:
        lengths = map(len, self.text.split("\n"))
        return list(accumulate(lengths, lambda at, length: at + length + 1, initial=0))[:-1]

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a character offset, both counted from 1."""
        self._asked += 1
        if self._asked < 32:  # cheaper than the table of a large file's lines
            start = self.text.rfind("\n", 0, offset) + 1
            return self.text.count("\n", 0, start) + 1, offset - start + 1
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def line_text(self, line: int) -> str:
        """The text of a line (counted from 1), without its line end."""
        start = self._line_starts[line - 1]
        end = self.text.find("\n", start)
        return self.text[start : end if end >= 0 else len(self.text)].rstrip("\r")


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of characters, `start` to `end`, in one file."""

    file: SourceFile
    start: int
    end: int

    @property
    def path(self) -> str:
        return self.file.path

    @property
    def line(self) -> int:
        """Line of the first character, counted from 1."""
        return self.file.position(self.start)[0]

    @property
    def column(self) -> int:
        """Column of the first character, in characters, counted from 1."""
        return self.file.position(self.start)[1]


class ReadError(Exception):
    """A file can't be read as text; the message says why and names no path."""


def read_source(path: Path, shown: str | None = None) -> SourceFile:
    """Reads a UTF-8 text file.

    `shown` is the path for messages, `path` itself where it is None.
    Raises ReadError for a directory, a missing or unreadable file, a file over
    64 MiB, one with NUL bytes, or one that isn't UTF-8.
    """
    return SourceFile(shown if shown is not None else str(path), decode(read_bytes(path)))


def read_bytes(path: Path) -> bytes:
    """The bytes of a regular file of at most 64 MiB; raises ReadError."""
    try:
        if path.is_dir():
            raise ReadError("is a directory, not a file")
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise ReadError("no such file") from None
    except OSError as error:
        raise ReadError(error.strerror or str(error)) from None
    except ValueError as error:
        raise ReadError(str(error)) from None
    if len(data) > MAX_FILE_BYTES:
        raise ReadError("is larger than 64 MiB")
    return data


def decode(data: bytes) -> str:
    """Bytes of a source file as text, a byte-order mark dropped; raises ReadError."""
    if b"\0" in data:
        raise ReadError("is a binary file (it has a NUL byte), not source text")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ReadError(f"is not UTF-8 (byte {data[error.start]:#04x} on line {line})") from None
    return text.replace("\r\n", "\n") if "\r" in text else text
