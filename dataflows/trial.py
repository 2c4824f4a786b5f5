"""Trying a feed on a file: what would become of its records, and nothing is kept."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from dataflows.sources.manifest import FileState
from dataflows.sources.openings import Opening
from dataflows.sources.ranges import next_range, prologue_of
from dataflows.wall_clock import now_us
from schemas.reasons import FATE_OF_REASON, Fate, Reason
from tallywire.catalog.snapshot import Feed, Snapshot
from tallywire.mediation.decoded import Frames
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.framing import frame
from tallywire.mediation.lane import BatchContext, LaneState, Mediated, mediate
from tallywire.mediation.resolve import IdentifierIndex

_ROWS = 65_536
_BYTES = 16 * 1024 * 1024


@dataclass
class Told:
    """Records that share a reason.

    Attributes:
        example: What is said of the first of them, and where it is.
    """

    records: int = 0
    example: str = ""


@dataclass
class Trial:
    """What a file would become.

    Attributes:
        records: Records read.
        usage: Records that are usage to be rated.
        waiting: Parts of sessions that wait for the rest.
        reasons: What became of the others, by fate and reason.
        filters: How many records each filter of the feed and the operator set aside, by its name;
            0 where it took none.
        preview: The first usage, as UsageEvent rows.
        control: What the file says of itself, and what it holds.
    """

    records: int = 0
    usage: int = 0
    waiting: int = 0
    reasons: dict[tuple[Fate, Reason], Told] = field(default_factory=dict)
    filters: dict[str, int] = field(default_factory=dict)
    preview: pl.DataFrame | None = None
    control: dict[str, int] = field(default_factory=dict)

    @property
    def suspended(self) -> int:
        """Records that could not be taken."""
        return sum(
            told.records for (fate, _), told in self.reasons.items() if fate is Fate.SUSPENDED
        )


def pieces(path: Path, feed: Feed) -> Iterator[Frames]:
    """Read a file as a lane does, piece by piece."""
    framing = DECODERS[feed.format].framing(feed)
    size = path.stat().st_size
    opening = Opening(path.name, path, "trial", "complete", size, "", 0, b"")
    state = FileState("trial", path.name)
    prologue = prologue_of(path, framing)
    while state.offset < size:
        found = next_range(opening, state, framing, rows=_ROWS, limit=_BYTES)
        if found is None:
            return
        if not found.overlong:
            yield frame(
                found.data, framing, at_end=True, first_record_no=state.records,
                base_offset=state.offset, prologue=prologue,
            )[0]  # fmt: skip
        state.offset += len(found.data)
        state.records += found.records
        state.overlong = found.more


def try_feed(
    path: Path, feed: Feed, snapshot: Snapshot, *, show: int, canary_key: bytes = b""
) -> Trial:  # fmt: skip
    """Decode and mediate a file with a lane of its own, without home and store.

    Args:
        show: How many usage events are kept to be shown.
        canary_key: The secret by which canaries are known.

    Raises:
        OSError: If the file cannot be read.
    """
    trial, state = Trial(filters=dict.fromkeys((one.name for one in feed.filters), 0)), LaneState()
    index = IdentifierIndex(snapshot.identifiers)
    for frames in pieces(path, feed):
        context = BatchContext(
            feed, snapshot, index, feed.feed_id, "trial", path.name, now_us(), frames, canary_key
        )
        decoded = DECODERS[feed.format].decode(frames, feed)
        for name, value in decoded.control.items():
            added = trial.control.get(name, 0) if name.startswith("counted_") else 0
            trial.control[name] = value + added
        _count(trial, mediate(state, decoded.frame, context), decoded.frame.height, show)
    return trial


def _count(trial: Trial, made: Mediated, records: int, show: int) -> None:
    trial.records += records
    trial.usage += made.usage.height
    opened = made.counts.filter(pl.col("term") == "open")["records"].sum()
    trial.waiting += int(opened)
    if trial.preview is None or trial.preview.height < show:
        held = [] if trial.preview is None else [trial.preview]
        trial.preview = pl.concat([*held, made.usage]).head(show)
    for rows in (made.set_aside, made.suspense.filter(pl.col("change") > 0)):
        for reason, detail, number, many in rows.select(
            "reason", "detail", "record_no", "records"
        ).iter_rows():
            code = Reason(reason)
            told = trial.reasons.setdefault((FATE_OF_REASON[code], code), Told())
            told.records += many
            if code is Reason.FILTERED_BY_RULE:
                trial.filters[detail] += many
            told.example = told.example or f"record {number + 1}: {detail}"
