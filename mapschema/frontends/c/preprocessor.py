"""C's preprocessor: files in, one stream of expanded tokens out.

Expansion follows Prosser's algorithm (hide sets), as the standard's committee
published it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from mapschema.abi import ABIS, Abi
from mapschema.diagnostics import Diagnostics, suggest
from mapschema.frontends.c import kerneltypes, standins
from mapschema.frontends.c.bulk import BulkText, BulkToken, stretches
from mapschema.frontends.c.conditions import evaluate
from mapschema.frontends.c.integers import ConstantError
from mapschema.frontends.c.tokens import NO_HIDE, Token, tokenize, tokenize_range
from mapschema.source import ReadError, SourceFile, Span, read_source

MAX_TOKENS = 8_000_000
MAX_EXPANSIONS = 500_000
MAX_INCLUDE_DEPTH = 100

_PREDEFINED = {
    "__STDC__": "1", "__STDC_HOSTED__": "1", "__STDC_VERSION__": "202311L", "__clang__": "1",
    "__clang_major__": "18", "__clang_minor__": "0", "__clang_patchlevel__": "0", "__GNUC__": "4",
    "__GNUC_MINOR__": "2", "__GNUC_PATCHLEVEL__": "1", "__GNUC_STDC_INLINE__": "1",
    "__CHAR_BIT__": "8", "__ELF__": "1", "__SIZEOF_INT__": "4", "__SIZEOF_LONG_LONG__": "8",
    "__SIZEOF_SHORT__": "2", "__SIZEOF_FLOAT__": "4", "__SIZEOF_DOUBLE__": "8",
    "__SIZEOF_WCHAR_T__": "4", "__ORDER_LITTLE_ENDIAN__": "1234", "__ORDER_BIG_ENDIAN__": "4321",
    "__ORDER_PDP_ENDIAN__": "3412", "__INT_MAX__": "2147483647", "__SCHAR_MAX__": "127",
    "__SHRT_MAX__": "32767", "__LONG_LONG_MAX__": "9223372036854775807LL",
    "__INT8_TYPE__": "signed char", "__INT16_TYPE__": "short", "__INT32_TYPE__": "int",
    "__UINT8_TYPE__": "unsigned char", "__UINT16_TYPE__": "unsigned short",
    "__UINT32_TYPE__": "unsigned int", "__WCHAR_TYPE__": "int", "__WINT_TYPE__": "unsigned int",
    "__CHAR16_TYPE__": "unsigned short", "__CHAR32_TYPE__": "unsigned int",
    "__VERSION__": '"clang"', "__OPTIMIZE__": "1",
}  # fmt: skip
_MACHINE = {
    "bpfel": "__bpf__ __BPF__", "bpfeb": "__bpf__ __BPF__", "amd64": "__x86_64__ __x86_64 __linux__",
    "386": "__i386__ __i386 __linux__", "arm64": "__aarch64__ __linux__", "arm": "__arm__ __linux__",
    "riscv64": "__riscv __linux__", "s390x": "__s390x__ __s390__ __linux__",
    "ppc64le": "__powerpc64__ __PPC64__ __linux__", "mips64le": "__mips64 __mips__ __linux__",
    "loong64": "__loongarch64 __loongarch__ __linux__",
}  # fmt: skip


def predefined(abi: Abi) -> dict[str, str]:
    """The macros that clang predefines for a target, as far as layout can depend on them."""
    macros = dict(_PREDEFINED)
    macros |= dict.fromkeys(_MACHINE[abi.name].split(), "1")
    wide = abi.long_size == 8
    word = "long int" if wide else "int"
    macros |= {
        "__SIZEOF_LONG__": str(abi.long_size),
        "__SIZEOF_POINTER__": str(abi.pointer_size),
        "__SIZEOF_SIZE_T__": str(abi.pointer_size),
        "__SIZEOF_PTRDIFF_T__": str(abi.pointer_size),
        "__SIZEOF_LONG_DOUBLE__": str(abi.floats["long double"][0]),
        "__LONG_MAX__": "9223372036854775807L" if wide else "2147483647L",
        "__SIZE_TYPE__": "long unsigned int" if wide else "unsigned int",
        "__PTRDIFF_TYPE__": word,
        "__INTPTR_TYPE__": word,
        "__UINTPTR_TYPE__": "long unsigned int" if wide else "unsigned int",
        "__INT64_TYPE__": "long int" if wide else "long long int",
        "__UINT64_TYPE__": "long unsigned int" if wide else "long long unsigned int",
        "__INTMAX_TYPE__": "long int" if wide else "long long int",
        "__UINTMAX_TYPE__": "long unsigned int" if wide else "long long unsigned int",
    }
    if wide:
        macros |= {"__LP64__": "1", "_LP64": "1"}
    if "int128" in abi.ints:
        macros["__SIZEOF_INT128__"] = "16"
    if not abi.char_signed:
        macros["__CHAR_UNSIGNED__"] = "1"
    order = abi.byte_order.upper()
    macros |= {"__BYTE_ORDER__": f"__ORDER_{order}_ENDIAN__", f"__{order}_ENDIAN__": "1"}
    return macros


_HAS = {"__has_include", "__has_include_next", "__has_attribute", "__has_builtin", "__has_feature",
        "__has_extension", "__has_c_attribute", "__has_declspec_attribute", "__has_warning",
    "__building_module"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class COptions:
    """How to read C: the flags every command that reads C takes.

    `defines` are ``NAME`` or ``NAME=VALUE`` in the order given; `forced` are
    the files of ``--include``.
    """

    include: tuple[str, ...] = ()
    isystem: tuple[str, ...] = ()
    defines: tuple[str, ...] = ()
    undefines: tuple[str, ...] = ()
    forced: tuple[str, ...] = ()
    abi: str = "bpfel"
    """The target whose sizes and predefined macros hold, a name of `ABIS`."""
    system_folders: tuple[str, ...] | None = None
    """Where the machine's own headers are; None for the usual folders."""


