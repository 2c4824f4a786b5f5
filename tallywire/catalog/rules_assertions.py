"""Price assertions: known offers and tariffs, quantities in the service's unit, one outcome each.

Whether an assertion holds is not decided here but by the rulebook, which rates its usage.
"""

from collections.abc import Iterator, Mapping

from schemas.services import QUANTITY_LIMIT, Unit
from tallywire.catalog.assertion_models import AssertedStep, AssertionEntry
from tallywire.catalog.entries import Entries, Result, unit_of
from tallywire.catalog.models import TariffEntry
from tallywire.catalog.pricing import in_units
from tallywire.catalog.problems import Problem
from tallywire.catalog.yaml_text import Path

Found = Iterator[tuple[Path, str]]


def steps_of(entry: AssertionEntry) -> list[tuple[Path, AssertedStep]]:
    """Give the steps of an assertion in order, each with its path in the entry."""
    if entry.usage is not None and not entry.sequence:
        usage, run, expect, refuse = entry.usage, entry.run, entry.expect, entry.refuse
        return [((), AssertedStep(usage=usage, run=run, expect=expect, refuse=refuse))]
    return [(("sequence", number), step) for number, step in enumerate(entry.sequence)]


def _shape(entry: AssertionEntry) -> Found:
    if (entry.offer is None) == (entry.tariff is None):
        yield (), "names either an offer or a tariff; write one of them"
    alone = (entry.usage, entry.run, entry.expect, entry.refuse)
    if entry.sequence and any(part is not None for part in alone):
        yield ("sequence",), "stands beside usage, expect or refuse; write one or the other"
    elif not entry.sequence and entry.usage is None:
        yield (), "has no usage; write usage and expect, or a sequence of them"


def _outcome(step: AssertedStep) -> Found:
    if (step.expect is None) == (step.refuse is None):
        yield (), "has either expect or refuse; write one of them"
    if step.expect is not None and not step.expect.model_fields_set:
        yield ("expect",), "expects nothing; write for example amount"


def _amounts(step: AssertedStep) -> Found:
    amount = step.usage.source_amount
    if amount is not None and 10**9 % amount.denominator:
        yield ("usage", "source_amount"), "has more than 9 decimals; an event keeps 9"


def _quantities(step: AssertedStep, unit: Unit, *, converted: bool) -> Found:
    quantity = in_units(step.usage.quantity, unit)
    if quantity is None:
        yield ("usage", "quantity"), f"is not in {unit}s"
    elif quantity > QUANTITY_LIMIT and step.refuse is None:
        yield ("usage", "quantity"), "is more than one event may hold"
    for key in ("up", "down"):
        size = getattr(step.usage, key)
        if size is not None and in_units(size, Unit.OCTET) is None:
            yield ("usage", key), "is not a size; write for example 1 MB"
    for key in () if converted else ("counted", "included", "allowance_after"):
        size = getattr(step.expect, key, None)
        if size is not None and size.quantity and in_units(size, unit) is None:
            yield ("expect", key), f"is not in {unit}s"


def _step(
    entry: AssertionEntry, step: AssertedStep, tariffs: Mapping[str, TariffEntry], *, sure: bool
) -> Found:
    yield from _outcome(step)
    tariff = tariffs.get(entry.tariff or "")
    service = step.usage.service or (tariff.service if tariff else None)
    if service is None:
        if sure:
            yield ("usage", "service"), "is missing; name the service that was used"
        return
    if tariff is not None and service != tariff.service:
        text = f"the tariff {tariff.id!r} prices {tariff.service}, not {service}"
        yield ("usage", "service"), text
        return
    converted = any(one.convert and one.service == service for one in tariffs.values())
    yield from _quantities(step, unit_of(service), converted=converted)
    yield from _amounts(step)


def assertions(entries: Entries) -> Result:
    """Check every assertion but for its truth."""
    tariffs = {one.value.id: one.value for one in entries.tariffs}
    known = {
        "offer": entries.known("offers", entries.offers),
        "tariff": entries.known("tariffs", entries.tariffs),
    }
    found: list[Problem] = []
    for placed in entries.assertions:
        entry = placed.value
        wrong = list(_shape(entry))
        for key, ids in known.items():
            name = getattr(entry, key)
            if name is not None and name not in ids:
                wrong.append(((key,), f"there is no {key} {name!r}; add it or correct the id"))
        sure = entry.tariff is None  # the service of a tariff that is refused is not known
        for base, step in steps_of(entry):
            faults = _step(entry, step, tariffs, sure=sure)
            wrong += [((*base, *path), text) for path, text in faults]
        found += [placed.problem(path, text) for path, text in wrong]
    return entries, found
