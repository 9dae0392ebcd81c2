"""The preprocessor against clang -E: the same tokens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mapschema.diagnostics import Diagnostics
from mapschema.frontends.c.preprocessor import COptions, Preprocessor
from mapschema.frontends.c.tokens import tokenize
from mapschema.source import SourceFile
from support.clang import run_clang

CASES = {
    "object": "#define A 1 + B\n#define B A\nint x = A; int B;",
    "function": "#define F(x, y) x * (y)\nF(1, F(2, 3)) F (a, (b, c))\nF",
    "stringify": '#define S(x) #x\n#define X(x) S(x)\n#define N 3\nS(N) X(N) S("a\\n" \'"\')  S( a   b )',
    "paste": "#define C(a, b) a##b\nC(x, 1) C(, y) C(z,) C(+, +)",
    "variadic": "#define V(f, ...) f(__VA_ARGS__)\nV(a) V(a, b) V(a, b, c)",
    "gnu comma": "#define V(f, ...) f(x, ##__VA_ARGS__)\nV(a) V(a, b) V(a, b, c)",
    "named variadic": "#define V(f, args...) f(x, ##args)\nV(a) V(a, b, c)",
    "va_opt": "#define V(f, ...) f(x __VA_OPT__(,) __VA_ARGS__)\nV(a) V(a, b) V(a,)",
    "recursion": "#define f(x) x f\n#define g f(1) (2)\nf(1)(2) g\n#define z z[0]\nz",
    "standard example": (
        "#define x 3\n#define f(a) f(x * (a))\n#undef x\n#define x 2\n#define g f\n#define z z[0]\n"
        "#define h g(~\n#define m(a) a(w)\n#define w 0,1\n#define t(a) a\n"
        "f(y+1) + f(f(z)) % t(t(g)(0) + t)(1);\ng(x+(3,4)-w) | h 5) & m\n(f)^m(m);"
    ),
    "conditions": (
        "#define A 3\n#if A == 3 && defined(A) && !defined B\nyes\n#elif 1\nno\n#else\nno\n#endif\n"
        "#ifdef A\n#ifndef A\nno\n#else\nyes\n#endif\n#endif\n#if 0\n'unclosed\n#endif\n"
        "#if (1 ? 2 : 3) == 2 && -1 > 0u && 0x10 == 16 && 'a' == 97\nyes\n#endif\n#if 0 && 1/0\nno\n#endif\n"
        "#if 18446744073709551615 == -1\nwrap\n#endif\n#if 1 << 3 == 8 || 0\nshift\n#endif\n#if undefined_name\nno\n#else\nzero\n#endif"
    ),
    "has from a macro": (
        "#define prereq(a, b) ((4 << 16) + 2 >= ((a) << 16) + (b))\n#define has(x) __has_attribute (x)\n"
        "#if prereq (2, 96) || has (__packed__)\nyes\n#endif\n#if has (packed) && L'\\0' - 1 < 0\nyes\n#endif\n"
        "#if !defined A \\\n && (prereq (3, 4) || has (x))\nyes\n#endif"
    ),
    "elifdef": "#define A\n#ifdef B\nno\n#elifdef A\nyes\n#elifndef A\nno\n#endif",
    "splices": "#define LONG a \\\n b \\\n c\nLONG in\\\nt x;",
    "counter": "#define U __COUNTER__\nU U U",
    "line": "a __LINE__\n\n__LINE__",
    "comments": "a/**/b // c\n/* x\ny */ d",
    "empty arguments": "#define F(a) [a]\n#define G() x\nF() G() F(G())",
    "multi line call": "#define F(a, b) a-b\nF(1,\n  2)",
    "pragma operator": '#define SEC(n) _Pragma("GCC diagnostic push") __attribute__((section(n), used)) _Pragma("GCC diagnostic pop")\nint x SEC("maps");',
    "numbers": "1e+5 0x1p-3 1'000 .5f 1..2 0b11 12abc",
    "strings": 'L"a" u8"b" U\'c\' "\\"" \'\\\'\'',
    "predefined": "__SIZEOF_LONG__ __bpf__ __CHAR_BIT__ __SIZE_TYPE__ __UINT64_TYPE__ __LONG_MAX__ __BYTE_ORDER__ __SIZEOF_LONG_DOUBLE__",
    "libbpf": (
        "#define __uint(name, val) int (*name)[val]\n#define __type(name, val) typeof(val) *name\n"
        '#define MAP(n, t, k, v, m) struct { __uint(type, t); __uint(max_entries, m); __type(key, k); __type(value, v); } n SEC(".maps")\n'
        "#define SEC(x) __attribute__((section(x)))\nMAP(flows, 9, struct flow_key, struct { int a; int b; }, 1 << 10);"
    ),
    "structs made by macros": "#define FIELD(t, n) t n##_field;\n#define LIST(X) X(int, a) X(long, b)\nstruct s { LIST(FIELD) };",
    "kernel style": "#define __PASTE2(a, b) a##b\n#define __PASTE(a, b) __PASTE2(a, b)\n#define __ulong(name, val) enum { __PASTE(__unique_value, __COUNTER__) = val } name\n__ulong(map_extra, 1);",
}


def words(text: str) -> list[str]:
    return [t.text for t in tokenize(SourceFile("x", text), Diagnostics())]


@pytest.mark.parametrize("name", CASES)
def test_as_clang(name: str, tmp_path: Path) -> None:
    source = tmp_path / "x.c"
    source.write_text(CASES[name] + "\n")
    theirs = run_clang("-target", "bpfel", "-E", "-P", "-std=gnu23", str(source))
    assert theirs.returncode == 0, theirs.stderr
    expected = words(
        "\n".join(x for x in theirs.stdout.splitlines() if not x.startswith("#pragma"))
    )
    diagnostics = Diagnostics()
    tokens = Preprocessor(COptions(), diagnostics).run(SourceFile(str(source), source.read_text()))
    assert [d.message for d in diagnostics] == []
    assert [t.text for t in tokens if t.kind != "pragma"] == expected


def test_includes(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.h").write_text(
        '#ifndef A_H\n#define A_H\n#include "b.h"\nint a;\n#endif\n'
    )
    (tmp_path / "sub" / "b.h").write_text("#pragma once\nint b;\n")
    (tmp_path / "forced.h").write_text("#define FORCED 7\n")
    main = tmp_path / "main.c"
    main.write_text(
        '#include <a.h>\n#include "sub/b.h"\n#include <a.h>\n#define H <a.h>\n#include H\n'
        "#if __has_include(<a.h>) && !__has_include(<none.h>)\nint has = FORCED + X;\n#endif\n"
    )
    flags = ["-I", str(tmp_path / "sub"), "-D", "X=3"]
    theirs = run_clang(
        "-target", "bpfel", "-E", "-P", *flags, "-include", str(tmp_path / "forced.h"), str(main)
    )
    assert theirs.returncode == 0, theirs.stderr
    options = COptions(
        include=(str(tmp_path / "sub"),), defines=("X=3",), forced=(str(tmp_path / "forced.h"),)
    )
    tokens = Preprocessor(options, Diagnostics()).run(SourceFile(str(main), main.read_text()))
    assert [t.text for t in tokens] == words(theirs.stdout)


def test_places_lead_to_the_users_text() -> None:
    file = SourceFile("x.h", "#define M(a) struct { a }\n\nM(int x;) y;\nlo\\\nng z;")
    tokens = {t.text: t for t in Preprocessor(COptions(), Diagnostics()).run(file)}
    assert (tokens["x"].span.line, tokens["x"].span.column) == (3, 7)
    assert (tokens["struct"].span.line, tokens["struct"].span.column) == (3, 1)
    assert (tokens["z"].span.line, tokens["z"].span.column) == (5, 4)


def test_undefine_and_last_definition_win() -> None:
    options = COptions(defines=("A", "B=2", "F(x)=x+1"), undefines=("A",))
    tokens = Preprocessor(options, Diagnostics()).run(SourceFile("x", "A B F(3)"))
    assert [t.text for t in tokens] == ["A", "2", "3", "+", "1"]


def test_every_token_is_found_again() -> None:
    text = 'int x = 3; /* c */ char *s = "a b";'
    for token in tokenize(SourceFile("x", text), Diagnostics()):
        assert text[token.pos : token.pos + token.length] == token.text
    assert re.sub(r"\s|/\*.*?\*/", "", text) == "".join(
        t.text.replace(" ", "") for t in tokenize(SourceFile("x", text), Diagnostics())
    )
