"""Instants and dates as people write them on the command line."""

import datetime
import zoneinfo

import typer

from dataflows.exits import Exit
from schemas.instants import EPOCH, MICROSECOND, micros_from_text

_DATE = len("2026-11-01")


def instant(text: str, option: str, zone: str = "UTC") -> int:
    """Read a date (its midnight in a zone), or an instant with an offset, as microseconds UTC.

    Args:
        text: `2026-11-01` or `2026-11-01T08:00:00+01:00`.
        option: Where it was written, for the message.
        zone: IANA zone of a date.

    Raises:
        typer.Exit: With code 2, if it is neither.
    """
    try:
        if len(text) == _DATE:
            day = datetime.datetime.combine(
                datetime.date.fromisoformat(text), datetime.time(), zoneinfo.ZoneInfo(zone)
            )
            return (day - EPOCH) // MICROSECOND
        return int(str(micros_from_text(text)))
    except ValueError as error:
        typer.echo(f"{option} {text}: write 2026-11-01 or 2026-11-01T08:00:00Z ({error})", err=True)
        raise typer.Exit(Exit.USAGE) from error


def stored_micros(moment: datetime.datetime) -> int:
    """Read a time that the store gave, which is UTC without saying so, as microseconds."""
    return (moment.replace(tzinfo=EPOCH.tzinfo) - EPOCH) // MICROSECOND


def age_words(micros: int) -> str:
    """Say how long ago something was, in its largest unit.

    >>> [age_words(seconds * 1_000_000) for seconds in (-5, 59, 3_600, 180_000)]
    ['0 s', '59 s', '1 h', '2 d']
    """
    seconds = max(0, micros) // 1_000_000
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