@dataclass(slots=True)
class Macro:
    """A macro's definition; `params` is None for an object-like one."""

    name: str
    params: list[str] | None
    body: list[Token]
    variadic: str | None = None
    builtin: bool = False


def system_folders() -> tuple[str, ...]:
    """The machine's own header folders, those that exist."""
    found = ["/usr/local/include"]
    try:
        multiarch = sorted(
            p for p in os.listdir("/usr/include") if p.endswith(("-linux-gnu", "-linux-gnueabihf"))
        )
    except OSError:
        multiarch = []
    found += [f"/usr/include/{name}" for name in multiarch] + ["/usr/include"]
    return tuple(folder for folder in found if os.path.isdir(folder))


class Preprocessor:
    """Preprocesses one translation unit; `run` gives its tokens."""

    def __init__(self, options: COptions, diagnostics: Diagnostics) -> None:
        self.options = options
        self.diagnostics = diagnostics
        self.macros: dict[str, Macro] = {}
        self.kernel_types = False
        """Whether a vmlinux.h was asked for that only the kernel's own BTF can give."""
        self._standins: set[str] = set()
        self.output: list[Token] = []
        self._counter = 0
        self._expansions = 0
        self.stopped = False
        """True where a limit ended the run: what came out is no whole unit."""
        self._once: set[str] = set()
        self._guards: dict[str, str] = {}
        self._files: dict[str, SourceFile] = {}
        self._warned_standins: set[str] = set()
        folders = options.system_folders
        self._system = system_folders() if folders is None else folders
        self._define_text(predefined(ABIS[options.abi]).items(), "<built-in>")

    # -- entry ------------------------------------------------------------

    def run(self, file: SourceFile) -> list[Token]:
        """All tokens of the file and what it includes, macros expanded."""
        pairs = []
        for item in self.options.defines:
            name, equals, value = item.partition("=")
            pairs.append((name, value if equals else "1"))
        self._define_text(pairs, "<command line>")
        for name in self.options.undefines:
            self.macros.pop(name, None)
        for name in self.options.forced:
            self._include_forced(name, file)
        self._process(file, os.path.dirname(file.path), 0)
        return self.output

    def _define_text(self, pairs: Iterable[tuple[str, str]], origin: str) -> None:
        text = "".join(f"#define {name} {value}\n" for name, value in pairs)
        self._process(SourceFile(origin, text, builtin=origin == "<built-in>"), "", 0)

    # -- files ------------------------------------------------------------

    def _process(self, file: SourceFile, folder: str, depth: int) -> None:
        tokens = self._tokens(file)
        run: list[Token] = []
        stack: list[_Condition] = []
        at, count = 0, len(tokens)
        active = True
        self._note_guard(file, tokens)
        while at < count and not self.stopped:
            token = tokens[at]
            if isinstance(token, BulkToken):
                at += 1
                if active:
                    self._flush(run)
                    run = []
                    self._bulk(token)
                continue
            if not (token.bol and token.text == "#" and token.kind == "punct"):
                stop = at + 1
                while stop < count and not (
                    tokens[stop].bol and (tokens[stop].text == "#" or tokens[stop].kind == "bulk")
                ):
                    stop += 1
                if active:
                    run.extend(tokens[at:stop])
                at = stop
                continue
            stop = at + 1
            while stop < count and not tokens[stop].bol:
                stop += 1
            line = tokens[at + 1 : stop]
            at = stop
            name = line[0].text if line else ""
            if name in _CONDITIONALS:
                active = self._conditional(name, token, line, stack, active)
                continue
            if not active or not line:
                continue
            if name == "include" or name == "include_next":
                self._flush(run)
                run = []
                self._include(line, folder, depth, is_next=name == "include_next", current=file)
            elif name == "define":
                self._flush(run)
                run = []
                self._define(line, file.builtin)
            elif name == "undef":
                self._flush(run)
                run = []
                if len(line) > 1:
                    self.macros.pop(line[1].text, None)
            elif name == "pragma":
                self._flush(run)
                run = []
                self._pragma(line, token, file)
            elif name == "error":
                words = " ".join(t.text for t in line[1:])
                self.diagnostics.error("MS004", f"#error {words}", token.span)
            elif name in ("warning", "line", "ident", "sccs", "embed") or line[0].kind == "num":
                continue
            else:
                hint = suggest(name, _DIRECTIVES)
                self.diagnostics.error("MS004", f"unknown directive '#{name}'{hint}", token.span)
        self._flush(run)
        if stack and not self.stopped:
            self.diagnostics.error(
                "MS004", f"#{stack[-1].name} without #endif", stack[-1].token.span
            )

    def _tokens(self, file: SourceFile) -> list[Token]:
        """The tokens of a file; a large stretch of plain declarations is one token."""
        ranges = stretches(file)
        if not ranges:
            return tokenize(file, self.diagnostics)
        tokens: list[Token] = []
        at = 0
        for start, end in ranges:
            tokens += tokenize_range(file, at, start, self.diagnostics)
            tokens.append(BulkToken(BulkText(file, start, end)))
            at = end
        return tokens + tokenize_range(file, at, len(file.text), self.diagnostics)

    def _bulk(self, token: BulkToken) -> None:
        """Passes a stretch on as it is, or as tokens where a macro or its style asks for that."""
        names = {*self.macros, *_SPECIAL, *standins.MACROS}
        if token.bulk.is_plain() and not token.bulk.mentions(names):
            self.output.append(token)
        else:
            self._flush(token.bulk.all_tokens())

    def _flush(self, run: list[Token]) -> None:
        if run:
            self.output.extend(self.expand(run))
            if len(self.output) > MAX_TOKENS:
                self._stop("the input has too many tokens", run[0].span)

    def _stop(self, message: str, span: Span) -> None:
        if not self.stopped:
            self.diagnostics.error("MS007", message, span)
        self.stopped = True

    def _note_guard(self, file: SourceFile, tokens: list[Token]) -> None:
        """Remembers the macro of an include guard that spans the whole file."""
        if len(tokens) > 4 and tokens[0].text == "#" and tokens[1].text == "ifndef":
            name = tokens[2].text
            if (
                tokens[3].text == "#"
                and tokens[4].text == "define"
                and tokens[5:6]
                and tokens[5].text == name
            ):
                depth = 0
                for index, token in enumerate(tokens):
                    if token.bol and token.text == "#" and index + 1 < len(tokens):
                        word = tokens[index + 1].text
                        if word.startswith("if"):
                            depth += 1
                        elif word == "endif":
                            depth -= 1
                            if depth == 0 and not any(t.bol for t in tokens[index + 1 :]):
                                self._guards[file.path] = name

    # -- conditionals -----------------------------------------------------

    def _conditional(
        self, name: str, token: Token, line: list[Token], stack: list[_Condition], active: bool
    ) -> bool:
        if name in ("if", "ifdef", "ifndef"):
            true = active and self._condition(name, line, token)
            stack.append(_Condition(name, token, active, true))
            return true
        if not stack:
            self.diagnostics.error("MS004", f"#{name} without #if", token.span)
            return active
        top = stack[-1]
        if name == "endif":
            stack.pop()
            return top.outer
        if top.has_else:
            self.diagnostics.error("MS004", f"#{name} after #else", token.span)
            return False
        if name == "else":
            top.has_else = True
            true = top.outer and not top.taken
        else:
            test = {"elif": "if", "elifdef": "ifdef", "elifndef": "ifndef"}[name]
            true = top.outer and not top.taken and self._condition(test, line, token)
        top.taken = top.taken or true
        return true

    def _condition(self, name: str, line: list[Token], token: Token) -> bool:
        if name in ("ifdef", "ifndef"):
            if len(line) < 2:
                self.diagnostics.error("MS004", f"#{name} without a name", token.span)
                return False
            defined = line[1].text in self.macros or line[1].text in _HAS
            return defined == (name == "ifdef")
        try:
            expanded = self.expand(self._defined(line[1:], token), in_condition=True)
            # glibc's macros expand to __has_attribute (x) and the like
            return evaluate(self._defined(expanded, token))
        except ConstantError as error:
            self.diagnostics.error("MS004", str(error), (line[1] if len(line) > 1 else token).span)
            return False

    def _defined(self, line: list[Token], at: Token) -> list[Token]:
        """The tokens with `defined X` and the __has_ family answered."""
        result: list[Token] = []
        index = 0
        while index < len(line):
            token = line[index]
            index += 1
            if token.text == "defined" and token.kind == "id":
                paren = index < len(line) and line[index].text == "("
                name_at = index + 1 if paren else index
                if name_at >= len(line):
                    raise ConstantError("'defined' without a name")
                name = line[name_at].text
                index = name_at + (2 if paren else 1)
                result.append(_number(token, int(name in self.macros or name in _HAS)))
            elif token.text in _HAS and index < len(line) and line[index].text == "(":
                depth, stop = 0, index
                while stop < len(line):
                    depth += {"(": 1, ")": -1}.get(line[stop].text, 0)
                    stop += 1
                    if depth == 0:
                        break
                inner = line[index + 1 : stop - 1]
                index = stop
                result.append(_number(token, self._has(token.text, inner, at)))
            else:
                result.append(token)
        return result

    def _has(self, what: str, inner: list[Token], at: Token) -> int:
        if not what.startswith("__has_include"):
            name = inner[0].text.strip("_") if inner else ""
            return int(name in _ATTRIBUTES) if what in ("__has_attribute", "__has_builtin") else 0
        if inner and inner[0].kind == "id":
            inner = self.expand(inner)
        target = _include_name(inner)
        if target is None:
            raise ConstantError("__has_include needs a header's name")
        name, angled = target
        folder = os.path.dirname(at.file.path)
        return int(self._find(name, angled, folder, None) is not None or name in standins.NAMES)

    # -- includes ---------------------------------------------------------

    def _include_forced(self, name: str, main: SourceFile) -> None:
        found = self._find(name, False, "", None)
        if found is None:
            self.diagnostics.error("MS005", "no such file (from --include)", path=name)
            return
        self._include_path(found, Span(main, 0, 0), 1)

    def _include(
        self, line: list[Token], folder: str, depth: int, *, is_next: bool, current: SourceFile
    ) -> None:
        rest = line[1:]
        if rest and rest[0].kind == "id":
            rest = self.expand(rest)
        target = _include_name(rest)
        if target is None:
            self.diagnostics.error("MS004", '#include needs "file" or <file>', line[0].span)
            return
        name, angled = target
        span = Span(
            line[0].file,
            rest[0].pos,
            max(rest[0].pos + rest[0].length, rest[-1].pos + rest[-1].length),
        )
        if depth >= MAX_INCLUDE_DEPTH:
            self._stop("includes are nested too deeply (a cycle?)", span)
            return
        found = self._find(name, angled, folder, current if is_next else None)
        if found is not None:
            self._include_path(found, span, depth + 1)
            return
        text = standins.read(name)
        if text is not None:
            if name not in self._standins:
                self._standins.add(name)
                if not current.builtin:
                    self.diagnostics.warning(
                        "MS006",
                        f"<{name}> is not on this machine; using mapschema's own small stand-in",
                        span,
                        help="name its folder with -I or -isystem to read the real header",
                    )
            path = f"<stand-in {name}>"
            if path not in self._once:
                self._once.add(path)
                self._process(SourceFile(path, text, builtin=True), "", depth + 1)
            return
        if os.path.basename(name) == "vmlinux.h" and kerneltypes.is_there():
            self.kernel_types = True
            self.diagnostics.warning(
                "MS006",
                f"'{name}' not found; its types come from this machine's own kernel ({kerneltypes.KERNEL_BTF})",
                span,
                help="other kernels may differ: name the folder of your own vmlinux.h with -I",
            )
            return
        self.diagnostics.warning(
            "MS005",
            f"'{name}' not found; going on without it",
            span,
            help="name its folder with -I; it matters only if a type from it is needed",
        )

    def _find(self, name: str, angled: bool, folder: str, after: SourceFile | None) -> str | None:
        folders: list[str] = []
        if not angled:
            folders.append(folder)
        folders += [*self.options.include, *self.options.isystem, *self._system]
        if after is not None:
            here = os.path.normpath(after.path)
            for index, candidate in enumerate(folders):
                if os.path.normpath(os.path.join(candidate, name)) == here:
                    folders = folders[index + 1 :]
                    break
        if os.path.isabs(name):
            return name if os.path.isfile(name) else None
        for candidate in folders:
            path = os.path.join(candidate, name)
            if os.path.isfile(path):
                return path
        return None

    def _include_path(self, path: str, span: Span, depth: int) -> None:
        real = os.path.realpath(path)
        guard = self._guards.get(path)
        if real in self._once or (guard is not None and guard in self.macros):
            return
        file = self._files.get(real)
        if file is None:
            try:
                file = read_source(Path(path), path)
            except ReadError as error:
                self.diagnostics.error("MS001", f"'{path}' {error}", span)
                return
            self._files[real] = file
        self._process(file, os.path.dirname(path), depth)

    # -- macros -----------------------------------------------------------

    def _define(self, line: list[Token], builtin: bool) -> None:
        if len(line) < 2 or line[1].kind != "id":
            self.diagnostics.error("MS004", "#define needs a name", line[0].span)
            return
        name = line[1].text
        body = line[2:]
        params: list[str] | None = None
        variadic = None
        if body and body[0].text == "(" and not body[0].space:
            params = []
            index = 1
            while index < len(body) and body[index].text != ")":
                token = body[index]
                if token.text == "...":
                    variadic = "__VA_ARGS__"
                    params.append(variadic)
                elif token.kind == "id":
                    params.append(token.text)
                    if index + 1 < len(body) and body[index + 1].text == "...":
                        variadic = token.text
                        index += 1
                elif token.text != ",":
                    self.diagnostics.error("MS004", "bad parameter list in #define", token.span)
                    return
                index += 1
            if index >= len(body):
                self.diagnostics.error("MS004", "unclosed parameter list in #define", line[1].span)
                return
            body = body[index + 1 :]
        self.macros[name] = Macro(name, params, body, variadic, builtin)

    def expand(self, tokens: list[Token], *, in_condition: bool = False) -> list[Token]:
        """The tokens with all macros expanded."""
        macros = self.macros
        if not in_condition and not any(
            t.kind == "id" and (t.text in macros or t.text in _SPECIAL or t.text in standins.MACROS)
            for t in tokens
        ):
            return tokens
        output: list[Token] = []
        stack = tokens[::-1]
        while stack:
            token = stack.pop()
            if token.kind != "id":
                output.append(token)
                continue
            name = token.text
            macro = macros.get(name)
            if macro is None:
                special = _SPECIAL.get(name)
                if special is not None and (made := special(self, token, stack)) is not None:
                    output.extend(made)
                    continue
                if name in standins.MACROS and not in_condition and self._borrow(token, stack):
                    macro = macros[name]
                else:
                    output.append(token)
                    continue
            if name in token.hide:
                output.append(token)
                continue
            self._expansions += 1 + len(macro.body)
            if self._expansions > MAX_EXPANSIONS:
                self._stop(f"macro '{name}' expands without an end in sight", token.span)
                return output
            if macro.params is None:
                hide = token.hide | {name}
                body = self._substitute(macro, {}, {}, token, hide)
            else:
                if not stack or stack[-1].text != "(":
                    output.append(token)
                    continue
                arguments = self._arguments(macro, token, stack)
                if arguments is None:
                    output.append(token)
                    continue
                closing, raw = arguments
                hide = (token.hide & closing.hide) | {name}
                expanded = _Lazy(raw, self)
                body = self._substitute(macro, raw, expanded, token, hide)
            if body:
                body[0].space = token.space or body[0].space
                body[0].bol = token.bol
            stack.extend(reversed(body))
        return output

    def _borrow(self, token: Token, stack: list[Token]) -> bool:
        """Takes a libbpf macro that no include defined from our stand-in, with a warning."""
        header, needs_call = standins.MACROS[token.text]
        if token.file.builtin or (needs_call and (not stack or stack[-1].text != "(")):
            return False
        if header not in self._warned_standins:
            self._warned_standins.add(header)
            self.diagnostics.warning(
                "MS006",
                f"'{token.text}' is not defined by any include; using mapschema's own <{header}>",
                token.span,
                help=f"add #include <{header}>",
            )
        own = Preprocessor(COptions(system_folders=()), Diagnostics())
        own._process(
            SourceFile(f"<stand-in {header}>", standins.read(header) or "", builtin=True), "", 0
        )
        for name, macro in own.macros.items():
            if name in standins.MACROS and name not in self.macros:
                self.macros[name] = macro
        return token.text in self.macros

    def _arguments(
        self, macro: Macro, token: Token, stack: list[Token]
    ) -> tuple[Token, dict[str, list[Token]]] | None:
        assert macro.params is not None
        opening = len(stack)
        saved: list[Token] = [stack.pop()]
        args: list[list[Token]] = [[]]
        depth = 1
        while stack:
            current = stack.pop()
            saved.append(current)
            text = current.text
            if current.kind == "punct":
                if text == "(":
                    depth += 1
                elif text == ")":
                    depth -= 1
                    if depth == 0:
                        break
                elif (
                    text == ","
                    and depth == 1
                    and not (macro.variadic and len(args) >= len(macro.params))
                ):
                    args.append([])
                    continue
            args[-1].append(current)
        if depth:
            stack.extend(reversed(saved))
            assert len(stack) == opening
            self.diagnostics.error(
                "MS007", f"unterminated call of macro '{macro.name}'", token.span
            )
            self.stopped = True
            return None
        if len(args) == 1 and not args[0] and not macro.params:
            args = []
        if macro.variadic and len(args) == len(macro.params) - 1:
            args.append([])
        if len(args) != len(macro.params):
            self.diagnostics.error(
                "MS007",
                f"macro '{macro.name}' takes {len(macro.params)} arguments, not {len(args)}",
                token.span,
            )
            return None
        return saved[-1], dict(zip(macro.params, args, strict=True))

    def _substitute(
        self,
        macro: Macro,
        raw: dict[str, list[Token]],
        expanded: dict[str, list[Token]] | _Lazy,
        at: Token,
        hide: frozenset[str],
    ) -> list[Token]:
        output: list[Token] = []
        body = macro.body
        index, count = 0, len(body)
        while index < count:
            token = body[index]
            nxt = body[index + 1] if index + 1 < count else None
            if (
                token.text == "#"
                and macro.params is not None
                and nxt is not None
                and nxt.text in raw
            ):
                output.append(_string(raw[nxt.text], at))
                index += 2
                continue
            if (
                token.text == "__VA_OPT__"
                and macro.variadic
                and nxt is not None
                and nxt.text == "("
            ):
                stop = _closing(body, index + 1)
                if raw[macro.variadic]:
                    inner = Macro(
                        macro.name, macro.params, body[index + 2 : stop - 1], macro.variadic
                    )
                    output.extend(self._substitute(inner, raw, expanded, at, hide))
                index = stop
                continue
            if token.text == "##" and index > 0 and nxt is not None:
                right = raw.get(nxt.text) if nxt.kind == "id" else None
                if right is None:
                    right = [nxt.placed(at, NO_HIDE)]
                comma = bool(output) and output[-1].text == ","
                if comma and macro.variadic and nxt.text == macro.variadic:
                    # GNU's comma: it goes with empty variable arguments.
                    if right:
                        output.extend(t.hidden(t.hide) for t in expanded[nxt.text])
                    else:
                        output.pop()
                elif right:
                    rest = [t.hidden(t.hide) for t in right]
                    if output and output[-1].kind != "placemarker":
                        output[-1] = _paste(output[-1], rest[0], at)
                        output.extend(rest[1:])
                    else:
                        if output:
                            output.pop()
                        output.extend(rest)
                index += 2
                continue
            if token.kind == "id" and token.text in raw:
                if nxt is not None and nxt.text == "##":
                    argument = raw[token.text]
                    if not argument:
                        output.append(Token("placemarker", "", at.file, at.pos, at.length))
                else:
                    argument = expanded[token.text]
                for position, item in enumerate(argument):
                    copy = item.hidden(item.hide)
                    if position == 0:
                        copy.space = token.space
                    output.append(copy)
            else:
                output.append(token.placed(at, token.hide))
            index += 1
        return [
            t if t.hide >= hide else t.hidden(t.hide | hide)
            for t in output
            if t.kind != "placemarker"
        ]

    # -- pragmas ----------------------------------------------------------

    def _pragma(self, line: list[Token], token: Token, file: SourceFile) -> None:
        words = [t.text for t in line[1:]]
        if words[:1] == ["once"]:
            self._once.add(os.path.realpath(file.path))
        elif words[:1] == ["pack"]:
            body = self.expand(line[2:])
            self.output.append(self._pack(body, token))

    def _pack(self, body: list[Token], token: Token) -> Token:
        text = "".join(t.text for t in body)
        return Token("pragma", text, token.file, token.pos, token.length)


