"""Making a canary: what is written down of it, and its record."""

from dataflows.canaries.key import CanaryMisuse
from dataflows.sources.folder import owner_of
from schemas.canaries import CanarySent
from schemas.instants import text_from_micros
from tallywire.catalog import Snapshot
from tallywire.catalog.canaries import END, ID, START, Canary
from tallywire.mediation.canaries import signed_id
from tallywire.money import display

_SECOND_US = 1_000_000


def made(
    canary: Canary, sequence: int, snapshot: Snapshot, key: bytes, now_us: int
) -> CanarySent:  # fmt: skip
    """Make what is written down of a sending: usage that has just ended, signed.

    Args:
        sequence: Its number.
        key: The secret.
        now_us: When it is sent.

    Raises:
        CanaryMisuse: If another feed would take its file.
    """
    start = (now_us - canary.lasts_us) // _SECOND_US * _SECOND_US
    name = canary.pattern.replace("*", f"canary-{canary.canary_id}-{sequence}")
    if (owner := owner_of(name, snapshot.feeds)) != canary.feed_id:
        msg = (
            f"canary {canary.canary_id}: its file {name} would be taken by feed {owner}, not by "
            f"{canary.feed_id}: give the feed a path of its own"
        )
        raise CanaryMisuse(msg)
    signed = signed_id(
        key, canary.canary_id, sequence, account_id=canary.account_id, start_us=start,
        quantity=canary.quantity, b_number=canary.b_number,
    )  # fmt: skip
    return CanarySent(
        tenant_id=snapshot.feeds[canary.feed_id].tenant_id, canary_id=canary.canary_id,
        sequence=sequence, session_id=signed, feed_id=canary.feed_id,
        account_id=canary.account_id, file_name=name, sent_at=now_us, start_time=start,
        within_us=canary.within_us, quantity=canary.quantity, b_number=canary.b_number,
        amount=display(canary.amount), currency=canary.currency, catalog_hash=snapshot.hash,
    )  # fmt: skip


def record_of(canary: Canary, sent: CanarySent) -> bytes:
    """Write its record, a line."""
    end = sent.start_time + canary.lasts_us
    text = canary.record.replace(ID, sent.session_id)
    return text.replace(START, _moment(sent.start_time)).replace(END, _moment(end)).encode() + b"\n"


def _moment(micros: int) -> str:
    """Write an instant in whole seconds.

    >>> _moment(1774746000000000)
    '2026-03-29T01:00:00Z'
    """
    return text_from_micros(micros).partition(".")[0] + "Z"
