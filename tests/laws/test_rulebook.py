"""Laws of charging: what holds for every tariff and every usage."""

import datetime as dt
import zoneinfo
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

import orjson
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from schemas.usage import UsageEvent
from tallywire.calendar import band
from tallywire.catalog.snapshot import Allowance, Calendar, Group, Snapshot
from tallywire.money import rounded
from tallywire.rating.explain import as_json, words
from tallywire.rating.rulebook import Charge, CounterKey, Rulebook
from tallywire.rating.rulebook.increments import stretches
from tests.priced import (
    SECOND,
    charges,
    exact,
    group,
    one_tariff,
    peak_calendar,
    rate,
    row_of,
    usage,
)
from tests.strategies import MOMENTS, calendars, snapshots, usage_events

SOME = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
UNUSED: Callable[[CounterKey], int] = lambda _: 0  # noqa: E731  a counter nobody has drawn from


@given(
    calendar=calendars(),
    start=st.sampled_from(MOMENTS),
    seconds=st.integers(1, 400),
    size=st.sampled_from([1, 7, 60]),
    policy=st.sampled_from(["start_band", "end_band", "prorate"]),
)
def test_every_step_has_the_band_its_policy_names(
    calendar: Calendar, start: int, seconds: int, size: int, policy: str
) -> None:
    """Second by second: the band of its step's first second, its last microsecond, or its own."""
    groups = (Group(0, size * SECOND, (Fraction(0),)),)
    charged = -(-seconds // size) * size
    expected = []
    for second in range(charged):
        first = second // size * size
        unit = {"start_band": first * SECOND, "end_band": (first + size) * SECOND - 1}
        expected.append(band(calendar, start + unit.get(policy, second * SECOND)))
    found: list[int] = []
    for part in stretches(groups, seconds * SECOND, calendar, start, policy):
        assert part.first == len(found) * SECOND
        found += [part.band] * (part.length // SECOND)
    assert found == expected


@SOME
@given(snapshots(), usage_events(most=12))
def test_steps_add_up_to_the_charge(snapshot: Snapshot, events: list[UsageEvent]) -> None:
    for charge in charges(snapshot, events):
        amounts = [step.facts["amount"] for step in charge.steps if "amount" in step.facts]
        lines = charge.working.priced.lines
        assert sum(amounts, Fraction(0)) == exact(charge)
        assert sum(line.part.stretch.length for line in lines) == charge.row["rated_quantity"]
        assert sum(line.free for line in lines) == charge.working.priced.drawn.covered + (
            charge.working.priced.drawn.beyond
        )
        assert charge.row["rated_quantity"] >= charge.working.counted.used
        assert words(charge.steps)
        assert orjson.dumps(as_json(charge.steps))


@SOME
@given(snapshots(), usage_events(most=12))
def test_a_line_ends_only_where_the_group_or_the_band_does(
    snapshot: Snapshot, events: list[UsageEvent]
) -> None:
    for charge in charges(snapshot, events):
        for way in ("quantity", "down_octets", "up_octets"):
            lines = [line for line in charge.working.priced.lines if line.part.way == way]
            for part, following in pairwise(line.part.stretch for line in lines):
                assert following.first == part.first + part.length
                assert (part.group, part.band) != (following.group, following.band)


@SOME
@given(snapshots(), usage_events(most=12))
def test_an_amount_is_its_exact_charge_rounded_once(
    snapshot: Snapshot, events: list[UsageEvent]
) -> None:
    for charge in charges(snapshot, events):
        row, amount = charge.row, Fraction(charge.row["amount"])
        mode = "half_even" if row["rounding_mode"] == "none" else row["rounding_mode"]
        unit = Fraction(1, 10 ** (9 if row["rounding_mode"] == "none" else row["rounding_scale"]))
        assert (amount / unit).denominator == 1
        gap = abs(amount) - abs(exact(charge))
        assert abs(gap) <= (unit / 2 if mode.startswith("half") else unit)
        assert {"up": gap >= 0, "down": gap <= 0}.get(mode, True)
        back = rounded(-exact(charge), mode=row["rounding_mode"], scale=row["rounding_scale"])
        assert amount + back == 0  # what is given back is what was charged
        gap = amount - exact(charge)
        assert abs(Fraction(row["rounding_difference"]) - gap) <= Fraction(1, 2 * 10**9)


def _may_fall(charge: Charge) -> bool:
    """Volume tiers have cliffs, and usage discounts take more off a fee the more is used."""
    climb = charge.working.priced.climb
    if climb and climb.tiers.mode == "volume":
        return True
    return any(one.discount.measure == "usage" for one in charge.working.taken)


@SOME
@given(snapshots(), usage_events(most=12), st.integers(0, 300 * SECOND))
def test_more_usage_never_costs_less(
    snapshot: Snapshot, events: list[UsageEvent], more: int
) -> None:
    book = Rulebook(snapshot)
    for event in events:
        less = book.rate(row_of(event), UNUSED)
        longer = event.model_copy(update={"quantity": event.quantity + more})
        greater = book.rate(row_of(longer), UNUSED)
        legs = {charge.row["run"]: charge for charge in greater.charges}
        for one in less.charges:
            if one.row["run"] in legs and not _may_fall(one):
                other = legs[one.row["run"]]
                assert exact(one) <= exact(other)
                assert one.row["amount"] <= other.row["amount"]
                assert one.row["rated_quantity"] <= other.row["rated_quantity"]


@SOME
@given(snapshots(), usage_events(most=12))
def test_an_allowance_never_gives_more_than_it_has(
    snapshot: Snapshot, events: list[UsageEvent]
) -> None:
    most: dict[CounterKey, int] = {}
    drawn: dict[CounterKey, int] = {}
    for charge in charges(snapshot, events):
        for draw in charge.working.priced.drawn.draws:
            key = draw.bucket.key
            most[key] = max(draw.bucket.limit, most.get(key, 0))
            drawn[key] = drawn.get(key, 0) + draw.covered
            assert drawn[key] <= most[key]
            assert draw.after == draw.before - draw.covered >= 0
            assert charge.writes[key] == drawn[key]
            assert draw.beyond == 0 or draw.after == 0
        covered = [draw.covered for draw in charge.working.priced.drawn.draws]
        assert charge.row["included_quantity"] == sum(covered) <= charge.row["rated_quantity"]


CALL_RATES = st.lists(st.sampled_from(["0", "0.06", "0.1", "1"]), min_size=3, max_size=3)
HOUR = Allowance("hour", frozenset({"voice"}), frozenset(), "microsecond", 3_600 * SECOND)


@SOME
@given(
    st.tuples(calendars(), CALL_RATES), st.sampled_from([1, 6, 30, 60]), st.integers(0, 90),
    st.integers(0, 90), st.integers(0, 5_400),
)  # fmt: skip
def test_cutting_usage_between_steps_changes_nothing(
    prices: tuple[Calendar, list[str]], step: int, first: int, second: int, used: int
) -> None:
    """Holds for one group, no fee and no minimum: those are charged once for each piece."""
    calendar, rates = prices
    groups = group(0, step, *rates[: len(calendar.bands)])
    snapshot = one_tariff(groups, calendar=calendar, allowances=(HOUR,))
    start = "2026-03-29T00:30:00Z"
    lengths = [first * step * SECOND, second * step * SECOND]
    whole = rate(snapshot, usage(sum(lengths), start), used * SECOND)
    head = rate(snapshot, usage(lengths[0], start), used * SECOND)
    later = usage(lengths[1], start)
    later = later.model_copy(update={"start_time": later.start_time + lengths[0]})
    (held,) = head.writes.values()
    tail = rate(snapshot, later, held)
    assert exact(head) + exact(tail) == exact(whole)
    assert tail.writes == whole.writes


@given(st.integers(0, 400), st.integers(0, 400), st.sampled_from([1, 6, 30, 60]))
@settings(max_examples=60, deadline=None)
def test_cutting_usage_within_a_step_never_makes_it_cheaper(
    first: int, second: int, step: int
) -> None:
    snapshot = one_tariff(group(0, step, "0.10"), fee="0.05", least="0.20")
    pieces = [rate(snapshot, usage(seconds * SECOND)) for seconds in (first, second)]
    whole = rate(snapshot, usage((first + second) * SECOND))
    assert sum(exact(piece) for piece in pieces) >= exact(whole)


NIGHTS = [
    ("Europe/Oslo", "2026-03-28T22:00:00Z"), ("Europe/Oslo", "2026-10-24T22:00:00Z"),
    ("America/New_York", "2026-03-08T05:00:00Z"), ("America/New_York", "2026-11-01T04:00:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T13:00:00Z"),
    ("Australia/Lord_Howe", "2026-10-03T13:30:00Z"),
    ("Asia/Kolkata", "2026-03-28T16:00:00Z"), ("America/Sao_Paulo", "2018-11-04T01:00:00Z"),
    ("Asia/Beirut", "2026-03-28T20:00:00Z"), ("Africa/Casablanca", "2026-02-15T00:30:00Z"),
    ("Pacific/Apia", "2011-12-30T08:00:00Z"),
]  # fmt: skip


@pytest.mark.parametrize("night", NIGHTS)
@settings(max_examples=12, deadline=None)
@given(
    st.integers(0, 1_439), st.integers(1, 1_440), st.integers(0, 3_599),
    st.sampled_from([7, 60, 450]),
)  # fmt: skip
def test_every_step_has_the_band_of_its_wall_clock(
    night: tuple[str, str], first: int, last: int, seconds: int, step: int
) -> None:
    """Charges of a night, against adding up its steps one by one."""
    assume(first < last)
    zone, start = night
    calendar = peak_calendar(zone, first, last)
    snapshot = one_tariff(group(0, step, "60", "6000"), calendar=calendar)
    event = usage(5 * 3_600 * SECOND, start)
    event = event.model_copy(update={"start_time": event.start_time + seconds * SECOND})
    expected = 0
    for place in range(0, 5 * 3_600, step):
        moment = event.start_time // SECOND + place
        local = dt.datetime.fromtimestamp(moment, tz=zoneinfo.ZoneInfo(zone))
        peak = first <= local.hour * 60 + local.minute < last
        expected += step * (100 if peak else 1)
    assert exact(rate(snapshot, event)) == expected
