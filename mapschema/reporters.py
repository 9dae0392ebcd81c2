"""Turns diagnostics into text for people and machines."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from mapschema.diagnostics import Diagnostic

_COLOURS = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "note": "\x1b[1;36m"}
_BOLD, _DIM, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"
_MAX_LINE = 200


def sort_key(diagnostic: Diagnostic) -> tuple[str, int, int, str, str]:
    path, line, column = diagnostic.where
    return (path, line, column, diagnostic.rule, diagnostic.message)


def text(diagnostic: Diagnostic, *, colour: bool = False) -> str:
    """``path:line:col: error[MS011]: message``, the source line, a caret, and help."""
    path, line, column = diagnostic.where
    place = f"{path}:{line}:{column}: " if line else f"{path}: " if path else ""
    severity = f"{diagnostic.severity}[{diagnostic.rule}]:"
    if colour:
        severity = f"{_COLOURS[diagnostic.severity]}{severity}{_RESET}"
        place = f"{_BOLD}{place}{_RESET}"
    lines = [f"{place}{severity} {_printable(diagnostic.message)}"]
    span = diagnostic.span
    if span is not None and not span.file.path.startswith("<"):
        source = span.file.line_text(line)
        start = column - 1
        length = max(1, min(span.end - span.start, len(source) - start))
        if len(source) > _MAX_LINE:
            cut = max(0, start - 60)
            source, start = source[cut : cut + _MAX_LINE], start - cut
            length = min(length, max(1, len(source) - start))
        lead = "".join("\t" if c == "\t" else " " for c in source[:start])
        caret = "^" + "~" * (length - 1)
        if colour:
            caret = f"{_COLOURS[diagnostic.severity]}{caret}{_RESET}"
        lines += [f"    {_printable(source, keep_tabs=True)}", f"    {lead}{caret}"]
    if diagnostic.help:
        lines.append(f"    help: {_printable(diagnostic.help)}")
    return "\n".join(lines)


def _printable(words: str, *, keep_tabs: bool = False) -> str:
    """Control characters of the input never reach a terminal."""
    return "".join(
        c
        if c.isprintable() or (keep_tabs and c == "\t")
        else " "
        if c in "\n\t"
        else f"\\x{ord(c):02x}"
        for c in words
    )


def diagnostic_entry(item: Diagnostic) -> dict[str, Any]:
    """A diagnostic as JSON's types, as ``lint`` and ``compare`` give it."""
    path, line, column = item.where
    return {
        "rule": item.rule,
        "severity": item.severity,
        "message": item.message,
        "path": path or None,
        "line": line or None,
        "column": column or None,
        "record": item.record,
        "member": item.member,
        "fix": item.fix,
    }


def as_json(diagnostics: Iterable[Diagnostic]) -> str:
    """The versioned JSON of ``lint`` and ``compare``."""
    entries = [diagnostic_entry(item) for item in diagnostics]
    return json.dumps({"version": 1, "diagnostics": entries}, indent=2) + "\n"


def github(diagnostic: Diagnostic) -> str:
    """A GitHub workflow command; `,` `:` and line ends are escaped as it asks for."""
    path, line, column = diagnostic.where
    level = {"error": "error", "warning": "warning", "note": "notice"}[diagnostic.severity]

    def escaped(words: str, *, prop: bool) -> str:
        words = words.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        return words.replace(":", "%3A").replace(",", "%2C") if prop else words

    properties = [f"file={escaped(path, prop=True)}"] if path else []
    if line:
        properties += [f"line={line}", f"col={column}"]
    properties.append(f"title={diagnostic.rule}")
    return f"::{level} {','.join(properties)}::{escaped(diagnostic.message, prop=False)}"
