"""Tiers counted per partner: only in tariffs of partners' legs, and one price for each counter."""

from collections.abc import Callable, Iterable, Iterator

from tallywire.catalog.entries import Entries, Placed, Result
from tallywire.catalog.models import TariffEntry
from tallywire.catalog.models_terms import OverrideEntry, PlanTariff, TiersEntry
from tallywire.catalog.problems import Problem
from tallywire.catalog.terms import PARTNER
from tallywire.catalog.yaml_text import Path


def partner_tiers(entries: Entries) -> Result:
    """Check where tiers counted per partner are used, and that a counter has one price."""
    counting = {one.value.id for one in entries.tariffs if any(_tiers(one.value))}
    found = [
        problem(path, f"the tariff {name!r} counts per partner: only partners' legs may use it")
        for problem, path, name in _used_by_customers(entries)
        if name in counting
    ]
    for one in entries.tariffs:
        found += _told_apart(one)
    return entries, found


def _tiers(tariff: TariffEntry) -> Iterator[tuple[Path, int, str | None, TiersEntry]]:
    """Give the tiers counted per partner: path, revision, zone."""
    for number, revision in enumerate(tariff.revisions):
        for index, price in enumerate(revision.prices):
            if price.tiers is not None and price.tiers.scope == PARTNER:
                path = ("revisions", number, "prices", index, "tiers")
                yield path, number, price.zone, price.tiers


def _told_apart(placed: Placed[TariffEntry]) -> Iterator[Problem]:
    """Two prices of a revision that count together cost the same: else order would matter."""
    first: dict[tuple[int, str], TiersEntry] = {}
    for path, revision, zone, tiers in _tiers(placed.value):
        name = tiers.counter or f"zone {zone or ''}"
        if _priced(first.setdefault((revision, name), tiers)) != _priced(tiers):
            text = (
                "counts for a partner together with a price above that has other tiers: write the "
                "same ones, or another counter"
            )
            yield placed.problem((*path, "steps"), text)


def _priced(tiers: TiersEntry) -> tuple[object, ...]:
    return tiers.mode, tiers.measure, tiers.steps


Used = tuple[Callable[[Path, str], Problem], Path, str]
"""What makes a problem there, the path, the tariff."""


def _used_by_customers(entries: Entries) -> Iterator[Used]:
    """Give every reference to a tariff by a plan or a single customer, with its place."""
    for plan in entries.plans:
        for number, line in enumerate(plan.value.tariffs):
            yield from _of_line(plan.problem, ("tariffs", number), line)
    for account in entries.accounts:
        yield from _of_holder(account.problem, (), account.value.overrides)
        for number, one in enumerate(account.value.subscriptions):
            yield from _of_holder(account.problem, ("subscriptions", number), one.overrides)


def _of_line(
    problem: Callable[[Path, str], Problem], base: Path, line: PlanTariff
) -> Iterator[Used]:
    yield problem, (*base, "tariff"), line.tariff
    for place, name in enumerate(line.fallback):
        yield problem, (*base, "fallback", place), name


def _of_holder(
    problem: Callable[[Path, str], Problem], base: Path, overrides: Iterable[OverrideEntry]
) -> Iterator[Used]:
    for number, one in enumerate(overrides):
        yield problem, (*base, "overrides", number, "tariff"), one.tariff
