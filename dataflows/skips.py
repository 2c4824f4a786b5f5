"""Passing over messages that are gone: only where a person asked for it, and said why."""

from pathlib import Path

from pydantic import BaseModel, ValidationError

from dataflows.files import write_atomic

_SKIP = "skip.json"


class Skip(BaseModel):
    """What a person asked for.

    Attributes:
        by: Who.
        note: Why.
        through: The position of the ledger before which it holds, once it has been used: a restart
            needs it again for ranges ledgered before, and what is lost later must be asked for.
    """

    by: str
    note: str
    through: int | None = None


def ask_skip(folder: Path, *, by: str, note: str) -> None:
    """Let a lane pass over messages that are gone, once."""
    _write(folder, Skip(by=by, note=note))


def _write(folder: Path, skip: Skip) -> None:
    write_atomic(folder / _SKIP, skip.model_dump_json().encode(), durable=True)


def asked_skip(folder: Path, position: int) -> Skip | None:
    """Read what was asked for, where it holds for this position of the ledger."""
    try:
        skip = Skip.model_validate_json((folder / _SKIP).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    return skip if skip.through is None or position < skip.through else None


def keep_skip(folder: Path, skip: Skip, through: int) -> None:
    """Note that it is in use, for ranges that a restart may meet again."""
    if skip.through is None:
        _write(folder, skip.model_copy(update={"through": through}))


def skipped(folder: Path) -> None:
    """Note that it was done: it stands in the lane's ledger."""
    (folder / _SKIP).unlink(missing_ok=True)
