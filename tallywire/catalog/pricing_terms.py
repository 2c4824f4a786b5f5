"""From terms as written to terms compiled, or what is wrong with them; for lint and compiler."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from schemas.services import Unit
from schemas.usage import UsageEvent
from tallywire.catalog.models_terms import Conditions, DiscountEntry, TierEntry, TiersEntry
from tallywire.catalog.pricing import in_units
from tallywire.catalog.terms import ADDED_UP, PARTNER, Condition, DiscountStep, Tier, Tiers
from tallywire.catalog.values import amount, money
from tallywire.catalog.yaml_text import Path
from tallywire.money import NANO

ORIGIN = "origin_zone"
ATTRIBUTE = "attributes."
_SECOND_US = 1_000_000
_HUNDRED = 100

Faults = list[tuple[Path, str]]

_TEXTS = frozenset(
    name for name, field in UsageEvent.model_fields.items() if field.annotation is str
) - {"attributes", "runs"}
"""Fields of usage that a condition may ask."""


def conditions(
    when: Conditions, origins: Sequence[str] = ()
) -> tuple[tuple[Condition, ...], Faults]:
    """Compile conditions, in the order written; those on the calling number's zone come last."""
    faults: Faults = []
    for field, values in when.items():
        if field not in _TEXTS and not (field.startswith(ATTRIBUTE) and field != ATTRIBUTE):
            text = "is no field of usage; write one such as apn or rat, or attributes.NAME"
            faults.append((("when", field), text))
        if not values:
            faults.append((("when", field), "has no value; write at least one"))
    found = [Condition(field, frozenset(values)) for field, values in when.items()]
    if origins:
        found.append(Condition(ORIGIN, frozenset(origins)))
    return tuple(found), faults


class _Scale:
    """How the sizes of tiers are read: by what they measure.

    Args:
        tiers: As written.
        unit: Base unit of priced usage.
    """

    def __init__(self, tiers: TiersEntry, unit: Unit) -> None:
        self.measure = tiers.measure
        counted = tiers.measure in {"count", "unique"}
        self.unit = Unit.COUNT if counted else unit
        time = in_units(tiers.time, Unit.MICROSECOND) if tiers.time else _SECOND_US
        self.time_s = (time or 0) // _SECOND_US if tiers.measure == "time_weighted" else 1
        self.fault = "must be whole seconds, such as 1h" if not self.time_s else ""

    def size(self, text: str) -> int:
        """Read what a count is compared with.

        Raises:
            ValueError: If it is written in another unit.
        """
        if self.measure == "amount":
            return int(money(text) * NANO)
        found = amount(text)
        units = found.quantity if not found.quantity else in_units(found, self.unit)
        if units is None:
            msg = f"is not in {self.unit}s"
            raise ValueError(msg)
        return units * self.time_s


def compiled_tiers(entry: TiersEntry, unit: Unit, name: str) -> tuple[Tiers | None, Faults]:
    """Compile tiers.

    Args:
        entry: As written.
        unit: Base unit of priced usage.
        name: Name of the counter where none is written.

    Returns:
        The tiers, none where there are faults; and the faults: (path within the entry, message).
    """
    scale = _Scale(entry, unit)
    faults: Faults = [(("time",), scale.fault)] if scale.fault else []
    faults += _measured(entry)
    if not entry.steps:
        faults.append((("steps",), "has no tier; write at least one, the first from 0"))
    steps: list[Tier] = []
    for number, step in enumerate(entry.steps):
        found, wrong = _tier(step, scale)
        faults += [(("steps", number, *path), text) for path, text in wrong]
        if found is not None:
            steps.append(found)
    if not faults:
        faults += _ascending(steps)
    if faults:
        return None, faults
    return Tiers(
        counter=entry.counter or name, mode=entry.mode, steps=tuple(steps), measure=entry.measure,
        scope=entry.scope, period=entry.period, of=entry.of or "",
        percentile=entry.percentile or 0,
    ), []  # fmt: skip


