"""Cumulative counters: what each accounting record adds, faults of access servers included."""

from itertools import accumulate, pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tallywire.mediation.cumulative import NO_GIGAWORDS, advance, close_server, expire
from tallywire.mediation.sessions import Sessions

FAST = 10**10
WRAP = 2**32
MINUTE_US = 60_000_000


def record(
    kind: str, minute: int, down: int, *, flags: str = "", nas: str = "nas"
) -> dict[str, object]:
    return {
        "kind": kind, "session_key": "s", "linked_id": nas, "up_octets": 0, "down_octets": down,
        "session_time_us": minute * MINUTE_US, "start_us": minute * MINUTE_US,
        "quality_flags": flags,
    }  # fmt: skip


def worked(*records: dict[str, object], rate: int = FAST) -> list[tuple[int, tuple[str, ...]]]:
    sessions = Sessions()
    deltas = [advance(sessions, item, max_rate=rate, horizon=0) for item in records]
    return [(delta.down, delta.flags) for delta in deltas]


def test_each_update_adds_what_is_new() -> None:
    assert worked(
        record("start", 0, 0), record("interim", 5, 100), record("interim", 10, 250),
        record("stop", 12, 300),
    ) == [(0, ()), (100, ()), (150, ()), (50, ())]  # fmt: skip


def test_a_session_whose_start_was_lost_is_charged_whole() -> None:
    assert worked(record("interim", 5, 700), record("stop", 6, 800)) == [(700, ()), (100, ())]


@pytest.mark.parametrize(
    ("flags", "rate", "expected"),
    [
        (NO_GIGAWORDS, FAST, (300 + WRAP - 4_000_000_000, ("counter_wrapped",))),
        (NO_GIGAWORDS, 1_000, (300, ("counter_reset",))),  # a wrap would be faster than the port
        ("", FAST, (300, ("counter_reset",))),  # with gigawords a counter has no reason to wrap
    ],
    ids=["wrap", "too fast for a wrap", "reset"],
)
def test_a_counter_that_falls(flags: str, rate: int, expected: tuple[int, tuple[str, ...]]) -> None:
    first = record("interim", 5, 4_000_000_000, flags=flags)
    assert worked(first, record("interim", 10, 300, flags=flags), rate=rate)[1] == expected


def test_a_stop_never_lowers_what_interims_have_shown() -> None:
    assert worked(record("interim", 5, 700), record("stop", 6, 0)) == [
        (700, ()), (0, ("below_last",)),
    ]  # fmt: skip


def test_an_interim_after_the_stop_opens_no_second_session() -> None:
    made = worked(record("interim", 5, 700), record("stop", 6, 800), record("interim", 6, 800))
    assert made[2] == (0, ("after_stop",))


def test_an_update_out_of_order_is_worth_nothing_twice() -> None:
    made = worked(record("interim", 10, 500), record("interim", 5, 200), record("interim", 15, 600))
    assert made == [(500, ()), (0, ("late_update",)), (100, ())]


def test_a_server_that_restarts_ends_its_sessions_only() -> None:
    sessions = Sessions()
    for key, nas in (("a", "one"), ("b", "two")):
        item = {**record("interim", 5, 700, nas=nas), "session_key": key}
        advance(sessions, item, max_rate=FAST, horizon=0)
    close_server(sessions, "one")
    assert [key for key, session in sessions.open.items() if not session["end"]] == ["b"]


def test_a_session_not_heard_of_within_the_window_is_another() -> None:
    sessions = Sessions()
    advance(sessions, record("interim", 5, 700), max_rate=FAST, horizon=0)
    again = advance(sessions, record("interim", 90, 900), max_rate=FAST, horizon=60 * MINUTE_US)
    assert again.down == 900
    expire(sessions, 1_000 * MINUTE_US)
    assert sessions.open == {}


@given(
    steps=st.lists(st.tuples(st.integers(1, 60), st.integers(0, 2**40)), min_size=1, max_size=20),
    repeats=st.lists(st.integers(0, 19), max_size=5),
)
def test_the_deltas_add_up_to_the_last_counter(
    steps: list[tuple[int, int]], repeats: list[int]
) -> None:
    """Whatever is sent again, the sum is the counter."""
    records, minute, down = [], 0, 0
    for minutes, octets in steps:
        minute, down = minute + minutes, down + octets
        records.append(record("interim", minute, down))
    for place in sorted(repeats):
        records.insert(min(place + 1, len(records)), records[min(place, len(records) - 1)])
    assert sum(delta for delta, _ in worked(*records)) == down


@given(st.lists(st.integers(0, 2**31), min_size=2, max_size=30))
def test_counters_of_32_bits_add_up_through_every_wrap(added: list[int]) -> None:
    """Unless one shows exactly nothing after something: that is a counter that was not counted."""
    assume(all(one % WRAP or not one for one in accumulate(added)))
    total, records = 0, []
    for number, octets in enumerate(added, start=1):
        total += octets
        records.append(record("interim", number, total % WRAP, flags=NO_GIGAWORDS))
    assert sum(delta for delta, _ in worked(*records)) == total


def test_pairs_of_updates_never_charge_less_than_nothing() -> None:
    counters = [0, 50, 10, 10, 4_000_000_000, 3, 2]
    records = [record("interim", place, down) for place, down in enumerate(counters)]
    for first, second in pairwise(records):
        assert all(delta >= 0 for delta, _ in worked(first, second))
