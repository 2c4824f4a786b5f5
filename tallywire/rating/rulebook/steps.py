"""The steps of a charge: what was found, in the order it was found."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One line of an explanation.

    Attributes:
        name: tariff, prefix, increments, allowance, band, price, connect_fee, minimum, rounding.
        facts: Values of the step, by name.
    """

    name: str
    facts: Mapping[str, object]
