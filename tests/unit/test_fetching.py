"""Places that files are fetched from: whole files, each once, whatever happens in between."""

import gzip
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from dataflows.fetching import bringing
from dataflows.fetching.fetched import FetchedList, ListDamaged
from dataflows.fetching.folders import FolderSource, PackedInputs
from dataflows.fetching.inbox import Inbox, Ready
from dataflows.fetching.place import Place, Rules
from dataflows.fetching.refused import Limits
from dataflows.fetching.source import Away, FileChanged, Listed
from dataflows.fetching.status import PlaceStatus, places
from dataflows.fetching.swept import gone_by, read_by
from dataflows.ledger import Held
from dataflows.sources.folder import Candidate, discover, set_apart, whole_owner_of
from schemas.feeds import LedgerEntry
from tallywire.catalog.feed import Collect
from tests.laws.feeds import SNAPSHOT
from tests.unit.packed import LINES, bomb, zipped, zipped_link

LIMITS = Limits(bytes=64 * 1024 * 1024, ratio=200, members=20)


class Feed:
    """A folder that a feed fetches from, and its inbox, opened anew for every look."""

    def __init__(self, root: Path, **collect: str) -> None:
        self.there, self.home, self.told = root / "there", root / "inbox", list[str]()
        self.there.mkdir()
        self.collect = Collect(self.there.as_uri(), **collect)  # type: ignore[arg-type]
        marker = self.collect.marker
        self.rules = Rules(
            lambda name: "feed" * name.endswith(".csv"), LIMITS, "feed", marker, self.collect.after
        )
        self._place: Place | None = None

    def write(self, name: str, content: bytes = LINES) -> Path:
        path = self.there / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def place(self, source: FolderSource | None = None) -> Place:
        return Place(
            source or FolderSource(self.collect), Inbox(self.home), self.rules, self.told.append
        )

    def looks(self, number: int = 2) -> None:
        place = self.place()
        for _ in range(number):
            place.look()

    def found(self) -> list[tuple[str, bytes]]:
        return [
            (one.name, one.path.read_bytes()) for one in Ready(self.home).candidates("feed")
        ]  # fmt: skip


def test_a_file_is_taken_when_two_looks_find_it_alike(tmp_path: Path) -> None:
    feed = Feed(tmp_path)
    feed.write("day/a.csv")
    feed.write("b.csv.tmp")
    feed.write("c.doc")
    place = feed.place()
    assert place.look().waiting == ["day/a.csv"]
    feed.write("day/a.csv", LINES + b"more\n")  # it was still being written
    assert place.look().waiting == ["day/a.csv"]
    assert feed.found() == []
    assert place.look().taken == 1
    assert feed.found() == [("day/a.csv", LINES + b"more\n")]
    assert place.look().taken == 0
    feed.looks()  # nor after a restart
    assert len(feed.found()) == 1


def test_another_content_of_the_same_name_is_handed_over_behind_the_first(tmp_path: Path) -> None:
    feed = Feed(tmp_path)
    path = feed.write("a.csv")
    feed.looks()
    os.utime(path, (1, 1))  # the same content, touched
    feed.looks()
    assert len(feed.found()) == 1
    feed.write("a.csv", b"other\n")
    feed.looks()
    found = feed.found()
    assert found == [("a.csv", LINES), ("a.csv", b"other\n")]
    assert sorted(Ready(feed.home).candidates("feed")) == Ready(feed.home).candidates("feed")


def test_a_marker_says_that_a_file_is_finished(tmp_path: Path) -> None:
    feed = Feed(tmp_path, marker=".done", after="delete")
    for name in ("a.csv", "b.csv", "c.csv"):
        feed.write(name)
    feed.write("a.csv.done", b"")
    feed.write("b.done", b"")
    place = feed.place()
    assert place.look().waiting == ["c.csv"]
    assert [name for name, _ in feed.found()] == ["a.csv", "b.csv"]
    assert [path.name for path in feed.there.iterdir()] == ["c.csv"]


def test_files_are_archived_and_no_archived_file_is_lost(tmp_path: Path) -> None:
    feed = Feed(tmp_path, after="archive", archive_to="old")
    for content in (b"1\n", b"2\n", b"3\n"):
        feed.write("day/a.csv", content)
        feed.looks()
    archived = sorted((feed.there / "old").rglob("*.csv*"))
    assert sorted(path.read_bytes() for path in archived) == [b"1\n", b"2\n", b"3\n"]
    assert not (feed.there / "day/a.csv").exists()
    assert [content for _, content in feed.found()] == [b"1\n", b"2\n", b"3\n"]


