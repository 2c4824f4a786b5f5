"""How long sessions may be silent, by the feed's own event time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

MINUTE_US = 60_000_000
_DEFAULT_IDLE = 240
_DEFAULT_OPEN = 1_440


class OfSpans(BaseModel):
    """Options of feeds whose usage lasts from one record to another.

    Attributes:
        max_open_minutes: Usage whose other record has not come after so long, by the feed's own
            event time, is suspense.
    """

    model_config = ConfigDict(extra="forbid")

    max_open_minutes: int = Field(default=_DEFAULT_OPEN, ge=1)


class OfSessions(OfSpans):
    """Options of feeds whose sessions are told in several records.

    Attributes:
        idle_minutes: Parts are joined, or a number that lacks is reported, when nothing came for
            so long.
        sessions_must_end: A numbered session that falls silent without its last record is reported.
    """

    idle_minutes: int = Field(default=_DEFAULT_IDLE, ge=1)
    sessions_must_end: bool = False


@dataclass(frozen=True)
class Patience:
    """How long sessions may be silent.

    Attributes:
        idle_minutes: Parts that add up are then joined without their end; a number that is missing
            is then reported.
        max_open_minutes: What is still without its beginning or end is then given up.
        must_end: A numbered session that is given up without its end is reported.
    """

    idle_minutes: int
    max_open_minutes: int
    must_end: bool = False

    @property
    def idle_us(self) -> int:
        """Give the shorter time in microseconds."""
        return self.idle_minutes * MINUTE_US

    @property
    def open_us(self) -> int:
        """Give the longer time in microseconds."""
        return self.max_open_minutes * MINUTE_US


def patience_of(options: Mapping[str, Any]) -> Patience:
    """Read a feed's options."""
    return Patience(
        int(options.get("idle_minutes") or _DEFAULT_IDLE),
        int(options.get("max_open_minutes") or _DEFAULT_OPEN),
        bool(options.get("sessions_must_end")),
    )