def _measured(entry: TiersEntry) -> Iterator[tuple[Path, str]]:
    if entry.scope == PARTNER and entry.measure not in ADDED_UP:
        yield ("measure",), f"what counts for a partner is added up: {', '.join(ADDED_UP)}"
    if entry.scope == PARTNER and entry.period != "month":
        yield ("period",), "a partner is trued up by the month; remove it"
    if (entry.of is None) == (entry.measure == "unique"):
        yield ("of",), "is written only, and always, with measure unique: whose values count"
    if entry.of is not None:
        yield from ((("of",), text) for _, text in conditions({entry.of: ("x",)})[1])
    if (entry.percentile is None) == (entry.measure == "percentile"):
        yield ("percentile",), "is written only, and always, with measure percentile"
    if entry.percentile is not None and not 1 <= entry.percentile < _HUNDRED:
        yield ("percentile",), "must be from 1 to 99"
    if entry.time is not None and entry.measure != "time_weighted":
        yield ("time",), "is written only with measure time_weighted"


def _tier(step: TierEntry, scale: _Scale) -> tuple[Tier | None, Faults]:
    faults: Faults = []
    start = per = block = 0
    try:
        start = scale.size(step.start)
    except ValueError as error:
        faults.append((("from",), str(error)))
    rate = Fraction(0)
    if step.percent is not None:
        rate = step.percent / (_HUNDRED * NANO)
        if scale.measure != "amount" or step.rate is not None or step.per is not None:
            faults.append(
                (("percent",), "is written only with measure amount, without rate and per")
            )
    elif step.rate is not None:
        per = (in_units(step.per, scale.unit) or 0) * scale.time_s if step.per else 0
        counted = scale.unit == Unit.COUNT
        per = per or (scale.time_s if counted and step.per is None else 0)
        if not per or scale.measure == "amount":
            faults.append((("per",), f"is missing or not in {scale.unit}s, more than 0"))
        else:
            rate = step.rate / per
    if step.block is not None:
        block = (in_units(step.block, scale.unit) or 0) * scale.time_s
        if not block:
            faults.append((("block",), f"must be more than 0 {scale.unit}s"))
    if faults:
        return None, faults
    return Tier(start, step.flat, rate, block or 1), []


def _ascending(steps: Sequence[Tier]) -> Iterator[tuple[Path, str]]:
    if steps[0].start:
        yield ("steps", 0, "from"), "the first tier must begin at 0"
    for number, step in enumerate(steps[1:], start=1):
        if step.start <= steps[number - 1].start:
            yield ("steps", number, "from"), "must be greater than that of the tier above it"


def discount_steps(entry: DiscountEntry, unit: Unit) -> tuple[tuple[DiscountStep, ...], Faults]:
    """Compile the percentages of a discount.

    Args:
        entry: As written.
        unit: Base unit of the services it applies to, where usage is counted.
    """
    faults: Faults = []
    if sum((entry.percent is not None, entry.amount is not None, bool(entry.steps))) != 1:
        return (), [((), "needs one of percent, amount or steps")]
    if bool(entry.steps) != (entry.by is not None):
        faults.append((("by",), "is written with steps: usage or spend"))
    if entry.percent is not None:
        return (DiscountStep(0, entry.percent),), [*faults, *_percent(("percent",), entry.percent)]
    found = []
    for number, step in enumerate(entry.steps):
        path: Path = ("steps", number)
        faults += _percent((*path, "percent"), step.percent)
        try:
            start = (
                int(money(step.start) * NANO) if entry.by == "spend" else _units(step.start, unit)
            )
            found.append(DiscountStep(start, step.percent))
        except ValueError as error:
            faults.append(((*path, "from"), str(error)))
    starts = [step.start for step in found]
    if not faults and entry.steps and (starts[0] or starts != sorted(set(starts))):
        faults.append((("steps",), "must begin at 0 and ascend"))
    return tuple(found), faults


def _units(text: str, unit: Unit) -> int:
    found = amount(text)
    units = found.quantity if not found.quantity else in_units(found, unit)
    if units is None:
        msg = f"is not in {unit}s"
        raise ValueError(msg)
    return units


def _percent(path: Path, percent: Fraction) -> Iterator[tuple[Path, str]]:
    if percent > _HUNDRED:
        yield path, "is more than 100 per cent"
