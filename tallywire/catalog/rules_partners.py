"""Partners and single customers: known tariffs of the right service, one side for each run."""

from collections.abc import Iterable, Iterator

from schemas.services import Service
from tallywire.catalog.entries import Entries, Placed, Result
from tallywire.catalog.models_terms import PartnerEntry
from tallywire.catalog.problems import Problem
from tallywire.catalog.values import span
from tallywire.catalog.yaml_text import Path

RETAIL = "retail"
Found = Iterator[tuple[Path, str]]


class Tariffs:
    """Tells what is wrong with a reference to a tariff."""

    def __init__(self, entries: Entries) -> None:
        self._known = entries.known("tariffs", entries.tariffs)
        self._services = {one.value.id: one.value.service for one in entries.tariffs}

    def faults(self, name: str, service: Service) -> Iterator[str]:
        """Say it in words: nothing where the tariff is there and prices the service."""
        if name not in self._known:
            yield f"there is no tariff {name!r}; add it or correct the id"
        elif self._services.get(name, service) != service:
            yield f"the tariff {name!r} prices {self._services[name]}, not {service}"


def _partner(placed: Placed[PartnerEntry], tariffs: Tariffs, sides: dict[str, str]) -> Found:
    for number, leg in enumerate(placed.value.legs):
        path: Path = ("legs", number)
        if leg.run == RETAIL:
            yield (*path, "run"), "retail is what the customer pays; use another name"
        if sides.setdefault(leg.run, leg.side) != leg.side:
            yield (*path, "side"), f"the run {leg.run} is {sides[leg.run]} elsewhere; use one side"
        if not leg.values:
            yield (*path, "values"), "has no value; write at least one"
        for index, line in enumerate(leg.tariffs):
            for text in tariffs.faults(line.tariff, line.service):
                yield (*path, "tariffs", index, "tariff"), text
            if line.fallback:
                yield (*path, "tariffs", index, "fallback"), "a partner's leg has one tariff"


def partners(entries: Entries) -> Result:
    """Check every partner."""
    tariffs, sides = Tariffs(entries), dict[str, str]()
    found = [
        one.problem(path, text)
        for one in entries.partners
        for path, text in _partner(one, tariffs, sides)
    ]
    return entries, found


def overrides(entries: Entries) -> Result:
    """Check the tariffs of single customers."""
    tariffs = Tariffs(entries)
    found: list[Problem] = []
    for placed in entries.accounts:
        written: Iterable[tuple[Path, object]] = [((), placed.value)]
        written = [
            *written,
            *((("subscriptions", n), one) for n, one in enumerate(placed.value.subscriptions)),
        ]
        for base, holder in written:
            for number, one in enumerate(getattr(holder, "overrides", ())):
                path = (*base, "overrides", number)
                faults = tariffs.faults(one.tariff, one.service)
                found += [placed.problem((*path, "tariff"), text) for text in faults]
                since, until = span(one.valid_from, one.valid_to, entries.time_zone)
                if until <= since:
                    text = "is not after valid_from; correct one"
                    found.append(placed.problem((*path, "valid_to"), text))
    return entries, found
