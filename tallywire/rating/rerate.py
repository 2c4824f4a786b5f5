"""Re-rating: charges as they should have been, as signed corrections of those that stand.

The usage of accounts that share counters is rated again in lane order, from the counters that its
first period opened with. Charges that come out the same are left alone; the others are reversed and
replaced; an event that has no price any more stays as it was charged, and is reported.
"""

from dataclasses import dataclass, replace

import polars as pl

from schemas.columns import columns
from schemas.rated import RatedEvent
from tallywire.rating.corrections import LEG, replacements, reversals
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Outcome
from tallywire.rating.in_order import USAGE, Catalogs, rate_in_order

EVENT_TIME = "event_time"
_UNCOMPARED = frozenset(
    {"rated_id", "op", "version", "supersedes", "reason", "cause_id", "price_no", "bill_period",
     "is_billed", "fate_change", "rater", "catalog_hash", "engine_version", "ledgered_at",
     "batch_token", "batch_row"}
)  # fmt: skip
COMPARED = tuple(name for name in columns(RatedEvent) if name not in _UNCOMPARED)
"""Columns in which a charge that was rated again must be the same to be left alone."""

_CATALOG, _SELECTED, _REPLACED, _PLACE = "_catalog", "_selected", "_replaced", "_place"
_MORE = [_CATALOG, _SELECTED, _REPLACED, "_tariff"]


@dataclass(frozen=True)
class Work:
    """What is rated again: whole periods of all accounts that share counters, in lane order.

    Attributes:
        standing: Charges as they stand: RatedEvent and `selected`, whether the event is rated
            under `target` or under the catalogue that it was charged by.
        target: Catalogue hash; empty to keep each event's own.
        replaced: UsageEvent rows with the corrected content of some of the events.
        later: UsageEvent and `catalog_hash`: usage that the lane rated after `standing` was read.
        opening: Counters that do not begin with 0, as records.
        reason: A CorrectionReason.
        cause_id: The request, 16 bytes.
    """

    standing: pl.DataFrame
    target: str
    reason: str
    cause_id: bytes
    replaced: pl.DataFrame
    later: pl.DataFrame
    opening: bytes = b""


@dataclass(frozen=True)
class Rerated:
    """What re-rating gives.

    Attributes:
        rows: Reversals and replacements: RatedEvent, in lane order.
        refused: Usage without a price, with reason, detail and missing_ref: it stays as charged.
        stale: Routing ids left alone, as their charges cannot be told from `standing` and `later`.
        counters: Records for the lane to take, in this order.
    """

    rows: pl.DataFrame
    refused: pl.DataFrame
    stale: list[str]
    counters: tuple[bytes, ...]


def rerate(work: Work, catalogs: Catalogs, lane: Counters) -> Rerated:
    """Rate again.

    Args:
        work: What.
        catalogs: Raters by catalogue hash.
        lane: Counters of the lane: read for counters that no charge has touched so far.
    """
    events = _events(work)
    charged, before = _as_charged(work, events, catalogs)
    stale = _not_told(work, charged) if work.later.height else []
    if stale:
        events = _ordered_anew(work, events, stale, catalogs)
        charged, before = _as_charged(work, events, catalogs)
        stale = _not_told(work, charged)
    if stale:
        rest = rerate(_without(work, stale), catalogs, lane)
        return replace(rest, stale=stale)
    standing = _standing(work, charged)
    wanted = _in_event_time(_wanted(work, events), catalogs)
    outcome, after, wanted, refused = _rated(work, wanted, events, catalogs, (before, lane))
    rows = _difference(standing, outcome.rated, wanted, work)
    opened = Counters()
    opened.take(work.opening)
    counters = (opened.read(before.whole()), after.whole()) if rows.height else ()
    return Rerated(rows, refused, stale, counters)


def _events(work: Work) -> pl.DataFrame:
    """Give each event once, in lane order: its usage, its catalogue, whether it is selected."""
    newest = pl.col("catalog_hash").sort_by("ledgered_at", "version").last().over("event_id")
    known = work.standing.with_columns(newest.alias(_CATALOG)).unique(
        "event_id", keep="first", maintain_order=True
    )
    first = known.select(
        *USAGE,
        _CATALOG,
        pl.col("selected").alias(_SELECTED),
        pl.lit(value=False).alias(_REPLACED),
        pl.col("tariff_id").alias("_tariff"),
    )
    later = work.later.select(
        *USAGE,
        pl.col("catalog_hash").alias(_CATALOG),
        pl.lit(value=False).alias(_SELECTED),
        pl.lit(value=False).alias(_REPLACED),
        pl.lit("").alias("_tariff"),
    )
    return pl.concat([first, later])


