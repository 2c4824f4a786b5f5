"""An account lane's answer to a request: corrections of charges, and what became of the request."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache

import orjson
import polars as pl

from dataflows.requests import Asked
from schemas.columns import polars_schema, rows_to_frame
from schemas.outcomes import SetAsideEvent, SuspenseEvent
from schemas.requests import LaneRequest, RequestStatus
from tallywire.catalog.snapshot import Snapshot
from tallywire.mediation.restated import settled
from tallywire.rating.corrections import REVERSAL
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import RULEBOOK, by_the_book
from tallywire.rating.in_order import Catalogs
from tallywire.rating.opening import opening
from tallywire.rating.periods import Periods, PeriodState, booked, withheld
from tallywire.rating.rerate import Rerated, Work, rerate
from tallywire.rating.rulebook import Rulebook

_SHOWN = 20


@dataclass(frozen=True)
class Answer:
    """What a request leads to.

    Attributes:
        tables: Rows for the store by table, without ledger time and token.
        counters: Records for the lane to take, in order.
    """

    tables: Mapping[str, pl.DataFrame]
    counters: tuple[bytes, ...] = field(default=())


def corrected(
    asked: Asked, catalogs: Catalogs, lane: Counters, snapshot: Snapshot, periods: Periods
) -> Answer:
    """Work a re-rating or a restatement; what falls into a closed period is booked in the next."""
    later, _ = withheld(asked.later.drop("catalog_hash"), snapshot, periods)
    rated = asked.later.join(later, on=["event_id", "attempt"], how="semi", maintain_order="left")
    made = rerated(replace(asked, later=rated), catalogs, lane)
    made = replace(made, rows=booked(made.rows, periods, {PeriodState.CLOSED: "next_period"}))
    request = asked.request
    suspense = pl.DataFrame(schema=polars_schema(SuspenseEvent))
    set_aside = pl.DataFrame(schema=polars_schema(SetAsideEvent))
    if request.suspended is not None:
        taken_back = made.rows.filter(
            (pl.col("op") == REVERSAL) & (pl.col("event_id") == request.suspended.event_id.bytes)
        )
        if taken_back.is_empty():
            made = Rerated(made.rows.clear(), made.refused, made.stale, ())
        else:
            suspense, set_aside = settled(request.suspended, taken_back)
    tables = {
        "rated_events": made.rows,
        "suspense_events": suspense,
        "set_aside_events": set_aside,
        "lane_requests": outcomes(asked, made, snapshot.tenant_id),
    }
    return Answer(tables, made.counters)


def rerated(asked: Asked, catalogs: Catalogs, lane: Counters) -> Rerated:
    """Rate again what a request holds, but for accounts that another request has touched since."""
    request = asked.request
    if request.rater == RULEBOOK:
        catalogs = by_the_book(catalogs)
    books = cache(lambda name: Rulebook(catalogs(name)[1]))
    fresh = ~pl.col("routing_id").is_in(sorted(asked.stale))
    standing = asked.standing.filter(fresh)
    work = Work(
        standing=standing,
        target=request.target,
        reason=request.reason.value if request.reason else "",
        cause_id=request.request_id.bytes,
        replaced=asked.replaced,
        later=asked.later.filter(fresh),
        opening=opening(standing, books),
    )
    made = rerate(work, catalogs, lane)
    return Rerated(made.rows, made.refused, sorted({*made.stale, *asked.stale}), made.counters)


def outcomes(asked: Asked, made: Rerated, tenant_id: str) -> pl.DataFrame:
    """Say for each routing id what became of the request: rows of LaneRequest."""
    request = asked.request
    rows = dict(made.rows.group_by("routing_id").len().iter_rows())
    refused: dict[str, list[str]] = {}
    wanted = asked.standing.filter("selected")["event_id"]
    told = made.refused.filter(
        pl.col("event_id").is_in(wanted.implode())
        | pl.col("event_id").is_in(asked.replaced["event_id"].implode())
    )
    for routing_id, event, run, reason, detail in told.select(
        "routing_id", pl.col("event_id").bin.encode("hex"), "run", "reason", "detail"
    ).iter_rows():
        leg = f" {run}" if run else ""
        refused.setdefault(routing_id, []).append(f"{event}{leg} {reason}: {detail}")
    records = [
        LaneRequest(
            tenant_id=tenant_id, request_id=request.request_id, kind=request.kind.value,
            reason=request.reason.value if request.reason else "", lane=request.lane,
            routing_id=routing_id, period=request.first_period,
            status=_status(routing_id, made, rows, refused),
            detail=_detail(refused.get(routing_id, [])), rows=rows.get(routing_id, 0),
            request=asked_json(request.asked),
        )
        for routing_id in sorted(asked.routing_ids)
    ]  # fmt: skip
    return rows_to_frame(records, LaneRequest)


def _status(
    routing_id: str, made: Rerated, rows: Mapping[str, int], refused: Mapping[str, list[str]]
) -> str:
    if routing_id in made.stale:
        return RequestStatus.STALE
    if rows.get(routing_id):
        return RequestStatus.APPLIED
    return RequestStatus.REFUSED if refused.get(routing_id) else RequestStatus.UNCHANGED


def _detail(refused: list[str]) -> str:
    more = len(refused) - _SHOWN
    return "\n".join(refused[:_SHOWN]) + (f"\nand {more} more" if more > 0 else "")


def asked_json(asked: Mapping[str, str]) -> str:
    """Write what a person asked, keys sorted."""
    return orjson.dumps(asked, option=orjson.OPT_SORT_KEYS).decode()
