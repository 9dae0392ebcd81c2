"""The Go file: types with C's layout, their accessors, and the helper types."""

from __future__ import annotations

from typing import Any

from mapschema.generators import GeneratedFile, Request
from mapschema.generators.gotext import columns, doc_comment, quote
from mapschema.generators.templating import comment_lines, render
from mapschema.golayout import Accessor, GoRecord, GoType
from mapschema.types import Enum

HELPERS_FILE = "mapschema_types.go"


def generate(request: Request) -> list[GeneratedFile]:
    """``STEM_layout.go`` and ``mapschema_types.go``."""
    writer = _Writer(request)
    body = writer.body()
    text = render(
        "go_structs/layout.go.j2",
        source=" ".join(comment_lines(request.source_name)),
        package=request.go_package,
        imports=sorted(writer.imports),
        body=body,
    )
    helpers = render("go_structs/types.go.j2", package=request.go_package)
    return [
        GeneratedFile(f"{request.stem}_layout.go", text),
        GeneratedFile(HELPERS_FILE, helpers),
    ]


class _Writer:
    def __init__(self, request: Request) -> None:
        self.request = request
        self.imports: set[str] = set()

    def body(self) -> str:
        """Everything behind the imports."""
        parts: list[str] = []
        plan = self.request.go
        if self.request.schema.consts:
            parts.append(self._constants())
        for name, enum, base in plan.enums:
            parts.append(self._enum(name, enum, base) if name else self._values(enum))
        parts += [self._record(record) for record in plan.records]
        for failed, why in plan.failed:
            lines = comment_lines(f"{failed.display_name} has no Go type: {why}.")
            parts.append("\n".join(f"// {line}" for line in lines))
        return "\n\n".join(part for part in parts if part) or "// The source defines no records."

    # -- constants and enums ----------------------------------------------

    def _constants(self) -> str:
        rows: list[tuple[str, ...] | str] = []
        for const in self.request.schema.consts:
            rows += doc_comment(const.doc, "\t")
            rows.append((self.request.go.const_names[const.name], f"= {const.value}"))
        return "\n".join(["// Constants of the schema.", "const (", *columns(rows), ")"])

    def _values(self, enum: Enum) -> str:
        """An enum without a name: constants without a type."""
        rows: list[tuple[str, ...] | str] = []
        for value in enum.values:
            rows += doc_comment(value.doc, "\t")
            rows.append((self.request.go.value_names[id(enum), value.name], f"= {value.value}"))
        head = doc_comment(enum.doc) or ["// Constants of an enum without a name."]
        return "\n".join([*head, "const (", *columns(rows), ")"])

    def _enum(self, name: str, enum: Enum, base: GoType) -> str:
        rows: list[tuple[str, ...] | str] = []
        cases: list[dict[str, Any]] = []
        seen: set[int] = set()
        for value in enum.values:
            go_name = self.request.go.value_names[id(enum), value.name]
            rows += doc_comment(value.doc, "\t")
            rows.append(
                (
                    go_name,
                    name,
                    f"= {value.value:#x}"
                    if enum.flags and value.value >= 0
                    else f"= {value.value}",
                )
            )
            if value.value not in seen:
                seen.add(value.value)
                cases.append({"go": go_name, "text": quote(value.name), "value": value.value})
        signed = base.text.startswith("int")
        if enum.flags:
            self.imports |= {"strconv", "strings"}
            cases = [c for c in cases if c["value"]]
        else:
            self.imports.add("strconv")
        spelled = f"enum {enum.name}" if enum.name else enum.display_name
        head = doc_comment(enum.doc)
        if not head or not head[0].startswith(f"// {name} "):
            head = [f"// {name} is {spelled}."] + (["//", *head] if head else [])
        return render(
            "go_structs/enum.go.j2",
            doc=head,
            name=name,
            base=base.text,
            signed=signed,
            rows=columns(rows),
            cases=cases,
            flags=enum.flags,
        ).rstrip("\n")

    # -- records ----------------------------------------------------------

    def _record(self, plan: GoRecord) -> str:
        self.imports.add("unsafe")
        record = plan.record
        spelled = (
            record.spelling
            if record.name or record.typedef_name
            else f"a {record.kind} without a name"
        )
        head = doc_comment(record.doc)
        if not head or not head[0].startswith(f"// {plan.name} "):
            head = [f"// {plan.name} is {spelled}, {plan.size} bytes."] + (
                ["//", *head] if head else []
            )
        if plan.omitted:
            head += [
                "//",
                f"// Not in it, since Go can't hold members of no size: {', '.join(plan.omitted)}.",
            ]
        accessors = [self._accessor(item, plan) for item in plan.accessors]
        if plan.addresses:
            self.imports.add("net/netip")
        offsets: list[tuple[str, str]] = []
        rows: list[tuple[str, ...] | str] = []
        if not plan.is_union:
            self.imports.add("structs")
            rows.append(("_", "structs.HostLayout"))
            for item in plan.fields:
                rows += doc_comment(item.doc, "\t")
                unit = f", {' '.join(comment_lines(item.unit))}" if item.unit else ""
                bits = (
                    f", bit-fields {', '.join(item.members)}"
                    if item.name.endswith("Bits") and len(item.members) > 1
                    else ""
                )
                rows.append((item.name, item.type.text, f"// {item.offset}{unit}{bits}"))
                if item.name != "_":
                    offsets.append((str(item.offset), item.name))
            self.imports |= {"fmt", "io"}
        return render(
            "go_structs/record.go.j2",
            doc=head,
            name=plan.name,
            size=plan.size,
            union=plan.is_union,
            rows=columns(rows),
            asserts=columns(
                [
                    (f"_ [{plan.size}]byte", f"= [unsafe.Sizeof({plan.name}{{}})]byte{{}}"),
                    *[
                        (f"_ [{at}]byte", f"= [unsafe.Offsetof({plan.name}{{}}.{name})]byte{{}}")
                        for at, name in offsets
                    ],
                ]
            ),
            accessors=accessors,
            addresses=plan.addresses,
            shown=self._shown(plan),
            prefix=quote(f"{self.request.go_package}: {record.display_name}: sample of ")[1:-1],
        ).rstrip("\n")

    def _shown(self, plan: GoRecord) -> dict[str, str]:
        """Format and arguments of String()."""
        names: list[tuple[str, str, str]] = []
        strings = {a.storage: a for a in plan.accessors if a.kind == "string"}
        by_storage: dict[str, list[Accessor]] = {}
        for accessor in plan.accessors:
            if accessor.kind != "string":
                by_storage.setdefault(accessor.storage, []).append(accessor)
        for item in plan.fields:
            if item.name == "_":
                continue
            if item.name in by_storage:
                names += [(a.name, "%v", f"r.{a.name}()") for a in by_storage[item.name]]
            elif item.name in strings:
                names.append((item.name, "%q", f"r.{item.name}String()"))
            else:
                names.append((item.name, "%v", f"r.{item.name}"))
        return {
            "format": "{" + " ".join(f"{name}:{verb}" for name, verb, _ in names) + "}",
            "arguments": "".join(f", {argument}" for _, _, argument in names),
        }

    def _accessor(self, item: Accessor, plan: GoRecord) -> dict[str, Any]:
        storage = f"r.{item.storage}" if item.storage else "r"
        view: dict[str, Any] = {
            "kind": item.kind,
            "name": item.name,
            "type": item.type.text,
            "storage": storage,
            "member": item.member,
            "doc": doc_comment(item.doc),
            "offset": item.offset,
            "end": item.offset + item.type.size,
            "union": plan.is_union,
        }
        if item.kind == "string":
            self.imports.add("bytes")
            view["size"] = item.storage_type.size
        elif item.kind == "bits":
            self._bits(item, view)
        return view

    def _bits(self, item: Accessor, view: dict[str, Any]) -> None:
        """Expressions of a bit-field's getter and setter, for both byte orders."""
        width, at = item.bit_width, item.bit_offset
        view |= {"at": at, "width": width, "signed": item.signed, "bool": item.is_bool}
        bits = item.storage_type.size * 8
        view["word"] = not item.storage_type.text.startswith("[")
        view["mask"] = f"{(1 << width) - 1:#x}"
        if not view["word"]:
            return
        view["bits"] = bits
        view["storage_type"] = item.storage_type.text
        view["signed_type"] = item.storage_type.text[1:]
        view["little"] = at
        view["big"] = bits - at - width
        view["little_mask"] = f"{((1 << width) - 1) << at:#x}"
        view["big_mask"] = f"{((1 << width) - 1) << (bits - at - width):#x}"
