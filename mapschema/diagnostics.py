"""What went wrong, and where: values, never exceptions that reach a user.

A pass gets a `Diagnostics` collector, adds to it and goes on to the next
mistake.  Only `reporters` turns diagnostics into text.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from mapschema.source import Span

Severity = Literal["error", "warning", "note"]

MAX_DIAGNOSTICS = 1000
"""A run stops adding after this many, so that a hostile file can't fill memory."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding about the input.

    `rule` is an id such as ``MS011``; `path` is used where there is no span (a
    file that could not be opened).  `help` says what to do next.  `record` and
    `member` name what the finding is about, for machines.
    """

    rule: str
    severity: Severity
    message: str
    span: Span | None = None
    path: str | None = None
    help: str | None = None
    record: str | None = None
    member: str | None = None
    fix: str | None = None

    @property
    def where(self) -> tuple[str, int, int]:
        """Path, line and column; line and column are 0 where there is no span."""
        if self.span is not None:
            return (self.span.path, self.span.line, self.span.column)
        return (self.path or "", 0, 0)


class Diagnostics:
    """Collects diagnostics in the order they are found, each once."""

    def __init__(self) -> None:
        self._items: list[Diagnostic] = []
        self._seen: set[tuple[str, str, str, int]] = set()

    def add(self, diagnostic: Diagnostic) -> None:
        span = diagnostic.span
        key = (
            diagnostic.rule,
            diagnostic.message,
            span.path if span else diagnostic.path or "",
            span.start if span else -1,
        )
        if key not in self._seen and len(self._items) < MAX_DIAGNOSTICS:
            self._seen.add(key)
            self._items.append(diagnostic)

    def error(self, rule: str, message: str, span: Span | None = None, **about: str | None) -> None:
        """Adds an error; `about` are `path`, `help`, `record` and `member` of the diagnostic."""
        self.add(Diagnostic(rule, "error", message, span, **about))

    def warning(
        self, rule: str, message: str, span: Span | None = None, **about: str | None
    ) -> None:
        """Adds a warning; `about` as for an error."""
        self.add(Diagnostic(rule, "warning", message, span, **about))

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    @property
    def has_errors(self) -> bool:
        return any(item.severity == "error" for item in self._items)


def suggest(name: str, candidates: Iterable[str]) -> str:
    """`, did you mean 'x'?` for the nearest candidate, or an empty string."""
    pool = sorted({c for c in candidates if c and abs(len(c) - len(name)) <= 3})
    near = difflib.get_close_matches(name, pool, n=1, cutoff=0.65)
    return f", did you mean '{near[0]}'?" if near else ""
