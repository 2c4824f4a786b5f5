"""Re-rating: charges as they should have been, as signed corrections of those that stand.

The usage of accounts that share counters is rated again in lane order, from the counters that its
first period opened with. Charges that come out the same are left alone; the others are reversed and
replaced; an event that has no price any more stays as it was charged, and is reported. Where only
the leg of a partner has none, that leg stays, and the others are corrected.
"""

from dataclasses import dataclass, replace

import polars as pl

from schemas.columns import columns
from schemas.rated import RatedEvent
from tallywire.rating.corrections import LEG, RETAIL
from tallywire.rating.counters import Counters
from tallywire.rating.differences import difference, gone_refused, paired, unsteady
from tallywire.rating.dispatch import Outcome
from tallywire.rating.events import CATALOG, ENTRY, KEPT, MORE, PLACE, REPLACED, SELECTED
from tallywire.rating.in_order import USAGE, Catalogs, rate_in_order
from tallywire.rating.kept import LEGS, keeping, legs_kept, to_keep

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
            Where `run` says so, it is that leg alone.
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
    work = _begun(work, catalogs, lane)
    events, charged, before = _as_charged(work, _events(work), catalogs)
    stale = _not_told(work, events, charged) if work.later.height else []
    if stale:
        events = _ordered_anew(work, events, stale, catalogs)
        events, charged, before = _as_charged(work, events, catalogs)
        stale = _not_told(work, events, charged)
    if stale:
        rest = rerate(_without(work, stale), catalogs, lane)
        return replace(rest, stale=stale)
    standing = _standing(work, charged)
    events = _tariffs_told(events, charged.rated)
    wanted = _in_event_time(_wanted(work, events), catalogs)
    held = _Held(work.opening, before, lane)
    made = _rated(held, wanted, (events, charged.refused, standing), catalogs)
    pairs = unsteady(paired(standing, made.outcome.rated), standing, made.wanted, catalogs)
    rows = difference(pairs, (standing, made.outcome), made.wanted, (work.reason, work.cause_id))
    counters = (held.opened.read(before), made.written) if rows.height else ()
    return Rerated(rows, made.refused, stale, counters)


def _begun(work: Work, catalogs: Catalogs, lane: Counters) -> Work:
    """Add to the opening what series of the lane begin with: levels of the period before."""
    if not lane.measured:
        return work
    _, _, written = _as_charged(work, _events(work), catalogs)
    opening = Counters()
    opening.take(work.opening)
    carried = lane.begun(written)
    if not carried or opening.begun(carried):
        return work
    opening.take(carried)
    return replace(work, opening=opening.changes())


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
        pl.lit("").alias(KEPT),
    ).select(*USAGE, *MORE)


def _as_charged(
    work: Work, events: pl.DataFrame, catalogs: Catalogs
) -> tuple[pl.DataFrame, Outcome, bytes]:
    """Rate events as they were charged: what later usage was charged, and what was written.

    A leg that has no price under the catalogue of its event was kept under an earlier one.
    """
    while True:
        before = Counters()
        before.apply(work.opening)
        charged = rate_in_order(catalogs, events, before)
        kept = to_keep(events, charged.refused, work.standing)
        if kept.is_empty():
            return events, charged, before.changes()
        events = keeping(events, kept)


def _ordered_anew(
    work: Work, events: pl.DataFrame, routing_ids: list[str], catalogs: Catalogs
) -> pl.DataFrame:
    """Put events into order of event time where an earlier correction may have done so."""
    known = events.height - work.later.height
    return pl.concat([_in_event_time(events[:known], catalogs, routing_ids), events[known:]])


