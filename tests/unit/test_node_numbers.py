"""Numbers of network elements: what is missing, repeated, begun anew, and what is none of that."""

from itertools import pairwise

import orjson
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assurance import node_numbers
from assurance.node_numbers import ROWS, NodesMemory, rule_of, take_rows, told
from assurance.usual import Each
from schemas.alerts import Alert
from schemas.feeds import FeedFile
from tallywire.catalog.expect import Expect, Numbers

AT = 1_793_000_000_000_000
SECOND = 1_000_000
DAY = 86_400 * SECOND
FILE = FeedFile(feed_id="core", lane="core", file_id="f", file_name="f.xml", status="complete")
Row = tuple[str, int, str, int | None, bool]
"""Node, number, mark, seconds after AT, usable."""


def rows(*given: Row, watermark: int = 0) -> pl.DataFrame:
    table, before = [], watermark
    for node, number, mark, second, usable in given:
        time = None if second is None else AT + second * SECOND
        table.append((node, number, mark, time, before, usable))
        before = max(before, time or 0)
    return pl.DataFrame(table, schema=ROWS, orient="row")


class Watched:
    """A feed's elements, watched batch by batch, the memory written down and read between."""

    def __init__(self, expect: Expect) -> None:
        self.rule = rule_of(expect, 35 * DAY)
        self.memory = NodesMemory()
        self.watermark = 0
        self.findings: dict[str, Alert] = {}

    def take(self, *given: Row) -> list[Alert]:
        table = rows(*given, watermark=self.watermark)
        found = take_rows(self.memory, table, self.rule, lambda _: Each(1, 250_000_000, "EUR", "m"))
        self.watermark = max([self.watermark, *table["time_us"].drop_nulls()])
        alerts = list(told(self.memory, found, FILE, self.rule, self.watermark))
        self.findings |= {one.alert_id: one for one in alerts}
        self.memory = NodesMemory.load(orjson.loads(orjson.dumps(self.memory.dump())))
        return alerts

    def open(self) -> list[tuple[str, str, int]]:
        """What is missing at the end: element, pattern, how much."""
        return sorted(
            (one.entity_id, one.pattern, one.expected - one.observed)
            for one in self.findings.values()
            if one.state == "open"
        )


def plain(*numbers: int, node: str = "pgw1") -> list[Row]:
    return [(node, number, "", place, True) for place, number in enumerate(numbers)]


GAP = "record_sequence_gap"
WRAPS = Numbers(first=0, wraps_at=9, wraps_to=0)


@pytest.mark.parametrize(
    ("expect", "given_rows", "missing"),
    [
        (Expect(), plain(7, 8, 9, 10), []),
        (Expect(), plain(7, 8, 11, 12), [(GAP, 2)]),
        (Expect(), plain(7, 8, 11, 12, 10), [(GAP, 1)]),
        (Expect(), plain(7, 8, 11, 10, 9, 12), []),
        (Expect(), plain(4_000, 4_001, 3_998, 4_002), [(GAP, 1)]),  # 3998 came late, 3999 did not
        (Expect(), plain(70, 71, 71, 72), [("record_number_repeated", -1)]),
        (Expect(), plain(40_000, 40_001, 0, 1, 2), []),  # it began anew
        (Expect(), plain(40_000, 40_001, 3, 4, 5), []),  # so it did, and where is not known
        (Expect(nodes=Numbers(first=0)), plain(40_000, 40_001, 3, 4), [(GAP, 3)]),
        (Expect(), plain(9, 10**15, 10**15 + 1), [("record_sequence_jump", -(10**15 - 10))]),
        (Expect(nodes=WRAPS, reorder=3), plain(7, 8, 9, 0, 1), []),
        (Expect(nodes=WRAPS, reorder=3), plain(7, 8, 1, 2), [(GAP, 2)]),  # 9 and 0
        (Expect(nodes=WRAPS, reorder=3), plain(7, 8, 0, 9, 1), []),
        (
            Expect(nodes=Numbers(0, 2**32 - 1)),
            plain(2**32 - 2, 2**32 - 1, 0, 1, 3),
            [(GAP, 1)],
        ),
        (Expect(nodes=WRAPS), plain(7, 8, 12), [("record_sequence_jump", -12)]),
    ],
)
def test_numbers(expect: Expect, given_rows: list[Row], missing: list[tuple[str, int]]) -> None:
    watched = Watched(expect)
    watched.take(*given_rows)
    assert [(pattern, count) for _, pattern, count in watched.open()] == missing


def test_elements_are_counted_each_by_itself() -> None:
    watched = Watched(Expect())
    watched.take(
        ("a", 1, "", 0, True), ("b", 71, "", 1, True), ("a", 2, "", 2, True),
        ("b", 73, "", 3, True), ("a", 4, "", 4, True),
    )  # fmt: skip
    assert watched.open() == [("core/a", GAP, 1), ("core/b", GAP, 1)]


