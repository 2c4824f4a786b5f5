"""What is asked of an account lane besides rating: corrections and the states of periods."""

from enum import StrEnum

from schemas.columns import Instant, Label, Record, Text, Uuid, Whole


class CorrectionReason(StrEnum):
    """Why charges were corrected. Published: add, never rename; see docs/reference/corrections."""

    PRICE_CORRECTED = "price_corrected"
    USAGE_CORRECTED = "usage_corrected"
    USAGE_RECYCLED = "usage_recycled"
    LATE_USAGE = "late_usage"
    REFERENCE_CORRECTED = "reference_corrected"
    RATING_CORRECTED = "rating_corrected"


class RequestKind(StrEnum):
    """What a request asks for."""

    RERATE = "rerate"
    RESTATEMENT = "restatement"
    SOFT_CLOSE = "soft_close"
    CLOSE = "close"
    REOPEN = "reopen"
    TRUE_UP = "true_up"


class RequestStatus(StrEnum):
    """What became of a request for one routing id.

    `stale` asks for the same request once more: another correction of these accounts came between
    reading their charges and working the request.
    """

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    STALE = "stale"


class LaneRequest(Record):
    """What became of a request, for each routing id that it touched.

    Attributes:
        request_id: The request: `cause_id` of the rows that it made.
        kind: One of RequestKind.
        reason: A CorrectionReason; empty for period states.
        lane: The account lane that worked it.
        routing_id: Accounts that share counters; empty for all accounts of the lane.
        period: Billing period: the earliest that was rated again, or the one whose state changed.
        status: One of RequestStatus.
        detail: What was refused and why.
        rows: Rows of RatedEvent that it made.
        request: What the person asked, as JSON.
    """

    tenant_id: Label = "default"
    request_id: Uuid
    kind: Label
    reason: Label = ""
    lane: Label
    routing_id: Text = ""
    period: Label = ""
    status: Label
    detail: Text = ""
    rows: Whole = 0
    request: Text = ""
    ledgered_at: Instant = 0
    batch_token: Label = ""
