"""SFTP, S3 and HTTP as they are: whole files, in the middle of a file, and whom we do not trust."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dataflows.fetching.inbox import Inbox, Ready
from dataflows.fetching.opened import source_of
from dataflows.fetching.place import Place, Rules
from dataflows.fetching.refused import Limits
from dataflows.fetching.source import Away, Listed, Source
from tallywire.catalog.feed import Collect
from tests.live.remotes import S3, Sftp, Web, s3_server, sftp_server, variables, web_server
from tests.unit.packed import LINES, zipped

pytestmark = pytest.mark.live

LIMITS = Limits(bytes=64 * 1024 * 1024, ratio=200, members=20)
LARGE = b"".join(b"%09d\n" % number for number in range(700_000))
OBJECTS = b'{"files": [{"name": "a b.csv"}, {"url": "day/b.csv", "size": 7000000, "etag": "x"}]}'


@pytest.fixture
def sftp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sftp]:
    with sftp_server(tmp_path / "there", tmp_path / "keys") as server:
        for name, value in variables("feed", server.environment).items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture(scope="module")
def store() -> Iterator[S3]:
    with s3_server() as found:
        yield found


@pytest.fixture
def s3(store: S3, monkeypatch: pytest.MonkeyPatch) -> S3:
    for key in store.listed():
        store.client.delete_object(Bucket="usage", Key=key)
    for name, value in variables("feed", store.environment).items():
        monkeypatch.setenv(name, value)
    return store


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    with web_server(tmp_path / "there") as server:
        yield server


class Fetching:
    """A feed and its inbox."""

    def __init__(self, root: Path, collect: Collect) -> None:
        self.home, self.told = root / "inbox", list[str]()
        self.source: Source = source_of("feed", collect)
        rules = Rules(
            lambda name: "feed" * name.endswith(".csv"), LIMITS, "feed", collect.marker,
            collect.after,
        )  # fmt: skip
        self.place = Place(self.source, Inbox(self.home), rules, self.told.append)

    def looks(self, number: int = 2) -> None:
        for _ in range(number):
            self.place.look()
        self.source.close()

    def found(self) -> dict[str, bytes]:
        return {one.name: one.path.read_bytes() for one in Ready(self.home).candidates("feed")}


def test_sftp_files_are_fetched_archived_and_unpacked(tmp_path: Path, sftp: Sftp) -> None:
    there = tmp_path / "there"
    (there / "out" / "day").mkdir(parents=True)
    (there / "out" / "large.csv").write_bytes(LARGE)
    (there / "out" / "empty.csv").write_bytes(b"")
    zipped(there / "out" / "day" / "a.zip", {"x.csv": LINES})
    (there / "out" / "link.csv").symlink_to(tmp_path / "keys" / "key")
    fetching = Fetching(tmp_path, Collect(f"{sftp.address}/out", after="archive", archive_to="old"))
    fetching.looks()
    assert fetching.found() == {
        "large.csv": LARGE, "empty.csv": b"", "day/a.zip/x.csv": LINES,
    }  # fmt: skip
    left = sorted(path.relative_to(there).as_posix() for path in there.rglob("*.*"))
    assert left == ["out/link.csv", "out/old/day/a.zip", "out/old/empty.csv", "out/old/large.csv"]
    fetching.looks()
    assert len(fetching.found()) == 3


def test_sftp_goes_on_in_the_middle_of_a_file(tmp_path: Path, sftp: Sftp) -> None:
    (tmp_path / "there" / "large.csv").write_bytes(LARGE)
    source = source_of("feed", Collect(f"{sftp.address}/"))
    [listed] = source.look()
    start, pieces = source.read(listed, 6_500_003)
    assert (start, b"".join(pieces)) == (6_500_003, LARGE[6_500_003:])
    source.close()


def test_sftp_takes_a_key(tmp_path: Path, sftp: Sftp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TALLYWIRE_FEED_FEED_PASSWORD")
    monkeypatch.setenv("TALLYWIRE_FEED_FEED_KEY_FILE", str(tmp_path / "keys" / "key"))
    (tmp_path / "there" / "a.csv").write_bytes(LINES)
    fetching = Fetching(tmp_path, Collect(f"{sftp.address}/"))
    fetching.looks()
    assert fetching.found() == {"a.csv": LINES}


@pytest.mark.parametrize(
    ("known", "password", "words"),
    [
        ("none", "", "its host key is not in"),
        ("other", "", "shows another host key than"),
        ("", "wrong", "does not let collector in: look at TALLYWIRE_FEED_FEED_PASSWORD"),
    ],
)
def test_sftp_trusts_no_host_that_it_does_not_know(
    tmp_path: Path, sftp: Sftp, monkeypatch: pytest.MonkeyPatch,
    known: str, password: str, words: str,
) -> None:  # fmt: skip
    hosts = tmp_path / "keys" / "known_hosts"
    if known == "none":
        hosts.write_text("")
    if known == "other":
        other = sftp.client_key.export_public_key().decode()
        hosts.write_text(hosts.read_text().partition(" ")[0] + " " + other)
    if password:
        monkeypatch.setenv("TALLYWIRE_FEED_FEED_PASSWORD", password)
    fetching = Fetching(tmp_path, Collect(f"{sftp.address}/"))
    with pytest.raises(Away, match=words) as found:
        fetching.place.look()
    assert found.value.lasting
    assert "only-for-tests" not in str(found.value)


def test_s3_objects_are_fetched_once_they_are_there_and_archived(tmp_path: Path, s3: S3) -> None:
    s3.put("out/a.csv", LINES)
    s3.put("out/day/b.csv", LARGE)
    s3.put("other/c.csv", LINES)
    collect = Collect("s3://usage/out", after="archive", archive_to="old")
    fetching = Fetching(tmp_path, collect)
    fetching.looks(1)
    assert fetching.found() == {"a.csv": LINES, "day/b.csv": LARGE}
    assert s3.listed() == ["old/a.csv", "old/day/b.csv", "other/c.csv"]
    s3.put("out/a.csv", b"other\n")
    fetching.looks(1)
    assert fetching.found()["a.csv"] == b"other\n"
    assert len(s3.listed()) == 4


def test_s3_reads_from_the_middle_only_what_was_listed(tmp_path: Path, s3: S3) -> None:
    s3.put("a.csv", LARGE)
    source = source_of("feed", Collect("s3://usage"))
    [listed] = source.look()
    start, pieces = source.read(listed, 1_000_001)
    assert (start, b"".join(pieces)) == (1_000_001, LARGE[1_000_001:])
    s3.put("a.csv", LINES)
    fetching = Fetching(tmp_path, Collect("s3://usage"))
    old = Listed(listed.key, listed.name, listed.size, listed.version)
    with pytest.raises(Exception, match=r"a\.csv"):
        list(fetching.source.read(old, 0)[1])
    source.close()
    fetching.source.close()


def test_s3_without_its_bucket_or_encryption_is_told(
    tmp_path: Path, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    del s3
    fetching = Fetching(tmp_path, Collect("s3://nothing"))
    with pytest.raises(Away, match="NoSuchBucket"):
        fetching.place.look()
    fetching.source.close()
    monkeypatch.setenv("TALLYWIRE_FEED_FEED_ENDPOINT", "http://192.0.2.1:9000")
    with pytest.raises(Away, match="TALLYWIRE_FEED_FEED_ENDPOINT is not encrypted"):
        fetching.place.look()


@pytest.mark.parametrize("how", ["page", "json", "objects", "lines", "named"])
def test_http_has_lists_of_many_kinds(tmp_path: Path, web: Web, how: str) -> None:
    (web.root / "day").mkdir()
    (web.root / "a b.csv").write_bytes(LINES)
    (web.root / "day" / "b.csv").write_bytes(LARGE)
    outside = '"http://192.0.2.1/x.csv", "../x.csv", "/etc/passwd.csv?x=1"'
    web.index = {
        "json": (f'["a%20b.csv", "day/b.csv", {outside}]'.encode(), "application/json"),
        "objects": (OBJECTS, "application/json"),
        "lines": (b"# files\na%20b.csv\n" + f"{web.address}day/b.csv\n".encode(), "text/plain"),
    }.get(how)  # fmt: skip
    names = ("a b.csv", "day/b.csv", "not-there-yet.csv") if how == "named" else ()
    fetching = Fetching(tmp_path, Collect(web.address, files=names))
    fetching.looks()
    assert fetching.found() == {"a b.csv": LINES, "day/b.csv": LARGE}


def test_http_goes_on_where_it_was_cut_off(tmp_path: Path, web: Web) -> None:
    (web.root / "a.csv").write_bytes(LARGE)
    web.cut_after = 3_000_000
    fetching = Fetching(tmp_path, Collect(web.address))
    fetching.place.look()
    with pytest.raises(Away):
        fetching.place.look()
    fetching.looks()
    assert fetching.found() == {"a.csv": LARGE}
    spans = [span for method, path, span in web.asked if (method, path) == ("GET", "/a.csv")]
    assert spans == ["", "bytes=3000000-"]


def test_http_takes_a_token_and_follows_no_redirect(
    tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    (web.root / "a.csv").write_bytes(LINES)
    web.token = "only-for-tests"
    fetching = Fetching(tmp_path, Collect(web.address))
    with pytest.raises(Away, match="answers 401: look at TALLYWIRE_FEED_FEED_TOKEN"):
        fetching.place.look()
    monkeypatch.setenv("TALLYWIRE_FEED_FEED_TOKEN", web.token)
    fetching.looks()
    assert fetching.found() == {"a.csv": LINES}
    moved = Fetching(tmp_path / "moved", Collect(f"{web.address}moved"))
    with pytest.raises(Away, match="answers 302, which leads to"):
        moved.place.look()


@pytest.mark.parametrize("scheme", ["sftp://x@127.0.0.1:1/", "http://127.0.0.1:1/", "s3://usage"])
def test_a_server_that_is_not_there_is_away(
    tmp_path: Path, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALLYWIRE_FEED_FEED_ENDPOINT", "http://127.0.0.1:1")
    fetching = Fetching(tmp_path, Collect(scheme))
    with pytest.raises(Away) as found:
        fetching.place.look()
    assert not found.value.lasting
    fetching.source.close()