class _Lazy(dict[str, list[Token]]):
    """Arguments, expanded when they are first asked for."""

    def __init__(self, raw: dict[str, list[Token]], preprocessor: Preprocessor) -> None:
        super().__init__()
        self.raw = raw
        self.preprocessor = preprocessor

    def __missing__(self, name: str) -> list[Token]:
        self[name] = value = self.preprocessor.expand(list(self.raw[name]))
        return value


@dataclass(slots=True)
class _Condition:
    name: str
    token: Token
    outer: bool
    taken: bool
    has_else: bool = False


_CONDITIONALS = {"if", "ifdef", "ifndef", "elif", "elifdef", "elifndef", "else", "endif"}
_DIRECTIVES = [*_CONDITIONALS, "include", "define", "undef", "pragma", "error", "warning", "line"]
_ATTRIBUTES = {
    "packed", "aligned", "section", "always_inline", "noinline", "unused", "used", "weak",
    "visibility", "preserve_access_index", "btf_decl_tag", "btf_type_tag", "deprecated", "noreturn",
    "builtin_memcpy", "builtin_memset", "builtin_preserve_access_index", "builtin_bswap16",
    "builtin_bswap32", "builtin_bswap64", "builtin_expect", "builtin_offsetof",
}  # fmt: skip


def _number(token: Token, value: int) -> Token:
    return Token("num", str(value), token.file, token.pos, token.length)


