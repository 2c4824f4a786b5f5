"""Where prices are found: legs, tariffs in their order, longest prefix, attributes; or why not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from schemas.reasons import Reason
from schemas.services import QUANTITY_LIMIT
from tallywire.catalog.snapshot import Offer, Partner, Price, Snapshot, Tariff
from tallywire.numbering import Dated, PrefixBook
from tallywire.rating.rulebook.conditions import holds

RETAIL = "retail"
"""The run of the leg that the customer pays; it decides what becomes of the usage."""

Use = tuple[str, str]
"""Service and direction."""

Party = tuple[str, str]
"""`subscription` or `account`, and its id."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why usage has no price.

    Attributes:
        reason: Published code.
        detail: What is wrong, for a reader.
        missing_ref: The reference that is missing: a leg, a tariff, a number; or empty.
        run: The leg that has none while the usage is rated; empty where all of it is refused.
    """

    reason: Reason
    detail: str
    missing_ref: str = ""
    run: str = ""


class Leg(NamedTuple):
    """One side that usage is priced for.

    Attributes:
        run: `retail`, or the run of a partner.
        side: `revenue` or `cost`.
        party_id: The partner; empty for retail.
        tariffs: Ids of tariffs, asked in turn until one has a price.
    """

    run: str
    side: str
    party_id: str
    tariffs: tuple[str, ...]


class Found(NamedTuple):
    """The price of a leg and how it was found.

    Attributes:
        digits: The number that the prefixes were matched with.
        entry: The longest prefix that holds at the start of the usage.
        price_no: The price: that of the entry, or of its first variant that fits.
    """

    leg: Leg
    offer: Offer
    tariff: Tariff
    digits: str
    entry: Dated
    price_no: int

    @property
    def price(self) -> Price:
        """What the zone costs."""
        return self.tariff.prices[self.price_no]

    @property
    def retail(self) -> bool:
        """Whether the customer's terms apply: allowances, discounts, limits, balances."""
        return self.leg.run == RETAIL


