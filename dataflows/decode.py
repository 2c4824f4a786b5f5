"""From a batch of bytes to decoded rows: the feed's own format does it, here it is only called."""

from collections.abc import Callable

from dataflows.sources.feed_batch import FeedBatch
from tallywire.catalog.snapshot import Feed, Snapshot
from tallywire.mediation.decoded import Decoded
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.framing import Framing


def framing_of(feed: Feed) -> Framing:
    """Tell how the feed's format cuts records."""
    return DECODERS[feed.format].framing(feed)


def has_trailer(feed: Feed) -> bool:
    """Tell whether a file of the feed ends with a record that says so."""
    return DECODERS[feed.format].trailed or bool(feed.options.get("trailer"))


def decode_batch(snapshots: Callable[[str], Snapshot], batch: FeedBatch) -> Decoded | None:
    """Decode the frames of a usage batch; other kinds have nothing to decode."""
    if batch.kind != "usage" or batch.frames is None:
        return None
    feed = snapshots(batch.entry.catalog_hash).feeds[batch.feed_id]
    return DECODERS[feed.format].decode(batch.frames, feed)
