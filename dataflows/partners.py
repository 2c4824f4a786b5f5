"""A lane's answer to a request to true up partners: their rows, by the lane that owns them."""

import polars as pl

from dataflows.corrections import Answer, asked_json
from dataflows.requests import Asked
from schemas.columns import rows_to_frame
from schemas.requests import LaneRequest, RequestStatus
from tallywire.rating.partner_true_up import (
    Catalogs,
    Counted,
    partner_counts,
    routing_id,
    rows_of,
    true_up,
)
from tallywire.rating.periods import Periods, PeriodState, booked
from tallywire.rating.rulebook import Closing, Refusal

Made = dict[str, list[Closing | Refusal]]


def partners_trued_up(asked: Asked, catalogs: Catalogs, tenant_id: str, periods: Periods) -> Answer:
    """Charge what partners are still due, but for those that another request has touched since.

    Args:
        asked: What all lanes have counted, and what is trued up of it.
        catalogs: Snapshot by hash.
        tenant_id: Of the rows.
        periods: Of the lane: what is due of a closed month is booked in the next open one, unless
            the request belongs to the closing.
    """
    request = asked.request
    made = true_ups(
        [one for one in request.counted if routing_id(one.party_id) not in asked.stale],
        {bytes.fromhex(name): units for name, units in request.covered.items()},
        catalogs, request.request_id.bytes,
    )  # fmt: skip
    rows = rows_of(one for some in made.values() for one in some if isinstance(one, Closing))
    if not request.period:
        rows = booked(rows, periods, {PeriodState.CLOSED: "next_period"})
    records = [
        LaneRequest(
            tenant_id=tenant_id, request_id=request.request_id, kind=request.kind.value,
            lane=request.lane, routing_id=name, period=request.period,
            status=_status(name, asked, made).value, detail=_detail(made.get(name, [])),
            rows=rows.filter(pl.col("routing_id") == name).height,
            request=asked_json(request.asked),
        )
        for name in request.routing_ids
    ]  # fmt: skip
    return Answer({"rated_events": rows, "lane_requests": rows_to_frame(records, LaneRequest)})


def true_ups(
    counted: list[Counted], covered: dict[bytes, int], catalogs: Catalogs, cause_id: bytes
) -> Made:
    """Give what is due, or why it cannot be charged, by routing id of the partner."""
    made: Made = {}
    for count in partner_counts(counted, catalogs, covered):
        found = true_up(count, catalogs(count.catalog_hash), cause_id)
        if found is not None:
            made.setdefault(routing_id(count.party_id), []).append(found)
    return made


def _status(name: str, asked: Asked, made: Made) -> RequestStatus:
    if name in asked.stale:
        return RequestStatus.STALE
    if any(isinstance(one, Closing) for one in made.get(name, ())):
        return RequestStatus.APPLIED
    return RequestStatus.REFUSED if name in made else RequestStatus.UNCHANGED


def _detail(made: list[Closing | Refusal]) -> str:
    return "\n".join(one.detail for one in made if isinstance(one, Refusal))
