"""An account lane's answer to a request about a period: its state, and what closing it charges."""

import polars as pl

from dataflows.corrections import Answer, asked_json
from dataflows.requests import Request
from schemas.columns import polars_schema, rows_to_frame
from schemas.feeds import LedgerEntry
from schemas.rated import RatedEvent
from schemas.requests import LaneRequest, RequestKind, RequestStatus
from tallywire.catalog.snapshot import Snapshot
from tallywire.hashes import hash64
from tallywire.rating.close import closing_charges, held_in
from tallywire.rating.counters import Counters
from tallywire.rating.periods import Periods, PeriodState, booked

STATES = {
    RequestKind.SOFT_CLOSE: PeriodState.SOFT_CLOSED,
    RequestKind.CLOSE: PeriodState.CLOSED,
    RequestKind.REOPEN: PeriodState.OPEN,
}


def changed_state(
    request: Request,
    entry: LedgerEntry,
    snapshot: Snapshot,
    state: tuple[Periods, Counters],
    partitions: int,
) -> Answer:
    """Set the state of a period; a period that closes charges what is left to be charged.

    Args:
        request: What is asked.
        entry: Its place in the lane's ledger.
        snapshot: The catalogue in force.
        state: Periods and counters of the lane: written.
        partitions: Lanes there are.
    """
    periods, counters = state
    wanted = STATES[request.kind]
    names = request.routing_ids or [""]
    changing = [name for name in names if periods.state(name, request.period) != wanted]
    rows = pl.DataFrame(schema=polars_schema(RatedEvent))
    if request.kind is RequestKind.CLOSE:
        holdings = _of_lane(held_in(snapshot, request.period), entry.lane, partitions)
        if request.routing_ids:
            holdings = holdings.filter(pl.col("routing_id").is_in(request.routing_ids))
        rows = closing_charges(snapshot, holdings, request.period, counters)
        rows = booked(rows, periods, {PeriodState.CLOSED: "next_period"})
    for name in names:
        periods.put(name, request.period, wanted, entry.position)
    made = dict(rows.group_by("routing_id").len().iter_rows())
    records = [
        LaneRequest(
            tenant_id=snapshot.tenant_id, request_id=request.request_id, kind=request.kind.value,
            lane=entry.lane, routing_id=name, period=request.period,
            status=(RequestStatus.APPLIED if name in changing else RequestStatus.UNCHANGED).value,
            rows=made.get(name, 0) if name else rows.height, request=asked_json(request.asked),
        )
        for name in names
    ]  # fmt: skip
    tables = {"rated_events": rows, "lane_requests": rows_to_frame(records, LaneRequest)}
    return Answer(tables)


def _of_lane(holdings: pl.DataFrame, lane: str, partitions: int) -> pl.DataFrame:
    number = int(lane.rpartition("-")[2])
    return holdings.filter(pl.Series(hash64(holdings["routing_id"]) % partitions) == number)
