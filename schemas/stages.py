"""What a stage has passed on, added up batch by batch: what the next one must come to."""

from schemas.columns import Hash64, Instant, Label, Money, Record, Whole
from schemas.rated import ZERO


class StageSum(Record):
    """Sums over what one batch of a lane passed on, for a feed, a service and an hour.

    Attributes:
        lane: That collected the usage; of stage `rated` the one that rated it.
        stage: `accepted` (written to the usage log), `read` (from it), `rated` (sent to the store).
        collected_at: Beginning of the hour of collection of what is added up.
        records: Usage events; of stage `rated` charges, corrections counted as they are stored.
        quantity: Sum of quantities in base units of the service; of `rated` as rated.
        amount: Sum of charges, 0 before rating.
        ids: The first 8 bytes of all their ids, event ids before rating and rated ids after it,
            as big-endian numbers, combined by exclusive or: one that is lost and one that is
            doubled leave count and sums alike, but not this.
    """

    tenant_id: Label
    lane: Label = ""
    stage: Label
    feed_id: Label
    service: Label
    currency: Label = ""
    collected_at: Instant
    records: Whole
    quantity: Whole
    amount: Money = ZERO
    ids: Hash64
    ledgered_at: Instant = 0
    batch_token: Label = ""
