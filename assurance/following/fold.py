"""All controls that follow what was rated, as one fold; one that fails is left out and reported."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from assurance.alerts import latest
from assurance.following.control import StreamControl, World
from schemas.alerts import Alert

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
    """

    world: World
    kinds: Sequence[type[StreamControl]]
    kept: dict[str, bytes] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._controls = {kind.__name__: self._made(kind) for kind in self.kinds}

    def _made(self, kind: type[StreamControl]) -> StreamControl:
        control = kind(self.world)
        if kind.__name__ in self.kept:
            control.load(self.kept[kind.__name__])
        return control

    def take(self, rows: pl.DataFrame, whole: Whole) -> list[Alert]:
        """Give rows of one lane, in order, to every control.

        Returns:
            Alerts that are new or have changed, one for each id.
        """
        found: list[Alert] = []
        for kind in self.kinds:
            control = self._controls[kind.__name__]
            try:
                wanted = control.wanted(rows)
                if wanted.height:
                    control.take_whole(whole(wanted))
                found += control.take(rows)
            except (ArithmeticError, LookupError, TypeError, ValueError, AssertionError) as error:
                self.failures.append(Failure(kind.__name__, error))
                self._controls[kind.__name__] = self._made(kind)
            except pl.exceptions.PolarsError as error:
                self.failures.append(Failure(kind.__name__, error))
                self._controls[kind.__name__] = self._made(kind)
        return latest(found)

    def dump(self) -> dict[str, bytes]:
        """Give the memory of every control."""
        self.kept = {name: control.dump() for name, control in self._controls.items()}
        return self.kept


def merged(alerts: Iterable[Alert]) -> dict[str, Alert]:
    """Give the newest of each id."""
    return {one.alert_id: one for one in alerts}
