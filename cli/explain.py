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
from schemas.usage import UsageEvent
from tallywire.catalog import Snapshot
from tallywire.rating.explain import for_programs, in_words
from tallywire.rating.rulebook import Charge, Rulebook

EPILOG = epilog(
    "explain 018f3c1e-0000-0000-0000-000000000000",
    "explain --json 018f3c1e-0000-0000-0000-000000000000",
)


def _event(row: dict[str, Any]) -> dict[str, Any]:
    """Take the usage out of a stored row, as the rulebook wants it."""
    event = {name: row[name] for name in UsageEvent.model_fields}
    for name in ("start_time", "end_time", "setup_time", "collected_at"):
        if event[name] is not None:
            event[name] = (event[name].replace(tzinfo=EPOCH.tzinfo) - EPOCH) // MICROSECOND
    event["event_id"] = row["event_id"].bytes
    return event


def rederive(row: dict[str, Any], snapshot: Snapshot) -> Charge:
    """Rate a stored row again by the rulebook, with the allowance as it stood then.

    Raises:
        AssertionError: If the result is not what is stored: the store or the archive was changed.
    """
    book = Rulebook(snapshot)
    offer = snapshot.offers[row["offer_id"]]
    sizes = {allowance.allowance_id: allowance.quantity for allowance in offer.allowances}
    used = max(0, sizes.get(row["allowance_id"], 0) - row["allowance_before"])
    charge = book.rate(_event(row), lambda _key: used)
    if not isinstance(charge, Charge) or charge.row["amount"] != row["amount"]:
        msg = f"event {row['event_id']} does not come out as stored ({row['amount']})"
        raise AssertionError(msg)
    return charge


def _explain(row: dict[str, Any], settings: Settings) -> dict[str, Any]:
    catalogs = CatalogStore(Home(settings.home).catalogs)
    charge = rederive(row, catalogs.load(row["catalog_hash"]))
    told = {**row, "start_time": _event(row)["start_time"]}
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
        "words": in_words(told, charge.steps),
        "steps": for_programs(charge.steps),
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
        told = [_explain(row, settings) for row in found]
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
