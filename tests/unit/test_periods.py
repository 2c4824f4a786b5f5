"""States of billing months, and where late usage goes."""

import dataclasses

import polars as pl

from schemas.columns import rows_to_frame
from schemas.reasons import Reason
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import Snapshot
from tallywire.catalog.terms import Spend
from tallywire.rating.close import closing_charges, held_in
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Rater
from tallywire.rating.periods import Periods, PeriodState, booked, usage_months, withheld
from tests.priced import group, one_tariff, usage
from tests.priced import rate as charge

SNAPSHOT = one_tariff(group(0, 60, "0.60"), time_zone="Europe/Oslo")
POLICY = {"soft_closed": "correct", "closed": "next_period"}


def _usage(*starts: str, routing_id: str = "r") -> pl.DataFrame:
    events = [
        usage(
            60_000_000,
            start,
            routing_id=routing_id,
            event_id=f"00000000-0000-0000-0000-{number:012d}",
        )
        for number, start in enumerate(starts)
    ]
    return rows_to_frame(events, UsageEvent)


def test_what_was_set_later_holds() -> None:
    periods = Periods()
    assert periods.state("r", "2026-01") is PeriodState.OPEN
    periods.put("", "2026-01", PeriodState.CLOSED, 1)
    assert periods.state("r", "2026-01") is PeriodState.CLOSED
    periods.put("r", "2026-01", PeriodState.OPEN, 2)
    assert periods.state("r", "2026-01") is PeriodState.OPEN
    assert periods.state("other", "2026-01") is PeriodState.CLOSED
    periods.put("", "2026-01", PeriodState.SOFT_CLOSED, 3)
    assert periods.state("r", "2026-01") is PeriodState.SOFT_CLOSED


def test_states_are_written_down_and_read_back() -> None:
    periods, read, dumped = Periods(), Periods(), Periods()
    periods.put("", "2026-01", PeriodState.CLOSED, 1)
    read.apply(periods.changes())
    assert periods.changes() == b""
    periods.put("a\x1f\nb", "2026-02", PeriodState.SOFT_CLOSED, 2)
    read.apply(periods.changes())
    for piece in periods.dump():
        dumped.apply(piece)
    for found in (read, dumped):
        assert found.state("x", "2026-01") is PeriodState.CLOSED
        assert found.state("a\x1f\nb", "2026-02") is PeriodState.SOFT_CLOSED
        assert len(found) == 2


def test_months_are_those_of_rating() -> None:
    frame = _usage("2026-01-31T22:59:59Z", "2026-01-31T23:00:00Z", "2026-03-29T00:30:00Z")
    rated = Rater(SNAPSHOT).rate(frame, Counters()).rated
    assert usage_months(frame, SNAPSHOT).to_list() == rated["bill_period"].to_list()
    assert rated["bill_period"].to_list() == ["2026-01", "2026-02", "2026-03"]


def test_a_charge_of_a_closed_month_is_booked_in_the_next_open_one() -> None:
    frame = pl.concat(
        [
            _usage("2026-01-10T00:00:00Z"),
            _usage("2026-01-10T00:00:00Z", routing_id="q"),
            _usage("2026-02-10T00:00:00Z"),
        ]
    )
    rated = Rater(SNAPSHOT).rate(frame, Counters()).rated
    periods = Periods()
    assert booked(rated, periods, POLICY) is rated
    periods.put("r", "2026-01", PeriodState.CLOSED, 1)
    periods.put("r", "2026-02", PeriodState.CLOSED, 2)
    moved = booked(rated, periods, POLICY)
    assert moved["bill_period"].to_list() == ["2026-03", "2026-01", "2026-03"]
    assert moved.drop("bill_period").equals(rated.drop("bill_period"))
    periods.put("r", "2026-01", PeriodState.SOFT_CLOSED, 3)
    assert booked(rated, periods, POLICY)["bill_period"].to_list() == [
        "2026-01",
        "2026-01",
        "2026-03",
    ]


def test_usage_of_a_closed_month_waits_where_the_catalogue_says_so() -> None:
    strict = dataclasses.replace(SNAPSHOT, late_usage={**POLICY, "closed": "suspend"})
    frame = _usage("2026-01-10T00:00:00Z", "2026-02-10T00:00:00Z")
    periods = Periods()
    periods.put("", "2026-01", PeriodState.CLOSED, 1)
    rest, late = withheld(frame, SNAPSHOT, periods)
    assert (rest.height, late.height) == (2, 0)
    rest, late = withheld(frame, strict, periods)
    assert rest.equals(frame[1:])
    assert late["reason"].to_list() == [Reason.PERIOD_CLOSED]
    assert late["missing_ref"].to_list() == ["2026-01"]
    outcome = Rater(strict).rate(rest, Counters())
    assert set(outcome.refused.columns) <= set(late.columns)


def _held(snapshot: Snapshot) -> Snapshot:
    day = 86_400_000_000
    start = usage(0, "2026-01-01T00:00:00Z").start_time
    rows = [
        ("msisdn", "1", "s", "a", "r", "offer", start, start + 400 * day),
        ("msisdn", "2", "s", "a", "r", "offer", start, start + 400 * day),
        ("msisdn", "3", "old", "a", "r", "offer", start - 100 * day, start - 50 * day),
    ]  # fmt: skip
    identifiers = pl.DataFrame(rows, schema=snapshot.identifiers.schema, orient="row")
    return dataclasses.replace(snapshot, identifiers=identifiers)


def test_closing_charges_what_was_promised_once() -> None:
    offer = dataclasses.replace(
        SNAPSHOT.offers["offer"],
        spends=(Spend("promise", "EUR", minimum=charge(SNAPSHOT, usage(0)).working.exact + 5),),
    )
    snapshot = _held(dataclasses.replace(SNAPSHOT, offers={"offer": offer}))
    assert held_in(snapshot, "2026-02")["subscription_id"].to_list() == ["s"]
    counters = Counters()
    rows = closing_charges(snapshot, held_in(snapshot, "2026-02"), "2026-02", counters)
    assert rows.select("op", "bill_period", "fate_change").rows() == [("true_up", "2026-02", 0)]
    assert f"{rows['amount'][0]:.2f}" == "5.00"
    again = closing_charges(snapshot, held_in(snapshot, "2026-02"), "2026-02", counters)
    assert again.is_empty()
    assert closing_charges(SNAPSHOT, held_in(SNAPSHOT, "2026-02"), "2026-02", counters).is_empty()
