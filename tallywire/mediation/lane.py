"""A collection lane's work on a batch: every input record gets its fate here, and is counted."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from schemas.columns import conform, polars_schema
from schemas.feeds import LaneCount
from schemas.outcomes import OpenEvent, SetAsideEvent, SuspenseEvent
from schemas.reasons import FATE_OF_REASON, Fate, Reason
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import Feed, Snapshot
from tallywire.hashes import from_bytes, hash64, hash128, to_bytes
from tallywire.mediation.canaries import marked
from tallywire.mediation.correlate import Correlated, correlate
from tallywire.mediation.decoded import Frames
from tallywire.mediation.dedup import DAY_US, DedupWindow, Verdict
from tallywire.mediation.findings import Finding
from tallywire.mediation.normalise import normalise
from tallywire.mediation.prepare import prepared
from tallywire.mediation.resolve import IdentifierIndex
from tallywire.mediation.sessions import Sessions
from tallywire.mediation.waiting import open_events
from tallywire.mediation.worked import ORDER
from tallywire.suspense import RAW_BYTES, suspend, suspend_usage

_REASON_OF_VERDICT = {
    Verdict.DUPLICATE: (Reason.DUPLICATE_RECORD, "key and content were seen before"),
    Verdict.RESTATEMENT: (Reason.RESTATEMENT, "the key was seen before with other content"),
    Verdict.TOO_OLD: (Reason.EVENT_TOO_OLD, "older than the deduplication window of the feed"),
}
_JUDGED = [reason.value for reason, _ in _REASON_OF_VERDICT.values()]
_SEEN = "; its key was seen before"
_SUSPENDED = frozenset(
    reason.value for reason, fate in FATE_OF_REASON.items() if fate is Fate.SUSPENDED
)


@dataclass(frozen=True)
class BatchContext:
    """Where a batch comes from and what it is worked with.

    Attributes:
        canary_key: The secret by which canaries are known; needed where the catalogue has some.
    """

    feed: Feed
    snapshot: Snapshot
    index: IdentifierIndex
    lane: str
    file_id: str
    file_name: str
    collected_at: int
    frames: Frames | None
    canary_key: bytes = b""


@dataclass
class LaneState:
    """What a lane remembers."""

    dedup: DedupWindow = field(default_factory=DedupWindow)
    sessions: Sessions = field(default_factory=Sessions)

    def changes(self) -> bytes:
        """Give what changed since the last call."""
        return _packed(self.dedup.changes(), self.sessions.changes())

    def apply(self, changes: bytes) -> None:
        """Take changes written before."""
        self.apply_all([changes])

    def apply_all(self, pieces: Iterable[bytes]) -> None:
        """Take many pieces of changes at once, in order."""
        self.dedup.apply_all(self._apply_sessions(pieces))

    def _apply_sessions(self, pieces: Iterable[bytes]) -> Iterator[memoryview]:
        """Take what pieces say of sessions, and give the rest of each."""
        for piece in pieces:
            view = memoryview(piece)
            end = 8 + int.from_bytes(view[:8], "little")
            if end < len(view):
                self.sessions.apply(bytes(view[end:]))
            yield view[8:end]

    def dump(self) -> Iterator[bytes]:
        """Give the whole state, in pieces."""
        for piece in self.dedup.dump():
            yield _packed(piece, b"")
        for piece in self.sessions.dump():
            yield _packed(b"", piece)


def _packed(first: bytes, second: bytes) -> bytes:
    return len(first).to_bytes(8, "little") + first + second if first or second else b""


@dataclass(frozen=True)
class Mediated:
    """What became of a batch.

    Attributes:
        usage: For the usage log, rows of UsageEvent in order.
        counts: Signed changes of collected, open and accepted.
        waiting: Parts of sessions that wait since, or no longer: rows of OpenEvent.
        findings: What is wrong with the numbers of sessions.
    """

    usage: pl.DataFrame
    set_aside: pl.DataFrame
    suspense: pl.DataFrame
    counts: pl.DataFrame
    waiting: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema=polars_schema(OpenEvent))
    )
    findings: tuple[Finding, ...] = ()


def mediate(state: LaneState, decoded: pl.DataFrame, context: BatchContext) -> Mediated:
    """Work a decoded batch: prepare, identify, deduplicate, correlate, normalise, resolve."""
    frame = identified(prepared(decoded, context.feed), context)
    frame, before = _judged(state, frame, context.feed)
    frame = _repeats_told(state.dedup, frame, before, context.feed)
    return _fated(state, frame, before, context, decoded.height)


def rejoin(state: LaneState, parts: pl.DataFrame, context: BatchContext) -> Mediated:
    """Work parts of sessions that were judged before, and suspended when their time was over.

    Args:
        parts: Worked rows, their identity kept.
    """
    return _fated(state, parts, state.dedup.watermark, context, 0)


def _fated(
    state: LaneState, frame: pl.DataFrame, before: int, context: BatchContext, collected: int
) -> Mediated:
    """Give judged rows their fates."""
    refused = frame.filter(pl.col("reason").is_not_null())
    passed = frame.filter(pl.col("reason").is_null())
    watermarks = _watermarks(frame, before)[frame["reason"].is_null().to_numpy()]
    correlated = correlate(state.sessions, passed, watermarks, before, context.feed)
    usage = normalise(correlated.events, context.feed, context.index, context.snapshot.reference)
    usage = marked(usage, context.snapshot, context.canary_key)
    filtered = usage.filter(pl.col("reason") == Reason.FILTERED_BY_RULE.value)
    good = usage.filter(pl.col("reason").is_null()).select(polars_schema(UsageEvent).names())
    return Mediated(
        usage=good,
        set_aside=set_aside(refused, correlated.merged, filtered),
        suspense=_suspense(refused, correlated.incomplete, usage, context),
        counts=_counts(context, collected, good, correlated),
        waiting=open_events(correlated.opened, correlated.closed, context.snapshot),
        findings=tuple(correlated.findings),
    )


def identified(decoded: pl.DataFrame, context: BatchContext) -> pl.DataFrame:
    """Add origin, event id and payload hash."""
    feed = context.feed
    keys = decoded.select(
        pl.concat_str(
            pl.lit(feed.tenant_id), pl.lit(feed.source_id), pl.col("natural_key").fill_null(""),
            separator="\x1f",
        )
    ).to_series()  # fmt: skip
    hi, lo = hash128(keys)
    named = decoded["natural_key"].is_not_null().to_numpy()
    hi, lo = np.where(named, hi, 0).astype(np.uint64), np.where(named, lo, 0).astype(np.uint64)
    content = decoded["content"]
    payload = decoded["raw_hash"]
    if content.null_count() < len(content):
        own = pl.Series(hash64(content.fill_null("")))
        payload = pl.select(pl.when(content.is_not_null()).then(own).otherwise(payload)).to_series()
    return decoded.with_columns(
        to_bytes(hi, lo).alias("event_id"),
        payload.alias("payload_hash"),
        pl.lit(feed.tenant_id).alias("tenant_id"),
        pl.lit(context.lane).alias("lane"),
        pl.lit(feed.feed_id).alias("feed_id"),
        pl.lit(feed.format).alias("format"),
        pl.lit(context.file_id).alias("file_id"),
        pl.lit(context.file_name).alias("file_name"),
        pl.lit(context.collected_at, dtype=pl.Int64).alias("collected_at"),
        pl.lit(0, dtype=pl.Int32).alias("restatement_no"),
        pl.lit(0, dtype=pl.Int32).alias("attempt"),
        pl.lit(1, dtype=pl.Int32).alias("input_records"),
    )


def _judged(state: LaneState, frame: pl.DataFrame, feed: Feed) -> tuple[pl.DataFrame, int]:
    """Refuse the future, then judge what is left; give the watermark from before, too."""
    before = state.dedup.watermark
    future = pl.col("reason").is_null() & (pl.col("start_us") > pl.col("collected_at") + DAY_US)
    frame = frame.with_columns(
        pl.when(future).then(pl.lit(Reason.TIME_IN_FUTURE.value)).otherwise("reason")
        .alias("reason"),
        pl.when(future).then(pl.lit("more than 24 hours ahead of its collection"))
        .otherwise("detail").alias("detail"),
    )  # fmt: skip
    rows = np.flatnonzero(frame["reason"].is_null().to_numpy())
    if not len(rows):
        return frame, before
    usable = frame if len(rows) == frame.height else frame[rows]
    hi, lo = from_bytes(usable["event_id"])
    verdicts, numbers = state.dedup.judge(
        hi, lo, usable["payload_hash"].to_numpy(), usable["start_us"].to_numpy(),
        window_days=feed.window_days, backfill=feed.backfill,
    )  # fmt: skip
    if not verdicts.any():
        return frame, before
    verdict = np.zeros(frame.height, np.int64)
    number = np.zeros(frame.height, np.int32)
    verdict[rows], number[rows] = verdicts, numbers
    reason, detail = pl.col("reason"), pl.col("detail")
    code = pl.Series(verdict)
    for value, (cause, words) in _REASON_OF_VERDICT.items():
        hit = code == int(value)
        reason = pl.when(hit).then(pl.lit(cause.value)).otherwise(reason)
        detail = pl.when(hit).then(pl.lit(words)).otherwise(detail)
    return frame.with_columns(
        reason.alias("reason"), detail.alias("detail"), pl.Series("restatement_no", number)
    ), before


def _repeats_told(
    window: DedupWindow, frame: pl.DataFrame, before: int, feed: Feed
) -> pl.DataFrame:
    """Say of refused rows, which no verdict judges, when their key was seen before."""
    rows = frame.with_row_index("row").select("row", "event_id", "natural_key", "reason")
    refused = rows.filter(
        pl.col("natural_key").is_not_null() & ~pl.col("reason").fill_null(_JUDGED[0]).is_in(_JUDGED)
    )
    if refused.is_empty():
        return frame
    horizon = _watermarks(frame, before)[refused["row"].to_numpy()] - feed.window_days * DAY_US
    known = window.knows(*from_bytes(refused["event_id"]), horizon)
    begun = (
        rows.filter(pl.col("reason").is_null())
        .group_by("event_id")
        .agg(pl.col("row").min().alias("first"))
    )
    repeated = (
        refused.filter(pl.Series(known))
        .join(begun, on="event_id", how="left")
        .filter(pl.col("first").is_null() | (pl.col("first") < pl.col("row")))
    )
    told = pl.int_range(pl.len()).is_in(repeated["row"].cast(pl.Int64).implode())
    return frame.with_columns(
        pl.when(told).then(pl.col("detail") + _SEEN).otherwise("detail").alias("detail")
    )


def _watermarks(frame: pl.DataFrame, before: int) -> np.ndarray:
    """Give the feed's event time as of each row; rows that were not judged do not move it."""
    judged = frame["reason"].is_null() | frame["reason"].is_in(_JUDGED)
    times = np.where(judged.to_numpy(), frame["start_us"].fill_null(0).to_numpy(), 0)
    return np.maximum.accumulate(np.maximum(times, before))


