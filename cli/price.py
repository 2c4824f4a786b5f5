"""`tallywire price`: usage in, charges out; no store, no state, nothing kept."""

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path
from typing import Annotated, BinaryIO

import orjson
import polars as pl
import typer

from cli.catalog_activation import in_use_at
from cli.catalog_common import archive_of
from cli.common import HomeOption, epilog, plain_errors
from cli.usage_lines import parsed
from dataflows.catalogs import CatalogRefused, read_folder
from dataflows.exits import Exit
from schemas.columns import frame_to_rows, rows_to_frame
from schemas.rated import RatedEvent
from schemas.usage import UsageEvent
from tallywire.catalog import Snapshot, read
from tallywire.catalog.values import money
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.normalise import resolve
from tallywire.mediation.resolve import IdentifierIndex
from tallywire.rating.afford import affordable
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Rater
from tallywire.rating.explain import retrace
from tallywire.rating.explain import words as words_of
from tallywire.rating.rulebook import Refusal, Rulebook

EPILOG = epilog(
    "price --catalog my-catalog --usage usage.jsonl",
    "price --catalog my-catalog --usage usage.jsonl --explain",
    "price --catalog my-catalog --usage usage.jsonl --balance 5.00",
    "price --as-of 2026-11-03T12:00:00Z --usage usage.jsonl",
    """price --catalog my-catalog <<< '{"service":"voice","served_identifier":\
"msisdn:4790010001","b_number":"4741234567","start_time":"2026-06-01T10:00:00Z",\
"quantity":61000000}'""",
)
_BATCH = 20_000


def _refusal(number: int, reason: str, detail: str) -> bytes:
    return orjson.dumps({"line": number, "reason": reason, "detail": detail})


def located(frame: pl.DataFrame, index: IdentifierIndex) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Find whose usage it is where it names no offer.

    Returns:
        The usage, account and offer filled in; and what was found for each row: `reason` and
        `detail` where nobody is.
    """
    named = resolve(frame, index)
    open_offer = frame["offer_id"] == ""
    columns = [
        pl.when(open_offer).then(named[name]).otherwise(frame[name]).alias(name)
        for name in ("account_id", "subscription_id", "offer_id", "routing_id")
    ]
    lost = pl.when(open_offer).then(named["reason"]).alias("reason")
    return frame.with_columns(columns), named.with_columns(lost)


def _priced(
    batch: list[tuple[int, UsageEvent]], rater: Rater, index: IdentifierIndex, counters: Counters
) -> Iterator[tuple[int, bytes, bool]]:
    """Rate a batch; give each line's number, its JSON, and whether it has a price."""
    frame = rows_to_frame([event for _, event in batch], UsageEvent)
    frame, named = located(frame, index)
    frame = frame.with_columns(
        pl.Series("record_no", [number for number, _ in batch], dtype=pl.Int64)
    )
    lost = named["reason"].is_not_null()
    for row in (
        named.filter(lost).with_columns(frame.filter(lost)["record_no"]).iter_rows(named=True)
    ):
        yield row["record_no"], _refusal(row["record_no"], row["reason"], row["detail"]), False
    outcome = rater.rate(frame.filter(~lost), counters)
    for row in outcome.refused.iter_rows(named=True):
        yield row["record_no"], _refusal(row["record_no"], row["reason"], row["detail"]), False
    for event in frame_to_rows(outcome.rated, RatedEvent):
        yield event.record_no, event.model_dump_json().encode(), True


