"""The bpf2go ``-type`` list and the ``//go:generate`` line."""

from __future__ import annotations

import os
import re

from mapschema.bpf2go import listing
from mapschema.generators import GeneratedFile, Request
from mapschema.generators.templating import comment_lines
from mapschema.gonames import exported


def generate(request: Request) -> list[GeneratedFile]:
    """``STEM_bpf2go.txt``.

    The line has ``-no-global-types``: else bpf2go adds each map's types, also
    those that it gets wrong, and stops at the ones that it can't write.
    """
    ident = exported(request.stem)
    found = listing(request.schema, request.layouts, ident)
    source = os.path.basename(request.schema.path)
    if not re.search(r"\.c$", source):
        source = f"{request.stem}.bpf.c"
    flags = "".join(f" -type {name}" for name in found.types)
    if re.search(r"[^\w./+-]", source):
        source = '"' + re.sub(r'[\\"\n\r]', "_", source) + '"'
    shown = " ".join(comment_lines(request.source_name))
    lines = [
        f"# bpf2go -type list for {shown}, by mapschema: the types that bpf2go gets right.",
        f"//go:generate go tool bpf2go -no-global-types{flags} {ident} {source}",
        *(f"-type {name}" for name in found.types),
        *(
            f"# left out: {name}: {' '.join(comment_lines(why, 400))}"
            for name, why in found.left_out
        ),
    ]
    return [GeneratedFile(f"{request.stem}_bpf2go.txt", "\n".join(lines) + "\n")]
