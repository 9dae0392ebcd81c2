"""The command line: arguments in, text and exit status out."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from mapschema import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mapschema.diagnostics import Diagnostic, Diagnostics
    from mapschema.frontends.c.preprocessor import COptions

CLEAN, FINDINGS, ERROR = 0, 1, 2

_ABIS = (
    "bpfel",
    "bpfeb",
    "amd64",
    "386",
    "arm64",
    "arm",
    "riscv64",
    "s390x",
    "ppc64le",
    "mips64le",
    "loong64",
)

_EXAMPLES = {
    "": """\
examples:
  mapschema compile flow.bpf.c -o gen/          C header, Go types, bpf2go list, report
  mapschema layout flow.bpf.c --type flow_key   offsets, sizes and holes
  mapschema compare flow.bpf.c table.go         does the Go mirror match?

exit status: 0 clean, 1 findings or stale outputs, 2 wrong use or unreadable input
""",
    "compile": """\
examples:
  mapschema compile flow.bpf.c
  mapschema compile netmon.mapschema -o gen/ --go-package netmon
  mapschema compile flow.h --emit go,report --against agent/table.go
  mapschema compile flow.bpf.c --check          status 1 if the outputs are stale
""",
    "layout": """\
examples:
  mapschema layout flow.bpf.c
  mapschema layout flow.bpf.c --type flow_key --abi arm
  mapschema layout flow.bpf.c --format json
""",
    "compare": """\
examples:
  mapschema compare flow.bpf.c agent/table.go
  mapschema compare flow.bpf.c agent/ --output-format github
  mapschema compare old/flow.h new/flow.h
