"""The money of a case: identified, confirmed, recovered, written off; no sum crosses currencies."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from assurance.cases.states import CaseRefusedError
from assurance.money import added
from schemas.decisions import CaseEvent

_REFERENCE = re.compile(r"(rerate|credit|invoice):\S+")
PLACES = 9
"""Decimal places that an amount may have: what the store keeps."""


class Step(StrEnum):
    """What may be booked of an amount."""

    IDENTIFIED = "identified"
    CONFIRMED = "confirmed"
    RECOVERED = "recovered"
    CREDITED = "credited"
    WRITTEN_OFF = "written_off"


@dataclass(frozen=True, order=True)
class Account:
    """What is never added to anything else: one currency, and lost or charged too much."""

    currency: str
    direction: str


@dataclass(frozen=True)
class Sums:
    """What was booked in one account."""

    identified: Decimal = Decimal(0)
    confirmed: Decimal = Decimal(0)
    recovered: Decimal = Decimal(0)
    credited: Decimal = Decimal(0)
    written_off: Decimal = Decimal(0)

    @property
    def left(self) -> Decimal:
        """What is confirmed, and neither recovered, credited nor written off."""
        return added([self.confirmed, -self.recovered, -self.credited, -self.written_off])

    def plus(self, step: str, amount: Decimal) -> "Sums":
        """Add an amount to one of the sums."""
        return replace(self, **{step: added([getattr(self, step), amount])})


Ledger = Mapping[Account, Sums]


def ledger_of(events: Iterable[CaseEvent]) -> dict[Account, Sums]:
    """Add up what steps of cases booked."""
    found: dict[Account, Sums] = {}
    for event in events:
        if event.amount is not None and event.money_step:
            account = Account(event.currency, event.direction)
            found[account] = found.get(account, Sums()).plus(event.money_step, event.amount)
    return {account: found[account] for account in sorted(found)}


def total(ledgers: Iterable[Ledger]) -> dict[Account, Sums]:
    """Add ledgers up, account by account."""
    found: dict[Account, Sums] = {}
    for ledger in ledgers:
        for account, sums in ledger.items():
            mine = found.get(account, Sums())
            for step in Step:
                mine = mine.plus(step, getattr(sums, step))
            found[account] = mine
    return {account: found[account] for account in sorted(found)}


def check_booking(
    ledger: Ledger, account: Account, step: Step, amount: Decimal, reference: str
) -> None:
    """Make sure that an amount may be booked.

    Raises:
        CaseRefusedError: If it is no amount, nothing shows that it came back, or more is recovered,
            credited or written off than is left of what was confirmed.
    """
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int) or amount <= 0 or -exponent > PLACES:
        msg = f"{amount} is no amount to book: it must be above 0, with {PLACES} decimals at most"
        raise CaseRefusedError(msg)
    if step is Step.CREDITED and not reference.startswith("credit:"):
        msg = "credited money needs the credit that was booked: see `tallywire actions propose`"
        raise CaseRefusedError(msg)
    if step is Step.RECOVERED and not _REFERENCE.fullmatch(reference):
        msg = (
            "recovered money needs what shows that it came back: "
            "--reference rerate:ID, credit:ID or invoice:ID"
        )
        raise CaseRefusedError(msg)
    left = ledger.get(account, Sums()).left
    if step in {Step.RECOVERED, Step.CREDITED, Step.WRITTEN_OFF} and amount > left:
        msg = (
            f"only {left:f} {account.currency} ({account.direction}) is confirmed and left: "
            f"{amount:f} cannot be {step}; confirm the amount first"
        )
        raise CaseRefusedError(msg)
