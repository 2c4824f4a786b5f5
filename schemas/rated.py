"""The rated event: a usage event with its price, how it was found, and where it will be booked."""

import decimal

from schemas.columns import Exact, Instant, Label, MaybeUuid, Money, Small, Text, Uuid, Whole
from schemas.usage import NO_EVENT, UsageEvent

ZERO = decimal.Decimal(0)


class RatedEvent(UsageEvent):
    """One charge. Corrections are new signed rows (`op` reversal, correction), never updates.

    Money: `amount_numerator / amount_denominator` is the exact charge in the currency's major unit
    (a reduced ratio); `amount` is it rounded once, at `rounding_scale` decimals by
    `rounding_mode`; `rounding_difference` is amount minus exact, to nine decimals half-even.

    Attributes:
        rated_id: Hash of event, restatement, attempt, run and operation.
        run: Which leg was priced: `retail`, or a leg of a partner such as `wholesale`.
        side: `revenue` or `cost`; of a canary's charges `canary`, which is neither.
        party_id: Partner of the leg; empty for retail.
        op: `charge`, `reversal`, `correction` (the replacement), or `true_up` (at period close).
        cause_id: What asked for a correction: the id of a re-rating.
        rated_quantity: Quantity after increments, base units of `unit`.
        included_quantity: Part of `rated_quantity` paid by an allowance.
        allowance_id: The allowance drawn from last; `allowance_before` and `allowance_after` are
            its own.
        allowance_before: Left in the allowance before this event, base units; -1 without one.
        allowance_after: Left after it; -1 without one.
        cumulative_before: What the price's tiers had counted before this event; -1 without tiers.
        cumulative_after: What they have counted after it; -1 without tiers.
        repriced: Part of the exact charge that corrects earlier usage of the period, to nine
            decimals: volume tiers.
        discount: Exact discounts taken off, to nine decimals, not negative.
        spend_change: What commitments and spend limits changed, to nine decimals, signed.
        fx_rate: Exact rate from the tariff's currency to `currency`, as text; empty where both
            are the same.
        balance_paid: Part of `amount` that prepaid balances paid.
        counters: What each counter held when it was read, in the order of the rules, joined by
            spaces; empty where `allowance_before` and `cumulative_before` say all of it.
        bands: Bands the usage fell in, in order, joined by `+`.
        fate_change: What this row adds to the count of rated input records (corrections: 0).
        rater: `columnar` or `rulebook`.
        batch_token: Deduplication token of the insert.
        batch_row: Place of the row in its batch, from 0: with `batch_token` the order of the lane.
    """

    rated_id: Uuid = NO_EVENT
    run: Label = "retail"
    side: Label = "revenue"
    party_id: Label = ""
    op: Label = "charge"
    version: Small = 1
    supersedes: MaybeUuid = None
    reason: Label = ""
    cause_id: MaybeUuid = None
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
    cumulative_before: Whole = -1
    cumulative_after: Whole = -1
    repriced: Money = ZERO
    discount: Money = ZERO
    spend_change: Money = ZERO
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
    fx_rate: Label = ""
    balance_paid: Money = ZERO
    counters: Text = ""
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
    batch_row: Small = 0
