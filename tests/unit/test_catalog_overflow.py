"""The overflow proof: what passes fits at the largest usage, what does not is named."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.services import QUANTITY_LIMIT
from tallywire.catalog.comparing import charge_of
from tallywire.catalog.rules_overflow import price_overflow
from tallywire.catalog.snapshot import Group, Price
from tallywire.money import fits
from tests.unit.catalog_files import TARIFF, reading

VOICE = "tariffs/voice.yaml"
SOUND = "rate: 0.30, per: 60s, increment: 60/6"


def _groups(*pers: int) -> str:
    inner = ", ".join(
        f"{{from: {index}h, step: 1us, rate: 0.123456789012, per: {per}us}}"
        for index, per in enumerate(pers)
    )
    return f"groups: [{inner}]"


@pytest.mark.parametrize(
    ("written", "words"),
    [
        pytest.param(
            _groups(999_983, 999_979, 999_961, 999_959, 999_953, 999_931),
            "digits and 38 are kept",
            id="denominators that share nothing",
        ),
        pytest.param(
            "rate: 999999999999.999999999999, per: 1us, increment: 1us/1us",
            "digits and 38 are kept",
            id="the dearest rate",
        ),
        pytest.param(
            "rate: 0, per: 60s, increment: 9999999999h/9999999999h",
            "count beyond 64 bits",
            id="a step of a hundred million years",
        ),
        pytest.param(
            "groups: [{from: 0s, step: 1s, rate: 0, per: 60s}, {from: 300000h, step: 1s, rate: 1, per: 60s}]",
            "is beyond all usage",
            id="a group that nothing reaches",
        ),
        pytest.param(
            "free: 999999999999h, rate: 0.30, per: 60s, increment: 60/6",
            "is beyond all usage",
            id="free usage without end",
        ),
    ],
)
def test_a_price_that_may_not_fit_is_named(written: str, words: str) -> None:
    found = reading({VOICE: TARIFF.replace(SOUND, written)})
    assert found.snapshot is None
    (problem,) = found.problems
    assert (problem.file, problem.line, problem.rule) == (VOICE, 13, "overflow")
    assert words in problem.message


def test_a_row_of_a_deck_that_may_not_fit_is_named() -> None:
    deck = {
        "tariffs/carrier.yaml": TARIFF.replace("id: voice", "id: carrier")
        .replace("service: voice", "service: api")
        .replace("calendar: peak\n", "")
        .partition("    zones:")[0]
        + "    deck: {file: decks/d.csv, per: 1, increment: 1/1, columns: {prefix: p, rate: r, minimum_charge: m}}\n",
        "tariffs/decks/d.csv": "p,r,m\n47,1,0\n46,999999999999.999999999999,0\n",
    }
    (problem,) = reading(deck).problems
    assert str(problem).startswith("tariffs/decks/d.csv:3: p: a charge for ")
    assert problem.rule == "overflow"


def test_discounts_and_rates_of_exchange_count_in_the_proof() -> None:
    steps = ", ".join(f'{{from: {n}, percent: "1.234567890{n}1"}}' for n in range(3))
    tens = "\n".join(f"  - {{id: d{n}, by: spend, steps: [{steps}]}}" for n in range(3))
    sound = {"offers/basic.yaml": "id: basic\nplans: [mobile]\ndiscounts: [{id: d, percent: 10}]\n"}
    assert reading(sound).problems == []
    found = reading({"offers/basic.yaml": f"id: basic\nplans: [mobile]\ndiscounts:\n{tens}\n"})
    assert {(one.file, one.rule) for one in found.problems} == {(VOICE, "overflow")}
    assert "after the discounts and rates of the offer basic" in found.problems[0].message


@pytest.mark.parametrize(
    "written",
    [
        "rate: 0.123456789012, per: 60s, increment: 60/6",
        "rate: 999999999999, per: 60s, increment: 1/1, maximum_charge: 1000",
        "groups: [{from: 0s, step: 7s, rate: 0.11, per: 7s}, {from: 7s, step: 11s, rate: 0.13, per: 11s}]",
    ],
)
def test_a_price_that_fits_is_not_named(written: str) -> None:
    assert reading({VOICE: TARIFF.replace(SOUND, written)}).problems == []


_MONEY = st.builds(Fraction, st.integers(0, 10**18), st.sampled_from([1, 10**3, 10**9, 10**12]))
_PERS = st.integers(1, 10**9)


@st.composite
def _prices(draw: st.DrawFn) -> Price:
    starts = [0, *sorted(draw(st.sets(st.integers(1, 10**12), max_size=3)))]
    groups = tuple(
        Group(start, draw(st.integers(1, 10**9)), (draw(_MONEY) / draw(_PERS),)) for start in starts
    )
    least = draw(_MONEY)
    most = draw(st.none() | _MONEY.map(lambda more: least + more))
    return Price(draw(_MONEY), least, groups, most)


@given(_prices(), st.integers(1, QUANTITY_LIMIT))
def test_whatever_passes_the_proof_fits(price: Price, quantity: int) -> None:
    if price_overflow(price, "microsecond") is None:
        assert fits(charge_of(price, 0, quantity))
        assert fits(charge_of(price, 0, QUANTITY_LIMIT) + 1)