def test_a_file_that_was_replaced_meanwhile_is_not_deleted(tmp_path: Path) -> None:
    feed = Feed(tmp_path, after="delete")
    path = feed.write("a.csv")

    class Replaced(FolderSource):
        def clear(self, listed: Listed, sha256: str, markers: object) -> None:
            path.write_bytes(b"new\n")
            super().clear(listed, sha256, markers)  # type: ignore[arg-type]

    place = feed.place(Replaced(feed.collect))
    place.look()
    assert place.look().waiting == ["a.csv"]
    assert path.read_bytes() == b"new\n"
    feed.looks()
    assert [content for _, content in feed.found()] == [LINES, b"new\n"]
    assert not path.exists()


def _refusal(feed: Feed) -> dict[str, object]:
    [told] = [content for name, content in feed.found() if content.startswith(b"{")]
    found: dict[str, object] = orjson.loads(told)
    return found


def test_what_is_refused_is_told_once_kept_and_tried_again_under_other_bounds(
    tmp_path: Path,
) -> None:
    feed = Feed(tmp_path, after="delete")
    path = feed.write("bomb.csv.gz", bomb(20 * 1024 * 1024))
    feed.looks()
    feed.looks()
    assert len(feed.told) == 1
    assert "bomb.csv.gz of file:///" in feed.told[0]
    assert feed.told[0].endswith("(archive_bomb)")
    assert "cannot be read" in feed.told[0]
    assert _refusal(feed)["reason"] == "archive_bomb"
    assert path.exists()
    feed.rules = replace(feed.rules, limits=replace(LIMITS, ratio=2_000))
    feed.looks()
    assert [len(content) for name, content in feed.found() if name == "bomb.csv"] == [20 << 20]
    assert not path.exists()


def test_members_that_are_refused_are_told_in_one_finding(tmp_path: Path) -> None:
    feed = Feed(tmp_path)
    zipped_link(feed.there / "a.zip")
    feed.looks()
    feed.looks()
    assert [name for name, _ in feed.found()] == ["a.zip/good.csv", "a.zip"]
    told = _refusal(feed)
    assert told["members"] == [
        {"name": "a.zip/link.csv", "reason": "link", "text": "it is a link, not a file"}
    ]
    assert len(feed.told) == 1


@pytest.mark.parametrize("size", [100 * 1024**3, 65 * 1024**2])
def test_a_size_beyond_the_bound_is_refused_before_anything_is_fetched(
    tmp_path: Path, size: int
) -> None:
    feed = Feed(tmp_path)
    with feed.write("a.csv").open("r+b") as file:
        file.truncate(size)
    feed.looks()
    assert _refusal(feed)["reason"] == "file_too_large"
    assert list((feed.home / "parts").iterdir()) == []


def test_a_pattern_of_the_archive_takes_all_its_members(tmp_path: Path) -> None:
    feed = Feed(tmp_path)
    zipped(feed.there / "cdr.zip", {"A0001": LINES, "A0002": LINES})
    feed.rules = replace(feed.rules, owner_of=lambda name: "feed" * name.endswith("cdr.zip"))
    feed.looks()
    assert [name for name, _ in feed.found()] == ["cdr.zip/A0001", "cdr.zip/A0002"]


def test_members_that_no_feed_took_are_taken_when_one_does(tmp_path: Path) -> None:
    feed = Feed(tmp_path)
    zipped(feed.there / "a.zip", {"x.csv": LINES, "y.txt": b"late\n"})
    feed.looks()
    assert feed.told == ["no feed takes a.zip/y.txt: give a feed a `path` that matches it"]
    feed.rules = replace(feed.rules, owner_of=lambda name: "feed" * name.endswith(("csv", "txt")))
    feed.looks()
    assert [name for name, _ in feed.found()] == ["a.zip/x.csv", "a.zip/x.csv", "a.zip/y.txt"]


class Broken(FolderSource):
    """A place whose connection breaks after some bytes, again and again."""

    asked: list[int]

    def read(self, listed: Listed, offset: int) -> tuple[int, Iterator[bytes]]:
        self.asked.append(offset)
        return offset, self._some(listed, offset)

    def _some(self, listed: Listed, offset: int) -> Iterator[bytes]:
        content = Path(listed.key).read_bytes()
        for at in range(offset, min(len(content), offset + 300), 100):
            yield content[at : at + 100]
        if offset + 300 < len(content):
            msg = "gone"
            raise Away(msg)


