"""Trying a control: is it silent on clean usage, and does it find the fault that it is for?"""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from assurance.alerts import Control
from assurance.following.control import NOWHERE, StreamControl
from assurance.planted import FAULTS, usage, with_costs
from schemas.alerts import Alert

_PARTS = 20


@dataclass(frozen=True)
class Tried:
    """What a control made of its fault.

    Attributes:
        fired: It found the fault, and called it by its own name.
        quiet: On the same usage without the fault it left nothing open.
    """

    control: Control
    fired: bool
    quiet: bool


def try_all(kinds: tuple[type[StreamControl], ...]) -> Iterator[Tried]:
    """Try every control that follows and has a fault to be planted."""
    clean = with_costs(usage())
    for kind in kinds:
        quiet = not _open(kind, clean)
        for control in kind.declared:
            if control.pattern in FAULTS:
                found = _open(kind, FAULTS[control.pattern](clean))
                yield Tried(control, control.pattern in found, quiet)


def _open(kind: type[StreamControl], rows: pl.DataFrame) -> set[str]:
    """Give the patterns of what is open at the end."""
    control = kind(NOWHERE)
    last: dict[str, Alert] = {}
    for part in rows.iter_slices(-(-rows.height // _PARTS)):
        last |= {alert.alert_id: alert for alert in control.take(part)}
    return {one.pattern for one in last.values() if one.state == "open"}
