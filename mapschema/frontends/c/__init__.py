"""The C frontend: a ``.h``, ``.c`` or ``.bpf.c`` text becomes a `Schema`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from mapschema.abi import ABIS
from mapschema.diagnostics import Diagnostics, suggest
from mapschema.frontends.c.declarations import Declaration, index, split
from mapschema.frontends.c.kerneltypes import Fallback, kernel_types
from mapschema.frontends.c.lower import Lowerer, Unresolved
from mapschema.frontends.c.maps import MapReader, carried_records
from mapschema.frontends.c.notes import Notes
from mapschema.frontends.c.preprocessor import COptions, Preprocessor
from mapschema.frontends.c.tokens import Token
from mapschema.source import SourceFile, Span
from mapschema.types import Enum, MapDef, Record, Schema, Type, Typedef, closure, map_types

__all__ = ["COptions", "CUnit", "read_c"]


class CUnit:
    """One preprocessed and indexed translation unit."""

    def __init__(self, file: SourceFile, options: COptions, diagnostics: Diagnostics) -> None:
        self.file = file
        self.diagnostics = diagnostics
        preprocessor = Preprocessor(options, diagnostics)
        tokens = preprocessor.run(file)
        self.index = index([] if preprocessor.stopped else split(tokens, diagnostics))
        self.notes = Notes(diagnostics)
        fallback: Fallback = _fallback(options.abi)
        self.from_kernel = preprocessor.kernel_types
        if self.from_kernel:
            fallback = kernel_types(options.abi, fallback)
        self.lowerer = Lowerer(self.index, self.notes, diagnostics, fallback, ABIS[options.abi])


@cache
def _fallback(abi: str) -> Lowerer:
    """Types and constants of the UAPI, for sources that include nothing."""
    text = "#include <linux/types.h>\n#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n"
    diagnostics = Diagnostics()
    tokens = Preprocessor(COptions(system_folders=(), abi=abi), diagnostics).run(
        SourceFile("<stand-ins>", text, builtin=True)
    )
    return Lowerer(
        index(split(tokens, diagnostics)), Notes(diagnostics), diagnostics, None, ABIS[abi]
    )


def read_c(
    file: SourceFile,
    options: COptions,
    diagnostics: Diagnostics,
    *,
    stem: str,
    types: Sequence[str] = (),
    everything: bool = False,
) -> Schema:
    """Reads a C source.

    The schema has the maps, every record and enum that the file itself
    defines, everything those reach, and the types named in `types` (a tag, a
    typedef, or ``struct tag``); with `everything` all that the includes define,
    too.  Mistakes go to `diagnostics`.
    """
    unit = CUnit(file, options, diagnostics)
    lowerer = unit.lowerer
    own_records: list[Record] = []
    own_enums: list[Enum] = []
    typedefs: list[Typedef] = []
    wanted = [i for i in unit.index.items if i.file is file or (everything and not i.file.builtin)]
    declarations: list[Declaration] = []
    for item in wanted:
        declarations += [item] if isinstance(item, Declaration) else item.declarations()
    for declaration in declarations:
        if declaration.body is not None:
            continue
        if declaration in unit.index.assertions:
            lowerer.check_assertion(declaration)
            continue
        if declaration in unit.index.maps:
            continue
        if not _defines_types(declaration.tokens):
            continue
        records, enums, made = lowerer.lower_all(declaration)
        own_records += [r for r in records if r not in own_records]
        own_enums += [e for e in enums if e not in own_enums]
        typedefs += made
    reader = MapReader(lowerer, unit.notes, diagnostics)
    maps: list[MapDef] = []
    for declaration in unit.index.maps:
        for found_map in reader.read(declaration):
            if found_map.type in ("RINGBUF", "PERF_EVENT_ARRAY", "USER_RINGBUF"):
                found_map = _with_carried(found_map, unit, lowerer)
            maps.append(found_map)
    named = _named(types, lowerer, file, diagnostics)
    typedefs += [item for item in named if isinstance(item, Typedef) and item not in typedefs]
    roots: list[Type] = [*own_enums, *own_records, *named]
    for found_map in maps:
        roots += map_types(found_map)
    records_out, enums_out = closure(roots)
    if not unit.from_kernel:
        _warn_fallback(lowerer, diagnostics)
    own = frozenset(id(item) for item in [*own_records, *own_enums])
    return Schema(
        path=file.path,
        stem=stem,
        records=records_out,
        enums=enums_out,
        typedefs=tuple(typedefs),
        maps=tuple(maps),
        own=own,
        ambiguous=frozenset(set(unit.index.tags) & set(unit.index.typedefs)),
        mentioned=_mentioned(unit),
        map_definitions=frozenset(reader.definitions),
    )


def _mentioned(unit: CUnit) -> frozenset[str]:
    """The words of the global variables' declarations: a type among them is in the BTF."""
    found: set[str] = set()
    for declaration in unit.index.variables.values():
        texts = {t.text for t in declaration.tokens}
        if declaration in unit.index.maps or texts & {"extern", "static"}:
            continue
        if "(" in texts and "__attribute__" not in texts:
            continue  # a function's prototype
        found |= texts
    return frozenset(found)


def _defines_types(tokens: list[Token]) -> bool:
    texts = {token.text for token in tokens}
    return "{" in texts and bool(texts & {"struct", "union", "enum"})


def _with_carried(item: MapDef, unit: CUnit, lowerer: Lowerer) -> MapDef:
    if item.value is not None and isinstance(_record(item.value), Record):
        record = _record(item.value)
        assert record is not None
        return replace(
            item, carries=(record,), carries_from="__type(value)", explicit_value_type=True
        )
    if item.carries:
        return item
    records, how = carried_records(item.name, unit.index.functions, lowerer)
    return replace(item, carries=records, carries_from=how)


def _record(type_: Type) -> Record | None:
    while isinstance(type_, Typedef):
        type_ = type_.target
    return type_ if isinstance(type_, Record) else None


def _named(
    names: Sequence[str], lowerer: Lowerer, file: SourceFile, diagnostics: Diagnostics
) -> list[Type]:
    """The types that ``--type`` asks for."""
    found: list[Type] = []
    for name in names:
        tag = name.split()[-1] if name.split()[:1] in (["struct"], ["union"], ["enum"]) else name
        made: Type | None = lowerer.record_or_enum(tag, Span(file, 0, 0))
        if made is None and tag == name:
            try:
                made = lowerer.typedef(tag)
            except Unresolved:
                made = None
        if made is None:
            if tag not in lowerer.index.tags and tag not in lowerer.index.typedefs:
                hint = suggest(tag, [*lowerer.index.tags, *lowerer.index.typedefs])
                diagnostics.error("MS022", f"--type {name}: no such type{hint}", path=file.path)
            continue
        found.append(made)
    return found


def _warn_fallback(lowerer: Lowerer, diagnostics: Diagnostics) -> None:
    if lowerer.used_fallback:
        name, span = next(iter(lowerer.used_fallback.items()))
        diagnostics.warning(
            "MS006",
            f"'{name}' is not defined by any include; using mapschema's own <linux/types.h> and <linux/bpf.h>",
            span,
            help="add #include <linux/types.h> or <linux/bpf.h>",
        )