def _string(tokens: list[Token], at: Token) -> Token:
    text = ""
    for index, token in enumerate(tokens):
        if index and (token.space or token.bol):
            text += " "
        text += (
            re.sub(r'(["\\])', r"\\\1", token.text) if token.kind in ("str", "chr") else token.text
        )
    return Token("str", f'"{text}"', at.file, at.pos, at.length)


def _paste(left: Token, right: Token, at: Token) -> Token:
    text = left.text + right.text
    if re.fullmatch(r"[A-Za-z_$\x80-\U0010ffff][\w$]*", text):
        kind = "id"
    elif re.fullmatch(r"\.?[0-9](?:[eEpP][-+]|[\w.'])*", text):
        kind = "num"
    elif text.endswith(('"', "'")):
        kind = "str" if text.endswith('"') else "chr"
    else:
        kind = "punct"
    return Token(kind, text, at.file, at.pos, at.length, left.space, False, left.hide & right.hide)


def _closing(tokens: list[Token], opening: int) -> int:
    """Index behind the parenthesis that closes the one at `opening`."""
    depth = 0
    for index in range(opening, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[index].text, 0)
        if depth == 0:
            return index + 1
    return len(tokens)


def _include_name(tokens: list[Token]) -> tuple[str, bool] | None:
    if not tokens:
        return None
    first = tokens[0]
    if first.kind == "str":
        return (first.text[1:-1], False) if first.text.startswith('"') else None
    if first.text == "<":
        text = ""
        for index, token in enumerate(tokens[1:]):
            if token.text == ">":
                return text, True
            text += (" " if token.space and index else "") + token.text
    return None


