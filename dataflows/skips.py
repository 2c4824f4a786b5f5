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
    """

    by: str
    note: str


def ask_skip(folder: Path, *, by: str, note: str) -> None:
    """Let a lane pass over messages that are gone, once."""
    content = Skip(by=by, note=note).model_dump_json().encode()
    write_atomic(folder / _SKIP, content, durable=True)


def asked_skip(folder: Path) -> Skip | None:
    """Read what was asked for."""
    try:
        return Skip.model_validate_json((folder / _SKIP).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def skipped(folder: Path) -> None:
    """Note that it was done: it stands in the lane's ledger."""
    (folder / _SKIP).unlink(missing_ok=True)
