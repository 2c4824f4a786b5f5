"""Trying suspense again: each attempt once, into the hours the records were collected in."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import orjson
import polars as pl
from pydantic import BaseModel, ConfigDict

from schemas.columns import conform, polars_schema, rows_to_frame
from schemas.outcomes import SuspenseEvent
from schemas.reasons import Reason
from schemas.usage import UsageEvent
from tallywire.hashes import hash128
from tallywire.mediation.canaries import marked
from tallywire.mediation.decoded import DECODED_TEXTS, Frames
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.lane import (
    BatchContext,
    LaneState,
    Mediated,
    counted,
    counts_frame,
    identified,
    mediate,
    rejoin,
    set_aside,
)
from tallywire.mediation.normalise import normalise, resolve
from tallywire.mediation.prepare import prepared
from tallywire.mediation.worked import ORDER, frame_of, row_of
from tallywire.suspense import DECODED, suspend_usage

CORRELATE = "correlate"


class Request(BaseModel):
    """One record of a recycle file.

    Attributes:
        suspended: The suspense row as it was.
        attempt: Number of this try, from 1.
    """

    model_config = ConfigDict(extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")

    suspended: SuspenseEvent
    attempt: int


def parse(frames: Frames) -> list[Request]:
    """Read a recycle file; it was written by this product, a wrong line is a broken promise."""
    return [Request.model_validate_json(piece) for piece in frames.slices()]


def recycle(state: LaneState, requests: list[Request], context: BatchContext) -> Mediated:
    """Work requests in order; one that was worked already changes nothing."""
    parts = []
    for request in requests:
        hi, lo = hash128(pl.Series([request.suspended.suspense_id]))
        if state.dedup.accept_attempt(int(hi[0]), int(lo[0]), request.attempt):
            parts.append(_again(state, request, context))
    if not parts:
        return Mediated(pl.DataFrame(schema=polars_schema(UsageEvent)), *_nothing())

    def all_of(name: str) -> pl.DataFrame:
        frames: list[pl.DataFrame] = [getattr(part, name) for part in parts]
        return pl.concat(frames)

    return Mediated(
        all_of("usage"), all_of("set_aside"), all_of("suspense"), all_of("counts"),
        all_of("waiting"), tuple(finding for part in parts for finding in part.findings),
    )  # fmt: skip


def _nothing() -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    from schemas.feeds import LaneCount  # noqa: PLC0415  only for empty frames
    from schemas.outcomes import SetAsideEvent  # noqa: PLC0415  as above

    return (
        pl.DataFrame(schema=polars_schema(SetAsideEvent)),
        pl.DataFrame(schema=polars_schema(SuspenseEvent)),
        pl.DataFrame(schema=polars_schema(LaneCount)),
    )


def _again(state: LaneState, request: Request, context: BatchContext) -> Mediated:
    held = request.suspended
    place = replace(
        context, file_id=held.file_id, file_name=held.file_name, collected_at=held.collected_at
    )
    if held.stage == CORRELATE:
        made = _rejoined(state, request, place)
    else:
        made = _resolved(request, place) if held.usage else _decoded(state, request, place)
    settled = {"change": -1, "raw": b"", "file_head": b"", "usage": ""}
    freed = rows_to_frame([held.model_copy(update=settled)], SuspenseEvent)
    own = _is(held)
    suspense = made.suspense.with_columns(
        pl.when(own).then(pl.lit(held.suspense_id)).otherwise("suspense_id").alias("suspense_id"),
        _tried(own, request),
    )
    usage = made.usage.with_columns(_tried(own, request))
    suspense = pl.concat([freed, conform(suspense, SuspenseEvent)])
    return replace(made, suspense=suspense, usage=usage)


def _is(held: SuspenseEvent) -> pl.Expr:
    """Tell which rows are of the usage itself: it may settle parts of others, too."""
    place = ("file_id", "record_no", "item_no")
    return pl.all_horizontal(pl.col(name) == getattr(held, name) for name in place)


def _tried(own: pl.Expr, request: Request) -> pl.Expr:
    attempt = pl.lit(request.attempt, dtype=pl.Int32)
    return pl.when(own).then(attempt).otherwise("attempt").alias("attempt")


def _resolved(request: Request, context: BatchContext) -> Mediated:
    """Work a usage event again: its numbers, look-ups, filters and account, where they are kept.

    One that rating suspended, or an earlier release, keeps none: only its account is found anew.
    """
    content = orjson.loads(request.suspended.usage)
    decoded = content.pop(DECODED, None)
    event = UsageEvent.model_validate({**content, "attempt": request.attempt})
    frame = rows_to_frame([event], UsageEvent)
    if decoded is None:
        usage = resolve(frame, context.index)
    else:
        usage = normalise(
            _decoded_again(frame, decoded), context.feed, context.index, context.snapshot.reference
        )
    usage = marked(usage, context.snapshot, context.canary_key)
    good = usage.filter(pl.col("reason").is_null()).select(list(UsageEvent.model_fields))
    filtered = usage.filter(pl.col("reason") == Reason.FILTERED_BY_RULE.value)
    bad = usage.filter(
        pl.col("reason").is_not_null() & (pl.col("reason") != Reason.FILTERED_BY_RULE.value)
    )
    accepted = counted(context, "accepted", [(context.collected_at, good.height)])
    return Mediated(
        conform(good, UsageEvent), set_aside(usage.clear(), usage.clear(), filtered),
        suspend_usage(bad, context.snapshot, stage="normalise"), counts_frame(accepted),
    )  # fmt: skip


def _decoded_again(frame: pl.DataFrame, texts: Mapping[str, str]) -> pl.DataFrame:
    """Make the row that a usage event was normalised from."""
    return frame.with_columns(
        *(pl.lit(texts.get(name, "")).alias(name) for name in DECODED_TEXTS),
        pl.col("start_time").alias("start_us"),
        pl.col("setup_time").alias("setup_us"),
        pl.col("end_time").alias("end_us"),
    )


def items_of(held: SuspenseEvent, decoded: pl.DataFrame) -> pl.DataFrame:
    """Choose, of a record decoded again, the rows that its suspended row stands for.

    A record that could not be read may turn out to hold several usages; one usage of a readable
    record is one row.
    """
    if held.stage == "decode" and held.item_no == 0:
        return decoded
    same = decoded.filter(pl.col("item_no") == held.item_no)
    number = pl.lit(held.item_no, dtype=pl.Int32).alias("item_no")
    return same if same.height else decoded.head(1).with_columns(number)


def _rejoined(state: LaneState, request: Request, context: BatchContext) -> Mediated:
    """Let a part wait again: its key was judged when it came, it is no duplicate of itself."""
    held = request.suspended
    if held.usage:
        parts = frame_of([row_of(orjson.loads(held.usage))]).drop(ORDER, "joined_into")
    else:  # suspended by an older version, which kept its bytes only
        rows, place = _bytes_of(held, context)
        parts = identified(prepared(rows, context.feed), place)
    attempt = pl.lit(request.attempt, dtype=pl.Int32).alias("attempt")
    return rejoin(state, parts.with_columns(attempt), context)


def _bytes_of(held: SuspenseEvent, context: BatchContext) -> tuple[pl.DataFrame, BatchContext]:
    """Decode a record anew."""
    raw = held.raw
    frames = Frames(
        raw, np.zeros(1, np.int64), np.array([len(raw)], np.int64), held.record_no,
        held.byte_offset, held.file_head,
    )  # fmt: skip
    rows = items_of(held, DECODERS[context.feed.format].decode(frames, context.feed).frame)
    return rows, replace(context, frames=frames)


def _decoded(state: LaneState, request: Request, context: BatchContext) -> Mediated:
    rows, place = _bytes_of(request.suspended, context)
    made = mediate(state, rows, place)
    changes = [(request.suspended.collected_at, rows.height - 1)]
    more = counts_frame(counted(context, "collected", changes))
    return replace(
        made, counts=pl.concat([made.counts.filter(pl.col("term") != "collected"), more])
    )
