"""Silence and drops of volume: whose they are, what others took over, one finding for one cause."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import orjson
import polars as pl
import pytest

from assurance.following.control import World
from assurance.following.episodes import Hour, episodes
from assurance.following.rows import DAY_US, HOUR_US
from assurance.following.volume import Volume
from assurance.planted import usage
from schemas.alerts import Alert
from tests.laws.feeds import SNAPSHOT
from tests.laws.test_stream_controls import WORLD

ROWS = usage()
END_US = (int(ROWS["start_time"].max()) // DAY_US) * DAY_US  # type: ignore[arg-type]  # integers
"""When the last day begins."""
OWN = pl.col("feed_id") == "switch-a"


def node(name: str) -> pl.Expr:
    return pl.col("file_name").str.starts_with(f"{name}-")


def between(first: int, last: int) -> pl.Expr:
    return pl.col("start_time").is_between(END_US + first * HOUR_US, END_US + last * HOUR_US)


def parts(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Cut rows by the two hours of their arrival."""
    yield from rows.with_columns(
        (pl.col("collected_at") // (2 * HOUR_US)).alias("part")
    ).partition_by("part", maintain_order=True, include_key=False)


def told(rows: pl.DataFrame, world: World = WORLD) -> list[Alert]:
    control = Volume(world)
    return [alert for part in parts(rows) for alert in control.take(part)]


def left_open(alerts: list[Alert]) -> list[Alert]:
    last = {one.alert_id: one for one in alerts}
    return [one for one in last.values() if one.state == "open"]


def test_what_other_nodes_take_over_is_no_alert() -> None:
    taken = ROWS.with_columns(
        pl.when(between(6, 14) & node("switch-a1"))
        .then(pl.lit("switch-a2-over.csv"))
        .otherwise("file_name")
        .alias("file_name")
    )
    renamed = pl.col("file_name").str.replace("-over", "-900000")
    assert told(taken.with_columns(renamed)) == []


def test_a_silent_node_is_told_once_and_its_feed_is_not() -> None:
    alerts = told(ROWS.filter(~(between(6, 14) & node("switch-a1"))))
    assert {(one.pattern, one.entity_id) for one in alerts} == {
        ("element_silent", "switch-a/switch-a1")
    }
    assert len({one.alert_id for one in alerts}) == 1


def test_one_silence_is_one_finding_that_grows() -> None:
    alerts = told(ROWS.filter(~(between(6, 14) & node("switch-a1"))))
    assert len(alerts) > 2
    ends = [one.window_end for one in alerts]
    money = [one.money_at_risk for one in alerts]
    assert {one.window_start for one in alerts} == {END_US + 6 * HOUR_US}
    assert ends == sorted(ends)  # type: ignore[type-var]  # none is absent
    assert ends[-1] == END_US + 14 * HOUR_US
    assert money == sorted(money)  # type: ignore[type-var]  # as above
    assert [one.expected for one in alerts] == sorted(one.expected for one in alerts)


def test_its_worth_is_about_what_is_missing() -> None:
    gone = between(6, 14) & node("switch-a1")
    [found] = left_open(told(ROWS.filter(~gone)))
    truth = Decimal(int(ROWS.filter(gone)["amount_nano"].sum())).scaleb(-9)
    assert found.money_low is not None
    assert found.money_high is not None
    assert found.money_low < truth < found.money_high
    assert found.currency == "EUR"


def test_all_nodes_that_fall_together_are_one_finding_of_the_feed() -> None:
    alerts = left_open(told(ROWS.filter(~(between(6, 14) & OWN))))
    assert [(one.pattern, one.entity_id) for one in alerts] == [("feed_silent", "switch-a/voice")]


@pytest.mark.parametrize(
    ("lacks", "entity"),
    [(pl.lit(value=True), "switch-a/voice"), (pl.col("trunk_out") == "only", "only")],
)
def test_the_only_trunk_is_told_where_it_fell_alone_and_not_with_its_feed(
    lacks: pl.Expr, entity: str
) -> None:
    trunk = pl.when(pl.col("trunk_out") == "carrier-0").then(pl.lit("only")).otherwise(pl.lit(""))
    rows = ROWS.filter(OWN).with_columns(trunk.alias("trunk_out"))
    open_at_end = left_open(told(rows.filter(~(between(6, 14) & lacks))))
    assert [one.entity_id for one in open_at_end if one.pattern.endswith("silent")] == [entity]
    assert len(open_at_end) == 1


def test_late_usage_makes_it_smaller_and_all_of_it_closes_it() -> None:
    gone = between(6, 14) & node("switch-a1")
    control = Volume(WORLD)
    before = [one for part in parts(ROWS.filter(~gone)) for one in control.take(part)]
    at = int(ROWS["collected_at"].max())  # type: ignore[arg-type]  # integers
    late = ROWS.filter(gone).with_columns(pl.lit(at, dtype=pl.Int64()).alias("collected_at"))
    half = late.filter(pl.col("start_time") >= END_US + 10 * HOUR_US)
    [smaller] = control.take(half)
    assert smaller.state == "open"
    assert smaller.window_end == END_US + 10 * HOUR_US
    assert smaller.expected < before[-1].expected
    [closed] = control.take(late.filter(pl.col("start_time") < END_US + 10 * HOUR_US))
    assert (closed.state, closed.alert_id) == ("auto_closed", before[-1].alert_id)


@pytest.mark.parametrize("column", ["trunk_out", "cell_id"])
def test_what_cuts_across_feeds_is_found_across_them(column: str) -> None:
    kind = column.partition("_")[0]
    one_of_three = pl.format("X{}", pl.col("record_no") % 3)
    rows = ROWS.with_columns(pl.lit("").alias("trunk_out")).with_columns(one_of_three.alias(column))
    gone = between(6, 14) & (pl.col(column) == "X1")
    [found] = left_open(told(rows.filter(~gone)))
    assert (found.pattern, found.entity_type, found.entity_id) == ("element_silent", kind, "X1")
    assert found.feed_id == ""
    assert found.expected == pytest.approx(rows.filter(gone).height, rel=0.1)


def test_a_silence_of_a_night_is_none_in_the_hours_of_the_night() -> None:
    quiet = ROWS.filter(pl.col("start_time") % DAY_US >= 6 * HOUR_US)
    assert told(quiet) == []


def test_usage_that_moved_by_an_hour_is_not_lost() -> None:
    batch = (pl.col("start_time") // HOUR_US % 24 == 20) & OWN
    daily = ROWS.filter(batch | (pl.col("feed_id") == "switch-b"))
    moved = daily.with_columns(
        pl.when(between(20, 21) & OWN)
        .then(pl.col("start_time") - HOUR_US)
        .otherwise("start_time")
        .alias("start_time")
    )
    assert left_open(told(moved)) == []


def test_a_lasting_shift_begins_where_it_began() -> None:
    since = END_US - 2 * DAY_US
    lost = (pl.col("start_time") >= since) & (pl.col("record_no") % 20 < 3)
    [found] = left_open(told(ROWS.filter(~lost)))
    assert (found.pattern, found.entity_id) == ("volume_shift", "switch-a/voice")
    assert found.window_start is not None
    assert abs(found.window_start - since) <= 12 * HOUR_US


def test_what_an_older_version_counted_is_still_usual() -> None:
    """It kept the sums of feeds alone: eight days of them, and the silence comes after.

    A feed that never comes again is silent, too.
    """
    begun = ROWS.filter(pl.col("start_time") < END_US - DAY_US)
    sums = begun.group_by("feed_id", pl.col("start_time") // HOUR_US).agg(
        pl.len(), pl.col("amount_nano").sum()
    )
    kept: dict[str, dict[str, list[int]]] = {}
    for feed, hour, count, nano in sums.iter_rows():
        kept.setdefault(f"default\x1f{feed}\x1fvoice\x1fEUR", {})[f"{hour}"] = [count, nano]
    control = Volume(WORLD)
    delays = {name: [90, 10] for name in kept}
    kept["default\x1fgone\x1fvoice\x1fEUR"] = kept["default\x1fswitch-b\x1fvoice\x1fEUR"]
    delays["default\x1fgone\x1fvoice\x1fEUR"] = [100]
    control.load(orjson.dumps({"sums": kept, "open": {}, "delays": delays}))
    dumped, control = control.dump(), Volume(WORLD)
    control.load(dumped)
    rest = ROWS.filter(pl.col("start_time") >= END_US - DAY_US)
    alerts = [
        one for part in parts(rest.filter(~(between(6, 14) & OWN))) for one in control.take(part)
    ]
    assert sorted((one.pattern, one.entity_id) for one in left_open(alerts)) == [
        ("feed_silent", "gone/voice"), ("feed_silent", "switch-a/voice"),
    ]  # fmt: skip


def test_evidence_must_be_more_where_counts_vary() -> None:
    """Twelve hours with half of the usual, behind quiet days and behind days that differ."""
    lost = [Hour(hour, 10_000, 5) for hour in range(240, 252)]
    even = [Hour(hour, 10_000, 10 + (-1) ** hour * 2) for hour in range(240)]
    uneven = [Hour(hour, 10_000, 16 if hour // 24 % 2 else 4) for hour in range(240)]
    assert [(one.first, one.last) for one in episodes([*even, *lost], 7_000, 30)] == [(240, 251)]
    assert not [one for one in episodes([*uneven, *lost], 7_000, 30) if one.last >= 240]


def _by_day(zone: str) -> list[Alert]:
    """Follow three weeks of calls of the day, by the clock of Oslo, over the end of summer time."""
    shift = (20_738 - 20_458) * DAY_US  # from 2026-01-05 to 2026-10-12, both Mondays
    rows = usage(days=21, per_hour=60).with_columns(
        pl.col("start_time", "collected_at", "ledgered_at") + shift
    )
    hour = pl.from_epoch("start_time", time_unit="us").dt.replace_time_zone("UTC")
    local = hour.dt.convert_time_zone("Europe/Oslo").dt.hour()
    snapshot = replace(SNAPSHOT, time_zone=zone)
    return told(rows.filter(local.is_between(8, 19)), World(lambda _: snapshot))


def test_people_live_by_the_wall_clock_when_it_is_set() -> None:
    assert left_open(_by_day("Europe/Oslo")) == []
    assert {one.pattern for one in _by_day("UTC")} & {"feed_silent", "volume_drop"}
