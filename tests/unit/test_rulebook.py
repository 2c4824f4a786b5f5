import dataclasses
import uuid
from decimal import Decimal
from fractions import Fraction

import polars as pl
import pytest
import xxhash

from schemas.columns import conform, frame_to_rows, polars_schema, rows_to_frame
from schemas.rated import RatedEvent
from schemas.reasons import Reason
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import FOREVER_US, Allowance, Calendar, Group, Rounding
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Rater
from tallywire.rating.rulebook import Rulebook
from tests.priced import (
    SECOND,
    call,
    group,
    one_tariff,
    peak_calendar,
    rate,
    refuse,
    row_of,
    usage,
)

MINUTE = 60 * SECOND
FLAT = one_tariff(group(0, 1, "0.60"))
TEN_MINUTES = Allowance("min", frozenset({"voice"}), frozenset(), "microsecond", 10 * MINUTE)


def test_a_row_has_what_a_rated_event_needs() -> None:
    charge = rate(FLAT, usage(MINUTE, event_id=uuid.UUID(int=7), restatement_no=1, attempt=2))
    schema = {name: polars_schema(RatedEvent)[name] for name in charge.row}
    frame = conform(pl.DataFrame([dict(charge.row)], schema=schema, orient="row"), RatedEvent)
    (rated,) = frame_to_rows(frame, RatedEvent)
    name = f"{7:032x}\x1f1\x1f2\x1fretail\x1fcharge"
    assert rated.rated_id == uuid.UUID(bytes=xxhash.xxh3_128_digest(name.encode()))
    assert (rated.run, rated.op, rated.version, rated.fate_change) == ("retail", "charge", 1, 1)
    assert (rated.rater, rated.engine_version, rated.catalog_hash) == ("rulebook", "1", "hash")
    assert (rated.tariff_id, rated.tariff_revision, rated.price_no) == ("tariff", 1, 0)
    assert (rated.zone_id, rated.matched_prefix, rated.bands) == ("world", "", "all")
    assert (rated.amount, rated.currency, rated.bill_period) == (
        Decimal("0.600000000"), "EUR", "2026-01",
    )  # fmt: skip
    assert (rated.amount_numerator, rated.amount_denominator) == (3, 5)
    assert (rated.legal_entity, rated.usage_rating_tag, rated.allowance_id) == (
        "Entity", "usage", "",
    )  # fmt: skip
    assert (rated.allowance_before, rated.allowance_after) == (-1, -1)
    assert charge.writes == {}


@pytest.mark.parametrize(
    ("fields", "reason", "detail", "missing"),
    [
        ({"offer_id": "x"}, Reason.TARIFF_MISSING, "no tariff for x/voice/mo", "x/voice/mo"),
        ({"direction": "mt"}, Reason.TARIFF_MISSING, "no tariff for offer/voice/mt",
         "offer/voice/mt"),
        ({"unit": "octet"}, Reason.UNIT_MISMATCH,
         "usage is counted in octet, tariff tariff in microsecond", "tariff"),
        ({"quantity": 10**15 + 1}, Reason.QUANTITY_OUT_OF_RANGE, "quantity 1000000000000001", ""),
        ({"b_number": "46"}, Reason.ZONE_UNKNOWN, "tariff tariff has no price for '46'", "46"),
        ({"b_number": "+47"}, Reason.ZONE_UNKNOWN, "tariff tariff has no price for '+47'", "+47"),
        ({"b_number": ""}, Reason.ZONE_UNKNOWN, "tariff tariff has no price for usage without b_number", ""),
        ({"start_time": 99}, Reason.PRICE_NOT_EFFECTIVE, "tariff tariff has no price for '4790'",
         "4790"),
        ({"start_time": 200}, Reason.PRICE_NOT_EFFECTIVE, "tariff tariff has no price for '4790'",
         "4790"),
    ],
)  # fmt: skip
def test_usage_without_price_says_why(
    fields: dict[str, object], reason: Reason, detail: str, missing: str
) -> None:
    snapshot = one_tariff(group(0, 1, "1"), prefixes=(("47", "no", 0, 1, 100, 200),))
    event = usage(1, b_number="4790", start_time=150).model_copy(update=fields)
    refusal = refuse(snapshot, event)
    assert (refusal.reason, refusal.detail, refusal.missing_ref) == (reason, detail, missing)


