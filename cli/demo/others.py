"""What others say of the demo's usage, as files: price book, carrier, network, provider."""

import datetime
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

from cli.demo.catalogue import SIGNED, write_table
from cli.demo.coast import BERIT, GONE, LEFT, Call, hours
from cli.demo.days import Days
from cli.demo.more_usage import DAY
from tallywire.catalog.snapshot import Snapshot

BOOK, PARTNER, SERVED, BILL = "price_book.csv", "kystnett.csv", "served", "bill.csv"
_BOOK = (
    "tariff", "prefix", "destination", "rate", "first_s", "next_s", "rounding_decimals", "from",
    "to",
)  # fmt: skip
_LISTED = 6
_LONGER_S, _NEVER_OURS_S = 20, 3_600


def write_others(folder: Path, snapshot: Snapshot, days: Days) -> None:
    """Write all of them into a new folder."""
    write_table(folder / BOOK, _BOOK, _book(days))
    calls = ("call_id", "start", "caller", "called", "seconds")
    write_table(folder / PARTNER, calls, _partner(days, snapshot.time_zone))
    last = days.local(LEFT, snapshot.time_zone)
    for day in (last - datetime.timedelta(days=1), last):
        served = ("subscription_id", "account_id", "offer_id", "identifier_type", "identifier")
        write_table(folder / SERVED / f"served-{day}.csv", served, _served(snapshot, day))
    bill = ("day", "customer", "sku", "quantity", "price", "cost", "currency")
    write_table(folder / BILL, bill, _bill())


def _book(days: Days) -> Iterator[tuple[str, ...]]:
    """Give what was signed."""
    signed = days.date(SIGNED)
    for prefix, destination, rate, step, first, last in (
        ("45", "Denmark", "0.02", "1", "", ""),
        ("46", "Sweden", "0.10", "1", "", ""),
        ("4673", "Sweden, personal numbers", "0.90", "1", "", ""),
        ("44", "United Kingdom", "0.30", "60", "", ""),
        ("49", "Germany", "0.15", "1", "", ""),
        ("33", "France", "0.12", "1", "", signed),
        ("33", "France", "0.18", "1", signed, ""),
    ):
        yield "coast_voice", prefix, destination, rate, step, step, "4", first, last
    yield "coast_office", "47", "Norway", "0.70", "1", "1", "4", "", ""


def _partner(days: Days, zone: str) -> Iterator[tuple[str, ...]]:
    """List the calls of two days: some longer than ours, and one that we do not have."""
    last = days.local(_LISTED, zone)
    listed = {last, last - datetime.timedelta(days=1)}
    calls = [
        call
        for hour in hours(days)
        for call in hour.calls
        if call.trunk and call.start.astimezone(ZoneInfo(zone)).date() in listed
    ]
    longer = [replace(call, seconds=call.seconds + _LONGER_S) for call in calls[:3]]
    never = replace(calls[0], called="4532109999", seconds=_NEVER_OURS_S)
    for number, call in enumerate([*longer, *calls[3:], never], start=1):
        yield _listed(number, call)


def _listed(number: int, call: Call) -> tuple[str, ...]:
    start = f"{call.start:%Y-%m-%dT%H:%M:%SZ}"
    return f"k-{number}", start, call.caller, call.called, f"{call.seconds}"


def _served(snapshot: Snapshot, day: datetime.date) -> Iterator[tuple[str, ...]]:
    """List whom the network serves: without one that calls, and with one that left."""
    zone = ZoneInfo(snapshot.time_zone)
    noon = datetime.datetime.combine(day, datetime.time(12), zone).timestamp() * 1_000_000
    for row in snapshot.identifiers.sort("subscription_id", "identifier").iter_rows(named=True):
        if row["valid_from_us"] <= noon < row["valid_to_us"] and row["identifier"] != BERIT:
            yield tuple(
                row[name] for name in ("subscription_id", "account_id", "offer_id",
                                       "identifier_type", "identifier")
            )  # fmt: skip
    yield "kyst-gone-mobile", "kyst-gone", "coast", "msisdn", GONE


def _bill() -> Iterator[tuple[str, ...]]:
    """List what the provider asks: two hours more than were rated, and a machine unheard of."""
    yield DAY, "kyst-data", "small", "10", "0.08", "0.80", "EUR"
    yield DAY, "kyst-data", "large", "11", "0.70", "7.70", "EUR"
    yield DAY, "kyst-data", "accelerator", "6", "3.50", "21.00", "EUR"
