"""Segments of a log on disk: files named by the position of their first byte."""

import time
from itertools import pairwise
from pathlib import Path


def segments(folder: Path) -> list[tuple[int, Path]]:
    """Give the first position and the path of every segment, in order."""
    return sorted((int(path.stem), path) for path in folder.glob("*.segment"))


def forget(folder: Path, before: int, older_than_s: float = 0.0) -> int:
    """Delete the segments that end at a position or before it; the newest stays.

    Args:
        folder: Of a partition.
        before: Every lane that reads the partition has committed all before this position.
        older_than_s: How long ago they must have been written last, seconds.

    Returns:
        How many were deleted.
    """
    gone = 0
    for (_, path), (end, _) in pairwise(segments(folder)):
        if end <= before and time.time() - path.stat().st_mtime >= older_than_s:
            path.unlink()
            gone += 1
    return gone
