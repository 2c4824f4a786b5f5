"""The demo's usage held against what others say: the four verbs, as without options."""

from datetime import date
from pathlib import Path

from cli.controls import book, partner, provider, subscriptions
from cli.controls.outside import work
from cli.demo.coast import DAYS
from cli.demo.days import Days
from cli.demo.others import BILL, BOOK, PARTNER, SERVED
from dataflows.settings import Settings


def confront(settings: Settings, folder: Path, days: Days) -> None:
    """Store what differs.

    Args:
        folder: Where the lists of others lie.
    """
    with work(settings) as at_work:
        book.held(at_work, folder / BOOK, period(days))
        partner.held(at_work, "kystnett", [folder / PARTNER])
        subscriptions.held(at_work, [folder / SERVED])
        provider.held(at_work, folder / BILL)


def period(days: Days) -> tuple[date, date]:
    """Give the first and the last day of the calls."""
    return date.fromisoformat(days.date(DAYS)), date.fromisoformat(days.date(0))
