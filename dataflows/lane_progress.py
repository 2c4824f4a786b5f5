"""How far one lane is: what it worked, what waits behind it, how long things took."""

import time
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.feeds import LedgerEntry

COLLECTION = "collection"
RATING = "rating"

FATES = {
    COLLECTION: (
        "collected", "accepted", "duplicate", "suspended", "filtered", "merged", "recycled",
    ),
    RATING: ("rated", "suspended"),
}  # fmt: skip
"""What a lane of each kind counts; shown from the start, so that the first one is an increase."""

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of the buckets that durations are counted in, seconds."""


@dataclass
class Durations:
    """Durations, counted in fixed buckets.

    Attributes:
        counts: How many fell into each bucket of `SECONDS`; the last is what was longer than all.
        seconds: Their sum.
    """

    counts: list[int] = field(default_factory=lambda: [0] * (len(SECONDS) + 1))
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one.

        >>> durations = Durations()
        >>> durations.add(0.01); durations.add(0.02); durations.add(100)
        >>> durations.counts[:3], durations.counts[-1], durations.seconds
        ([1, 1, 0], 1, 100.03)
        """
        self.counts[bisect_left(SECONDS, seconds)] += 1
        self.seconds += seconds


@dataclass
class LaneProgress:
    """Figures of one lane since its process started.

    Attributes:
        kind: `collection` or `rating`.
        feed: Feed that a collection lane reads; empty for a lane of the log, which mixes feeds.
        fates: Records by what became of them here. Collection: `collected`, `accepted` (written to
            the usage log), `duplicate`, `suspended`, `filtered`, `merged`, `recycled` (taken out of
            suspense to be tried again). Rating: `rated`, `suspended`.
        open_sessions: Sessions that wait for more parts.
        position: Where the lane stands, in the unit of its input: bytes of files and of the spool,
            messages of a topic.
        end: The newest position known behind it.
        lag_events: Events between the two; estimated from the size of those that were worked,
            where positions are bytes.
        reached_us: Up to when input was worked, microseconds UTC: the ledger time of what was
            worked last, by collection for a lane of the log; now, whenever nothing waits.
        watermark_us: Newest event time seen, microseconds UTC; 0 before the first event.
        batches: How long batches were worked. Decoding counts, waiting for the store does not.
        inserts: How long the store took for a batch.
        state_bytes: Length of the journals of the state that lies beside the snapshot.
        state_keys: Keys in that state: seen records, open sessions, counters, period states.
        key_affinity_faults: Events that lay in another partition than their account's.
        without_record: Messages that hold no record.
        expired: Messages that a topic had dropped before they were read.
        crashes: Crashes at the range that the lane stands at.
        quarantined: The lane is put aside until an operator releases it.
        quarantined_range: Token of the range at which it crashed.
        worked_events, worked_units: Events, and units of position, worked since the start.
    """

    kind: str = COLLECTION
    feed: str = ""
    fates: dict[str, int] = field(default_factory=dict)
    open_sessions: int = 0
    position: int = 0
    end: int = 0
    lag_events: int = 0
    reached_us: int = field(default_factory=lambda: time.time_ns() // 1_000)
    watermark_us: int = 0
    batches: Durations = field(default_factory=Durations)
    inserts: Durations = field(default_factory=Durations)
    state_bytes: int = 0
    state_keys: int = 0
    key_affinity_faults: int = 0
    without_record: int = 0
    expired: int = 0
    crashes: int = 0
    quarantined: bool = False
    quarantined_range: str = ""
    worked_events: int = 0
    worked_units: int = 0
    _decoding_s: float = 0.0

    def add(self, fates: Mapping[str, int]) -> None:
        """Count records by what became of them."""
        for name, records in fates.items():
            self.fates[name] = self.fates.get(name, 0) + records

    def cut(self, entry: LedgerEntry) -> None:
        """Note that a range leaves the source."""
        self.worked_events += entry.records
        self.worked_units += entry.last - entry.first

    def stand(self, position: int, end: int) -> None:
        """Note where the lane stands, and what is behind it."""
        self.position, self.end = position, max(position, end)
        waiting = self.end - position
        if not waiting:
            self.lag_events = 0
            self.reached_us = time.time_ns() // 1_000
        else:
            self.lag_events = max(1, waiting * self.worked_events // max(1, self.worked_units))

    def decoded(self, seconds: float) -> None:
        """Add the time that decoding took to that of the batch that is worked next."""
        self._decoding_s += seconds

    def worked(self, seconds: float, reached_us: int, watermark_us: int) -> None:
        """Note a batch that was worked.

        Args:
            seconds: How long that took, decoding apart.
            reached_us: Ledger time of its input, microseconds UTC.
            watermark_us: Newest event time in it, microseconds UTC, or 0.
        """
        self.batches.add(seconds + self._decoding_s)
        self._decoding_s = 0.0
        self.reached_us = reached_us
        self.watermark_us = max(self.watermark_us, watermark_us)

    def lag_seconds(self, now_us: int) -> float:
        """Tell how old is what was worked last, as long as something waits; else 0."""
        return max(0, now_us - self.reached_us) / 1e6 if self.lag_events else 0.0
