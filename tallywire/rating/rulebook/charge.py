"""One event to its charges: the order of the steps is the order of `Rulebook._charge`."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any, NamedTuple

from schemas.reasons import Reason
from schemas.services import QUANTITY_LIMIT, Unit
from tallywire.calendar import band, billing_month
from tallywire.catalog.snapshot import Price, Snapshot
from tallywire.money import DISPLAY_SCALE, EXACT_MODE, fits, round_ratio, rounded
from tallywire.rating.rulebook.allowance import Allowances
from tallywire.rating.rulebook.amounts import (
    Amounts,
    carried,
    exchange,
    nano_of,
    no_rate,
    share,
)
from tallywire.rating.rulebook.balances import pay
from tallywire.rating.rulebook.book import RETAIL, Book, Found, Leg, Refusal, no_leg
from tallywire.rating.rulebook.discounts import Discounts, Taken
from tallywire.rating.rulebook.holders import Holders
from tallywire.rating.rulebook.increments import UNTIMED, stretches
from tallywire.rating.rulebook.row import rated_row
from tallywire.rating.rulebook.spend import count, limit
from tallywire.rating.rulebook.steps import Step, trace
from tallywire.rating.rulebook.tally import CounterKey, Point, Series, Tally, no_series
from tallywire.rating.rulebook.tiers import climb
from tallywire.rating.rulebook.working import Counted, Part, Priced, Working, price_lines

_NOTHING = Fraction(0)
_COUNTER_LIMIT = 2**63
TOO_LARGE = Refusal(Reason.QUANTITY_OUT_OF_RANGE, "the exact charge has over 38 digits")
_OVERFLOW = Refusal(Reason.QUANTITY_OUT_OF_RANGE, "a quantity or a counter has over 63 bits")


class Charge(NamedTuple):
    """A priced leg of an event.

    Attributes:
        row: Fields of RatedEvent by name, without ledger time and token: ids as 16 bytes, money
            and exact parts as Decimal. A plain mapping, as building the record would cost more
            than rating.
        working: Every value on the way.
        writes: What counters hold now.
        points: Points added to series.
    """

    row: Mapping[str, Any]
    working: Working
    writes: Mapping[CounterKey, int]
    points: Mapping[CounterKey, list[Point]]

    @property
    def steps(self) -> tuple[Step, ...]:
        """How the price was found, in order."""
        return trace(self.working)


class Rating(NamedTuple):
    """What became of an event: all legs charged, some of the partners' refused, or all refused.

    Attributes:
        charges: One for each leg that has a price.
        refusals: Legs without one; a refusal without a run is about the usage itself.
    """

    charges: tuple[Charge, ...]
    refusals: tuple[Refusal, ...]

    @property
    def writes(self) -> Mapping[CounterKey, int]:
        """What counters hold now."""
        return {key: value for charge in self.charges for key, value in charge.writes.items()}

    @property
    def points(self) -> Iterator[tuple[CounterKey, Point]]:
        """Points added to series."""
        for charge in self.charges:
            for key, added in charge.points.items():
                yield from ((key, point) for point in added)


class Rulebook:
    """The readable rater of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        holders = Holders(snapshot)
        self._book = Book(snapshot)
        self._allowances = Allowances(snapshot, holders.since)
        self._discounts = Discounts(holders.began, holders.offers)

    @property
    def snapshot(self) -> Snapshot:
        """The catalogue it rates by."""
        return self._book.snapshot

    def rate(
        self,
        event: Mapping[str, Any],
        used: Callable[[CounterKey], int],
        series: Series = no_series,
        amounts: dict[str, tuple[int, str]] | None = None,
    ) -> Rating:
        """Price one event for every leg.

        Args:
            event: Fields of UsageEvent by name, ids as 16 bytes: a row of its DataFrame.
            used: What a counter holds. It is read, never written: the caller keeps `writes`.
            series: The points of a series.
            amounts: What other legs of the event came to, where they were priced apart; its own
                are added.
        """
        tally = Tally(used, series)
        amounts = {} if amounts is None else amounts
        charges: list[Charge] = []
        refusals: list[Refusal] = []
        for leg in self._book.legs(event):
            if isinstance(leg, Refusal):
                refusals.append(leg)
                continue
            made = self.charge(event, leg, Tally(tally.used, tally.series), amounts)
            if isinstance(made, Charge):
                charges.append(made)
                tally.take(made.writes, made.points)
                amounts[leg.run] = nano_of(made.working.amount), made.working.currency
            elif leg.run == RETAIL:
                return Rating((), (made,))
            else:
                refusals.append(replace(made, run=leg.run))
        return Rating(tuple(charges), tuple(refusals))

    def runs(self, event: Mapping[str, Any]) -> list[str]:
        """List the runs that an event is priced for, or refused."""
        return [leg.run for leg in self._book.legs(event)]

    def leg(self, event: Mapping[str, Any], run: str) -> Leg | Refusal:
        """Give the leg of a run, or why the event has none."""
        for leg in self._book.legs(event):
            if leg.run == run:
                return leg
        return no_leg(run)

    def charge(
        self, event: Mapping[str, Any], leg: Leg, tally: Tally, amounts: Amounts
    ) -> Charge | Refusal:
        """Price one leg of an event.

        Args:
            leg: Where its price is looked for.
            tally: Counters, of which it is told what is read and written.
            amounts: What the legs before it came to.
        """
        made = self._charge(event, leg, tally, amounts)
        if isinstance(made, Refusal):
            return made
        if not _kept(made, tally):
            return _OVERFLOW
        row = rated_row(made, self.snapshot)
        return Charge(row, made, tally.writes, tally.points)

    def _charge(
        self, event: Mapping[str, Any], leg: Leg, tally: Tally, amounts: Amounts
    ) -> Working | Refusal:
        # 1. Who pays what: the tariff, the zone of the longest prefix, the price that fits.
        found = self._book.find(event, leg)
        if isinstance(found, Refusal):
            return found
        # 2. Units are converted and rounded up to steps; each step has a band.
        counted = _counted(event, found)
        if counted is None:
            return Refusal(Reason.QUANTITY_OUT_OF_RANGE, f"quantity {event['quantity']}")
        # 3. Included usage pays, 4. the rest has a price.
        priced = self._priced(event, found, counted, tally, amounts)
        if isinstance(priced, Refusal):
            return priced
        # 5. Discounts, 6. the maximum, then the minimum of an event.
        units = counted.quantity - priced.drawn.covered
        full = priced.exact
        taken = self._discounts.take(event, found, full, units, tally)
        reductions = [one.amount for one in taken if one.amount]
        exact = full - sum(reductions) if reductions else full
        repriced = priced.climb.repriced if priced.climb else _NOTHING
        own = exact - _correction(repriced, full, exact) if repriced else exact
        cut, raised = _bounded(found.price, own, paid=units > 0)
        if cut or raised:
            exact += raised - cut
        # 7. The currency of the offer, 8. what a period may cost.
        currency = found.offer.currency or found.tariff.currency
        fx = exchange(self.snapshot, found.tariff.currency, currency, event["start_time"])
        if fx is None:
            return no_rate(found.tariff.currency, currency)
        exact = exact if currency == found.tariff.currency else exact * fx
        rounding = found.tariff.rounding
        decimals = DISPLAY_SCALE if rounding.mode == EXACT_MODE else rounding.scale
        spent = limit(event, found.offer, currency, exact, tally, decimals)
        changed = [one.added - one.cut for one in spent if one.added or one.cut]
        exact = exact + sum(changed) if changed else exact
        if not fits(exact):
            return TOO_LARGE
        # 9. One rounding, at the end; then prepaid balances pay.
        amount = rounded(exact, mode=rounding.mode, scale=rounding.scale)
        count(spent, amount, tally)
        if taken:
            _count_spend(taken, amount / fx if fx != 1 else amount, tally)
        paid = pay(self.snapshot, found.offer, currency, event, amount, tally)
        start, calendar = event["start_time"], found.tariff.calendar
        parts = counted.parts
        return Working(
            event=event, found=found, counted=counted, priced=priced, taken=taken, cut=cut,
            month=billing_month(start, self._period_zone(found)),
            start_band=parts[0].stretch.band if parts else band(calendar, start),
            raised=raised, fx=fx if currency != found.tariff.currency else None, spent=spent,
            currency=currency, exact=exact, amount=amount, paid=paid,
            reads=tuple(tally.reads.values()),
        )  # fmt: skip

    def _period_zone(self, found: Found) -> str:
        """Give the zone of periods: the offer's; a partner's are the operator's."""
        return found.offer.time_zone if found.retail else self.snapshot.time_zone

    def _priced(
        self, event: Mapping[str, Any], found: Found, counted: Counted, tally: Tally,
        amounts: Amounts,
    ) -> Priced | Refusal:  # fmt: skip
        price, parts = found.price, counted.parts
        drawn = self._allowances.draw(
            event, found.offer, found.tariff, found.entry.zone_id,
            [part.stretch for part in parts], tally,
        )  # fmt: skip
        shared = share(event, found, price, self.snapshot, amounts, tally)
        if isinstance(shared, Refusal):
            return shared
        rest = counted.quantity - drawn.covered - drawn.beyond
        zone = self._period_zone(found)
        climbed = None
        if price.tiers:
            amount: Fraction | Refusal = _NOTHING
            if price.tiers.measure == "amount":
                tariff = found.tariff
                amount = carried(event, tariff.currency, self.snapshot, tariff.tariff_id)
            if isinstance(amount, Refusal):
                return amount
            climbed = climb(event, price.tiers, rest, zone, tally, found.leg.run, amount)
        fee = price.connect_fee if counted.quantity > drawn.covered else _NOTHING
        lines = tuple(price_lines(parts, drawn.free))
        return Priced(lines, drawn, fee, climbed, shared)


