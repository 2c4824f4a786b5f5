"""Charges worked out by hand and published: tariff, seconds, charge."""

from fractions import Fraction

import pytest

from tallywire.catalog.snapshot import Rounding
from tests.priced import SECOND, call, group, one_tariff, peak_calendar, rate, usage

VECTORS = {
    "0.006 a minute, 30/6": (
        (group(0, 30, "0.006"), group(30, 6, "0.006")),
        {32: ("0.0036", 36), 57: ("0.006", 60), 75: ("0.0078", 78)},
    ),
    "0.10 a minute, 60/60": (
        (group(0, 60, "0.10"),),
        {
            1: ("0.1", 60), 59: ("0.1", 60), 60: ("0.1", 60), 61: ("0.2", 120), 90: ("0.2", 120),
            125: ("0.3", 180),
        },
    ),
    "0.10 a minute, 60/1": (
        (group(0, 60, "0.10"), group(60, 1, "0.10")),
        {59: ("0.1", 60), 61: ("0.101667", 61), 90: ("0.15", 90), 125: ("0.208333", 125)},
    ),
    "0.10 a minute, 1/1": (
        (group(0, 1, "0.10"),),
        {1: ("0.001667", 1), 59: ("0.098333", 59), 125: ("0.208333", 125)},
    ),
    "0.10 a minute, 30/6": (
        (group(0, 30, "0.10"), group(30, 6, "0.10")),
        {1: ("0.05", 30), 61: ("0.11", 66), 125: ("0.21", 126)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", VECTORS)
def test_increments(name: str) -> None:
    groups, charges = VECTORS[name]
    snapshot = one_tariff(*groups, rounding=Rounding("half_up", 6))
    for seconds, (amount, counted) in charges.items():
        assert call(snapshot, seconds) == amount
        row = rate(snapshot, usage(seconds * SECOND)).row
        assert row["rated_quantity"] == counted * SECOND


def test_a_connect_fee_and_a_dearer_first_minute_are_exact() -> None:
    snapshot = one_tariff(group(0, 60, "0.2"), group(60, 1, "0.1"), fee="0.4")
    charge = rate(snapshot, usage(90 * SECOND))
    row = charge.row
    assert Fraction(int(row["amount_numerator"]), int(row["amount_denominator"])) == Fraction(
        "0.65"
    )
    assert f"{row['amount']}" == "0.650000000"


@pytest.mark.parametrize("zone", ["UTC", "Europe/Oslo", "America/New_York", "Asia/Kolkata"])
def test_a_step_has_the_price_of_the_band_it_begins_in(zone: str) -> None:
    calendar = peak_calendar(zone, 0, 18 * 60)
    start = {
        "UTC": "2026-01-15T17:59:30Z", "Europe/Oslo": "2026-01-15T16:59:30Z",
        "America/New_York": "2026-01-15T22:59:30Z", "Asia/Kolkata": "2026-01-15T12:29:30Z",
    }[zone]  # fmt: skip
    by_second = one_tariff(group(0, 1, "0.06", "0.12"), calendar=calendar)
    by_minute = one_tariff(group(0, 60, "0.06", "0.12"), calendar=calendar)
    assert call(by_second, 60, start) == "0.09"
    assert call(by_minute, 90, start) == "0.18"
    assert rate(by_minute, usage(90 * SECOND, start)).row["bands"] == "peak+off"
