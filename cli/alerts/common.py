"""What the verbs about findings share: who decides, which finding is meant, what is suppressed."""

from collections.abc import Sequence
from typing import Annotated

import typer

from assurance.suppression import Suppression, active, suppressions
from dataflows.desk import Desk, DeskMisuse
from dataflows.wall_clock import now_us
from schemas.alerts import Alert
from warehouse.client import Client
from warehouse.decisions import alerts_of, ids_beginning, suppression_events

AlertArgument = Annotated[
    str, typer.Argument(help="Id of a finding, or the beginning of it.", metavar="ALERT")
]
NoteOption = Annotated[str, typer.Option("--note", help="What you know, for whoever reads it.")]
SHORT = 12
"""Characters of an id that tables show: enough to name it."""


def finding(client: Client, start: str) -> Alert:
    """Read the finding that is meant.

    Raises:
        DeskMisuse: If there is none, or several begin so.
    """
    found = ids_beginning(client, start) if start else []
    if len(found) != 1:
        what = "several findings begin" if found else "no finding begins"
        msg = f"{what} with {start!r}; `tallywire alerts list` shows their ids"
        raise DeskMisuse(msg)
    return alerts_of(client, found)[found[0]]


def held_now(client: Client) -> list[Suppression]:
    """Give the suppressions that hold now."""
    return active(suppressions(suppression_events(client)), now_us())


def as_parameters(held: Sequence[Suppression]) -> dict[str, list[str]]:
    """Give suppressions as parameters of a query."""
    return {
        "controls": [one.control_id for one in held],
        "entities": [one.entity_id for one in held],
    }


__all__ = [
    "SHORT", "AlertArgument", "Desk", "NoteOption", "as_parameters", "finding", "held_now",
]  # fmt: skip
