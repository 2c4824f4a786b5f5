"""Bytewax's recovery store of a group: made whole or not at all, and kept to the group's own lanes.

A source that resumes with a key that it does not list stops the flow. Keys outlive their lanes when
a group was split, and when a feed left the catalogue.
"""

import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

from bytewax.recovery import RecoveryConfig, init_db_dir

_PARTS = "part-*.sqlite3"


def recovery_config(folder: Path) -> RecoveryConfig:
    """Open a group's recovery store; it is made where there is none."""
    if not folder.exists():
        draft = folder.with_name(f".{folder.name}")
        draft.mkdir(parents=True, exist_ok=True)
        init_db_dir(draft, 1)  # type: ignore[no-untyped-call]  # Bytewax types it so
        draft.rename(folder)
    return RecoveryConfig(folder)  # type: ignore[no-untyped-call]  # as above


def known_lanes(folder: Path, step: str) -> set[str]:
    """Name the lanes whose state a step left in the store.

    Args:
        step: The step's own name, without its flow's.
    """
    found: set[str] = set()
    for path in sorted(folder.glob(_PARTS)):
        with closing(sqlite3.connect(path)) as store:
            rows = store.execute(
                "SELECT DISTINCT state_key FROM snaps WHERE step_id LIKE ?", (f"%.{step}",)
            )
            found |= {key for (key,) in rows}
    return found


def keep_only(folder: Path, lanes: Collection[str]) -> int:
    """Forget the state of lanes that the group does not own; give how many entries that were.

    The lanes' journals and ledgers lie elsewhere, and so does the copy of this store with which
    their new owner resumes them.
    """
    forgotten = 0
    marks = ", ".join("?" * len(lanes))
    for path in sorted(folder.glob(_PARTS)):
        with closing(sqlite3.connect(path)) as store, store:
            gone = store.execute(
                f"DELETE FROM snaps WHERE state_key NOT IN ({marks})",  # noqa: S608  marks only
                tuple(lanes),
            )
            forgotten += gone.rowcount
    return forgotten
