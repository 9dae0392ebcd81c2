"""Random records on all eleven ABIs: clang says the truth."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mapschema.abi import ABIS
from mapschema.layout import Layouts, RecordLayout
from support.clang import record_layouts
from support.records import RandomRecords, render

RECORDS_PER_BATCH = 150
BATCHES = max(1, int(os.environ.get("MAPSCHEMA_RANDOM_RECORDS", "2250")) // RECORDS_PER_BATCH)
NO_INT128 = {"386", "arm"}


def check_tiling(layout: RecordLayout) -> None:
    """Slots and padding of a struct cover each bit once."""
    if layout.record.kind == "union":
        return
    pieces = sorted(
        [(s.bit_offset, s.bit_size) for s in layout.slots if s.bit_size]
        + [(p.bit_offset, p.bit_size) for p in layout.padding]
    )
    at = 0
    for offset, size in pieces:
        assert offset == at, f"{layout.record.spelling}: a gap or overlap at bit {at}"
        assert size > 0
        at += size
    assert at == layout.size * 8


@settings(
    max_examples=BATCHES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize="MAPSCHEMA_RANDOM_RECORDS" not in os.environ,
)
@given(seed=st.integers(0, 2**48))
def test_random_records(seed: int) -> None:
    for int128 in (True, False):
        writer = RandomRecords(seed, int128=int128)
        records = [writer.record() for _ in range(RECORDS_PER_BATCH)]
        source = "struct opaque;\n" + "\n".join(writer.text) + "\n"
        for abi in ABIS.values():
            if (abi.name in NO_INT128) is int128:
                continue
            truth = record_layouts(source, abi.clang_target)
            layouts = Layouts(abi)
            for record in records:
                ours = layouts.record(record)
                theirs = truth[record.spelling]
                offsets = tuple(slot.bit_offset for slot in ours.slots)
                assert (ours.size, ours.align, offsets) == (
                    theirs.size,
                    theirs.align,
                    theirs.offsets,
                ), f"{abi.name}:\n{render(record)}"
                check_tiling(ours)


@pytest.mark.parametrize("abi", sorted(NO_INT128))
def test_int128_is_refused_where_clang_refuses_it(abi: str) -> None:
    from mapschema.layout import LayoutError
    from mapschema.types import Int

    with pytest.raises(LayoutError, match="__int128 is not supported"):
        Layouts(ABIS[abi]).size(Int("int128", True))
