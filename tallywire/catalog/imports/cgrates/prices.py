"""From the prices of a destination in every band to one price of the catalogue, to the last digit.

Where bands differ only in their rates, so do the groups. Where connection fees differ, each is part
of the price of the first step, which is paid whole whenever anything is. Where steps differ, each
band has groups of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from schemas.services import Unit
from tallywire.catalog.imports.cgrates.rates import Rate, Slot
from tallywire.catalog.prose import number_words
from tallywire.catalog.yaml_text import Tree

_SECOND = 1_000_000


@dataclass(frozen=True)
class Written:
    """A price as the catalogue writes it.

    Attributes:
        tree: Keys of the price, without zone.
        folded: The connection fees differ by band and are part of the first step.
    """

    tree: dict[str, Tree]
    folded: bool


def size_text(quantity: int, unit: Unit) -> str:
    """Write base units as the catalogue does.

    >>> size_text(90_000_000, Unit.MICROSECOND), size_text(1_500, Unit.MICROSECOND)
    ('90s', '1500us')
    """
    if unit == Unit.MICROSECOND:
        for factor, name in ((_SECOND, "s"), (1_000, "ms"), (1, "us")):
            if quantity % factor == 0:
                return f"{quantity // factor}{name}"
    return f"{quantity} B" if unit == Unit.OCTET else str(quantity)


def fee_in_first_step(rate: Rate, shortest: int) -> Rate:
    """Make the connection fee a part of the price of the step that begins at 0.

    Args:
        rate: Fee and groups.
        shortest: The shortest first step of all bands, base units: a call may go over into this
            band then, and the steps from there on carry no fee.
    """
    first = rate.slots[0]
    size = lcm(first.step, first.unit)
    whole = rate.fee * (size // first.step) + first.rate * (size // first.unit)
    rest = Slot(shortest, first.step, first.unit, first.rate)
    goes_on = len(rate.slots) == 1 or rate.slots[1].start > shortest
    slots = (Slot(0, first.step, size, whole), *((rest,) if goes_on else ()), *rate.slots[1:])
    return Rate(Fraction(0), slots)


def _steps(rate: Rate) -> tuple[tuple[int, int], ...]:
    return tuple((slot.start, slot.step) for slot in rate.slots)


def _group(slots: Sequence[Slot], names: Sequence[str], unit: Unit) -> dict[str, Tree]:
    size = lcm(*(slot.unit for slot in slots))
    rates = {
        name: number_words(slot.rate * (size // slot.unit))
        for name, slot in zip(names, slots, strict=True)
    }
    one = len(set(rates.values())) == 1
    return {
        "from": size_text(slots[0].start, unit),
        "step": size_text(slots[0].step, unit),
        "rate": next(iter(rates.values())) if one else dict(rates),
        "per": size_text(size, unit),
    }


def written_price(by_band: Mapping[str, Rate], unit: Unit) -> Written:
    """Write the price of a destination.

    Args:
        by_band: What it costs in each band of the tariff.
        unit: Base unit of the service.
    """
    folded = len({rate.fee for rate in by_band.values()}) > 1
    shortest = min(rate.slots[0].step for rate in by_band.values())
    rates = {
        name: fee_in_first_step(rate, shortest) if folded else rate
        for name, rate in by_band.items()
    }
    tree: dict[str, Tree] = {}
    fee = next(iter(rates.values())).fee
    if fee:
        tree["connect_fee"] = number_words(fee)
    tree["groups"] = [*_groups(rates, unit)]
    return Written(tree, folded)


def _groups(rates: Mapping[str, Rate], unit: Unit) -> list[Tree]:
    names = list(rates)
    if len({_steps(rate) for rate in rates.values()}) == 1:
        columns = zip(*(rate.slots for rate in rates.values()), strict=True)
        return [_group(slots, names, unit) for slots in columns]
    alike: dict[Rate, list[str]] = {}
    for name, rate in rates.items():
        alike.setdefault(rate, []).append(name)
    return [
        {"bands": [*own], **_group([slot], own[:1], unit)}
        for rate, own in alike.items()
        for slot in rate.slots
    ]
