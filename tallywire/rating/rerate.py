"""Re-rating: charges as they should have been, as signed corrections of those that stand.

The usage of accounts that share counters is rated again in lane order, from the counters that its
first period opened with. Charges that come out the same are left alone; the others are reversed and
replaced; an event that has no price any more stays as it was charged, and is reported.
"""

from dataclasses import dataclass, replace

import polars as pl

from schemas.columns import columns
from schemas.rated import RatedEvent
from tallywire.rating.corrections import LEG, RETAIL
from tallywire.rating.counters import Counters
from tallywire.rating.differences import difference, paired, unsteady
from tallywire.rating.dispatch import Outcome
from tallywire.rating.events import CATALOG, ENTRY, MORE, PLACE, REPLACED, SELECTED
from tallywire.rating.in_order import USAGE, Catalogs, rate_in_order

EVENT_TIME = "event_time"


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
    events = _tariffs_told(events, charged.rated)
    wanted = _in_event_time(_wanted(work, events), catalogs)
    held = _Held(work.opening, before, lane)
    made = _rated(held, wanted, events, catalogs, charged.refused)
    moved = unsteady(standing, events, made.wanted, catalogs)
    pairs = paired(standing, made.outcome.rated)
    pairs = pairs.with_columns(pl.col("changed") | pl.col("event_id").is_in(moved.implode()))
    rows = difference(
        pairs, (standing, made.outcome.rated), made.wanted, (work.reason, work.cause_id)
    )
    counters = (held.opened.read(before), made.written) if rows.height else ()
    return Rerated(rows, made.refused, stale, counters)


def _events(work: Work) -> pl.DataFrame:
    """Give each piece of usage once, in lane order: its catalogue, whether it is selected.

    Where an event came in several pieces, each is rated for the legs it was charged for.
    """
    newest = pl.col("catalog_hash").sort_by("ledgered_at", "version").last().over(ENTRY)
    legs = pl.col("run").sort().str.join("+").over(ENTRY)
    pieces = pl.col("attempt").n_unique().over("event_id")
    known = work.standing.with_columns(
        newest.alias("catalog_hash"),
        legs.alias("_legs"),
        pl.col("selected").any().over(ENTRY).alias("selected"),
    )
    known = known.unique(ENTRY, keep="first", maintain_order=True)
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
        pl.col("catalog_hash").alias(CATALOG),
        pl.col("selected").alias(SELECTED),
        pl.lit(value=False).alias(REPLACED),
        pl.col("tariff_id").alias("_tariff"),
        pl.col("runs").alias("_runs"),
    ).select(*USAGE, *MORE)


def _as_charged(work: Work, events: pl.DataFrame, catalogs: Catalogs) -> tuple[Outcome, bytes]:
    """Rate events as they were charged: what later usage was charged, and what was written."""
    before = Counters()
    before.apply(work.opening)
    return rate_in_order(catalogs, events, events[CATALOG], before), before.changes()


def _ordered_anew(
    work: Work, events: pl.DataFrame, routing_ids: list[str], catalogs: Catalogs
) -> pl.DataFrame:
    """Put events into order of event time where an earlier correction may have done so."""
    known = events.height - work.later.height
    return pl.concat([_in_event_time(events[:known], catalogs, routing_ids), events[known:]])


def _not_told(work: Work, charged: Outcome) -> list[str]:
    """Name the routing ids whose charges do not come out as they stand."""
    again = charged.rated.join(work.later, on=ENTRY, how="anti")
    pairs = paired(work.standing, again)
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
    later = charged.rated.join(work.later, on=ENTRY, how="semi")
    names = list(columns(RatedEvent))
    both = pl.concat([work.standing.select(names), later.select(names)])
    own = charged.rated.unique([*LEG, "attempt"], keep="first")
    return both.join(
        own.select(*LEG, "attempt", pl.col("bill_period").alias("_own")),
        on=[*LEG, "attempt"], how="left", maintain_order="left",
    )  # fmt: skip