def _line(pp: Preprocessor, token: Token, stack: list[Token]) -> list[Token]:
    return [_number(token, token.file.position(token.pos)[0])]


def _file_name(pp: Preprocessor, token: Token, stack: list[Token]) -> list[Token]:
    path = token.file.path.replace("\\", "\\\\").replace('"', '\\"')
    return [Token("str", f'"{path}"', token.file, token.pos, token.length)]


def _count(pp: Preprocessor, token: Token, stack: list[Token]) -> list[Token]:
    pp._counter += 1
    return [_number(token, pp._counter - 1)]


def _operator_pragma(pp: Preprocessor, token: Token, stack: list[Token]) -> list[Token] | None:
    if len(stack) < 3 or stack[-1].text != "(" or stack[-2].kind != "str" or stack[-3].text != ")":
        return None
    text = stack[-2].text
    del stack[-3:]
    inner = text[text.index('"') + 1 : -1].replace('\\"', '"').replace("\\\\", "\\").strip()
    if not re.match(r"pack\b", inner):
        return []
    made = tokenize(SourceFile(token.file.path, inner), Diagnostics())
    body = [Token(t.kind, t.text, token.file, token.pos, token.length) for t in made[1:]]
    return [pp._pack(pp.expand(body), token)]


_SPECIAL: dict[str, Callable[[Preprocessor, Token, list[Token]], list[Token] | None]] = {
    "__LINE__": _line,
    "__FILE__": _file_name,
    "__COUNTER__": _count,
    "_Pragma": _operator_pragma,
}
