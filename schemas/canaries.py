"""Canaries: known usage that must arrive once, in time, at the price a person wrote down."""

from schemas.columns import Instant, Label, Money, Record, Small, Text, Whole

CANARY = "canary"
"""Quality flag of signed usage of a canary, and `side` of its charges: neither revenue nor cost."""
UNSIGNED = "canary_unsigned"
"""Quality flag of usage of an account reserved for canaries that none of them signed."""


class CanarySent(Record):
    """A canary, written down before it is sent.

    One that was written down and then not sent is taken back by a second row with `change` -1.

    Attributes:
        sequence: Number of the canary's sending, from 1; never given twice.
        session_id: The id that the usage carries: canary, sequence and signature.
        file_name: The file that it was sent in, below its inbox.
        within_us: It must be charged so long after it was sent, microseconds.
        quantity: Chargeable usage that must arrive, whole base units.
        amount: What it must cost, as a person wrote it.
        catalog_hash: The catalogue in which that was written.
    """

    tenant_id: Label = "default"
    canary_id: Label
    sequence: Whole
    session_id: Text
    feed_id: Label
    account_id: Text
    file_name: Text = ""
    sent_at: Instant
    start_time: Instant
    within_us: Whole
    quantity: Whole
    b_number: Text = ""
    amount: Money
    currency: Label
    catalog_hash: Label = ""
    change: Small = 1
    ledgered_at: Instant = 0
    batch_token: Label = ""
