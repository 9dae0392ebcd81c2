"""The blocks of code of the document that the tool has to work with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

SEED = Path(__file__).parent.parent / "data" / "ebpf-map-handler.md"
_BLOCK = re.compile(
    r"^#{2,4} (?P<title>[^\n]+)\n+```(?P<language>c|go)\n(?P<code>.*?)^```$", re.M | re.S
)


@dataclass(frozen=True)
class Block:
    title: str
    language: str
    code: str


def blocks(language: str | None = None) -> list[Block]:
    """The blocks under their headings, unedited, in order."""
    text = SEED.read_text(encoding="utf-8")
    found = [Block(m["title"], m["language"], m["code"]) for m in _BLOCK.finditer(text)]
    return [b for b in found if language in (None, b.language)]


def block(title: str) -> Block:
    """The one block under a heading that holds `title`."""
    (found,) = [b for b in blocks() if title in b.title]
    return found
