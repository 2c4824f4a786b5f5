"""Heads, notifications and audits of TAP files: what a file declares, and what it holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tallywire.mediation.ber.tree import Fields, fields, text, whole, within
from tallywire.mediation.decoded import Frames
from tallywire.mediation.decoders.tap import tags
from tallywire.mediation.decoders.tap.events import READ, Events
from tallywire.mediation.decoders.tap.head import Head, head_in, instant, sequence_of, series_of
from tallywire.mediation.framing.ber import Broken, Unfinished, header

_AMOUNTS = {"total": tags.TOTAL_CHARGE, "tax": tags.TOTAL_TAX, "discount": tags.TOTAL_DISCOUNT}
_STRAY = b"\0\0"


def declared(audit: Fields) -> dict[str, int]:
    """Read what an audit says of its file."""
    found: dict[str, int] = {}
    count = whole(audit, tags.EVENT_COUNT)
    if count is not None:
        found["declared_records"] = count
    for name, tag in _AMOUNTS.items():
        value = whole(audit, tag)
        if value is not None:
            found[f"declared_{name}"] = value
    for name, tag in (("earliest", tags.EARLIEST), ("latest", tags.LATEST)):
        moment = instant(audit, tag)
        if moment is not None:
            found[f"declared_{name}"] = moment
    return found


def _value(piece: bytes) -> bytes:
    try:
        _, place, length = header(piece, 0)
    except (Broken, Unfinished):
        return b""
    return piece[place:-2] if length is None else piece[place : place + length]


@dataclass(frozen=True)
class Told:
    """What the controls of a piece say.

    Attributes:
        said: What each says, by row.
        control: Their numbers.
        series: Whose numbers the file's number is one of.
    """

    said: Mapping[int, str]
    control: Mapping[str, int]
    series: str


def _notified(found: Fields) -> tuple[str, dict[str, int], str]:
    """Read a notification: a file without events, which has a number all the same."""
    number = sequence_of(found, tags.FILE_SEQUENCE)
    control = {"declared_records": 0, "counted_records": 0}
    if number is not None:
        control["sequence"] = number
    route = f"{text(found, tags.SENDER)} to {text(found, tags.RECIPIENT)}"
    test = text(found, tags.FILE_TYPE) == "T"
    series = series_of(text(found, tags.SENDER), text(found, tags.RECIPIENT), test=test)
    return f"notification: file {number} from {route} has no events", control, series


def _empty_batch(found: Fields) -> tuple[str, dict[str, int], str]:
    """Read a batch that has no list of events; one that has is no control."""
    if tags.EVENT_LIST in found:
        return "", {}, ""
    head = head_in(found)
    control = {"counted_records": 0, **declared(within(found, tags.AUDIT))}
    if head.sequence is not None:
        control["sequence"] = head.sequence
    words = f"file {head.number} from {head.sender} to {head.recipient} has no events"
    return words, control, head.series


def _stray(frames: Frames, row: int) -> bool:
    """Tell whether ends of contents follow the last element of a file of definite length."""
    end = int(frames.starts[row] + frames.lengths[row])
    try:
        outer = header(frames.prologue, 0)[2]
    except (Broken, Unfinished):
        return False
    rest = frames.data[end:]
    return outer is not None and rest[:2] == _STRAY and not rest.strip(b"\0")


def told(
    frames: Frames, tag: npt.NDArray[np.int64], hidden: npt.NDArray[np.bool_], head: Head
) -> Told:
    """Say what the controls of a piece say."""
    said: dict[int, str] = {}
    series = head.series
    control: dict[str, int] = {}
    for row in np.flatnonzero(hidden).tolist():
        said[row] = f"head of file {head.number} from {head.sender} to {head.recipient}"
        control["trailer_wanted"] = 1
        if head.sequence is not None:
            control["sequence"] = head.sequence
    for row in np.flatnonzero(~hidden & ~np.isin(tag, list(READ)) & (tag != 0)).tolist():
        begin = int(frames.starts[row])
        found = fields(_value(frames.data[begin : begin + int(frames.lengths[row])]))
        one = int(tag[row])
        more: Mapping[str, int] = {}
        if one == tags.AUDIT:
            more = {"trailer_found": 1, **declared(found)}
            said[row] = "audit of the file"
            if _stray(frames, row):
                said[row] += "; ends of contents follow it that belong to nothing"
                more = {**more, "stray_octets": 1}
        elif one == tags.NOTIFICATION:
            said[row], more, series = _notified(found)
        elif one == tags.TRANSFER_BATCH:
            said[row], more, own = _empty_batch(found)
            series = own or series
        else:
            said[row] = "texts of the sender"
        control.update(more)
    return Told(said, control, series)


def counted(tag: npt.NDArray[np.int64], kinds: Sequence[Events]) -> dict[str, int]:
    """Count what audits declare, over all events, whatever became of them."""
    events = int(np.isin(tag, list(READ)).sum())
    if not events:
        return {}
    found = {"counted_records": events}
    for name, column in (("total", "charge"), ("tax", "tax"), ("discount", "discount")):
        sums = [sum(kind.charged.rows[column].to_list()) for kind in kinds]
        found[f"counted_{name}"] = sum(sums)
    times = [time for kind in kinds for time in kind.rows["start_us"].drop_nulls().to_list()]
    if times:
        found["counted_earliest"], found["counted_latest"] = min(times), max(times)
    return found