def test_the_longest_prefix_that_holds_has_the_price() -> None:
    rows = (
        ("", "world", 0, 1, 0, FOREVER_US),
        ("47", "norway", 0, 1, 0, FOREVER_US),
        ("479", "mobile", 0, 2, 100, 200),
        ("479", "mobile_dearer", 0, 3, 200, 300),
    )
    snapshot = one_tariff(group(0, 1, "1"), prefixes=rows)
    found = {
        (number, moment): rate(snapshot, usage(1, b_number=number, start_time=moment)).row[
            "zone_id"
        ]
        for number, moment in [
            ("4790", 99), ("4790", 100), ("4790", 199), ("4790", 200), ("4790", 300), ("4720", 150),
            ("4", 150), ("47x", 150), ("9" * 19, 150), ("479" + "0" * 16, 150),
        ]
    }  # fmt: skip
    assert list(found.values()) == [
        "norway", "mobile", "mobile", "mobile_dearer", "norway", "norway",
        "world", "world", "world", "mobile",
    ]  # fmt: skip


def test_a_step_over_the_end_of_its_group_uses_up_the_next() -> None:
    snapshot = one_tariff(group(0, 45, "60"), group(60, 10, "0"))
    assert [call(snapshot, seconds) for seconds in (45, 46, 60, 90)] == ["45", "90", "90", "90"]
    assert rate(snapshot, usage(91 * SECOND)).row["rated_quantity"] == 100 * SECOND


def test_a_group_that_is_used_up_charges_nothing() -> None:
    snapshot = one_tariff(group(0, 60, "60"), group(10, 1, "1000"), group(20, 1, "6"))
    assert [call(snapshot, seconds) for seconds in (10, 20, 60, 61)] == ["60", "60", "60", "60.1"]


def test_nothing_used_costs_nothing() -> None:
    calendar = peak_calendar("UTC", 720, 780)
    snapshot = one_tariff(group(0, 60, "1", "2"), calendar=calendar, fee="0.4", least="5")
    charge = rate(snapshot, usage(0))
    assert (charge.row["amount"], charge.row["connect_fee"]) == (0, 0)
    assert (charge.row["amount_numerator"], charge.row["amount_denominator"]) == (0, 1)
    assert charge.row["bands"] == "peak"
    assert charge.row["usage_rating_tag"] == "usage"


def test_a_minimum_holds_after_the_connect_fee() -> None:
    snapshot = one_tariff(group(0, 1, "0.60"), fee="0.05", least="0.10")
    rows = [rate(snapshot, usage(seconds * SECOND)).row for seconds in (4, 5, 6)]
    assert [str(row["amount"]) for row in rows] == ["0.100000000", "0.100000000", "0.110000000"]
    assert [row["minimum_applied"] for row in rows] == [1, 0, 0]
    assert [str(row["connect_fee"]) for row in rows] == ["0.050000000"] * 3


def test_a_maximum_holds_with_the_connect_fee_before_the_minimum() -> None:
    snapshot = one_tariff(group(0, 1, "0.60"), fee="0.05", least="0.10", most="0.11")
    rows = [rate(snapshot, usage(seconds * SECOND)).row for seconds in (4, 6, 7)]
    assert [str(row["amount"]) for row in rows] == ["0.100000000", "0.110000000", "0.110000000"]
    assert [row["maximum_applied"] for row in rows] == [0, 0, 1]


STRADDLES = {"start_band": "0.24", "end_band": "0.18", "prorate": "0.21"}


@pytest.mark.parametrize("straddle", STRADDLES)
def test_a_step_over_an_edge_costs_what_the_tariff_says(straddle: str) -> None:
    """Two minutes from 17:58:30, peak to 18:00: steps to 17:59:30 and over the edge to 18:00:30."""
    snapshot = one_tariff(
        group(0, 60, "0.06", "0.12"), calendar=peak_calendar("UTC", 0, 1_080), straddle=straddle
    )
    assert call(snapshot, 120, "2026-01-15T17:58:30Z") == STRADDLES[straddle]
    assert call(snapshot, 90, "2026-01-15T17:58:30Z") == STRADDLES[straddle]
    assert call(snapshot, 60, "2026-01-15T17:59:00Z") == "0.12"  # it ends where the band does


