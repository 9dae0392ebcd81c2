"""Pieces of Go text: comments, quoted strings, and columns as gofmt aligns them."""

from __future__ import annotations

import re

from mapschema.generators.templating import comment_lines

_MARKUP = re.compile(r"(\+build\b|[-*+•#]+|\[[^]]*\]:|[0-9]+[.)])(?=\s|$)")


def doc_comment(text: str, indent: str = "") -> list[str]:
    """Text from the input as ``//`` lines.

    gofmt rewrites what looks like a list, a heading, a link definition or an old
    build constraint, so a mark at a line's start is put in parentheses.
    """
    lines: list[str] = []
    for line in comment_lines(text):
        line = (
            _MARKUP.sub(r"(\1)", line.strip(), count=1)
            if _MARKUP.match(line.strip())
            else line.strip()
        )
        if line or (lines and lines[-1] != f"{indent}//"):
            lines.append(f"{indent}// {line}".rstrip())
    return lines


def quote(text: str) -> str:
    """A Go string literal."""
    out = []
    for char in text:
        if char in '"\\':
            out.append(f"\\{char}")
        elif " " <= char <= "~":
            out.append(char)
        elif ord(char) < 0x10000:
            out.append(f"\\u{ord(char):04x}")
        else:
            out.append(f"\\U{ord(char):08x}")
    return f'"{"".join(out)}"'


def columns(rows: list[tuple[str, ...] | str], indent: str = "\t") -> list[str]:
    """Rows of cells, aligned as gofmt does; a plain string ends a block of columns.

    A cell is padded to the widest of the consecutive rows that have a further
    cell behind it.
    """
    lines: list[str] = []
    block: list[tuple[str, ...]] = []

    def flush() -> None:
        if not block:
            return
        padded = [list(row) for row in block]
        for column in range(max(len(row) for row in block) - 1):
            start = 0
            while start < len(block):
                if len(block[start]) <= column + 1:
                    start += 1
                    continue
                stop = start
                while stop < len(block) and len(block[stop]) > column + 1:
                    stop += 1
                width = max(len(block[i][column]) for i in range(start, stop))
                for i in range(start, stop):
                    padded[i][column] = block[i][column].ljust(width)
                start = stop
        lines.extend(indent + " ".join(row).rstrip() for row in padded)
        block.clear()

    for row in rows:
        if isinstance(row, str):
            flush()
            lines.append(row)
        else:
            block.append(row)
    flush()
    return lines
