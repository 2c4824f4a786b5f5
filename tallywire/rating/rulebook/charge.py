"""One event to one charge: the order of the steps is the order of `Rulebook.rate`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from schemas.reasons import Reason
from schemas.services import Unit
from tallywire.calendar import band, billing_month
from tallywire.catalog.snapshot import Snapshot
from tallywire.money import fits, rounded
from tallywire.rating.rulebook.allowance import CounterKey, draw, matching
from tallywire.rating.rulebook.book import Book, Refusal
from tallywire.rating.rulebook.increments import UNTIMED, stretches
from tallywire.rating.rulebook.row import rated_row
from tallywire.rating.rulebook.steps import Step, trace
from tallywire.rating.rulebook.working import Working, price_lines

_NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True)
class Charge:
    """A priced event.

    Attributes:
        row: Fields of RatedEvent by name, without ledger time and token: ids as 16 bytes, money
            and exact parts as Decimal. A plain mapping, as building the record would cost more
            than rating.
        counter: Allowance counter it drew from, `None` without one.
        used_after: What that counter holds now, base units; 0 without one.
        working: Every value on the way.
    """

    row: Mapping[str, Any]
    counter: CounterKey | None
    used_after: int
    working: Working

    @property
    def steps(self) -> tuple[Step, ...]:
        """How the price was found, in order."""
        return trace(self.working)


class Rulebook:
    """The readable rater of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._book = Book(snapshot)

    @property
    def snapshot(self) -> Snapshot:
        """The catalogue it rates by."""
        return self._book.snapshot

    def rate(self, event: Mapping[str, Any], used: Callable[[CounterKey], int]) -> Charge | Refusal:
        """Price one event.

        Args:
            event: Fields of UsageEvent by name, ids as 16 bytes: a row of its DataFrame.
            used: What an allowance counter holds, base units. It is read, never written: the
                caller keeps `used_after`.
        """
        # 1. Who pays what: offer, tariff, and the zone of the longest prefix that holds.
        found = self._book.find(event)
        if isinstance(found, Refusal):
            return found
        offer, tariff, price = found.offer, found.tariff, found.price
        start = event["start_time"]
        # 2. Usage is rounded up to steps; each step has a band.
        calendar = tariff.calendar
        timed = tariff.unit == Unit.MICROSECOND and len(calendar.bands) > 1
        policy = tariff.straddle if timed else UNTIMED
        parts = list(stretches(price.groups, event["quantity"], calendar, start, policy))
        quantity = sum(part.length for part in parts)
        # 3. Included usage pays for the first units.
        month = billing_month(start, offer.time_zone)
        allowance = matching(offer, event["service"], found.entry.zone_id)
        drawn = draw(allowance, quantity, event["subscription_id"], month, used)
        # 4. The others have a price, 5. a connection fee, 6. a maximum and a minimum, if any.
        lines = tuple(price_lines(price, parts, drawn.covered))
        paid = quantity > drawn.covered
        fee = price.connect_fee if paid else _NOTHING
        exact = sum((line.amount for line in lines if line.amount), fee)
        cut = raised = _NOTHING
        if price.maximum_charge is not None and exact > price.maximum_charge:
            cut, exact = exact - price.maximum_charge, price.maximum_charge
        if paid and exact < price.minimum_charge:
            raised, exact = price.minimum_charge - exact, price.minimum_charge
        if not fits(exact):
            return Refusal(Reason.QUANTITY_OUT_OF_RANGE, "the exact charge has over 38 digits")
        # 7. One rounding, at the end.
        amount = rounded(exact, mode=tariff.rounding.mode, scale=tariff.rounding.scale)
        working = Working(
            event=event, found=found, month=month,
            start_band=parts[0].band if parts else band(calendar, start), timed=timed,
            lines=lines, quantity=quantity, draw=drawn, fee=fee, cut=cut,
            raised=raised, exact=exact, amount=amount,
        )  # fmt: skip
        row = rated_row(working, self._book.snapshot)
        return Charge(row, drawn.counter, drawn.used + drawn.covered, working)
