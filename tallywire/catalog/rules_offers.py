"""Plans and offers: known tariffs, one tariff per service, allowances of what is priced."""

from collections.abc import Iterator, Mapping

from tallywire.catalog.entries import Entries, Placed, Result, unit_of
from tallywire.catalog.models import OfferEntry, PlanEntry, TariffEntry
from tallywire.catalog.models_terms import AllowanceEntry
from tallywire.catalog.problems import Problem


def _plan(
    placed: Placed[PlanEntry], known: frozenset[str], tariffs: Mapping[str, TariffEntry]
) -> Iterator[Problem]:
    seen: set[tuple[str, str]] = set()
    for number, line in enumerate(placed.value.tariffs):
        path = ("tariffs", number)
        if line.tariff not in known:
            text = f"there is no tariff {line.tariff!r}; add it or correct the id"
            yield placed.problem((*path, "tariff"), text)
        tariff = tariffs.get(line.tariff)
        if tariff is not None and tariff.service != line.service:
            text = f"the tariff {line.tariff!r} prices {tariff.service}, not {line.service}"
            yield placed.problem((*path, "service"), text)
        for index, name in enumerate(line.fallback):
            other = tariffs.get(name)
            if name not in known:
                text = f"there is no tariff {name!r}; add it or correct the id"
                yield placed.problem((*path, "fallback", index), text)
            elif other is not None and other.service != line.service:
                text = f"the tariff {name!r} prices {other.service}, not {line.service}"
                yield placed.problem((*path, "fallback", index), text)
        if (line.service, line.direction) in seen:
            text = f"{line.service} {line.direction} is given twice in this plan; keep one"
            yield placed.problem(path, text)
        seen.add((line.service, line.direction))


def zones_of_tariffs(entries: Entries) -> dict[str, frozenset[str]]:
    """Give the zone ids that each tariff can find."""
    plans = {one.value.id: one.value for one in entries.zone_plans}
    found = {}
    for placed in entries.tariffs:
        zones: set[str] = set()
        for revision in placed.value.revisions:
            zones |= {price.zone for price in revision.prices if price.zone}
            if revision.zones in plans:
                zones |= {zone.id for zone in plans[revision.zones].zones}
            deck = entries.decks.get((placed.value.id, revision.revision))
            if deck is not None:
                zones |= set(deck["zone_id"].unique().to_list())
        found[placed.value.id] = frozenset(zones)
    return found


class _Offers:
    """Looks references up while offers are checked."""

    def __init__(self, entries: Entries) -> None:
        self.plans = {one.value.id: one.value for one in entries.plans}
        self.known_plans = entries.known("plans", entries.plans)
        self.zones = zones_of_tariffs(entries)
        self.tariffs = {one.value.id: one.value for one in entries.tariffs}
        self.unsure = any(kind in {"tariffs", "zones"} for kind, _ in entries.broken) or any(
            revision.deck and (one.value.id, revision.revision) not in entries.decks
            for one in entries.tariffs
            for revision in one.value.revisions
        )

    def offer(self, placed: Placed[OfferEntry]) -> Iterator[Problem]:
        offer = placed.value
        tariffs: dict[tuple[str, str], str] = {}
        if not offer.plans:
            yield placed.problem(("plans",), "has no plan; name at least one")
        for number, name in enumerate(offer.plans):
            if name not in self.known_plans:
                text = f"there is no plan {name!r}; add it or correct the id"
                yield placed.problem(("plans", number), text)
            for line in self.plans[name].tariffs if name in self.plans else ():
                use = (line.service, line.direction)
                if tariffs.setdefault(use, line.tariff) != line.tariff:
                    text = f"{' '.join(use)} has another tariff in a plan above; keep one"
                    yield placed.problem(("plans", number), text)
        for number, allowance in enumerate(offer.allowances):
            yield from self._allowance(placed, number, allowance, tariffs)

    def _sound(self, plan: str) -> bool:
        """Tell whether a plan and its tariffs can be relied on, so that no fault counts twice."""
        return plan in self.plans and all(
            line.tariff in self.tariffs and self.tariffs[line.tariff].service == line.service
            for line in self.plans[plan].tariffs
        )

    def _allowance(
        self,
        placed: Placed[OfferEntry],
        number: int,
        allowance: AllowanceEntry,
        tariffs: Mapping[tuple[str, str], str],
    ) -> Iterator[Problem]:
        path = ("allowances", number)
        if len({unit_of(service) for service in allowance.services}) != 1:
            return  # reported with the other terms
        if not all(self._sound(name) for name in placed.value.plans):
            return
        zones: set[str] = set()
        priced = True
        for index, service in enumerate(allowance.services):
            used = [tariff for use, tariff in tariffs.items() if use[0] == service]
            priced &= bool(used)
            if not used:
                text = f"no plan of the offer prices {service}; add one or remove the service"
                yield placed.problem((*path, "services", index), text)
            for tariff in used:
                zones |= self.zones.get(tariff, frozenset())
        for index, zone in enumerate(allowance.zones):
            if zone not in zones and not self.unsure and priced:
                text = f"no tariff of these services has a zone {zone!r}; correct the id"
                yield placed.problem((*path, "zones", index), text)


def plans(entries: Entries) -> Result:
    """Check every plan."""
    known = entries.known("tariffs", entries.tariffs)
    tariffs = {one.value.id: one.value for one in entries.tariffs}
    return entries, [found for one in entries.plans for found in _plan(one, known, tariffs)]


def offers(entries: Entries) -> Result:
    """Check every offer."""
    checker = _Offers(entries)
    return entries, [problem for one in entries.offers for problem in checker.offer(one)]
