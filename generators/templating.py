"""The jinja2 environment of the built-in generators, and text that is safe in comments."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mapschema.cachedir import cache_folder

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined

    folder = cache_folder()
    return Environment(
        # jinja2 checks the cached code against the template's text and its own version
        bytecode_cache=FileSystemBytecodeCache(folder) if folder else None,
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        autoescape=False,
    )


def render(template: str, **values: Any) -> str:
    """The rendered template, a path below ``generators/templates``."""
    return _environment().get_template(template).render(**values)


def comment_lines(text: str, width: int = 96) -> list[str]:
    """Text from the input as lines for a comment of C or Go.

    Nothing in it can end a comment, continue a line, or pass for a directive.
    """
    lines: list[str] = []
    for raw in text.splitlines():
        line = (
            "".join(c if c.isprintable() else " " for c in raw)
            .replace("*/", "* /")
            .replace("/*", "/ *")
        )
        lines.append(line.rstrip().rstrip("\\").rstrip()[:width])
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    return lines