def test_a_softswitch_that_lost_99_records_before_its_file_ended() -> None:
    """As its files say it: the end carries the count of all records that were written."""
    watched = Watched(Expect())
    first = [("sw1", 2_183_381, "start", None, False)]
    calls = [("sw1", number, "", number % 60, True) for number in range(2_183_382, 2_183_387)]
    (gap,) = watched.take(*first, *calls, ("sw1", 2_183_486, "end", None, False))
    assert (gap.expected, gap.observed, gap.severity) == (99, 0, "critical")
    assert str(gap.money_at_risk) == "24.750000000"
    assert gap.explanation == (
        "Records 2183387 to 2183485 of sw1 (feed core) are missing, 99 in all."
    )
    assert watched.take(("sw1", 1, "start", None, False), ("sw1", 2, "", 61, True)) == []
    late = [("sw1", number, "", 30, True) for number in range(2_183_387, 2_183_486)]
    (part,) = watched.take(*late[:9])
    assert (part.alert_id, part.state, part.observed) == (gap.alert_id, "open", 9)
    (closed,) = watched.take(*late[9:])
    assert (closed.alert_id, closed.state, closed.money_at_risk) == (gap.alert_id, "auto_closed", 0)


def test_a_file_sent_again_does_not_begin_anew() -> None:
    watched = Watched(Expect())
    opening: Row = ("sw1", 500, "start", None, False)
    watched.take(opening, ("sw1", 501, "", 1, True), ("sw1", 502, "", 2, True))
    assert watched.take(opening) == []  # its records are copies, which are not held against numbers
    assert watched.take(("sw1", 503, "", 3, True)) == []


def test_grace_is_the_feeds_own_time() -> None:
    watched = Watched(Expect(nodes=Numbers(), nodes_grace_us=60 * SECOND))
    assert watched.take(("a", 1, "", 0, True), ("a", 3, "", 10, True)) == []
    assert watched.take(("b", 1, "", 69, True)) == []
    (gap,) = watched.take(("b", 2, "", 70, True))
    assert (gap.entity_id, gap.expected, gap.state) == ("core/a", 1, "open")
    (closed,) = watched.take(("a", 2, "", 5, True))
    assert (closed.alert_id, closed.state) == (gap.alert_id, "auto_closed")


def test_what_comes_within_grace_is_never_told() -> None:
    watched = Watched(Expect(nodes=Numbers(), nodes_grace_us=60 * SECOND))
    watched.take(("a", 1, "", 0, True), ("a", 3, "", 10, True), ("a", 2, "", 5, True))
    watched.take(("a", 4, "", 900, True))
    assert watched.findings == {}


def test_elements_beyond_the_most_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_numbers, "MOST_NODES", 3)
    watched = Watched(Expect())
    watched.take(*[(f"n{number}", 1, "", number, True) for number in range(5)])
    assert [one[1] for one in watched.open()] == ["nodes_not_followed"]
    assert watched.memory.unfollowed == 2
    month = 36 * 86_400
    watched.take(*[(f"m{number}", 1, "", month + number, True) for number in range(3)])
    assert sorted(watched.memory.nodes) == ["m0", "m1", "m2"]  # the others were silent for long


_ROW = st.tuples(
    st.sampled_from(["a", "b"]), st.integers(0, 14), st.sampled_from(["", "", "", "", "start", "end"]),
    st.one_of(st.none(), st.integers(0, 300)), st.booleans(),
)  # fmt: skip


@settings(max_examples=300)
@given(
    given_rows=st.lists(_ROW, max_size=30),
    cuts=st.lists(st.integers(0, 30), max_size=5),
    grace=st.sampled_from([0, 40 * SECOND]),
    numbers=st.sampled_from([Numbers(), Numbers(first=0), Numbers(0, 14, 0)]),
)
def test_however_it_is_cut_the_findings_are_the_same(
    given_rows: list[Row], cuts: list[int], grace: int, numbers: Numbers
) -> None:
    expect = Expect(nodes=numbers, reorder=4, nodes_grace_us=grace)
    whole, parts = Watched(expect), Watched(expect)
    whole.take(*given_rows)
    edges = [0, *sorted(min(cut, len(given_rows)) for cut in cuts), len(given_rows)]
    for first, last in pairwise(edges):
        parts.take(*given_rows[first:last])
    ignored = {"evidence"}
    plain_whole = {key: one.model_dump(exclude=ignored) for key, one in whole.findings.items()}
    plain_parts = {key: one.model_dump(exclude=ignored) for key, one in parts.findings.items()}
    kept = {key for key, one in plain_parts.items() if one["state"] == "open"}
    assert {key: plain_parts[key] for key in plain_whole} == plain_whole
    assert kept <= plain_whole.keys()
    assert parts.memory.dump() == whole.memory.dump()


@settings(max_examples=200)
@given(
    order=st.integers(1, 40).flatmap(lambda count: st.permutations(range(count))),
    lost=st.sets(st.integers(1, 39), max_size=6),
    base=st.sampled_from([100, 65_500]),
)
def test_in_whatever_order_the_same_is_missing_at_the_end(
    order: list[int], lost: set[int], base: int
) -> None:
    """Numbers out of order by no more than `reorder`, over a wrap, too."""
    count = len(order)
    lost = {number for number in lost if number < count - 1}
    watched = Watched(Expect(nodes=Numbers(0, 65_535, 0), reorder=50))
    for place in order:
        if place not in lost:
            watched.take(("a", (base + place) % 65_536, "", place, True))
    missing = sum(one[2] for one in watched.open() if one[1] == GAP)
    assert missing == len(lost)
    assert {one[1] for one in watched.open()} <= {GAP}
