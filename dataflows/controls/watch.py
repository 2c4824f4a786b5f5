"""Watching the controls from another process: one that is away cannot say so itself."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from assurance.reconciling.runs import Runs
from dataflows import stop
from dataflows.controls.comparer import Comparer
from dataflows.controls.put import put_alerts
from dataflows.wall_clock import now_us
from warehouse.client import Client
from warehouse.errors import StoreError

WATCH = "controls-watch"
_EVERY_S = 60.0


@dataclass
class Watch:
    """Looks every minute whether the controls run; what it finds is stored and so delivered.

    Args:
        connect: Opens the store as its writer.
        tenant_id: Of the catalogue in use.
        once: One look, then the end.
    """

    connect: Callable[[], AbstractContextManager[Client]]
    tenant_id: str
    once: bool
    name: str = WATCH

    def __post_init__(self) -> None:
        self._comparer = Comparer((Runs,), {}, now_us, self.tenant_id)

    def run(self) -> bool:
        """Look until asked to stop; a store that does not answer is the others' to tell of."""
        while not stop.stopping():
            try:
                self.look()
            except StoreError:
                if self.once:
                    return False
            if self.once or stop.wait(_EVERY_S):
                return True
        return True

    def look(self) -> None:
        """Look once.

        Raises:
            StoreError: If the store cannot be had.
        """
        with self.connect() as client:
            for run in self._comparer.due(client, at_once=True):
                put_alerts(client, run.alerts, now_us())
