"""`tallywire explain`: how one charge came about, step by step."""

import uuid
from typing import Annotated, Any

import typer

from cli.common import HomeOption, JsonOption, epilog, plain_errors, reader, settings_of
from cli.status import as_json_bytes
from dashboards.queries import rows
from dataflows.catalogs import CatalogStore
from dataflows.exits import Exit
from dataflows.settings import Home, Settings
from schemas.columns import EPOCH, MICROSECOND
from tallywire.rating.explain import as_json, retrace, words
from tallywire.rating.rulebook import Charge, Closing, Refusal, Rulebook


class DifferenceError(Exception):
    """A stored charge is not what its usage and its catalogue give."""


EPILOG = epilog(
    "explain 018f3c1e-0000-0000-0000-000000000000",
    "explain --json 018f3c1e-0000-0000-0000-000000000000",
)


def _fields(row: dict[str, Any]) -> dict[str, Any]:
    """Give a stored row as the rulebook has it: instants in microseconds, ids as bytes."""
    told = {**row, "event_id": row["event_id"].bytes}
    for name in ("start_time", "end_time", "setup_time", "collected_at"):
        if told[name] is not None:
            told[name] = (told[name].replace(tzinfo=EPOCH.tzinfo) - EPOCH) // MICROSECOND
    return told


def _retraced(row: dict[str, Any], catalogs: CatalogStore) -> Charge | Closing:
    charge = retrace(Rulebook(catalogs.load(row["catalog_hash"])), _fields(row))
    if isinstance(charge, Refusal):
        msg = f"event {row['event_id']}: its catalogue gives no price now: {charge.detail}"
        raise DifferenceError(msg)
    if charge.row["amount"] != row["amount"]:
        msg = (
            f"event {row['event_id']}: {row['amount']} is stored, its catalogue gives "
            f"{charge.row['amount']}; the store or the archived catalogue was changed"
        )
        raise DifferenceError(msg)
    return charge


def _explain(row: dict[str, Any], settings: Settings) -> dict[str, Any]:
    steps = _retraced(row, CatalogStore(Home(settings.home).catalogs)).steps
    return {
        "event_id": str(row["event_id"]),
        "rated_id": str(row["rated_id"]),
        "account_id": row["account_id"],
        "subscription_id": row["subscription_id"],
        "amount": row["amount"],
        "exact": f"{row['amount_numerator']}/{row['amount_denominator']}",
        "currency": row["currency"],
        "rater": row["rater"],
        "catalog_hash": row["catalog_hash"],
        "place": {name: row[name] for name in ("feed_id", "file_name", "record_no", "byte_offset")},
        "words": words(steps),
        "steps": as_json(steps),
    }


def command(
    event_id: Annotated[str, typer.Argument(help="Id of an event, or of a charge.")],
    *,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Explain a charge: prefix, band, increments, price, rounding, allowance before and after.

    The charge is derived again from the stored usage and the archived catalogue; a difference from
    what is stored would be an error.
    """
    settings = settings_of(home)
    try:
        identifier = uuid.UUID(event_id)
    except ValueError as error:
        typer.echo(f"{event_id} is no id: it looks like {uuid.UUID(int=0)}", err=True)
        raise typer.Exit(Exit.USAGE) from error
    with plain_errors():
        with reader(settings) as client:
            found = rows(client, "rated_event", {"id": str(identifier)})
        if not found:
            typer.echo(f"no charge of event {identifier} is stored; is it in suspense?", err=True)
            raise typer.Exit(Exit.PROBLEMS)
        try:
            told = [_explain(row, settings) for row in found]
        except DifferenceError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(Exit.DAMAGED) from error
    if as_json:
        typer.echo(as_json_bytes(told).decode())
        return
    for charge in told:
        typer.echo(
            f"Event {charge['event_id']}: {charge['amount'].normalize():f} {charge['currency']}, "
            f"account {charge['account_id']}"
        )
        for number, sentence in enumerate(charge["words"], start=1):
            typer.echo(f"  {number}. {sentence}")
        place = charge["place"]
        typer.echo(f"  From {place['file_name']}, record {place['record_no'] + 1}.")
