"""Is a record usage of its feed? The feed's own format says it, as it will say it in the lane."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from schemas.reasons import FATE_OF_REASON, Fate, Reason
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.decoded import MAX_RECORD_BYTES, Frames
from tallywire.mediation.decoders import DECODERS

_DETAIL_LENGTH = 200
_KEY_LENGTH = 2_048
_REFUSED = [reason.value for reason, fate in FATE_OF_REASON.items() if fate is Fate.SUSPENDED]


class Verdict(NamedTuple):
    """What became of a record.

    Attributes:
        key: Decides its partition.
        reason: Why it is refused; empty where it is kept.
        detail: The same for a person.
    """

    key: str
    reason: str = ""
    detail: str = ""


def _unfit(record: bytes, longest: int) -> Verdict | None:
    if len(record) > longest:
        return Verdict("", Reason.RECORD_TOO_LONG.value, f"longer than {longest} bytes")
    if b"\x00" in record:
        return Verdict("", Reason.RECORD_UNREADABLE.value, "holds a zero byte")
    return None


def _frames(records: Sequence[bytes]) -> Frames:
    lengths = np.fromiter((len(one) for one in records), np.int64, len(records))
    ends = np.cumsum(lengths + 1)
    return Frames(b"\n".join([*records, b""]), ends - lengths - 1, lengths)


def _decoded(records: Sequence[bytes], feed: Feed) -> list[Verdict]:
    if not records:
        return []
    frame = DECODERS[feed.format].decode(_frames(records), feed).frame
    alone = (pl.col("kind") == "complete") | (pl.col("session_key") == "")
    natural = pl.coalesce("natural_key", pl.col("raw_hash").cast(pl.String))
    refused = pl.col("reason").is_in(_REFUSED)
    found = frame.select(
        pl.when(alone).then(natural).otherwise("session_key").alias("key"),
        pl.when(refused).then("reason").otherwise(pl.lit("")).alias("refusal"),
        pl.when(refused).then(pl.col("detail").str.slice(0, _DETAIL_LENGTH)).otherwise(pl.lit("")),
    )
    return [_fit(Verdict(*row)) for row in found.iter_rows()]


def _fit(verdict: Verdict) -> Verdict:
    if verdict.reason or len(verdict.key) <= _KEY_LENGTH:
        return verdict
    detail = f"what names it is longer than {_KEY_LENGTH} characters"
    return Verdict("", Reason.RECORD_TOO_LONG.value, detail)


def judge(records: Sequence[bytes], feed: Feed, longest: int = MAX_RECORD_BYTES) -> list[Verdict]:
    """Judge records, each by itself.

    A record that the lane would suspend for what its bytes say is refused. One that the format
    sets aside (an unanswered call, a control record) is kept: it is counted as what it is.

    Args:
        longest: Bytes of the longest record that the log takes.

    Returns:
        A verdict for each record, in order.
    """
    early = [_unfit(record, longest) for record in records]
    good = [record for record, verdict in zip(records, early, strict=True) if verdict is None]
    judged = iter(_decoded(good, feed))
    return [verdict or next(judged) for verdict in early]
