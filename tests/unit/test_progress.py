"""Figures of lanes: counted in columns, written to a small file, read back whole."""

import os
import threading
import time
from pathlib import Path

import numpy as np
import polars as pl

from dataflows.lane_progress import COLLECTION, RATING, SECONDS, LaneProgress
from dataflows.progress import Progress, Supervised, Supervision
from dataflows.progress import read as read_progress
from dataflows.reports import read_reports
from dataflows.settings import Home
from dataflows.sources.backlog import Backlog
from dataflows.sources.folder import Candidate
from dataflows.sources.manifest import FileState, Manifest
from dataflows.tallies import fates_of, misplaced
from schemas.feeds import LedgerEntry
from tallywire.hashes import hash64

_GONE = 2**22 + 1
"""Above the largest process id that Linux gives."""


def _cut(first: int, last: int, records: int) -> LedgerEntry:
    return LedgerEntry(
        lane="pbx", position=0, source="file", first=first, last=last, records=records,
        ledgered_at=1, catalog_hash="hash", token=f"pbx:0:{first}:{last}",
    )  # fmt: skip


def test_a_lane_knows_how_much_waits_and_for_how_long() -> None:
    lane = LaneProgress()
    lane.cut(_cut(0, 1_000, 10))
    lane.stand(1_000, 51_000)
    lane.worked(0.2, reached_us=5_000_000, watermark_us=70)
    assert lane.lag_events == 500
    assert lane.lag_seconds(now_us=9_500_000) == 4.5
    lane.stand(51_000, 51_000)
    assert lane.lag_events == 0
    assert lane.lag_seconds(now_us=2**62) == 0.0
    lane.stand(51_000, 51_001)
    assert lane.lag_events == 1  # something waits, if only a byte
    assert lane.lag_seconds(time.time_ns() // 1_000) < 5


def test_a_watermark_never_goes_back() -> None:
    lane = LaneProgress()
    lane.worked(0.1, 1, 70)
    lane.worked(0.1, 2, 60)
    assert lane.watermark_us == 70


def test_decoding_is_part_of_the_time_of_its_batch() -> None:
    lane = LaneProgress()
    lane.decoded(0.3)
    lane.worked(0.1, 1, 1)
    lane.worked(0.1, 1, 1)
    assert lane.batches.counts[SECONDS.index(0.5)] == 1
    assert lane.batches.counts[SECONDS.index(0.1)] == 1
    assert abs(lane.batches.seconds - 0.5) < 1e-9


def test_records_are_counted_by_fate() -> None:
    tables = {
        "lane_counts": pl.DataFrame(
            {"term": ["collected", "open", "accepted", "accepted"], "records": [10, 2, 3, 1]}
        ),
        "set_aside_events": pl.DataFrame(
            {"fate": ["duplicate", "filtered", "duplicate"], "records": [900, 1, 1]}
        ),
        "suspense_events": pl.DataFrame({"change": [1, 1, -1], "records": [1, 2, 1]}),
        "rated_events": pl.DataFrame({"fate_change": [1, 0, 1]}),
    }
    assert fates_of(tables) == {
        "collected": 10, "accepted": 4, "duplicate": 901, "filtered": 1, "suspended": 3,
        "recycled": 1, "rated": 2,
    }  # fmt: skip
    assert fates_of({name: frame.clear() for name, frame in tables.items()}) == {}


def test_events_in_a_partition_that_is_not_theirs_are_counted() -> None:
    usage = pl.DataFrame({"routing_id": [f"account-{number}" for number in range(1_000)]})
    theirs = hash64(usage["routing_id"]) % 4
    assert misplaced(usage, 2, 4) == int(np.count_nonzero(theirs != 2)) > 0
    assert misplaced(usage.filter(pl.Series(theirs == 2)), 2, 4) == 0
    assert misplaced(usage, 0, 1) == 0


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    home = Home(tmp_path)
    progress = Progress(home.progress / "rating.json", "rating")
    lane = progress.lane("usage-0003", RATING)
    lane.add({"rated": 7})
    lane.add({"rated": 1, "suspended": 2})
    lane.inserts.add(0.02)
    progress.lane("platform@0001", COLLECTION).quarantined = True
    progress.retries = 3
    progress.write(force=True)
    found = read_reports(home)
    report = found.reports["rating"]
    assert report.pid == os.getpid()
    assert report.lanes["usage-0003"] == lane
    assert report.lanes["usage-0003"].fates == {"rated": 8, "suspended": 2}
    assert report.lanes["platform@0001"].feed == "platform"
    assert report.retries == 3
    assert report.peak_rss_bytes > 1_000_000
    assert found.processes["rating"].state == "running"
    assert not found.unreadable
    assert read_progress(progress.path)["retries"] == 3


def test_two_threads_may_write_at_once(tmp_path: Path) -> None:
    progress = Progress(tmp_path / "rating.json", "rating")
    failed: list[BaseException] = []

    def write() -> None:
        try:
            for _ in range(300):
                progress.write(force=True)
        except BaseException as error:  # noqa: BLE001  told to the test
            failed.append(error)

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def _written_by(path: Path, pid: int, *, ended: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{{"pid": {pid}, "ended": {str(ended).lower()}, "from a later version": 1}}')


def test_a_process_that_is_gone_is_seen_without_a_supervisor(tmp_path: Path) -> None:
    home = Home(tmp_path)
    _written_by(home.progress / "rating.json", _GONE)
    _written_by(home.progress / "collection.json", _GONE, ended=True)
    _written_by(home.progress / "engine.json", os.getpid())
    states = {name: process.state for name, process in read_reports(home).processes.items()}
    assert states == {"rating": "failed", "engine": "running"}


def test_what_the_supervisor_says_counts_as_long_as_it_lives(tmp_path: Path) -> None:
    home = Home(tmp_path)
    _written_by(home.progress / "rating.json", _GONE)
    _written_by(home.progress / "before.json", _GONE)
    said = Supervised("backing_off", restarts=4, problem="the store did not answer")
    Supervision({"rating": said}).write(home.progress)
    found = read_reports(home)
    assert found.processes == {"rating": said}
    assert list(found.reports) == ["rating"]  # not the one of an earlier run
    Supervision({"rating": said}, pid=_GONE).write(home.progress)
    assert read_reports(home).processes["rating"].state == "failed"


def test_a_file_that_is_no_progress_is_named(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.progress.mkdir()
    (home.progress / "rating.json").write_text('{"lanes": []}')
    (home.progress / "supervisor.json").write_text('{"processes": {"a": {"state": "asleep"}}}')
    found = read_reports(home)
    assert not found.processes
    assert len(found.unreadable) == 2
    assert "rating.json" in found.unreadable[1]
    assert "asleep" in found.unreadable[0]


def test_the_backlog_of_files_knows_renamed_ones_and_forgets_half_records(tmp_path: Path) -> None:
    new, renamed = tmp_path / "b", tmp_path / "a-1"
    new.write_bytes(b"x" * 300)
    renamed.write_bytes(b"x" * 120)
    state = FileState("id", "a", offset=100, inode=renamed.stat().st_ino)
    lane = LaneProgress()
    backlog = Backlog(lane, Manifest(files={"id": state}))
    gone = Candidate("gone", tmp_path / "gone")
    backlog.listed([Candidate("a-1", renamed), Candidate("b", new), gone])
    backlog.nothing()  # files settle: they are listed before they are read
    state.offset += 10  # as the manifest takes a range before it leaves
    backlog.cut(_cut(100, 110, 1))
    assert (lane.position, lane.end) == (110, 110 + 10 + 300)
    assert lane.lag_events == 31
    state.offset += 10
    backlog.cut(_cut(110, 120, 1))
    assert (lane.position, lane.end) == (120, 120 + 300)
    backlog.nothing()
    assert (lane.position, lane.end, lane.lag_events) == (120, 120, 0)
