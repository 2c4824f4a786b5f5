"""Controls over sums: of an entity and a stretch of time, judged against the stretches before."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

import orjson
import polars as pl

from assurance.following.control import StreamControl, World
from schemas.alerts import Alert

Key = tuple[str, ...]
Sums = list[int]
History = dict[int, Sums]
"""Sums of an entity by stretch, such as days since 1970."""

_SEPARATOR = "\x1f"
BUCKET = "bucket"
SIGN = pl.when(pl.col("op") == "reversal").then(-1).otherwise(1)
"""What a row adds to a count: a charge that is taken back counts as none."""


class TotalsControl(StreamControl):
    """Sums of entities by stretch; what is found is a function of the sums alone.

    Attributes:
        keys: Columns that name an entity, the tenant first.
        sums: Columns that are added up.
        keep: How many stretches of an entity are kept; the oldest go first.
    """

    keys: ClassVar[tuple[str, ...]]
    sums: ClassVar[tuple[str, ...]]
    keep: ClassVar[int]

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._sums: dict[Key, History] = {}
        self._open: dict[Key, dict[int, dict[str, str]]] = {}

    @abstractmethod
    def totals(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Give the keys, `bucket` and the sums of rows; a row for each that occurs."""

    @abstractmethod
    def judge(self, key: Key, bucket: int, history: History, at: int) -> Sequence[Alert]:
        """Judge a stretch of an entity by its sums and those of the stretches before.

        Returns:
            For every pattern that could be found an alert: open where it is, else `auto_closed`,
            which is told only where it was open before.
        """

    def take(self, rows: pl.DataFrame) -> Sequence[Alert]:
        """Add rows up, and judge what they change."""
        if rows.is_empty():
            return []
        at = int(str(rows["collected_at"].max()))
        touched = self._add(self.totals(rows))
        return [alert for key, first in touched.items() for alert in self._judged(key, first, at)]

    def _add(self, totals: pl.DataFrame) -> dict[Key, int]:
        """Add sums; give by entity the first stretch that has changed."""
        touched: dict[Key, int] = {}
        columns = totals.select(*self.keys, BUCKET, *self.sums)
        width = len(self.keys)
        for row in columns.iter_rows():
            key, bucket, sums = row[:width], row[width], row[width + 1 :]
            history = self._sums.setdefault(key, {})
            held = history.setdefault(bucket, [0] * len(self.sums))
            for number, value in enumerate(sums):
                held[number] += value
            touched[key] = min(touched.get(key, bucket), bucket)
            if len(history) > self.keep:
                del history[oldest := min(history)]
                self._open.get(key, {}).pop(oldest, None)
        return touched

    def _judged(self, key: Key, first: int, at: int) -> Iterator[Alert]:
        history = self._sums[key]
        for bucket in sorted(one for one in history if one >= first):
            for alert in self.judge(key, bucket, history, at):
                if self._changes(key, bucket, alert):
                    yield alert

    def _changes(self, key: Key, bucket: int, alert: Alert) -> bool:
        """Tell whether an alert says something else than the last of its id."""
        says = f"{alert.observed} {alert.money_at_risk}" if alert.state == "open" else ""
        opened = self._open.setdefault(key, {}).setdefault(bucket, {})
        before = opened.pop(alert.alert_id, "")
        if says:
            opened[alert.alert_id] = says
        if not opened:
            del self._open[key][bucket]
        return says != before

    def dump(self) -> bytes:
        """Write the sums."""
        return orjson.dumps({
            "sums": {
                _SEPARATOR.join(key): {str(bucket): sums for bucket, sums in history.items()}
                for key, history in self._sums.items()
            },
            "open": {
                _SEPARATOR.join(key): {str(bucket): told for bucket, told in stretches.items()}
                for key, stretches in self._open.items() if stretches
            },
            **self.more(),
        })  # fmt: skip

    def more(self) -> dict[str, object]:
        """Give what a control remembers beside its sums."""
        return {}

    def load(self, content: bytes) -> None:
        """Read them back."""
        found = orjson.loads(content)
        self._sums = {
            tuple(key.split(_SEPARATOR)): {int(bucket): sums for bucket, sums in history.items()}
            for key, history in found["sums"].items()
        }
        self._open = {
            tuple(key.split(_SEPARATOR)): {int(bucket): told for bucket, told in stretches.items()}
            for key, stretches in found["open"].items()
            if isinstance(stretches, dict)  # an older version wrote other things there
        }
        self.load_more(found)

    def load_more(self, found: dict[str, object]) -> None:
        """Take back what a control remembers beside its sums."""


def before(history: History, bucket: int) -> Sums:
    """Add up the stretches before one.

    >>> before({1: [1, 10], 2: [2, 20], 3: [4, 40]}, 3)
    [3, 30]
    """
    earlier = [sums for one, sums in history.items() if one < bucket]
    return [sum(values) for values in zip(*earlier, strict=True)]
