"""Numbers that network elements give their records: those missing, repeated, begun anew.

A batch has many records and few surprises: numbers that just go on are taken as whole runs.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self

import polars as pl

from assurance.alerts import Control, alert
from assurance.money import worth_of
from assurance.series import Gap, Kind, Rule, Seen, Series, Taken
from assurance.usual import Each
from schemas.alerts import Alert
from schemas.feeds import FeedFile
from tallywire.catalog.expect import Expect, Numbers

RECORD_GAP = Control(
    "C2", "record_sequence_gap", "completeness", "critical", "under",
    "ask the network element's owner for the records; look for a lost file, too",
)  # fmt: skip
RECORD_JUMP = Control(
    "C2", "record_sequence_jump", "completeness", "warning", "under",
    "ask whether the element numbers its records anew, or whether that many are missing",
)  # fmt: skip
RECORD_TWICE = Control(
    "C2", "record_number_repeated", "completeness", "warning", "over",
    "two records that are no copies carry one number: ask whether usage is counted twice",
)  # fmt: skip
NODES_MANY = Control(
    "C2", "nodes_not_followed", "completeness", "warning", "under",
    "the numbers of further elements are not watched: divide the feed",
)  # fmt: skip

MOST_NODES = 20_000
"""So many elements of a feed are followed at once; those long silent make room for others."""
MOST_MISSING = 1_000_000
"""A larger gap is another numbering."""

ROWS = pl.Schema(
    {
        "node": pl.String(),
        "number": pl.Int64(),
        "mark": pl.String(),
        "time_us": pl.Int64(),  # null: not known, or not to be trusted
        "before_us": pl.Int64(),  # the feed's event time, as of the rows before
        "usable": pl.Boolean(),  # a repeat of its number is a fault
    }
)
"""What is held against the memory: one row for each record that has a number, in order."""

Value = Callable[[int], Each]
"""Tells what a record is usually worth at an instant; asked in the order of event time."""


@dataclass
class NodesMemory:
    """What is remembered of a feed's network elements.

    Attributes:
        unfollowed: Records of elements that there was no room for.
    """

    nodes: dict[str, Series] = field(default_factory=dict)
    unfollowed: int = 0
    _waiting: set[str] = field(default_factory=set)
    _left: list[tuple[str, Gap]] = field(default_factory=list)

    def dump(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {
            "nodes": {name: one.dump() for name, one in self.nodes.items()},
            "unfollowed": self.unfollowed,
        }  # fmt: skip

    @classmethod
    def load(cls, content: dict[str, Any]) -> Self:
        """Read it back."""
        nodes = {name: Series.load(one) for name, one in content["nodes"].items()}
        waiting = {name for name, one in nodes.items() if one.gaps}
        return cls(nodes, content["unfollowed"], waiting)

    def series(self, node: str, rule: Rule, now_us: int) -> Series | None:
        """Give the series of an element; none where there is no room."""
        known = self.nodes.get(node)
        if known and (not known.seen_us or known.seen_us + rule.forget_us >= now_us):
            return known
        if known is None and len(self.nodes) >= MOST_NODES:
            horizon = now_us - rule.forget_us
            for name in [name for name, one in self.nodes.items() if 0 < one.seen_us < horizon]:
                self._leave(name)
            if len(self.nodes) >= MOST_NODES:
                return None
        if known is not None:
            self._leave(node)
        return self.nodes.setdefault(node, Series())

    def _leave(self, node: str) -> None:
        """Forget an element that was silent for long; its gaps are told all the same."""
        series = self.nodes.pop(node)
        self._waiting.discard(node)
        self._left += [(node, gap) for gap in series.gaps if not gap.told]

    def waits(self, node: str) -> None:
        """Note that an element has a gap."""
        self._waiting.add(node)

    def due(self, rule: Rule, watermark_us: int) -> Iterator[tuple[str, Gap]]:
        """Give the gaps that are to be told by now."""
        yield from self._left
        self._left = []
        for node in sorted(self._waiting):
            series = self.nodes[node]
            for gap in series.due(rule, watermark_us):
                yield node, gap
            series.forget(rule, watermark_us)
            if not series.gaps:
                self._waiting.discard(node)


def rule_of(expect: Expect, window_us: int) -> Rule:
    """Give the rule of a feed's network elements."""
    numbers = expect.nodes or Numbers()
    grace_us = expect.nodes_grace_us
    return Rule(numbers, expect.reorder, MOST_MISSING, grace_us, max(window_us, grace_us))


