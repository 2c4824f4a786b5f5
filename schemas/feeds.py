"""Feed files: what arrived, what it said about itself, and whether the two agree."""

from schemas.columns import Flag, Instant, Label, MaybeInstant, Record, Small, Text, Whole


class FeedFile(Record):
    """One file of a feed, written when it is opened, and again when it is complete.

    Attributes:
        status: `complete`, `growing`, `replayed` (content seen before), `unreadable` or
            `refused` (not collected, or not all its members).
        sequence: Number of the file in its feed, -1 where it carries none.
        declared_records: Record count in the trailer, -1 where it declares none.
        declared_total: Hash total in the trailer (for example seconds), -1 where it declares none.
        counted_total: The same total over the records read, in the trailer's unit.
        trailer_found: Whether the format's trailer was there; true where it has none.
    """

    tenant_id: Label = "default"
    feed_id: Label
    lane: Label
    file_id: Label
    file_name: Text
    sha256: Text = ""
    size: Whole = 0
    status: Label
    replay_of: Text = ""
    sequence: Whole = -1
    records: Whole = 0
    decoded: Whole = 0
    suspended: Whole = 0
    filtered: Whole = 0
    duplicates: Whole = 0
    declared_records: Whole = -1
    counted_records: Whole = -1
    declared_total: Whole = -1
    counted_total: Whole = -1
    trailer_found: Flag = True
    first_event_time: MaybeInstant = None
    last_event_time: MaybeInstant = None
    collected_at: Instant = 0
    ledgered_at: Instant = 0
    batch_token: Label = ""


class LaneCount(Record):
    """Signed changes of one counted term, per lane, feed and ledger hour.

    Attributes:
        term: `collected` (counted by the reader), `open` (from session state) or `accepted`
            (written to the usage log).
        records: Signed change.
    """

    lane: Label
    feed_id: Label
    term: Label
    records: Whole
    collected_at: Instant
    ledgered_at: Instant = 0
    batch_token: Label = ""


class LedgerEntry(Record):
    """A range of input, cut once and replayed with the same bounds for ever.

    Attributes:
        lane: The lane that owns the range.
        position: Index of the entry in the lane's ledger.
        source: File id, or log partition, the range lies in.
        first: First byte (files) or block (log) of the range.
        last: End of the range, exclusive.
        ledgered_at: The only wall-clock time in a row, written here once.
        catalog_hash: Snapshot the range is worked under.
        token: `lane:position:first-last`, the deduplication token of its inserts.
    """

    lane: Label
    position: Whole
    source: Label
    first: Whole
    last: Whole
    records: Whole
    ledgered_at: Instant
    catalog_hash: Label
    token: Label
    detail: Text = ""
    schema_version: Small = 1
