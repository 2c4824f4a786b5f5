"""Rating profiles: which history of plans a tenant, category and subject has."""

import datetime as dt
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from schemas.services import Service
from tallywire.catalog.imports.cgrates.plans import PlanBook
from tallywire.catalog.imports.cgrates.tables import Cells
from tallywire.catalog.imports.cgrates.tariffs import Activation, History
from tallywire.catalog.imports.report import Kind, Note

SERVICES: Mapping[str, Service] = {
    "call": Service.VOICE,
    "voice": Service.VOICE,
    "sms": Service.SMS,
    "mms": Service.MMS,
    "data": Service.DATA,
}
"""Category to service, where nothing else is said."""

_EARLIEST = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_LATEST = dt.datetime(2099, 12, 31, tzinfo=dt.UTC)

Key = tuple[str, str, str]
"""Tenant, category and subject."""


@dataclass(frozen=True)
class Profile:
    """What one tenant, category and subject pays.

    Attributes:
        rows: Its rows, with their instants, ascending.
    """

    key: Key
    rows: tuple[tuple[dt.datetime, Cells], ...]

    @property
    def first(self) -> Cells:
        """The first row."""
        return self.rows[0][1]

    def at(self, moment: dt.datetime) -> Cells | None:
        """Give the row that holds at an instant, none before the first."""
        return next((row for start, row in reversed(self.rows) if start <= moment), None)


def _moment(text: str, zone: str) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zoneinfo.ZoneInfo(zone))
    if moment.year < _EARLIEST.year:
        return _EARLIEST
    return moment if moment < _LATEST else None


def read_profiles(rows: Iterable[Cells], zone: str, notes: list[Note]) -> list[Profile]:
    """Read profiles in the order of the file; a row without readable date becomes a note."""
    found: dict[Key, dict[dt.datetime, Cells]] = {}
    for row in rows:
        key = row["tenant"], row["category"], row["subject"]
        moment = _moment(row["activation"], zone)
        if moment is None:
            text = f"{row['activation']!r} is no instant between 1970 and 2099; write one"
            notes.append(row.note(Kind.LOST, text, f"{' '.join(key)} does not change to the plan"))
        elif moment in found.setdefault(key, {}):
            text = f"{' '.join(key)} has two plans from {row['activation']} on; keep one"
            notes.append(row.note(Kind.REFUSED, text, "the first line counts"))
        else:
            found[key][moment] = row
    return [
        Profile(key, tuple(sorted(by_moment.items(), key=lambda one: one[0])))
        for key, by_moment in found.items()
        if by_moment
    ]


def _fallbacks(row: Cells) -> list[str]:
    return [name.strip() for name in row["fallback"].split(";") if name.strip()]


class Histories:
    """Finds the plans of a profile and of its fallback subjects, instant by instant."""

    def __init__(self, profiles: Sequence[Profile], book: PlanBook) -> None:
        self.profiles = {one.key: one for one in profiles}
        self.book = book
        self.notes = book.notes

    def of(self, profile: Profile) -> History:
        """Give the history of a profile; shorter, with a note, where a plan is missing."""
        found: list[Activation] = []
        for moment in self._moments(profile):
            row = profile.at(moment)
            assert row is not None  # noqa: S101  the first moment is the profile's own
            if not self.book.known(row["plan"]):
                self.notes.append(self._no_plan(row))
                if found:
                    last = found.pop()
                    found.append(Activation(last.start, last.plans, moment))
                    break
                continue
            plans = tuple(dict.fromkeys(self._plans(profile, row, moment)))
            if not found or found[-1].plans != plans:
                found.append(Activation(moment, plans))
        if len(found) > 1:
            self.notes.append(_over_an_edge(profile))
        return tuple(found)

    def _others(self, profile: Profile, row: Cells) -> Iterator[Profile]:
        tenant, category, _ = profile.key
        for name in _fallbacks(row):
            other = self.profiles.get((tenant, category, name))
            if other is None:
                text = f"there is no profile of the fallback subject {name!r}"
                money = "numbers that the plan does not know are set aside without price"
                self.notes.append(row.note(Kind.LOST, text, money))
            else:
                yield other

    def _moments(self, profile: Profile) -> list[dt.datetime]:
        own = [start for start, _ in profile.rows]
        others = [
            start
            for _, row in profile.rows
            for other in self._others(profile, row)
            for start, _ in other.rows
            if start > own[0]
        ]
        return sorted({*own, *others})

    def _plans(self, profile: Profile, row: Cells, moment: dt.datetime) -> Iterator[str]:
        yield row["plan"]
        for other in self._others(profile, row):
            held = other.at(moment)
            if held is not None and self.book.known(held["plan"]):
                yield held["plan"]

    def _no_plan(self, row: Cells) -> Note:
        text = f"there is no rating plan {row['plan']!r}; add it or correct the name"
        money = (
            f"usage of {row['category']} {row['subject']} from {row['activation']} on is set aside"
        )
        return row.note(Kind.LOST, text, money)


def _over_an_edge(profile: Profile) -> Note:
    text = f"{' '.join(profile.key)} changes its plan: the source divides a call at that instant"
    money = "here a call costs what the plan of its start says, to its end"
    return profile.rows[1][1].note(Kind.DIFFERENT, text, money)
