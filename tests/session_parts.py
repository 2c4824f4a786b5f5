"""Records of sessions as a format decodes them, made by hand, and the lane that works them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from schemas.columns import frame_to_rows
from schemas.outcomes import SuspenseEvent
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.decoded import DECODED, complete
from tallywire.mediation.lane import BatchContext, LaneState, Mediated, mediate
from tallywire.mediation.patience import MINUTE_US
from tallywire.mediation.recycle import Request, recycle
from tallywire.mediation.resolve import IdentifierIndex
from tests.laws.feeds import SNAPSHOT

SECOND = 1_000_000
NOON = 1_792_929_600_000_000  # 2026-10-25 12:00:00Z
IDLE, LONGEST = 60, 240
_COLLECTED = NOON + 20 * 24 * 60 * MINUTE_US
_INDEX = IdentifierIndex(SNAPSHOT.identifiers)

Row = dict[str, Any]


def feed_of(**options: object) -> Feed:
    """Give the example's feed of calls abroad, with other options."""
    patience = {"idle_minutes": IDLE, "max_open_minutes": LONGEST}
    return replace(SNAPSHOT.feeds["roamers"], options={**patience, **options})


FEED = feed_of()


def record(session: str, minute: int, kind: str = "complete", seconds: int = 0, **more: Any) -> Row:
    """Make a decoded record of a call that begins some minutes after noon."""
    start = NOON + minute * MINUTE_US
    return {
        "session_key": session, "kind": kind, "start_us": start, "service": "roaming_voice",
        "end_us": start + seconds * SECOND, "quantity": seconds * SECOND,
        "duration_us": seconds * SECOND, "imsi": "242990000010001", "b_raw": "004741234567",
        "serving_plmn": "24001", "unit": "microsecond", **more,
    }  # fmt: skip


def invite(call: str, minute: int) -> Row:
    """Make the first part of a call, which ends with a part of its own."""
    return record(call, minute, "partial", join="span", is_first=True, is_last=False)


def bye(call: str, minute: int) -> Row:
    """Make the last part of a call."""
    return record(call, minute, "partial", join="span", is_first=False, is_last=True, b_raw="")


def part(session: str, number: int, minute: int, seconds: int, mark: str = "") -> Row:
    """Make a part of a session whose parts add up; `mark` is first, last or neither."""
    ends = {"is_first": mark == "first", "is_last": mark == "last"}
    return record(session, minute, "partial", seconds, partial_no=number, **ends)


def delta(session: str, number: int, minute: int, seconds: int = 60, mark: str = "") -> Row:
    """Make usage that is one of the numbered records of a session."""
    ends = {"is_first": mark == "first", "is_last": mark == "last"}
    return record(session, minute, "delta", seconds, partial_no=number, **ends)


def clock(minute: int) -> Row:
    """Make a call by which the feed's event time reaches a minute."""
    return record("", minute, seconds=1)


def decoded(rows: Sequence[Row], first: int = 0) -> pl.DataFrame:
    """Put records into the columns of decoding, each with a key of its own."""
    numbered = [
        {"record_no": number, "byte_offset": 100 * number, "byte_length": 99,
         "raw_hash": number + 1, "natural_key": f"key-{number}", **row}
        for number, row in enumerate(rows, start=first)
    ]  # fmt: skip
    kinds = {name: DECODED[name] for row in numbered for name in row}
    return complete(pl.DataFrame(numbered, schema=pl.Schema(kinds)))


def context_of(feed: Feed = FEED, file: str = "file") -> BatchContext:
    """Say where a batch comes from."""
    return BatchContext(
        feed=feed, snapshot=SNAPSHOT, index=_INDEX, lane=feed.feed_id, file_id=file,
        file_name=file, collected_at=_COLLECTED, frames=None,
    )  # fmt: skip


def reopened(state: LaneState) -> LaneState:
    """Write the state down and read it back, as a restart does."""
    fresh = LaneState()
    for piece in state.dump():
        fresh.apply(piece)
    return fresh


class Lane:
    """A lane at work on files, each of which is a batch; its state is reopened between them."""

    def __init__(self, feed: Feed = FEED) -> None:
        self.feed, self.state = feed, LaneState()
        self.made: list[Mediated] = []
        self._records = 0

    def take(self, *rows: Row) -> Mediated:
        """Work records as a file of their own."""
        frame = decoded(rows, self._records)
        self._records += len(rows)
        return self._keep(mediate(self.state, frame, context_of(self.feed)))

    def recycle(self, *held: Mapping[str, Any]) -> Mediated:
        """Try suspended records again, in this order."""
        requests = [
            Request(suspended=SuspenseEvent.model_validate(row), attempt=row["attempt"] + 1)
            for row in held
        ]
        return self._keep(recycle(self.state, requests, context_of(self.feed)))

    def _keep(self, made: Mediated) -> Mediated:
        self.made.append(made)
        self.state = reopened(self.state)
        conserved(self.made)
        return made

    def held(self) -> list[dict[str, Any]]:
        """Give what is suspended now, in the order in which it was."""
        latest: dict[str, dict[str, Any]] = {}
        for row in frame_to_rows(whole(self.made, "suspense"), SuspenseEvent):
            latest.pop(row.suspense_id, None)
            if row.change > 0:
                latest[row.suspense_id] = row.model_dump()
        return [*latest.values()]

    def open(self) -> pl.DataFrame:
        """Give the parts that wait now."""
        rows = whole(self.made, "waiting")
        place = ["file_id", "record_no", "item_no"]
        kept = rows.group_by(place).agg(pl.col("change").sum()).filter(pl.col("change") > 0)
        latest = rows.filter(pl.col("change") > 0).unique(place, keep="last", maintain_order=True)
        return latest.join(kept.select(place), on=place)

    def seconds(self) -> list[int]:
        """Give the quantities of all usage."""
        return [quantity // SECOND for quantity in whole(self.made, "usage")["quantity"]]


def whole(made: Sequence[Mediated], name: str) -> pl.DataFrame:
    """Put one table of several batches together."""
    frames: list[pl.DataFrame] = [getattr(one, name) for one in made]
    return pl.concat(frames)


def conserved(made: Sequence[Mediated]) -> None:
    """Make sure that every record has one fate, and that what waits is what is listed."""
    counts = whole(made, "counts")
    term = {
        name: int(counts.filter(pl.col("term") == name)["records"].sum())
        for name in ("collected", "open", "accepted")
    }
    aside = int(whole(made, "set_aside")["records"].sum())
    held = int(whole(made, "suspense")["change"].sum())
    assert term["accepted"] == whole(made, "usage").height
    assert term["collected"] == term["accepted"] + aside + held + term["open"]
    assert int(whole(made, "waiting")["change"].sum()) == term["open"]
    places = whole(made, "waiting").group_by("file_id", "record_no").agg(pl.col("change").sum())
    assert set(places["change"].to_list()) <= {0, 1}
