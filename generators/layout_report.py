"""The report: every record with its holes, every map, what was renamed, what differs."""

from __future__ import annotations

import json
from typing import Any

from mapschema.document import layout_document
from mapschema.generators import GeneratedFile, Request
from mapschema.generators.templating import comment_lines
from mapschema.layout import RecordLayout
from mapschema.mapsizes import key_size, value_size
from mapschema.reporters import diagnostic_entry
from mapschema.textlayout import record_text
from mapschema.types import MapDef, spell


def generate(request: Request) -> list[GeneratedFile]:
    """``STEM_report.txt`` and ``STEM_report.json``."""
    return [
        GeneratedFile(f"{request.stem}_report.txt", _text(request)),
        GeneratedFile(f"{request.stem}_report.json", _json(request)),
    ]


def _text(request: Request) -> str:
    layouts = request.layouts
    source = " ".join(comment_lines(request.source_name))
    lines = [f"Layout report for {source} ({layouts.abi.name}), by mapschema."]
    findings = request.findings
    if findings:
        lines += ["", f"Findings: {len(findings)}"]
        for item in findings:
            path, line, column = item.where
            place = f"{request.shown(path)}:{line}:{column}"
            lines.append(f"  {place}: {item.severity}[{item.rule}]: {item.message}")
            if item.help:
                lines.append(f"    help: {item.help}")
    elif request.compared:
        lines += ["", f"No differences from {', '.join(request.compared)}."]
    for record in request.schema.records:
        layout: RecordLayout = layouts.record(record)
        lines += ["", *record_text(layout, layouts)]
        plan = request.go.record(record)
        if plan is not None:
            note = f"  Go: {plan.name}"
            if plan.byte_members:
                note += f"; stored without alignment, since Go would misplace them: {', '.join(plan.byte_members)}"
            if plan.omitted:
                note += f"; not in Go, of no size: {', '.join(plan.omitted)}"
            lines.append(note)
    if request.go.failed:
        lines += ["", "No Go type:"]
        lines += [f"  {item.display_name}: {why}" for item, why in request.go.failed]
    if request.schema.maps:
        lines += ["", "Maps:"]
        for found in request.schema.maps:
            lines += _map_lines(found, request, "  ")
    if request.go.renamed:
        lines += ["", "Renamed in Go, since the name was taken:"]
        lines += [
            f"  {source_name}: {got}, not {wanted}"
            for source_name, wanted, got in request.go.renamed
        ]
    return "\n".join(lines) + "\n"


def _map_lines(item: MapDef, request: Request, indent: str) -> list[str]:
    layouts = request.layouts
    key = f"{spell(item.key)}, " if item.key is not None else ""
    value = f"{spell(item.value)}, " if item.value is not None else ""
    lines = [
        f"{indent}{item.name}: {item.type}, key {key}{key_size(item, layouts)} bytes, "
        f"value {value}{value_size(item, layouts)} bytes, max_entries {item.max_entries}"
    ]
    if item.carries:
        names = ", ".join(r.spelling for r in item.carries)
        how = {"schema": "the schema", "annotation": "its annotation"}.get(
            item.carries_from, item.carries_from
        )
        lines.append(f"{indent}  carries {names} (known from {how})")
    if item.inner is not None:
        lines += _map_lines(item.inner, request, indent + "  ")
    return lines


def _show_paths(value: Any, request: Request) -> None:
    """Makes each ``path`` in the document one for an output."""
    if isinstance(value, dict):
        if isinstance(value.get("path"), str):
            value["path"] = request.shown(value["path"])
        for item in value.values():
            _show_paths(item, request)
    elif isinstance(value, list):
        for item in value:
            _show_paths(item, request)


def _json(request: Request) -> str:
    document: dict[str, Any] = layout_document([request.schema], request.layouts)
    _show_paths(document, request)
    document["source"] = request.shown(request.schema.path)
    document["go"] = {
        "package": request.go_package,
        "types": [
            {"name": r.record.name or r.record.typedef_name, "go": r.name}
            for r in request.go.records
        ],
        "failed": [{"name": item.display_name, "why": why} for item, why in request.go.failed],
        "renamed": [{"name": s, "wanted": w, "go": g} for s, w, g in request.go.renamed],
    }
    document["compared"] = list(request.compared)
    document["diagnostics"] = [diagnostic_entry(f) for f in request.findings]
    _show_paths(document["diagnostics"], request)
    return json.dumps(document, indent=2) + "\n"
