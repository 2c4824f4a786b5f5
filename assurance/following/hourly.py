"""Counts by entity and hour, what is usual in them, and by when they have usually come."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from assurance.following.elements import FEED, UTC, Counted, Key, ahead, whole_of
from assurance.following.episodes import Hour
from assurance.following.rows import hour_of
from assurance.following.totals import History
from assurance.following.usual_hours import HOURS_OF_DAY, usual

KEEP_HOURS = 35 * HOURS_OF_DAY
LOOK_BACK = 14 * HOURS_OF_DAY
"""Hours of an entity that are judged again when usage of them comes late."""
_GRACE = 2
"""Hours beyond the usual delay of a series that must have passed before an hour is judged."""
_MOST_DELAY = 14 * HOURS_OF_DAY
"""Usage that usually comes later than this is not judged."""
MOST_ELEMENTS = 5_000
"""Elements of a whole; further ones are counted in it, not by themselves."""
_SEPARATOR = "\x1f"
_NONE = -1


class Hourly:
    """Sums of entities, by hours of the operator's wall clock; no order of rows matters.

    Attributes:
        sums: By entity and hour: records, billionths of the currency.
        elements: How many elements each whole has.
    """

    def __init__(self) -> None:
        self.sums: dict[Key, History] = {}
        self.elements: dict[Key, int] = {}
        self._usual: dict[Key, dict[int, int]] = {}
        self._arrived: dict[str, int] = {}
        self._delays: dict[Key, list[int]] = {}
        self._judged_to: dict[Key, int] = {}
        self._dirty: dict[Key, int] = {}

    def arrive(self, rows: pl.DataFrame, zones: Mapping[str, str]) -> None:
        """Note how late rows came, and how far the arrival of their tenant is.

        Args:
            zones: Time zones of tenants.
        """
        hours = rows.group_by("tenant_id", maintain_order=True).agg(hour_of("collected_at").max())
        for tenant, at in hours.iter_rows():
            hour = at + ahead(at, zones.get(tenant, UTC))
            self._arrived[tenant] = max(self._arrived.get(tenant, 0), hour)
        late = (hour_of("collected_at") - hour_of("start_time")).clip(0, _MOST_DELAY).alias("late")
        counts = rows.group_by(
            "tenant_id", "feed_id", "service", "currency", late, maintain_order=True
        ).len()
        for tenant, feed, service, currency, hours_late, count in counts.iter_rows():
            key = (FEED, tenant, feed, service, currency, "")
            self._delays.setdefault(key, [0] * (_MOST_DELAY + 1))[hours_late] += count

    def add(self, counted: Iterable[Counted]) -> None:
        """Add counts up."""
        for key, hour, records, nano in counted:
            history = self.sums.get(key)
            if history is None:
                if key[-1] and not self._room(key):
                    continue
                history = self.sums[key] = {}
            held = history.setdefault(hour, [0, 0])
            held[0] += records
            held[1] += nano
            self._dirty[key] = min(self._dirty.get(key, hour), hour)

    def _room(self, key: Key) -> bool:
        """Take an element in, where its whole has room for one more."""
        whole = whole_of(key)
        count = self.elements.get(whole, 0)
        self.elements[whole] = min(count + 1, MOST_ELEMENTS)
        return count < MOST_ELEMENTS

    def due(self, patient: Iterable[Key]) -> Iterator[tuple[Key, int, int]]:
        """Give the entities that have hours to be judged, with the first and the last of them.

        Their usage should have come by now, or has changed since they were judged; what became
        usual in them is known after that.

        Args:
            patient: Entities of which a change of earlier hours matters at once; that of others can
                wait until their next hour is judged.
        """
        wanted = frozenset(patient)
        delays = {key: _usual_delay(counts) for key, counts in self._delays.items()}
        slowest: dict[str, int] = {}
        for key, delay in delays.items():
            if delay < _MOST_DELAY:
                slowest[key[1]] = max(slowest.get(key[1], 0), delay)
        for key, history in list(self.sums.items()):
            delays_of = delays.get(whole_of(key), _MOST_DELAY)
            delay = delays_of if key[2] else slowest.get(key[1], _MOST_DELAY)
            if delay >= _MOST_DELAY:
                continue  # usage of long ago, loaded now: nobody can tell when more of it is due
            due = self._arrived[key[1]] - delay - _GRACE
            judged = self._judged_to.get(key, min(history))
            until = max(due, judged - 1)
            if until < judged and not (key[0] == FEED or key in wanted):
                continue
            since = min(judged, self._dirty.pop(key, judged))
            if since > until:
                continue
            self._judged_to[key] = until + 1
            if self._kept(key, until - KEEP_HOURS):
                yield key, self._know(key, since, until), until

    def _kept(self, key: Key, oldest: int) -> bool:
        """Forget hours that are too old, and whoever has no others."""
        history = self.sums[key]
        while history and (first := min(history)) < oldest:
            del history[first]
        if not history:
            for held in (self.sums, self._usual, self._judged_to, self._dirty):
                held.pop(key, None)
            if key[-1]:
                self.elements[whole_of(key)] -= 1
        return bool(history)

    def _know(self, key: Key, since: int, until: int) -> int:
        """Note what is usual in hours, and forget it of those that are never judged again."""
        history = self.sums[key]
        oldest = self.oldest(until)
        known = self._usual.setdefault(key, {})
        for hour in [one for one in known if one < oldest]:
            del known[hour]
        first = max(since, oldest)
        for hour in range(first, until + 1):
            found = usual(history, hour)
            known[hour] = _NONE if found is None else found
        return first

    @staticmethod
    def oldest(until: int) -> int:
        """Give the first hour that is still judged: of whole days."""
        return (until - LOOK_BACK) // HOURS_OF_DAY * HOURS_OF_DAY

    def hours(self, key: Key) -> list[Hour]:
        """Give the hours of an entity that are judged, in order."""
        history = self.sums.get(key, {})
        return [
            Hour(hour, found, history[hour][0] if hour in history else 0)
            for hour, found in sorted(self._usual.get(key, {}).items())
            if found != _NONE
        ]

    def within(self, key: Key, first: int, last: int) -> tuple[int, int]:
        """Give what is usual in hours of an entity, in thousandths, and what came."""
        history, known = self.sums.get(key, {}), self._usual.get(key, {})
        hours = [one for one in range(first, last + 1) if known.get(one, _NONE) != _NONE]
        here = sum(history[one][0] for one in hours if one in history)
        return sum(known[one] for one in hours), here

    def dump(self) -> dict[str, Any]:
        """Give all of it as plain values."""
        return {
            "sums": _texts(self.sums), "usual": _texts(self._usual), "arrived": self._arrived,
            "delays": {_SEPARATOR.join(key): _short(one) for key, one in self._delays.items()},
            "judged": {_SEPARATOR.join(key): hour for key, hour in self._judged_to.items()},
            "dirty": {_SEPARATOR.join(key): hour for key, hour in self._dirty.items()},
        }  # fmt: skip

    def take_older(self, delays: Mapping[str, Sequence[int]]) -> None:
        """Take the delays of feeds as an older version kept them, by their own names."""
        rest = [0] * (_MOST_DELAY + 1)
        for text, counts in delays.items():
            key = key_of(_SEPARATOR.join([FEED, text, ""]))
            self._delays[key] = [*counts, *rest[len(counts) :]]

    def load(self, found: dict[str, Any]) -> None:
        """Read it back."""
        self.sums = _keys(found["sums"])
        self._usual = _keys(found["usual"])
        self._arrived = found["arrived"]
        rest = [0] * (_MOST_DELAY + 1)
        self._delays = {
            key_of(key): [*counts, *rest[len(counts) :]] for key, counts in found["delays"].items()
        }
        self._judged_to = {key_of(key): hour for key, hour in found["judged"].items()}
        self._dirty = {key_of(key): hour for key, hour in found["dirty"].items()}
        self.elements = {}
        for key in self.sums:
            if key[-1]:
                self._room(key)


def key_of(text: str) -> Key:
    """Read a key as it is written down."""
    kind, tenant, feed, service, currency, name = text.split(_SEPARATOR)
    return kind, tenant, feed, service, currency, name


def text_of(key: Key) -> str:
    """Write a key down."""
    return _SEPARATOR.join(key)


def _texts(held: dict[Key, dict[int, Any]]) -> dict[str, dict[str, Any]]:
    return {
        text_of(key): {str(hour): value for hour, value in hours.items()}
        for key, hours in held.items()
    }


def _keys(held: dict[str, dict[str, Any]]) -> dict[Key, dict[int, Any]]:
    return {
        key_of(key): {int(hour): value for hour, value in hours.items()}
        for key, hours in held.items()
    }


def _short(counts: Sequence[int]) -> Sequence[int]:
    """Leave out the zeros at the end."""
    last = max((place for place, count in enumerate(counts) if count), default=-1)
    return counts[: last + 1]


def _usual_delay(counts: Sequence[int]) -> int:
    """Give the hours within which all but a hundredth of a series' usage has come.

    >>> _usual_delay([10, 89, 1, 0]), _usual_delay([0, 98, 2])
    (1, 2)
    """
    left = sum(counts)
    total = left
    for hours, count in enumerate(counts):
        left -= count
        if left * 100 <= total:
            return hours
    return len(counts) - 1
