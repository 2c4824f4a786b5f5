"""A dispute as files: every record for their spreadsheet, one page for their desk."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any

from assurance.outside.calls import SECOND_US, Dispute
from assurance.outside.partner_findings import Days, Parties
from cli.printed_page import document, table
from dataflows.files import write_atomic
from schemas.instants import text_from_micros

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_WORDS = {
    "only_theirs": "you list it, we do not have it", "only_ours": "we have it, you do not list it",
    "longer": "you count it longer", "shorter": "you count it shorter",
    "other_charge": "you charge it otherwise",
}  # fmt: skip


def guarded(text: str) -> str:
    """Keep a spreadsheet from reading a text as a formula; numbers stay numbers.

    >>> guarded("=1+1"), guarded("-3.50"), guarded("+47")
    ("'=1+1", '-3.50', "'+47")
    """
    return f"'{text}" if text.startswith(_FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    plain = text.removeprefix("-").replace(".", "", 1)
    return plain.isascii() and plain.isdigit()


def records(days: Days) -> list[dict[str, Any]]:
    """Give every disputed record as a row: both sides beside each other."""
    return [_record(day, one) for (day, _), mine in days.items() for one in mine]


def _record(day: date, one: Dispute) -> dict[str, Any]:
    ours, theirs = one.ours, one.theirs
    return {
        "day": f"{day}", "cause": f"{one.cause}", "your_id": theirs.place if theirs else "",
        "your_start": text_from_micros(theirs.time) if theirs else "",
        "our_start": text_from_micros(ours.time) if ours else "",
        "caller": one.call.caller, "called": one.call.called,
        "destination": one.call.destination,
        "your_seconds": _seconds(theirs.size) if theirs else None,
        "our_seconds": _seconds(ours.size) if ours else None,
        "your_amount": theirs.amount if theirs else None,
        "our_amount": ours.amount if ours else None, "in_question": one.worth,
        "seconds_in_question": _seconds(one.size),
        "our_record": ours.place if ours else "",
    }  # fmt: skip


def _seconds(size: int) -> Decimal:
    return Decimal(size) / SECOND_US


def as_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """Write rows as CSV; no cell begins a formula."""
    into, listed = io.StringIO(), list(rows)
    writer = csv.writer(into, lineterminator="\n")
    if listed:
        writer.writerow(listed[0])
    for row in listed:
        writer.writerow([guarded(_text(value)) for value in row.values()])
    return into.getvalue()


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return "" if value is None else str(value)


def write_pack(folder: Path, days: Days, parties: Parties, zone: str) -> None:
    """Write `disputes.csv` and `disputes.html` into a folder, which is made where it is not there.

    Raises:
        OSError: If it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = records(days)
    write_atomic(folder / "disputes.csv", as_csv(rows).encode())
    write_atomic(folder / "disputes.html", page(rows, parties, zone).encode())


_COLUMNS = {
    "day": "Day", "your_id": "Your id", "your_start": "Your start", "our_start": "Our start",
    "caller": "Caller", "called": "Called", "destination": "Destination",
    "your_seconds": "Your seconds", "our_seconds": "Our seconds", "in_question": "In question",
}  # fmt: skip


def page(rows: Sequence[Mapping[str, Any]], parties: Parties, zone: str) -> str:
    """Write a dispute as a page to print: totals by day and by destination, then every record."""
    title = f"Dispute of {parties.ours} and {parties.theirs}"
    if not rows:
        return document(title, "<p>Nothing is in dispute.</p>")
    note = f"Money is in {parties.currency}, days are of {zone}, times are UTC."
    parts = [
        f"<p>{len(rows):,} records in question. {escape(note)}</p>",
        "<h2>By day</h2>",
        _totals(rows, "day", "Day"),
        "<h2>By destination</h2>",
        _totals(rows, "destination", "Destination"),
    ]
    for cause in dict.fromkeys(row["cause"] for row in rows):
        mine = [row for row in rows if row["cause"] == cause]
        parts += [f"<h2>{escape(_WORDS[cause].capitalize())}</h2>", table(_COLUMNS, mine)]
    return document(title, "\n".join(parts))


def _totals(rows: Sequence[Mapping[str, Any]], name: str, words: str) -> str:
    sums: dict[tuple[str, str], list[Any]] = {}
    for row in rows:
        held = sums.setdefault((row[name], row["cause"]), [0, Decimal(0), Decimal(0)])
        held[0] += 1
        held[1] += row["seconds_in_question"]
        held[2] += row["in_question"] or Decimal(0)
    made = [
        {name: key[0] or "not known", "cause": _WORDS[key[1]], "records": held[0],
         "seconds": held[1], "money": held[2]}
        for key, held in sorted(sums.items())
    ]  # fmt: skip
    heads = {name: words, "cause": "What", "records": "Records", "seconds": "Seconds",
             "money": "In question"}  # fmt: skip
    return table(heads, made)
