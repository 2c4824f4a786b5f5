"""Tiers counted per partner: provisional in the lane, trued up for all lanes together."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from schemas.columns import rows_to_frame
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import Rounding, Snapshot
from tallywire.catalog.terms import Tier, Tiers
from tallywire.money import display
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Rater
from tallywire.rating.explain import as_json, words
from tallywire.rating.partner_true_up import (
    Counted,
    PartnerCount,
    partner_counts,
    rows_of,
    true_up,
)
from tallywire.rating.replay import replay
from tallywire.rating.rulebook import Closing, Refusal, Rulebook
from tests.partner_legs import carriage, carried, counted
from tests.priced import charges, with_tariff

CAUSE = bytes(range(16))
GRADUATED = Tiers(
    "volume", "graduated",
    (Tier(0, Fraction(2), Fraction(1, 10), 7), Tier(100, Fraction(3), Fraction(1, 20))),
    scope="partner",
)  # fmt: skip
VOLUME = Tiers(
    "volume", "volume", (Tier(0, Fraction(0), Fraction(1, 10)), Tier(100, Fraction(0), Fraction(1, 20))),
    scope="partner",
)  # fmt: skip


def counts(snapshot: Snapshot, units: int, before: int = 0) -> PartnerCount:
    part = Counted(
        party_id="nordvik", run="wholesale", side="cost", tariff_id="carrier", price_no=0,
        currency="EUR", period="2026-07", catalog_hash="hash", units=units,
    )  # fmt: skip
    (found,) = partner_counts([part], lambda _: snapshot, {})
    return replace(found, before=before)


def made(snapshot: Snapshot, units: int, before: int = 0) -> Closing:
    found = true_up(counts(snapshot, units, before), snapshot, CAUSE)
    assert isinstance(found, Closing)
    return found


def test_a_lane_charges_the_rate_of_the_first_tier_alone() -> None:
    """Neither the flat of 2, nor blocks of 7, nor the lower rate beyond 100."""
    usage = [carriage(99), carriage(1), carriage(200)]
    legs = [one for one in charges(carried(GRADUATED), usage) if one.row["run"] == "wholesale"]
    assert [str(one.row["amount"]) for one in legs] == [
        "9.900000000",
        "0.100000000",
        "20.000000000",
    ]
    spans = [(one.row["cumulative_before"], one.row["cumulative_after"]) for one in legs]
    assert spans == [(0, 99), (0, 1), (0, 200)]
    assert not any(one.writes or one.row["counters"] for one in legs)


@pytest.mark.parametrize(
    ("measure", "expected"),
    [("sum", (50, "5")), ("count", (1, "0.1")), ("amount", (2_500_000_000, "250000000"))],
)
def test_what_is_counted_is_added_up(measure: str, expected: tuple[int, str]) -> None:
    snapshot = carried(replace(GRADUATED, measure=measure))
    usage = carriage(50, source_amount="2.5", source_currency="EUR")
    (_, leg) = charges(snapshot, [usage])
    assert leg.row["cumulative_after"] == expected[0]
    assert leg.working.exact == Fraction(expected[1])
    batch = rows_to_frame([usage], UsageEvent)
    row = Rater(snapshot).rate(batch, Counters()).rated.row(1, named=True)
    assert row["rater"] == ("rulebook" if measure == "amount" else "columnar")
    assert {name: row[name] for name in leg.row if name != "rater"} == {
        name: value for name, value in leg.row.items() if name != "rater"
    }


def test_volume_tiers_of_a_partner_are_rated_in_columns() -> None:
    batch = rows_to_frame([carriage(300)], UsageEvent)
    rated = Rater(carried(VOLUME)).rate(batch, Counters()).rated
    assert rated["rater"].to_list() == ["columnar", "columnar"]
    assert str(rated["amount"][1]) == "30.000000000"


def test_the_explanation_says_that_the_price_is_provisional() -> None:
    leg = charges(carried(GRADUATED), [carriage(300)])[1]
    (told,) = [text for text in words(leg.steps) if "provisionally" in text]
    assert told == (
        "Usage counted for volume in July 2026: 300 octets; provisionally at the rate of the first tier, "
        "EUR 30.00. The partner is trued up for all that it carried."
    )
    assert any(step.get("provisional") is True for step in as_json(leg.steps))


@pytest.mark.parametrize(
    ("tiers", "units", "amount"),
    [
        (GRADUATED, 50, "2.6"),  # 8 blocks of 7 at 0.10, and 2, less 50 at 0.10
        (GRADUATED, 100, "2.5"),  # 15 blocks of 7: 10.50, and 2, less 10
        (GRADUATED, 300, "-4.5"),  # 10.50 + 2 + 3 + 200 at 0.05, less 30
        (VOLUME, 300, "-15"),  # all 300 at 0.05, less 30
    ],
)  # fmt: skip
def test_the_difference_to_the_price_of_everything_is_charged(
    tiers: Tiers, units: int, amount: str
) -> None:
    row = made(carried(tiers), units).row
    assert row["amount"] == display(Fraction(amount))
    assert (row["op"], row["run"], row["side"], row["party_id"]) == (
        "true_up", "wholesale", "cost", "nordvik",
    )  # fmt: skip
    assert (row["routing_id"], row["bill_period"], row["fate_change"]) == (
        "partner:nordvik", "2026-07", 0,
    )  # fmt: skip
    assert (row["cumulative_before"], row["cumulative_after"]) == (0, units)


def test_truing_up_again_charges_only_what_is_further_due() -> None:
    snapshot = carried(GRADUATED)
    first, second = made(snapshot, 100), made(snapshot, 300, 100)
    assert [str(one.row["amount"]) for one in (first, second)] == ["2.500000000", "-7.000000000"]
    assert first.row["event_id"] == second.row["event_id"]
    assert first.row["rated_id"] != second.row["rated_id"]
    assert true_up(counts(snapshot, 300, 300), snapshot, CAUSE) is None


def test_what_was_taken_back_is_taken_back() -> None:
    """All usage reversed: the true-up is undone to the last digit."""
    snapshot = carried(GRADUATED)
    assert made(snapshot, 0, 300).row["amount"] == -made(snapshot, 300).row["amount"]


def test_one_rounding_at_the_end() -> None:
    third = replace(
        VOLUME, steps=(Tier(0, Fraction(0), Fraction(1, 3)), Tier(1, Fraction(0), Fraction(1, 7)))
    )
    snapshot = carried(third)
    tariff = replace(snapshot.tariffs["carrier"], rounding=Rounding("half_up", 2))
    row = made(replace(snapshot, tariffs={**snapshot.tariffs, "carrier": tariff}), 2).row
    assert (row["amount_numerator"], row["amount_denominator"]) == (-8, 21)
    assert (str(row["amount"]), str(row["rounding_difference"])) == ("-0.380000000", "0.000952381")


def test_the_true_up_is_explained_and_replayed() -> None:
    snapshot = carried(GRADUATED)
    closing = made(snapshot, 300, 100)
    assert words(closing.steps) == [
        (
            "In July 2026 usage of nordvik counted for volume came to 300 octets: by tiers, each part at its "
            "own tier, that costs EUR 25.50; EUR 30.00 was charged provisionally. Of the difference "
            "EUR 2.50 was trued up before. The rest is EUR -7.00."
        ),
        "The charge is EUR -7.00.",
    ]
    rows = rows_of([made(snapshot, 100), closing])
    assert replay(Rulebook(snapshot), rows) == []
    cheaper = carried(replace(GRADUATED, steps=(GRADUATED.steps[0],)))
    wrong = replay(Rulebook(cheaper), rows)
    assert {one.column for one in wrong} >= {"amount", "event_id"}
    nothing = with_tariff(carried(), order="scan")
    assert {one.column for one in replay(Rulebook(nothing), rows)} == {"price"}


def test_usage_under_another_price_counts_apart() -> None:
    """Another catalogue with the same price counts together; one with another price does not."""
    same, other = replace(carried(GRADUATED), hash="b"), replace(carried(VOLUME), hash="c")
    catalogs = {"hash": carried(GRADUATED), "b": same, "c": other}
    usage = [carriage(90)]
    rows: list[Any] = []
    for snapshot in catalogs.values():
        rows += [one.row for one in charges(snapshot, usage)]
    found = partner_counts(counted(rows), catalogs.__getitem__, {})
    assert [(one.units, one.tiers.mode, one.catalog_hash) for one in found] == [
        (180, "graduated", "b"), (90, "volume", "c"),
    ]  # fmt: skip


def test_tiers_of_accounts_are_not_trued_up() -> None:
    snapshot = carried(replace(GRADUATED, scope="subscription"))
    rows = [one.row for one in charges(snapshot, [carriage(90)])]
    assert partner_counts(counted(rows), lambda _: snapshot, {}) == []


def test_a_difference_over_38_digits_is_refused() -> None:
    snapshot = carried(
        replace(
            VOLUME,
            steps=(
                Tier(0, Fraction(0), Fraction(0)),
                Tier(5, Fraction(0), Fraction(1, 10**39 + 3)),
            ),
        )
    )
    found = true_up(counts(snapshot, 10**15), snapshot, CAUSE)
    assert isinstance(found, Refusal)
