"""The rated event: a usage event with its price, how it was found, and where it will be booked."""

import decimal

from schemas.columns import Exact, Instant, Label, MaybeUuid, Money, Small, Uuid, Whole
from schemas.usage import NO_EVENT, UsageEvent

ZERO = decimal.Decimal(0)


class RatedEvent(UsageEvent):
    """One charge. Corrections are new signed rows (`op` reversal, correction), never updates.

    Money: `amount_numerator / amount_denominator` is the exact charge in the currency's major unit
    (a reduced ratio); `amount` is it rounded once, at `rounding_scale` decimals by
    `rounding_mode`; `rounding_difference` is amount minus exact, to nine decimals half-even.

    Attributes:
        rated_id: Hash of event, restatement, attempt, run and operation.
        run: Which leg was priced: `retail`, later `wholesale`, `interconnect`, `partner`.
        rated_quantity: Quantity after increments, base units of `unit`.
        included_quantity: Part of `rated_quantity` paid by an allowance.
        allowance_before: Left in the allowance before this event, base units; -1 without one.
        allowance_after: Left after it; -1 without one.
        bands: Bands the usage fell in, in order, joined by `+`.
        fate_change: What this row adds to the count of rated input records (corrections: 0).
        rater: `columnar` or `rulebook`.
        batch_token: Deduplication token of the insert.
    """

    rated_id: Uuid = NO_EVENT
    run: Label = "retail"
    op: Label = "charge"
    version: Small = 1
    supersedes: MaybeUuid = None
    reason: Label = ""
    tariff_id: Label
    tariff_revision: Small
    zone_id: Label = ""
    matched_prefix: Label = ""
    price_no: Small = 0
    bands: Label = ""
    time_zone: Label = ""
    rated_quantity: Whole
    included_quantity: Whole = 0
    allowance_id: Label = ""
    allowance_before: Whole = -1
    allowance_after: Whole = -1
    connect_fee: Money = ZERO
    minimum_applied: Small = 0
    maximum_applied: Small = 0
    amount_numerator: Exact
    amount_denominator: Exact
    amount: Money
    rounding_mode: Label
    rounding_scale: Small
    rounding_difference: Money = ZERO
    currency: Label
    usage_rating_tag: Label = "usage"
    tax_category: Label = ""
    legal_entity: Label = ""
    gl_code: Label = ""
    bill_period: Label = ""
    is_billed: Small = 0
    fate_change: Small = 1
    rater: Label
    catalog_hash: Label = ""
    engine_version: Label = ""
    ledgered_at: Instant = 0
    batch_token: Label = ""
