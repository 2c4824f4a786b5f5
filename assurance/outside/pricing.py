"""What usage costs by another tariff or offer than the one it was charged by."""

from collections.abc import Iterator
from decimal import Decimal
from functools import cache

from assurance.price_book.compare import Prices
from tallywire.catalog.snapshot import Offer, Price, Snapshot
from tallywire.numbering import Dated, PrefixBook


class Repricing:
    """Prices of a catalogue, for usage that depends on nothing before it."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._prices = Prices(snapshot)
        self._prefixes = cache(self._prefixes_of)

    def by_tariff(
        self, tariff_id: str, number: str, at_us: int, quantity: int, usage_type: str = ""
    ) -> Decimal | None:
        """Charge by a tariff; nothing where it has no price, or one that asks for more."""
        tariff = self.snapshot.tariffs.get(tariff_id)
        if tariff is None or not all(_plain(price) for price in tariff.prices):
            return None
        made = self._prices.charge(tariff_id, number, at_us, quantity, usage_type)
        if made is None:
            return None
        return Decimal(made[0].numerator * 10**9 // made[0].denominator).scaleb(-9)

    def destination(self, tariff_id: str, number: str, at_us: int) -> str:
        """Name the zone that a tariff has for a number; empty where it has none."""
        tariff = self.snapshot.tariffs.get(tariff_id)
        if tariff is None or tariff.zone_by == "none":
            return ""
        entry, _ = self._prefixes(tariff_id).find(number, at_us)
        return str(entry.zone_id) if entry else ""

    def _prefixes_of(self, tariff_id: str) -> PrefixBook:
        rows = self.snapshot.tariffs[tariff_id].prefixes.iter_rows()
        return PrefixBook(Dated(*row) for row in rows)

    def by_offer(
        self, offer_id: str, use: tuple[str, str], number: str, at_us: int, quantity: int,
        usage_type: str,
    ) -> Decimal | None:  # fmt: skip
        """Charge by the tariffs of an offer in turn; nothing where its terms count other usage.

        Args:
            use: Service and direction.
        """
        offer = self.snapshot.offers.get(offer_id)
        if offer is None or offer.allowances or offer.discounts or offer.spends or offer.balances:
            return None
        made = (
            self.by_tariff(one, number, at_us, quantity, usage_type) for one in _tariffs(offer, use)
        )
        return next((one for one in made if one is not None), None)


def _plain(price: Price) -> bool:
    return price.tiers is None and price.share is None and not price.uplink


def _tariffs(offer: Offer, use: tuple[str, str]) -> Iterator[str]:
    if use in offer.tariffs:
        yield offer.tariffs[use]
        yield from offer.fallbacks.get(use, ())
