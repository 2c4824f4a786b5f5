"""All controls that follow what was rated, as one fold; one that fails is left out and reported."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from assurance.alerts import latest
from assurance.following.control import StreamControl, World
from schemas.alerts import Alert
from schemas.canaries import CANARY

Whole = Callable[[pl.DataFrame], Sequence[Mapping[str, Any]]]
"""Gives rows with all their columns, by `rated_id`."""


@dataclass(frozen=True)
class Failure:
    """A control that could not work a batch.

    Attributes:
        name: The control.
        error: Why.
    """

    name: str
    error: Exception


@dataclass
class Fold:
    """Controls and their memories.

    A control that raises loses what it had made of that batch: its memory is what it was when it
    was last kept, and it works on from there. The others are not touched.

    Attributes:
        kinds: The controls.
        kept: What each dumped last.
        failures: Of controls, since whoever reads them last took them.
        counted: Alerts by control, likewise.
    """

    world: World
    kinds: Sequence[type[StreamControl]]
    kept: dict[str, bytes] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._fine = True
        self._controls = {kind.__name__: self._made(kind) for kind in self.kinds}

    def _made(self, kind: type[StreamControl]) -> StreamControl:
        """Make a control with what it kept; a memory that it cannot read is begun anew."""
        control = kind(self.world)
        if kind.__name__ in self.kept:
            try:
                control.load(self.kept[kind.__name__])
            except (ArithmeticError, LookupError, TypeError, ValueError) as error:
                self.failures.append(Failure(kind.__name__, error))
                return kind(self.world)
        return control

    def take(self, rows: pl.DataFrame, whole: Whole) -> list[Alert]:
        """Give rows of one lane, in order, to every control; what is usual is not of canaries.

        Returns:
            Alerts that are new or have changed, one for each id.
        """
        found: list[Alert] = []
        rows = rows.filter(pl.col("side") != CANARY)
        for kind in self.kinds:
            made = self._work(kind, rows, whole)
            self.counted[kind.__name__] += len(made)
            found += made
        return latest(found)

    def _work(self, kind: type[StreamControl], rows: pl.DataFrame, whole: Whole) -> list[Alert]:
        """Give rows to one control; what the store has to say to `whole` is no fault of its own."""
        control = self._controls[kind.__name__]
        with self._alone(kind):
            wanted = control.wanted(rows)
        looked_at = whole(wanted) if self._fine and wanted.height else []
        found: list[Alert] = []
        with self._alone(kind):
            if looked_at:
                control.take_whole(looked_at)
            found += control.take(rows)
        return found

    @contextmanager
    def _alone(self, kind: type[StreamControl]) -> Iterator[None]:
        """Let whatever a control raises be its own matter: it is made anew from what it kept."""
        self._fine = False
        try:
            yield
        except Exception as error:  # noqa: BLE001  any fault of a control must leave the others alone
            self.failures.append(Failure(kind.__name__, error))
            self._controls[kind.__name__] = self._made(kind)
        else:
            self._fine = True

    def dump(self) -> dict[str, bytes]:
        """Give the memory of every control."""
        self.kept = {name: control.dump() for name, control in self._controls.items()}
        return self.kept
