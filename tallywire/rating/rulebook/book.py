"""Where a price is found: offer, tariff, longest prefix; or the reason there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from schemas.reasons import Reason
from schemas.services import QUANTITY_LIMIT
from tallywire.catalog.snapshot import Offer, Price, Snapshot, Tariff
from tallywire.numbering import Dated, PrefixBook


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an event has no price.

    Attributes:
        reason: Published code.
        detail: What is wrong, for a reader.
        missing_ref: The reference that is missing: a leg, a tariff, a number; or empty.
    """

    reason: Reason
    detail: str
    missing_ref: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """The price of an event and how it was found.

    Attributes:
        digits: The number that the prefixes were matched with.
        entry: The longest prefix that holds at the start of the usage.
    """

    offer: Offer
    tariff: Tariff
    digits: str
    entry: Dated

    @property
    def price(self) -> Price:
        """What the zone costs."""
        return self.tariff.prices[self.entry.price_no]


class Book:
    """The look-ups of one snapshot; a tariff's prefixes are read when it is first asked for."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._prefixes = cache(self._prefix_book)

    def _prefix_book(self, tariff_id: str) -> PrefixBook:
        rows = self.snapshot.tariffs[tariff_id].prefixes.iter_rows()
        return PrefixBook(Dated(*row) for row in rows)

    def find(self, event: Mapping[str, Any]) -> Found | Refusal:
        """Find the price of an event (fields of UsageEvent)."""
        service, direction = event["service"], event["direction"]
        offer = self.snapshot.offers.get(event["offer_id"])
        tariff_id = offer.tariffs.get((service, direction)) if offer else None
        if offer is None or tariff_id is None:
            leg = f"{event['offer_id']}/{service}/{direction}"
            return Refusal(Reason.TARIFF_MISSING, f"no tariff for {leg}", leg)
        tariff = self.snapshot.tariffs[tariff_id]
        if event["unit"] != tariff.unit:
            detail = f"usage is counted in {event['unit']}, tariff {tariff_id} in {tariff.unit}"
            return Refusal(Reason.UNIT_MISMATCH, detail, tariff_id)
        if event["quantity"] > QUANTITY_LIMIT:
            return Refusal(Reason.QUANTITY_OUT_OF_RANGE, f"quantity {event['quantity']}")
        digits = "" if tariff.zone_by == "none" else event[tariff.zone_by]
        entry, known = self._prefixes(tariff_id).find(digits, event["start_time"])
        if entry is None:
            reason = Reason.PRICE_NOT_EFFECTIVE if known else Reason.ZONE_UNKNOWN
            return Refusal(reason, f"tariff {tariff_id} has no price for {digits!r}", digits)
        return Found(offer, tariff, digits, entry)
