"""The grammar of ``.mapschema`` files, and the parser built from it."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lark import Lark

GRAMMAR_FILE = Path(__file__).parent / "mapschema.lark"


def _cache_file() -> str | bool:
    """Where lark may keep the tables it computed, beside the user's other caches."""
    root = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    if not os.path.isabs(root) or os.environ.get("MAPSCHEMA_NO_CACHE"):
        return False
    folder = os.path.join(root, "mapschema")
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError:
        return False
    return os.path.join(folder, "grammar.lark.cache") if os.access(folder, os.W_OK) else False


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
