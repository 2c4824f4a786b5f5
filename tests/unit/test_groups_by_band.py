"""Increment groups that differ by band: held against a walk in whole seconds written anew here."""

import datetime as dt
import io
import json
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.price import price as price_lines
from tallywire.catalog import Snapshot
from tests.unit import catalog_files

CALENDAR = """
id: peak
time_zone: UTC
bands: [low, high]
rules:
  - {band: high, days: mon-fri, from: "08:00", to: "19:00"}
"""
TARIFF = """
id: voice
service: voice
zone_by: none
calendar: peak
rounding: {mode: half_up, scale: 6}
revisions:
  - revision: 1
    valid_from: 2020-01-01
    prices:
      - groups:
          - {bands: [low], from: 0s, step: 60s, rate: "0.10", per: 60s}
          - {bands: [low], from: 60s, step: 1s, rate: "0.05", per: 60s}
          - {bands: [high], from: 0s, step: 30s, rate: "0.40", per: 60s}
          - {bands: [high], from: 60s, step: 10s, rate: "0.20", per: 60s}
"""
CHANGES = {
    "calendars/peak.yaml": CALENDAR,
    "tariffs/voice.yaml": TARIFF,
    "offers/basic.yaml": "{id: basic, plans: [mobile]}\n",
    "zones/dialled.yaml": None,
}
PEAK = {"low": [(0, 60, "0.10"), (60, 1, "0.05")], "high": [(0, 30, "0.40"), (60, 10, "0.20")]}
MONDAY = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return catalog_files.snapshot(CHANGES)


Call = tuple[dt.datetime, int]


def _charged(snapshot: Snapshot, calls: list[Call]) -> list[Fraction]:
    lines = [
        json.dumps(
            {"service": "voice", "offer_id": "basic", "start_time": start.isoformat(),
             "quantity": seconds * 1_000_000}
        ).encode()
        for start, seconds in calls
    ]  # fmt: skip
    answers = list(price_lines(snapshot, io.BytesIO(b"\n".join(lines))))
    assert all(good for _, good in answers)
    rows = [json.loads(answer) for answer, _ in answers]
    return [Fraction(row["amount_numerator"]) / int(row["amount_denominator"]) for row in rows]


def _walked(start: dt.datetime, seconds: int) -> Fraction:
    total, done = Fraction(0), 0
    while done < seconds:
        at = start + dt.timedelta(seconds=done)
        high = at.weekday() < 5 and 8 <= at.hour < 19
        groups = PEAK["high" if high else "low"]
        _, step, rate = next(one for one in reversed(groups) if one[0] <= done)
        total += Fraction(rate) * step / 60
        done += step
    return total


@pytest.mark.parametrize(
    ("clock", "seconds", "charge"),
    [
        ((10, 0), 61, Fraction("0.40") + Fraction("0.20") / 6),  # 60 s, then 10 s begun
        ((20, 0), 61, Fraction("0.10") + Fraction("0.05") / 60),  # 60 s, then 1 s
        ((18, 59), 90, Fraction("0.40") + Fraction("0.05") / 2),  # after 19:00 each second counts
        ((7, 59), 90, Fraction("0.10") + Fraction("0.10")),  # from 08:00 on three steps of 10 s
    ],
)
def test_each_band_counts_in_its_own_steps(
    snapshot: Snapshot, clock: tuple[int, int], seconds: int, charge: Fraction
) -> None:
    start = MONDAY.replace(hour=clock[0], minute=clock[1])
    assert _charged(snapshot, [(start, seconds)]) == [charge]


MOMENTS = st.integers(0, 7 * 24 * 3600).map(lambda second: MONDAY + dt.timedelta(seconds=second))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(MOMENTS, st.integers(0, 5_000)), min_size=20, max_size=60))
def test_steps_are_walked_one_after_another(snapshot: Snapshot, calls: list[Call]) -> None:
    assert _charged(snapshot, calls) == [_walked(*call) for call in calls]


@settings(max_examples=10, deadline=None)
@given(MOMENTS)
def test_a_longer_call_is_never_cheaper(snapshot: Snapshot, start: dt.datetime) -> None:
    charges = _charged(snapshot, [(start, seconds) for seconds in range(0, 4_000, 7)])
    assert charges == sorted(charges)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("bands: [low], from: 60s", "from: 60s", "is missing where other groups name bands"),
        ("bands: [low], from: 60s", "bands: [loud], from: 60s", "'loud' is not a band"),
        ("bands: [low], from: 60s", "bands: [low], from: 0s", "must be greater than that"),
        ("bands: [high], from: 0s", "bands: [high], from: 5s", "the first group must begin at 0"),
        ("- groups:", "- free: 10s\n        groups:", "stands beside groups of some bands"),
        ("calendar: peak", "calendar: peak\nstraddle: prorate", "straddle to be start_band"),
        ('rate: "0.05"', "rate: {high: 1}", "has no rate for the band 'low'"),
    ],
)
def test_what_lint_refuses(old: str, new: str, said: str) -> None:
    assert old in TARIFF
    reading = catalog_files.reading({**CHANGES, "tariffs/voice.yaml": TARIFF.replace(old, new)})
    assert said in " | ".join(str(one) for one in reading.problems)
