"""What the columnar rater reads of a snapshot: codes for names, arrays for objects."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from tallywire.catalog.snapshot import Snapshot, Tariff
from tallywire.rating.columnar.bands import Bands
from tallywire.rating.columnar.increments import STRADDLES, UNTIMED
from tallywire.rating.columnar.prefixes import PrefixIndex
from tallywire.rating.columnar.prices import PriceTable
from tallywire.rating.columnar.rounding import MODES

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
        self.tariff_of = np.full((len(offers) + 1, len(legs) + 1), -1, np.int64)
        for row, offer in enumerate(offers):
            for column, leg in enumerate(legs):
                self.tariff_of[row, column] = number.get(offer.tariffs.get(leg, ""), -1)
        self.prefixes = PrefixIndex(tariffs)
        self.prices = PriceTable(tariffs)
        self.price_of_entry = self._prices_of_entries()
        self.mode = _array([MODES.index(tariff.rounding.mode) for tariff in tariffs])
        self.scale = _array([tariff.rounding.scale for tariff in tariffs])
        self.zone_field = _array([ZONE_FIELDS.index(tariff.zone_by) for tariff in tariffs])
        self.sequential = np.array([tariff.order != "scan" for tariff in tariffs], bool)
        self.unit = pl.Series([tariff.unit for tariff in tariffs], dtype=pl.String)
        self._calendars()
        self._allowances()

    def _prices_of_entries(self) -> Ints:
        """Number the price of each prefix over all tariffs."""
        found = [
            tariff.prefixes["price_no"].cast(pl.Int64).to_numpy() + base
            for tariff, base in zip(self.tariffs, self.prices.base.tolist(), strict=True)
        ]
        return np.concatenate([*found, np.empty(0, np.int64)])

    def _calendars(self) -> None:
        distinct = list(dict.fromkeys(tariff.calendar for tariff in self.tariffs))
        self.bands = [Bands(calendar) for calendar in distinct]
        self.calendar = _array([distinct.index(tariff.calendar) for tariff in self.tariffs])
        self.straddle = _array([STRADDLES.index(_straddle(tariff)) for tariff in self.tariffs])

    def _allowances(self) -> None:
        """Number allowances; find the one that pays by (offer, zone, service of the tariff)."""
        frame = self.prefixes.frame
        zones = sorted(set(frame["zone_id"].to_list())) if frame is not None else []
        self.zone_codes = Codes(zones)
        self.zone_of_entry = (
            self.zone_codes.of(frame["zone_id"]) if frame is not None else np.empty(0, np.int64)
        )
        services = sorted({tariff.service for tariff in self.tariffs})
        self.service = _array([services.index(tariff.service) for tariff in self.tariffs])
        self.allowances = [item for offer in self.offers for item in offer.allowances]
        self.allowance_of: dict[tuple[int, int], Ints] = {}
        base = 0
        for row, offer in enumerate(self.offers):
            for column, service in enumerate(services):
                chosen = np.full(len(zones) + 1, -1, np.int64)
                for index, item in reversed(list(enumerate(offer.allowances))):
                    if service in item.services:
                        for zone, name in enumerate(zones):
                            if not item.zones or name in item.zones:
                                chosen[zone] = base + index
                if (chosen >= 0).any():
                    self.allowance_of[row, column] = chosen
            base += len(offer.allowances)
        self.allowance_names = pl.Series(
            [item.allowance_id for item in self.allowances], dtype=pl.String
        )
        self.allowance_size = _array([item.quantity for item in self.allowances])

    def allowance(self, offer: Ints, tariff: Ints, entry: Ints) -> Ints:
        """Find the allowance that pays for each row, -1 for none."""
        found = np.full(len(offer), -1, np.int64)
        service = self.service[tariff]
        for (row, column), chosen in self.allowance_of.items():
            hit = (offer == row) & (service == column)
            if hit.any():
                found[hit] = chosen[self.zone_of_entry[entry[hit]]]
        return found


def _straddle(tariff: Tariff) -> str:
    timed = tariff.unit == "microsecond" and len(tariff.calendar.bands) > 1
    return tariff.straddle if timed else STRADDLES[UNTIMED]


def _array(values: list[int]) -> Ints:
    return np.array(values, np.int64)
