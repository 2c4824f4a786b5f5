"""Ranges of files: whole records, as many as a batch may have, whatever was read to find them."""

from pathlib import Path

import pytest

from dataflows.sources.manifest import FileState
from dataflows.sources.openings import Opening
from dataflows.sources.ranges import Range, next_range
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.framing import DOCUMENT, LINES, Framing, frame
from tests.laws.feeds import SNAPSHOT, VALID


def cut(
    path: Path, *, rows: int, limit: int, framing: Framing = LINES, status: str = "complete"
) -> list[Range]:
    """Cut a file to its end."""
    state = FileState("f", path.name)
    opening = Opening(path.name, path, "f", status, path.stat().st_size, "", 0, b"")
    found = []
    while state.offset < opening.size:
        one = next_range(opening, state, framing, rows=rows, limit=limit)
        if one is None:
            break
        state.offset, state.records = state.offset + len(one.data), state.records + one.records
        state.overlong = one.more
        found.append(one)
    return found


@pytest.mark.parametrize("rows", [1, 7, 1_000, 100_000])
@pytest.mark.parametrize("limit", [2**20, 2**24])
def test_ranges_are_the_file_and_none_has_too_many_records(
    rows: int, limit: int, tmp_path: Path
) -> None:
    path = tmp_path / "calls"
    lines = [b"%d;" % number + b"x" * (number % 50) + b"\n" for number in range(3_000)]
    path.write_bytes(b"".join(lines))
    found = cut(path, rows=rows, limit=limit)
    assert b"".join(one.data for one in found) == path.read_bytes()
    assert sum(one.records for one in found) == 3_000
    assert max(one.records for one in found) == min(rows, 3_000)
    assert not any(one.overlong for one in found)


def test_a_record_far_longer_than_those_before_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "calls"
    long = b"y" * 900_000
    path.write_bytes(b"a\n" * 500 + long + b"\nb\n" + long)
    found = cut(path, rows=100, limit=2**20)
    assert b"".join(one.data for one in found) == path.read_bytes()
    assert sum(one.records for one in found) == 503
    assert not any(one.overlong for one in found)


def test_a_record_beyond_the_limit_is_taken_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "calls"
    path.write_bytes(b"a\n" * 500 + b"y" * 2_500_000 + b"\nb\n")
    found = cut(path, rows=100, limit=2**20)
    assert b"".join(one.data for one in found) == path.read_bytes()
    assert [len(one.data) for one in found if one.overlong] == [2**20, 2**20, 2_500_001 - 2**21]
    assert found[-1].data == b"b\n"


def test_a_growing_file_leaves_its_unfinished_line(tmp_path: Path) -> None:
    path = tmp_path / "calls"
    path.write_bytes(b"a\n" * 500 + b"unfin")
    found = cut(path, rows=400, limit=2**20, status="growing")
    assert [one.records for one in found] == [400, 100]
    assert b"".join(one.data for one in found) == b"a\n" * 500


def test_a_document_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "calls"
    path.write_bytes(b"{" + b" " * 3_000_000 + b"}")
    assert [one.records for one in cut(path, rows=1, limit=2**20, framing=DOCUMENT)] == [1]


@pytest.mark.parametrize("key", sorted(VALID))
def test_what_was_cut_is_what_is_cut_of_the_range_again(key: str, tmp_path: Path) -> None:
    """A restart reads a range once more: it must hold the same records, with the same numbers."""
    feed = SNAPSHOT.feeds[VALID[key].feed_id]
    framing = DECODERS[feed.format].framing(feed)
    path = tmp_path / "usage"
    path.write_bytes(VALID[key].repeated(5))
    found = cut(path, rows=3, limit=2**20, framing=framing)
    assert sum(one.records for one in found) > 3
    for one in found:
        kept = one.frames
        assert kept is not None
        again, consumed = frame(
            one.data, framing, at_end=True, first_record_no=kept.first_record_no,
            base_offset=kept.base_offset,
        )  # fmt: skip
        assert consumed == len(one.data) == len(kept.data)
        assert again.slices() == kept.slices()
        assert again.starts.tolist() == kept.starts.tolist()
