"""The overflow proof: the largest allowed usage of one event fits, at every price.

An exact charge is kept as a numerator and a denominator of 38 digits each, and a counted quantity
as a 64-bit integer. All amounts of a price lie on one common denominator, so a bound of the largest
amount bounds every numerator.
"""

from collections.abc import Iterator
from fractions import Fraction
from math import lcm

from schemas.services import QUANTITY_LIMIT
from tallywire.catalog.comparing import priced_unit
from tallywire.catalog.places import Places, first_rows
from tallywire.catalog.problems import Problem, at_most
from tallywire.catalog.prose import quantity_words
from tallywire.catalog.snapshot import Group, Price, Snapshot, Tariff
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


def price_overflow(price: Price, unit: str) -> str | None:
    """Say why charges of a price may not fit, or nothing where it is proven that they do.

    Args:
        price: A compiled price.
        unit: Base unit, for the words.
    """
    late = [group.start for group in _groups(price) if group.start > QUANTITY_LIMIT]
    if late:
        start, most = quantity_words(late[0], unit), quantity_words(QUANTITY_LIMIT, unit)
        return f"the group from {start} is beyond all usage: one event has at most {most}"
    if largest_count(price) > _LARGEST_COUNT:
        step = quantity_words(max(group.increment for group in _groups(price)), unit)
        return f"steps of {step} count beyond 64 bits; write smaller steps"
    common, most_charged = common_denominator(price), largest_charge(price) + 1  # rounded up, too
    if common < _LARGEST_PART and most_charged * common < _LARGEST_PART and fits(most_charged):
        return None
    most = quantity_words(QUANTITY_LIMIT, unit)
    digits = max(len(str(common)), len(str(int(most_charged * common))))
    return (
        f"a charge for {most} may need {digits} digits and 38 are kept; write rates that pay for "
        "one and the same quantity (per), with fewer decimals"
    )


def _tariff(tariff: Tariff, places: Places) -> Iterator[Problem]:
    texts = {
        number: text
        for number, price in enumerate(tariff.prices)
        if (text := price_overflow(price, priced_unit(tariff)))
    }
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
    return [
        problem
        for _, tariff in sorted(snapshot.tariffs.items())
        for problem in at_most(_tariff(tariff, places), "prices that do not fit")
    ]
