"""What both raters make of a charge, side by side: as it is stored, and by the rulebook."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from uuid import UUID

import orjson
import typer
from rich.table import Table

from cli.common import console
from cli.explain import fields_of
from cli.moments import as_of_micros
from dashboards.queries import rows
from dataflows.catalogs import CatalogStore
from dataflows.settings import Home, Settings
from schemas.alerts import Alert
from tallywire.rating.corrections import REVERSAL
from tallywire.rating.explain import retrace, words
from tallywire.rating.rulebook import Refusal, Rulebook
from warehouse.client import Client

SHADOW = "C9"
"""The control that holds one rater against the other."""
_FIELDS = (
    "tariff_id", "tariff_revision", "zone_id", "matched_prefix", "price_no", "bands",
    "rated_quantity", "included_quantity", "allowance_id", "allowance_before", "allowance_after",
    "cumulative_before", "cumulative_after", "repriced", "discount", "spend_change", "connect_fee",
    "minimum_applied", "maximum_applied", "rounding_mode", "rounding_scale", "rounding_difference",
    "amount", "currency", "bill_period",
)  # fmt: skip
_EXACT = ("amount_numerator", "amount_denominator")
_NOTHING = "-"


@dataclass(frozen=True)
class Field:
    """One value of a charge by both raters, as text."""

    name: str
    rating: str
    rulebook: str

    @property
    def differs(self) -> bool:
        """Tell whether they are not the same."""
        return self.rating != self.rulebook


@dataclass(frozen=True)
class Sides:
    """A charge by both raters.

    Attributes:
        rater: Who made the stored one.
        fields: What both came to, in the order of rating.
        rulebook: The rulebook's way, a sentence a step; why it gives no price, where it does not.
        stands: Whether no correction has taken the stored charge back.
    """

    event_id: str
    account_id: str
    rater: str
    fields: Sequence[Field]
    rulebook: Sequence[str]
    stands: bool

    @property
    def differ(self) -> bool:
        """Tell whether they come to another amount."""
        return any(one.differs for one in self.fields if one.name == "amount")

    def as_json(self) -> dict[str, Any]:
        """Give it for programs."""
        return {
            "event_id": self.event_id, "account_id": self.account_id, "rater": self.rater,
            "stands": self.stands, "rulebook": list(self.rulebook),
            "fields": [
                {"name": one.name, "rating": one.rating, "rulebook": one.rulebook,
                 "differs": one.differs}
                for one in self.fields
            ],
        }  # fmt: skip


def sides_of(client: Client, settings: Settings, alert: Alert, most: int) -> list[Sides]:
    """Rate charges of a finding again by the rulebook, those with the most money first.

    Args:
        most: How many of them.

    Raises:
        CatalogError: If a catalogue is not archived, or damaged.
    """
    archive = CatalogStore(Home(settings.home).catalogs)
    found = []
    for one in orjson.loads(alert.evidence)[:most]:
        identity = str(UUID(hex=one["why"]))
        held = rows(client, "rated_event", {"id": identity, "as_of": as_of_micros("")})
        charges = [row for row in held if row["op"] == "charge" and row["side"] == "revenue"]
        back = {row["supersedes"] for row in held if row["op"] == REVERSAL}
        for row in charges[:1]:
            book = Rulebook(archive.load(row["catalog_hash"]))
            found.append(_sides(row, book, stands=row["rated_id"] not in back))
    return found


def _sides(row: Mapping[str, Any], book: Rulebook, *, stands: bool) -> Sides:
    again = retrace(book, fields_of(dict(row)))
    if isinstance(again, Refusal):
        made, said = {"amount": 0}, [f"no price: {again.reason.value}: {again.detail}"]
    else:
        made, said = dict(again.row), words(again.steps)
    fields = [Field(name, _text(row, name), _text(made, name)) for name in _FIELDS]
    fields.append(Field("exact", _exact(row), _exact(made)))
    return Sides(
        str(row["event_id"]), row["account_id"], row["rater"], fields, said, stands
    )  # fmt: skip


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name, _NOTHING)
    return f"{value:.9f}" if name in _MONEY and value != _NOTHING else str(value)


_MONEY = {
    "amount", "repriced", "discount", "spend_change", "connect_fee", "rounding_difference",
}  # fmt: skip


def _exact(row: Mapping[str, Any]) -> str:
    if _EXACT[1] not in row:
        return _NOTHING
    return str(Fraction(int(row[_EXACT[0]]), int(row[_EXACT[1]])))


def tell_sides(sides: Sides) -> None:
    """Print both beside each other: what differs first, marked."""
    taken = "" if sides.stands else "; it was taken back since"
    typer.echo(f"  both raters on event {sides.event_id} of {sides.account_id}{taken}")
    table = Table("", "value", f"rating ({sides.rater})", "rulebook")
    for one in sorted(sides.fields, key=lambda field: not field.differs):
        if one.differs or one.rating not in {"", "-1", "0", "0.000000000"}:
            table.add_row("*" if one.differs else "", one.name, one.rating, one.rulebook)
    console().print(table)
    typer.echo("  the rulebook says:")
    for number, text in enumerate(sides.rulebook, start=1):
        typer.echo(f"  {number}. {text}")