def set_aside(refused: pl.DataFrame, merged: pl.DataFrame, filtered: pl.DataFrame) -> pl.DataFrame:
    """Make SetAsideEvent rows: refused rows that are not suspended, merged and filtered ones."""
    if refused.is_empty() and merged.is_empty() and filtered.is_empty():
        return pl.DataFrame(schema=polars_schema(SetAsideEvent))
    gone = refused.filter(~pl.col("reason").is_in(list(_SUSPENDED)))
    fates = {reason.value: fate.value for reason, fate in FATE_OF_REASON.items()}
    parts = [gone, merged.drop(ORDER, strict=False), filtered]
    both = pl.concat(parts, how="diagonal_relaxed")
    return conform(
        both.with_columns(
            pl.col("reason").replace_strict(fates, return_dtype=pl.String).alias("fate"),
            pl.col("joined_into").fill_null("")
            if "joined_into" in both.columns
            else pl.lit("").alias("joined_into"),
        ),
        SetAsideEvent,
    )


def _raw(rows: pl.DataFrame, context: BatchContext) -> pl.Series:
    """Take the bytes of rows that lie in this batch."""
    frames = context.frames
    pieces = []
    for offset, length in rows.select("byte_offset", "byte_length").iter_rows():
        start = offset - frames.base_offset if frames else 0
        inside = frames is not None and 0 <= start <= len(frames.data) - length
        kept = min(length, RAW_BYTES)
        pieces.append(frames.data[start : start + kept] if frames and inside else b"")
    return pl.Series(pieces, dtype=pl.Binary)


