"""A group's recovery store: read and thinned while nobody uses it; Bytewax resumes from the rest."""

from datetime import timedelta
from pathlib import Path

import bytewax.operators as op
import pytest
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.testing import TestingSink, run_main

from dataflows.recovery import keep_only, known_lanes, recovery_config


class _Part(StatefulSourcePartition[tuple[str, int], int]):
    def __init__(self, lane: str, resume: int) -> None:
        self._lane, self._next, self._end = lane, resume, resume + 3

    def next_batch(self) -> list[tuple[str, int]]:
        if self._next == self._end:
            raise StopIteration
        self._next += 1
        return [(self._lane, self._next)]

    def snapshot(self) -> int:
        return self._next


class _Source(FixedPartitionedSource[tuple[str, int], int]):
    def __init__(self, lanes: list[str]) -> None:
        self._lanes = lanes

    def list_parts(self) -> list[str]:
        return self._lanes

    def build_part(self, _step: str, lane: str, resume: int | None) -> _Part:
        return _Part(lane, resume or 0)


def _run(folder: Path, lanes: list[str]) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    flow = Dataflow("rating")
    op.output("out", op.input("rate_source", flow, _Source(lanes)), TestingSink(found))
    run_main(flow, epoch_interval=timedelta(0), recovery_config=recovery_config(folder))
    return sorted(found)


def test_a_lane_that_went_elsewhere_is_forgotten_and_the_others_resume(tmp_path: Path) -> None:
    folder = tmp_path / "recovery" / "rating"
    assert _run(folder, ["a", "b"]) == [(lane, n) for lane in "ab" for n in (1, 2, 3)]
    assert known_lanes(folder, "rate_source") == {"a", "b"}
    with pytest.raises(Exception, match="routing map"):
        _run(folder, ["a"])
    assert keep_only(folder, ["a"]) > 0
    assert known_lanes(folder, "rate_source") == {"a"}
    assert _run(folder, ["a"]) == [("a", n) for n in (4, 5, 6)]


def test_there_is_nothing_to_know_of_a_store_that_is_not_there(tmp_path: Path) -> None:
    assert known_lanes(tmp_path / "none", "rate_source") == set()
    assert keep_only(tmp_path / "none", ["a"]) == 0
