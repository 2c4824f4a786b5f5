"""Controls over feeds of single records: messages that were gone before they were read."""

from decimal import Decimal

from assurance.alerts import Control, Worth, alert
from schemas.alerts import Alert

EXPIRED = Control(
    "C1", "messages_expired", "completeness", "critical", "under",
    "ask the producer to send the usage of that time again, and keep the topic for longer",
)  # fmt: skip


def expired(
    tenant_id: str,
    feed_id: str,
    place: str,
    bounds: tuple[int, int],
    at: int,
    each: Worth,
    note: str,
) -> Alert:
    """Report messages that retention deleted before they were read.

    Args:
        place: Partition of the topic: `usage.raw/3`.
        bounds: First offset that was not read, and first that is there.
        at: Ledger time, microseconds UTC.
        each: What a typical record of the feed is worth.
        note: Why they were passed over, and by whom.
    """
    first, last = bounds
    lost = last - first
    amount = None if each.amount is None else each.amount * Decimal(lost)
    return alert(
        EXPIRED, tenant_id=tenant_id, feed_id=feed_id, entity=("partition", place),
        episode=f"{first}-{last}", at=at, expected=lost, observed=0, unit="messages",
        worth=Worth(amount, each.currency, each.method),
        explanation=f"{lost} messages of {place}, from offset {first} to {last - 1}, were deleted "
        f"before they were read ({note}).",
    )  # fmt: skip
