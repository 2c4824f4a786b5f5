"""Feeds of files: each byte is read once, in ranges that are cut once and replayed exactly."""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from dataflows.crashes import Guard
from dataflows.progress import Progress
from dataflows.settings import Home, Settings
from dataflows.sources.feed_batch import FeedBatch, FeedWorld
from dataflows.sources.files import FeedPart
from dataflows.sources.folder import Candidate, discover
from dataflows.sources.openings import InputChanged
from tallywire.mediation.framing import LINES
from tests.laws.feeds import SNAPSHOT


class Feed:
    """A feed of a folder, and the parts that read it one after the other."""

    def __init__(self, root: Path, *, growing: bool = False, rows: int = 3) -> None:
        self.folder = root / "input"
        self.folder.mkdir(parents=True)
        feed = replace(SNAPSHOT.feeds["platform"], path="*", growing=growing)
        self._world = FeedWorld(
            settings=Settings(home=root / "home", collection_rows=rows, collection_bytes=1_024),
            lane="platform", feed=feed, framing=LINES, scan=self._scan, follow=False, run="run",
            progress=Progress(root / "progress.json", "collection"), catalog_at=lambda _: "hash",
            guard=Guard(Home(root / "home"), "collection", 0, careful=False),
            lost=lambda _lane, _messages: "",
        )  # fmt: skip

    def _scan(self) -> list[Candidate]:
        return discover([self.folder], {"platform": self._world.feed})[0]["platform"]

    def read(self, resume: int | None = None, most: int = 1_000) -> list[FeedBatch]:
        """Read as one process would, from where the last one has committed."""
        found: list[FeedBatch] = []
        with closing(FeedPart(self._world, resume)) as part:
            for _ in range(most):
                try:
                    found += [batch for _, batch in part.next_batch()]
                except StopIteration:
                    break
        return [batch for batch in found if batch.kind != "ended"]

    def write(self, name: str, *lines: object) -> Path:
        path = self.folder / name
        with path.open("a") as file:
            file.write("".join(f"{line}\n" for line in lines))
        return path


def records(found: Iterable[FeedBatch]) -> list[str]:
    return [
        piece.decode() for batch in found if batch.frames for piece in batch.frames.slices()
    ]  # fmt: skip


def test_files_are_read_in_the_order_of_their_names_in_ranges_of_whole_records(
    tmp_path: Path,
) -> None:
    feed = Feed(tmp_path)
    feed.write("b", 5, 6)
    feed.write("a", 1, 2, 3, 4)
    found = feed.read()
    assert [batch.entry.records for batch in found if batch.entry.records] == [3, 1, 2]
    assert records(found) == list("123456")
    numbers = [batch.frames.first_record_no for batch in found if batch.frames]
    assert numbers[:2] == [0, 3]


def test_a_restart_replays_the_same_ranges_and_goes_on(tmp_path: Path) -> None:
    feed = Feed(tmp_path)
    feed.write("a", *range(10))
    first = feed.read(most=3)
    for committed in range(len(first) + 1):
        again = feed.read(committed or None)
        assert [batch.entry for batch in again[: 3 - committed]] == [
            batch.entry for batch in first[committed:]
        ]
        assert records([*first[:committed], *again]) == [str(number) for number in range(10)]


def test_a_ledgered_range_is_found_again_under_another_name(tmp_path: Path) -> None:
    feed = Feed(tmp_path)
    path = feed.write("a", *range(5))
    feed.read(most=1)
    path.rename(feed.folder / "z")
    assert records(feed.read())[:5] == list("01234")


@pytest.mark.parametrize("gone", [True, False])
def test_a_ledgered_range_that_is_gone_or_changed_is_an_error(
    tmp_path: Path, *, gone: bool
) -> None:
    feed = Feed(tmp_path)
    path = feed.write("a", *range(5))
    feed.read(most=1)
    if gone:
        path.unlink()
    else:
        path.write_text("9\n" * 5)
    with pytest.raises(InputChanged, match="is gone or changed between bytes 0 and 6"):
        feed.read()


def test_the_same_content_under_any_name_is_a_replay(tmp_path: Path) -> None:
    feed = Feed(tmp_path)
    feed.write("a", *range(7))
    feed.write("b", *range(7))
    found = feed.read()
    assert [batch.kind for batch in found] == ["usage"] * (len(found) - 1) + ["replayed"]
    assert found[-1].entry.records == 7
    assert records(found) == list("0123456")
    assert feed.read(len(found)) == []


def test_a_record_beyond_all_bounds_is_read_in_pieces(tmp_path: Path) -> None:
    feed = Feed(tmp_path)
    feed.write("a", "first", "x" * 3_000, "last")
    found = feed.read()
    pieces = [batch for batch in found if batch.kind == "overlong"]
    assert sum(len(batch.raw) for batch in pieces) == 3_001
    assert records(found) == ["first", "last"]
    last = next(batch.frames for batch in reversed(found) if batch.frames)
    assert last.first_record_no == 1 + len(pieces)


def test_a_growing_file_is_read_line_by_line_through_renames_and_truncation(
    tmp_path: Path,
) -> None:
    feed = Feed(tmp_path, growing=True)
    path = feed.write("log", "a1", "a2")
    with path.open("a") as file:
        file.write("half a li")
    done = feed.read()
    assert records(done) == ["a1", "a2"]
    with path.open("a") as file:
        file.write("ne\n")
    done += feed.read(len(done))
    assert records(done)[2:] == ["half a line"]
    path.rename(feed.folder / "log.1")
    feed.write("log", "b1")
    done += feed.read(len(done))
    assert records(done)[3:] == ["b1"]
    path.write_text("c1\nc2\n")  # truncated, and begun anew
    done += feed.read(len(done))
    assert records(done)[4:] == ["c1", "c2"]
    assert len({batch.entry.source for batch in done}) == 3


def test_a_copy_of_a_growing_file_is_read_again(tmp_path: Path) -> None:
    """Its records are duplicates by their keys; taking it for the same file could lose some."""
    feed = Feed(tmp_path, growing=True)
    path = feed.write("log", "a1", "a2")
    done = feed.read()
    (feed.folder / "log.1").write_bytes(path.read_bytes())
    path.write_text("b1\n")
    assert records(feed.read(len(done))) == ["b1", "a1", "a2"]


def test_half_a_first_line_is_no_file_yet(tmp_path: Path) -> None:
    feed = Feed(tmp_path, growing=True)
    (feed.folder / "log").write_text("no end")
    assert feed.read() == []
