"""Prices that the columnar rater cannot take: their usage is rated one by one, and slower."""

from collections.abc import Iterator

from schemas.services import Unit
from tallywire.catalog import Problem, Reading
from tallywire.catalog.places import Places, Row, rows_of
from tallywire.catalog.problems import at_most
from tallywire.catalog.snapshot import Tariff
from tallywire.rating.columnar.prices import PriceTable
from tallywire.rating.wording import quantity_words

RULE = "one_by_one"
ORDINARY = {Unit.MICROSECOND: 86_400_000_000, Unit.OCTET: 10**12, Unit.COUNT: 10**6}
"""Base unit to what one ordinary event holds at most: a day, a terabyte, a million pieces."""


def _tariff(tariff: Tariff, places: Places) -> Iterator[Problem]:
    limits = PriceTable([tariff]).limit.tolist()
    first: dict[int, Row] = {}
    for row in rows_of(tariff) if min(limits) < ORDINARY[Unit(tariff.unit)] else ():
        first.setdefault(row.price_no, row)
    for number, row in first.items():
        if limits[number] >= ORDINARY[Unit(tariff.unit)]:
            continue
        most = limits[number]
        beyond = f"usage above {quantity_words(most, tariff.unit)}" if most > 0 else "its usage"
        text = f"{beyond} is rated one by one, which is slower; fewer decimals are rated in columns"
        yield places.problem(tariff.tariff_id, row, text, RULE)


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
