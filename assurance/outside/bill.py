"""C20: what a provider bills of resold resources against what was rated of them."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

import polars as pl

from assurance.checks.compare import compare
from assurance.checks.models import Check

Key = tuple[date, str, str]
"""Day, customer, SKU."""
_NONE = Decimal(0)


class Cause(StrEnum):
    """What differs."""

    NO_CUSTOMER = "no_customer"
    NEVER_RATED = "never_rated"
    QUANTITY = "quantity_differs"
    PRICE = "price_differs"


@dataclass(frozen=True)
class Line:
    """A line of the bill.

    Attributes:
        price: Of one unit; nothing where the bill does not say.
        rate: What names the price, where a SKU has several: by region, or tier.
    """

    day: date
    customer: str
    sku: str
    quantity: Decimal
    price: Decimal | None
    cost: Decimal
    currency: str
    rate: str = ""


@dataclass(frozen=True)
class Rated:
    """What was collected of a customer's resource on a day, rated or in suspense."""

    day: date
    customer: str
    sku: str
    quantity: Decimal


@dataclass(frozen=True)
class Gap:
    """What differs of a customer's resource, over the days of a month.

    Attributes:
        money: Provider's cost in question, not negative.
        more: Whether the provider bills more than was rated, or dearer.
    """

    cause: Cause
    customer: str
    sku: str
    days: tuple[date, ...]
    billed: Decimal
    rated: Decimal
    money: Decimal
    currency: str
    more: bool


def gaps(
    lines: Sequence[Line], rated: Iterable[Rated], customers: Collection[str],
    prices: Mapping[str, Decimal], allowed: Decimal = _NONE,
) -> list[Gap]:  # fmt: skip
    """Find what differs.

    Args:
        rated: Usage of the same days; that of resources of which the bill has no line does not
            count.
        customers: Identifiers that somebody pays for.
        prices: What was agreed by SKU; of others the price that most of the bill's lines have.
        allowed: Quantity by which a day may differ.
    """
    skus = {one.sku for one in lines}
    used: dict[Key, Decimal] = defaultdict(Decimal)
    for one in rated:
        if one.sku in skus:
            used[one.day, one.customer, one.sku] += one.quantity
    billed: dict[Key, list[Line]] = defaultdict(list)
    for line in lines:
        billed[line.day, line.customer, line.sku].append(line)
    found = [*_quantities(billed, used, frozenset(customers), allowed), *_prices(lines, prices)]
    return sorted(found, key=lambda one: (one.cause, one.customer, one.sku, one.days))


_CHECK = {
    "id": "resold", "title": "Resold usage", "area": "partner_management", "owner": "resale",
    "action": "look at the resource", "left": {"name": "rated", "file": "-"},
    "right": {"name": "bill", "file": "-"},
    "keys": [{"left": name, "right": name} for name in ("day", "customer", "sku")],
}  # fmt: skip


def _quantities(
    billed: Mapping[Key, Sequence[Line]], used: Mapping[Key, Decimal], customers: frozenset[str],
    allowed: Decimal,
) -> Iterator[Gap]:  # fmt: skip
    asked = Check.model_validate({
        **_CHECK,
        "compare": [{"left": "quantity", "right": "quantity", "tolerance": f"{allowed:f}"}],
    })  # fmt: skip
    sums = {key: sum((one.quantity for one in held), _NONE) for key, held in billed.items()}
    made = compare(asked, _frame(used), _frame(sums))
    ever = {key[1:] for key, quantity in used.items() if quantity}
    by: dict[tuple[Cause, str, str, tuple[int, int]], list[Key]] = defaultdict(list)
    for one in made.differences:
        day = date.fromisoformat(one.keys["day"])
        customer, sku = one.keys["customer"], one.keys["sku"]
        key = day, customer, sku
        if abs(sums.get(key, _NONE) - used.get(key, _NONE)) > allowed:
            cause = _cause(customer, sku, customers, ever)
            by[cause, customer, sku, (day.year, day.month)].append(key)
    for (cause, customer, sku, _), keys in by.items():
        yield _gap(cause, customer, sku, sorted(keys), billed, used)


def _frame(sums: Mapping[Key, Decimal]) -> pl.DataFrame:
    rows = [
        (f"{day}", customer, sku, f"{sums[day, customer, sku]:f}") for day, customer, sku in sums
    ]
    schema = dict.fromkeys(("day", "customer", "sku", "quantity"), pl.String())
    return pl.DataFrame(rows, schema=schema, orient="row")


def _cause(
    customer: str, sku: str, customers: frozenset[str], ever: Collection[tuple[str, str]]
) -> Cause:
    if customer not in customers:
        return Cause.NO_CUSTOMER
    return Cause.QUANTITY if (customer, sku) in ever else Cause.NEVER_RATED


def _gap(
    cause: Cause, customer: str, sku: str, keys: Sequence[Key],
    billed: Mapping[Key, Sequence[Line]], used: Mapping[Key, Decimal],
) -> Gap:  # fmt: skip
    """Add up the days of a month; a unit costs what the bill's lines of the resource say of it."""
    lines = [line for key in keys for line in billed.get(key, ())]
    of = lines or [line for key, held in billed.items() if key[2] == sku for line in held]
    quantity = sum((line.quantity for line in of), _NONE)
    cost = sum((line.cost for line in of), _NONE)
    theirs = sum((line.quantity for line in lines), _NONE)
    ours = sum((used.get(key, _NONE) for key in keys), _NONE)
    apart = sum((abs(_sum(billed, key) - used.get(key, _NONE)) for key in keys), _NONE)
    money = abs(cost * apart / quantity) if quantity else abs(cost)
    days = tuple(key[0] for key in keys)
    return Gap(cause, customer, sku, days, theirs, ours, money, of[0].currency, theirs >= ours)


def _sum(billed: Mapping[Key, Sequence[Line]], key: Key) -> Decimal:
    return sum((line.quantity for line in billed.get(key, ())), _NONE)


def _prices(lines: Iterable[Line], agreed: Mapping[str, Decimal]) -> Iterator[Gap]:
    """Find lines at another price than what was agreed, or than most lines of their rate."""
    by: dict[tuple[str, str, tuple[int, int]], list[tuple[Line, Decimal]]] = defaultdict(list)
    for line, more in _dearer(lines, agreed):
        by[line.customer, line.sku, (line.day.year, line.day.month)].append((line, more))
    for (customer, sku, _), held in by.items():
        apart = sum((more * line.quantity for line, more in held), _NONE)
        quantity = sum((line.quantity for line, _ in held), _NONE)
        days = tuple(sorted({line.day for line, _ in held}))
        yield Gap(
            Cause.PRICE, customer, sku, days, quantity, quantity, abs(apart),
            held[0][0].currency, apart >= 0,
        )  # fmt: skip


def _dearer(lines: Iterable[Line], agreed: Mapping[str, Decimal]) -> Iterator[tuple[Line, Decimal]]:
    """Give lines with what their price is above the one that it should be; it may be below."""
    priced = [(line, line.price) for line in lines if line.price is not None and line.quantity]
    counts: dict[tuple[str, str], Counter[Decimal]] = defaultdict(Counter)
    for line, price in priced:
        counts[line.sku, line.rate][price] += 1
    usual = {
        rate: min(held, key=lambda price: (-held[price], price)) for rate, held in counts.items()
    }  # fmt: skip
    for line, price in priced:
        more = price - agreed.get(line.sku, usual[line.sku, line.rate])
        if more:
            yield line, more
