"""Tables of money: top-ups of allowances and balances, and rates of exchange, out of CSV."""

import dataclasses
from collections.abc import Mapping
from fractions import Fraction

import polars as pl

from schemas.services import Unit
from tallywire.catalog.entries import LINE, Entries, Result, unit_of
from tallywire.catalog.pricing import in_units
from tallywire.catalog.problems import Problem, at_most
from tallywire.catalog.snapshot import FOREVER_US
from tallywire.catalog.terms import SCOPES, Grant
from tallywire.catalog.values import amount, currency, identifier, money, when
from tallywire.money import NANO

TOP_UP_COLUMNS = ("scope", "holder", "of", "id", "quantity", "valid_from", "valid_to")
FX_COLUMNS = ("day", "from", "to", "rate")
_FEWEST = {"scope", "valid_from", "valid_to"}

Row = Mapping[str, str]


def _columns(name: str, table: pl.DataFrame, known: tuple[str, ...]) -> list[Problem]:
    lacking = [one for one in known if one not in table.columns and one not in _FEWEST]
    found = [Problem(name, 1, one, "the column is missing; add it") for one in lacking]
    strange = [one for one in table.columns if one not in {*known, LINE}]
    return found + [
        Problem(name, 1, one, f"unknown column; known: {', '.join(known)}") for one in strange
    ]


class _TopUps:
    """Reads top-ups; what they fill is looked up among the offers."""

    def __init__(self, entries: Entries) -> None:
        self.zone = entries.time_zone
        self.units: dict[str, Unit | None] = {}
        for offer in entries.offers:
            for allowance in offer.value.allowances:
                if allowance.top_up and allowance.services:
                    self.units[allowance.id] = unit_of(allowance.services[0])
            self.units.update(dict.fromkeys((one.id for one in offer.value.balances), None))
        self.grants: dict[tuple[str, str, str], list[Grant]] = {}

    def take(self, row: Row) -> None:
        """Read one row.

        Raises:
            ValueError: If it cannot be used; names the column first.
        """
        scope = row.get("scope") or "subscription"
        if scope not in SCOPES:
            msg = f"scope: {scope!r} is none of {', '.join(SCOPES)}"
            raise ValueError(msg)
        if row["of"] not in self.units:
            msg = f"of: no offer has a balance, or an allowance with top_up, {row['of']!r}"
            raise ValueError(msg)
        place = (scope, identifier(row["holder"]), row["of"])
        held = self.grants.setdefault(place, [])
        name = identifier(row["id"])
        if any(one.grant_id == name for one in held):
            msg = f"id: {name!r} is given twice for {row['holder']} and {row['of']}"
            raise ValueError(msg)
        since, until = self._moment(row, "valid_from", 0), self._moment(row, "valid_to", FOREVER_US)
        if until <= since:
            msg = "valid_to: is not after valid_from; correct one"
            raise ValueError(msg)
        held.append(Grant(name, self._quantity(row), since, until))

    def _moment(self, row: Row, column: str, empty: int) -> int:
        text = row.get(column) or ""
        return when(text).micros(self.zone) if text else empty

    def _quantity(self, row: Row) -> int:
        unit = self.units[row["of"]]
        if unit is None:
            exact = money(row["quantity"]) * NANO
            if exact.denominator != 1:
                msg = "quantity: money has at most 9 decimals"
                raise ValueError(msg)
            return int(exact)
        units = in_units(amount(row["quantity"]), unit)
        if units is None:
            msg = f"quantity: is not in {unit}s"
            raise ValueError(msg)
        return units


def top_ups(entries: Entries) -> Result:
    """Read every table of top-ups."""
    reader, problems = _TopUps(entries), []
    for name, table in entries.top_ups.items():
        faults = _columns(name, table, TOP_UP_COLUMNS)
        problems += faults
        found = []
        for row in table.iter_rows(named=True) if not faults else ():
            try:
                reader.take(row)
            except ValueError as error:
                found.append(_problem(name, row[LINE], error))
        problems += at_most(found, "a wrong top-up")
    grants = {place: tuple(held) for place, held in reader.grants.items()}
    return dataclasses.replace(entries, grants=grants), problems


def _problem(name: str, line: int, error: ValueError) -> Problem:
    column, _, text = str(error).partition(": ")
    known = column in {*TOP_UP_COLUMNS, *FX_COLUMNS}
    return Problem(name, line, column if known else "", text if known else str(error))


def exchange(entries: Entries) -> Result:
    """Read every table of exchange rates; a pair of currencies has one rate a day."""
    rates: dict[tuple[str, str], dict[int, Fraction]] = {}
    problems: list[Problem] = []
    for name, table in entries.rates_of_exchange.items():
        faults = _columns(name, table, FX_COLUMNS)
        problems += faults
        found = []
        for row in table.iter_rows(named=True) if not faults else ():
            try:
                _rate(row, entries.time_zone, rates)
            except ValueError as error:
                found.append(_problem(name, row[LINE], error))
        problems += at_most(found, "a wrong exchange rate")
    fx = {pair: tuple(sorted(dated.items())) for pair, dated in sorted(rates.items())}
    return dataclasses.replace(entries, fx=fx), problems


def _rate(row: Row, zone: str, rates: dict[tuple[str, str], dict[int, Fraction]]) -> None:
    pair = (currency(row["from"]), currency(row["to"]))
    dated = rates.setdefault(pair, {})
    moment, rate = when(row["day"]).micros(zone), money(row["rate"])
    if moment in dated:
        msg = f"day: {row['day']} has a rate from {pair[0]} to {pair[1]} already; keep one"
        raise ValueError(msg)
    if not rate:
        msg = "rate: must be more than 0"
        raise ValueError(msg)
    dated[moment] = rate
