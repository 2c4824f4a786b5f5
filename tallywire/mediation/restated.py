"""A restatement that shall hold: its bytes as usage, and the fates of both contents."""

from dataclasses import replace

import numpy as np
import polars as pl

from schemas.columns import conform, rows_to_frame
from schemas.outcomes import SetAsideEvent, SuspenseEvent
from schemas.reasons import Fate, Reason
from schemas.usage import UsageEvent
from tallywire.mediation.decoded import Frames
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.lane import BatchContext, LaneState, mediate
from tallywire.mediation.recycle import items_of


def restated_usage(held: SuspenseEvent, context: BatchContext) -> tuple[pl.DataFrame, str]:
    """Read the content of a restatement as if its key had not been seen.

    Args:
        held: The suspended record, its bytes whole.
        context: Its feed, and the catalogue that accounts are found in.

    Returns:
        One row of UsageEvent, or none and what is wrong.
    """
    frames = Frames(
        held.raw, np.zeros(1, np.int64), np.array([len(held.raw)], np.int64), held.record_no,
        held.byte_offset, held.file_head,
    )  # fmt: skip
    place = replace(
        context, file_id=held.file_id, file_name=held.file_name, collected_at=held.collected_at,
        frames=frames,
    )  # fmt: skip
    decoded = DECODERS[context.feed.format].decode(frames, context.feed)
    made = mediate(LaneState(), items_of(held, decoded.frame), place)
    if made.usage.height != 1:
        wrong = pl.concat(
            [made.suspense.select("reason", "detail"), made.set_aside.select("reason", "detail")]
        )
        text = "; ".join(f"{reason}: {detail}" for reason, detail in wrong.iter_rows())
        return made.usage.clear(), text or "it is part of a session: collect its file again"
    number = pl.lit(held.restatement_no, dtype=pl.Int32)
    return conform(made.usage.with_columns(number.alias("restatement_no")), UsageEvent), ""


def settled(held: SuspenseEvent, taken_back: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Settle the fates: the restatement leaves suspense, the first record is merged into it.

    Args:
        held: The restatement.
        taken_back: The reversal of the first content: its origin.

    Returns:
        Rows of SuspenseEvent and of SetAsideEvent.
    """
    freed = held.model_copy(update={"change": -1, "raw": b"", "file_head": b"", "usage": ""})
    merged = taken_back.head(1).with_columns(
        pl.lit(Fate.MERGED.value).alias("fate"),
        pl.lit(Reason.RESTATED.value).alias("reason"),
        pl.lit(f"replaced by restatement {held.restatement_no}").alias("detail"),
        pl.col("event_id").bin.encode("hex").alias("joined_into"),
    )
    return rows_to_frame([freed], SuspenseEvent), conform(merged, SetAsideEvent)
