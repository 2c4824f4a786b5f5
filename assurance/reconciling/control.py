"""What every reconciliation is: a query of the store, whose rows are differences."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, ClassVar

import orjson

from assurance.alerts import Control
from assurance.following.control import NOWHERE, World
from schemas.alerts import Alert

Row = Mapping[str, Any]


class Reconciliation(ABC):
    """A query, and how a difference is told; one that is gone closes its alert.

    Attributes:
        declared: The patterns that it finds.
        query: Name of its query, a file beside this one.
        every_us: How often it is run.
        settle_us: How long a difference must stand before it is told: what is on its way is none.
        stretch_us: Length of the stretches of time that it compares; 0 where it looks at all.
        stretches: How many stretches that are past it compares; always those with an open alert,
            and those with a difference that waits to be told.
    """

    declared: ClassVar[tuple[Control, ...]]
    query: ClassVar[str]
    every_us: ClassVar[int] = 3_600_000_000
    settle_us: ClassVar[int] = 0
    stretch_us: ClassVar[int] = 0
    stretches: ClassVar[int] = 0

    def __init__(self, tenant_id: str, world: World = NOWHERE) -> None:
        self.tenant_id, self.world = tenant_id, world
        self._open: dict[str, dict[str, Any]] = {}
        self._seen: dict[str, list[Any]] = {}

    def parameters(self, at: int) -> Mapping[str, object]:
        """Give the parameters of the query.

        Args:
            at: Now, microseconds UTC.
        """
        return {"at": at}

    def past(self, at: int) -> int:  # noqa: ARG002  others ask the time
        """Tell how many stretches that are past are compared now."""
        return self.stretches

    def compared(self, at: int) -> list[int]:
        """Name the stretches to be compared, by their beginnings, the oldest first.

        Args:
            at: Now, microseconds UTC: its own stretch is not past yet.
        """
        now = at // self.stretch_us * self.stretch_us
        recent = range(now - self.past(at) * self.stretch_us, now, self.stretch_us)
        opened = [Alert.model_validate(one).window_start for one in self._open.values()]
        waiting = [one for seen in self._seen.values() for one in seen[2:]]
        still = {
            one // self.stretch_us * self.stretch_us
            for one in (*opened, *waiting)
            if one is not None
        }
        return sorted({*recent, *still})

    @abstractmethod
    def told(self, row: Row, at: int) -> Alert:
        """Tell a difference."""

    def judge(self, rows: Sequence[Row], at: int) -> list[Alert]:
        """Tell differences that have stood for long enough, and close those that are gone."""
        alerts = {one.alert_id: one for one in (self.told(row, at) for row in rows)}
        found = [one for one in alerts.values() if self._stands(one, at) and self._changed(one)]
        gone = [name for name in self._open if name not in alerts]
        found += [_closed(Alert.model_validate(self._open.pop(name)), at) for name in gone]
        self._seen = {name: seen for name, seen in self._seen.items() if name in alerts}
        return found

    def _stands(self, alert: Alert, at: int) -> bool:
        seen = self._seen.get(alert.alert_id)
        if seen is None or seen[0] != alert.observed:
            seen = self._seen[alert.alert_id] = [alert.observed, at, alert.window_start]
        return alert.alert_id in self._open or at - int(seen[1]) >= self.settle_us

    def _changed(self, alert: Alert) -> bool:
        before = self._open.get(alert.alert_id)
        self._open[alert.alert_id] = alert.model_dump(mode="json")
        same = before is not None and before["observed"] == alert.observed
        if same and before is not None:
            self._open[alert.alert_id] = before
        return not same

    def dump(self) -> bytes:
        """Give the memory."""
        return orjson.dumps({"open": self._open, "seen": self._seen})

    def load(self, content: bytes) -> None:
        """Take it back."""
        found = orjson.loads(content)
        self._open, self._seen = found["open"], found["seen"]


def _closed(alert: Alert, at: int) -> Alert:
    return alert.model_copy(
        update={
            "state": "auto_closed", "detected_at": at, "observed": 0, "money_at_risk": None,
            "money_low": None, "money_high": None, "explanation": "The difference is gone.",
        }
    )  # fmt: skip


def day_of(micros: int) -> date:
    """Give the day of an instant, UTC."""
    return datetime.fromtimestamp(micros // 1_000_000, UTC).date()