""",
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(ERROR, f"mapschema: error: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="mapschema",
        description="One source of truth for the structs of eBPF maps: C, Go, bpf2go, and a mismatch report.",
        epilog=_EXAMPLES[""],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"mapschema {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)

    def command(name: str, help: str) -> argparse.ArgumentParser:
        made = commands.add_parser(
            name,
            help=help,
            description=help[0].upper() + help[1:] + ".",
            epilog=_EXAMPLES[name],
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        return made

    compile_ = command("compile", "write a C header, Go types, a bpf2go list and a report")
    compile_.add_argument("inputs", nargs="+", metavar="INPUT", help=".h, .c, .bpf.c or .mapschema")
    compile_.add_argument(
        "-o", "--output", default=".", metavar="DIR", help="folder for the outputs (default: .)"
    )
    compile_.add_argument(
        "--emit",
        default="c,go,bpf2go,report",
        metavar="LIST",
        help="of c,go,bpf2go,report (default: all)",
    )
    compile_.add_argument(
        "--go-package",
        metavar="P",
        help="the Go package's name (default: the schema's, $GOPACKAGE, main)",
    )
    compile_.add_argument(
        "--type",
        action="append",
        default=[],
        dest="types",
        metavar="T",
        help="also this type; repeatable",
    )
    compile_.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="PATH",
        help="compare with a Go file or folder, or another input; repeatable",
    )
    mode = compile_.add_mutually_exclusive_group()
    mode.add_argument(
        "--check", action="store_true", help="write nothing; status 1 if an output is stale"
    )
    mode.add_argument(
        "--diff",
        action="store_true",
        help="write nothing; show what would change, status 1 if anything",
    )
    _reading(compile_)

    layout = command("layout", "show sizes, offsets and holes")
    layout.add_argument("inputs", nargs="+", metavar="INPUT", help=".h, .c, .bpf.c or .mapschema")
    layout.add_argument(
        "--abi",
        default="bpfel",
        choices=_ABIS,
        metavar="ABI",
        help=f"one of {', '.join(_ABIS)} (default: bpfel)",
    )
    layout.add_argument(
        "--type",
        action="append",
        default=[],
        dest="types",
        metavar="T",
        help="only this type and what it holds; repeatable",
    )
    layout.add_argument(
        "--all", action="store_true", dest="everything", help="also what the includes define"
    )
    layout.add_argument("--base", metavar="BTF", help="the BTF that a module's split BTF builds on")
    layout.add_argument(
        "--format", default="text", choices=("text", "json"), help="(default: text)"
    )
    _reading(layout)

    compare = command("compare", "compare two sides: sources, schemas, Go files or folders")
    compare.add_argument("left", metavar="LEFT", help="an input, or a Go file or folder")
    compare.add_argument("right", metavar="RIGHT", help="an input, or a Go file or folder")
    compare.add_argument(
        "--output-format",
        default="text",
        choices=("text", "json", "github"),
        help="(default: text)",
    )
    _reading(compare)
    return parser


def _reading(parser: argparse.ArgumentParser) -> None:
    """The options of every command that reads C."""
    group = parser.add_argument_group("reading C")
    group.add_argument(
        "-I",
        action="append",
        default=[],
        dest="include",
        metavar="DIR",
        help="folder for includes; repeatable",
    )
    group.add_argument(
        "-isystem",
        action="append",
        default=[],
        dest="isystem",
        metavar="DIR",
        help="folder for <includes>; repeatable",
    )
    group.add_argument(
        "-D",
        action="append",
        default=[],
        dest="defines",
        metavar="NAME[=VALUE]",
        help="define a macro; repeatable",
    )
    group.add_argument(
        "-U",
        action="append",
        default=[],
        dest="undefines",
        metavar="NAME",
        help="undefine a macro; repeatable",
    )
    group.add_argument(
        "--include",
        action="append",
        default=[],
        dest="forced",
        metavar="FILE",
        help="include a file first; repeatable",
    )


def _split_isystem(argv: Sequence[str]) -> list[str]:
    """``-isystemDIR`` as two words; argparse knows only detached long options."""
    result: list[str] = []
    for word in argv:
        if word.startswith("-isystem") and len(word) > len("-isystem"):
            result += ["-isystem", word[len("-isystem") :].removeprefix("=")]
        else:
            result.append(word)
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit status."""
    words = _split_isystem(sys.argv[1:] if argv is None else argv)
    try:
        arguments = _parser().parse_args(words)
        if arguments.command is None:
            _parser().print_help()
            return ERROR
        handler = {"compile": _compile, "layout": _layout, "compare": _compare}[arguments.command]
        return handler(arguments)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else ERROR
    except BrokenPipeError:
        # The reader went away (a pager, head): no more output, no traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLEAN
    except KeyboardInterrupt:
        return 130
    except RecursionError:
        sys.stderr.write("mapschema: error[MS010]: the input is nested too deeply\n")
        return ERROR
    except MemoryError:
        sys.stderr.write("mapschema: error[MS007]: the input needs too much memory\n")
        return ERROR
    except Exception as error:
        if os.environ.get("MAPSCHEMA_DEBUG"):
            raise
        sys.stderr.write(
            f"mapschema: error[MS090]: internal error ({type(error).__name__}: {error})\n"
            "    help: this is a bug in mapschema; MAPSCHEMA_DEBUG=1 shows where\n"
        )
        return ERROR


def _options(arguments: argparse.Namespace) -> COptions:
    from mapschema.frontends.c.preprocessor import COptions

    return COptions(
        include=tuple(arguments.include),
        isystem=tuple(arguments.isystem),
        defines=tuple(arguments.defines),
        undefines=tuple(arguments.undefines),
        forced=tuple(arguments.forced),
        abi=getattr(arguments, "abi", "bpfel"),
    )


def _wants_colour(stream: object) -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return bool(getattr(stream, "isatty", lambda: False)())


def _show(diagnostics: Iterable[Diagnostic], *, to_stdout: bool = False) -> None:
    from mapschema.reporters import sort_key, text

    stream = sys.stdout if to_stdout else sys.stderr
    colour = _wants_colour(stream)
    for item in sorted(diagnostics, key=sort_key):
        stream.write(text(item, colour=colour) + "\n")


def _stopped(diagnostics: Diagnostics, then: str = "") -> bool:
    """Shows what hampers the run; True where it can't go on, said with what follows from that."""
    _show(diagnostics)
    errors = sum(1 for d in diagnostics if d.severity == "error")
    if errors:
        sys.stderr.write(f"mapschema: {errors} error{'s' if errors > 1 else ''}{then}\n")
    return errors > 0


