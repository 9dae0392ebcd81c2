"""The outputs for two inputs, byte for byte, as they were reviewed.

clang, Go and the kernel confirm the same outputs in the other tests.
MAPSCHEMA_UPDATE_GOLDEN=1 writes them anew, for a review by eye.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.cli import run
from support.seed import block

HERE = Path(__file__).parent


@pytest.mark.parametrize("name", ["netmon", "flow"])
def test_outputs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if name == "flow":
        source = Path("flow.c")
        source.write_text(block("bytecode/flow.c").code)
    else:
        source = Path("netmon.mapschema")
        source.write_bytes((HERE.parent / "data" / source.name).read_bytes())
    result = run("compile", source, "-o", ".", "--go-package", name)
    assert result.status == 0, result.err
    made = {p.name: p.read_text() for p in tmp_path.iterdir() if p.name != source.name}
    folder = HERE / name
    if os.environ.get("MAPSCHEMA_UPDATE_GOLDEN"):
        folder.mkdir(exist_ok=True)
        for file, text in made.items():
            (folder / file).write_text(text)
    assert made == {p.name: p.read_text() for p in folder.iterdir()}
