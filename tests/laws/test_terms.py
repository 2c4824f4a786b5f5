"""Laws of prices over a period, spend limits, balances and their counters."""

from collections import Counter
from fractions import Fraction
from itertools import pairwise
from random import Random

import polars as pl
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from schemas.columns import rows_to_frame
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import Group, Snapshot
from tallywire.catalog.terms import MEASURES, Tiers
from tallywire.rating.columnar import ColumnarRater
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Rater
from tests.priced import charges, exact, one_tariff, rate, usage, with_price
from tests.strategies import catalog, snapshots, usage_events, usage_of
from tests.strategies_terms import tiers

SOME = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
DAY = 86_400
NANO = 10**9


def tiered(found: Tiers) -> Snapshot:
    """A catalogue whose only price is by tiers."""
    free = one_tariff(Group(0, 1, (Fraction(0),)), service="data")
    return with_price(free, tiers=found)


def priced_by_hand(found: Tiers, counted: int) -> Fraction:
    """The price of a period, block by block."""
    begun = [step for step in found.steps if step.start < counted]
    if found.mode == "volume":
        return sum(
            (step.flat + len(range(0, counted, step.block)) * step.block * step.rate
             for step in begun[-1:]), Fraction(0),
        )  # fmt: skip
    ends = [*[step.start for step in begun[1:]], counted]
    return sum(
        (step.flat + len(range(step.start, end, step.block)) * step.block * step.rate
         for step, end in zip(begun, ends, strict=False)), Fraction(0),
    )  # fmt: skip


