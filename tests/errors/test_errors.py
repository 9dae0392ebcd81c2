"""Each input carries the messages it must give: ``// expect: LINE:COLUMN RULE message``."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from support.cli import run

INPUTS = sorted((Path(__file__).parent / "inputs").iterdir())
_EXPECT = re.compile(r"^// expect: (\d+):(\d+) (MS\d+) (.*)$", re.M)
_ERROR = re.compile(r"^(?P<path>[^:\n]+):(\d+):(\d+): error\[(MS\d+)\]: (.*)$", re.M)


@pytest.mark.parametrize("path", INPUTS, ids=lambda p: p.name)
def test_input(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = _EXPECT.findall(path.read_text())
    assert expected, "the input says nothing of what it must give"
    shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    result = run("compile", path.name, "-o", "out")
    found = [m[1:] for m in _ERROR.findall(result.err)]
    assert sorted(found) == sorted(tuple(e) for e in expected), result.err
    assert result.status == 2
    assert result.out == ""
    assert not (tmp_path / "out").exists()
    # the source line and a caret under the column
    lines = result.err.splitlines()
    for match in _ERROR.finditer(result.err):
        at = lines.index(match.group())
        column = int(match.group(3))
        caret = lines[at + 2]
        assert caret.strip(" \t")[0] == "^"
        assert len(caret) - len(caret.lstrip()) == 4 + column - 1
