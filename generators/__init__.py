"""Generators: pure functions from a laid-out schema to files.

A generator gets a `Request` and returns `GeneratedFile` values; it never
writes.  The built-in ones get what a third party's gets.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from mapschema.diagnostics import Diagnostic
from mapschema.golayout import GoPlan
from mapschema.layout import Layouts
from mapschema.types import Schema

__all__ = ["BUILTIN", "GeneratedFile", "Generator", "Request"]


@dataclass(frozen=True, slots=True)
class GeneratedFile:
    """A file to write: its name without a folder, and its whole text."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """What a generator gets.

    `layouts` answers sizes and offsets for bpfel; `go` is the plan of the Go
    types; `stem` is the input's name without its endings; `findings` are what
    comparisons with the sides in `compared` found.
    """

    schema: Schema
    layouts: Layouts
    go: GoPlan
    stem: str
    go_package: str
    source_name: str
    findings: tuple[Diagnostic, ...] = ()
    compared: tuple[str, ...] = ()
    folder: str = "."
    """The output folder: paths in outputs are relative to it, so that they say nothing of a machine."""
    foreign: frozenset[int] = frozenset()
    """`id` of the records and enums that the file of another input holds."""
    includes: tuple[str, ...] = ()
    """Stems of the other inputs that hold them."""

    def shown(self, path: str) -> str:
        """A path for an output: relative to the output folder, a system's header as it is."""
        if path.startswith(("<", "/usr/")):
            return path
        try:
            return os.path.relpath(path, self.folder).replace(os.sep, "/")
        except ValueError:  # another drive
            return path


Generator = Callable[[Request], list[GeneratedFile]]


def _load(module: str) -> Generator:
    def run(request: Request) -> list[GeneratedFile]:
        from importlib import import_module

        generate: Generator = import_module(f"mapschema.generators.{module}").generate
        return generate(request)

    return run


BUILTIN: dict[str, Generator] = {
    "c": _load("c_header"),
    "go": _load("go_structs"),
    "bpf2go": _load("bpf2go_types"),
    "report": _load("layout_report"),
}
"""Generators by the name that ``--emit`` takes; each is imported when it runs."""
