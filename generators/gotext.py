"""Pieces of Go text: comments, quoted strings, and columns as gofmt aligns them."""

from __future__ import annotations

from mapschema.generators.templating import comment_lines


def doc_comment(text: str, indent: str = "") -> list[str]:
    """Text from the input as ``//`` lines."""
    return [f"{indent}// {line}".rstrip() for line in comment_lines(text)]


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
