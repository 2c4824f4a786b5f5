"""The catalogue: feeds, zones, calendars, tariffs, plans, offers and accounts.

A catalogue is a folder that a business analyst edits and reviews. `read` takes its files and gives
an immutable snapshot named by their hash, or every problem with file, line and key.
"""

from tallywire.catalog.compile_snapshot import content_hash
from tallywire.catalog.diff import Change, diff
from tallywire.catalog.problems import Problem
from tallywire.catalog.reading import Reading, read
from tallywire.catalog.rules_feeds import HasOptions
from tallywire.catalog.snapshot import Snapshot

__all__ = [
    "Change",
    "HasOptions",
    "Problem",
    "Reading",
    "Snapshot",
    "content_hash",
    "diff",
    "read",
]
