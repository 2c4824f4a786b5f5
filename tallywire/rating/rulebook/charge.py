"""One event to one charge: the order of the steps is the order of this file's last class."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

import xxhash

from schemas.reasons import Reason
from schemas.services import QUANTITY_LIMIT, Unit
from tallywire.calendar import band, billing_month
from tallywire.catalog.snapshot import Allowance, Offer, Price, Snapshot, Tariff
from tallywire.money import display, rounded
from tallywire.numbering import Dated, PrefixBook
from tallywire.rating.rulebook.increments import Stretch, stretches
from tallywire.rating.rulebook.steps import Step

CounterKey = tuple[str, str, str]
"""Subscription, allowance, billing month."""

ENGINE_VERSION = "1"
RUN = "retail"


@dataclass(frozen=True)
class Refusal:
    """Why an event has no price."""

    reason: Reason
    detail: str
    missing_ref: str = ""


@dataclass(frozen=True)
class Charge:
    """A priced event.

    Attributes:
        row: Fields of RatedEvent, ids as 16 bytes, without ledger time and token.
        counter: Allowance counter it drew from, `None` without one.
        used_after: What the counter holds now, base units.
        steps: How the price was found.
    """

    row: Mapping[str, Any]
    counter: CounterKey | None
    used_after: int
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Draw:
    """What an allowance pays for: the first `covered` units."""

    allowance: Allowance | None
    before: int
    covered: int


def rated_id(event_id: bytes, restatement_no: int, attempt: int, op: str) -> bytes:
    """Name a charge by what it charges."""
    text = f"{event_id.hex()}\x1f{restatement_no}\x1f{attempt}\x1f{RUN}\x1f{op}"
    return xxhash.xxh3_128_digest(text.encode())


class Rulebook:
    """The readable rater of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._prefixes = cache(self._prefix_book)

    def _prefix_book(self, tariff_id: str) -> PrefixBook:
        book = PrefixBook()
        for row in self._snapshot.tariffs[tariff_id].prefixes.iter_rows():
            book.add(Dated(*row))
        return book

    def rate(self, event: Mapping[str, Any], used: Callable[[CounterKey], int]) -> Charge | Refusal:
        """Price one event.

        Args:
            event: Fields of UsageEvent, ids as 16 bytes.
            used: What an allowance counter holds, base units.
        """
        found = self._find_price(event)
        if isinstance(found, Refusal):
            return found
        offer, tariff, entry, steps = found
        price = tariff.prices[entry.price_no]
        parts = self._usage(event, tariff, price)
        quantity = sum(part.length for part in parts)
        month = billing_month(event["start_time"], offer.time_zone)
        allowance = _matching(offer, tariff.service, entry.zone_id)
        counter = None
        draw = Draw(None, -1, 0)
        if allowance is not None:
            counter = (event["subscription_id"], allowance.allowance_id, month)
            left = max(0, allowance.quantity - used(counter))
            draw = Draw(allowance, left, min(quantity, left))
        priced, lines = _price(price, parts, draw.covered, tariff)
        fee = price.connect_fee if quantity > draw.covered else Fraction(0)
        exact = priced + fee
        raised = quantity > draw.covered and exact < price.minimum_charge
        exact = price.minimum_charge if raised else exact
        amount = rounded(exact, mode=tariff.rounding.mode, scale=tariff.rounding.scale)
        steps += [
            Step("increments", {
                "quantity": event["quantity"], "rated_quantity": quantity, "unit": tariff.unit,
                "groups": [(group.start, group.increment) for group in price.groups],
            }),
            *_allowance_steps(draw, tariff.unit, month),
            *lines,
            *([Step("connect_fee", {"amount": fee, "currency": tariff.currency})] if fee else []),
            *([Step("minimum", {"amount": exact, "currency": tariff.currency})] if raised else []),
            Step("rounding", {
                "exact": exact, "amount": amount, "mode": tariff.rounding.mode,
                "scale": tariff.rounding.scale, "currency": tariff.currency,
            }),
        ]  # fmt: skip
        row = {
            **event,
            **self._labels(event, tariff, entry, month),
            **_quantities(parts, quantity, draw, event, tariff),
            "connect_fee": display(fee),
            "minimum_applied": int(raised),
            "amount_numerator": Decimal(exact.numerator),
            "amount_denominator": Decimal(exact.denominator),
            "amount": display(amount),
            "rounding_difference": display(amount - exact),
        }
        used_after = used(counter) + draw.covered if counter else 0
        return Charge(row, counter, used_after, tuple(steps))

    def _find_price(
        self, event: Mapping[str, Any]
    ) -> tuple[Offer, Tariff, Dated, list[Step]] | Refusal:
        service, direction = event["service"], event["direction"]
        offer = self._snapshot.offers.get(event["offer_id"])
        tariff_id = offer.tariffs.get((service, direction)) if offer else None
        if offer is None or tariff_id is None:
            ref = f"{event['offer_id']}/{service}/{direction}"
            return Refusal(Reason.TARIFF_MISSING, f"no tariff for {ref}", ref)
        tariff = self._snapshot.tariffs[tariff_id]
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
        steps = [
            Step("tariff", {"tariff": tariff_id, "service": service, "direction": direction,
                            "offer": offer.offer_id, "revision": entry.revision}),
            Step("prefix", {"field": tariff.zone_by, "number": digits, "prefix": entry.prefix,
                            "zone": entry.zone_id}),
        ]  # fmt: skip
        return offer, tariff, entry, steps

    def _usage(self, event: Mapping[str, Any], tariff: Tariff, price: Price) -> list[Stretch]:
        timed = tariff.unit == Unit.MICROSECOND and len(tariff.calendar.bands) > 1
        return list(
            stretches(
                price.groups, event["quantity"], tariff.calendar, event["start_time"], timed=timed
            )
        )

    def _labels(
        self, event: Mapping[str, Any], tariff: Tariff, entry: Dated, month: str
    ) -> dict[str, Any]:
        charge = "charge"
        return {
            "rated_id": rated_id(
                event["event_id"], event["restatement_no"], event["attempt"], charge
            ),
            "run": RUN,
            "op": charge,
            "version": 1,
            "fate_change": 1,
            "tariff_id": tariff.tariff_id,
            "tariff_revision": entry.revision,
            "zone_id": entry.zone_id,
            "matched_prefix": entry.prefix,
            "price_no": entry.price_no,
            "time_zone": tariff.calendar.time_zone,
            "rounding_mode": tariff.rounding.mode,
            "rounding_scale": tariff.rounding.scale,
            "currency": tariff.currency,
            "tax_category": tariff.tax_category,
            "legal_entity": tariff.legal_entity or self._snapshot.legal_entity,
            "gl_code": tariff.gl_code,
            "bill_period": month,
            "rater": "rulebook",
            "catalog_hash": self._snapshot.hash,
            "engine_version": ENGINE_VERSION,
        }