def _as_charged(work: Work, events: pl.DataFrame, catalogs: Catalogs) -> tuple[Outcome, Counters]:
    """Rate events as they were charged: what later usage was charged, and which counters."""
    before = Counters()
    before.take(work.opening)
    return rate_in_order(catalogs, events, events[_CATALOG], before), before


def _ordered_anew(
    work: Work, events: pl.DataFrame, routing_ids: list[str], catalogs: Catalogs
) -> pl.DataFrame:
    """Put events into order of event time where an earlier correction may have done so."""
    known = events.height - work.later.height
    return pl.concat([_in_event_time(events[:known], catalogs, routing_ids), events[known:]])


def _not_told(work: Work, charged: Outcome) -> list[str]:
    """Name the routing ids whose charges do not come out as they stand."""
    again = charged.rated.filter(~pl.col("event_id").is_in(work.later["event_id"].implode()))
    pairs = _paired(work.standing, again)
    wrong = pairs.filter("changed")
    old = work.standing["routing_id"].gather(wrong["old"].drop_nulls())
    new = again["routing_id"].gather(wrong["new"].drop_nulls())
    late = set(work.later["routing_id"].to_list())
    return sorted(late & {*old.to_list(), *new.to_list()})


def _without(work: Work, stale: list[str]) -> Work:
    keep = ~pl.col("routing_id").is_in(stale)
    return replace(work, standing=work.standing.filter(keep), later=work.later.filter(keep))


def _standing(work: Work, charged: Outcome) -> pl.DataFrame:
    """Give all charges as they stand, those of later usage too."""
    later = charged.rated.filter(pl.col("event_id").is_in(work.later["event_id"].implode()))
    names = list(columns(RatedEvent))
    return pl.concat([work.standing.select(names), later.select(names)])


def _wanted(work: Work, events: pl.DataFrame) -> pl.DataFrame:
    """Put in the corrected content, and the catalogue that each event shall be rated under."""
    target = pl.lit(work.target) if work.target else pl.col(_CATALOG)
    events = events.with_columns(
        pl.when(_SELECTED).then(target).otherwise(_CATALOG).alias(_CATALOG)
    )
    if work.replaced.is_empty():
        return events
    order = events.select("event_id", *_MORE).with_columns(
        pl.lit(value=True).alias(_REPLACED), pl.lit(work.target).alias(_CATALOG)
    )
    replaced = work.replaced.select(USAGE).join(order, on="event_id", how="inner")
    numbered = events.with_row_index(_PLACE)
    places = replaced.join(numbered.select("event_id", _PLACE), on="event_id", how="left")
    kept = numbered.filter(~pl.col("event_id").is_in(replaced["event_id"].implode()))
    both = pl.concat([kept.select(*events.columns, _PLACE), places.select(*events.columns, _PLACE)])
    return both.sort(_PLACE).drop(_PLACE)


def _in_event_time(
    events: pl.DataFrame, catalogs: Catalogs, routing_ids: list[str] | None = None
) -> pl.DataFrame:
    """Order usage of tariffs that say so by its time; the other usage keeps its places."""
    pairs = events.select(_CATALOG, "_tariff").unique(maintain_order=True)
    timed = [
        f"{name}\x1f{tariff_id}"
        for name, tariff_id in pairs.iter_rows()
        if (tariff := catalogs(name)[1].tariffs.get(tariff_id)) and tariff.order == EVENT_TIME
    ]
    if not timed:
        return events
    named = pl.concat_str(_CATALOG, "_tariff", separator="\x1f").is_in(timed)
    if routing_ids is not None:
        named &= pl.col("routing_id").is_in(routing_ids)
    numbered = events.with_row_index(_PLACE)
    moved = numbered.filter(named)
    by = ["routing_id", "start_time", _PLACE]
    slots = moved.sort("routing_id", _PLACE)[_PLACE]
    placed = moved.sort(by).with_columns(slots.alias(_PLACE))
    return pl.concat([numbered.filter(~named), placed]).sort(_PLACE).drop(_PLACE)


