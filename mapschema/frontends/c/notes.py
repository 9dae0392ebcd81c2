"""Doc comments, and the annotations that stand in comments of C.

``__u32 src_ip; // mapschema: @ipv4 @be`` on a declaration's line or the line
before says what C can't.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mapschema.annotations import parse_words
from mapschema.diagnostics import Diagnostics
from mapschema.frontends.c.tokens import Comment, comments
from mapschema.source import SourceFile, Span


@dataclass(slots=True)
class _FileNotes:
    by_last_line: dict[int, Comment] = field(default_factory=dict)
    trailing: dict[int, Comment] = field(default_factory=dict)
    annotations: dict[int, dict[str, str]] = field(default_factory=dict)


class Notes:
    """The comments of files, by line; files are scanned when first asked for."""

    def __init__(self, diagnostics: Diagnostics) -> None:
        self._diagnostics = diagnostics
        self._files: dict[SourceFile, _FileNotes] = {}

    def _of(self, file: SourceFile) -> _FileNotes:
        notes = self._files.get(file)
        if notes is None:
            notes = self._files[file] = _FileNotes()
            for comment in comments(file):
                if comment.text.startswith("mapschema:"):
                    if comment.own_line:  # no doc, but a doc may stand above it
                        notes.by_last_line[comment.last_line] = replace(comment, text="")
                    words = comment.text[len("mapschema:") :].strip()
                    if not words.startswith("@"):
                        continue  # allow(...) and mirror are other passes' words
                    span = Span(file, comment.start, comment.end)
                    parsed = parse_words(words, span, self._diagnostics)
                    line = comment.last_line + (1 if comment.own_line else 0)
                    notes.annotations.setdefault(line, {}).update(parsed)
                elif comment.on_directive:
                    continue  # "#endif /* GUARD */" is about no declaration
                elif comment.own_line:
                    notes.by_last_line[comment.last_line] = comment
                else:
                    notes.trailing[comment.first_line] = comment
        return notes

    def doc(self, span: Span) -> str:
        """The comment above a declaration, or the one behind it on its line."""
        if span.file.builtin:
            return ""
        notes = self._of(span.file)
        if not notes.by_last_line and not notes.trailing:
            return ""
        line = span.line
        before = span.file.text[span.start - span.column + 1 : span.start]
        # "struct a { int x; }" on one line: what stands above is not about x
        first_on_line = not re.search(r"[{;,]", before)
        above = notes.by_last_line.get(line - 1) if first_on_line else None
        parts: list[str] = []
        while above is not None:
            if above.text:
                parts.append(above.text)
            above = notes.by_last_line.get(above.first_line - 1)
        if parts:
            return "\n".join(reversed(parts))
        behind = notes.trailing.get(line)
        return behind.text if behind is not None and behind.start >= span.start else ""

    def annotations(self, span: Span) -> Mapping[str, str]:
        """The ``@`` words for the declaration whose name stands at the span."""
        if span.file.builtin:
            return {}
        annotations = self._of(span.file).annotations
        return annotations.get(span.line, {}) if annotations else {}