def _suspense(
    refused: pl.DataFrame, incomplete: pl.DataFrame, usage: pl.DataFrame, context: BatchContext
) -> pl.DataFrame:
    held = refused.filter(pl.col("reason").is_in(list(_SUSPENDED)))
    judged = pl.col("reason").is_in(_JUDGED)
    parts = [
        _held(held.filter(~judged), context, stage="decode"),
        _held(held.filter(judged), context, stage="deduplicate"),
        _held(incomplete, context, stage="correlate"),
    ]
    homeless = usage.filter(pl.col("reason").is_in(list(_SUSPENDED)))
    if not homeless.is_empty():
        homeless = homeless.with_columns(_raw(homeless, context).alias("raw"))
        parts.append(suspend_usage(homeless, context.snapshot, stage="normalise"))
    return pl.concat(parts)


def _held(rows: pl.DataFrame, context: BatchContext, *, stage: str) -> pl.DataFrame:
    if rows.is_empty():
        return pl.DataFrame(schema=polars_schema(SuspenseEvent))
    head = context.frames.prologue if context.frames else b""
    rows = rows.with_columns(
        _raw(rows, context).alias("raw"),
        pl.lit(head[:RAW_BYTES], dtype=pl.Binary).alias("file_head"),
        pl.col("start_us").alias("event_time"),
    )
    return suspend(rows, context.snapshot, stage=stage)