def _matching(offer: Offer, service: str, zone: str) -> Allowance | None:
    for allowance in offer.allowances:
        if service in allowance.services and (not allowance.zones or zone in allowance.zones):
            return allowance
    return None


def _allowance_steps(draw: Draw, unit: str, month: str) -> list[Step]:
    if draw.allowance is None:
        return []
    facts = {
        "allowance": draw.allowance.allowance_id, "month": month, "unit": unit,
        "before": draw.before, "covered": draw.covered, "after": draw.before - draw.covered,
    }  # fmt: skip
    return [Step("allowance", facts)]


def _price(
    price: Price, parts: list[Stretch], covered: int, tariff: Tariff
) -> tuple[Fraction, list[Step]]:
    """Price what the allowance does not cover: it covers the first units used."""
    total, left, steps = Fraction(0), covered, []
    for part in parts:
        free = min(left, part.length)
        left -= free
        rate = price.groups[part.group].rates[part.band]
        charge = (part.length - free) * rate
        total += charge
        steps.append(Step("price", {
            "band": tariff.calendar.bands[part.band], "time_zone": tariff.calendar.time_zone,
            "quantity": part.length, "free": free, "rate": rate, "unit": tariff.unit,
            "amount": charge, "currency": tariff.currency,
        }))  # fmt: skip
    return total, steps


def _quantities(
    parts: list[Stretch], quantity: int, draw: Draw, event: Mapping[str, Any], tariff: Tariff
) -> dict[str, Any]:
    numbers = dict.fromkeys(part.band for part in parts) or {
        band(tariff.calendar, event["start_time"]): None
    }
    tag = "usage"
    if draw.covered:
        tag = "included" if draw.covered == quantity else "mixed"
    return {
        "bands": "+".join(tariff.calendar.bands[number] for number in numbers),
        "rated_quantity": quantity,
        "included_quantity": draw.covered,
        "allowance_id": draw.allowance.allowance_id if draw.allowance else "",
        "allowance_before": draw.before,
        "allowance_after": draw.before - draw.covered if draw.allowance else -1,
        "usage_rating_tag": tag,
    }
