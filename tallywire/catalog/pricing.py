"""From a price as written to increment groups in base units; shared by lint and compiler."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from schemas.services import Unit
from tallywire.catalog.models import PriceEntry
from tallywire.catalog.models_terms import EVERY_BAND, GroupEntry, Rates
from tallywire.catalog.snapshot import Group
from tallywire.catalog.values import Amount, Increments
from tallywire.catalog.yaml_text import Path

_SECOND_US = 1_000_000


@dataclass(frozen=True)
class Written:
    """One increment group as written; sizes are none where their unit is not the service's.

    Attributes:
        path: Where it was written, within its price.
        start: First base unit.
        step: Base units.
        per: Base units that `rates` pay for.
        rates: Price of `per` by band; EVERY_BAND for all.
        bands: Bands in which the group applies; empty for all.
    """

    path: Path
    start: int | None
    step: int | None
    per: int | None
    rates: Mapping[str, Fraction]
    bands: tuple[str, ...] = ()


def in_units(amount: Amount | None, unit: Unit) -> int | None:
    """Give a quantity in base units, or none when it is written in another unit.

    A bare number is a count; it says nothing about time or octets.
    """
    if amount is None:
        return None
    return amount.quantity if (amount.unit or Unit.COUNT) == unit else None


def step_units(amount: Amount, unit: Unit) -> int | None:
    """Give an increment in base units; a bare number counts seconds, as the trade writes 60/6."""
    if amount.unit is None and unit == Unit.MICROSECOND:
        return amount.quantity * _SECOND_US
    return in_units(amount, unit)


def increment_groups(
    increment: Increments | None, unit: Unit
) -> list[tuple[int | None, int | None]]:
    """Give (start, step) of the groups that `first/then` means.

    >>> from tallywire.catalog.values import increments
    >>> increment_groups(increments("60/6"), Unit.MICROSECOND)
    [(0, 60000000), (60000000, 6000000)]
    """
    if increment is None:
        return [(0, 1 if unit == Unit.COUNT else None)]
    first, then = step_units(increment.first, unit), step_units(increment.then, unit)
    return [(0, first)] if first == then else [(0, first), (first, then)]


class HasGroups(Protocol):
    """What says increments and rates: a price, or its uplink."""

    @property
    def rate(self) -> Rates | None: ...  # noqa: D102  said by the class
    @property
    def per(self) -> Amount | None: ...  # noqa: D102
    @property
    def increment(self) -> Increments | None: ...  # noqa: D102
    @property
    def groups(self) -> tuple[GroupEntry, ...]: ...  # noqa: D102


def has_other_price(price: object) -> bool:
    """Tell whether a price needs no rates: tiers or a share of an amount say what it costs."""
    return isinstance(price, PriceEntry) and not (
        price.tiers is None and price.percent is None and price.multiplier is None
    )


def written_groups(price: HasGroups, unit: Unit) -> list[Written]:
    """Give the groups of a price in the order written; without rates, steps that cost nothing."""
    if has_other_price(price) and not price.groups and price.rate is None:
        steps = increment_groups(price.increment, unit) if price.increment else [(0, 1)]
        return [Written((), start, step, 1, {EVERY_BAND: Fraction(0)}) for start, step in steps]
    if price.groups:
        return [
            Written(
                ("groups", index),
                in_units(group.start, unit) if group.start.quantity else 0,
                in_units(group.step, unit),
                in_units(group.per, unit),
                group.rate,
                group.bands,
            )
            for index, group in enumerate(price.groups)
        ]
    per = in_units(price.per, unit)
    return [
        Written((), start, step, per, price.rate or {})
        for start, step in increment_groups(price.increment, unit)
    ]


def rates_by_band(
    rates: Mapping[str, Fraction], per: int, bands: Sequence[str]
) -> tuple[Fraction, ...]:
    """Give the exact price of one base unit in every band."""
    return tuple(
        rates[band if band in rates else EVERY_BAND] / per  # exact: both are ratios
        for band in bands
    )


def compiled_groups(written: Sequence[Written], bands: Sequence[str]) -> tuple[Group, ...]:
    """Compile groups that lint has passed; a group costs nothing in the bands it is not for."""
    return tuple(_group(one, bands) for one in written)


def _group(one: Written, bands: Sequence[str]) -> Group:
    elsewhere = dict.fromkeys(set(bands) - set(one.bands), Fraction(0)) if one.bands else {}
    rates = rates_by_band({**one.rates, **elsewhere}, one.per or 1, bands)
    named = tuple(bands.index(band) for band in one.bands)
    return Group(one.start or 0, one.step or 1, rates, named)


def after_free(groups: tuple[Group, ...], free: int) -> tuple[Group, ...]:
    """Put the first units of each event before the groups: they cost nothing."""
    if not free:
        return groups
    nothing = Group(0, groups[0].increment, tuple(Fraction(0) for _ in groups[0].rates))
    return (nothing, *(Group(one.start + free, one.increment, one.rates) for one in groups))
