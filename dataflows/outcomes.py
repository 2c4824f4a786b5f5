"""A collection lane at work: mediation, the records of its files, its controls, its blocks."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any

import numpy as np
import orjson
import polars as pl
import xxhash

from assurance.alerts import Worth, latest
from assurance.clocks import ClockMemory, clocks
from assurance.file_numbers import numbered
from assurance.files import Held, bounded, duplicates, replayed, suspended
from assurance.files import refused as refused_file
from assurance.sessions import session_faults
from assurance.stages import usage_sums
from assurance.streams import expired
from dataflows.completeness import Completeness
from dataflows.decode import has_trailer
from dataflows.lane import SpoolItem
from dataflows.sources.feed_batch import FeedBatch
from dataflows.sources.streams import LOST
from dataflows.usage_log.blocks import encode
from dataflows.usage_log.spool import OUTCOMES, USAGE
from schemas.alerts import Alert
from schemas.columns import Record, conform, lean, polars_schema, rows_to_frame
from schemas.feeds import FeedFile, LaneCount, LedgerEntry
from schemas.outcomes import SetAsideEvent
from schemas.reasons import Fate, Reason
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import Snapshot
from tallywire.hashes import hash64
from tallywire.mediation.decoded import Decoded, Frames, gathered, refused
from tallywire.mediation.lane import (
    BatchContext,
    LaneState,
    Mediated,
    counted,
    counts_frame,
    mediate,
)
from tallywire.mediation.prepare import prepared
from tallywire.mediation.recycle import parse, recycle
from tallywire.mediation.resolve import IdentifierIndex
from tallywire.worth import typical


@dataclass(frozen=True)
class Gathered:
    """What a batch leaves behind."""

    batch: FeedBatch
    usage: pl.DataFrame
    outcomes: Mapping[str, pl.DataFrame]
    partitions: int

    def item(self) -> SpoolItem:
        """Write it as blocks of the usage log, usage split by routing id."""
        lane, position = self.batch.lane, self.batch.entry.position
        ended = self.batch.detail["run"] if self.batch.kind == "ended" else ""
        blocks = {
            (USAGE, number): encode(lane, position, {"usage_events": lean(rows, UsageEvent)})
            for number, rows in self._split()
        }
        tables = {name: rows for name, rows in self.outcomes.items() if rows.height}
        if tables:
            blocks[OUTCOMES, 0] = encode(lane, position, tables)
        return SpoolItem(lane, position, blocks, ended)

    def _split(self) -> list[tuple[int, pl.DataFrame]]:
        if self.usage.is_empty():
            return []
        if self.partitions == 1:
            return [(0, self.usage)]
        place = pl.Series(hash64(self.usage["routing_id"]) % self.partitions)
        return [
            (number, rows)
            for number in range(self.partitions)
            if not (rows := self.usage.filter(place == number)).is_empty()
        ]


class LaneWork:
    """The work of one lane; its large state is journaled, its files' counts are in the snapshot.

    Args:
        canary_key: Gives the secret by which canaries are known; asked where there are some.
    """

    def __init__(
        self, lane: str, partitions: int, canary_key: Callable[[], bytes] = bytes
    ) -> None:  # fmt: skip
        self.lane = lane
        self._canary_key = canary_key
        self.state = LaneState()
        self._partitions = partitions
        self._files: dict[str, dict[str, Any]] = {}
        self._complete = Completeness()
        self._clocks = ClockMemory()
        self._index = lru_cache(maxsize=2)(self._build_index)
        self._snapshot: Snapshot | None = None

    def _build_index(self, _catalog_hash: str) -> IdentifierIndex:
        if self._snapshot is None:
            msg = "no snapshot to index"
            raise AssertionError(msg)
        return IdentifierIndex(self._snapshot.identifiers)

    def dump_files(self) -> bytes:
        """Write the counts of open files and the memory of the controls."""
        memory = {"memory": self._complete.dump(), "clocks": asdict(self._clocks)}
        return orjson.dumps({"files": self._files, **memory})

    def restore_files(self, content: bytes) -> None:
        """Read them back."""
        data = orjson.loads(content)
        self._files = data["files"]
        self._complete = Completeness.load(data["memory"])
        self._clocks = ClockMemory(**data.get("clocks", {}))

    def work(self, batch: FeedBatch, decoded: Decoded | None, snapshot: Snapshot) -> Gathered:
        """Work one batch."""
        empty = pl.DataFrame(schema=polars_schema(LaneCount))
        if batch.kind == "ended":
            return Gathered(batch, empty.clear(), {}, self._partitions)
        self._snapshot = snapshot
        context = BatchContext(
            feed=snapshot.feeds[batch.feed_id],
            snapshot=snapshot,
            index=self._index(snapshot.hash),
            lane=self.lane,
            file_id=batch.entry.source,
            file_name=batch.detail["name"],
            collected_at=batch.entry.ledgered_at,
            frames=batch.frames,
            canary_key=self._canary_key() if snapshot.canaries else b"",
        )
        if batch.kind == LOST:
            return self._lost(batch, context)
        if batch.kind == "replayed":
            return self._replayed(batch, context)
        if batch.kind == "refused":
            return self._refused(batch, context)
        if batch.kind == "recycle" and batch.frames is not None:
            made = recycle(self.state, parse(batch.frames), context)
            return self._gathered(batch, made, [], self._faults(made, context))
        if decoded is None:
            frames, decoded = _overlong(batch)
            context = replace(context, frames=frames)
        before_us = self.state.dedup.watermark
        made = mediate(self.state, decoded.frame, context)
        file = self._count_file(batch, decoded, made, context)
        alerts = self._complete.records(decoded, made, file, before_us, context)
        alerts += self._alerts(batch, file, context) + self._faults(made, context)
        alerts += self._moved_clocks(decoded, context)
        return self._gathered(batch, made, [file] if self._report(batch) else [], alerts)

    def _moved_clocks(self, decoded: Decoded, context: BatchContext) -> Iterator[Alert]:
        """Hold the clocks of nodes, as the feed corrects them, against each other."""
        feed = context.feed
        named = decoded.frame.filter(pl.col("node") != "")
        return clocks(
            self._clocks, prepared(named, feed) if feed.nodes else named,
            tenant_id=feed.tenant_id, feed_id=feed.feed_id, collected_at=context.collected_at,
        )  # fmt: skip

    @staticmethod
    def _report(batch: FeedBatch) -> bool:
        return bool(batch.detail["at_end"]) or batch.detail["status"] == "growing"

    @staticmethod
    def _faults(made: Mediated, context: BatchContext) -> list[Alert]:
        feed_id = context.feed.feed_id
        return session_faults(made.findings, feed_id, context.collected_at, context.snapshot)

    def _gathered(
        self, batch: FeedBatch, made: Mediated, files: list[FeedFile], alerts: list[Alert]
    ) -> Gathered:
        outcomes = {
            "suspense_events": made.suspense,
            "open_events": made.waiting,
            "set_aside_events": made.set_aside,
            "lane_counts": made.counts,
            "stage_sums": usage_sums("accepted", made.usage),
            "feed_files": _frame(files, FeedFile),
            "alerts": _frame(latest(alerts), Alert),
            "lane_ledger": _frame([batch.entry], LedgerEntry),
        }
        return Gathered(batch, made.usage, outcomes, self._partitions)

    def _lost(self, batch: FeedBatch, context: BatchContext) -> Gathered:
        """Report messages that were gone before they were read."""
        detail, feed, cut = batch.detail, context.feed, batch.entry
        found = expired(
            feed.tenant_id, feed.feed_id, cut.source, (cut.first, cut.last), context.collected_at,
            Worth(*typical(feed.feed_id, context.snapshot)),
            f"passed over by {detail['by']}: {detail['note']}",
        )  # fmt: skip
        outcomes = {
            "alerts": _frame([found], Alert), "lane_ledger": _frame([cut], LedgerEntry),
        }  # fmt: skip
        usage = pl.DataFrame(schema=polars_schema(LaneCount))
        return Gathered(batch, usage, outcomes, self._partitions)

    def _replayed(self, batch: FeedBatch, context: BatchContext) -> Gathered:
        """Count a file that was read before: all its records are duplicates, in one row."""
        file = self._feed_file(batch, context, records=batch.entry.records).model_copy(
            update={"duplicates": batch.entry.records, "replay_of": batch.detail["replay_of"]}
        )
        alerts = [replayed(file)]
        if not batch.entry.records:  # all files without a record look alike: this is no copy
            number = numbered(file.file_name, -1, context.feed.expect)[1]
            file = file.model_copy(
                update={"status": "complete", "replay_of": "", "sequence": number}
            )
            alerts = self._ended(file, {}, context)
        row = SetAsideEvent(
            tenant_id=context.feed.tenant_id, lane=self.lane, feed_id=context.feed.feed_id,
            format=context.feed.format, file_id=context.file_id, file_name=context.file_name,
            collected_at=context.collected_at, fate=Fate.DUPLICATE.value,
            reason=Reason.DUPLICATE_FILE.value, records=batch.entry.records,
            detail=f"same content as file {batch.detail['replay_of']}",
        )  # fmt: skip
        counts = counted(context, "collected", [(context.collected_at, batch.entry.records)])
        outcomes = {
            "set_aside_events": _frame([row], SetAsideEvent),
            "lane_counts": counts_frame(counts),
            "feed_files": _frame([file], FeedFile),
            "alerts": _frame(latest(alerts), Alert),
            "lane_ledger": _frame([batch.entry], LedgerEntry),
        }
        usage = pl.DataFrame(schema=polars_schema(LaneCount))
        return Gathered(batch, usage, outcomes, self._partitions)

    def _refused(self, batch: FeedBatch, context: BatchContext) -> Gathered:
        """Report a file that was not collected, or members of it that were not."""
        told = orjson.loads(batch.raw)
        size = {"sha256": told["sha256"], "size": max(0, told["size"])}
        file = self._feed_file(batch, context, records=0).model_copy(update=size)
        outcomes = {
            "feed_files": _frame([file], FeedFile),
            "alerts": _frame(
                [refused_file(file, told["reason"], told["text"], told["members"])], Alert
            ),
            "lane_ledger": _frame([batch.entry], LedgerEntry),
        }
        usage = pl.DataFrame(schema=polars_schema(LaneCount))
        return Gathered(batch, usage, outcomes, self._partitions)

    def _feed_file(self, batch: FeedBatch, context: BatchContext, *, records: int) -> FeedFile:
        detail = batch.detail
        return FeedFile(
            tenant_id=context.feed.tenant_id, feed_id=context.feed.feed_id, lane=self.lane,
            file_id=context.file_id, file_name=detail["name"], sha256=detail["sha256"],
            size=detail["size"], status=detail["status"], records=records,
            collected_at=context.collected_at,
        )  # fmt: skip

    def _count_file(
        self, batch: FeedBatch, decoded: Decoded, made: Mediated, context: BatchContext
    ) -> FeedFile:
        """Add a batch to its file's counts."""
        counts = self._files.setdefault(
            batch.entry.source,
            {"records": 0, "decoded": 0, "suspended": 0, "filtered": 0, "duplicates": 0,
             "reasons": {}},
        )  # fmt: skip
        counts["records"] += decoded.frame.height
        counts["suspended"] += made.suspense.height
        for fate, name in ((Fate.FILTERED, "filtered"), (Fate.DUPLICATE, "duplicates")):
            counts[name] += made.set_aside.filter(pl.col("fate") == fate.value).height
        counts["decoded"] += made.usage.height
        control = pl.col("reason").eq_missing(pl.lit(Reason.CONTROL_RECORD.value))
        counts["body"] = counts.get("body", 0) + decoded.frame.filter(~control).height
        gathered(counts, decoded.control)
        counts |= {name: bounded(counts[name]) for name in decoded.control}
        counts["series"] = decoded.series or counts.get("series", "")
        for name, least in (("first_event_time", True), ("last_event_time", False)):
            times = decoded.frame.filter(pl.col("reason").is_null())["start_us"]
            found = [counts.get(name), times.min() if least else times.max()]
            kept = [value for value in found if value is not None]
            counts[name] = (min(kept) if least else max(kept)) if kept else None
        file = self._feed_file(batch, context, records=counts["records"])
        wants_trailer = has_trailer(context.feed) or bool(counts.get("trailer_wanted"))
        found_trailer = bool(counts.get("trailer_found")) or not wants_trailer
        known = {
            name: counts[name]
            for name in FeedFile.model_fields
            if name in counts and name not in {"records", "trailer_found"}
        }
        add_held(counts["reasons"], made.suspense)
        number = numbered(file.file_name, counts.get("sequence", -1), context.feed.expect)[1]
        return file.model_copy(update={**known, "sequence": number, "trailer_found": found_trailer})

    def _alerts(self, batch: FeedBatch, file: FeedFile, context: BatchContext) -> list[Alert]:
        counts = self._files[batch.entry.source]
        alerts = [
            suspended(
                file.tenant_id,
                file.feed_id,
                file.file_name,
                reason,
                held_of(held),
                context.collected_at,
            )
            for reason, held in sorted(counts["reasons"].items())
            if held.pop("new", False)
        ]
        if self._report(batch):
            alerts += duplicates(file)
        if batch.detail["at_end"]:
            alerts += self._ended(file, counts, context)
            del self._files[batch.entry.source]
        return alerts

    def _ended(
        self, file: FeedFile, counts: Mapping[str, Any], context: BatchContext
    ) -> list[Alert]:
        """Hold a file that was read to its end against all that is expected of its feed."""
        told = ("declared_", "counted_", "body", "lost_indicator")
        names = [name for name in counts if name.startswith(told)]
        said = {"body": file.records, **{name: counts[name] for name in names}}
        watermark_us = self.state.dedup.watermark
        series = counts.get("series", "")
        return list(self._complete.file_ended(file, said, watermark_us, context, series))


