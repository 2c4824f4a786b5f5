"""The page of flows is what the code draws."""

import importlib
from pathlib import Path

import pytest

from dataflows.drawn import BEGIN, END, drawn, flow_named, processes, written
from dataflows.services import INGEST, STORE

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/flows.md"


def test_the_page_is_what_make_docs_writes() -> None:
    page = PAGE.read_text()
    assert written(page) == page, "run `make docs`"


def test_every_flow_is_drawn_with_its_steps() -> None:
    text = drawn()
    for name in ("collection", "rating", "engine"):
        steps = [step.step_id for step in flow_named(name).substeps]
        assert len(steps) >= 4
        for step in steps:
            assert f"{step}[" in text
    both = {step.step_id.partition(".")[2] for step in flow_named("engine").substeps}
    apart = {
        step.step_id.partition(".")[2]
        for name in ("collection", "rating")
        for step in flow_named(name).substeps
    }
    assert both == apart


def test_the_processes_drawn_are_those_that_are_supervised() -> None:
    for module in ("dataflows.supervisor", "dataflows.worker", "warehouse.serve"):
        assert importlib.import_module(module)
    for name in (STORE, INGEST, "collection", "rating"):
        assert f"supervisor -.-> {name}" in processes()


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="no markers"):
        written(f"{BEGIN} but never the end")
    assert written(f"a {BEGIN} old {END} b").startswith(f"a {BEGIN}\n")
