"""Prices of a zone plan, compiled: one price for each zone, and variants by usage attributes."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from schemas.services import Unit
from tallywire.catalog.models import PriceEntry, TariffEntry
from tallywire.catalog.models_terms import TiersEntry
from tallywire.catalog.pricing import (
    HasGroups,
    after_free,
    compiled_groups,
    in_units,
    written_groups,
)
from tallywire.catalog.pricing_terms import compiled_tiers, conditions
from tallywire.catalog.snapshot import Group, Price
from tallywire.catalog.terms import CARRIED, Variant

_HUNDRED = 100


def priced_unit(tariff: TariffEntry, unit: Unit) -> Unit:
    """Give the unit that sizes of a tariff are written in: pieces, where it converts usage."""
    return Unit.COUNT if tariff.convert else unit


def counter_name(tariff_id: str, zone: str | None, tiers: TiersEntry) -> str:
    """Name the counter of tiers that name none: each zone and measure counts for itself."""
    names = [tariff_id, zone or "all"]
    if tiers.measure != "sum":
        names += [tiers.measure, *([tiers.of] if tiers.of else [])]
    return "/".join(names)


class ZonePrices:
    """Compiles the prices of one tariff.

    Args:
        tariff: As written.
        unit: Base unit of its sizes.
        bands: Bands of its calendar.
    """

    def __init__(self, tariff: TariffEntry, unit: Unit, bands: Sequence[str]) -> None:
        self._tariff, self._unit, self._bands = tariff, unit, bands

    def price(self, entry: PriceEntry) -> Price:
        """Compile one price."""
        groups = after_free(self._groups(entry), in_units(entry.free, self._unit) or 0)
        tiers = None
        if entry.tiers:
            name = counter_name(self._tariff.id, entry.zone, entry.tiers)
            tiers, _ = compiled_tiers(entry.tiers, self._unit, name)
        share = entry.multiplier
        if entry.percent is not None:
            share = entry.percent / _HUNDRED
        return Price(
            entry.connect_fee, entry.minimum_charge, groups, entry.maximum_charge,
            tiers=tiers, share=share, share_of=entry.of or CARRIED,
            uplink=self._groups(entry.uplink) if entry.uplink else (),
        )  # fmt: skip

    def _groups(self, entry: HasGroups) -> tuple[Group, ...]:
        return compiled_groups(written_groups(entry, self._unit), self._bands)

    def without_price(self) -> Price:
        """Make the price of a zone that has none: its prefixes hold, and refuse."""
        nothing = Group(0, 1, tuple(Fraction(0) for _ in self._bands))
        return Price(Fraction(0), Fraction(0), (nothing,), only_variants=True)

    def of_zone(self, entries: Sequence[PriceEntry], first: int) -> list[Price]:
        """Compile all prices of a zone: the first is the one that its prefixes point at.

        Args:
            entries: As written; at most one of them has no conditions.
            first: Index that the first will have in the tariff.
        """
        plain = [entry for entry in entries if not _depends(entry)]
        varied = sorted(
            (entry for entry in entries if _depends(entry)), key=lambda one: -_exactness(one)
        )
        variants = tuple(
            Variant(conditions(entry.when, entry.origins)[0], first + number)
            for number, entry in enumerate(varied, start=1)
        )
        base = self.price(plain[0] if plain else varied[0])
        base = replace(base, variants=variants, only_variants=bool(variants) and not plain)
        return [base, *(self.price(entry) for entry in varied)]


def _depends(entry: PriceEntry) -> bool:
    return bool(entry.when or entry.origins)


def _exactness(entry: PriceEntry) -> int:
    """Count conditions: of two prices that fit the one with more of them is taken."""
    return len(entry.when) + bool(entry.origins)
