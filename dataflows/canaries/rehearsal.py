"""Trying a canary: what its feed makes of its record, without home and store."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from dataflows.canaries.making import made, record_of
from dataflows.trial import Trial, try_feed
from schemas.canaries import CANARY
from tallywire.catalog import Snapshot
from tallywire.catalog.canaries import Canary


def rehearsed(canary: Canary, snapshot: Snapshot, key: bytes, now_us: int) -> list[str]:
    """Read a canary's record as its feed does; say what keeps it from being known, or nothing.

    Raises:
        CanaryMisuse: If another feed would take its file.
    """
    sent = made(canary, 0, snapshot, key, now_us)
    with TemporaryDirectory() as folder:
        path = Path(folder) / Path(sent.file_name).name
        path.write_bytes(record_of(canary, sent))
        trial = try_feed(path, snapshot.feeds[canary.feed_id], snapshot, show=2, canary_key=key)
    wanted: dict[str, str | int] = {
        "session_id": sent.session_id, "account_id": sent.account_id,
        "start_time": sent.start_time, "quantity": sent.quantity, "b_number": sent.b_number,
    }  # fmt: skip
    return list(_faults(trial, wanted))


def _faults(trial: Trial, wanted: dict[str, str | int]) -> Iterator[str]:
    for (fate, reason), told in sorted(trial.reasons.items()):
        yield f"its record is {fate}, {reason}: {told.example}"
    rows = [] if trial.preview is None else trial.preview.to_dicts()
    if len(rows) != 1 and not trial.reasons:
        yield f"its record is {len(rows)} usages, and must be one"
    for row in rows:
        for name, value in wanted.items():
            if row[name] != value:
                yield f"{name} is {row[name] or 'empty'}, and must be {value or 'empty'}"
        if CANARY not in row["quality_flags"].split(",") and all(
            row[name] == value for name, value in wanted.items()
        ):
            yield "it is not known by its signature"
