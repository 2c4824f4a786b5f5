"""Lint and assertions of prices over a period, of shares, of variants and of several legs."""

from fractions import Fraction

import pytest

from tallywire.catalog import Problem, Reading
from tallywire.catalog.lint import compared, cost_warnings, warnings
from tallywire.catalog.places import Places
from tallywire.rating.assertions import failed
from tallywire.rating.one_by_one import one_by_one, sequential
from tests.unit.catalog_files import SMALL, reading

FILE, TARIFF = "assertions/data.yaml", "tariffs/data.yaml"
DATA = """
id: data
service: data
zone_by: none
rounding: {mode: half_up, scale: 4}
revisions:
  - revision: 1
    valid_from: 2026-01-01
    prices:
"""
SECOND = """
  - revision: 2
    valid_from: 2026-07-01
    prices:
"""
PLAN = SMALL["plans/mobile.yaml"] + "  - {service: data, tariff: data}\n"
TIERED = '      - tiers: {mode: MODE, steps: [{rate: "1", per: 1 MB}, {from: 10 MB, rate: "0.5", per: 1 MB}]}\n'
SHARE = '      - {percent: "2.5", connect_fee: "0.30"}\n'
VARIED = """
      - {rate: "1", per: 1 MB, increment: 1 kB/1 kB}
      - {when: {apn: iot}, rate: "2", per: 1 MB, increment: 1 kB/1 kB}
"""


def _read(prices: str, second: str = "", assertion: str | None = None) -> Reading:
    text = DATA + prices + (SECOND + second if second else "")
    files = {TARIFF: text, "plans/mobile.yaml": PLAN}
    found = reading(files if assertion is None else {**files, FILE: assertion})
    assert found.problems == []
    return found


def _of(rule: str, found: list[Problem]) -> list[str]:
    return [f"{one.file}:{one.line}: {one.message}" for one in found if one.rule == rule]


def _sequence(first: str, second: str) -> str:
    usage = "{service: data, quantity: 8 MB, start: 2026-06-01T10:00:00+02:00}"
    steps = "".join(
        f'  - usage: {usage}\n    expect: {{amount: "{amount}"}}\n' for amount in (first, second)
    )
    return f"id: twice\noffer: basic\nsequence:\n{steps}"


@pytest.mark.parametrize(
    ("mode", "first", "second"), [("graduated", "8", "5"), ("volume", "8", "0")]
)
def test_tiers_are_asserted_in_order(mode: str, first: str, second: str) -> None:
    prices = TIERED.replace("MODE", mode)
    assert failed(_read(prices, assertion=_sequence(first, second))) == []
    (wrong,) = failed(_read(prices, assertion=_sequence(first, "7")))
    assert (wrong.file, wrong.line, wrong.key) == (FILE, 7, "sequence[1].expect.amount")
    assert f"expected 7, got {second}." in wrong.message


def test_a_correction_below_nothing_can_be_asserted() -> None:
    prices = TIERED.replace("MODE", "volume").replace("0.5", "0.25")
    (wrong,) = failed(_read(prices, assertion=_sequence("8", "-5")))
    assert "expected -5, got " in wrong.message


def test_attributes_choose_the_price_that_is_asserted() -> None:
    usage = "{service: data, quantity: 1 MB, start: 2026-06-01T10:00:00+02:00, apn: iot}"
    text = f'id: iot\noffer: basic\nusage: {usage}\nexpect: {{amount: "2"}}\n'
    assert failed(_read(VARIED, assertion=text)) == []
    (wrong,) = failed(_read(VARIED, assertion=text.replace(", apn: iot", "")))
    assert "expected 2, got 1." in wrong.message


def test_a_leg_that_is_not_there_is_told() -> None:
    usage = "{service: data, quantity: 1 MB, start: 2026-06-01T10:00:00+02:00}"
    text = f'id: cost\noffer: basic\nrun: wholesale\nusage: {usage}\nexpect: {{amount: "2"}}\n'
    (wrong,) = failed(_read(VARIED, assertion=text))
    assert (
        "expected a charge, got refused as tariff_missing: no leg of the run wholesale"
        in wrong.message
    )
    assert (
        failed(
            _read(VARIED, assertion=text.replace('expect: {amount: "2"}', "refuse: tariff_missing"))
        )
        == []
    )


