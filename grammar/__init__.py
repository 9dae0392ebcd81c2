"""The grammar of ``.mapschema`` files, and the parser built from it."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mapschema.cachedir import cache_folder

if TYPE_CHECKING:
    from lark import Lark

GRAMMAR_FILE = Path(__file__).parent / "mapschema.lark"


def _cache_file() -> str | bool:
    """Where lark keeps the tables it computed; it checks them against the grammar's text."""
    folder = cache_folder()
    return os.path.join(folder, "grammar.lark.cache") if folder else False


@cache
def parser(*, strict: bool = False) -> Lark:
    """The LALR parser; `strict` refuses any ambiguity (a test builds it so)."""
    from lark import Lark

    return Lark(
        GRAMMAR_FILE.read_text(encoding="utf-8"),
        parser="lalr",
        lexer="contextual",
        propagate_positions=True,
        maybe_placeholders=False,
        strict=strict,
        cache=False if strict else _cache_file(),
    )
