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
     "batch_token", "batch_row", "runs"}
)  # fmt: skip
COMPARED = tuple(name for name in columns(RatedEvent) if name not in _UNCOMPARED)
"""Columns in which a charge that was rated again must be the same to be left alone."""

_CATALOG, _SELECTED, _REPLACED, _PLACE = "_catalog", "_selected", "_replaced", "_place"
_MORE = [_CATALOG, _SELECTED, _REPLACED, "_tariff", "_runs"]
_ENTRY = ["event_id", "attempt"]
"""One piece of usage in the log: a leg without a price comes again with the next attempt."""


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
    held = _Held(work.opening, before, lane)
    made = _rated(held, wanted, events, catalogs, charged.refused)
    rows = _difference(standing, made.outcome.rated, made.wanted, work)
    counters = (held.opened.read(before), made.written) if rows.height else ()
    return Rerated(rows, made.refused, stale, counters)


def _events(work: Work) -> pl.DataFrame:
    """Give each piece of usage once, in lane order: its catalogue, whether it is selected.

    Where an event came in several pieces, each is rated for the legs it was charged for.
    """
    newest = pl.col("catalog_hash").sort_by("ledgered_at", "version").last().over(_ENTRY)
    legs = pl.col("run").sort().str.join("+").over(_ENTRY)
    pieces = pl.col("attempt").n_unique().over("event_id")
    known = work.standing.with_columns(
        newest.alias("catalog_hash"),
        legs.alias("_legs"),
        pl.col("selected").any().over(_ENTRY).alias("selected"),
    )
    known = known.unique(_ENTRY, keep="first", maintain_order=True)
    told = ["catalog_hash", "selected", "tariff_id", "_legs"]
    later = work.later.with_columns(
        pl.lit(value=False).alias("selected"),
        pl.lit("").alias("tariff_id"),
        pl.col("runs").alias("_legs"),
    )
    both = pl.concat([known.select(*USAGE, *told), later.select(*USAGE, *told)])
    return both.select(
        *(name for name in USAGE if name != "runs"),
        pl.when(pieces > 1).then("_legs").otherwise("runs").alias("runs"),
        pl.col("catalog_hash").alias(_CATALOG),
        pl.col("selected").alias(_SELECTED),
        pl.lit(value=False).alias(_REPLACED),
        pl.col("tariff_id").alias("_tariff"),
        pl.col("runs").alias("_runs"),
    ).select(*USAGE, *_MORE)


def _as_charged(work: Work, events: pl.DataFrame, catalogs: Catalogs) -> tuple[Outcome, bytes]:
    """Rate events as they were charged: what later usage was charged, and what was written."""
    before = Counters()
    before.apply(work.opening)
    return rate_in_order(catalogs, events, events[_CATALOG], before), before.changes()


def _ordered_anew(
    work: Work, events: pl.DataFrame, routing_ids: list[str], catalogs: Catalogs
) -> pl.DataFrame:
    """Put events into order of event time where an earlier correction may have done so."""
    known = events.height - work.later.height
    return pl.concat([_in_event_time(events[:known], catalogs, routing_ids), events[known:]])


def _not_told(work: Work, charged: Outcome) -> list[str]:
    """Name the routing ids whose charges do not come out as they stand."""
    again = charged.rated.join(work.later, on=_ENTRY, how="anti")
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
    """Give all charges as they stand, those of later usage too; `_own`: the period of the usage."""
    later = charged.rated.join(work.later, on=_ENTRY, how="semi")
    names = list(columns(RatedEvent))
    both = pl.concat([work.standing.select(names), later.select(names)])
    own = charged.rated.unique([*LEG, "attempt"], keep="first")
    return both.join(
        own.select(*LEG, "attempt", pl.col("bill_period").alias("_own")),
        on=[*LEG, "attempt"], how="left", maintain_order="left",
    )  # fmt: skip


def _wanted(work: Work, events: pl.DataFrame) -> pl.DataFrame:
    """Put in the corrected content, and the catalogue that each event shall be rated under."""
    target = pl.lit(work.target) if work.target else pl.col(_CATALOG)
    events = events.with_columns(
        pl.when(_SELECTED).then(target).otherwise(_CATALOG).alias(_CATALOG)
    )
    if work.replaced.is_empty():
        return events
    numbered = events.with_row_index(_PLACE)
    first = numbered.unique("event_id", keep="first", maintain_order=True)
    taken = first.select("event_id", "attempt", *_MORE, _PLACE).with_columns(
        pl.lit(value=True).alias(_REPLACED), pl.lit(work.target).alias(_CATALOG)
    )
    replaced = work.replaced.select(USAGE).drop("attempt").join(taken, on="event_id", how="inner")
    kept = numbered.join(replaced, on="event_id", how="anti")
    names = [*events.columns, _PLACE]
    return pl.concat([kept.select(names), replaced.select(names)]).sort(_PLACE).drop(_PLACE)


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


