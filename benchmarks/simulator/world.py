"""Everything of a run, as it truly is and as it is told: the same for one seed and parameters."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from benchmarks.simulator import book as books
from benchmarks.simulator.book import Book
from benchmarks.simulator.clock import local_date
from benchmarks.simulator.flat import Flat, flat_prices
from benchmarks.simulator.parameters import Parameters
from benchmarks.simulator.people import People, population
from benchmarks.simulator.records import Batch, Injection, Usage

DIFFICULTIES = ("easy", "medium", "hard")


@dataclass
class World:
    """A run: what happened, what was written of it, what was done to it."""

    seed: int
    parameters: Parameters
    people: People
    book: Book
    catalogue: Book
    costs: Book
    flat: dict[str, Flat]
    usages: list[Usage] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    injections: list[Injection] = field(default_factory=list)
    hard_negatives: list[Injection] = field(default_factory=list)
    left: dict[str, date] = field(default_factory=dict)
    """Accounts that the catalogue believes to have ended, and when."""
    side: dict[str, list[list[str]]] = field(default_factory=dict)
    taken: set[tuple[str, str]] = field(default_factory=set)
    """Plans and prefixes that a fault of prices holds already."""

    def carrier_of(self, number: str, day: date) -> str:
        return books.cheapest(self.costs, self.parameters.carriers, number, day)

    def by_catalogue(self, usage: Usage) -> Decimal:
        """Charge a call as the catalogue says, at the time that its record shows."""
        plan = usage.subscriber.plan
        return self.catalogue.charge(plan, usage.number, self.day_of(usage), usage.quantity)

    def day_of(self, usage: Usage) -> date:
        """Give the local day that a record shows."""
        return local_date(usage.start_us + usage.skew_us)

    def inject(
        self, family: str, entity: str, feed: str, grade: tuple[str, bool], detail: str = ""
    ) -> Injection:
        """Begin a fault; its extent is added as it is done."""
        made = Injection(
            f"i{len(self.injections) + 1:04d}", family, entity, feed, *grade, detail=detail
        )
        self.injections.append(made)
        return made

    def hard_negative(self, family: str, entity: str, feed: str, detail: str) -> Injection:
        """Tell of something that looks like a fault and is none."""
        number = f"h{len(self.hard_negatives) + 1:04d}"
        made = Injection(number, family, entity, feed, "hard", True, detail=detail)
        self.hard_negatives.append(made)
        return made


def empty(seed: int, parameters: Parameters) -> World:
    """Make the world before anything happens in it."""
    run = parameters.run
    book = books.retail(seed, run, parameters.plans, parameters.change_day)
    costs = books.wholesale(seed, parameters.carriers)
    people = population(seed, parameters)
    return World(seed, parameters, people, book, book, costs, flat_prices(seed, parameters.plans))


def grades(count: int) -> list[tuple[str, bool]]:
    """Give each of so many faults its difficulty, and whether it is subtle.

    Hard ones and every other medium one are: at least half of both together.
    """
    made = []
    for place in range(count):
        difficulty = DIFFICULTIES[place % 3]
        subtle = difficulty == "hard" or (difficulty == "medium" and place // 3 % 2 == 0)
        made.append((difficulty, subtle))
    return made


def mark(usage: Usage, injection: Injection, money: Decimal, at_us: int | None = None) -> None:
    """Say that a fault touched this usage, and what that is worth; the last one counts."""
    usage.injection = injection.number
    usage.fate = injection.family
    usage.worth = money
    usage.worth_at_us = usage.start_us if at_us is None else at_us
