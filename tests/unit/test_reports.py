"""Reports of counters that never came: those between others, the last ones, and wraps."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import pairwise
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assurance.sessions import session_faults
from schemas.alerts import Alert
from tallywire.mediation.findings import Fault, Finding
from tallywire.mediation.lane import LaneState, mediate
from tallywire.mediation.spacing import hear, lacking, learn, new_server
from tests.laws.feeds import SNAPSHOT
from tests.session_parts import NOON, Row, context_of, decoded, record, reopened

EVERY = 15
MINUTE_US = 60_000_000
WRAP = 2**32
PER_REPORT = 900


def report(
    session: str, begun: int, minute: int, kind: str, octets: int, nas: str = "nas", flags: str = ""
) -> Row:
    return record(
        session, minute, kind, linked_id=nas, up_octets=octets, quality_flags=flags,
        session_time_us=(minute - begun) * MINUTE_US, service="roaming_data", unit="octet",
    )  # fmt: skip


def session_of(name: str, begun: int, count: int, nas: str = "nas") -> list[Row]:
    """Give a start, so many updates, and a stop five minutes after the last."""
    updates = [
        report(name, begun, begun + EVERY * number, "interim", PER_REPORT * number, nas)
        for number in range(1, count + 1)
    ]
    last = begun + EVERY * count + 5
    end = report(name, begun, last, "stop", PER_REPORT * count + 300, nas)
    return [report(name, begun, begun, "start", 0, nas), *updates, end]


def in_time(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row["start_us"])


def others(nas: str = "nas", until: int = 1_500) -> list[Row]:
    """Give sessions by which a server's spacing is known, and its clock goes on."""
    return [row for at in range(0, until, 35) for row in session_of(f"o{nas}{at}", at, 3, nas)]


def findings(rows: Sequence[Row], cuts: Sequence[int] = ()) -> list[Finding]:
    state, found = LaneState(), list[Finding]()
    frame = decoded(rows)
    edges = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    for first, last in pairwise(edges):
        found += mediate(state, frame[first:last], context_of()).findings
        state = reopened(state)
    return found


def left(found: Iterable[Finding]) -> dict[tuple[Fault, str], Finding]:
    last = {(one.fault, one.session): one for one in found}
    return {name: one for name, one in last.items() if not one.closed}


def told(found: Iterable[Finding]) -> list[Alert]:
    return session_faults(found, "roamers", NOON, SNAPSHOT)


def test_whole_sessions_are_no_finding() -> None:
    assert findings(in_time([*others(), *session_of("s", 100, 12)])) == []


@pytest.mark.parametrize("lost", [{1}, {4, 5}, {12}, set(range(1, 13))])
def test_reports_that_lack_are_counted_and_cost_nothing(lost: set[int]) -> None:
    rows = session_of("s", 100, 12)
    kept = [row for number, row in enumerate(rows) if number not in lost]
    found = left(findings(in_time([*others(), *kept])))
    [(name, one)] = found.items()
    assert name == (Fault.REPORTS, "s")
    assert one.records == len(lost)
    [alert] = told([one])
    assert (alert.pattern, alert.money_at_risk) == ("session_reports_missing", Decimal(0))
    assert alert.window_start == NOON + (100 + EVERY * (min(lost) - 1)) * MINUTE_US


def test_a_report_that_comes_late_closes_it() -> None:
    rows = session_of("s", 100, 12)
    late = rows.pop(5)
    found = findings([*in_time([*others(), *rows]), late])
    assert [one.closed for one in found] == [False, True]
    assert told(found)[-1].state == "auto_closed"


