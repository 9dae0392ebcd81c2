"""The main job: schemas in, generated files and findings out.  Writes nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from mapschema.abi import BPFEL
from mapschema.diagnostics import Diagnostic, Diagnostics
from mapschema.frontends.c.preprocessor import COptions
from mapschema.generators import BUILTIN, GeneratedFile, Request
from mapschema.golayout import plan_schemas
from mapschema.layout import Layouts
from mapschema.load import load, share, stem_of
from mapschema.types import Schema

EMIT = tuple(BUILTIN)


@dataclass(frozen=True, slots=True)
class Compiled:
    """The files of a run, and what comparisons with other sides found."""

    files: tuple[GeneratedFile, ...]
    findings: tuple[Diagnostic, ...]


def compile_inputs(
    paths: Sequence[str],
    options: COptions,
    diagnostics: Diagnostics,
    *,
    emit: Sequence[str] = EMIT,
    go_package: str | None = None,
    types: Sequence[str] = (),
    against: Sequence[str] = (),
    folder: str = ".",
) -> Compiled:
    """Reads the inputs and generates what `emit` names, for the output folder `folder`.

    What stops the run goes to `diagnostics`; then there are no files.
    """
    stems: dict[str, str] = {}
    schemas: list[Schema] = []
    for path in paths:
        stem = stem_of(path)
        if stem in stems:
            diagnostics.error(
                "MS023",
                f"'{stems[stem]}' and '{path}' would both write {stem}_layout.h",
                path=path,
                help="rename one, or compile them to two folders",
            )
            continue
        stems[stem] = path
        schema = load(path, options, diagnostics, types=types)
        if schema is not None:
            schemas.append(schema.without_map_definitions())
    if diagnostics.has_errors:
        return Compiled((), ())
    layouts = Layouts(BPFEL)
    shared = share(schemas, layouts, diagnostics)
    if diagnostics.has_errors:
        return Compiled((), ())
    findings: list[Diagnostic] = []
    if against:
        from mapschema.compare import compare_against

        for side in against:
            findings += compare_against(schemas, side, layouts, diagnostics, options)
    if diagnostics.has_errors:
        return Compiled((), ())
    plans = plan_schemas(shared.schemas, layouts, shared.canonical)
    package = go_package or next((s.go_package for s in schemas if s.go_package), None)
    package = package or os.environ.get("GOPACKAGE") or "main"
    files: dict[str, GeneratedFile] = {}
    for schema, plan, includes in zip(shared.schemas, plans, shared.includes, strict=True):
        request = Request(
            schema=schema,
            layouts=layouts,
            go=plan,
            stem=schema.stem,
            go_package=package,
            source_name=os.path.basename(schema.path),
            findings=tuple(findings),
            compared=tuple(os.path.basename(side) for side in against),
            folder=folder,
            foreign=frozenset(shared.canonical),
            includes=includes,
        )
        for name in emit:
            for file in BUILTIN[name](request):
                files[file.name] = file
    return Compiled(tuple(files.values()), tuple(findings))
