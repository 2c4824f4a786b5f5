"""A canary, compiled: what is sent, how often, and what must come of it."""

from dataclasses import dataclass
from fractions import Fraction

ID, START, END = "$id", "$start", "$end"
"""What a record says where its signed id, its start and its end stand."""


@dataclass(frozen=True)
class Canary:
    """Known usage.

    Attributes:
        record: One line as the feed's source would write it, with ID, START and END.
        pattern: The feed's pattern of file names.
        quantity: Chargeable usage that must arrive, whole base units.
        lasts_us: How long the usage lasts; 0 where it has no duration.
        amount: What it must cost, in `currency`.
        every_us: How often it is sent.
        within_us: How soon it must be charged.
    """

    canary_id: str
    feed_id: str
    account_id: str
    record: str
    pattern: str
    quantity: int
    lasts_us: int
    b_number: str
    amount: Fraction
    currency: str
    every_us: int
    within_us: int