@pytest.mark.parametrize(
    ("used_minutes", "covered", "after", "amount", "tag"),
    [
        (0, 2, 8, "0", "included"),
        (8, 2, 0, "0", "included"),
        (9, 1, 0, "0.7", "mixed"),
        (10, 0, 0, "1.3", "usage"),
        (11, 0, 0, "1.3", "usage"),
    ],
)
def test_an_allowance_pays_for_the_first_units(
    used_minutes: int, covered: int, after: int, amount: str, tag: str
) -> None:
    snapshot = one_tariff(group(0, 60, "0.60"), fee="0.1", least="0.2", allowances=(TEN_MINUTES,))
    charge = rate(snapshot, usage(90 * SECOND), used_minutes * MINUTE)
    row = charge.row
    assert row["included_quantity"] == covered * MINUTE
    assert (row["allowance_before"], row["allowance_after"]) == (
        (covered + after) * MINUTE, after * MINUTE,
    )  # fmt: skip
    assert Decimal(amount) == row["amount"]
    assert (row["usage_rating_tag"], row["allowance_id"]) == (tag, "min")
    assert charge.writes == {("s", "min", "2026-01"): (used_minutes + covered) * MINUTE}


def test_the_dear_first_minute_is_what_the_allowance_pays() -> None:
    snapshot = one_tariff(group(0, 60, "10"), group(60, 1, "0.60"), allowances=(TEN_MINUTES,))
    charge = rate(snapshot, usage(90 * SECOND), 9 * MINUTE)
    assert charge.row["amount"] == Decimal("0.3")


def test_an_allowance_counts_by_the_month_of_the_offers_zone() -> None:
    utc = Calendar("always", "UTC", ("all",))
    snapshot = one_tariff(
        group(0, 1, "1"), calendar=utc, allowances=(TEN_MINUTES,), time_zone="Europe/Oslo"
    )
    ends = [rate(snapshot, usage(1, f"2026-01-31T{time}Z")) for time in ("22:59:59", "23:00:00")]
    assert [key[2] for charge in ends for key in charge.writes] == ["2026-01", "2026-02"]
    assert [charge.row["bill_period"] for charge in ends] == ["2026-01", "2026-02"]


def test_an_allowance_pays_only_in_its_zones() -> None:
    domestic = Allowance("min", frozenset({"voice"}), frozenset({"no"}), "microsecond", MINUTE)
    rows = (("47", "no", 0, 1, 0, FOREVER_US), ("46", "se", 0, 1, 0, FOREVER_US))
    snapshot = one_tariff(group(0, 1, "1"), allowances=(domestic,), prefixes=rows)
    ids = [rate(snapshot, usage(1, b_number=number)).row["allowance_id"] for number in ("47", "46")]
    assert ids == ["min", ""]


def test_usage_that_is_not_time_has_the_band_of_its_start() -> None:
    calendar = peak_calendar("UTC", 720, 721)
    rates = (Fraction(1, 1_000_000), Fraction(2, 1_000_000))
    snapshot = one_tariff(Group(0, 1_000, rates), calendar=calendar, service="data")
    found = [
        rate(snapshot, usage(10**9, f"2026-01-15T{time}Z", service="data")).row
        for time in ("11:59:59", "12:00:00", "12:01:00")
    ]
    assert [row["bands"] for row in found] == ["off", "peak", "off"]
    assert [int(row["amount"]) for row in found] == [1000, 2000, 1000]


def test_bands_are_named_once_in_the_order_met() -> None:
    calendar = peak_calendar("UTC", 720, 721)
    snapshot = one_tariff(group(0, 1, "1", "2"), calendar=calendar)
    row = rate(snapshot, usage(5 * MINUTE, "2026-01-15T11:59:30Z")).row
    assert row["bands"] == "off+peak"
    assert row["amount"] == 6


def test_a_call_through_the_night_the_clock_is_set() -> None:
    calendar = peak_calendar("Europe/Oslo", 120, 180)
    snapshot = one_tariff(group(0, 60, "1", "100"), calendar=calendar)
    spring = rate(snapshot, usage(180 * MINUTE, "2026-03-29T00:00:00Z")).row
    autumn = rate(snapshot, usage(180 * MINUTE, "2026-10-25T00:00:00Z")).row
    assert (spring["bands"], spring["amount"]) == ("off", 180)
    assert (autumn["bands"], autumn["amount"]) == ("peak+off", 120 * 100 + 60)