@dataclass(frozen=True)
class Found:
    """Something about an element's numbers, and the row that showed it."""

    node: str
    seen: Seen
    row: int


def _runs(rows: pl.DataFrame) -> pl.DataFrame:
    """Order rows by element, and mark where a run of numbers begins.

    A row with a mark of its element is a run by itself.
    """
    return (
        rows.with_row_index("row")
        .sort("node", "row")
        .with_columns(
            begins=pl.col("node").ne_missing(pl.col("node").shift(1))
            | pl.col("number").ne_missing(pl.col("number").shift(1) + 1)
            | (pl.col("mark") != "")
            | (pl.col("mark").shift(1).fill_null("") != "")
        )
    )


def take_rows(memory: NodesMemory, rows: pl.DataFrame, rule: Rule, value: Value) -> list[Found]:
    """Hold rows of ROWS against the numbers seen; give what is not as it should be, by row."""
    if rows.is_empty():
        return []
    table = _runs(rows)
    columns = {name: table[name].to_list() for name in ROWS}
    place = table["row"].to_list()
    starts = table["begins"].arg_true().to_list()
    runs = sorted(
        zip(starts, [*starts[1:], table.height], strict=True), key=lambda run: place[run[0]]
    )
    found: list[Found] = []
    for first, last in runs:
        node = columns["node"][first]
        now_us = max(columns["before_us"][first], columns["time_us"][first] or 0)
        series = memory.series(node, rule, now_us)
        if series is None:
            memory.unfollowed += last - first
            continue
        for row, seen in _take_run(series, columns, first, last, rule):
            if seen.gap is not None and seen.kind is Kind.OPENED:
                memory.waits(node)
            found.append(Found(node, seen, place[row]))
    found.sort(key=lambda one: one.row)
    for one in found:
        if one.seen.gap is not None and one.seen.kind is Kind.OPENED:
            _valued(one.seen.gap, value)
    return found


def _take_run(
    series: Series, columns: dict[str, list[Any]], first: int, last: int, rule: Rule
) -> Iterator[tuple[int, Seen]]:
    numbers, times, before = columns["number"], columns["time_us"], columns["before_us"]
    here = first
    while here < last:
        mark = columns["mark"][here]
        step = 0 if mark else series.go_on(rule, numbers[here], last - here)
        if step:
            latest = max(time or 0 for time in times[here : here + step])
            here += step
            series.passed(latest, before[here - 1])
            continue
        taken = Taken(
            numbers[here], times[here], before[here], start=mark == "start", end=mark == "end",
            usable=columns["usable"][here],
        )  # fmt: skip
        for seen in series.take(rule, taken):
            yield here, seen
        here += 1


def _valued(gap: Gap, value: Value) -> None:
    each = value(gap.opened_us)
    gap.records, gap.worth_nano = 1, each.nano
    gap.currency, gap.method = each.currency, each.method