def _counted(event: Mapping[str, Any], found: Found) -> Counted | None:
    """Convert usage and count it in steps; where uplink has its own price it comes last.

    Converted units are no time: all of them have the band of the start. Octets of which no way is
    told were received.

    Returns:
        None where it is more than anything may be.
    """
    tariff, price = found.tariff, found.price
    converted = tariff.conversion is not None
    timed = tariff.unit == Unit.MICROSECOND and not converted and len(tariff.calendar.bands) > 1
    policy = tariff.straddle if timed else UNTIMED
    ways = [("quantity", event["quantity"], price.groups)]
    if price.uplink:
        sent = event["up_octets"]
        received = max(event["down_octets"], event["quantity"] - sent)
        ways = [("down_octets", received, price.groups), ("up_octets", sent, price.uplink)]
    units = [_converted(used, found) for _, used, _ in ways]
    if sum(units) > QUANTITY_LIMIT:
        return None
    parts = [
        Part(stretch, way, groups[stretch.group].rates[stretch.band])
        for used, (way, _, groups) in zip(units, ways, strict=True)
        for stretch in stretches(groups, used, tariff.calendar, event["start_time"], policy)
    ]
    quantity = sum(part.stretch.length for part in parts)
    return Counted(sum(units), quantity, tuple(parts), timed)


