"""Sessions in parts by the declared format: added up, from one record to another, or each by itself."""

from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from tallywire.mediation.decoders.declared_options import DeclaredOptions
from tallywire.mediation.lane import LaneState
from tests.unit.decoding import feed_of, mediated

PART = {"field": {"column": 2}, "equals": ["begin", "more", "end"]}
SESSIONS: dict[str, Any] = {
    "layout": "delimited", "key": [{"column": 1}, {"column": 2}],
    "start": {"column": 3, "pattern": "rfc3339"},
    "texts": {"imsi": {"column": 4}, "b_raw": {"column": 5}, "session_key": {"column": 1}},
    "partials": {
        "part": PART,
        "first": {"field": {"column": 2}, "equals": ["begin"]},
        "last": {"field": {"column": 2}, "equals": ["end"]},
    },
}  # fmt: skip


def _options(join: str, **more: object) -> dict[str, Any]:
    return {**SESSIONS, "partials": {**SESSIONS["partials"], "join": join}, **more}


def _line(session: str, what: str, minute: int, *more: object) -> str:
    fields = (
        session,
        what,
        f"2026-10-24T10:{minute:02}:00Z",
        "242990000010001",
        "+4790012001",
        *more,
    )
    return ",".join(str(field) for field in fields) + "\n"


def _worked(options: dict[str, Any], *lines: str) -> tuple[pl.DataFrame, LaneState]:
    state = LaneState()
    made = mediated(replace(feed_of("roamers"), options=options), "".join(lines).encode(), state)
    return made.usage, state


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_span_lasts_from_its_first_record_to_its_last(order: tuple[int, int]) -> None:
    lines = (_line("s", "begin", 1), _line("s", "end", 9))
    events, state = _worked(_options("span"), *(lines[number] for number in order))
    assert events.select("quantity", "input_records").rows() == [(8 * 60_000_000, 2)]
    assert not len(state.sessions.open)


def test_a_span_without_its_end_waits() -> None:
    events, state = _worked(_options("span"), _line("s", "begin", 1), _line("t", "begin", 2))
    assert events.is_empty()
    assert len(state.sessions.open) == 2


def test_parts_that_are_charged_by_themselves_are_numbered() -> None:
    numbered = _options(
        "none", numbers={"partial_no": {"column": 6}}, quantity={"column": 7, "unit": "seconds"}
    )
    events, state = _worked(
        numbered, _line("s", "begin", 1, 1, 60), _line("s", "more", 2, 2, 30),
        _line("s", "end", 3, 4, 15),
    )  # fmt: skip
    assert events["quantity"].to_list() == [60_000_000, 30_000_000, 15_000_000]
    assert len(state.sessions.numbered) == 1  # number 3 is waited for


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (_options("none"), "numbers.partial_no"),
        (_options("span", quantity={"column": 6}), "has no `quantity`"),
        (_options("span", texts={}), "texts.session_key"),
        ({**SESSIONS, "partials": {"part": PART, "join": "span"}}, "needs `first` and `last`"),
        ({**SESSIONS, "start": {"column": 3, "pattern": "epoch_s"}}, "reads no date and time"),
        ({**SESSIONS, "start": {"column": 3, "pattern": "%H:%M"}}, "reads no date and time"),
        ({**SESSIONS, "start": {"column": 3, "pattern": "%Y-%m-%d %H:%M%z"}}, "without zone"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        DeclaredOptions.model_validate(options)


def test_a_session_may_be_told_to_need_its_end() -> None:
    made = DeclaredOptions.model_validate({**SESSIONS, "sessions_must_end": True})
    assert (made.sessions_must_end, made.idle_minutes, made.max_open_minutes) == (True, 240, 1_440)
