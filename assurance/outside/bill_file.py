"""A provider's bill as CSV: by FOCUS, or with plain columns."""

import csv
import io
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from assurance.outside.bill import Line
from assurance.outside.reading import Row, moment, number, read_rows
from schemas.instants import EPOCH

PLAIN = ("day", "customer", "sku", "quantity", "cost")
"""Columns that a plain bill must have; `price` and `currency` may be there."""
FOCUS = ("ChargePeriodStart", "SkuId", "BillingCurrency")
"""Columns by which a bill by FOCUS is known; FinOps Open Cost and Usage Specification 1.0."""
_NOTHING = {"", "NULL"}


@dataclass(frozen=True)
class Bill:
    """A bill that was read.

    Attributes:
        aside: Lines that are no usage, such as taxes and credits: how many, and their cost.
    """

    lines: list[Line]
    aside: int
    aside_cost: Decimal


def is_focus(text: str) -> bool:
    """Tell by its head whether a bill is one by FOCUS."""
    head = next(csv.reader(io.StringIO(text.removeprefix("\ufeff"))), [])
    return set(FOCUS) <= set(head)


def read_bill(
    name: str, text: str, names: Mapping[str, str], zone: str, currency: str,
    customers: Collection[str],
) -> Bill:  # fmt: skip
    """Read a bill.

    Args:
        names: Column to what it is called in the file.
        zone: IANA zone of its days.
        currency: Where it names none.
        customers: Identifiers that somebody pays for: a FOCUS line is of its resource where that
            is one of them, and else of its sub-account.

    Raises:
        ListWrongError: If something of it cannot be read.
    """
    focus = is_focus(text)
    make: Callable[[Row], tuple[bool, Line]]
    if focus:

        def make(row: Row) -> tuple[bool, Line]:
            return _focus(row, zone, customers)
    else:

        def make(row: Row) -> tuple[bool, Line]:
            return True, _plain(row, currency)

    made = read_rows(name, text, FOCUS if focus else PLAIN, names, make)
    aside = [line for usage, line in made if not usage]
    cost = sum((line.cost for line in aside), Decimal(0))
    return Bill([line for usage, line in made if usage], len(aside), cost)


def _plain(row: Row, currency: str) -> Line:
    price = row.get("price", "")
    return Line(
        date.fromisoformat(row["day"]), row["customer"], row["sku"],
        number(row["quantity"], "quantity"), number(price, "price") if price else None,
        number(row["cost"], "cost"), row.get("currency") or currency,
    )  # fmt: skip


def _focus(row: Row, zone: str, customers: Collection[str]) -> tuple[bool, Line]:
    began = moment(_said(row, "ChargePeriodStart"), "UTC")
    day = (EPOCH + timedelta(microseconds=began)).astimezone(ZoneInfo(zone)).date()
    resource, account = _said(row, "ResourceId"), _said(row, "SubAccountId")
    quantity = _said(row, "ConsumedQuantity", "PricingQuantity")
    price = [
        one for name in ("ContractedUnitPrice", "ListUnitPrice")
        if (said := _said(row, name)) and (one := number(said, name))
    ]  # fmt: skip
    line = Line(
        day, resource if resource in customers else account or resource, _said(row, "SkuId"),
        number(quantity or "0", "ConsumedQuantity"), price[0] if price else None,
        number(_said(row, "BilledCost", "EffectiveCost") or "0", "BilledCost"),
        _said(row, "BillingCurrency"), _said(row, "SkuPriceId"),
    )  # fmt: skip
    return _said(row, "ChargeCategory") in {"", "Usage"} and bool(quantity), line


def _said(row: Row, *names: str) -> str:
    """Give the first of some columns that says something."""
    return next((said for name in names if (said := row.get(name, "")) not in _NOTHING), "")
