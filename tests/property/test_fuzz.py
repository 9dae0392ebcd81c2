"""Mutated sources: each run ends with a result or a diagnostic, never with an internal error.

MAPSCHEMA_FUZZ sets how many mutations of each source are tried.
"""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

import pytest

from support.cli import run
from support.seed import blocks

ROUNDS = int(os.environ.get("MAPSCHEMA_FUZZ", "60"))
DATA = Path(__file__).parent.parent / "data"
SOURCES: dict[str, str] = {
    "flow.c": blocks("c")[-1].code,
    "event.c": blocks("c")[2].code,
    "tricky.h": (DATA / "tricky_names.h").read_text(),
    "netmon.mapschema": (DATA / "netmon.mapschema").read_text(),
    "table.go": blocks("go")[0].code,
}
WORDS = re.compile(r"\w+|[^\w\s]|\s+")
SPICE = [
    "{", "}", "(", ")", "[", "]", ";", ",", ":", "*", "@", "#", "##", "\\\n", '"', "'", "/*", "*/", "//", "\n#if ", "\n#endif\n",
    "\n#define X(a) a##a #a\n", "struct", "union", "enum", "typedef", "__attribute__((packed))", "__attribute__((aligned(", "sizeof",
    "typeof", "-1", "0", "0xffffffffffffffffffff", "1e9", "'\\x'", "u32", "pad auto;", "map", "flags", "@go(X)", "@packed", "unsigned",
    "_Static_assert(0);", "SEC(\".maps\")", "__uint(", "\0", "é", "🐝", "// mapschema: @ipv4\n", "...", "<<", "? :", "&&", "const",
]  # fmt: skip


def mutate(text: str, chosen: random.Random) -> str:
    pieces = WORDS.findall(text)
    for _ in range(chosen.choice((1, 1, 2, 4, 12))):
        at = chosen.randrange(len(pieces))
        match chosen.randrange(6):
            case 0:
                del pieces[at]
            case 1:
                pieces.insert(at, chosen.choice(SPICE))
            case 2:
                pieces[at] = chosen.choice(SPICE)
            case 3:
                other = chosen.randrange(len(pieces))
                pieces[at], pieces[other] = pieces[other], pieces[at]
            case 4:
                start = chosen.randrange(len(pieces))
                pieces[at:at] = pieces[start : start + chosen.randrange(1, 30)]
            case 5:
                del pieces[at : at + chosen.randrange(1, 40)]
        if not pieces:
            return ""
    return "".join(pieces)


@pytest.mark.parametrize("name", SOURCES)
def test_mutations(name: str, tmp_path: Path) -> None:
    (tmp_path / "flow.h").write_text(
        "struct flow_key { int a; char b; }; struct flow_stats { long packets[4]; };\n"
    )
    for seed in range(ROUNDS):
        text = mutate(SOURCES[name], random.Random(f"{name} {seed}"))
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        out = tmp_path / f"out{seed}"
        if name.endswith(".go"):
            result = run("compare", tmp_path / "flow.h", path)
        else:
            result = run("compile", path, "-o", out)
        assert result.status in (0, 1, 2)
        assert "MS090" not in result.err, f"seed {seed}: {result.err}\n{text}"
        if result.status == 2:
            assert "error[MS" in result.err or "usage" in result.err
            assert not out.exists()