def counted_by_hand(found: Tiers, events: list[UsageEvent]) -> int:
    """What the events of a period come to, all of them looked at together."""
    sizes = [event.quantity for event in events]
    in_time = sorted(events, key=lambda event: event.start_time)
    ranked, places = sorted(sizes), len(sizes) * found.percentile
    return {
        "sum": sum(sizes),
        "count": len(sizes),
        "amount": sum(int(event.source_amount or 0) for event in events) * NANO,
        "max": max(sizes),
        "latest": in_time[-1].quantity,
        "unique": len({event.b_number for event in events}),
        "percentile": ranked[(places + 99) // 100 - 1],
        "time_weighted": sum(
            one.quantity * (after.start_time // 10**6 - one.start_time // 10**6)
            for one, after in pairwise(in_time)
        ),
    }[found.measure]


@st.composite
def _periods(draw: st.DrawFn) -> tuple[Tiers, list[UsageEvent]]:
    """Tiers of any measure, and usage of one month at instants of their own."""
    chance = Random(draw(st.integers(0, 2**32)))
    found = tiers(chance, "data", plain=False)
    found = Tiers(
        "t", found.mode, found.steps, draw(st.sampled_from(MEASURES)), "subscription", "month",
        "b_number", draw(st.sampled_from([1, 50, 95, 99])),
    )  # fmt: skip
    seconds = draw(st.lists(st.integers(0, 20 * DAY), min_size=1, max_size=8, unique=True))
    return found, [
        usage(
            chance.choice([0, 1, 5, 50, 119, 120, 121, 999]), "2026-01-05T00:00:00Z",
            service="data", b_number=chance.choice(["47", "46", "45"]),
            source_amount=chance.choice([0, 1, 3]),
        ).model_copy(update={"start_time": 1_767_571_200_000_000 + second * 1_000_001})
        for second in seconds
    ]  # fmt: skip


@SOME
@given(_periods(), st.randoms())
def test_a_period_costs_the_price_of_all_of_it_in_whatever_order(
    period: tuple[Tiers, list[UsageEvent]], chance: Random
) -> None:
    """Every measure; late usage is corrected, as what it adds to the price of the whole."""
    found, events = period
    expected = priced_by_hand(found, counted_by_hand(found, events))
    snapshot = tiered(found)
    made = charges(snapshot, events)
    assert sum(map(exact, made), Fraction(0)) == expected
    later = list(events)
    chance.shuffle(later)
    again = charges(snapshot, later)
    assert sum(map(exact, again), Fraction(0)) == expected
    for before, after in pairwise(again):
        assert before.row["cumulative_after"] == after.row["cumulative_before"]


@SOME
@given(_periods(), st.lists(st.integers(0, 400), max_size=6))
def test_a_period_costs_the_same_however_its_usage_is_cut(
    period: tuple[Tiers, list[UsageEvent]], cuts: list[int]
) -> None:
    found = Tiers("t", period[0].mode, period[0].steps)
    total = sum(event.quantity for event in period[1])
    edges = [0, *sorted(min(cut, total) for cut in cuts), total]
    pieces = [usage(b - a, service="data") for a, b in pairwise(edges)]
    made = charges(tiered(found), pieces)
    assert sum(map(exact, made), Fraction(0)) == priced_by_hand(found, total)


@SOME
@given(_periods())
def test_a_correction_is_what_earlier_usage_costs_more_or_less(
    period: tuple[Tiers, list[UsageEvent]],
) -> None:
    found, events = period
    assume(found.mode == "volume" and found.measure == "sum")
    for charge in charges(tiered(found), events):
        climb = charge.working.priced.climb
        assert climb is not None
        there = max(
            (step for step in found.steps if step.start < climb.after),
            key=lambda step: step.start, default=found.steps[0],
        )  # fmt: skip
        blocks = [len(range(0, units, there.block)) for units in (climb.before, climb.after)]
        own = (blocks[1] - blocks[0]) * there.block * there.rate
        own += there.flat if climb.after and not climb.before else 0
        assert climb.repriced == climb.amount - own


@SOME
@given(snapshots(plain=False), usage_events())
def test_no_limit_is_passed_and_no_balance_overdrawn(
    snapshot: Snapshot, events: list[UsageEvent]
) -> None:
    spent: Counter[tuple[str, ...]] = Counter()
    paid: Counter[tuple[str, ...]] = Counter()
    for charge in charges(snapshot, events):
        for one in charge.working.spent:
            spent[one.key] += int(charge.working.amount * NANO)
            most = one.spend.maximum
            if most is not None and charge.working.amount > 0:
                assert spent[one.key] <= most * NANO
            assert charge.writes[one.key] == spent[one.key]
        for held in charge.working.paid:
            key = (held.balance.balance_id, held.grant.grant_id, charge.row["subscription_id"])
            paid[key] += held.paid
            assert 0 <= held.paid <= held.before <= held.grant.quantity
            assert paid[key] <= held.grant.quantity
        assert 0 <= charge.row["balance_paid"] <= max(0, charge.row["amount"])


@SOME
@given(snapshots(), usage_events(), st.integers(0, 25))
def test_counters_are_written_and_read_back(
    snapshot: Snapshot, events: list[UsageEvent], cut: int
) -> None:
    """A lane that is started again from its journal, or from a dump, goes on as if never stopped."""
    batch, rater = rows_to_frame(events, UsageEvent), Rater(snapshot)
    counters, journalled, dumped = Counters(), Counters(), Counters()
    rater.rate(batch[:cut], counters)
    for piece in counters.dump():
        dumped.apply(piece)
    journalled.apply(counters.changes())
    assert counters.changes() == b""
    expected = rater.rate(batch[cut:], counters)
    for others in (journalled, dumped):
        made = rater.rate(batch[cut:], others)
        assert_frame_equal(made.rated, expected.rated)
        assert_frame_equal(made.refused, expected.refused)
        assert others.changes() == counters.changes() or others is dumped


_DENOMINATORS = st.sampled_from([1, 7, 10**6, 999_983, 2**30, 3**25, 10**15, 2**52 - 1])


@SOME
@given(
    st.lists(st.tuples(st.integers(0, 10**12), _DENOMINATORS), min_size=2, max_size=4),
    st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), st.sampled_from([1, 60, 10**6]),
    _periods(),
)  # fmt: skip
def test_nothing_overflows_within_the_proven_bound(
    rates: list[tuple[int, int]], fees: tuple[int, int], step: int,
    period: tuple[Tiers, list[UsageEvent]],
) -> None:  # fmt: skip
    """At the largest quantity that columns take, and around it, both raters agree."""
    groups = tuple(
        Group(number * 10**5, step, (Fraction(*rate),)) for number, rate in enumerate(rates)
    )
    steps = Tiers("t", "graduated", period[0].steps)
    snapshot = one_tariff(*groups, service="data", fee=str(fees[0]), least=str(fees[1]))
    snapshot = with_price(snapshot, tiers=steps)
    limit = int(ColumnarRater(snapshot)._tables.prices.limit[0])
    assume(limit >= 0)
    for quantity in {0, 1, limit // 2, max(0, limit - 1), min(limit, 10**12), limit + 1}:
        if quantity > 10**15:
            continue
        event = usage(quantity, service="data")
        made = Rater(snapshot).rate(rows_to_frame([event], UsageEvent), Counters()).rated
        row = made.row(0, named=True)
        expected = rate(snapshot, event).row
        assert {name: row[name] for name in expected if name != "rater"} == {
            name: value for name, value in expected.items() if name != "rater"
        }
        assert row["rater"] == ("columnar" if quantity <= min(limit, 10**12) else "rulebook")


def _rated(seeds: range, *, plain: bool) -> pl.DataFrame:
    made = []
    for seed in seeds:
        snapshot = catalog(seed, plain=plain)
        usage = rows_to_frame(usage_of(seed, 25), UsageEvent)
        rated = Rater(snapshot).rate(usage, Counters()).rated
        prices = rated.select("tariff_id", "price_no").iter_rows()
        tiers = [snapshot.tariffs[name].prices[number].tiers for name, number in prices]
        provisional = pl.Series([bool(one and one.provisional) for one in tiers], dtype=pl.Boolean)
        made.append(
            rated.with_columns(pl.lit(seed).alias("seed"), provisional.alias("provisional"))
        )
    return pl.concat(made)


def test_what_is_generated_reaches_every_path_of_the_columnar_rater() -> None:
    rated = _rated(range(70), plain=True).filter(pl.col("rater") == "columnar")
    legs = rated.group_by("seed", "event_id").len()["len"]
    found = {
        "rows": rated.height,
        "several legs": (legs > 1).sum(),
        "three legs": (legs > 2).sum(),
        "several allowances": (rated["counters"] != "").sum(),
        "an allowance and a price": (rated["usage_rating_tag"] == "mixed").sum(),
        "tiers": (rated["cumulative_before"] >= 0).sum(),
        "tiers of partners": rated["provisional"].sum(),
        "tiers above the first event": (rated["cumulative_before"] > 0).sum(),
        "a fallback": rated["tariff_id"].str.ends_with("-2").sum(),
        "several bands": rated["bands"].str.contains("+", literal=True).sum(),
        "a maximum": (rated["maximum_applied"] == 1).sum(),
        "a minimum": (rated["minimum_applied"] == 1).sum(),
        "every rounding": rated["rounding_mode"].n_unique() == 5,
        "partners of both sides": {"revenue", "cost"} <= set(rated["side"]),
        "canaries": (rated["side"] == "canary").sum(),
    }
    assert found["rows"] > 400
    assert [name for name, count in found.items() if not count] == []


def test_what_is_generated_reaches_every_term() -> None:
    seen: Counter[str] = Counter()
    for seed in range(70):
        for charge in charges(catalog(seed, plain=False), usage_of(seed, 25)):
            working = charge.working
            found, climb = working.found, working.priced.climb
            seen.update(step.name for step in charge.steps)
            if climb:
                seen.update([climb.tiers.measure, climb.tiers.mode, climb.tiers.scope,
                             climb.tiers.period])  # fmt: skip
                seen["repriced"] += bool(climb.repriced)
            for draw in working.priced.drawn.draws:
                seen["carried"] += bool(draw.bucket.carried)
                seen["granted"] += draw.bucket.granted
            seen["override"] += found.tariff.tariff_id not in found.offer.tariffs.values()
            seen["share of a run"] += bool(
                working.priced.shared and working.priced.shared.of != "source_amount"
            )
            seen["conversion"] += found.tariff.conversion is not None
            seen["uplink"] += any(part.way == "up_octets" for part in working.counted.parts)
            seen.update(f"discount by {one.discount.measure}" for one in working.taken)
    wanted = [
        *MEASURES, "graduated", "volume", "subscription", "account", "hierarchy", "partner", "day", "week",
        "month", "year", "once", "repriced", "carried", "granted", "override", "share",
        "share of a run", "conversion", "uplink", "discount by ", "discount by usage",
        "discount by spend", "attributes", "fair_use", "exchange", "overage", "limit", "balance",
        "maximum", "minimum", "leg",
    ]  # fmt: skip
    assert [name for name in wanted if not seen[name]] == []


def test_two_offers_may_draw_allowances_in_contrary_orders() -> None:
    """Then the account goes to the rulebook, and the charges are the same."""
    contrary = 0
    for seed in range(300):
        snapshot = catalog(seed, plain=True)
        rater = ColumnarRater(snapshot)
        contrary += bool(rater._finder.allowances.contrary.any())
        if contrary == 3:
            break
    assert contrary == 3


def test_counters_written_without_a_header_are_still_read() -> None:
    """The journals of before there were series."""
    counters = Counters()
    counters.set(("s", "min", "2026-01"), 7)
    counters.set(("s", "min", "2026-02"), -3)
    counters.set(("s", "min", "2026-01"), 9)
    header = 16
    old = Counters()
    old.apply(counters.changes()[header:])
    held = [old.used(("s", "min", month)) for month in ("2026-01", "2026-02", "2026-03")]
    assert held == [9, -3, 0]