def test_fetching_goes_on_in_the_middle_of_a_file(tmp_path: Path) -> None:
    feed = Feed(tmp_path)
    feed.write("a.csv")
    source = Broken(feed.collect)
    source.asked = []
    feed.place(source).look()
    for _ in range(2):
        place = feed.place(source)
        place.look()
        with pytest.raises(Away):
            place.look()
    place = feed.place(source)
    place.look()
    place.look()
    assert source.asked == [0, 300, 600]
    assert feed.found() == [("a.csv", LINES)]


def test_what_was_begun_of_another_version_is_begun_anew(tmp_path: Path) -> None:
    feed = Feed(tmp_path)
    feed.write("a.csv")
    source = Broken(feed.collect)
    source.asked = []
    place = feed.place(source)
    place.look()
    with pytest.raises(Away):
        place.look()
    feed.write("a.csv", b"short\n")
    feed.looks()
    assert feed.found() == [("a.csv", b"short\n")]


def test_only_what_is_durable_is_gone_on_from(tmp_path: Path) -> None:
    feed = Feed(tmp_path)
    path = feed.write("a.csv")
    [listed] = FolderSource(feed.collect).look()
    parts = tmp_path / "parts"
    parts.mkdir()
    part = bringing._Part(parts, listed)
    part.path.write_bytes(LINES[:100] + b"never synced")
    assert part.durable() == 0
    with part.path.open("rb") as file:
        part.sync(file.fileno(), 100)
    assert part.durable() == 100
    found = bringing.brought(FolderSource(feed.collect), listed, parts, LIMITS)
    assert found.read_bytes() == path.read_bytes()
    with pytest.raises(FileChanged):
        bringing.brought(
            FolderSource(feed.collect), replace(listed, size=5, version="5:1"), parts, LIMITS
        )
    assert list(parts.iterdir()) == []


def test_a_crash_between_the_hand_over_and_the_list_hands_nothing_over_twice(
    tmp_path: Path,
) -> None:
    feed = Feed(tmp_path)
    feed.write("a.csv")
    feed.looks()
    whole = (feed.home / "list").read_bytes()
    (feed.home / "list").write_bytes(b"")
    feed.looks()
    assert (feed.home / "list").read_bytes() == whole
    assert len(feed.found()) == 1


def test_a_torn_line_of_the_list_is_cut_and_a_wrong_one_is_damage(tmp_path: Path) -> None:
    feed = Feed(tmp_path)
    for name in ("a.csv", "b.csv"):
        feed.write(name)
    feed.looks()
    path = feed.home / "list"
    whole = path.read_bytes()
    path.write_bytes(whole + b"0123 {")
    assert FetchedList(path).last == 2
    assert path.read_bytes() == whole
    path.write_bytes(b"x" + whole[1:])
    with pytest.raises(ListDamaged, match="is damaged at byte 0"):
        FetchedList(path)


def test_a_folder_that_is_away_is_told(tmp_path: Path) -> None:
    feed = Feed(tmp_path)
    feed.there.rmdir()
    with pytest.raises(Away, match="is no folder"):
        feed.place().look()


def _entry(position: int, name: str, sha256: str, at_us: int) -> LedgerEntry:
    detail = orjson.dumps({"name": name, "sha256": sha256, "at_end": True}).decode()
    return LedgerEntry(
        lane="feed", position=position, source="f", first=0, last=1, records=1, ledgered_at=at_us,
        catalog_hash="", token="", detail=detail,
    )  # fmt: skip


