"""Completeness of a lane's feed: what its controls remember, and what they find in a batch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import polars as pl

from assurance import file_numbers, node_numbers
from assurance.alerts import Worth
from assurance.file_numbers import FilesMemory, numbered, take_file
from assurance.files import empty, trailer
from assurance.money import worth_of
from assurance.node_numbers import NodesMemory, take_rows
from assurance.schedule import ScheduleMemory, take_time
from assurance.usual import HOUR_US, MOST, Counting, Each, Usual
from schemas.alerts import Alert
from schemas.feeds import FeedFile
from schemas.reasons import Reason
from schemas.services import UNIT_OF_SERVICE
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.decoded import Decoded
from tallywire.mediation.dedup import DAY_US
from tallywire.mediation.lane import BatchContext, Mediated

_UNITS = {service.value: unit.value for service, unit in UNIT_OF_SERVICE.items()}
_CUMULATIVE = ("start", "interim")
_PLACE = pl.col("record_no") * 2**20 + pl.col("item_no")
_HELD = "held"
_COPY = "copy"


def whole_files(feed: Feed) -> bool:
    """Tell whether a feed reads files that are complete when they come."""
    return bool(feed.path) and not feed.growing


@dataclass
class Completeness:
    """The controls of one lane and their memory.

    Attributes:
        counting: By file that is being read, what it has so far.
    """

    files: FilesMemory = field(default_factory=FilesMemory)
    schedule: ScheduleMemory = field(default_factory=ScheduleMemory)
    nodes: NodesMemory = field(default_factory=NodesMemory)
    usual: Usual = field(default_factory=Usual)
    counting: dict[str, Counting] = field(default_factory=dict)

    def dump(self) -> dict[str, Any]:
        """Give the memory as plain values."""
        return {
            "files": self.files.dump(), "schedule": self.schedule.dump(),
            "nodes": self.nodes.dump(), "usual": self.usual.dump(),
            "counting": {name: vars(one) for name, one in self.counting.items()},
        }  # fmt: skip

    @classmethod
    def load(cls, content: Mapping[str, Any]) -> Self:
        """Read it back; homes of before had numbers of files only."""
        if "sequences" in content:
            return cls(files=FilesMemory.before(content["sequences"], content["missing"]))
        return cls(
            FilesMemory.load(content["files"]), ScheduleMemory.load(content["schedule"]),
            NodesMemory.load(content["nodes"]), Usual.load(content["usual"]),
            {name: Counting(**one) for name, one in content["counting"].items()},
        )  # fmt: skip

    def records(
        self,
        decoded: Decoded,
        made: Mediated,
        file: FeedFile,
        before_us: int,
        context: BatchContext,
    ) -> list[Alert]:
        """Take the records of a batch.

        Args:
            file: What they lie in, as far as it is read.
            before_us: The feed's event time, as of the records before.
        """
        feed = context.feed
        rows = _judged(decoded.frame, made, before_us, context)
        whole = whole_files(feed)
        counted = rows.filter(pl.col("fate").is_in(["", _COPY] if whole else [""]))
        by_hour = _Hours(self.usual, context, _quantities(counted))
        found: list[node_numbers.Found] = []
        rule = node_numbers.rule_of(feed.expect, feed.window_days * DAY_US)
        if feed.path or feed.expect.nodes is not None:
            found = take_rows(self.nodes, _numbered(rows), rule, by_hour.record)
        watermark = max(before_us, _last(rows))
        alerts = list(node_numbers.told(self.nodes, found, file, rule, watermark))
        if whole:
            one = self.counting.setdefault(context.file_id, Counting())
            for _, records, quantities in by_hour.groups:
                one.add(records, quantities)
        else:
            by_hour.all()
        return alerts

    def file_ended(
        self,
        file: FeedFile,
        said: Mapping[str, int],
        watermark_us: int,
        context: BatchContext,
        series: str = "",
    ) -> Iterator[Alert]:
        """Take a file that was read to its end.

        Args:
            said: What it says of itself, and what was counted.
            watermark_us: The feed's event time, this file included.
            series: Whose numbers the file's number is one of, as it says itself.
        """
        feed, snapshot = context.feed, context.snapshot
        expect = feed.expect

        def value(moment_us: int) -> Each:
            return self.usual.each(moment_us, feed, snapshot)

        moment = file.first_event_time or watermark_us or context.collected_at
        record = self.usual.record(moment, feed, snapshot)
        yield from trailer(file, said, worth_of(record.nano, record.currency, record.method))
        if not said.get("body", file.records):
            yield from self._empty(file, feed, value(moment))
        rule = file_numbers.rule_of(expect, feed.window_days * DAY_US)
        yield from take_file(self.files, file, expect, rule, watermark_us, value, series)
        has_number = numbered(file.file_name, file.sequence, expect)[1] >= 0
        calendar = snapshot.calendars.get(expect.calendar)
        yield from take_time(self.schedule, file, expect, calendar, value, numbered=has_number)
        counted = self.counting.pop(context.file_id, Counting())
        if file.first_event_time is not None and whole_files(feed):
            self.usual.observe(counted, file.first_event_time, feed, snapshot)

    @staticmethod
    def _empty(file: FeedFile, feed: Feed, usual: Each) -> Iterator[Alert]:
        if feed.expect.empty_suspect:
            worth = worth_of(usual.nano, usual.currency, usual.method)
            yield empty(file, usual.records, worth if usual.records else Worth())


class _Hours:
    """Records of a batch by the hour of the feed's event time, added up as far as is asked."""

    def __init__(
        self, usual: Usual, context: BatchContext, groups: list[tuple[int, int, dict[str, int]]]
    ) -> None:
        self._usual, self._context = usual, context
        self._hourly = not whole_files(context.feed)
        self.groups = groups

    def record(self, moment_us: int) -> Each:
        """Tell what a record is usually worth, from the hours that ended before an instant."""
        feed, snapshot = self._context.feed, self._context.snapshot
        if self._hourly:
            self._reach(moment_us // HOUR_US)
        return self._usual.record(moment_us, feed, snapshot)

    def all(self) -> None:
        """Add up all that is left."""
        self._reach(self.groups[-1][0] + 1 if self.groups else 0, close=False)

    def _reach(self, hour: int, *, close: bool = True) -> None:
        feed, snapshot = self._context.feed, self._context.snapshot
        while self.groups and self.groups[0][0] < hour:
            begun, records, quantities = self.groups.pop(0)
            self._usual.reach(begun * HOUR_US, feed, snapshot)
            self._usual.counting.add(records, quantities)
        if close:
            self._usual.reach(hour * HOUR_US, feed, snapshot)


def _judged(
    frame: pl.DataFrame, made: Mediated, before_us: int, context: BatchContext
) -> pl.DataFrame:
    """Give what the controls need of each row: its fate so far, and the feed's event time.

    `fate` is empty for usage, `copy` for records seen before, `held` for all others.
    """
    here = pl.col("file_id") == context.file_id
    repeated = pl.col("reason") == Reason.DUPLICATE_RECORD.value
    copies = made.set_aside.filter(here & repeated).select(_PLACE).to_series()
    held = made.suspense.filter(here).select(_PLACE).to_series()
    known = pl.col("start_us") <= context.collected_at + DAY_US
    moving = pl.col("reason").is_null() & known
    after = pl.when(moving).then("start_us").otherwise(0).cum_max()
    return frame.select(
        "node", "node_sequence", "node_mark", "service", "unit", "kind", "quantity",
        pl.when(known).then("start_us").alias("time_us"),
        pl.max_horizontal(after, pl.lit(before_us)).alias("after_us"),
        pl.max_horizontal(after.shift(1).fill_null(0), pl.lit(before_us)).alias("before_us"),
        "item_no",
        pl.when(_PLACE.is_in(copies.implode())).then(pl.lit(_COPY))
        .when(pl.col("reason").is_not_null() | _PLACE.is_in(held.implode()))
        .then(pl.lit(_HELD)).otherwise(pl.lit("")).alias("fate"),
    )  # fmt: skip


def _numbered(rows: pl.DataFrame) -> pl.DataFrame:
    """Give the rows whose element counted them; copies were counted when they came first."""
    counted = pl.col("node_sequence").is_between(0, MOST) & (pl.col("item_no") == 0)
    return rows.filter(counted & (pl.col("fate") != _COPY)).select(
        "node", pl.col("node_sequence").alias("number"), pl.col("node_mark").alias("mark"),
        "time_us", "before_us", (pl.col("fate") == "").alias("usable"),
    )  # fmt: skip


def _last(rows: pl.DataFrame) -> int:
    return int(np.int64(rows["after_us"][-1])) if rows.height else 0


def _quantities(rows: pl.DataFrame) -> list[tuple[int, int, dict[str, int]]]:
    """Add up rows by hour of the feed's event time: (hour, records, base units by service)."""
    own = pl.col("service").replace_strict(_UNITS, default="", return_dtype=pl.String)
    fits = (pl.col("unit") == "") | (pl.col("unit") == own)
    counts = ~pl.col("kind").is_in(_CUMULATIVE) & fits
    sums = (
        rows.group_by((pl.col("after_us") // HOUR_US).alias("hour"), "service")
        .agg(
            pl.len().alias("records"),
            pl.when(counts).then(pl.col("quantity").fill_null(0)).otherwise(0).sum()
            .alias("quantity"),
        )
        .sort("hour", "service")
    )  # fmt: skip
    found: list[tuple[int, int, dict[str, int]]] = []
    for hour, service, records, quantity in sums.iter_rows():
        if not found or found[-1][0] != hour:
            found.append((hour, 0, {}))
        _, before, quantities = found[-1]
        found[-1] = (hour, before + records, {**quantities, service: quantity})
    return found
