"""The ingest spool: durable before visible, nothing half, nothing that was published changed."""

import errno
import os
from itertools import chain
from pathlib import Path

import pytest

from dataflows.ingest.log import Keyed, LogUnavailable
from dataflows.ingest.spool import (
    PartitionWriter,
    SpoolLog,
    check_partitions,
    durable_length,
    spool_folder,
)
from dataflows.segments import forget, segments
from dataflows.sinks.log import LayoutChanged
from dataflows.sources.http import HttpStream
from dataflows.sources.openings import InputChanged
from tests.laws.feeds import SNAPSHOT

PLATFORM = SNAPSHOT.feeds["platform"]
LARGE = 1 << 30


def _place(root: Path) -> Path:
    return spool_folder(root, "platform", 0)


def _all(root: Path, partition: int = 0) -> list[bytes]:
    stream = HttpStream(root, "platform", partition, 7)
    found: list[bytes] = []
    position = 0
    while (records := stream.next(position, rows=7, limit=64)) is not None:
        assert records.first == position
        assert stream.read(records.first, records.last).data == records.data
        found += records.frames(0, 0).slices()
        position = records.last
    assert position == stream.end()
    return found


def test_a_torn_tail_is_cut_and_whole_records_stay(tmp_path: Path) -> None:
    writer = PartitionWriter(_place(tmp_path), LARGE)
    writer.append([b"one", b"two"])
    writer.close()
    (_, path), = segments(_place(tmp_path))  # fmt: skip
    with path.open("ab") as file:
        file.write(b"three\nfo")
    assert _all(tmp_path) == [b"one", b"two"]  # not published
    writer = PartitionWriter(_place(tmp_path), LARGE)
    assert _all(tmp_path) == [b"one", b"two", b"three"]
    writer.append([b"four"])
    assert _all(tmp_path) == [b"one", b"two", b"three", b"four"]
    writer.close()


def test_pages_of_zeros_are_no_records(tmp_path: Path) -> None:
    PartitionWriter(_place(tmp_path), LARGE).close()
    (_, path), = segments(_place(tmp_path))  # fmt: skip
    path.write_bytes(b"one\n" + bytes(4096) + b"half\nlater\n")
    PartitionWriter(_place(tmp_path), LARGE).close()
    assert _all(tmp_path) == [b"one"]


def test_a_lost_length_is_published_anew(tmp_path: Path) -> None:
    writer = PartitionWriter(_place(tmp_path), 8)
    for number in range(5):
        writer.append([b"record %d" % number])
    writer.close()
    (_place(tmp_path) / "durable.json").write_bytes(b"")
    assert durable_length(_place(tmp_path)) == 0
    PartitionWriter(_place(tmp_path), 8).close()
    assert len(_all(tmp_path)) == 5


def test_less_than_was_published_is_an_error(tmp_path: Path) -> None:
    log = SpoolLog(tmp_path, 1, LARGE)
    log.append(PLATFORM, [Keyed("a", b"record")])
    log.close()
    (_, path), = segments(_place(tmp_path))  # fmt: skip
    path.write_bytes(b"rec")
    with pytest.raises(InputChanged, match="restore it from a backup"):
        SpoolLog(tmp_path, 1, LARGE)


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = SpoolLog(tmp_path, 1, LARGE)
    log.append(PLATFORM, [Keyed("a", b"one")])

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        with pytest.raises(LogUnavailable, match="No space left"):
            log.append(PLATFORM, [Keyed("b", b"two")])
        with pytest.raises(LogUnavailable):
            log.check()
    assert _all(tmp_path) == [b"one"]
    log.check()
    log.append(PLATFORM, [Keyed("b", b"two")])
    assert _all(tmp_path) == [b"one", b"two"]
    log.close()


def test_a_full_disk_is_told_and_forgotten(tmp_path: Path) -> None:
    """A real one: the segment is a link to the device that is always full."""
    folder = _place(tmp_path)
    log = SpoolLog(tmp_path, 1, 1)
    log.append(PLATFORM, [Keyed("a", b"one")])
    following = folder / f"{durable_length(folder):020d}.segment"
    following.symlink_to("/dev/full")
    with pytest.raises(LogUnavailable):
        log.append(PLATFORM, [Keyed("b", b"two")])
    following.unlink()
    assert _all(tmp_path) == [b"one"]
    log.close()
    log = SpoolLog(tmp_path, 1, 1)
    log.append(PLATFORM, [Keyed("b", b"two")])
    assert _all(tmp_path) == [b"one", b"two"]
    log.close()


def test_the_same_key_is_always_in_one_partition(tmp_path: Path) -> None:
    records = [Keyed(f"{number % 50}", b"%d" % (number % 50)) for number in range(200)]
    for part in (records[:90], records[90:]):
        log = SpoolLog(tmp_path, 4, LARGE)
        log.append(PLATFORM, part)
        log.close()
    found = [_all(tmp_path, number) for number in range(4)]
    assert sorted(chain.from_iterable(found)) == sorted(one.record for one in records)
    assert all(found)
    for number, one in enumerate(found):
        for other in found[number + 1 :]:
            assert not set(one) & set(other)


def test_the_number_of_partitions_is_for_good(tmp_path: Path) -> None:
    check_partitions(tmp_path, 2)
    check_partitions(tmp_path, 2)
    with pytest.raises(LayoutChanged, match="TALLYWIRE_INGEST_PARTITIONS=2"):
        SpoolLog(tmp_path, 3, LARGE)


def test_old_segments_are_forgotten_and_asking_for_them_is_an_error(tmp_path: Path) -> None:
    folder = _place(tmp_path)
    writer = PartitionWriter(folder, 8)
    for number in range(4):
        writer.append([b"record %d" % number])
    base = segments(folder)[2][0]
    assert forget(folder, base - 1) == 1
    assert forget(folder, base) == 1
    assert forget(folder, LARGE) == 1  # the newest stays
    stream = HttpStream(tmp_path, "platform", 0, 7)
    with pytest.raises(InputChanged):
        stream.next(0, rows=1, limit=100)
    with pytest.raises(InputChanged):
        stream.read(0, 9)
    writer.append([b"record 4"])
    assert stream.end() == writer.length
    writer.close()


def test_a_record_longer_than_the_limit_is_read_whole(tmp_path: Path) -> None:
    writer = PartitionWriter(_place(tmp_path), LARGE)
    long = b"x" * (1024 * 1024)
    writer.append([b"a", long, b"b"])
    assert _all(tmp_path) == [b"a", long, b"b"]
    writer.close()
    stream = HttpStream(tmp_path, "platform", 0, 7)
    assert stream.source == "http/0"
    assert HttpStream(tmp_path, "nobody", 3, 7).next(0, rows=1, limit=1) is None
    for first, last in ((0, 1), (0, 3), (2, 10**9), (stream.end(), stream.end() + 5)):
        with pytest.raises(InputChanged):
            stream.read(first, last)