def _tariffs_told(events: pl.DataFrame, charged: pl.DataFrame) -> pl.DataFrame:
    """Say of later usage by which tariff it was charged."""
    retail = charged.filter(pl.col("run") == RETAIL).unique(ENTRY, keep="first")
    found = events.select(ENTRY).join(
        retail.select(*ENTRY, "tariff_id"), on=ENTRY, how="left", maintain_order="left"
    )["tariff_id"]
    told = pl.when(pl.col("_tariff") == "").then(found.fill_null("")).otherwise("_tariff")
    return events.with_columns(told.alias("_tariff"))


def _wanted(work: Work, events: pl.DataFrame) -> pl.DataFrame:
    """Put in the corrected content, and the catalogue that each event shall be rated under."""
    target = pl.lit(work.target) if work.target else pl.col(CATALOG)
    events = events.with_columns(pl.when(SELECTED).then(target).otherwise(CATALOG).alias(CATALOG))
    if work.replaced.is_empty():
        return events
    numbered = events.with_row_index(PLACE)
    first = numbered.unique("event_id", keep="first", maintain_order=True)
    taken = first.select("event_id", "attempt", *MORE, PLACE).with_columns(
        pl.lit(value=True).alias(REPLACED), pl.lit(work.target).alias(CATALOG)
    )
    replaced = work.replaced.select(USAGE).drop("attempt").join(taken, on="event_id", how="inner")
    kept = numbered.join(replaced, on="event_id", how="anti")
    names = [*events.columns, PLACE]
    return pl.concat([kept.select(names), replaced.select(names)]).sort(PLACE).drop(PLACE)


def _in_event_time(
    events: pl.DataFrame, catalogs: Catalogs, routing_ids: list[str] | None = None
) -> pl.DataFrame:
    """Order usage of tariffs that say so by its time; the other usage keeps its places."""
    pairs = events.select(CATALOG, "_tariff").unique(maintain_order=True)
    timed = [
        f"{name}\x1f{tariff_id}"
        for name, tariff_id in pairs.iter_rows()
        if (tariff := catalogs(name)[1].tariffs.get(tariff_id)) and tariff.order == EVENT_TIME
    ]
    if not timed:
        return events
    named = pl.concat_str(CATALOG, "_tariff", separator="\x1f").is_in(timed)
    if routing_ids is not None:
        named &= pl.col("routing_id").is_in(routing_ids)
    numbered = events.with_row_index(PLACE)
    moved = numbered.filter(named)
    by = ["routing_id", "start_time", PLACE]
    slots = moved.sort("routing_id", PLACE)[PLACE]
    placed = moved.sort(by).with_columns(slots.alias(PLACE))
    return pl.concat([numbered.filter(~named), placed]).sort(PLACE).drop(PLACE)


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
        outcome = rate_in_order(catalogs, wanted, wanted[CATALOG], after)
        fresh = outcome.refused.join(known, on=[*ENTRY, "run"], how="anti")
        new = fresh.join(_changed(wanted, events), on=ENTRY, how="semi")
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
    own = events.select(*ENTRY, pl.col(CATALOG).alias("own"))
    both = wanted.select(*ENTRY, CATALOG, REPLACED).join(own, on=ENTRY)
    return both.filter((pl.col("own") != pl.col(CATALOG)) | pl.col(REPLACED)).select(ENTRY)


def _reverted(wanted: pl.DataFrame, events: pl.DataFrame, back: pl.DataFrame) -> pl.DataFrame:
    """Put the first content and catalogue of some events back, in their places."""
    places = wanted.with_row_index(PLACE)
    own = events.join(back, on=ENTRY, how="semi")
    own = own.join(places.select(*ENTRY, PLACE), on=ENTRY)
    names = [*wanted.columns, PLACE]
    kept = places.join(back, on=ENTRY, how="anti")
    return pl.concat([kept.select(names), own.select(names)]).sort(PLACE).drop(PLACE)
