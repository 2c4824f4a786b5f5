"""Faults of access servers that were seen in the wild, each by its name: what the customer pays."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallywire.mediation.cumulative import (
    NO_DOWN,
    NO_GIGAWORDS,
    NO_UP,
    advance,
    close_server,
)
from tallywire.mediation.sessions import Sessions

MINUTE_US = 60_000_000
NOW_US = 1_793_000_000_000_000
GIB = 2**30
NO_COUNTERS = f"{NO_GIGAWORDS},{NO_UP},{NO_DOWN}"


def record(
    kind: str, minute: int, down: int = 0, *, lasts: int | None = None, flags: str = "",
    nas: str = "bras\x1f192.0.2.1", key: str = "s",
) -> dict[str, object]:  # fmt: skip
    """A record `minute` minutes after noon, of a session that then lasts `lasts` minutes."""
    return {
        "kind": kind, "session_key": key, "linked_id": nas, "up_octets": 0, "down_octets": down,
        "session_time_us": (minute if lasts is None else lasts) * MINUTE_US,
        "start_us": NOW_US + minute * MINUTE_US, "quality_flags": flags,
    }  # fmt: skip


def worked(sessions: Sessions, *records: dict[str, object]) -> list[tuple[int, tuple[str, ...]]]:
    deltas = [advance(sessions, item, max_rate=10**10, horizon=0) for item in records]
    return [(delta.down, delta.flags) for delta in deltas]


def billed(*records: dict[str, object]) -> int:
    return sum(octets for octets, _ in worked(Sessions(), *records))


def test_without_gigawords_a_counter_wraps_at_4_gib() -> None:
    """FreeRADIUS 5197: the session carried 5 GiB, and its Stop says 1 GiB."""
    assert billed(
        record("interim", 15, 3 * GIB, flags=NO_GIGAWORDS),
        record("stop", 30, 1 * GIB, flags=NO_GIGAWORDS),
    ) == 5 * GIB  # fmt: skip


def test_a_stop_without_traffic_attributes_keeps_what_was_shown() -> None:
    """FreeRADIUS 1460: it must neither zero the session nor pass for a wrap."""
    made = worked(
        Sessions(), record("interim", 15, 3 * GIB, flags=NO_GIGAWORDS),
        record("stop", 16, 0, flags=NO_COUNTERS),
    )  # fmt: skip
    assert made == [(3 * GIB, ()), (0, ())]


def test_one_absent_counter_does_not_touch_the_other() -> None:
    flags = f"{NO_GIGAWORDS},{NO_UP}"
    first = {**record("interim", 5, 100, flags=NO_GIGAWORDS), "up_octets": 50}
    assert billed(first, record("stop", 6, 150, flags=flags)) == 150


@pytest.mark.parametrize("flags", ["", NO_GIGAWORDS])
def test_a_stop_of_zeros_after_lost_carrier_takes_nothing_back(flags: str) -> None:
    """accel-ppp 273: all counters 0 when the line is lost."""
    made = worked(
        Sessions(), record("interim", 15, 3 * GIB, flags=flags), record("stop", 16, 0, flags=flags)
    )
    assert made[1] == (0, ("below_last",))


def test_a_stop_of_zeros_before_the_first_interim_is_worth_nothing() -> None:
    assert billed(record("start", 0), record("stop", 4, 0, flags=NO_GIGAWORDS)) == 0


def test_an_interim_of_zeros_does_not_make_the_next_one_count_twice() -> None:
    assert (
        billed(record("interim", 5, 700), record("interim", 10), record("interim", 15, 900)) == 900
    )


@pytest.mark.parametrize("flags", ["", NO_GIGAWORDS])
def test_a_stop_lower_than_the_last_interim_never_lowers_the_bill(flags: str) -> None:
    """Nor is a little less a wrap: that would be 4 GiB nobody carried."""
    made = worked(
        Sessions(), record("interim", 15, 500_000_000, flags=flags),
        record("stop", 16, 499_000_000, flags=flags),
    )  # fmt: skip
    assert made[1] == (0, ("below_last",))


def test_an_interim_just_after_the_stop_opens_no_phantom_session() -> None:
    """PacketFence 2113: it came late, and says what was known."""
    sessions = Sessions()
    made = worked(
        sessions, record("start", 0), record("stop", 20, 800),
        record("interim", 20, 800), record("interim", 21, 300),
    )  # fmt: skip
    assert [octets for octets, _ in made] == [0, 800, 0, 0]
    assert all(session["end"] for session in sessions.open.values())


def test_counters_carried_over_from_the_session_before_are_not_charged_again() -> None:
    """Of ntopng, 8127: the Start of a session has the counters of the one before."""
    made = worked(
        Sessions(), record("stop", 20, 800, key="before"), record("start", 21, 800, lasts=0),
        record("interim", 26, 950, lasts=5), record("stop", 27, 1_000, lasts=6),
    )  # fmt: skip
    assert made[1:] == [(0, ("carried_over",)), (150, ()), (50, ())]


def test_wrong_counters_beyond_the_port_are_told() -> None:
    """Of daloradius, 123: a terabyte in a minute is charged as counted, and flagged."""
    made = worked(Sessions(), record("start", 0), record("interim", 1, 10**12))
    assert made[1] == (10**12, ("faster_than_port",))


def test_a_counter_that_begins_anew_within_a_session_is_flagged() -> None:
    made = worked(Sessions(), record("interim", 5, 700), record("interim", 10, 200))
    assert made == [(700, ()), (200, ("counter_reset",))]


@pytest.mark.parametrize("said", ["bras\x1f192.0.2.1", "192.0.2.1", "bras"])
def test_accounting_on_closes_every_session_of_its_server(said: str) -> None:
    """By its name, by its address alone, by both; the sessions of others stay open."""
    sessions = Sessions()
    for number in range(5):
        worked(sessions, record("interim", 5, 100, key=f"{number}"))
    worked(sessions, record("interim", 5, 100, key="other", nas="bras2\x1f192.0.2.2"))
    close_server(sessions, said)
    assert [key for key, one in sessions.open.items() if not one["end"]] == ["other"]


def test_a_server_without_a_name_closes_nothing() -> None:
    sessions = Sessions()
    worked(sessions, record("interim", 5, 100, nas=""))
    close_server(sessions, "")
    assert not sessions.open["s"]["end"]


def test_a_stop_after_accounting_off_adds_only_what_is_new() -> None:
    sessions = Sessions()
    worked(sessions, record("interim", 5, 700))
    close_server(sessions, "bras")
    assert worked(sessions, record("stop", 7, 750)) == [(50, ("after_stop",))]


def test_a_session_id_given_again_after_a_reboot_is_another_session() -> None:
    sessions = Sessions()
    worked(sessions, record("interim", 60, 700))
    close_server(sessions, "192.0.2.1")
    made = worked(sessions, record("start", 70, lasts=0), record("interim", 75, 300, lasts=5))
    assert made == [(0, ()), (300, ())]


def test_a_session_id_given_again_without_a_word_is_another_session() -> None:
    """The server lost power: neither Stop nor Accounting-On came."""
    assert billed(
        record("start", 0), record("interim", 60, 700), record("start", 70, lasts=0),
        record("interim", 75, 300, lasts=5), record("stop", 80, 900, lasts=10),
    ) == 700 + 900  # fmt: skip


def test_a_stop_that_comes_when_its_id_is_given_again_does_not_end_the_new_session() -> None:
    sessions = Sessions()
    worked(sessions, record("stop", 60, 700), record("start", 70, lasts=0))
    made = worked(sessions, record("stop", 60, 700), record("interim", 75, 300, lasts=5))
    assert made == [(0, ("late_update",)), (300, ())]
    assert not sessions.open["s"]["end"]


def test_a_second_start_of_one_session_charges_nothing_twice() -> None:
    """Some servers send Start again when the second address is given."""
    assert billed(
        record("start", 0), record("interim", 5, 700), record("start", 6, lasts=0),
        record("interim", 10, 900), record("stop", 11, 950),
    ) == 950  # fmt: skip


def test_without_a_session_time_the_clock_tells_what_is_late() -> None:
    made = worked(
        Sessions(), record("interim", 10, 500, lasts=0), record("interim", 5, 200, lasts=0),
        record("interim", 15, 600, lasts=0), record("interim", 20, 50, lasts=0),
    )  # fmt: skip
    assert made == [(500, ()), (0, ("late_update",)), (100, ()), (50, ("counter_reset",))]


def test_sessions_that_an_earlier_version_wrote_down_are_understood() -> None:
    sessions = Sessions()
    sessions.put("s", {"up": 0, "down": 700, "us": MINUTE_US, "at": NOW_US, "nas": "bras",
                       "end": False})  # fmt: skip
    assert worked(sessions, record("interim", 2, 900)) == [(200, ())]


def test_parts_that_wait_for_their_chain_are_no_sessions_of_a_server() -> None:
    sessions = Sessions()
    sessions.put("chain", {"parts": []})
    close_server(sessions, "bras")
    assert sessions.open["chain"] == {"parts": []}


FAULTS = st.lists(
    st.tuples(st.integers(0, 11), st.sampled_from(["again", "zeros", "absent", "start", "late"])),
    max_size=12,
)


@settings(max_examples=400)
@given(st.lists(st.integers(0, 2**34), min_size=1, max_size=12), FAULTS)
def test_a_session_is_worth_the_most_its_counters_showed(
    added: list[int], faults: list[tuple[int, str]]
) -> None:
    """Whatever comes between, after, again or late."""
    total, records = 0, [record("start", 0)]
    for number, octets in enumerate(added, start=1):
        total += octets
        records.append(record("interim", number * 5, total))
    end = len(added) * 5 + 1
    records.append(record("stop", end, total))
    for drawn, fault in faults:
        place = drawn % len(records)
        minute = 5 * place + 1
        wrong = {
            "again": records[place],
            "zeros": record("interim", minute, 0),
            "absent": record("interim", minute, 0, flags=NO_COUNTERS),
            "start": record(
                "start", min(minute, end), lasts=0
            ),  # a later one is of another session
            "late": records[place // 2],
        }[fault]
        records.insert(place + 1, wrong)
    assert billed(*records) == total