def test_files_are_deleted_when_no_restart_reads_them_again(tmp_path: Path) -> None:
    feed = Feed(tmp_path)
    for name in ("a.csv", "b.csv", "c.csv"):
        feed.write(name, name.encode())
    feed.looks()
    ready = Ready(feed.home)
    sha256 = {one.name: one.sha256 for folder in ready._folders().values() for one in folder}
    entries = [_entry(5 + at, name, sha256[name], 100 * at) for at, name in enumerate(sha256)]
    held = Held(base=5, folded={"taken": []}, entries=entries[:2])
    assert read_by(held) == {("a.csv", sha256["a.csv"]), ("b.csv", sha256["b.csv"])}
    assert gone_by(held, committed=5, before_us=1_000) == set()
    assert gone_by(held, committed=7, before_us=100) == {("a.csv", sha256["a.csv"])}
    assert gone_by(held, committed=7, before_us=1_000) == read_by(held)
    folded = Held(base=6, folded={"taken": [["a.csv", sha256["a.csv"]]]}, entries=entries[1:2])
    assert gone_by(folded, committed=0, before_us=0) == {("a.csv", sha256["a.csv"])}
    assert ready.sweep("feed", read_by(held)) == 0  # its lane may be about to look at them
    ready.read("feed", read_by(held))
    assert [one.name for one in ready.candidates("feed")] == ["c.csv"]
    assert ready.sweep("feed", gone_by(held, 7, 100)) == 1
    assert [name for name, _ in feed.found()] == ["b.csv", "c.csv"]
    assert len(list((feed.home / "ready").iterdir())) == 2
    feed.looks()  # and they are not fetched again
    assert [name for name, _ in feed.found()] == ["b.csv", "c.csv"]


def test_what_lies_packed_in_the_inputs_belongs_to_the_feed_of_its_name(tmp_path: Path) -> None:
    plain = SNAPSHOT.feeds["platform"]
    feeds = {
        "calls": replace(plain, feed_id="calls", path="calls*.csv"),
        "data": replace(plain, feed_id="data", path="*.jsonl"),
        "far": replace(plain, feed_id="far", path="*", collect=Collect("file:///far")),
        "log": replace(plain, feed_id="log", path="*.log*", growing=True),
    }
    inputs = tmp_path / "in"
    inputs.mkdir()
    zipped(inputs / "day.zip", {"calls1.csv": LINES, "x.jsonl": LINES, "y.txt": b""})
    (inputs / "calls2.csv.gz").write_bytes(gzip.compress(LINES))
    (inputs / "old.log.1.gz").write_bytes(gzip.compress(LINES))
    (inputs / "calls3.csv").write_bytes(LINES)
    (tmp_path / "secret.csv").write_bytes(b"secret\n")
    (inputs / "calls4.csv").symlink_to(tmp_path / "secret.csv")
    (inputs / "calls5.csv").symlink_to(inputs / "calls3.csv")
    taken, unclaimed = discover([inputs], feeds)
    assert {feed: [one.name for one in files] for feed, files in taken.items() if files} == {
        "calls": ["calls3.csv", "calls5.csv"]
    }
    assert [one.name for one in unclaimed] == ["old.log.1.gz"]
    rules = Rules(lambda name: whole_owner_of(name, feeds), LIMITS)
    told: list[str] = []
    source = PackedInputs(lambda: set_apart([inputs]), atomic=True)
    Place(source, Inbox(tmp_path / "inbox"), rules, told.append).look()
    ready = Ready(tmp_path / "inbox")
    assert [one.name for one in ready.candidates("calls")] == [
        "calls2.csv", "calls4.csv", "day.zip/calls1.csv",
    ]  # fmt: skip
    assert [one.name for one in ready.candidates("data")] == ["day.zip/x.jsonl"]
    link = next(one for one in ready.candidates("calls") if one.name == "calls4.csv")
    assert orjson.loads(link.path.read_bytes())["reason"] == "link"
    assert sorted(told) == [
        "calls4.csv of the inputs cannot be read: it is a link to a place outside of the input folder (link)",
        "no feed takes day.zip/y.txt: give a feed a `path` that matches it",
    ]
    assert ready.feeds() == {"calls", "data"}


def test_candidates_are_in_the_order_of_fetching() -> None:
    late, early = (
        Candidate("a", Path("ready/0000000010/0")),
        Candidate("a", Path("ready/0000000009/0")),
    )
    assert sorted([late, early]) == [early, late]


def test_the_status_of_places_is_read_by_others(tmp_path: Path) -> None:
    for feed in ("b", "a"):
        status = PlaceStatus(feed, f"sftp://{feed}")
        folder = tmp_path / "feeds" / feed
        folder.mkdir(parents=True)
        for number in range(30):
            status.tell(str(number))
        status.write(folder)
    assert [one.feed for one in places(tmp_path)] == ["a", "b"]
    assert places(tmp_path)[0].problems == [str(number) for number in range(10, 30)]
    assert PlaceStatus.of(tmp_path / "none", "feed", "there") == PlaceStatus("feed", "there")
