"""`tallywire explain`: how one charge came about, step by step."""

from decimal import Decimal
from typing import Annotated, Any

import typer

from cli.common import HomeOption, JsonOption, epilog, plain_errors, settings_of
from cli.moments import AsOfOption, as_of_micros, identifier_of
from cli.printed import as_json_bytes, money
from cli.reading import reader
from cli.times import stored_micros
from dashboards.queries import rows
from dataflows.catalogs import CatalogStore
from dataflows.exits import Exit
from dataflows.settings import Home, Settings
from schemas.instants import UTC
from tallywire.rating.corrections import CHARGE, CORRECTION, REVERSAL, TRUE_UP
from tallywire.rating.explain import as_json, retrace, words
from tallywire.rating.rulebook import Charge, Closing, Refusal, Rulebook


class DifferenceError(Exception):
    """A stored charge is not what its usage and its catalogue give."""


EPILOG = epilog(
    "explain 018f3c1e-0000-0000-0000-000000000000",
    "explain --as-of 2026-11-03 018f3c1e-0000-0000-0000-000000000000",
    "explain --json 018f3c1e-0000-0000-0000-000000000000",
)


def fields_of(row: dict[str, Any]) -> dict[str, Any]:
    """Give a stored row as the rulebook has it: instants in microseconds, ids as bytes."""
    told = {**row, "event_id": row["event_id"].bytes}
    if row["cause_id"] is not None:
        told["cause_id"] = row["cause_id"].bytes
    for name in ("start_time", "end_time", "setup_time", "collected_at"):
        if told[name] is not None:
            told[name] = stored_micros(told[name])
    return told


def _retraced(row: dict[str, Any], catalogs: CatalogStore) -> Charge | Closing:
    charge = retrace(Rulebook(catalogs.load(row["catalog_hash"])), fields_of(row))
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
    told = {
        "event_id": str(row["event_id"]),
        "rated_id": str(row["rated_id"]),
        "op": row["op"],
        "version": row["version"],
        "supersedes": str(row["supersedes"]) if row["supersedes"] else None,
        "reason": row["reason"],
        "cause_id": str(row["cause_id"]) if row["cause_id"] else None,
        "ledgered_at": row["ledgered_at"].replace(tzinfo=UTC).isoformat(),
        "account_id": row["account_id"],
        "subscription_id": row["subscription_id"],
        "party_id": row["party_id"],
        "run": row["run"],
        "amount": row["amount"],
        "exact": f"{row['amount_numerator']}/{row['amount_denominator']}",
        "currency": row["currency"],
        "bill_period": row["bill_period"],
        "rater": row["rater"],
        "catalog_hash": row["catalog_hash"],
        "place": {name: row[name] for name in ("feed_id", "file_name", "record_no", "byte_offset")},
    }
    if row["op"] == REVERSAL:
        return told
    steps = _retraced(row, CatalogStore(Home(settings.home).catalogs)).steps
    return {**told, "words": words(steps), "steps": as_json(steps)}


_OPS = {CHARGE: "charged", REVERSAL: "reversed", CORRECTION: "corrected to", TRUE_UP: "closed with"}


def _print(charge: dict[str, Any]) -> None:
    """Print one row of the chain charge, reversal, correction."""
    amount = f"{charge['amount'].normalize():f} {charge['currency']}"
    whose = f"account {charge['account_id']}" if charge["account_id"] else charge["party_id"]
    done = "trued up by" if whose == charge["party_id"] else _OPS[charge["op"]]
    typer.echo(
        f"Event {charge['event_id']}: {done} {amount}, {whose}, on "
        f"{charge['ledgered_at'][:19].replace('T', ' ')} UTC"
    )
    if charge["reason"]:
        typer.echo(f"  Because: {charge['reason']}, request {charge['cause_id']}.")
    for number, sentence in enumerate(charge.get("words", []), start=1):
        typer.echo(f"  {number}. {sentence}")
    if charge["op"] not in {REVERSAL, TRUE_UP}:
        place = charge["place"]
        typer.echo(f"  From {place['file_name']}, record {place['record_no'] + 1}.")


def command(
    event_id: Annotated[str, typer.Argument(help="Id of an event, or of a charge.")],
    *,
    as_of: AsOfOption = "",
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Explain a charge: prefix, band, increments, price, rounding, allowance before and after.

    The charge is derived again from the stored usage and the archived catalogue; a difference from
    what is stored would be an error. Corrections follow in order, with reason and request; the
    amounts add up to what is charged now, or was at the instant of `--as-of`.
    """
    settings = settings_of(home)
    identifier = identifier_of(event_id)
    if not identifier:
        typer.echo("name an event", err=True)
        raise typer.Exit(Exit.USAGE)
    asked = {"id": identifier, "as_of": as_of_micros(as_of)}
    with plain_errors():
        with reader(settings) as client:
            found = rows(client, "rated_event", asked)
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
        _print(charge)
    if len(told) > 1:
        for text in _sums(told):
            typer.echo(text)


def _sums(told: list[dict[str, Any]]) -> list[str]:
    """Add up the amounts of a chain, by leg and currency."""
    sums: dict[tuple[str, str], Decimal] = {}
    for charge in told:
        key = charge["run"], charge["currency"]
        sums[key] = sums.get(key, Decimal(0)) + charge["amount"]
    return [
        f"In all {money(amount)} {currency}" + (f" ({run})" if len(sums) > 1 else "")
        for (run, currency), amount in sums.items()
    ]
