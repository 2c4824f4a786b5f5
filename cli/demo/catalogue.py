"""The demo's catalogue: the example, and a coast whose rate decks are wrong by intent."""

import csv
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from cli.demo.coast import ANNA, BERIT, GONE, LEFT, OFFICE
from cli.demo.days import Days
from dataflows.catalogs import example_folder

_ADDED = Path(__file__).parent / "added"
_OLDEST = "2025-01-01"
_DECK = ("prefix", "destination", "rate", "first_s", "next_s", "from", "to")
_ACCOUNTS = (
    "account_id", "subscription_id", "offer_id", "identifier_type", "identifier", "valid_from",
    "valid_to",
)  # fmt: skip
SIGNED, LATE_IN_USE, FREE, TENFOLD, DEARER = 8, 3, 6, 5, 2
"""Days before the last: France got dearer by contract, and in the catalogue; Germany became free;
the Netherlands cost tenfold; Kystnett asks more than customers pay."""


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write rows as CSV under their columns' names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def write_catalogue(folder: Path, days: Days) -> None:
    """Copy the example, and add the coast: feeds, tariffs, a carrier, accounts."""
    shutil.copytree(example_folder(), folder)
    shutil.copytree(_ADDED, folder, dirs_exist_ok=True)
    decks = folder / "tariffs" / "decks"
    write_table(decks / "coast.csv", _DECK, _coast(days))
    write_table(decks / "coast_office.csv", _DECK[:3], [("47", "Norway", "0.70")])
    price = ("prefix", "destination", "rate", "from", "to")
    dearer = days.date(DEARER)
    write_table(decks / "kystnett.csv", price, [
        ("45", "Denmark", "0.010", "", dearer), ("45", "Denmark", "0.050", dearer, ""),
    ])  # fmt: skip
    write_table(folder / "accounts" / "coast.csv", _ACCOUNTS, _accounts(days))


def _coast(days: Days) -> list[tuple[str, ...]]:
    """Give what customers pay; what is wrong with it, the price book says."""
    free, tenfold, signed = days.date(FREE), days.date(TENFOLD), days.date(LATE_IN_USE)
    return [
        ("45", "Denmark", "0.02", "1", "1", "", ""),
        ("46", "Sweden", "0.10", "1", "1", "", ""),
        ("44", "United Kingdom", "0.30", "1", "1", "", ""),
        ("49", "Germany", "0.15", "1", "1", "", free),
        ("49", "Germany", "0", "1", "1", free, ""),
        ("33", "France", "0.12", "1", "1", "", signed),
        ("33", "France", "0.18", "1", "1", signed, ""),
        ("31", "Netherlands", "0.08", "1", "1", "", tenfold),
        ("31", "Netherlands", "0.80", "1", "1", tenfold, ""),
    ]


def _accounts(days: Days) -> list[tuple[str, ...]]:
    return [
        ("kyst-anna", "kyst-anna-mobile", "coast", "msisdn", ANNA, _OLDEST, ""),
        ("kyst-berit", "kyst-berit-mobile", "coast", "msisdn", BERIT, _OLDEST, ""),
        ("kyst-office", "kyst-office-line", "coast_office", "msisdn", OFFICE, _OLDEST, ""),
        ("kyst-gone", "kyst-gone-mobile", "coast", "msisdn", GONE, _OLDEST, days.date(LEFT + 1)),
        ("kyst-data", "kyst-data-machines", "machines", "customer", "kyst-data", _OLDEST, ""),
    ]
