"""Rating plans: which prices a destination has, and which prefixes it owns."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from schemas.services import Unit
from tallywire.catalog.imports.cgrates.rates import Rate, money, read_rate
from tallywire.catalog.imports.cgrates.tables import (
    DESTINATION_RATES,
    DESTINATIONS,
    PLANS,
    RATES,
    TIMINGS,
    Cells,
    Tables,
)
from tallywire.catalog.imports.cgrates.timings import Timing, read_timings
from tallywire.catalog.imports.report import Kind, Note

ANY = "*any"
_PREFIX = re.compile(r"\+?([0-9]{1,18})")
_UNUSED = "no charge depends on it"


@dataclass(frozen=True)
class Candidate:
    """A price that a destination has at a timing.

    Attributes:
        number: Place of its row among all rating plan rows, the file's order.
        weight: The highest wins where timings overlap.
        plan_row, rate_row: The rows of RatingPlans and DestinationRates it comes from.
    """

    number: int
    timing: Timing
    weight: Fraction
    rate: Rate
    plan_row: Cells = field(compare=False)
    rate_row: Cells = field(compare=False)


@dataclass(frozen=True)
class Destination:
    """A destination of a plan: its prefixes that no other destination of the plan takes."""

    name: str
    prefixes: tuple[str, ...]
    candidates: tuple[Candidate, ...]


Destinations = Sequence[Destination]


def _by_id(rows: Sequence[Cells]) -> dict[str, list[Cells]]:
    found: dict[str, list[Cells]] = {}
    for row in rows:
        found.setdefault(row["id"], []).append(row)
    return found


class PlanBook:
    """Looks up what rating plans refer to; what is missing or cannot be said becomes a note."""

    def __init__(self, tables: Tables) -> None:
        self.notes = tables.notes
        self.timings = read_timings(tables.rows[TIMINGS], self.notes)
        self._destinations = _by_id(tables.rows[DESTINATIONS])
        self._rates = _by_id(tables.rows[RATES])
        self._destination_rates = _by_id(tables.rows[DESTINATION_RATES])
        self._plans = _by_id(tables.rows[PLANS])
        self._read: dict[tuple[str, Unit], Rate | None] = {}
        self._made: dict[tuple[str, Unit], Destinations] = {}
        self._prefixes: dict[str, tuple[str, ...]] = {}
        self._used: set[tuple[str, str]] = set()

    def known(self, plan: str) -> bool:
        """Tell whether there is such a rating plan."""
        return plan in self._plans

    def destinations(self, plan: str, unit: Unit) -> Destinations:
        """Give the destinations of a plan, in the order of the file."""
        if (plan, unit) not in self._made:
            self._made[plan, unit] = self._destinations_of(plan, unit)
        return self._made[plan, unit]

    def _destinations_of(self, plan: str, unit: Unit) -> Destinations:
        candidates: dict[str, list[Candidate]] = {}
        self._used.add((PLANS, plan))
        for row in self._plans[plan]:
            for rate_row, candidate in self._candidates(row, unit):
                candidates.setdefault(rate_row["destination"], []).append(candidate)
        owners = self._owners(candidates)
        return [Destination(name, owners[name], tuple(found)) for name, found in candidates.items()]

    def _candidates(self, row: Cells, unit: Unit) -> Iterator[tuple[Cells, Candidate]]:
        timing = self.timings.get(row["timing"])
        weight = money(row["weight"].removeprefix("-"))
        if timing is None or weight is None:
            what = "the timing" if timing is None else "the weight"
            value = row["timing"] if timing is None else row["weight"]
            self._lost(row, f"{row['id']}: {what} {value!r} is missing or cannot be read")
            return
        signed = -weight if row["weight"].startswith("-") else weight
        self._used |= {(TIMINGS, timing.name), (DESTINATION_RATES, row["destination_rates"])}
        if row["destination_rates"] not in self._destination_rates:
            self._lost(row, f"there are no destination rates {row['destination_rates']!r}")
        for rate_row in self._destination_rates.get(row["destination_rates"], ()):
            rate = self._rate(rate_row, unit)
            if rate is not None and self._reachable(rate_row):
                yield rate_row, Candidate(row.line, timing, signed, rate, row, rate_row)

    def _rate(self, row: Cells, unit: Unit) -> Rate | None:
        name = row["rates"]
        self._used.add((RATES, name))
        if name not in self._rates:
            self._lost(row, f"there is no rate {name!r}")
            return None
        if (name, unit) not in self._read:
            self._read[name, unit] = read_rate(self._rates[name], unit, self.notes)
        if self._read[name, unit] is None:
            self._lost(row, f"the rate {name} of {row['id']} cannot be carried over")
        return self._read[name, unit]

    def _reachable(self, row: Cells) -> bool:
        name = row["destination"]
        self._used.add((DESTINATIONS, name))
        if name == ANY or name in self._destinations:
            return True
        self._lost(row, f"there is no destination {name!r}")
        return False

    def _lost(self, row: Cells, text: str) -> None:
        money_words = "what it prices falls to a shorter prefix, or is set aside without price"
        self.notes.append(row.note(Kind.LOST, f"{text}; add or correct it", money_words))

    def _digits(self, name: str) -> tuple[str, ...]:
        """Give a destination's prefixes as digits; of `*any` the empty one."""
        if name == ANY:
            return ("",)
        if name not in self._prefixes:
            self._prefixes[name] = tuple(dict.fromkeys(self._each_prefix(name)))
        return self._prefixes[name]

    def _each_prefix(self, name: str) -> Iterator[str]:
        for row in self._destinations[name]:
            found = _PREFIX.fullmatch(row["prefix"])
            if found is None:
                text = f"{name}: the prefix {row['prefix']!r} is not digits"
                money_words = "such numbers are priced by a shorter prefix or set aside"
                self.notes.append(row.note(Kind.LOST, text, money_words))
                continue
            if row["prefix"].startswith("+"):
                text = f"{name}: {row['prefix']} matches numbers without +, as they are kept here"
                money_words = "none, where numbers are international"
                self.notes.append(row.note(Kind.DIFFERENT, text, money_words))
            yield found[1]

    def _owners(self, candidates: Mapping[str, Sequence[Candidate]]) -> dict[str, tuple[str, ...]]:
        """Give each prefix to one destination: that of the highest weight, as in the source."""
        owner: dict[str, str] = {}
        for name, found in candidates.items():
            for prefix in self._digits(name):
                if prefix in owner:
                    owner[prefix] = self._heavier(prefix, owner[prefix], name, candidates)
                else:
                    owner[prefix] = name
            assert found  # noqa: S101  a destination is here because of a candidate
        return {
            name: tuple(one for one in self._digits(name) if owner[one] == name)
            for name in candidates
        }

    def _heavier(
        self, prefix: str, first: str, other: str, candidates: Mapping[str, Sequence[Candidate]]
    ) -> str:
        weights = [max(one.weight for one in candidates[name]) for name in (first, other)]
        if weights[0] == weights[1]:
            row = candidates[other][0].plan_row
            text = (
                f"{row['id']}: the prefix {prefix} is in {first} and in {other} with one weight; "
                f"the source takes either, here it is {first}: give one a higher weight"
            )
            self.notes.append(row.note(Kind.LOST, text, f"the price of {other} is not used there"))
        return other if weights[1] > weights[0] else first

    def unused(self) -> Iterator[Note]:
        """Name what no profile reaches."""
        places = {
            DESTINATIONS: self._destinations,
            RATES: self._rates,
            DESTINATION_RATES: self._destination_rates,
            PLANS: self._plans,
        }
        for file, rows in places.items():
            for name, found in rows.items():
                if (file, name) not in self._used:
                    yield found[0].note(Kind.UNUSED, f"{name} is not used", _UNUSED)
        for name, timing in self.timings.items():
            if timing.line and (TIMINGS, name) not in self._used:
                yield Note(TIMINGS, timing.line, Kind.UNUSED, f"{name} is not used", _UNUSED)


def chained(book: PlanBook, plans: Sequence[str], unit: Unit) -> Destinations:
    """Give the destinations of a plan and of its fallbacks: those for numbers it does not reach.

    A fallback's prefix counts only where no shorter prefix of an earlier plan holds already: the
    source asks the next plan only for numbers that the plans before it do not know.
    """
    taken: set[str] = set()
    found: list[Destination] = []
    for plan in plans:
        here = book.destinations(plan, unit)
        for one in here:
            free = tuple(prefix for prefix in one.prefixes if not _covered(prefix, taken))
            if free:
                found.append(Destination(one.name, free, one.candidates))
        taken |= {prefix for one in here for prefix in one.prefixes}
    return found


def _covered(prefix: str, taken: set[str]) -> bool:
    return any(prefix[:length] in taken for length in range(len(prefix) + 1))
