"""Terms of offers: allowances, discounts, spend and balances that can be worked out."""

from collections.abc import Callable, Iterator

from schemas.services import Service, Unit
from tallywire.catalog.compile_terms import discounted_unit
from tallywire.catalog.entries import Entries, Placed, Result, unit_of
from tallywire.catalog.models import OfferEntry, TariffEntry
from tallywire.catalog.models_terms import AllowanceEntry, DiscountEntry, SpendEntry
from tallywire.catalog.pricing import in_units
from tallywire.catalog.pricing_terms import conditions, discount_steps
from tallywire.catalog.problems import Problem
from tallywire.catalog.values import span
from tallywire.catalog.yaml_text import Path

Found = Iterator[tuple[Path, str]]
_MOST_PERIODS = 24


def _twice(ids: list[str], what: str) -> Found:
    for number, name in enumerate(ids):
        if name in ids[:number]:
            yield (number, "id"), f"the {what} {name!r} is given twice"


class _Known:
    """What offers refer to, by id."""

    def __init__(self, entries: Entries) -> None:
        self.offers = entries.known("offers", entries.offers)
        self.time_zone = entries.time_zone
        self.plans = {one.value.id: one.value.tariffs for one in entries.plans}
        self.tariffs = {one.value.id: one.value for one in entries.tariffs}
        self.bands = {one.value.id: one.value.bands for one in entries.calendars}
        self.currency = entries.operator.value.currency if entries.operator else ""


class _Terms:
    """Looks references up while the terms of one offer are checked."""

    def __init__(self, offer: OfferEntry, known: _Known) -> None:
        self.offers = known.offers
        self.zone = offer.time_zone or known.time_zone
        names = [line.tariff for plan in offer.plans for line in known.plans.get(plan, ())]
        self.tariffs: list[TariffEntry] = [
            known.tariffs[name] for name in names if name in known.tariffs
        ]
        self.currency = offer.currency or known.currency
        self.charged_in = {
            known.tariffs[name].currency or known.currency
            for plan in offer.plans
            for line in known.plans.get(plan, ())
            for name in (line.tariff, *line.fallback)
            if name in known.tariffs
        }
        self.sound = bool(names) and len(self.tariffs) == len(names)
        self.bands = {
            band for one in self.tariffs for band in known.bands.get(one.calendar or "", ())
        }

    def allowance(self, one: AllowanceEntry) -> Found:
        units = {unit_of(service) for service in one.services}
        if len(units) != 1:
            yield ("services",), "name services that are counted in one unit, at least one"
            return
        unit = units.pop()
        yield from self._sizes(one, unit)
        yield from self._dates(one)
        yield from conditions(one.when)[1]
        for number, band in enumerate(one.bands):
            if self.sound and band not in self.bands:
                yield ("bands", number), f"no tariff of the offer has a band {band!r}"
        for number, service in enumerate(one.services):
            if any(tariff.convert and tariff.service == service for tariff in self.tariffs):
                text = f"a tariff of {service} converts usage: its units cannot be included"
                yield ("services", number), text

    def _sizes(self, one: AllowanceEntry, unit: Unit) -> Found:
        if one.quantity is None and not one.top_up:
            yield ("quantity",), "is missing; write it, or top_up: yes"
        elif one.quantity is not None and not in_units(one.quantity, unit):
            text = f"must be more than 0 {unit}s, such as 100 min, 5 GB or 50"
            yield ("quantity",), text
        if one.beyond is not None and not in_units(one.beyond.per, unit):
            yield ("beyond", "per"), f"must be more than 0 {unit}s"
        rollover = one.rollover
        if rollover is None:
            return
        if not in_units(rollover.cap, unit):
            yield ("rollover", "cap"), f"must be more than 0 {unit}s"
        if not 1 <= rollover.periods <= _MOST_PERIODS:
            yield ("rollover", "periods"), f"must be from 1 to {_MOST_PERIODS}"
        if one.period == "once":
            yield ("rollover",), "an allowance that is given once has nothing to carry over"

    def _dates(self, one: AllowanceEntry | DiscountEntry) -> Found:
        since, until = span(one.valid_from, one.valid_to, self.zone)
        if until <= since:
            yield ("valid_to",), "is not after valid_from; correct one"

    def discount(self, one: DiscountEntry) -> Found:
        units = {unit_of(service) for service in one.services}
        if one.by == "usage" and len(units) != 1:
            yield ("services",), "usage is counted in one unit: name services that share it"
            return
        yield from self._in_money(one)
        yield from discount_steps(one, discounted_unit(one))[1]
        yield from conditions(one.when)[1]
        yield from self._dates(one)
        if one.to_month is not None and one.to_month <= one.from_month:
            yield ("to_month",), "is not after from_month; correct one"
        for number, name in enumerate(one.requires):
            if name not in self.offers:
                yield ("requires", number), f"there is no offer {name!r}; correct the id"

    def _in_money(self, one: DiscountEntry) -> Found:
        """What is in money is taken off charges in the offer's currency, and no others."""
        key = "amount" if one.amount is not None else "by" if one.by == "spend" else ""
        if key and self.sound and all(self.charged_in) and self.currency not in self.charged_in:
            text = (
                f"is in {self.currency}, and no tariff of the offer is: nothing is ever taken off"
            )
            yield (key,), f"{text}; write a percent, or tariffs in {self.currency}"

    @staticmethod
    def spend(one: SpendEntry) -> Found:
        if one.minimum is None and one.maximum is None and one.committed is None:
            yield (), "has neither minimum, maximum nor committed; write one"
        if one.minimum is not None and one.maximum is not None and one.maximum < one.minimum:
            yield ("maximum",), "is less than the minimum; correct one of them"
        if one.overage != 1 and one.committed is None:
            yield ("overage",), "is written with committed"


def _services(offer: OfferEntry, priced: set[Service]) -> Found:
    for key in ("discounts", "spend", "balances"):
        for number, one in enumerate(getattr(offer, key)):
            for index, service in enumerate(one.services):
                if service not in priced:
                    text = f"no plan of the offer prices {service}; remove it"
                    yield (key, number, "services", index), text


def _offer(placed: Placed[OfferEntry], terms: _Terms) -> Iterator[Problem]:
    offer = placed.value
    kinds: tuple[tuple[str, str, Callable[..., Found]], ...] = (
        ("allowances", "allowance", terms.allowance),
        ("discounts", "discount", terms.discount),
        ("spend", "limit or commitment", terms.spend),
        ("balances", "balance", lambda _one: iter(())),
    )
    for key, what, check in kinds:
        written = getattr(offer, key)
        for path, text in _twice([one.id for one in written], what):
            yield placed.problem((key, *path), text)
        for number, one in enumerate(written):
            for path, text in check(one):
                yield placed.problem((key, number, *path), text)
    if terms.sound:
        for path, text in _services(offer, {one.service for one in terms.tariffs}):
            yield placed.problem(path, text)


def terms(entries: Entries) -> Result:
    """Check the terms of every offer."""
    known = _Known(entries)
    found = [problem for one in entries.offers for problem in _offer(one, _Terms(one.value, known))]
    return entries, found
