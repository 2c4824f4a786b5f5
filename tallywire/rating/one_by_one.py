"""Prices that the columnar rater cannot take: their usage is rated one by one, and slower."""

from collections.abc import Iterator

from schemas.services import Unit
from tallywire.catalog import Problem, Reading
from tallywire.catalog.comparing import priced_unit
from tallywire.catalog.fitness import offer_reasons, price_reasons, tariff_reasons
from tallywire.catalog.places import Places, first_rows
from tallywire.catalog.problems import at_most
from tallywire.catalog.snapshot import Snapshot, Tariff
from tallywire.rating.columnar.prices import PriceTable
from tallywire.rating.wording import quantity_words

RULE = "one_by_one"
ORDINARY = {Unit.MICROSECOND: 86_400_000_000, Unit.OCTET: 10**12, Unit.COUNT: 10**6}
"""Base unit to what one ordinary event holds at most: a day, a terabyte, a million pieces."""


def _tariff(tariff: Tariff, places: Places) -> Iterator[Problem]:
    unit = priced_unit(tariff)
    limits = PriceTable([tariff]).limit.tolist()
    short = [number for number, most in enumerate(limits) if most < ORDINARY[Unit(unit)]]
    first = first_rows(tariff) if short else {}
    for number in short:
        if number not in first or price_reasons(tariff.prices[number]):
            continue  # nothing finds it; or it is sequential by its terms, as `sequential` tells
        most = limits[number]
        beyond = f"usage above {quantity_words(most, unit)}" if most > 0 else "its usage"
        text = f"{beyond} is rated one by one, which is slower; fewer decimals are rated in columns"
        yield places.problem(tariff.tariff_id, first[number], text, RULE)


def one_by_one(reading: Reading) -> list[Problem]:
    """Warn of the prices whose ordinary usage is not rated in columns.

    Args:
        reading: A reading without problems.
    """
    if reading.snapshot is None:
        return []
    places = Places(reading.entries)
    tariffs = sorted(reading.snapshot.tariffs.items())
    return [
        problem
        for _, tariff in tariffs
        if tariff.order == "scan"
        for problem in at_most(_tariff(tariff, places), "prices rated one by one")
    ]


def sequential(snapshot: Snapshot) -> list[str]:
    """Say which tariffs and offers are rated one by one by their terms, and why."""
    found = []
    for name, tariff in sorted(snapshot.tariffs.items()):
        reasons = tariff_reasons(tariff)
        if reasons:
            found.append(f"the tariff {name} is rated one by one: {'; '.join(reasons)}")
    for name, offer in sorted(snapshot.offers.items()):
        reasons = offer_reasons(offer, snapshot.tariffs)
        if reasons:
            found.append(f"the offer {name} is rated one by one: {'; '.join(reasons)}")
    return found
