"""Corrections of usage that has a partner's leg, which the new catalogue may have no price for."""

import dataclasses
from fractions import Fraction
from typing import Any

import polars as pl

from schemas.columns import rows_to_frame
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import Partner, Price, Snapshot
from tallywire.catalog.terms import Tier, Tiers
from tallywire.rating.counters import Counters
from tests.corrected import OTHER_CAUSE, again, catalogs_of, charge, now, stored, take
from tests.priced import SECOND, group, one_tariff, usage

CARRIER = Partner(
    "carrier", "wholesale", "cost", "trunk_out", frozenset({"t1"}), {("voice", "mo"): "cost"}
)


def _snapshot(
    name: str, rate: str, cost: str = "0.10", *, nowhere: bool = False, **price: Any
) -> Snapshot:
    """Retail and a carrier's cost per minute; `nowhere`, the carrier has a price for 46 only."""
    made = one_tariff(group(0, 60, rate))
    first = made.tariffs["tariff"]
    own = dataclasses.replace(Price(Fraction(0), Fraction(0), (group(0, 60, cost),)), **price)
    prefix = pl.lit("46" if nowhere else "").alias("prefix")
    carried = dataclasses.replace(
        first, tariff_id="cost", prices=(own,), prefixes=first.prefixes.with_columns(prefix)
    )
    tariffs = {"tariff": first, "cost": carried}
    return dataclasses.replace(made, hash=name, tariffs=tariffs, partners=(CARRIER,))


def _call(number: int, minutes: int = 1, **more: object) -> UsageEvent:
    name = f"00000000-0000-0000-0000-{number:012d}"
    return usage(minutes * 60 * SECOND, event_id=name, trunk_out="t1", **more)


def _told(rows: pl.DataFrame) -> list[tuple[str, str, str]]:
    return [
        (run, name, f"{amount:.2f}")
        for run, name, amount in rows.select("run", "catalog_hash", "amount").iter_rows()
    ]


def test_a_partners_leg_without_a_price_stays_and_the_customers_is_corrected() -> None:
    catalogs = catalogs_of({"a": _snapshot("a", "0.60"), "b": _snapshot("b", "0.90", nowhere=True)})
    lane = Counters()
    history = charge(catalogs, "a", [_call(1)], lane, 0)
    made = again(catalogs, history, "b", lane)
    assert made.refused.select("run", "reason").rows() == [("wholesale", "zone_unknown")]
    assert made.rows.select("run", "op").rows() == [
        ("retail", "reversal"), ("retail", "correction")
    ]  # fmt: skip
    take(lane, made)
    history = pl.concat([history, stored(made.rows, 1)])
    assert _told(now(history)) == [("retail", "b", "0.90"), ("wholesale", "a", "0.10")]
    assert again(catalogs, history, "", lane).rows.is_empty()
    assert again(catalogs, history, "b", lane).rows.is_empty()
    undone = again(catalogs, history, "a", lane, cause=OTHER_CAUSE)
    after = now(pl.concat([history, stored(undone.rows, 2)]))
    assert _told(after) == [("retail", "a", "0.60"), ("wholesale", "a", "0.10")]


def test_a_leg_that_stays_shares_what_the_customer_pays_now() -> None:
    """Its price is the first one: the half of what the customer pays."""
    half = {"share": Fraction(1, 2), "share_of": "retail"}
    catalogs = catalogs_of({
        "a": _snapshot("a", "0.60", "0", **half), "b": _snapshot("b", "0.90", nowhere=True),
    })  # fmt: skip
    history = charge(catalogs, "a", [_call(1)], Counters(), 0)
    assert _told(history) == [("retail", "a", "0.60"), ("wholesale", "a", "0.30")]
    made = again(catalogs, history, "b")
    after = now(pl.concat([history, stored(made.rows, 1)]))
    assert _told(after) == [("retail", "b", "0.90"), ("wholesale", "a", "0.45")]


def test_a_share_of_what_is_in_another_currency_now_stays_as_it_is() -> None:
    """It is refused twice and named once; usage that comes meanwhile is still told."""
    half = {"share": Fraction(1, 2), "share_of": "retail"}
    dear = _snapshot("b", "0.90", nowhere=True)
    dollars = dataclasses.replace(dear.tariffs["tariff"], currency="USD")
    dear = dataclasses.replace(dear, tariffs={**dear.tariffs, "tariff": dollars})
    catalogs = catalogs_of({"a": _snapshot("a", "0.60", "0", **half), "b": dear})
    lane = Counters()
    history = charge(catalogs, "a", [_call(1)], lane, 0)
    made = again(catalogs, history, "b", lane)
    assert made.refused["run"].to_list() == ["wholesale"]
    take(lane, made)
    history = pl.concat([history, stored(made.rows, 1)])
    assert _told(now(history)) == [("retail", "b", "0.90"), ("wholesale", "a", "0.30")]
    later = rows_to_frame([_call(2)], UsageEvent).with_columns(pl.lit("a").alias("catalog_hash"))
    undone = again(catalogs, history, "a", lane, cause=OTHER_CAUSE, later=later)
    assert undone.stale == []
    after = now(pl.concat([history, stored(undone.rows, 2)]))
    assert _told(after) == [("retail", "a", "0.60"), ("wholesale", "a", "0.30")]


def test_legs_that_stay_are_counted() -> None:
    """The carrier's first minute of a month is free: it is one that keeps its price."""

    def free(cents: int) -> Tiers:
        minute = 60 * SECOND
        rate = Fraction(cents, 100 * minute)
        steps = (
            Tier(0, Fraction(0), Fraction(0), minute), Tier(minute, Fraction(0), rate, minute)
        )  # fmt: skip
        return Tiers("minutes", "graduated", steps)

    catalogs = catalogs_of({
        "a": _snapshot("a", "0.60", "0", tiers=free(20)),
        "b": _snapshot("b", "0.90", "0", nowhere=True, tiers=free(30)),
    })  # fmt: skip
    lane = Counters()
    calls = [_call(1), _call(2, b_number="46"), _call(3)]
    history = charge(catalogs, "a", calls, lane, 0)
    made = again(catalogs, history, "b", lane)
    after = now(pl.concat([history, stored(made.rows, 1)]))
    carried = after.filter(pl.col("run") == "wholesale")
    assert carried["cumulative_before"].to_list() == [0, 60 * SECOND, 120 * SECOND]
    assert [f"{amount:.2f}" for amount in carried["amount"]] == ["0.00", "0.30", "0.20"]
    assert carried["catalog_hash"].to_list() == ["a", "b", "a"]


def test_the_legs_of_an_event_charge_the_same_usage() -> None:
    """Corrected content of which a charged leg has no price changes nothing of the event."""
    catalogs = catalogs_of({"a": _snapshot("a", "0.60", nowhere=True)})
    history = charge(catalogs, "a", [_call(1, b_number="46")], Counters(), 0)
    other = _call(1, 2, b_number="123", restatement_no=1)
    made = again(
        catalogs, history, "a", selected=pl.lit(value=False),
        replaced=rows_to_frame([other], UsageEvent),
    )  # fmt: skip
    assert made.refused.select("run", "reason").rows() == [("wholesale", "zone_unknown")]
    assert made.rows.is_empty()
    longer = _call(1, 2, b_number="46", restatement_no=1)
    made = again(
        catalogs, history, "a", selected=pl.lit(value=False),
        replaced=rows_to_frame([longer], UsageEvent),
    )  # fmt: skip
    after = now(pl.concat([history, stored(made.rows, 1)]))
    assert _told(after) == [("retail", "a", "1.20"), ("wholesale", "a", "0.20")]