def _rated(
    work: Work,
    wanted: pl.DataFrame,
    events: pl.DataFrame,
    catalogs: Catalogs,
    held: tuple[Counters, Counters],
) -> tuple[Outcome, Counters, pl.DataFrame, pl.DataFrame]:
    """Rate as wanted; what has no price so is rated as it was charged, in its place."""
    before, lane = held
    refused: list[pl.DataFrame] = []
    seed = work.opening
    while True:
        after = Counters()
        after.take(seed)
        outcome = rate_in_order(catalogs, wanted, wanted[_CATALOG], after)
        new = outcome.refused.join(_changed(wanted, events), on="event_id", how="semi")
        if new.height:
            refused.append(new)
            wanted = _reverted(wanted, events, new["event_id"])
            continue
        needed = _seed(work.opening, lane, before, after)
        if needed != seed and _differs(needed, seed, after):
            seed = needed
            continue
        refused.append(outcome.refused)
        return outcome, after, wanted, pl.concat(refused)


def _changed(wanted: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Give the events that are not rated as they were charged."""
    own = events.select("event_id", pl.col(_CATALOG).alias("own"))
    both = wanted.select("event_id", _CATALOG, _REPLACED).join(own, on="event_id")
    return both.filter((pl.col("own") != pl.col(_CATALOG)) | pl.col(_REPLACED)).select("event_id")


def _reverted(wanted: pl.DataFrame, events: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    """Put the first content and catalogue of some events back, in their places."""
    places = wanted.with_row_index(_PLACE)
    back = pl.col("event_id").is_in(ids.implode())
    own = events.filter(back).join(places.select("event_id", _PLACE), on="event_id")
    names = [*wanted.columns, _PLACE]
    both = pl.concat([places.filter(~back).select(names), own.select(names)])
    return both.sort(_PLACE).drop(_PLACE)


def _seed(opening: bytes, lane: Counters, before: Counters, after: Counters) -> bytes:
    """Give the opening values: as said; else 0; and the lane's of what no charge has touched."""
    seed, opened = Counters(), Counters()
    opened.take(opening)
    seed.take(lane.read(after.whole()))
    seed.take(opened.read(before.whole()))
    return seed.whole()


def _differs(needed: bytes, seed: bytes, after: Counters) -> bool:
    one, other = Counters(), Counters()
    one.take(needed)
    other.take(seed)
    return one.read(after.whole()) != other.read(after.whole())


def _paired(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Pair charges with what they are now: row numbers `old`, `new`, null where one is missing.

    `changed` is true where one is missing or a value that matters differs.
    """
    keys = [*LEG, "_number"]

    def numbered(frame: pl.DataFrame, name: str) -> pl.DataFrame:
        number = pl.int_range(pl.len()).over(LEG)
        return frame.select(*LEG, number.alias("_number")).with_row_index(name)

    pairs = numbered(old, "old").join(
        numbered(new, "new"), on=keys, how="full", coalesce=True, maintain_order="left_right"
    )
    both = pairs.filter(pl.col("old").is_not_null() & pl.col("new").is_not_null())
    left, right = old[both["old"]], new[both["new"]]
    changed = left["bill_period"] < right["bill_period"]
    for name in COMPARED:
        changed |= left[name].ne_missing(right[name])
    told = both.select("old", "new").with_columns(changed.alias("changed"))
    return pairs.join(told, on=["old", "new"], how="left", maintain_order="left").with_columns(
        pl.col("changed").fill_null(value=True)
    )


def _difference(
    old: pl.DataFrame, new: pl.DataFrame, wanted: pl.DataFrame, work: Work
) -> pl.DataFrame:
    """Reverse charges that are not what they should be, and put the right ones in their place."""
    pairs = _paired(old, new).filter(
        pl.col("changed") & pl.col("event_id").is_in(new["event_id"].unique().implode())
    )
    gone = old[pairs["old"].drop_nulls()]
    made = pairs.filter(pl.col("new").is_not_null())
    before, now = old[made["old"]], new[made["new"]]
    replaced = wanted.filter(_REPLACED)["event_id"].unique()
    booked = pl.select(
        pl.when(now["event_id"].is_in(replaced.implode()))
        .then(now["bill_period"])
        .otherwise(pl.max_horizontal(now["bill_period"], before["bill_period"]))
    ).to_series()
    now = now.with_columns(
        before["rated_id"].alias("supersedes"),
        before["version"].fill_null(0).alias("version"),
        booked.alias("bill_period"),
    )
    both = pl.concat(
        [
            reversals(gone, work.reason, work.cause_id),
            replacements(now, work.reason, work.cause_id),
        ]
    )
    order = wanted.select("event_id").with_row_index(_PLACE)
    return (
        both.join(order, on="event_id", how="left")
        .sort(_PLACE, "run", "side", "party_id", pl.col("op") != "reversal", maintain_order=True)
        .select(list(columns(RatedEvent)))
    )