def _converted(quantity: int, found: Found) -> int:
    conversion = found.tariff.conversion
    if conversion is None:
        return quantity
    return round_ratio(quantity * conversion.multiply, conversion.divide, conversion.mode)


def _kept(working: Working, tally: Tally) -> bool:
    """Tell whether what is counted fits counters and columns."""
    climbed, draws = working.priced.climb, working.priced.drawn.draws
    held = [working.counted.quantity, *tally.writes.values()]
    if climbed:
        held += (climbed.before, climbed.after)
    if draws:
        held.append(draws[-1].before)
    return min(held) > -_COUNTER_LIMIT and max(held) < _COUNTER_LIMIT


def _correction(repriced: Fraction, full: Fraction, exact: Fraction) -> Fraction:
    """Give what corrects earlier usage, after discounts, of a charge that they made less."""
    return repriced * exact / full if full else repriced


def _bounded(price: Price, own: Fraction, *, paid: bool) -> tuple[Fraction, Fraction]:
    """Give what the maximum takes off what usage costs itself, and what the minimum adds."""
    cut = raised = _NOTHING
    if price.maximum_charge is not None and own > price.maximum_charge:
        cut = own - price.maximum_charge
    if paid and price.minimum_charge and own - cut < price.minimum_charge:
        raised = price.minimum_charge - (own - cut)
    return cut, raised


def _count_spend(taken: tuple[Taken, ...], amount: Fraction, tally: Tally) -> None:
    """Count a charge, in the tariff's currency, for discounts that depend on what was spent."""
    for one in taken:
        if one.discount.measure == "spend":
            nano = nano_of(rounded(amount, mode=EXACT_MODE, scale=0))
            tally.write(one.key, one.counted + nano)
