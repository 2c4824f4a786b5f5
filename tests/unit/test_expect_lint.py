"""What a feed expects, as lint reads it: each mistake with its line and key."""

import pytest

from tallywire.catalog import read
from tallywire.catalog.diff import diff
from tallywire.catalog.expect import Expect, Numbers
from tests.unit.catalog_files import FEED, FORMATS, files

GOOD = """
expect:
  sequence: {name: "EX([0-9]{6})", first: 1, wraps_at: 999999, wraps_to: 1}
  every: 15min
  grace: 30min
  calendar: peak
  bands: [high]
  nodes: {wraps_at: 4294967295, reorder: 50, grace: 1h}
  empty_files: suspect
"""


def test_all_that_can_be_expected() -> None:
    reading = read({**files(), "feeds/exchange.yaml": (FEED + GOOD).encode()}, FORMATS)
    assert reading.problems == []
    assert reading.snapshot is not None
    assert reading.snapshot.feeds["exchange"].expect == Expect(
        name="EX([0-9]{6})", files=Numbers(1, 999_999, 1), grace_us=1_800_000_000,
        every_us=900_000_000, calendar="peak", bands=("high",), empty_suspect=True,
        nodes=Numbers(None, 4_294_967_295, 0), reorder=50, nodes_grace_us=3_600_000_000,
    )  # fmt: skip
    before = read(files(), FORMATS).snapshot
    assert before is not None
    told = [change.words for change in diff(before, reading.snapshot) if change.kind == "feed"]
    assert "expect.files.wraps_at none → 999999" in told


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("{sequence: {name: '(['}}", "expect.sequence.name", "is no regular expression"),
        ("{sequence: {name: 'EX'}}", "expect.sequence.name", "has no group"),
        ("{sequence: {wraps_to: 1}}", "expect.sequence.wraps_to", "write wraps_at, too"),
        ("{nodes: {first: 9, wraps_at: 9}}", "expect.nodes.wraps_at", "must be greater than 9"),
        ("{every: 5 MB}", "expect.every", "is no time"),
        ("{every: 0s}", "expect.every", "must be longer than nothing"),
        ("{grace: 900h}", "expect.grace", "at most 840h"),
        ("{every: 1h, calendar: moon, bands: [high]}", "expect.calendar", "no calendar 'moon'"),
        ("{every: 1h, calendar: peak}", "expect.bands", "name the bands"),
        ("{every: 1h, calendar: peak, bands: [mid]}", "expect.bands", "not one of low, high"),
        ("{calendar: peak, bands: [high]}", "expect.calendar", "write every, too"),
        ("{every: 1h, bands: [high]}", "expect.bands", "write calendar, too"),
        ("{empty_files: never}", "expect.empty_files", "must be 'allowed' or 'suspect'"),
        ("{sequenz: {}}", "expect.sequenz", "did you mean sequence?"),
        ("{nodes: {first: -1}}", "expect.nodes.first", "not a number of a counter"),
    ],
)
def test_mistakes(text: str, key: str, words: str) -> None:
    content = f"{FEED}expect: {text}\n"
    reading = read({**files(), "feeds/exchange.yaml": content.encode()}, FORMATS)
    (problem,) = reading.problems
    assert (problem.file, problem.key) == ("feeds/exchange.yaml", key)
    assert problem.line == len(content.splitlines())
    assert words in problem.message


def test_only_feeds_of_whole_files_expect_files() -> None:
    content = f"{FEED}growing: yes\nexpect: {{every: 1h}}\n"
    reading = read({**files(), "feeds/exchange.yaml": content.encode()}, FORMATS)
    (problem,) = reading.problems
    assert "one by one" in problem.message