def _compile(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from mapschema import output
    from mapschema.compile import EMIT, compile_inputs
    from mapschema.diagnostics import Diagnostics

    emit = [word for word in arguments.emit.split(",") if word]
    unknown = [word for word in emit if word not in EMIT]
    if unknown or not emit:
        from mapschema.diagnostics import suggest

        hint = suggest(unknown[0], EMIT) if unknown else ""
        sys.stderr.write(
            f"mapschema: error: --emit: unknown output '{(unknown or [''])[0]}'{hint}; "
            f"there are {', '.join(EMIT)}\n"
        )
        return ERROR
    if arguments.go_package is not None and not _is_package(arguments.go_package):
        sys.stderr.write(
            f"mapschema: error: --go-package: '{arguments.go_package}' is no Go package name\n"
        )
        return ERROR
    diagnostics = Diagnostics()
    compiled = compile_inputs(
        arguments.inputs,
        _options(arguments),
        diagnostics,
        emit=emit,
        go_package=arguments.go_package,
        types=arguments.types,
        against=arguments.against,
        folder=arguments.output,
    )
    if _stopped(diagnostics, ", nothing written"):
        return ERROR
    folder = Path(arguments.output)
    _show(compiled.findings, to_stdout=True)
    status = FINDINGS if any(f.severity == "error" for f in compiled.findings) else CLEAN
    if arguments.check or arguments.diff:
        stale = output.stale(compiled.files, folder)
        if arguments.diff:
            sys.stdout.write(output.diff(compiled.files, folder))
        else:
            for item in stale:
                sys.stdout.write(f"{folder / item.name}: stale; run mapschema compile again\n")
        return FINDINGS if stale else status
    try:
        written = output.write(compiled.files, folder)
    except output.WriteError as error:
        sys.stderr.write(f"mapschema: error[MS001]: {error}\n")
        return ERROR
    for path in written:
        sys.stderr.write(f"wrote {path}\n")
    return status


def _is_package(name: str) -> bool:
    from mapschema.gonames import KEYWORDS

    return name.isidentifier() and name.isascii() and name != "_" and name not in KEYWORDS


def _layout(arguments: argparse.Namespace) -> int:
    from dataclasses import replace

    from mapschema.abi import ABIS
    from mapschema.diagnostics import Diagnostics
    from mapschema.layout import Layouts
    from mapschema.load import load
    from mapschema.types import Enum, Record, closure

    diagnostics = Diagnostics()
    options = _options(arguments)
    schemas = []
    for path in arguments.inputs:
        schema = load(
            path,
            options,
            diagnostics,
            types=arguments.types,
            everything=arguments.everything,
            base=arguments.base,
        )
        if schema is not None:
            schemas.append(schema)
    if _stopped(diagnostics):
        return ERROR
    if arguments.types:
        names = {name.split()[-1] for name in arguments.types}
        for at, schema in enumerate(schemas):
            items: list[Record | Enum] = [*schema.enums, *schema.records]
            roots = [
                item
                for item in items
                if {item.name, item.typedef_name} & names
                or any(t.name in names and t.target is item for t in schema.typedefs)
            ]
            records, enums = closure(roots)
            schemas[at] = replace(schema, records=records, enums=enums, maps=())
    layouts = Layouts(ABIS[arguments.abi])
    if arguments.format == "json":
        import json

        from mapschema.document import layout_document

        sys.stdout.write(json.dumps(layout_document(schemas, layouts), indent=2) + "\n")
        return CLEAN
    from mapschema.textlayout import record_text

    lines: list[str] = []
    for schema in schemas:
        for record in schema.records:
            lines += [*record_text(layouts.record(record), layouts), ""]
    sys.stdout.write("\n".join(lines))
    return CLEAN


def _compare(arguments: argparse.Namespace) -> int:
    from mapschema.compare import compare_sides
    from mapschema.diagnostics import Diagnostics
    from mapschema.reporters import as_json, github, sort_key

    diagnostics = Diagnostics()
    findings = compare_sides(arguments.left, arguments.right, _options(arguments), diagnostics)
    if _stopped(diagnostics):
        return ERROR
    if arguments.output_format == "json":
        sys.stdout.write(as_json(sorted(findings, key=sort_key)))
    elif arguments.output_format == "github":
        for item in sorted(findings, key=sort_key):
            sys.stdout.write(github(item) + "\n")
    else:
        _show(findings, to_stdout=True)
    return FINDINGS if any(f.severity != "note" for f in findings) else CLEAN