def test_a_session_without_its_end_has_bounds_by_its_own_rate() -> None:
    rows = session_of("s", 100, 12)[:-1]
    [one] = left(findings(in_time([*others(), *rows]))).values()
    assert (one.fault, one.session) == (Fault.SILENT, "s")
    assert one.first_us == NOON + (100 + EVERY * 12) * MINUTE_US
    assert one.most == pytest.approx(PER_REPORT, rel=0.02)
    assert one.quantity == one.most // 2
    [alert] = told([one])
    assert alert.pattern == "session_never_ended"
    assert alert.money_low == 0
    assert alert.money_high is not None
    assert alert.money_at_risk is not None
    assert 0 < alert.money_at_risk < alert.money_high
    assert "never reported" in alert.explanation


def test_an_end_that_comes_late_closes_it() -> None:
    *rows, end = session_of("s", 100, 12)
    found = findings([*in_time([*others(), *rows]), end])
    assert [(one.fault, one.closed) for one in found] == [
        (Fault.SILENT, False), (Fault.SILENT, True),
    ]  # fmt: skip


def test_a_session_that_still_goes_on_is_not_called_silent() -> None:
    rows = session_of("s", 1_300, 12)[:-1]
    last = max(row["start_us"] for row in rows)
    assert findings([row for row in in_time([*others(), *rows]) if row["start_us"] <= last]) == []


def test_sessions_are_judged_by_the_clock_of_their_own_server() -> None:
    """The file of one server is read before that of another, whose sessions are not silent."""
    one, two = in_time(others("nas", 400)), in_time(others("other", 400))
    assert findings([*one, *two]) == []


def test_a_server_whose_reports_have_no_spacing_is_not_judged() -> None:
    chance, rows = Random(3), list[Row]()
    for at in range(0, 3_000, 40):
        steps = [at + chance.randrange(1, 200) for _ in range(4)]
        rows += [report(f"o{at}", at, minute, "interim", minute - at) for minute in sorted(steps)]
    assert findings(in_time(rows)) == []


def test_what_lacks_while_the_server_was_silent_is_no_fault_of_a_session() -> None:
    rows = in_time([*others(), *session_of("s", 100, 40), *session_of("t", 110, 38)])
    quiet = range(NOON + 300 * MINUTE_US, NOON + 480 * MINUTE_US)
    kept = [row for row in rows if row["start_us"] not in quiet]
    assert {one.fault for one in findings(kept)} <= {Fault.SILENT}


def test_wraps_without_gigawords_are_one_finding_of_a_server_and_day() -> None:
    flags, step = "no_gigawords", WRAP // 3
    rows = [
        report("s", 0, EVERY * number, "interim", step * number % WRAP, flags=flags)
        for number in range(1, 8)
    ]
    found = findings(rows)
    assert [one.records for one in found] == [1, 2]
    [alert] = told(found)
    assert (alert.pattern, alert.entity_type, alert.entity_id) == (
        "counter_wraps_assumed", "server", "roamers/nas",
    )  # fmt: skip
    assert alert.observed == 2
    assert found[-1].quantity == 2 * WRAP


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), cuts=st.lists(st.integers(0, 400), min_size=1, max_size=6))
def test_cuts_and_restarts_do_not_matter(seed: int, cuts: list[int]) -> None:
    chance = Random(seed)
    sessions = [session_of(f"s{at}", at, chance.randrange(1, 14)) for at in range(100, 900, 60)]
    rows = in_time([*others(until=1_200), *(row for one in sessions for row in one)])
    rows = [row for row in rows if chance.random() < 0.9]
    for _ in range(10):  # some come late
        row = rows.pop(chance.randrange(len(rows)))
        rows.insert(chance.randrange(len(rows)), row)
    assert findings(rows, cuts) == findings(rows)


def test_old_gaps_fade_and_a_new_spacing_is_learned() -> None:
    server = new_server()
    for _ in range(300):
        learn(server, 15 * MINUTE_US)
    assert server["every_us"] == pytest.approx(15 * MINUTE_US, rel=0.02)
    for _ in range(3_000):
        learn(server, 5 * MINUTE_US)
    assert server["every_us"] == pytest.approx(5 * MINUTE_US, rel=0.03)
    hear(server, NOON)
    assert lacking(server, NOON, NOON + 11 * MINUTE_US) == 2