class _Held:
    """Counters as they were before the first event.

    Args:
        opening: Those that charges are known to have found.
        written: What the charges as they stand have written: the others are in the lane still.
        lane: The lane's counters.
    """

    def __init__(self, opening: bytes, written: bytes, lane: Counters) -> None:
        self.opened = Counters()
        self.opened.apply(opening)
        self._opening, self._written, self._lane = opening, written, lane

    def seed(self, asked: list[bytes]) -> Counters:
        """Give the counters that were asked for, opened."""
        seed = Counters()
        for piece in asked:
            seed.apply(self._lane.read(piece))
        seed.apply(self.opened.read(self._written))
        seed.apply(self._opening)
        return seed


@dataclass(frozen=True)
class _Made:
    """What rating as wanted gave.

    Attributes:
        wanted: The events as they were rated in the end.
        written: What was written into counters.
    """

    outcome: Outcome
    wanted: pl.DataFrame
    refused: pl.DataFrame
    written: bytes


def _rated(
    held: _Held,
    wanted: pl.DataFrame,
    events: pl.DataFrame,
    catalogs: Catalogs,
    known: pl.DataFrame,
) -> _Made:
    """Rate as wanted; what has no price so is rated as it was charged, in its place.

    Args:
        known: Refusals of the events as charged: a leg without a price then is no news.
    """
    refused: list[pl.DataFrame] = []
    asked: list[bytes] = []
    while True:
        after = held.seed(asked)
        outcome = rate_in_order(catalogs, wanted, wanted[_CATALOG], after)
        fresh = outcome.refused.join(known, on=[*_ENTRY, "run"], how="anti")
        new = fresh.join(_changed(wanted, events), on=_ENTRY, how="semi")
        if new.height:
            refused.append(new)
            wanted = _reverted(wanted, events, new)
            continue
        asked_now = list(after.dump())
        if _differ(held.seed(asked), held.seed(asked_now), asked_now):
            asked = asked_now
            continue
        return _Made(outcome, wanted, pl.concat([*refused, fresh]), after.changes())


def _differ(one: Counters, other: Counters, asked: list[bytes]) -> bool:
    return any(one.read(piece) != other.read(piece) for piece in asked)


def _changed(wanted: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Give the events that are not rated as they were charged."""
    own = events.select(*_ENTRY, pl.col(_CATALOG).alias("own"))
    both = wanted.select(*_ENTRY, _CATALOG, _REPLACED).join(own, on=_ENTRY)
    return both.filter((pl.col("own") != pl.col(_CATALOG)) | pl.col(_REPLACED)).select(_ENTRY)


def _reverted(wanted: pl.DataFrame, events: pl.DataFrame, back: pl.DataFrame) -> pl.DataFrame:
    """Put the first content and catalogue of some events back, in their places."""
    places = wanted.with_row_index(_PLACE)
    own = events.join(back, on=_ENTRY, how="semi")
    own = own.join(places.select(*_ENTRY, _PLACE), on=_ENTRY)
    names = [*wanted.columns, _PLACE]
    kept = places.join(back, on=_ENTRY, how="anti")
    return pl.concat([kept.select(names), own.select(names)]).sort(_PLACE).drop(_PLACE)


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
    changed = left["bill_period"] != _booked(left, right)
    for name in COMPARED:
        changed |= left[name].ne_missing(right[name])
    told = both.select("old", "new").with_columns(changed.alias("changed"))
    return pairs.join(told, on=["old", "new"], how="left", maintain_order="left").with_columns(
        pl.col("changed").fill_null(value=True)
    )


def _booked(old: pl.DataFrame, new: pl.DataFrame) -> pl.Series:
    """Name the period of each charge: its own, or a later one where it was booked there before."""
    own = old["_own"] if "_own" in old.columns else new["bill_period"]
    later = old["bill_period"] > own
    return pl.select(
        pl.when(later.fill_null(value=False))
        .then(pl.max_horizontal(new["bill_period"], old["bill_period"]))
        .otherwise(new["bill_period"])
    ).to_series()


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
    told = now.select(_ENTRY).join(
        wanted.select(*_ENTRY, "_runs"), on=_ENTRY, how="left", maintain_order="left"
    )
    now = now.with_columns(
        told["_runs"].alias("runs"),
        before["rated_id"].alias("supersedes"),
        before["version"].fill_null(0).alias("version"),
        _booked(before, now).alias("bill_period"),
    )
    both = pl.concat(
        [
            reversals(gone.drop("_own"), work.reason, work.cause_id),
            replacements(now, work.reason, work.cause_id),
        ]
    )
    order = wanted.select("event_id").with_row_index(_PLACE).unique("event_id", keep="first")
    return (
        both.join(order, on="event_id", how="left")
        .sort(_PLACE, "run", "side", "party_id", pl.col("op") != "reversal", maintain_order=True)
        .select(list(columns(RatedEvent)))
    )
