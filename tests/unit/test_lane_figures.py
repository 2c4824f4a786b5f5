"""What a lane of the log says of its work: rated, refused, misplaced, how late, how large."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dataflows.crashes import Guard
from dataflows.lane import LogBatch
from dataflows.lane_progress import RATING
from dataflows.progress import Progress
from dataflows.rating import Rate
from dataflows.settings import Home, Settings
from dataflows.usage_log.spool import OUTCOMES, USAGE
from schemas.columns import micros_from_text, rows_to_frame
from schemas.feeds import LedgerEntry
from schemas.usage import UsageEvent
from tallywire.hashes import hash64
from tallywire.rating.dispatch import Rater
from tests.priced import group, one_tariff, usage

ACCOUNTS = [f"account-{number}" for number in range(40)]
COLLECTED_US = micros_from_text("2026-01-15T13:00:00Z")


@contextmanager
def _lane_of(folder: Path, progress: Progress, partitions: int = 1) -> Iterator[Rate]:
    """A lane with a catalogue of one price; its journals are closed, as the process's end does."""
    snapshot = one_tariff(group(0, 1, "0.06"))
    settings = Settings(home=folder, partitions=partitions)
    guard = Guard(Home(folder), RATING, settings.quarantine_after, careful=False)
    work = Rate(settings, lambda _: (Rater(snapshot), snapshot), progress, guard, None)
    try:
        yield work
    finally:
        for journal in (work._journal, work._period_journal):
            if journal is not None:
                journal.close()


def _batch(lane: str, topic: str, rows: int) -> LogBatch:
    """Usage of every account, the last without a price, as if all lay in this partition."""
    events = [
        usage(60_000_000, f"2026-01-15T12:00:{number:02d}Z", routing_id=account,
              collected_at=COLLECTED_US - number, subscription_id=account)
        for number, account in enumerate(ACCOUNTS[:rows])
    ]  # fmt: skip
    if events:
        events[-1] = events[-1].model_copy(update={"offer_id": "unknown"})
    entry = LedgerEntry(
        lane=lane, position=0, source=topic, first=0, last=100, records=len(events),
        ledgered_at=COLLECTED_US + 5, catalog_hash="hash", token=f"{lane}:0:0:100",
    )  # fmt: skip
    return LogBatch(topic, entry, {"usage_events": rows_to_frame(events, UsageEvent)})


@pytest.mark.parametrize("partitions", [1, 2])
def test_what_is_rated_refused_and_misplaced_is_counted(tmp_path: Path, partitions: int) -> None:
    progress = Progress(tmp_path / "rating.json", RATING)
    with _lane_of(tmp_path, progress, partitions) as work:
        work.on_batch([_batch("usage-0000", USAGE, len(ACCOUNTS))])
        cut = work.snapshot()
    lane = progress.lanes["usage-0000"]
    assert lane.fates == {"rated": len(ACCOUNTS) - 1, "suspended": 1}
    accounts = rows_to_frame([usage(1, routing_id=one) for one in ACCOUNTS], UsageEvent)
    elsewhere = int((hash64(accounts["routing_id"]) % 2 != 0).sum())
    assert lane.key_affinity_faults == (elsewhere if partitions == 2 else 0)
    assert elsewhere > 0
    assert lane.watermark_us == micros_from_text("2026-01-15T12:00:39Z")
    assert lane.reached_us == COLLECTED_US
    assert sum(lane.batches.counts) == 1
    assert lane.state_bytes == cut.journal.length + (cut.periods.length if cut.periods else 0)


def test_outcomes_of_collection_are_not_counted_twice(tmp_path: Path) -> None:
    progress = Progress(tmp_path / "rating.json", RATING)
    with _lane_of(tmp_path, progress) as work:
        work.on_batch([_batch("outcomes-0000", OUTCOMES, 0)])
    lane = progress.lanes["outcomes-0000"]
    assert sum(lane.fates.values()) == 0
    assert sum(lane.batches.counts) == 1
    assert lane.reached_us == COLLECTED_US + 5
