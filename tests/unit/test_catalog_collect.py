"""Feeds that fetch their files: an address without a secret, and what is refused, by line."""

import pytest

from tallywire.catalog.feed import Collect
from tallywire.catalog.rules_collect import variables_of
from tests.unit.catalog_files import FEED, reading


def feed(collect: str, **changed: str) -> str:
    text = FEED
    for key, value in changed.items():
        text += f"{key}: {value}\n"
    return f"{text}collect: {{{collect}}}\n"


def problems(text: str) -> list[str]:
    return [str(one) for one in reading({"feeds/exchange.yaml": text}).problems]


def test_what_is_written_is_compiled() -> None:
    made = reading({"feeds/exchange.yaml": feed(
        "from: 'sftp://me@host:2222/out', poll: 5 min, finished: 'marker:.done', after: archive, "
        "archive_to: done"
    )}).snapshot  # fmt: skip
    assert made is not None
    assert made.feeds["exchange"].collect == Collect(
        "sftp://me@host:2222/out", poll_us=300_000_000, marker=".done", after="archive",
        archive_to="done",
    )  # fmt: skip
    assert made.feeds["exchange"].inputs == "exchange/*.csv of sftp://me@host:2222/out"


def test_without_more_words_a_file_is_settled_and_stays() -> None:
    made = reading({"feeds/exchange.yaml": feed("from: 's3://bucket/prefix'")}).snapshot
    assert made is not None
    assert made.feeds["exchange"].collect == Collect("s3://bucket/prefix")


@pytest.mark.parametrize(
    ("collect", "words"),
    [
        ("from: 'sftp://me:secret@host/'",
         "put it into the environment as TALLYWIRE_FEED_EXCHANGE_PASSWORD"),
        ("from: 'https://me:@host/'", "holds a password"),
        ("from: 'https://host/x?token=1'", "has a question mark"),
        ("from: 'ftp://host/'", "must begin with sftp://, s3://, https://, http:// or file://"),
        ("from: '/var/cdr'", "must begin with sftp://"),
        ("from: 'sftp://me@host:port/'", "must begin with"),
        ("from: 'file://var/cdr'", "write file:///folder"),
        ("from: 'sftp://host/'", "names no user"),
        ("from: 's3:///prefix'", "names no bucket"),
        ("from: 'http://host/'", "is not encrypted"),
        ("from: 'sftp://me@host/a/../b'", "leaves its own folder"),
        ("from: 'https://host/', after: delete", "collect.after: cannot delete what lies behind HTTP"),
        ("from: 's3://b', after: archive", "collect.archive_to: says not where"),
        ("from: 's3://b', archive_to: x", "is for after: archive only"),
        ("from: 's3://b', after: archive, archive_to: ../x", "leaves its folder"),
        ("from: 's3://b', files: [a.csv]", "collect.files: is for HTTP"),
        ("from: 's3://b', finished: done", "collect.finished: must be settled, or"),
        ("from: 's3://b', poll: 100 ms", "collect.poll: must be from 1s to 24h"),
        ("from: 's3://b', poll: 3 MB", "collect.poll: must be from 1s to 24h"),
        ("from: 's3://b', pol: 3s", "unknown key; did you mean poll?"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_line(collect: str, words: str) -> None:
    found = problems(feed(collect))
    assert any(words in one for one in found), found
    assert all(one.startswith("feeds/exchange.yaml:") for one in found)


@pytest.mark.parametrize(
    "collect",
    [
        "from: 'http://localhost:8000/'", "from: 'http://127.0.0.1/', files: [a.csv]",
        "from: 'http://10.0.0.1/', unencrypted: yes", "from: 'https://me@host/list'",
        "from: 'file:///var/cdr', after: delete", "from: 's3://bucket'",
    ],
)  # fmt: skip
def test_what_is_right(collect: str) -> None:
    assert problems(feed(collect)) == []


def test_a_file_that_is_fetched_is_whole() -> None:
    [found] = problems(feed("from: 's3://b'", growing="yes"))
    assert "growing: is for files on this machine" in found


def test_two_feeds_may_fetch_files_of_one_pattern_from_two_places_with_two_secrets() -> None:
    one, other = (feed(f"from: 's3://{name}'") for name in ("b1", "b2"))
    both = {
        "feeds/exchange.yaml": one,
        "feeds/other.yaml": other.replace("id: exchange", "id: x.y"),
    }
    assert list(reading(both).problems) == []
    same = {"feeds/exchange.yaml": one, "feeds/other.yaml": one.replace("id: exchange", "id: x.y")}
    [found] = [str(problem) for problem in reading(same).problems]
    assert "reads the same files" in found
    third = {**both, "feeds/third.yaml": feed("from: 's3://b3'").replace("id: exchange", "id: x-y")}
    [found] = [str(problem) for problem in reading(third).problems]
    assert "TALLYWIRE_FEED_X_Y_" in found
    assert variables_of("x-y") == variables_of("x.y")
