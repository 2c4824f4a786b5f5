"""The store sink: each lane's batches go through that lane's own part."""

from typing import Any

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.outputs import StatefulSinkPartition
from bytewax.testing import TestingSource, run_main

from dataflows.sinks.store import StoreSink

LANES = [f"usage.{number}" for number in (3, 0, 11, 2, 1)]


class Part(StatefulSinkPartition[str, None]):
    def __init__(self, lane: str, seen: list[tuple[str, str]]) -> None:
        self._lane, self._seen = lane, seen

    def write_batch(self, values: list[str]) -> None:
        self._seen += [(self._lane, value) for value in values]

    def snapshot(self) -> None:
        return None


class Recording(StoreSink):
    """The sink's own routing, with parts that only remember."""

    def __init__(self, lanes: list[str]) -> None:
        self._lanes = sorted(lanes)
        self.seen: list[tuple[str, str]] = []

    def build_part(self, _step_id: str, for_part: str, _resume_state: None) -> Any:
        return Part(for_part, self.seen)


def test_a_lanes_batches_go_through_its_own_part() -> None:
    sink = Recording(LANES)
    flow = Dataflow("test")
    items = [(lane, lane) for lane in LANES * 3]
    op.output("out", op.input("in", flow, TestingSource(items)), sink)
    run_main(flow)
    assert len(sink.seen) == len(items)
    assert [part for part, lane in sink.seen if part != lane] == []
