"""Decoding a file in a test: its rows, and what it says of itself."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tallywire.catalog.snapshot import Feed
from tallywire.mediation.decoded import Decoded
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.framing import frame
from tests.laws.feeds import SNAPSHOT


def feed_of(form: str, options: Mapping[str, object] | None = None) -> Feed:
    """Make a feed of a format."""
    like = SNAPSHOT.feeds["platform"]
    return replace(like, feed_id="f", format=form, options=options or {})


def decoded(form: str, data: bytes, options: Mapping[str, object] | None = None) -> Decoded:
    """Decode a whole file."""
    feed = feed_of(form, options)
    framing = DECODERS[form].framing(feed)
    head = data[: framing.prologue(data, at_end=True) or 0]
    frames, _ = frame(data, framing, at_end=True, prologue=head)
    return DECODERS[form].decode(frames, feed)


def rows_of(
    form: str, data: bytes, options: Mapping[str, object] | None = None
) -> list[dict[str, Any]]:
    """Decode a whole file; give its rows."""
    return decoded(form, data, options).frame.rows(named=True)