def price(snapshot: Snapshot, usage: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """Price usage, JSON lines in, JSON lines out in the same order; allowances start untouched."""
    rater, index, counters = Rater(snapshot), IdentifierIndex(snapshot.identifiers), Counters()
    batch: list[tuple[int, UsageEvent]] = []
    bad: list[tuple[int, bytes, bool]] = []

    def flush() -> Iterator[tuple[bytes, bool]]:
        made = [*bad, *(_priced(batch, rater, index, counters) if batch else ())]
        yield from ((line, good) for _, line, good in sorted(made, key=lambda item: item[0]))
        batch.clear()
        bad.clear()

    lines = ((number, line) for number, line in enumerate(usage, start=1) if line.strip())
    for number, item in parsed(lines):
        if isinstance(item, str):
            bad.append((number, _refusal(number, "record_unreadable", item), False))
        else:
            batch.append((number, item))
        if len(batch) + len(bad) >= _BATCH:
            yield from flush()
    yield from flush()


def _told(book: Rulebook, line: bytes) -> bytes:
    """Tell a rated event, or why there is none, in sentences."""
    row = orjson.loads(line)
    if "reason" in row and "line" in row:
        return f"Line {row['line']}: {row['reason']}: {row['detail']}".encode()
    (event,) = rows_to_frame([RatedEvent.model_validate(row)], RatedEvent).iter_rows(named=True)
    charge = retrace(book, event)
    if isinstance(charge, Refusal):
        return f"Line {row['record_no']}: {charge.reason.value}: {charge.detail}".encode()
    party = f" {row['side']} of {row['party_id']}" if row["party_id"] else ""
    amount = f"{event['amount'].normalize():f} {row['currency']}"
    head = f"Line {row['record_no']}, {row['run']}{party}: {amount}"
    steps = [f"  {number}. {words}" for number, words in enumerate(words_of(charge.steps), start=1)]
    return "\n".join([head, *steps]).encode()


def _money_left(text: str) -> Fraction:
    try:
        return money(text)
    except ValueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(Exit.USAGE) from error


def _payable(snapshot: Snapshot, usage: BinaryIO, left: Fraction) -> Iterator[tuple[bytes, bool]]:
    """Say of each usage how much of it an amount pays for; allowances start full."""
    book, index = Rulebook(snapshot), IdentifierIndex(snapshot.identifiers)
    lines = ((number, line) for number, line in enumerate(usage, start=1) if line.strip())
    for number, item in parsed(lines):
        if isinstance(item, str):
            yield _refusal(number, "record_unreadable", item), False
            continue
        (event,) = located(rows_to_frame([item], UsageEvent), index)[0].iter_rows(named=True)
        found = affordable(book, event, left, lambda _key: 0)
        if isinstance(found, Refusal):
            yield _refusal(number, found.reason.value, found.detail), False
            continue
        amount = found.charge.row["amount"] if found.charge else 0
        answer = {
            "line": number, "asked": event["quantity"], "affordable": found.quantity,
            "unit": event["unit"], "amount": str(amount),
        }  # fmt: skip
        yield orjson.dumps(answer), True


def _snapshot(catalog: Path | None, as_of: str, home: Path | None) -> Snapshot:
    """Get the catalogue of a folder, the one in use at an instant, or the one in use."""
    if catalog and as_of:
        typer.echo("name a --catalog, or an instant with --as-of, not both", err=True)
        raise typer.Exit(Exit.USAGE)
    if catalog:
        reading = read(read_folder(catalog), DECODERS)
        if reading.snapshot is None:
            raise CatalogRefused(list(reading.problems))
        return reading.snapshot
    archive = archive_of(home)
    return archive.load(in_use_at(home, as_of) if as_of else archive.current())


def command(
    catalog: Annotated[
        Path | None,
        typer.Option("--catalog", help="Catalogue folder; without it the one in use."),
    ] = None,
    usage: Annotated[
        str, typer.Option("--usage", help="File of usage events as JSON lines; - for input.")
    ] = "-",
    *,
    explained: Annotated[
        bool, typer.Option("--explain", help="Tell each charge in sentences instead of JSON.")
    ] = False,
    balance: Annotated[
        str, typer.Option("--balance", help="Say how much of each usage this amount pays for.")
    ] = "",
    as_of: Annotated[
        str,
        typer.Option("--as-of", help="The catalogue in use then: an instant, or a date (UTC)."),
    ] = "",
    home: HomeOption = None,
) -> None:
    """Price usage events: JSON lines in, rated events as JSON lines out, in the same order.

    Nothing is stored and allowances start full. An event has a line for each of its legs. A line
    that has no price comes out as an object with `line`, `reason` and `detail`; the exit code is
    then 1. With --balance each usage is asked for itself: the answer has `asked`, `affordable` and
    what that costs.
    """
    with plain_errors():
        snapshot = _snapshot(catalog, as_of, home)
        all_good = True
        with nullcontext(sys.stdin.buffer) if usage == "-" else Path(usage).open("rb") as source:
            book = Rulebook(snapshot)
            made = (
                _payable(snapshot, source, _money_left(balance))
                if balance
                else price(snapshot, source)
            )
            for line, good in made:
                told = _told(book, line) if explained and not balance else line
                sys.stdout.buffer.write(told + b"\n")
                all_good &= good
        sys.stdout.buffer.flush()
    raise typer.Exit(Exit.DONE if all_good else Exit.PROBLEMS)
