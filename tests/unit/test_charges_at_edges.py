"""Charges where terms meet an edge: a day of 25 hours, the end of a credit, counters of a zone."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from schemas.columns import micros_from_text
from schemas.reasons import Reason
from tallywire.catalog.snapshot import FOREVER_US, Group, Rounding
from tallywire.catalog.terms import Allowance, Discount, Grant
from tests.priced import charges, exact, one_tariff, rate, refuse, usage, with_offer
from tests.unit.catalog_files import SMALL, snapshot

EACH = one_tariff(Group(0, 1, (Fraction(1),)), service="api", time_zone="Europe/Oslo")
CLOUD = """
id: resources
service: cloud
zone_by: none
rounding: {mode: half_up, scale: 2}
revisions:
  - revision: 1
    valid_from: 2026-01-01
    prices:
      - {when: {usage_type: seats}, tiers: {measure: latest, steps: [{rate: "8"}]}}
      - {when: {usage_type: devices}, tiers: {measure: unique, of: imei, steps: [{rate: "1"}]}}
      - {when: {usage_type: phones}, tiers: {measure: unique, of: imsi, steps: [{rate: "1"}]}}
      - {when: {usage_type: peak}, tiers: {measure: max, steps: [{rate: "0.20"}]}}
      - {when: {usage_type: calls}, tiers: {steps: [{}, {from: "10", rate: "0.10"}]}}
      - {when: {usage_type: texts}, tiers: {steps: [{}, {from: "10", rate: "0.10"}]}}
"""


def _micros(text: str) -> int:
    moment = micros_from_text(text)
    assert isinstance(moment, int)
    return moment


@pytest.mark.parametrize(
    ("day", "last"),
    [("2026-10-25T00:00:00+02:00", "2026-10-25T23:59:59+01:00"),
     ("2026-03-29T00:00:00+01:00", "2026-03-29T23:59:59+02:00"),
     ("2026-07-01T00:00:00+02:00", "2026-07-01T23:59:59+02:00")],
)  # fmt: skip
def test_a_rate_of_exchange_holds_to_the_end_of_its_day_however_long(day: str, last: str) -> None:
    rates = {("EUR", "SEK"): ((_micros(day), Fraction(10)),)}
    held = replace(with_offer(EACH, currency="SEK"), fx=rates, fx_days=1)
    assert exact(rate(held, usage(2, last, service="api"))) == 20
    after = usage(2, service="api").model_copy(update={"start_time": _micros(last) + 1_000_000})
    assert refuse(held, after).reason == Reason.FX_RATE_MISSING
    longer = replace(held, fx_days=2)
    assert exact(rate(longer, after)) == 20


def test_a_credit_that_is_enough_leaves_nothing_of_a_charge_without_end() -> None:
    """A third has no last decimal: what is left of it must not become a cent."""
    third = one_tariff(
        Group(0, 1, (Fraction(1, 3),)), service="api", rounding=Rounding("up", 2)
    )  # fmt: skip
    credit = Discount("credit", amount=Fraction(1), currency="EUR")
    held = with_offer(third, discounts=(credit,))
    made = charges(held, [usage(1, service="api") for _ in range(4)])
    assert [exact(one) for one in made[:3]] == [0, 0, 0]
    assert [one.row["amount"] for one in made] == [0, 0, 0, Decimal("0.34")]


def test_a_top_up_ends_with_its_allowance() -> None:
    """What can be used shorter is used first, whichever end makes it so."""
    ends = _micros("2026-01-20T00:00:00Z")
    units = frozenset({"api"})
    month = Allowance("month", units, frozenset(), "count", 5)
    bought = Allowance(
        "bought", units, frozenset(), "count", 0, topped_up=True, valid_to_us=ends
    )  # fmt: skip
    grants = {("subscription", "s", "bought"): (Grant("one", 5, 0, FOREVER_US),)}
    held = replace(with_offer(EACH, allowances=(month, bought)), grants=grants)
    (charge,) = charges(held, [usage(3, service="api")])
    assert charge.row["allowance_id"] == "bought"


def test_tiers_of_a_zone_that_measure_otherwise_count_apart() -> None:
    plan = SMALL["plans/mobile.yaml"] + "  - {service: cloud, tariff: resources}\n"
    held = snapshot({"tariffs/resources.yaml": CLOUD, "plans/mobile.yaml": plan})
    given = [
        ("seats", 10, "80"), ("devices", 1, "1"), ("phones", 1, "1"), ("peak", 7, "1.4"),
        ("peak", 30, "4.6"), ("devices", 1, "0"), ("calls", 8, "0"), ("texts", 8, "0.6"),
        ("seats", 5, "-40"),
    ]  # fmt: skip
    events = [
        usage(units, "2026-05-01T12:00:00Z", service="cloud", offer_id="basic", usage_type=kind)
        for kind, units, _ in given
    ]
    assert [exact(one) for one in charges(held, events)] == [Fraction(cost) for *_, cost in given]
