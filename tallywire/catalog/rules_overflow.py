"""The overflow proof: the largest allowed usage of one event fits, at every price.

An exact charge is kept as a numerator and a denominator of 38 digits each, and a counted quantity
as a 64-bit integer. All amounts of a price lie on one common denominator, so a bound of the largest
amount bounds every numerator.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from schemas.services import QUANTITY_LIMIT
from tallywire.catalog.comparing import priced_unit
from tallywire.catalog.places import Places, first_rows
from tallywire.catalog.problems import Problem, at_most
from tallywire.catalog.prose import quantity_words
from tallywire.catalog.snapshot import Group, Offer, Price, Snapshot, Tariff
from tallywire.catalog.terms import COUNTED, Tiers
from tallywire.money import fits

RULE = "overflow"
_LARGEST_COUNT = 2**63 - 1
_LARGEST_PART = 10**38


def largest_count(price: Price) -> int:
    """Bound the counted quantity of an event: each group may round up by one step."""
    return QUANTITY_LIMIT + sum(group.increment for group in _groups(price))


def _groups(price: Price) -> tuple[Group, ...]:
    return (*price.groups, *price.uplink)


def _largest_climb(tiers: Tiers, counted: int) -> Fraction:
    """Bound what tiers add for one event; others than plain ones may re-price all they counted."""
    plain = tiers.mode == "graduated" and tiers.measure in COUNTED
    units = counted if plain else _LARGEST_COUNT
    highest = max(step.rate for step in tiers.steps)
    blocks = sum(step.block for step in tiers.steps)
    return sum((step.flat for step in tiers.steps), highest * (units + blocks))


def largest_charge(price: Price) -> Fraction:
    """Bound the charge of an event before it is rounded; the fee and the limits included."""
    highest = max(rate for group in _groups(price) for rate in group.rates)
    used = price.connect_fee + highest * largest_count(price)
    if price.tiers is not None:
        used += _largest_climb(price.tiers, largest_count(price))
    if price.maximum_charge is not None:
        used = min(used, price.maximum_charge)
    return max(used, price.minimum_charge)


def common_denominator(price: Price) -> int:
    """Give the denominator on which every exact charge of a price lies."""
    parts = [price.connect_fee, price.minimum_charge, price.maximum_charge or Fraction(0)]
    parts += [rate for group in _groups(price) for rate in group.rates]
    for step in price.tiers.steps if price.tiers else ():
        parts += [step.flat, step.rate]
    return lcm(*(part.denominator for part in parts))


@dataclass(frozen=True)
class Worked:
    """What an offer makes of a charge, as far as its size goes.

    Attributes:
        offer_id: The offer; empty for the price alone.
        denominator: What the denominator of a charge may be multiplied by.
        factor: What a charge may be multiplied by.
        added: What may be added to it.
    """

    offer_id: str = ""
    denominator: int = 1
    factor: Fraction = Fraction(1)
    added: Fraction = Fraction(0)


_ALONE = Worked()


def worked(offer: Offer, tariff: Tariff, snapshot: Snapshot) -> Worked:
    """Bound what discounts, exchange and spend limits of an offer make of a tariff's charges."""
    denominator, factor = 1, Fraction(1)
    for discount in offer.discounts:
        parts = [step.percent / 100 for step in discount.steps]  # exact: both are ratios
        parts += [discount.amount or Fraction(0)]
        denominator *= lcm(*(part.denominator for part in parts))
    rates = [rate for _, rate in snapshot.fx.get((tariff.currency, offer.currency), ())]
    denominator *= max((rate.denominator for rate in rates), default=1)
    factor *= max((*rates, Fraction(1)))
    limits = Fraction(0)
    for spend in offer.spends:
        denominator *= spend.overage.denominator
        factor *= max(spend.overage, Fraction(1))
        sums = [spend.minimum, spend.maximum, spend.committed]
        limits += sum((one for one in sums if one is not None), Fraction(0))
    denominator *= lcm(limits.denominator, 1)
    return Worked(offer.offer_id, denominator, factor, limits)


def _selling(snapshot: Snapshot) -> Mapping[str, list[Offer]]:
    """Give the offers that sell each tariff."""
    found: dict[str, list[Offer]] = {}
    for _, offer in sorted(snapshot.offers.items()):
        others = (name for names in offer.fallbacks.values() for name in names)
        for name in sorted({*offer.tariffs.values(), *others}):
            found.setdefault(name, []).append(offer)
    return found


def _ways(tariff: Tariff, offers: Sequence[Offer], snapshot: Snapshot) -> list[Worked]:
    """Give what offers make of a tariff's charges, each way once, and the price alone."""
    found = {(1, Fraction(1), Fraction(0)): _ALONE}
    for offer in offers:
        one = worked(offer, tariff, snapshot)
        found.setdefault((one.denominator, one.factor, one.added), one)
    return list(found.values())


def price_overflow(price: Price, unit: str, offer: Worked = _ALONE) -> str | None:
    """Say why charges of a price may not fit, or nothing where it is proven that they do.

    Args:
        price: A compiled price.
        unit: Base unit, for the words.
        offer: What an offer makes of its charges.
    """
    late = [group.start for group in _groups(price) if group.start > QUANTITY_LIMIT]
    if late:
        start, most = quantity_words(late[0], unit), quantity_words(QUANTITY_LIMIT, unit)
        return f"the group from {start} is beyond all usage: one event has at most {most}"
    if largest_count(price) > _LARGEST_COUNT:
        step = quantity_words(max(group.increment for group in _groups(price)), unit)
        return f"steps of {step} count beyond 64 bits; write smaller steps"
    common = common_denominator(price) * offer.denominator
    most_charged = largest_charge(price) * offer.factor + offer.added + 1  # rounded up, too
    if common < _LARGEST_PART and most_charged * common < _LARGEST_PART and fits(most_charged):
        return None
    most = quantity_words(QUANTITY_LIMIT, unit)
    digits = max(len(str(common)), len(str(int(most_charged * common))))
    after = (
        f" after the discounts and rates of the offer {offer.offer_id}" if offer.offer_id else ""
    )
    return (
        f"a charge for {most} may need {digits} digits{after} and 38 are kept; write rates that "
        "pay for one and the same quantity (per), with fewer decimals"
    )


def _tariff(
    tariff: Tariff, offers: Sequence[Offer], snapshot: Snapshot, places: Places
) -> Iterator[Problem]:
    ways = _ways(tariff, offers, snapshot)
    texts = {}
    for number, price in enumerate(tariff.prices):
        said = (price_overflow(price, priced_unit(tariff), way) for way in ways)
        text = next((one for one in said if one), None)
        if text:
            texts[number] = text
    if not texts:
        return
    first = first_rows(tariff)
    for number, text in texts.items():
        if number in first:  # a zone without prefixes has a price that nothing finds
            yield places.problem(tariff.tariff_id, first[number], text, RULE)


def overflow(snapshot: Snapshot, places: Places) -> list[Problem]:
    """Name every price whose charges may not fit.

    Args:
        snapshot: The compiled catalogue.
        places: Where its prices were written.
    """
    selling = _selling(snapshot)
    found: list[Problem] = []
    for name, tariff in sorted(snapshot.tariffs.items()):
        texts = _tariff(tariff, selling.get(name, ()), snapshot, places)
        found += at_most(texts, "prices that do not fit")
    return found
