"""Usage that a canary has signed: known by its id, marked, and nobody else's for free.

The id of a canary's usage is `canary:NAME:NUMBER:SIGNATURE`. The signature covers everything that
its charge depends on, so an id that was seen is of no use for other usage; usage that carries it
again is a copy.
"""

import hmac

import polars as pl

from schemas.canaries import CANARY, UNSIGNED
from tallywire.catalog.snapshot import Snapshot
from tallywire.mediation.fields import flagged

_LETTERS = 32
"""Of a signature, in hexadecimal: 128 bits."""
_PARTS = 4
_BETWEEN = ":"


def signed_id(
    key: bytes, canary_id: str, sequence: int, *, account_id: str, start_us: int, quantity: int,
    b_number: str,
) -> str:  # fmt: skip
    """Sign a canary's usage; give its id.

    Args:
        key: The secret of the installation.
        sequence: Number of the sending.
        start_us: When the usage began, microseconds UTC.
        quantity: Whole base units.
        b_number: Called number as it is charged; empty where there is none.
    """
    said = (canary_id, str(sequence), account_id, str(start_us), str(quantity), b_number)
    made = hmac.new(key, "\x1f".join(said).encode(), "sha256").hexdigest()[:_LETTERS]
    return _BETWEEN.join((CANARY, canary_id, str(sequence), made))


def holds(
    key: bytes, session_id: str, account_id: str, start_us: int, quantity: int, b_number: str
) -> bool:
    """Tell whether the id of usage is signed for exactly this usage."""
    parts = session_id.split(_BETWEEN)
    if not key or len(parts) != _PARTS or parts[0] != CANARY:
        return False
    if not (parts[2].isascii() and parts[2].isdigit()):
        return False
    own = signed_id(
        key, parts[1], int(parts[2]), account_id=account_id, start_us=start_us, quantity=quantity,
        b_number=b_number,
    )  # fmt: skip
    return hmac.compare_digest(own.encode(), session_id.encode())


def marked(usage: pl.DataFrame, snapshot: Snapshot, key: bytes) -> pl.DataFrame:
    """Mark usage of accounts that are reserved for canaries: signed, or unsigned and charged.

    Args:
        usage: Columns of UsageEvent.
        key: The secret; without one nothing is signed.
    """
    if not snapshot.canaries or usage.is_empty():
        return usage
    reserved = sorted({one.account_id for one in snapshot.canaries.values()})
    own = usage["account_id"].is_in(reserved)
    if not own.any():
        return usage
    columns = ("session_id", "account_id", "start_time", "quantity", "b_number")
    places = own.arg_true()
    signed = [
        place
        for place, row in zip(places, usage.select(columns)[places].iter_rows(), strict=True)
        if holds(key, *row)
    ]
    good = pl.int_range(usage.height, eager=True).is_in(signed)
    return flagged(flagged(usage, good, CANARY), own & ~good, UNSIGNED)
