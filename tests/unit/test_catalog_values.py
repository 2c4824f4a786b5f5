from fractions import Fraction

import pytest

from schemas.services import Unit
from tallywire.catalog import values
from tallywire.catalog.values import Amount


def test_money_is_exact_and_decimal() -> None:
    assert values.money("0.10") == Fraction(1, 10)
    assert values.money("0.0000166667") == Fraction(166667, 10**10)


@pytest.mark.parametrize("text", ["-1", "1e3", "0,10", "NaN", "", "0x10", "10 EUR", "1.", ".5"])
def test_what_is_not_decimal_money_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a price"):
        values.money(text)


@pytest.mark.parametrize(
    ("text", "quantity", "unit"),
    [
        ("60s", 60_000_000, Unit.MICROSECOND),
        ("5min", 300_000_000, Unit.MICROSECOND),
        ("2h", 7_200_000_000, Unit.MICROSECOND),
        ("1 kB", 1_000, Unit.OCTET),
        ("1 KiB", 1_024, Unit.OCTET),
        ("1.5 GB", 1_500_000_000, Unit.OCTET),
        ("2 GiB", 2 << 30, Unit.OCTET),
        ("50", 50, None),
    ],
)
def test_quantities_have_units(text: str, quantity: int, unit: Unit | None) -> None:
    assert values.amount(text) == Amount(quantity, unit)


@pytest.mark.parametrize("text", ["5 gb", "5 KB", "1.5 B", "-1s", "60 seconds", "ten", ""])
def test_unclear_quantities_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"quantity|unit|whole"):
        values.amount(text)


def test_a_date_is_midnight_where_the_operator_is() -> None:
    summer = values.when("2026-07-01")
    assert summer.micros("UTC") - summer.micros("Europe/Oslo") == 2 * 3_600_000_000
    winter = values.when("2026-01-01")
    assert winter.micros("UTC") - winter.micros("Europe/Oslo") == 3_600_000_000
    exact = values.when("2026-01-01T00:00:00+01:00")
    assert exact.micros("America/New_York") == winter.micros("Europe/Oslo")


@pytest.mark.parametrize(
    "text",
    ["01.02.2026", "2026-02-30", "0000-01-01", "1969-12-31", "9999-12-31", "2026-01-01 12:00", ""],
)
def test_bad_dates_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a date|outside|no offset"):
        values.when(text)


def test_times_of_day_are_minutes() -> None:
    assert [values.clock(text) for text in ("00:00", "18:00", "24:00")] == [0, 1080, 1440]
    for text in ("1080", "24:01", "8:00", "18.00"):
        with pytest.raises(ValueError, match="time of day"):
            values.clock(text)


def test_codes_are_those_of_the_standards() -> None:
    assert values.currency("NOK") == "NOK"
    assert values.time_zone("Europe/Oslo") == "Europe/Oslo"
    for wrong in ("eur", "EURO", "XX"):
        with pytest.raises(ValueError, match="4217"):
            values.currency(wrong)
    for wrong in ("CET+1", "Oslo", "../etc/passwd", "europe/oslo", ""):
        with pytest.raises(ValueError, match="IANA"):
            values.time_zone(wrong)


def test_yes_and_no() -> None:
    assert [values.flag(text) for text in ("yes", "NO", "True", "false")] == [
        True, False, True, False,
    ]  # fmt: skip
    with pytest.raises(ValueError, match="neither"):
        values.flag("1")
