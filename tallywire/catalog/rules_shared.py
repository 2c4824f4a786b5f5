"""What prices share: counters that count the same thing, and legs whose charge another takes."""

from collections.abc import Iterator

from tallywire.catalog.compile_prices import priced_unit
from tallywire.catalog.entries import Entries, Placed, Result, unit_of
from tallywire.catalog.models import PriceEntry, TariffEntry
from tallywire.catalog.problems import Problem
from tallywire.catalog.rules_partners import RETAIL
from tallywire.catalog.yaml_text import Path

Where = tuple[Placed[TariffEntry], Path, PriceEntry]


def _prices(entries: Entries) -> Iterator[Where]:
    for placed in entries.tariffs:
        for number, revision in enumerate(placed.value.revisions):
            for index, price in enumerate(revision.prices):
                yield placed, ("revisions", number, "prices", index), price


def counters(entries: Entries) -> Result:
    """Check that prices which name one counter count the same, for the same, as long."""
    first: dict[str, tuple[object, str]] = {}
    found: list[Problem] = []
    for placed, path, price in _prices(entries):
        tiers, tariff = price.tiers, placed.value
        if tiers is None or tiers.counter is None:
            continue
        unit = priced_unit(tariff, unit_of(tariff.service))
        counts = "" if tiers.measure in {"count", "unique", "amount"} else f" of {unit}s"
        what = f"{tiers.measure}{counts} by {tiers.scope} and {tiers.period}"
        key = (tiers.measure, counts, tiers.scope, tiers.period, tiers.of, tiers.percentile)
        before, words = first.setdefault(tiers.counter, (key, f"{what} in {tariff.id}"))
        if before != key:
            text = (
                f"the counter {tiers.counter!r} counts {words}, here {what}; name another counter"
            )
            found.append(placed.problem((*path, "tiers", "counter"), text))
    return entries, found


def _runs_of(entries: Entries) -> tuple[list[str], dict[str, set[str]]]:
    """Give all runs in the order in which they are priced, and the runs that use each tariff."""
    runs, used = [RETAIL], dict[str, set[str]]()
    for plan in entries.plans:
        for line in plan.value.tariffs:
            for name in (line.tariff, *line.fallback):
                used.setdefault(name, set()).add(RETAIL)
    for partner in entries.partners:
        for leg in partner.value.legs:
            if leg.run not in runs:
                runs.append(leg.run)
            for line in leg.tariffs:
                used.setdefault(line.tariff, set()).add(leg.run)
    return runs, used


def shares(entries: Entries) -> Result:
    """Check that a share is taken of a leg that is priced before."""
    runs, used = _runs_of(entries)
    found: list[Problem] = []
    for placed, path, price in _prices(entries):
        if price.of is None:
            continue
        if price.of not in runs:
            text = f"there is no run {price.of!r}; runs here: {', '.join(runs)}"
            found.append(placed.problem((*path, "of"), text))
            continue
        for run in sorted(used.get(placed.value.id, set())):
            if runs.index(run) <= runs.index(price.of):
                text = f"the {run} leg is not priced after the {price.of} leg: it has no charge yet"
                found.append(placed.problem((*path, "of"), text))
    return entries, found
