"""Which files of an inbox were read, and which of them no restart reads again."""

from typing import Any

import orjson

from dataflows.ledger import Held

Names = set[tuple[str, str]]
"""Name and sha256 of files."""


def _whole(held: Held, before: int, before_us: int | None) -> Names:
    found: Names = set()
    for position, cut in enumerate(held.entries, held.base):
        if position >= before or (before_us is not None and cut.ledgered_at >= before_us):
            break
        detail: dict[str, Any] = orjson.loads(cut.detail) if cut.detail else {}
        if detail.get("at_end"):
            found.add((detail["name"], detail["sha256"]))
    return found


def _folded(held: Held) -> Names:
    return {(name, sha256) for name, sha256 in held.folded.get("taken", ())}


def read_by(held: Held) -> Names:
    """Give the files that a lane has read to their end."""
    return _folded(held) | _whole(held, held.base + len(held.entries), None)


def gone_by(held: Held, committed: int, before_us: int) -> Names:
    """Give the files that a lane never reads again.

    Args:
        committed: Position of the ledger that every restart lies at or behind.
        before_us: Files are kept that were read to their end since then, microseconds UTC.
    """
    return _folded(held) | _whole(held, committed, before_us)
