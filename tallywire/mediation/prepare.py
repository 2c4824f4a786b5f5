"""Before a record is identified: its fields where the feed wants them, its times as they were.

Nothing here looks beyond the row, so that cuts of batches do not matter.
"""

import datetime
import zoneinfo

import numpy as np
import polars as pl

from schemas.reasons import Reason
from tallywire.catalog.feed_rules import FieldCopy, Node
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.decoded import refuse
from tallywire.mediation.fields import flagged, read_field, with_fields
from tallywire.mediation.nodes import node_numbers
from tallywire.mediation.values import from_wall, offset_of

CLOCK_CORRECTED = "clock_corrected"
AMBIGUOUS_TIME = "ambiguous_time"
ASSUMED = "assumed"
_TIMES = ("start_us", "setup_us", "end_us")
_HOURS_US = 3 * 3_600_000_000
_SPAN_US = 14 * 86_400_000_000
_LATEST_US = 4_102_444_800_000_000
_US = datetime.timedelta(microseconds=1)
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def prepared(decoded: pl.DataFrame, feed: Feed) -> pl.DataFrame:
    """Give decoded rows with the feed's field map and the clocks of its nodes applied."""
    frame = _copied(decoded, feed.copies)
    if feed.nodes:
        frame = _on_own_clocks(frame, feed)
    return _ambiguous_told(frame, feed)


def _copied(frame: pl.DataFrame, copies: tuple[FieldCopy, ...]) -> pl.DataFrame:
    """Apply a field map; every field is read as it was decoded, whatever the order."""
    if not copies:
        return frame
    columns = []
    for copy in copies:
        source, held = read_field(copy.source), read_field(copy.target)
        text = source
        if copy.values:
            other = held if copy.otherwise is None else pl.lit(copy.otherwise)
            known = list(copy.values)
            text = source.replace_strict(
                known, list(copy.values.values()), default=other, return_dtype=pl.String
            )
        columns.append(pl.when(source != "").then(text).otherwise(held).alias(copy.target))
    found = frame.select(columns)
    return with_fields(frame, {name: found[name] for name in found.columns})


def _on_own_clocks(frame: pl.DataFrame, feed: Feed) -> pl.DataFrame:
    which = node_numbers(frame, feed.nodes)
    for number, node in enumerate(feed.nodes):
        rows = which == number
        if not rows.any():
            continue
        assumed = pl.Series(rows) & (frame["clock_quality"] == ASSUMED)
        if node.time_zone != feed.time_zone and assumed.any():
            frame = _read_again(frame, assumed, feed.time_zone, node.time_zone)
        if node.clock:
            frame = _corrected(frame, pl.Series(rows), node)
    return frame


def _read_again(frame: pl.DataFrame, rows: pl.Series, zone: str, own: str) -> pl.DataFrame:
    """Read local times, which were read on the feed's clock, on the node's own."""
    walls = {name: _wall(pl.col(name), zone) for name in _TIMES}
    moments = {name: from_wall(wall, own) for name, wall in walls.items()}
    start = "start_us"
    gone = frame.select(walls[start].is_not_null() & moments[start].is_null()).to_series() & rows
    offset = offset_of(walls[start], moments[start]).cast(pl.Int32)
    frame = frame.with_columns(
        *(
            pl.when(rows & moments[name].is_not_null()).then(moments[name]).otherwise(name)
            .alias(name)
            for name in _TIMES
        ),
        pl.when(rows & offset.is_not_null()).then(offset).otherwise("utc_offset_minutes")
        .alias("utc_offset_minutes"),
    )  # fmt: skip
    told = pl.lit(f"the clock of {own} never showed this local time")
    return refuse(frame, pl.lit(gone), Reason.TIME_INVALID, told)


def _wall(moment: pl.Expr, zone: str) -> pl.Expr:
    utc = moment.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return utc.dt.convert_time_zone(zone).dt.replace_time_zone(None).cast(pl.Int64)


def _corrected(frame: pl.DataFrame, rows: pl.Series, node: Node) -> pl.DataFrame:
    """Take a measured skew off the times of a node, by the date of the record."""
    skew = pl.lit(0, dtype=pl.Int64)
    start = pl.col("start_us")
    for one in node.clock:
        inside = (start >= one.valid_from_us) & (start < one.valid_to_us)
        skew = pl.when(inside).then(pl.lit(one.offset_us, dtype=pl.Int64)).otherwise(skew)
    taken = frame.select(pl.when(rows).then(skew).otherwise(0).fill_null(0).alias("by")).to_series()
    frame = frame.with_columns(
        pl.when(taken != 0).then((pl.col(name) - taken).clip(0, _LATEST_US - 1)).otherwise(name)
        .alias(name)
        for name in _TIMES
    )  # fmt: skip
    return flagged(frame, taken != 0, CLOCK_CORRECTED)


def _ambiguous_told(frame: pl.DataFrame, feed: Feed) -> pl.DataFrame:
    """Remark on local times that the clock showed twice, of which the first was taken."""
    assumed = frame["clock_quality"] == ASSUMED
    if not assumed.any():
        return frame
    times = frame["start_us"].filter(assumed).drop_nulls()
    if times.is_empty():
        return frame
    zones = [*(node.time_zone for node in feed.nodes), feed.time_zone]
    which = node_numbers(frame, feed.nodes)
    edges = int(times.min()), int(times.max())  # type: ignore[arg-type]  # there are some
    for zone in sorted(set(zones)):
        if _same_offset(zone, *edges):
            continue
        here = pl.Series(np.array([one == zone for one in zones])[which]) & assumed
        wall = _wall(pl.col("start_us"), zone)
        twice = frame.select(from_wall(wall, zone, later=True) != from_wall(wall, zone)).to_series()
        frame = flagged(frame, here & twice.fill_null(value=False), AMBIGUOUS_TIME)
    return frame


def _same_offset(zone: str, first: int, last: int) -> bool:
    """Tell cheaply that a clock was not changed between two instants, or near them."""
    if last - first > _SPAN_US or not _HOURS_US <= first <= last < _LATEST_US:
        return False
    clock = zoneinfo.ZoneInfo(zone)
    before, after = (_EPOCH + edge * _US for edge in (first - _HOURS_US, last + _HOURS_US))
    return before.astimezone(clock).utcoffset() == after.astimezone(clock).utcoffset()
