"""Lines of separated values under a line that names their columns."""

import polars as pl

from tallywire.mediation.decoded import Frames
from tallywire.mediation.texts import fields_of, split_fields, text_frame

MOST_COLUMNS = 256
_MARK = "\ufeff"


def header_of(frames: Frames, separator: str = ",") -> list[str]:
    """Read the names of columns from the file's first line; none where it is no such line."""
    try:
        text = frames.prologue.decode().removeprefix(_MARK).strip("\r\n")
    except UnicodeDecodeError:
        return []
    names = fields_of(text, separator) or []
    names = [name.strip() for name in names]
    sound = len(names) <= MOST_COLUMNS and len(set(names)) == len(names) and all(names)
    return names if sound else []


def headed_frame(frames: Frames, separator: str = ",") -> tuple[pl.DataFrame, list[str]]:
    """Give place, reason, detail, `is_header` and the named columns of every line.

    Returns:
        The frame, and the names of its columns: none where the file has no line of names.
    """
    names = header_of(frames, separator)
    head = frames.prologue.strip(b"\r\n")
    is_header = pl.Series("is_header", [piece == head for piece in frames.slices()])
    if not names:
        frame = text_frame(frames)
        return frame.with_columns(is_header), names
    frame = split_fields(text_frame(frames), separator, (len(names),), quoted=True)
    renamed = {f"f{index}": name for index, name in enumerate(names)}
    return frame.rename(renamed).with_columns(is_header), names