def counted(context: BatchContext, term: str, changes: list[tuple[int, int]]) -> list[LaneCount]:
    """Make count records: (collected_at, signed change)."""
    return [
        LaneCount(
            lane=context.lane, feed_id=context.feed.feed_id, term=term, records=change,
            collected_at=moment,
        )
        for moment, change in changes
        if change
    ]  # fmt: skip


def _tally(parts: list[dict[str, Any]], sign: int) -> list[tuple[int, int]]:
    moments = Counter(part["collected_at"] for part in parts)
    return [(moment, sign * number) for moment, number in sorted(moments.items())]


def _counts(
    context: BatchContext, collected: int, usage: pl.DataFrame, correlated: Correlated
) -> pl.DataFrame:
    accepted = usage.group_by("collected_at").len().sort("collected_at").rows()
    records = [
        *counted(context, "collected", [(context.collected_at, collected)]),
        *counted(context, "open", _tally([one.part for one in correlated.opened], 1)),
        *counted(context, "open", _tally(correlated.closed, -1)),
        *counted(context, "accepted", [(moment, int(number)) for moment, number in accepted]),
    ]
    return counts_frame(records)


def counts_frame(records: list[LaneCount]) -> pl.DataFrame:
    """Put count records into columns."""
    rows = [record.model_dump() for record in records]
    return pl.DataFrame(rows, schema=polars_schema(LaneCount), orient="row")
