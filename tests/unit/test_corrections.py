"""Corrections in examples an accountant can read."""

import dataclasses
from decimal import Decimal

import polars as pl

from schemas.columns import rows_to_frame
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import Snapshot
from tallywire.catalog.terms import Allowance, Grant, Rollover
from tallywire.rating.counters import Counters
from tallywire.rating.opening import lasting, opening
from tallywire.rating.rulebook import Rulebook
from tests.corrected import NO_LATER, again, catalogs_of, charge, now, stored, take
from tests.priced import SECOND, group, one_tariff, usage

MINUTES = Allowance("min", frozenset({"voice"}), frozenset(), "microsecond", 120 * SECOND)


def _snapshot(name: str, rate: str, *allowances: Allowance) -> Snapshot:
    made = one_tariff(group(0, 60, rate), allowances=allowances)
    return dataclasses.replace(made, hash=name)


def _call(
    number: int, seconds: int, start: str = "2026-01-15T12:00:00Z", **more: object
) -> UsageEvent:
    return usage(seconds * SECOND, start, event_id=f"00000000-0000-0000-0000-{number:012d}", **more)


CALLS = [_call(1, 60), _call(2, 60), _call(3, 60), _call(4, 60)]


def _amounts(rows: pl.DataFrame) -> list[str]:
    return [f"{value:.2f}" for value in rows["amount"]]


def test_a_smaller_allowance_is_followed_through_the_month() -> None:
    less = dataclasses.replace(MINUTES, quantity=60 * SECOND)
    catalogs = catalogs_of(
        {"a": _snapshot("a", "0.60", MINUTES), "b": _snapshot("b", "0.60", less)}
    )
    lane = Counters()
    history = charge(catalogs, "a", CALLS, lane, 0)
    assert _amounts(history) == ["0.00", "0.00", "0.60", "0.60"]
    made = again(catalogs, history, "b", lane)
    assert made.rows.select("op", "version").rows()[:2] == [("reversal", 1), ("correction", 2)]
    assert _amounts(now(pl.concat([history, stored(made.rows, 1)]))) == [
        "0.00",
        "0.60",
        "0.60",
        "0.60",
    ]
    take(lane, made)
    assert lane.used(("s", "min", "2026-01")) == 60 * SECOND


def test_what_only_depends_keeps_its_own_prices() -> None:
    """The first call is corrected under the dear catalogue; the others only lose included minutes."""
    dear = _snapshot("b", "6.00")
    catalogs = catalogs_of({"a": _snapshot("a", "0.60", MINUTES), "b": dear})
    history = charge(catalogs, "a", CALLS, Counters(), 0)
    first = pl.col("event_id") == history["event_id"][0]
    made = again(catalogs, history, "b", selected=first)
    after = now(pl.concat([history, stored(made.rows, 1)]))
    assert _amounts(after) == ["6.00", "0.00", "0.00", "0.60"]
    assert after["catalog_hash"].to_list() == ["b", "a", "a", "a"]


def test_an_event_without_a_price_stays_and_is_told() -> None:
    dear = _snapshot("b", "6.00", MINUTES)
    nowhere = dear.tariffs["tariff"].prefixes.with_columns(pl.lit("47900").alias("prefix"))
    tariff = dataclasses.replace(dear.tariffs["tariff"], prefixes=nowhere)
    dear = dataclasses.replace(dear, tariffs={"tariff": tariff})
    catalogs = catalogs_of({"a": _snapshot("a", "0.60", MINUTES), "b": dear})
    calls = [*CALLS[:3], _call(4, 60, b_number="123")]
    history = charge(catalogs, "a", calls, Counters(), 0)
    made = again(catalogs, history, "b")
    assert made.refused["reason"].to_list() == ["zone_unknown"]
    assert _amounts(now(pl.concat([history, stored(made.rows, 1)]))) == [
        "0.00",
        "0.00",
        "6.00",
        "0.60",
    ]


def test_corrected_content_takes_the_place_of_the_first() -> None:
    catalogs = catalogs_of({"a": _snapshot("a", "0.60", MINUTES)})
    lane = Counters()
    history = charge(catalogs, "a", CALLS, lane, 0)
    longer = _call(1, 120, restatement_no=1, file_name="second.csv")
    made = again(
        catalogs, history, "a", lane, selected=pl.lit(value=False),
        replaced=rows_to_frame([longer], UsageEvent),
    )  # fmt: skip
    after = now(pl.concat([history, stored(made.rows, 1)]))
    assert _amounts(after) == ["0.00", "0.60", "0.60", "0.60"]
    assert after["file_name"].to_list() == ["second.csv", "", "", ""]
    assert after["restatement_no"].to_list() == [1, 0, 0, 0]
    take(lane, made)
    repeated = again(catalogs, pl.concat([history, stored(made.rows, 1)]), "a", lane)
    assert repeated.rows.is_empty()


