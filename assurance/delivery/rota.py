"""Who is called about a finding, and who next when nobody acknowledges it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.columns import Instant

_DAY_US = 86_400_000_000
_MINUTE_US = 60_000_000


class Rota(BaseModel):
    """People who take turns.

    Attributes:
        people: Channel of each person, by name.
        order: Names in the order of their turns; each person comes once.
        start: When the turn of the first one begins, RFC 3339.
        turn_days: Length of a turn.
        acknowledge_minutes: How long one person has before the next in the order is called.
        severities: Findings that somebody is called about.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    people: dict[str, str] = Field(min_length=1)
    order: list[str] = Field(min_length=1)
    start: Instant
    turn_days: Annotated[int, Field(ge=1, le=366)] = 7
    acknowledge_minutes: Annotated[int, Field(ge=1, le=10_080)] = 15
    severities: list[str] = ["critical"]

    @model_validator(mode="after")
    def _known(self) -> "Rota":
        strangers = [name for name in self.order if name not in self.people]
        if strangers or len(set(self.order)) != len(self.order):
            msg = f"order: each name once, and each one of people (not so: {', '.join(strangers)})"
            raise ValueError(msg)
        return self

    def line(self, at: int) -> list[str]:
        """Name who is called at an instant, and who next, and next: the turns, from then on."""
        turn = (at - self.start) // (self.turn_days * _DAY_US)
        first = turn % len(self.order)
        return [*self.order[first:], *self.order[:first]]


@dataclass(frozen=True)
class Told:
    """Who was called about a finding last: how far in the line, and when (microseconds UTC)."""

    level: int
    at: int


@dataclass(frozen=True)
class Call:
    """One person to be called about findings."""

    person: str
    alert_ids: tuple[str, ...]


def step(rota: Rota, told: Told | None, now: int) -> int | None:
    """Tell which level of the line is to be called about a finding now; none while one has time."""
    if told is None:
        return 0
    patience = rota.acknowledge_minutes * _MINUTE_US
    return told.level + 1 if now - told.at >= patience else None


def calls(
    rota: Rota, waiting: Iterable[str], told: Mapping[str, Told], now: int
) -> tuple[list[Call], dict[str, Told]]:
    """Tell whom to call about what, and what is then known of the findings that wait.

    Args:
        waiting: Ids of findings that nobody has acknowledged.
        told: What is known of them, by id; others in it are forgotten.
        now: Microseconds UTC.

    Returns:
        A call a person; behind the last of the line it begins with the first again.
    """
    line, known, due = rota.line(now), dict[str, Told](), list[tuple[str, str]]()
    for alert_id in sorted(set(waiting)):
        before = told.get(alert_id)
        level = step(rota, before, now)
        if level is not None:
            due.append((line[level % len(line)], alert_id))
            known[alert_id] = Told(level, now)
        elif before is not None:
            known[alert_id] = before
    return _by_person(due), known


def _by_person(due: Sequence[tuple[str, str]]) -> list[Call]:
    grouped = groupby(sorted(due), key=lambda one: one[0])
    return [Call(person, tuple(alert_id for _, alert_id in group)) for person, group in grouped]
