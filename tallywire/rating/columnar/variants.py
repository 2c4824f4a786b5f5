"""Prices that depend on attributes, in columns: each distinct combination is looked up once."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import orjson
import polars as pl

from tallywire.catalog.snapshot import Price, Tariff
from tallywire.catalog.terms import Condition

Ints = npt.NDArray[np.int64]

_ORIGIN = "origin_zone"
_ATTRIBUTE = "attributes."
_PRICE, _TARIFF, _CHOSEN = "_price", "_tariff", "_chosen"


class Variants:
    """The prices with variants of all tariffs.

    Args:
        tariffs: In the order of their numbers.
        base: First price of each tariff.
    """

    def __init__(self, tariffs: Sequence[Tariff], base: Ints) -> None:
        self._tariffs = tariffs
        self._base = base
        prices = [price for tariff in tariffs for price in tariff.prices]
        self._prices = prices
        self._has = np.array(
            [bool(price.variants) or price.only_variants for price in prices], bool
        )
        self.unpriced = np.array(
            [price.only_variants and not price.variants for price in prices], bool
        )
        self.any = bool(self._has.any())
        fields = {
            one.field for price in prices for variant in price.variants for one in variant.when
        }
        attributes = any(field.startswith(_ATTRIBUTE) for field in fields)
        self._columns = sorted(
            {field for field in fields if not field.startswith(_ATTRIBUTE) and field != _ORIGIN}
            | ({"attributes"} if attributes else set())
            | ({"a_number"} if _ORIGIN in fields else set())
        )

    def choose(self, usage: pl.DataFrame, tariff: Ints, price: Ints) -> Ints:
        """Give the price that fits each row's attributes, -1 where none does.

        Args:
            usage: Rows of UsageEvent.
            tariff: Number of each row's tariff.
            price: Number of each row's price, or -1.
        """
        if not self.any:
            return price
        rows = np.flatnonzero((price >= 0) & self._has[np.maximum(price, 0)])
        if not len(rows):
            return price
        fields = usage.select(self._columns)[rows] if self._columns else pl.DataFrame()
        found = [pl.Series(_PRICE, price[rows]), pl.Series(_TARIFF, tariff[rows])]
        asked = fields.hstack(found) if self._columns else pl.DataFrame(found)
        distinct = asked.unique(maintain_order=True)
        chosen = [self._choose(row) for row in distinct.iter_rows(named=True)]
        answers = distinct.with_columns(pl.Series(_CHOSEN, chosen, dtype=pl.Int64))
        joined = asked.join(answers, on=asked.columns, how="left", maintain_order="left")
        result = price.copy()
        result[rows] = joined[_CHOSEN].to_numpy()
        return result

    def _choose(self, row: Mapping[str, object]) -> int:
        tariff, price = int(str(row[_TARIFF])), int(str(row[_PRICE]))
        entry: Price = self._prices[price]
        for variant in entry.variants:
            if all(self._holds(one, row, tariff) for one in variant.when):
                return int(self._base[tariff]) + variant.price_no
        return -1 if entry.only_variants else price

    def _holds(self, condition: Condition, row: Mapping[str, object], tariff: int) -> bool:
        if condition.field == _ORIGIN:
            value = _zone(self._tariffs[tariff].origins, str(row["a_number"]))
        elif condition.field.startswith(_ATTRIBUTE):
            value = _attribute(str(row["attributes"]), condition.field[len(_ATTRIBUTE) :])
        else:
            value = str(row[condition.field])
        return value in condition.values


def _zone(origins: Mapping[str, str], number: str) -> str:
    """Give the zone of the longest prefix: prefixes are tried from the longest of the plan on."""
    digits = number if number.isascii() and number.isdigit() else ""
    fitting = [prefix for prefix in origins if digits.startswith(prefix)]
    return origins[max(fitting, key=len)] if fitting else ""


def _attribute(text: str, name: str) -> str:
    value = orjson.loads(text).get(name) if text else None
    return value if isinstance(value, str) else ""