def test_late_usage_is_put_into_the_order_of_its_time_where_the_tariff_says_so() -> None:
    made = _snapshot("a", "0.60", MINUTES)
    timed = dataclasses.replace(made.tariffs["tariff"], order="event_time")
    catalogs = catalogs_of({
        "a": made, "b": dataclasses.replace(made, hash="b", tariffs={"tariff": timed}),
    })  # fmt: skip
    calls = [
        _call(1, 60, "2026-01-15T14:00:00Z"),
        _call(2, 60, "2026-01-15T15:00:00Z"),
        _call(3, 60, "2026-01-15T13:00:00Z"),
    ]
    for name, expected in (("a", ["0.00", "0.00", "0.60"]), ("b", ["0.00", "0.60", "0.00"])):
        lane = Counters()
        history = charge(catalogs, name, calls, lane, 0)
        corrections = again(catalogs, history, "", lane)
        take(lane, corrections)
        history = pl.concat([history, stored(corrections.rows, 1)])
        assert _amounts(now(history)) == expected
        assert again(catalogs, history, "", lane).rows.is_empty()


def test_usage_meanwhile_after_an_order_by_time_is_told() -> None:
    made = _snapshot("a", "0.60", MINUTES)
    timed = dataclasses.replace(made.tariffs["tariff"], order="event_time")
    catalogs = catalogs_of({"a": dataclasses.replace(made, tariffs={"tariff": timed})})
    lane = Counters()
    calls = [
        _call(1, 60, "2026-01-15T14:00:00Z"),
        _call(2, 60, "2026-01-15T15:00:00Z"),
        _call(3, 60, "2026-01-15T13:00:00Z"),
    ]
    history = charge(catalogs, "a", calls, lane, 0)
    ordered = again(catalogs, history, "", lane)
    take(lane, ordered)
    history = pl.concat([history, stored(ordered.rows, 1)])
    fourth = [_call(4, 60, "2026-01-15T12:00:00Z")]
    fresh = charge(catalogs, "a", fourth, lane, 2)
    later = rows_to_frame(fourth, UsageEvent).with_columns(pl.lit("a").alias("catalog_hash"))
    corrected = again(catalogs, history, "", lane, later=later)
    assert corrected.stale == []
    after = now(pl.concat([history, fresh, stored(corrected.rows, 3)]))
    assert _amounts(after) == ["0.60", "0.60", "0.00", "0.00"]


def test_charges_that_cannot_be_derived_are_stale_when_usage_came_meanwhile() -> None:
    catalogs = catalogs_of(
        {"a": _snapshot("a", "0.60", MINUTES), "b": _snapshot("b", "0.90", MINUTES)}
    )
    history = charge(catalogs, "a", CALLS, Counters(), 0)
    wrong = history.with_columns(pl.lit(Decimal("9.99"), pl.Decimal(38, 9)).alias("amount"))
    later = rows_to_frame([_call(5, 60)], UsageEvent).with_columns(
        pl.lit("a").alias("catalog_hash")
    )
    assert again(catalogs, wrong, "b", later=later).stale == [""]
    assert again(catalogs, wrong, "b", later=NO_LATER).rows.height > 0


def test_counters_that_outlast_the_month_open_with_what_was_read() -> None:
    """Half of January's minutes are carried into February; only February is rated again."""
    carried = dataclasses.replace(MINUTES, rollover=Rollover(1, 120 * SECOND))
    snapshots = {"a": _snapshot("a", "0.60", carried), "b": _snapshot("b", "0.90", carried)}
    catalogs = catalogs_of(snapshots)
    lane = Counters()
    charge(catalogs, "a", [_call(0, 60)], lane, 0)
    february = [_call(number, 60, "2026-02-15T12:00:00Z") for number in range(1, 6)]
    history = charge(catalogs, "a", february, lane, 1)
    assert _amounts(history) == ["0.00", "0.00", "0.00", "0.60", "0.60"]
    books = {name: Rulebook(snapshot) for name, snapshot in snapshots.items()}
    assert lasting(snapshots["a"])
    records = opening(history, books.__getitem__)
    opened = Counters()
    opened.apply(records)
    assert opened.used(("s", "min", "2026-01")) == 60 * SECOND
    made = again(catalogs, history, "b", lane, opening=records)
    assert _amounts(now(pl.concat([history, stored(made.rows, 2)]))) == [
        "0.00",
        "0.00",
        "0.00",
        "0.90",
        "0.90",
    ]
    take(lane, made)
    assert lane.used(("s", "min", "2026-01")) == 60 * SECOND
    assert lane.used(("s", "min", "2026-02")) == 180 * SECOND


def test_a_top_up_opens_with_what_was_left_of_it() -> None:
    topped = dataclasses.replace(MINUTES, quantity=0, topped_up=True)
    grants = {("subscription", "s", "min"): (Grant("g", 180 * SECOND),)}
    snapshots = {
        name: dataclasses.replace(_snapshot(name, rate, topped), grants=grants)
        for name, rate in (("a", "0.60"), ("b", "0.90"))
    }
    catalogs = catalogs_of(snapshots)
    lane = Counters()
    charge(catalogs, "a", [_call(0, 60)], lane, 0)
    history = charge(
        catalogs,
        "a",
        [_call(number, 60, "2026-02-15T12:00:00Z") for number in range(1, 4)],
        lane,
        1,
    )
    books = {name: Rulebook(snapshot) for name, snapshot in snapshots.items()}
    made = again(catalogs, history, "b", lane, opening=opening(history, books.__getitem__))
    assert _amounts(now(pl.concat([history, stored(made.rows, 2)]))) == ["0.00", "0.00", "0.90"]
    assert made.rows["event_id"].n_unique() == 1
