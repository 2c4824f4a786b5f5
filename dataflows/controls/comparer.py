"""Reconciliations at work: each asks the store its query in time, and keeps what is open."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assurance.following.control import NOWHERE, World
from assurance.following.fold import Failure
from assurance.reconciling import sql
from assurance.reconciling.control import Reconciliation
from schemas.alerts import Alert
from warehouse.client import Client, StoreRefused, told

HOUR_US = 3_600_000_000


@dataclass(frozen=True)
class Compared:
    """One run of one reconciliation.

    Attributes:
        rows: Differences that its query gave.
        failure: Why it could not be done.
        told: It belongs into the evidence: it found or failed, or an hour has passed since one did.
    """

    kind: type[Reconciliation]
    began_at: int
    ended_at: int
    rows: int
    alerts: Sequence[Alert]
    failure: Failure | None = None
    told: bool = True


class Comparer:
    """All reconciliations, when each ran last, and what each remembers.

    Args:
        now_us: The wall clock.
        tenant_id: Whose records those are that the store does not keep by tenant.
        world: What controls may know beside the store.
    """

    def __init__(
        self, kinds: Sequence[type[Reconciliation]], kept: Mapping[str, bytes],
        now_us: Callable[[], int], tenant_id: str, world: World = NOWHERE,
    ) -> None:  # fmt: skip
        self._controls = {kind.__name__: kind(tenant_id, world) for kind in kinds}
        self._now_us = now_us
        self._last: dict[str, int] = {}
        self._told: dict[str, int] = {}
        for name, control in self._controls.items():
            if name in kept:
                control.load(kept[name])

    def due(self, client: Client, *, at_once: bool = False) -> list[Compared]:
        """Run those that are due; a query that the store refuses is that control's own failure.

        Args:
            at_once: Run all of them.

        Raises:
            StoreUnavailable: If the store does not answer.
        """
        found = []
        for name, control in self._controls.items():
            now = self._now_us()
            every = control.every_us
            if at_once or now - self._last.get(name, now - every) >= every:
                made = self._compared(client, control, now)
                found.append(made if at_once else self._weighed(name, made))
                self._last[name] = now
        return found

    def _weighed(self, name: str, made: Compared) -> Compared:
        """Leave runs that found nothing out of the evidence, where they are many in an hour."""
        last = self._told.get(name, made.began_at - HOUR_US)
        told = bool(made.alerts or made.failure) or made.began_at - last >= HOUR_US
        if told:
            self._told[name] = made.began_at
        return replace(made, told=told)

    def _compared(self, client: Client, control: Reconciliation, now: int) -> Compared:
        kind = type(control)
        try:
            rows = answers(client, control.query, control.parameters(now))
            alerts = control.judge(rows, now)
        except (
            StoreRefused,
            ArithmeticError,
            LookupError,
            OSError,
            TypeError,
            ValueError,
        ) as error:
            failure = Failure(kind.__name__, error)
            return Compared(kind, now, self._now_us(), 0, [], failure)
        return Compared(kind, now, self._now_us(), len(rows), alerts)

    def dump(self) -> dict[str, bytes]:
        """Give what each remembers."""
        return {name: control.dump() for name, control in self._controls.items()}


def answers(client: Client, query: str, parameters: Mapping[str, object]) -> list[dict[str, Any]]:
    """Ask the store a query of a reconciliation, by its name.

    Raises:
        StoreUnavailable: If the store does not answer.
        StoreRefused: If it refuses.
    """
    with told(client.uri):
        found = client.query(sql(query), parameters=dict(parameters))
    return [dict(zip(found.column_names, row, strict=True)) for row in found.result_rows]