def add_held(reasons: dict[str, dict[str, Any]], suspense: pl.DataFrame) -> None:
    """Add suspended rows to sums by reason."""
    rows = suspense.filter(pl.col("change") > 0)
    for row in rows.select(
        "reason", "estimated_amount", "estimated_currency", "estimate_method", "file_name",
        "record_no",
    ).iter_rows(named=True):  # fmt: skip
        held = reasons.setdefault(
            row["reason"],
            {"records": 0, "worth": None, "currency": "", "method": "none", "first": ""},
        )
        held["records"] += 1
        held["new"] = True
        held["first"] = held["first"] or f"{row['file_name']} record {row['record_no'] + 1}"
        if row["estimated_amount"] is not None:
            held["worth"] = str(Decimal(held["worth"] or 0) + row["estimated_amount"])
            held["currency"], held["method"] = row["estimated_currency"], row["estimate_method"]


def held_of(held: Mapping[str, Any]) -> Held:
    """Read sums back."""
    worth = None if held["worth"] is None else Decimal(held["worth"])
    return Held(held["records"], worth, held["currency"], held["method"], held["first"])


def _overlong(batch: FeedBatch) -> tuple[Frames, Decoded]:
    """Refuse a piece of a record beyond all bounds."""
    length = np.array([len(batch.raw)], np.int64)
    number = batch.detail["first_record_no"]
    frames = Frames(batch.raw, np.zeros(1, np.int64), length, number, batch.entry.first)
    digest = xxhash.xxh3_64_hexdigest(batch.raw)
    detail = f"no end of record in {len(batch.raw)} bytes (xxh3 {digest})"
    return frames, refused(frames, Reason.RECORD_TOO_LONG, detail)


def _frame(rows: list[Any], record: type[Record]) -> pl.DataFrame:
    if not rows:
        return pl.DataFrame(schema=polars_schema(record))
    return conform(rows_to_frame(rows, record), record)