class Book:
    """The look-ups of one snapshot; a tariff's prefixes are read when it is first asked for."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._prefixes = cache(self._prefix_book)
        self._partners: dict[str, list[Partner]] = {}
        for partner in snapshot.partners:
            self._partners.setdefault(partner.run, []).append(partner)

    def _prefix_book(self, tariff_id: str) -> PrefixBook:
        rows = self.snapshot.tariffs[tariff_id].prefixes.iter_rows()
        return PrefixBook(Dated(*row) for row in rows)

    def legs(self, event: Mapping[str, Any]) -> Iterator[Leg | Refusal]:
        """Give the legs of an event: retail, then runs of partners as the catalogue orders them."""
        asked = event["runs"].split("+") if event["runs"] else None
        for run in asked or ():
            if run != RETAIL and run not in self._partners:
                yield no_leg(run)
        if asked is None or RETAIL in asked:
            offer = self.snapshot.offers.get(event["offer_id"], NO_TERMS)
            own = self.retail(_use(event), offer, self.owners(event), event["start_time"])
            yield Leg(RETAIL, "revenue", "", tuple(own))
        for run, all_partners in self._partners.items():
            if asked is not None and run not in asked:
                continue
            partners = [one for one in all_partners if event[one.field] in one.values]
            names = sorted({partner.partner_id for partner in partners})
            if len(names) > 1:
                detail = f"the run {run} is claimed by the partners {', '.join(names)}"
                yield Refusal(Reason.PARTY_AMBIGUOUS, detail, "+".join(names), run)
                continue
            tariffs = [partner.tariffs.get(_use(event), "") for partner in partners]
            priced = tuple(dict.fromkeys(tariff for tariff in tariffs if tariff))
            if priced:
                yield Leg(run, partners[0].side, names[0], priced)
            elif asked is not None:
                yield no_leg(run)

    def owners(self, event: Mapping[str, Any]) -> tuple[Party, ...]:
        """Give who has tariffs of their own, most particular first: subscription, accounts."""
        overrides = self.snapshot.overrides
        if not overrides:
            return ()
        parties = [("subscription", event["subscription_id"])]
        account: str | None = event["account_id"]
        while account:
            parties.append(("account", account))
            account = self.snapshot.parents.get(account)
        return tuple(party for party in parties if party in overrides)

    def uses(self, offer: Offer, owners: tuple[Party, ...]) -> tuple[Use, ...]:
        """Give the services and directions that an offer or its owners' tariffs price."""
        own = (use for party in owners for use in self.snapshot.overrides[party])
        return tuple(dict.fromkeys([*offer.tariffs, *own]))

    def known(self, offer: Offer, owners: tuple[Party, ...]) -> Iterator[str]:
        """Give every tariff that usage of an offer and its owners may at some time have."""
        for use in self.uses(offer, owners):
            for party in owners:
                own = self.snapshot.overrides[party].get(use, ())
                yield from (override.tariff_id for override in own)
            yield from self.retail(use, offer, (), 0)

    def retail(
        self, use: Use, offer: Offer, owners: tuple[Party, ...], moment_us: int
    ) -> Iterator[str]:
        """Give tariffs of a use at an instant: those of the owners, the offer's, its fallbacks."""
        for party in owners:
            for override in self.snapshot.overrides[party].get(use, ()):
                if override.valid_from_us <= moment_us < override.valid_to_us:
                    yield override.tariff_id
        if use in offer.tariffs:
            yield offer.tariffs[use]
            yield from offer.fallbacks.get(use, ())

    def find(self, event: Mapping[str, Any], leg: Leg) -> Found | Refusal:
        """Find the price of a leg: the first tariff that has one; else why the first has none."""
        offer = self.snapshot.offers.get(event["offer_id"]) if leg.run == RETAIL else NO_TERMS
        refusals = []
        for tariff_id in leg.tariffs if offer else ():
            found = self._in_tariff(event, leg, offer or NO_TERMS, tariff_id)
            if isinstance(found, Found):
                return found
            refusals.append(found)
        if refusals:
            return refusals[0]
        use = "/".join((event["offer_id"], *_use(event)))
        return Refusal(Reason.TARIFF_MISSING, f"no tariff for {use}", use)

    def _in_tariff(
        self, event: Mapping[str, Any], leg: Leg, offer: Offer, tariff_id: str
    ) -> Found | Refusal:
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
            what = repr(digits) if digits else f"usage without {tariff.zone_by}"
            what = "usage of that time" if tariff.zone_by == "none" else what
            return Refusal(reason, f"tariff {tariff_id} has no price for {what}", digits)
        price_no = _variant(event, tariff, entry.price_no)
        if price_no is None and not tariff.prices[entry.price_no].variants:
            detail = f"tariff {tariff_id} leaves the zone {entry.zone_id!r} without a price"
            return Refusal(Reason.ZONE_UNPRICED, detail, entry.zone_id)
        if price_no is None:
            where = f" in {entry.zone_id!r}" if entry.zone_id else ""
            detail = f"tariff {tariff_id} has no price for these attributes{where}"
            return Refusal(Reason.ATTRIBUTE_UNKNOWN, detail, entry.zone_id)
        return Found(leg, offer, tariff, digits, entry, price_no)


NO_TERMS = Offer("", {})
"""A partner has prices, and no allowances, discounts, limits or balances."""


def no_leg(run: str) -> Refusal:
    """Refuse for want of a leg that was asked for."""
    return Refusal(Reason.TARIFF_MISSING, f"no leg of the run {run}", run, run)


def _use(event: Mapping[str, Any]) -> Use:
    return event["service"], event["direction"]


def _variant(event: Mapping[str, Any], tariff: Tariff, price_no: int) -> int | None:
    price = tariff.prices[price_no]
    for variant in price.variants:
        if holds(variant.when, event, tariff):
            return variant.price_no
    return None if price.only_variants else price_no
