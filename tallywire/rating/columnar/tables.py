"""What the columnar rater reads of a snapshot: codes for names, arrays for objects."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from tallywire.catalog.fitness import tariff_reasons
from tallywire.catalog.snapshot import Snapshot, Tariff
from tallywire.rating.columnar.bands import Bands
from tallywire.rating.columnar.increments import STRADDLES, UNTIMED
from tallywire.rating.columnar.prefixes import PrefixIndex
from tallywire.rating.columnar.prices import PriceTable
from tallywire.rating.columnar.rounding import MODES, NANO_SCALE, rounds_up
from tallywire.rating.columnar.variants import Variants

Ints = npt.NDArray[np.int64]

ZONE_FIELDS = ("none", "b_number", "a_number", "serving_plmn")


class Codes:
    """Names and their numbers."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = pl.Series(list(names), dtype=pl.String)
        self._kind = pl.Enum(list(names))

    def of(self, column: pl.Series) -> Ints:
        """Number a column of names; -1 for one that is not known."""
        codes = column.cast(self._kind, strict=False).to_physical()
        return codes.cast(pl.Int64).fill_null(-1).to_numpy()

    def name(self, codes: Ints) -> pl.Series:
        """Give the names of numbers, all of them known."""
        return self.names.gather(codes)


class Tables:
    """The arrays of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        tariffs = [snapshot.tariffs[key] for key in sorted(snapshot.tariffs)]
        offers = [snapshot.offers[key] for key in sorted(snapshot.offers)]
        self.tariffs, self.offers = tariffs, offers
        number = {tariff.tariff_id: index for index, tariff in enumerate(tariffs)}
        legs = sorted({leg for offer in offers for leg in offer.tariffs})
        self.offer_codes = Codes([offer.offer_id for offer in offers])
        self.leg_codes = Codes([f"{service}\x1f{direction}" for service, direction in legs])
        self.number = number
        self._chains(legs)
        self.prefixes = PrefixIndex(tariffs)
        self.prices = PriceTable(tariffs)
        self.price_no = self.prefixes.frame["price_no"].cast(pl.Int64).to_numpy()
        self.variants = Variants(tariffs, self.prices.base)
        self._zones()
        self.mode = _array([MODES.index(tariff.rounding.mode) for tariff in tariffs])
        self.scale = _array([tariff.rounding.scale for tariff in tariffs])
        self.kept_decimals = np.where(self.mode == MODES.index("none"), NANO_SCALE, self.scale)
        self.zone_field = _array([ZONE_FIELDS.index(tariff.zone_by) for tariff in tariffs])
        self._conversions()
        self.words = _words(tariffs, snapshot)
        self._same = {name for name, texts in self.words.items() if texts.n_unique() == 1}
        self.unit = pl.Series([tariff.unit for tariff in tariffs], dtype=pl.String)
        self._calendars()

    def _calendars(self) -> None:
        distinct = list(dict.fromkeys(tariff.calendar for tariff in self.tariffs))
        number = {calendar: place for place, calendar in enumerate(distinct)}
        self.bands = [Bands(calendar) for calendar in distinct]
        self.calendar = _array([number[tariff.calendar] for tariff in self.tariffs])
        self.straddle = _array([STRADDLES.index(_straddle(tariff)) for tariff in self.tariffs])

    def _chains(self, legs: Sequence[tuple[str, str]]) -> None:
        """Number the tariffs that each offer asks in turn for each service and direction."""
        most = 1 + max(
            (len(names) for offer in self.offers for names in offer.fallbacks.values()), default=0
        )
        shape = (len(self.offers) + 1, len(legs) + 1)
        self.chains = [np.full(shape, -1, np.int64) for _ in range(most)]
        for row, offer in enumerate(self.offers):
            for column, leg in enumerate(legs):
                if leg in offer.tariffs:
                    names = (offer.tariffs[leg], *offer.fallbacks.get(leg, ()))
                    for chain, name in zip(self.chains, names, strict=False):
                        chain[row, column] = self.number[name]

    def _zones(self) -> None:
        column = self.prefixes.frame["zone_id"]
        self.zone_codes = Codes(sorted(column.unique().to_list()))
        self.zone_of_entry = self.zone_codes.of(column)

    def _conversions(self) -> None:
        found = [
            one.conversion if one.conversion and not tariff_reasons(one) else None
            for one in self.tariffs
        ]
        self.converts = any(found)
        self.multiply = _array([one.multiply if one else 1 for one in found])
        self.divide = _array([one.divide if one else 1 for one in found])
        self.conversion_mode = _array([MODES.index(one.mode) if one else 0 for one in found])

    def converted(self, tariff: Ints, quantity: Ints) -> Ints:
        """Convert base units of usage to priced units; the product must fit."""
        if not self.converts:
            return quantity
        whole, rest = np.divmod(quantity * self.multiply[tariff], self.divide[tariff])
        more = rounds_up(self.conversion_mode[tariff], whole, rest, self.divide[tariff])
        result: Ints = whole + more
        return result

    def word(self, name: str, tariff: Ints) -> pl.Series | pl.Expr:
        """Give a text of each row's tariff; one for all where all tariffs have it."""
        words = self.words[name]
        return pl.lit(words[0]) if name in self._same else words.gather(tariff)

    def zone_of(self, entry: int) -> str:
        """Name the zone of a prefix."""
        return str(self.prefixes.frame["zone_id"][entry])


def _words(tariffs: Sequence[Tariff], snapshot: Snapshot) -> dict[str, pl.Series]:
    """Give texts of every tariff, by the column of RatedEvent that they are written to."""
    found = {
        "tariff_id": [one.tariff_id for one in tariffs],
        "currency": [one.currency for one in tariffs],
        "time_zone": [one.calendar.time_zone for one in tariffs],
        "rounding_mode": [one.rounding.mode for one in tariffs],
        "tax_category": [one.tax_category for one in tariffs],
        "legal_entity": [one.legal_entity or snapshot.legal_entity for one in tariffs],
        "gl_code": [one.gl_code for one in tariffs],
    }
    return {name: pl.Series(texts, dtype=pl.String) for name, texts in found.items()}


def _straddle(tariff: Tariff) -> str:
    converted = tariff.conversion is not None
    timed = tariff.unit == "microsecond" and not converted and len(tariff.calendar.bands) > 1
    return tariff.straddle if timed else STRADDLES[UNTIMED]


def _array(values: list[int]) -> Ints:
    return np.array(values, np.int64)