def told(
    memory: NodesMemory, found: list[Found], file: FeedFile, rule: Rule, watermark_us: int
) -> Iterator[Alert]:
    """Make findings of what was found, of gaps that are to be told by now, and of repeats.

    Args:
        file: What the rows lie in, as far as it is read.
        watermark_us: The feed's event time, these rows included.
    """
    repeated: dict[str, int] = {}
    filled: dict[tuple[str, str], Gap] = {}
    for one in found:
        gap, kind = one.seen.gap, one.seen.kind
        if kind is Kind.FILLED and gap is not None and gap.told:
            filled[one.node, gap.name] = gap
        elif kind in {Kind.JUMPED, Kind.OUTSIDE}:
            yield _jump(file, one)
        elif kind is Kind.REPEATED:
            repeated[one.node] = one.seen.number
    for (node, _), gap in filled.items():
        yield gap_alert(file, node, rule, gap)
    for node, gap in memory.due(rule, watermark_us):
        yield gap_alert(file, node, rule, gap)
    for node, number in repeated.items():
        if node in memory.nodes:
            yield _twice(file, node, number, memory.nodes[node].repeats)
    if memory.unfollowed:
        yield alert(
            NODES_MANY, tenant_id=file.tenant_id, feed_id=file.feed_id,
            entity=("feed", file.feed_id), episode="nodes", at=file.collected_at,
            expected=MOST_NODES, observed=memory.unfollowed, unit="records",
            explanation=f"Feed {file.feed_id} has more than {MOST_NODES} network elements: the "
            f"numbers of {memory.unfollowed} records were not watched.",
        )  # fmt: skip


def gap_alert(file: FeedFile, node: str, rule: Rule, gap: Gap) -> Alert:
    """Report numbers of an element that are missing, or have come."""
    count, missing = gap.last - gap.first + 1, gap.missing
    first, last = rule.number(gap.first), rule.number(gap.last)
    which = f"Record {first}" if count == 1 else f"Records {first} to {last}"
    if not missing:
        words = "was missing and has come" if count == 1 else "were missing and have come"
    elif missing == count:
        words = "is missing" if count == 1 else f"are missing, {count} in all"
    else:
        words = f"came in part: {missing} of {count} are missing"
    return alert(
        RECORD_GAP, tenant_id=file.tenant_id, feed_id=file.feed_id,
        entity=("node", f"{file.feed_id}/{node}"), episode=gap.name, at=file.collected_at,
        expected=count, observed=count - missing, unit="records",
        state="open" if missing else "auto_closed",
        window=(gap.from_us or None, gap.to_us or None),
        worth=worth_of(gap.worth_nano, gap.currency, gap.method, missing),
        features={"node": node, "first": first, "last": last, "records": missing},
        evidence=[{"place": file.file_name, "why": f"goes on after {last}"}],
        explanation=f"{which} of {node} (feed {file.feed_id}) {words}.",
    )  # fmt: skip


def _jump(file: FeedFile, found: Found) -> Alert:
    number, expected = found.seen.number, found.seen.expected
    words = f"after {expected - 1}" if found.seen.kind is Kind.JUMPED else "outside its numbering"
    return alert(
        RECORD_JUMP, tenant_id=file.tenant_id, feed_id=file.feed_id,
        entity=("node", f"{file.feed_id}/{found.node}"), episode=f"{expected}-{number}",
        at=file.collected_at, expected=expected, observed=number, unit="number",
        evidence=[{"place": file.file_name, "why": f"carries number {number}"}],
        explanation=f"{found.node} (feed {file.feed_id}) numbered a record {number}, {words}.",
    )  # fmt: skip


def _twice(file: FeedFile, node: str, number: int, repeats: int) -> Alert:
    noun = "record carries" if repeats == 1 else "records carry"
    return alert(
        RECORD_TWICE, tenant_id=file.tenant_id, feed_id=file.feed_id,
        entity=("node", f"{file.feed_id}/{node}"), episode="repeated", at=file.collected_at,
        observed=repeats, unit="records",
        evidence=[{"place": file.file_name, "why": f"carries number {number} again"}],
        explanation=f"{repeats} {noun} a number that another record of {node} "
        f"(feed {file.feed_id}) had.",
    )  # fmt: skip
