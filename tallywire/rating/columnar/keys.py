"""Keys of counters in columns: who owns each, its name, and the period, as text."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from tallywire.rating.columnar.periods import Periods

Ints = npt.NDArray[np.int64]

OWNER = {"subscription": "subscription_id", "account": "account_id", "hierarchy": "routing_id"}
"""Field of UsageEvent that owns the counters of a scope."""
SCOPES = tuple(OWNER)
PERIODS = ("day", "week", "month", "year", "once")
SEPARATOR = "\x1f"


def kind_of(scope: str, period: str) -> int:
    """Number a scope and a period together."""
    return SCOPES.index(scope) * len(PERIODS) + PERIODS.index(period)


class CounterNames:
    """What names the counters of a list of terms.

    Args:
        terms: Scope, period and name of each.
    """

    def __init__(self, terms: Sequence[tuple[str, str, str]]) -> None:
        self.kind = np.array([kind_of(scope, period) for scope, period, _ in terms], np.int64)
        self.names = list(dict.fromkeys(name for _, _, name in terms))
        number = {name: place for place, name in enumerate(self.names)}
        self.number = np.array([number[name] for _, _, name in terms], np.int64)


@dataclass(frozen=True)
class Keys:
    """Writes keys of the usage of one leg.

    Attributes:
        usage: Rows of UsageEvent.
        periods: The periods of each row.
        lead: First part of keys that do not begin with their owner.
        plain: Scopes whose keys begin with their owner.
    """

    usage: pl.DataFrame
    periods: Periods
    lead: str
    plain: tuple[str, ...] = ()

    def of(self, counters: CounterNames, rows: Ints, chosen: Ints) -> pl.Series:
        """Write the keys of some rows.

        Args:
            counters: Names of counters.
            rows: Places of the rows.
            chosen: Which counter each asks for.
        """
        kinds = counters.kind[chosen]
        met = np.flatnonzero(np.bincount(kinds)).tolist()
        if len(met) == 1:
            return self._texts(counters, met[0], rows, counters.number[chosen])
        parts = [np.flatnonzero(kinds == kind) for kind in met]
        texts = [
            self._texts(counters, kind, rows[part], counters.number[chosen[part]])
            for kind, part in zip(met, parts, strict=True)
        ]
        return pl.concat(texts, rechunk=True).gather(np.argsort(np.concatenate(parts)))

    def _texts(self, counters: CounterNames, kind: int, rows: Ints, name: Ints) -> pl.Series:
        """Write the keys of one scope and period: the owner between two texts that are few."""
        scope, period = SCOPES[kind // len(PERIODS)], PERIODS[kind % len(PERIODS)]
        number, periods = self.periods.of(period)
        pairs = name * len(periods) + number[rows]
        met = np.zeros(len(counters.names) * len(periods), bool)
        met[pairs] = True
        place = np.cumsum(met) - 1
        ends = [
            SEPARATOR.join(("", counters.names[pair // len(periods)], periods[pair % len(periods)]))
            for pair in np.flatnonzero(met).tolist()
        ]
        owner = self.usage[OWNER[scope]]
        owner = owner if len(rows) == self.usage.height else owner.gather(rows)
        end = pl.Series(ends).gather(place[pairs])
        start = "" if scope in self.plain else SEPARATOR.join((self.lead, scope, ""))
        return start + owner + end if start else owner + end
