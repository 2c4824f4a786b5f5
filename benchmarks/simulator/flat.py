"""Prices that do not ask where something goes: messages, data, readings, API calls, resources."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from benchmarks.simulator.book import plan_ids
from benchmarks.simulator.money import TENTHS, Rounding, rounded
from benchmarks.simulator.streams import stream

SKUS = ("vm_small", "vm_large", "gpu", "database", "storage")
MESSAGES = Rounding("half_up", 4)
READINGS = Rounding("half_up", 6)
CALLS = Rounding("half_even", 6)
RESOURCES = Rounding("half_up", 4)
_PROVIDER = {"vm_small": 420, "vm_large": 3100, "gpu": 24_000, "database": 5200, "storage": 160}


@dataclass(frozen=True, slots=True)
class Flat:
    """Prices of a plan, whole numbers.

    Ten-thousandths a message, thousandths a MB of data, ten-thousandths a MB of readings,
    ten-thousandths a thousand API calls, and ten-thousandths an hour of each resource.
    """

    message: int
    data_mb: int
    reading_mb: int
    calls_1000: int
    resources: dict[str, int]

    def data(self, octets: int) -> Decimal:
        """Charge octets, exactly: a thousandth a MB is a nano an octet."""
        return Decimal(self.data_mb * octets).scaleb(-9)

    def reading(self, octets: int) -> Decimal:
        """Charge the kilobytes that a reading began."""
        return rounded(Fraction(self.reading_mb * -(-octets // 1000), 1000 * TENTHS), READINGS)

    def pieces(self, service: str, kind: str, count: int) -> Decimal:
        """Charge messages, API calls, or hours of a resource."""
        if service == "sms":
            return rounded(Fraction(self.message * count, TENTHS), MESSAGES)
        if service == "api":
            return rounded(Fraction(self.calls_1000 * count, 1000 * TENTHS), CALLS)
        return rounded(Fraction(self.resources[kind] * count, TENTHS), RESOURCES)

    def of(self, service: str, kind: str, quantity: int) -> Decimal:
        """Charge whatever is no call."""
        if service == "data":
            return self.data(quantity)
        if service == "iot":
            return self.reading(quantity)
        return self.pieces(service, kind, quantity)


def provider_prices() -> dict[str, int]:
    """Give what the provider asks for an hour of each resource, in ten-thousandths."""
    return dict(_PROVIDER)


def flat_prices(seed: int, plans: int) -> dict[str, Flat]:
    """Draw these prices for every plan."""
    chance = stream(seed, "flat")
    return {
        plan: Flat(
            message=chance.randrange(150, 900, 10),
            data_mb=chance.randrange(2, 9),
            reading_mb=chance.randrange(700, 2400),
            calls_1000=chance.randrange(9_000, 21_000, 50),
            resources={
                sku: cost * chance.randrange(112, 150) // 100 for sku, cost in _PROVIDER.items()
            },
        )
        for plan in plan_ids(plans)
    }
