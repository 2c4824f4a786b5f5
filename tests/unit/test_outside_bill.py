"""A provider's bill against what was rated of resold resources."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from assurance.outside.bill import Gap, Line, Rated, gaps
from assurance.outside.bill_file import read_bill
from assurance.outside.bill_findings import told
from assurance.outside.reading import ListWrongError

_DAY = date(2026, 10, 12)
_KNOWN = frozenset({"acme", "bolt"})


def line(
    quantity: str, price: str = "0.5", day: int = 12, customer: str = "acme", sku: str = "vm"
) -> Line:
    cost = Decimal(quantity) * Decimal(price)
    return Line(
        date(2026, 10, day), customer, sku, Decimal(quantity), Decimal(price), cost, "EUR"
    )  # fmt: skip


def rated(quantity: str, day: int = 12, customer: str = "acme", sku: str = "vm") -> Rated:
    return Rated(date(2026, 10, day), customer, sku, Decimal(quantity))


def short(found: list[Gap]) -> list[tuple[Any, ...]]:
    return [
        (one.cause, one.customer, one.sku, len(one.days), f"{one.money.normalize():f}", one.more)
        for one in found
    ]


def test_what_is_rated_as_it_is_billed_is_no_gap() -> None:
    lines = [line("3"), line("1"), line("2", day=13), line("0", day=14)]
    assert gaps(lines, [rated("4"), rated("2", 13)], _KNOWN, {}) == []


def test_each_cause_has_its_name_and_the_providers_cost() -> None:
    lines = [
        line("5"), line("2", day=13), line("1", customer="nobody"), line("4", sku="gpu", price="3"),
        line("2", sku="gpu", price="3", day=13), line("1", customer="bolt", price="0.75"),
    ]  # fmt: skip
    ours = [rated("3"), rated("3", 13), rated("1", customer="bolt"), rated("9", sku="disk")]
    assert short(gaps(lines, ours, _KNOWN, {})) == [
        ("never_rated", "acme", "gpu", 2, "18", True),
        ("no_customer", "nobody", "vm", 1, "0.5", True),
        ("price_differs", "bolt", "vm", 1, "0.25", True),
        ("quantity_differs", "acme", "vm", 2, "1.5", True),
    ]  # fmt: skip


def test_what_was_rated_and_is_not_billed_is_worth_what_its_kind_costs() -> None:
    lines = [line("2", customer="bolt")]
    ours = [rated("2", customer="bolt"), rated("4")]
    assert short(gaps(lines, ours, _KNOWN, {})) == [
        ("quantity_differs", "acme", "vm", 1, "2", False),
    ]  # fmt: skip


def test_a_sku_with_several_prices_by_name_is_no_gap() -> None:
    lines = [replace(line("1", price, day), rate=price) for price, day in (("1", 12), ("2", 13))]
    assert gaps(lines, [rated("1"), rated("1", 13)], _KNOWN, {}) == []


def test_an_agreed_price_goes_before_what_most_lines_have() -> None:
    lines, ours = [line("1"), line("1", day=13)], [rated("1"), rated("1", 13)]
    assert short(gaps(lines, ours, _KNOWN, {"vm": Decimal("0.6")})) == [
        ("price_differs", "acme", "vm", 2, "0.2", False),
    ]  # fmt: skip


@pytest.mark.parametrize(("allowed", "found"), [("0", 1), ("0.5", 0), ("0.49", 1)])
def test_a_quantity_may_differ_as_far_as_is_allowed(allowed: str, found: int) -> None:
    assert len(gaps([line("2.5")], [rated("2")], _KNOWN, {}, Decimal(allowed))) == found


@pytest.mark.parametrize(("whole", "severity"), [("200", "warning"), ("199", "critical")])
def test_a_cause_is_critical_above_a_two_hundredth_of_the_cost(whole: str, severity: str) -> None:
    made = gaps([line("4"), line("1", day=13)], [rated("3"), rated("0", 13)], _KNOWN, {})
    [one] = told(made, {"EUR": Decimal(whole)}, "t", lambda day: day.toordinal(), 9)
    assert (one.money_at_risk, one.severity) == (Decimal(1), severity)
    assert (one.entity_id, one.observed) == ("acme/vm", 2)
    assert (one.window_start, one.window_end) == (_DAY.toordinal(), _DAY.toordinal() + 2)


def test_months_are_findings_apart() -> None:
    lines = [line("1"), Line(date(2026, 11, 1), "acme", "vm", Decimal(1), None, Decimal(1), "EUR")]
    made = gaps(lines, [rated("5", 13)], _KNOWN, {})
    assert [[f"{day}" for day in one.days] for one in made] == [
        ["2026-10-12", "2026-10-13"], ["2026-11-01"],
    ]  # fmt: skip


FOCUS = (
    "BilledCost,BillingCurrency,ChargeCategory,ChargePeriodStart,ConsumedQuantity,"
    "ContractedUnitPrice,ListUnitPrice,PricingQuantity,ResourceId,SkuId,SubAccountId\n"
    '0.20,USD,Usage,2026-10-12 23:00:00,NULL,0.000,"0.1",2,disk-7,DISK,acme\n'
    "1.00,USD,Usage,2026-10-12T10:00:00Z,4,0.25,0.3,4,bolt,VM,acme\n"
    "9.99,USD,Tax,2026-10-12T10:00:00Z,NULL,NULL,NULL,NULL,NULL,NULL,acme\n"
)


def test_a_bill_by_focus_is_read_by_its_own_columns() -> None:
    made = read_bill("f", FOCUS, {}, "UTC", "EUR", _KNOWN)
    assert made.lines == [
        Line(_DAY, "acme", "DISK", Decimal(2), Decimal("0.1"), Decimal("0.20"), "USD"),
        Line(_DAY, "bolt", "VM", Decimal(4), Decimal("0.25"), Decimal("1.00"), "USD"),
    ]
    assert (made.aside, made.aside_cost) == (1, Decimal("9.99"))
    local = read_bill("f", FOCUS, {}, "Europe/Oslo", "EUR", _KNOWN)
    assert local.lines[0].day == date(2026, 10, 13)


def test_a_plain_bill_is_read_with_its_own_names() -> None:
    text = "day,customer,sku,hours,cost\n2026-10-12,acme,vm,2,1.0\n"
    [one] = read_bill("b", text, {"quantity": "hours"}, "UTC", "EUR", _KNOWN).lines
    assert (one.quantity, one.price, one.currency) == (Decimal(2), None, "EUR")
    with pytest.raises(ListWrongError, match="b, line 1: the columns quantity are missing"):
        read_bill("b", text, {}, "UTC", "EUR", _KNOWN)
    with pytest.raises(ListWrongError, match="b, line 2: quantity 'two' is no number"):
        read_bill("b", text.replace(",2,", ",two,"), {"quantity": "hours"}, "UTC", "EUR", _KNOWN)