def test_a_tier_that_may_not_fit_is_named() -> None:
    prices = TIERED.replace("MODE", "volume").replace(
        '"0.5", per: 1 MB', '"999999999999.9", per: 1 B'
    )
    found = reading({TARIFF: DATA + prices, "plans/mobile.yaml": PLAN})
    (problem,) = found.problems
    assert (problem.file, problem.line, problem.rule) == (TARIFF, 10, "overflow")


def test_a_variant_that_may_not_fit_is_named() -> None:
    prices = VARIED.replace('rate: "2", per: 1 MB', 'rate: "999999999999.999999999999", per: 1 B')
    found = reading({TARIFF: DATA + prices, "plans/mobile.yaml": PLAN})
    assert [(one.file, one.rule) for one in found.problems] == [(TARIFF, "overflow")]


@pytest.mark.parametrize(
    ("prices", "old", "new", "words"),
    [
        (SHARE, '"2.5"', '"5"', "moves 2.50 → 5.00 EUR of every 100 of the amount (+100 %)"),
        (VARIED, 'rate: "2"', 'rate: "4"', "moves 2.00 → 4.00 EUR per MB (+100 %)"),
        (TIERED.replace("MODE", "graduated"), '"0.5"', '"0.1"',
         "moves 0.50 → 0.10 EUR per MB in tier 2 (-80 %)"),
    ],
)  # fmt: skip
def test_shares_variants_and_tiers_that_move_are_told(
    prices: str, old: str, new: str, words: str
) -> None:
    (told,) = _of("price_change", warnings(_read(prices, prices.replace(old, new))))
    assert told.startswith(f"{TARIFF}:")
    assert words in told
    assert _of("price_change", warnings(_read(prices, prices))) == []


def test_a_volume_that_makes_more_usage_cheaper_is_a_cliff() -> None:
    (told,) = _of("volume_cliff", warnings(_read(TIERED.replace("MODE", "volume"))))
    assert told == (
        f"{TARIFF}:10: its volume tiers have a cliff at 10 MB: everything counted costs 10.00 at the "
        "price before and 5.00 EUR there, so that some more usage costs less"
    )
    assert _of("volume_cliff", warnings(_read(TIERED.replace("MODE", "graduated")))) == []
    flat = TIERED.replace("MODE", "volume").replace('rate: "0.5"', 'flat: "5", rate: "0.5"')
    assert _of("volume_cliff", warnings(_read(flat))) == []


def test_a_variant_that_stands_elsewhere_is_no_change() -> None:
    found = _read(VARIED, VARIED)
    assert warnings(found) == []
    assert found.snapshot is not None
    assert compared(found.snapshot, found.snapshot, Places(found.entries), Fraction(0)) == []


def test_what_depends_on_more_than_one_usage_is_not_compared_with_cost() -> None:
    found = _read(TIERED.replace("MODE", "graduated"))
    assert found.snapshot is not None
    tariff = found.snapshot.tariffs["data"]
    first, second = cost_warnings(tariff, tariff, Places(found.entries))
    assert first == second
    assert (first.line, first.rule) == (10, "not_compared")
    assert "depends on tiers" in first.message


def test_what_is_rated_one_by_one_by_its_terms_is_a_note() -> None:
    found = _read(TIERED.replace("MODE", "volume"))
    assert one_by_one(found) == []
    assert found.snapshot is not None
    (note,) = sequential(found.snapshot)
    assert note.startswith("the tariff data is rated one by one: its volume tiers")
    offer = SMALL["offers/basic.yaml"] + "discounts: [{id: ten, percent: 10}]\n"
    found = reading({"offers/basic.yaml": offer})
    assert found.snapshot is not None
    assert sequential(found.snapshot) == ["the offer basic is rated one by one: it has discounts"]