def _not_told(work: Work, events: pl.DataFrame, charged: Outcome) -> list[str]:
    """Name the routing ids whose charges do not come out as they stand.

    A leg that stays may have no price under its own catalogue either, as it is a share of a leg
    that was corrected.
    """
    again = charged.rated.join(work.later, on=ENTRY, how="anti")
    pairs = paired(work.standing, again)
    stays = charged.refused.join(legs_kept(events), on=LEGS, how="semi")
    stays = gone_refused(pairs, work.standing, stays)
    wrong = pairs.filter("changed").join(stays, on="old", how="anti", maintain_order="left")
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
    if work.target:
        events = events.with_columns(
            pl.when(SELECTED).then(pl.lit(value)).otherwise(name).alias(name)
            for name, value in ((CATALOG, work.target), (KEPT, ""))
        )
    if work.replaced.is_empty():
        return events
    numbered = events.with_row_index(PLACE)
    first = numbered.unique("event_id", keep="first", maintain_order=True)
    taken = first.select("event_id", "attempt", *MORE, PLACE).with_columns(
        pl.lit(value=True).alias(REPLACED), pl.lit(work.target).alias(CATALOG),
        pl.lit("").alias(KEPT),
    )  # fmt: skip
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
        seed.apply(self.opened.read(self._opening))
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
    charged: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame],
    catalogs: Catalogs,
) -> _Made:
    """Rate as wanted; what has no price so is rated as it was charged, in its place.

    Args:
        charged: The events as charged; their refusals, for a leg without a price then is no news;
            and the charges.
    """
    events, known, standing = charged
    refused: list[pl.DataFrame] = []
    asked: list[bytes] = []
    while True:
        after = held.seed(asked)
        outcome = rate_in_order(catalogs, wanted, after)
        fresh = outcome.refused.join(known, on=[*ENTRY, "run"], how="anti")
        back = _to_revert(wanted, events, fresh, standing)
        if back.height:
            refused.append(back)
            wanted = _reverted(wanted, events, back)
            continue
        kept = to_keep(wanted, outcome.refused, standing)
        if kept.height:
            refused.append(outcome.refused.join(kept, on=[*ENTRY, "run"], how="semi"))
            wanted = keeping(wanted, kept)
            continue
        asked_now = list(after.dump())
        if _differ(held.seed(asked), held.seed(asked_now), asked_now):
            asked = asked_now
            continue
        told = pl.concat([*refused, fresh]).unique(LEGS, keep="first", maintain_order=True)
        return _Made(outcome, wanted, told, after.changes())


def _differ(one: Counters, other: Counters, asked: list[bytes]) -> bool:
    return any(one.read(piece) != other.read(piece) for piece in asked)


def _changed(wanted: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Give the events that are not rated as they were charged."""
    own = events.select(*ENTRY, pl.col(CATALOG).alias("own"))
    both = wanted.select(*ENTRY, CATALOG, REPLACED).join(own, on=ENTRY)
    changed = both.filter((pl.col("own") != pl.col(CATALOG)) | pl.col(REPLACED))
    return changed.select(*ENTRY, REPLACED)


def _to_revert(
    wanted: pl.DataFrame, events: pl.DataFrame, fresh: pl.DataFrame, standing: pl.DataFrame
) -> pl.DataFrame:
    """Give the refusals for which an event is rated as it was charged.

    All of it is refused; or a charged leg is, of usage with another content: for the legs of an
    event charge the same usage.
    """
    changed = _changed(wanted, events)
    legs = fresh.join(changed.filter(REPLACED), on=ENTRY, how="semi")
    legs = legs.join(standing, on=[*ENTRY, "run"], how="semi")
    whole = fresh.filter(pl.col("run") == "").join(changed, on=ENTRY, how="semi")
    return pl.concat([whole, legs.filter(pl.col("run") != "")])


def _reverted(wanted: pl.DataFrame, events: pl.DataFrame, back: pl.DataFrame) -> pl.DataFrame:
    """Put the first content and catalogue of some events back, in their places."""
    places = wanted.with_row_index(PLACE)
    own = events.join(back, on=ENTRY, how="semi")
    own = own.join(places.select(*ENTRY, PLACE), on=ENTRY)
    names = [*wanted.columns, PLACE]
    kept = places.join(back, on=ENTRY, how="anti")
    return pl.concat([kept.select(names), own.select(names)]).sort(PLACE).drop(PLACE)