def test_a_call_of_thirty_years_is_rated_at_once() -> None:
    calendar = peak_calendar("Europe/Oslo", 480, 1080)
    snapshot = one_tariff(group(0, 60, "0.01", "0.01"), calendar=calendar)
    row = rate(snapshot, usage(10**15, "2026-01-01T00:00:00Z")).row
    assert row["amount_numerator"] == Fraction(-(-(10**15) // (60 * SECOND)), 100).numerator


def test_rounding_is_the_tariffs_and_its_difference_is_kept() -> None:
    found = {}
    for mode in ("up", "down", "half_up", "half_even"):
        snapshot = one_tariff(group(0, 1, "0.60"), rounding=Rounding(mode, 1))
        row = rate(snapshot, usage(25 * SECOND)).row
        found[mode] = (str(row["amount"]), str(row["rounding_difference"]))
        assert (row["rounding_mode"], row["rounding_scale"]) == (mode, 1)
    assert found == {
        "up": ("0.300000000", "0.050000000"),
        "down": ("0.200000000", "-0.050000000"),
        "half_up": ("0.300000000", "0.050000000"),
        "half_even": ("0.200000000", "-0.050000000"),
    }


def test_a_charge_beyond_what_a_column_holds_is_refused() -> None:
    snapshot = one_tariff(Group(0, 1, (Fraction(10**20, 7),)))
    assert refuse(snapshot, usage(10**15)).reason == Reason.QUANTITY_OUT_OF_RANGE
    snapshot = one_tariff(Group(0, 1, (Fraction(10**13),)))
    assert rate(snapshot, usage(10**15)).row["amount"] == 10**28


def test_prefixes_are_read_when_a_tariff_is_first_asked_for() -> None:
    broken = one_tariff(group(0, 1, "1"), prefixes=())
    assert refuse(broken, usage(1, offer_id="x")).reason == Reason.TARIFF_MISSING
    assert refuse(broken, usage(1)).reason == Reason.ZONE_UNKNOWN


def test_rating_leaves_the_event_and_the_counters_alone() -> None:
    snapshot = one_tariff(group(0, 1, "1"), allowances=(TEN_MINUTES,))
    event = dict(row_of(usage(MINUTE)))
    before = dict(event)
    book = Rulebook(snapshot)
    first, again = (book.rate(event, lambda _: 5) for _ in range(2))
    assert event == before
    assert first == again


def test_a_calendar_without_rules_has_its_first_band() -> None:
    calendar = Calendar("c", "UTC", ("a", "b"))
    snapshot = one_tariff(group(0, 1, "1", "2"), calendar=calendar)
    assert rate(snapshot, usage(MINUTE)).row["bands"] == "a"


def test_a_step_over_the_edge_of_its_band_belongs_to_the_band_it_begins_in() -> None:
    calendar = peak_calendar("UTC", 720, 721)
    snapshot = one_tariff(group(0, 7, "1", "2"), calendar=calendar)
    charge = rate(snapshot, usage(100 * SECOND, "2026-01-15T11:59:40Z"))
    lengths = [line.part.stretch.length for line in charge.working.priced.lines]
    assert lengths == [21 * SECOND, 63 * SECOND, 21 * SECOND]


def test_a_zone_left_without_a_price_is_no_shorter_prefix() -> None:
    """Premium numbers within a country that is priced: they have no price, not the country's."""
    snapshot = one_tariff(group(0, 60, "0.60"), prefixes=(
        ("47", "norway", 0, 1, 0, FOREVER_US), ("47820", "premium", 1, 1, 0, FOREVER_US),
    ))  # fmt: skip
    tariff = snapshot.tariffs["tariff"]
    barrier = dataclasses.replace(tariff.prices[0], only_variants=True)
    tariff = dataclasses.replace(tariff, prices=(tariff.prices[0], barrier))
    snapshot = dataclasses.replace(snapshot, tariffs={"tariff": tariff})
    assert rate(snapshot, usage(SECOND, b_number="4741234567")).row["zone_id"] == "norway"
    found = refuse(snapshot, usage(SECOND, b_number="4782012345"))
    assert (found.reason, found.missing_ref) == (Reason.ZONE_UNPRICED, "premium")
    batch = rows_to_frame([usage(SECOND, b_number="4782012345")], UsageEvent)
    refused = Rater(snapshot).rate(batch, Counters()).refused
    assert refused["detail"].to_list() == [found.detail]
