"""The price book of record: what was agreed, for every plan, destination and day."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from benchmarks.simulator.clock import Run
from benchmarks.simulator.money import Rounding, Terms, call_charge
from benchmarks.simulator.places import ON_NET, PLACES, longest
from benchmarks.simulator.streams import stream

STYLES = ((60, 60), (60, 1), (1, 1), (30, 6), (6, 6), (60, 30))
ROUNDINGS = (
    Rounding("half_up", 4), Rounding("half_even", 4), Rounding("half_up", 6),
    Rounding("up", 4), Rounding("half_even", 6), Rounding("half_up", 5),
)  # fmt: skip
COST_ROUNDING = Rounding("half_even", 6)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a price list: who prices, which numbers, at what terms, from when until before."""

    owner: str
    prefix: str
    name: str
    terms: Terms
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass
class Book:
    """Price lists: retail plans, or carriers."""

    rows: list[Row] = field(default_factory=list)
    roundings: dict[str, Rounding] = field(default_factory=dict)
    _found: dict[tuple[str, str], list[Row]] = field(default_factory=dict)
    _prefixes: dict[str, frozenset[str]] = field(default_factory=dict)

    def index(self) -> None:
        """Make the lists ready to be looked into; after any change of the rows."""
        found: dict[tuple[str, str], list[Row]] = defaultdict(list)
        prefixes: dict[str, set[str]] = defaultdict(set)
        for row in self.rows:
            found[row.owner, row.prefix].append(row)
            prefixes[row.owner].add(row.prefix)
        for rows in found.values():
            rows.sort(key=lambda row: row.valid_from or date.min)
        self._found = dict(found)
        self._prefixes = {owner: frozenset(some) for owner, some in prefixes.items()}

    def of(self, owner: str, number: str, day: date) -> Row:
        """Find the row that prices a number on a day, by its longest prefix that holds then."""
        rest = number
        while prefix := longest(rest, self._prefixes[owner]):
            for row in reversed(self._found[owner, prefix]):
                if (row.valid_from or date.min) <= day < (row.valid_to or date.max):
                    return row
            rest = prefix[:-1]
        msg = f"{owner} prices nothing for {number} on {day}"
        raise LookupError(msg)

    def charge(self, owner: str, number: str, day: date, duration_us: int) -> Decimal:
        """Charge a call as this book says."""
        return call_charge(duration_us, self.of(owner, number, day).terms, self.roundings[owner])

    def copied(self) -> "Book":
        """Give a book that may be changed without changing this one."""
        book = Book(list(self.rows), dict(self.roundings))
        book.index()
        return book


def plan_ids(plans: int) -> list[str]:
    return [f"plan_{number}" for number in range(1, plans + 1)]


def carrier_ids(carriers: int) -> list[str]:
    return [f"carrier_{'abcdefgh'[number]}" for number in range(carriers)]


def retail(seed: int, run: Run, plans: int, change_day: int) -> Book:
    """Draw what customers pay: every plan has its increments, its rounding and its rates.

    On the day of change, where it lies within the run, all rates of all plans move a little.
    """
    chance = stream(seed, "retail")
    book = Book()
    for number, plan in enumerate(plan_ids(plans)):
        book.roundings[plan] = ROUNDINGS[number % len(ROUNDINGS)]
        first, following = STYLES[number % len(STYLES)]
        for place in PLACES:
            free = place.prefix == ON_NET
            rate = (
                0
                if free
                else place.cost * chance.randrange(150, 290) // 100 + chance.randrange(20, 90)
            )
            fee = 0 if free or chance.randrange(3) else chance.randrange(100, 900, 50)
            row = Row(plan, place.prefix, place.name, Terms(rate, fee, first, following))
            if free or not 0 < change_day < run.days:
                book.rows.append(row)
                continue
            moved = replace(row.terms, rate=rate * chance.randrange(94, 113) // 100 + 1)
            edge = run.day(change_day)
            book.rows.append(replace(row, valid_to=edge))
            book.rows.append(replace(row, terms=moved, valid_from=edge))
    book.index()
    return book


def wholesale(seed: int, carriers: int) -> Book:
    """Draw what carriers are paid: by the second, without a fee."""
    chance = stream(seed, "wholesale")
    book = Book()
    for carrier in carrier_ids(carriers):
        book.roundings[carrier] = COST_ROUNDING
        for place in PLACES:
            if place.prefix == ON_NET:
                continue
            rate = max(1, place.cost * chance.randrange(82, 124) // 100)
            book.rows.append(Row(carrier, place.prefix, place.name, Terms(rate, 0, 1, 1)))
    book.index()
    return book


def cheapest(book: Book, carriers: int, number: str, day: date) -> str:
    """Choose who carries a call: the carrier that asks least for it."""
    if number.startswith(ON_NET):
        return ""
    return min(carrier_ids(carriers), key=lambda one: (book.of(one, number, day).terms.rate, one))
