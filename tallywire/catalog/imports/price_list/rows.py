"""Rows of a price list: each one read whole, or refused with everything that is wrong in it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from tallywire.catalog.imports.price_list.cells import (
    CellFault,
    date,
    price,
    seconds,
    step,
    steps,
)
from tallywire.catalog.imports.price_list.codes import CodeFault, codes_of
from tallywire.catalog.imports.price_list.mapping import ListMapping

T = TypeVar("T")


@dataclass(frozen=True)
class Priced:
    """A prefix and its price, written as the catalogue does.

    Attributes:
        initial, subsequent: Steps in seconds, octets or pieces; "" where all rows have the same.
        valid_from, valid_to: Dates, the last one exclusive; "" for open.
    """

    line: int
    prefix: str
    destination: str
    rate: str
    connect_fee: str = "0"
    minimum_charge: str = "0"
    initial: str = ""
    subsequent: str = ""
    included: str = "0"
    valid_from: str = ""
    valid_to: str = ""


@dataclass(frozen=True)
class Refused:
    """A row, or a part of it, that cannot be used.

    Attributes:
        prefixes: The prefixes it prices, where they can be read.
        message: What is wrong and what to do.
    """

    line: int
    prefixes: tuple[str, ...]
    message: str


class RowReader:
    """Reads the rows of one list.

    Args:
        mapping: What the columns mean.
    """

    def __init__(self, mapping: ListMapping) -> None:
        self.mapping = mapping
        self.names = mapping.columns()

    def read(self, line: int, cells: Mapping[str, str]) -> Iterator[Priced | Refused]:
        """Give the priced prefixes of a row, or all that is wrong in it.

        Args:
            line: Where it is.
            cells: Our name of a mapped column to its cell.
        """
        faults: list[str] = []
        prefixes = self._prefixes(cells, faults)
        one = self._priced(line, cells, faults)
        if faults:
            message = "; ".join(dict.fromkeys(faults))
            yield Refused(line, prefixes, message)
            return
        for prefix in prefixes:
            yield replace(one, prefix=prefix, destination=one.destination or prefix)

    def _prefixes(self, cells: Mapping[str, str], faults: list[str]) -> tuple[str, ...]:
        country = cells.get("country_code")
        try:
            return codes_of(cells["prefix"], country)
        except CodeFault as error:
            faults.append(f"{self.names['prefix']}: {error}")
            return ()

    def _cell(
        self, cells: Mapping[str, str], name: str, read: Callable[[str], T], empty: T,
        faults: list[str],
    ) -> T:  # fmt: skip
        text = cells.get(name)
        if text is None or (not text and name != "rate" and name not in _NEEDED):
            return empty
        try:
            return read(text)
        except CellFault as error:
            faults.append(f"{self.names[name]}: {error}")
            return empty

    def _priced(self, line: int, cells: Mapping[str, str], faults: list[str]) -> Priced:
        mapping = self.mapping

        def money(text: str) -> str:
            return price(text, mapping.decimal)

        def begin(text: str) -> str:
            return date(text, mapping.date_format)

        def end(text: str) -> str:
            return date(text, mapping.date_format, included=mapping.valid_to_included)

        initial, subsequent = self._cell(cells, "increment", steps, ("", ""), faults)
        found = Priced(
            line=line,
            prefix="",
            destination=cells.get("destination", ""),
            rate=self._cell(cells, "rate", money, "", faults),
            connect_fee=self._cell(cells, "connect_fee", money, "0", faults),
            minimum_charge=self._cell(cells, "minimum_charge", money, "0", faults),
            initial=self._cell(cells, "initial", step, initial, faults),
            subsequent=self._cell(cells, "subsequent", step, subsequent, faults),
            included=self._cell(cells, "included", seconds, "0", faults),
            valid_from=self._cell(cells, "valid_from", begin, "", faults),
            valid_to=self._cell(cells, "valid_to", end, "", faults),
        )
        if found.destination and not found.destination.isprintable():
            faults.append("the name of the destination has characters that cannot be printed")
        if found.valid_to and found.valid_from >= found.valid_to:
            faults.append("it ends before it begins: correct the dates")
        return found


_NEEDED = {"increment", "initial", "subsequent"}
