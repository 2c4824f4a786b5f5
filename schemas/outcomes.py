"""What becomes of input records that are not rated: set aside, held in suspense, or waiting."""

from schemas.columns import (
    Blob,
    Hash64,
    Instant,
    Label,
    MaybeInstant,
    MaybeMoney,
    Small,
    Text,
    Whole,
)
from schemas.usage import Origin


class SetAsideEvent(Origin):
    """A record counted but not rated: duplicate, filtered or merged.

    Attributes:
        fate: `duplicate`, `filtered` or `merged`.
        records: Input records this row stands for (a replayed file is one row), signed.
        first_event_id: For a duplicate: always equal to `event_id`; for a merged part: the event
            it was joined into, as text.
    """

    fate: Label
    reason: Label
    detail: Text = ""
    records: Whole = 1
    joined_into: Text = ""
    ledgered_at: Instant = 0
    batch_token: Label = ""


class OpenEvent(Origin):
    """A part of a session that waits for the rest, and what it is worth meanwhile.

    A part that waits is a row with `change` 1; when it is settled, joined or given up, a row with
    `change` -1 follows. A part that came and was settled within one batch leaves no rows.

    Attributes:
        event_time: Start of the part.
        last_heard: When its session was last heard of, by the feed's event time.
        settles_at: The session is settled after this instant of the feed, unless more comes.
        quantity: Of this part; those of a session's parts add up.
        estimated_amount: Worth in `estimated_currency`, or none where nothing is known.
        estimate_method: How the worth was found.
    """

    session_id: Text
    change: Small = 1
    records: Whole = 1
    service: Label = ""
    event_time: Instant
    last_heard: Instant
    settles_at: Instant
    quantity: Whole = 0
    estimated_amount: MaybeMoney = None
    estimated_currency: Label = ""
    estimate_method: Label = "none"
    ledgered_at: Instant = 0
    batch_token: Label = ""


class SuspenseEvent(Origin):
    """A record that cannot be rated now: reason, bytes, place and estimated worth.

    A suspension is a row with `change` 1; when it is recycled a row with `change` -1 follows.

    Attributes:
        suspense_id: Hash of place and content: stable over attempts.
        stage: `decode`, `deduplicate`, `correlate`, `normalise` or `rate`.
        missing_ref: The reference that is missing, for example a number without account.
        usage: The canonical usage event as JSON, where mediation had made one (stages normalise
            and rate), or the decoded part of a session (stage correlate); a recycle re-enters with
            it, otherwise with `raw`.
        raw: The record's bytes, at most 64 KiB; `byte_length` tells its real length.
        file_head: What its file says ahead of the records, where `raw` cannot be read without it:
            the names of columns, the head of a TAP file; at most 64 KiB.
        run: Leg that has no price while the usage itself is rated; `records` is then 0.
        estimated_amount: Worth in `estimated_currency`, or none where nothing is known.
        estimate_method: How the worth was found.
    """

    suspense_id: Text
    stage: Label
    reason: Label
    detail: Text = ""
    missing_ref: Text = ""
    change: Small = 1
    records: Whole = 1
    service: Label = ""
    event_time: MaybeInstant = None
    quantity: Whole = 0
    payload_hash: Hash64 = 0
    raw: Blob = b""
    file_head: Blob = b""
    usage: Text = ""
    estimated_amount: MaybeMoney = None
    estimated_currency: Label = ""
    estimate_method: Label = "none"
    run: Label = ""
    ledgered_at: Instant = 0
    batch_token: Label = ""
