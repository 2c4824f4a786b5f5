"""Decode and mediate bytes of a feed, for tests of formats."""

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from tallywire.catalog.snapshot import Feed
from tallywire.mediation.decoded import Frames
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.framing import frame
from tallywire.mediation.lane import BatchContext, LaneState, Mediated, mediate
from tallywire.mediation.resolve import IdentifierIndex
from tests.laws.feeds import SNAPSHOT

COLLECTED = 1_793_000_000_000_000  # 2026-10-26


def feed_of(feed_id: str, options: Mapping[str, object] | None = None, **changed: object) -> Feed:
    """A feed of the tests, with other options."""
    feed = SNAPSHOT.feeds[feed_id]
    more = {} if options is None else {"options": {**feed.options, **options}}
    return replace(feed, **more, **changed)  # type: ignore[arg-type]


def frames_of(feed: Feed, data: bytes) -> Frames:
    """Cut a file as its feed does."""
    framing = DECODERS[feed.format].framing(feed)
    head = data[: framing.prologue(data, at_end=True) or 0]
    return frame(data, framing, at_end=True, prologue=head)[0]


def decoded(feed: Feed, data: bytes) -> pl.DataFrame:
    """Decode a file."""
    return DECODERS[feed.format].decode(frames_of(feed, data), feed).frame


def mediated(feed: Feed, data: bytes, state: LaneState | None = None) -> Mediated:
    """Decode a file and work it in a lane."""
    frames = frames_of(feed, data)
    context = BatchContext(
        feed=feed, snapshot=SNAPSHOT, index=IdentifierIndex(SNAPSHOT.identifiers), lane="lane",
        file_id="f", file_name="file", collected_at=COLLECTED, frames=frames,
    )  # fmt: skip
    rows = DECODERS[feed.format].decode(frames, feed).frame
    return mediate(LaneState() if state is None else state, rows, context)
