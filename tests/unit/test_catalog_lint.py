"""Warnings: each rule fires with file and line, and all of them are silent on the example."""

from fractions import Fraction
from pathlib import Path

import pytest

from dataflows.catalogs import example_folder, judged, read_folder
from tallywire.catalog import Problem, Reading, Snapshot, rules_overflow
from tallywire.catalog.lint import cheaper_than_cost, compared, cost_warnings, warnings
from tallywire.catalog.lint.costs import COST, UNCOMPARED
from tallywire.catalog.lint.found import CHANGE, DELETED
from tallywire.catalog.lint.groups import CLIFF, UNEVEN
from tallywire.catalog.lint.prefixes import REDUNDANT, UNREACHABLE
from tallywire.catalog.places import Places
from tallywire.rating import assertions
from tallywire.rating import one_by_one as one_by_one_rule
from tallywire.rating.one_by_one import one_by_one
from tests.unit.catalog_files import OPERATOR, TARIFF, ZONES, reading

VOICE = "tariffs/voice.yaml"
DECK = """
id: carrier
service: interconnect
zone_by: b_number
rounding: {mode: half_up, scale: 6}
revisions:
  - revision: 1
    valid_from: 2026-01-01
    deck:
      file: decks/carrier.csv
      per: 1 min
      increment: 1/1
      columns: {prefix: code, destination: name, rate: price, valid_from: from, valid_to: to}
"""
SECOND = """
  - revision: 2
    valid_from: 2026-07-01
    deck:
      file: decks/second.csv
      per: 1 min
      increment: 1/1
      columns: {prefix: code, destination: name, rate: price, valid_from: from, valid_to: to}
"""
HEADER = "code,name,price,from,to\n"
FIRST_FILE, SECOND_FILE = "tariffs/decks/carrier.csv", "tariffs/decks/second.csv"


def _deck(rows: str, second: str | None = None, **more: str) -> Reading:
    files = {"tariffs/carrier.yaml": DECK + (SECOND if second else ""), FIRST_FILE: HEADER + rows}
    if second:
        files[SECOND_FILE] = HEADER + second
    found = reading({**files, **more})
    assert found.problems == []
    return found


def _of(rule: str, found: list[Problem]) -> list[str]:
    return [f"{one.file}:{one.line}: {one.message}" for one in found if one.rule == rule]


def _snapshot(found: Reading) -> Snapshot:
    assert found.snapshot is not None
    return found.snapshot


def test_the_example_has_no_warning() -> None:
    found = judged(read_folder(example_folder()))
    assert found.problems == []
    assert warnings(found) == []
    assert one_by_one(found) == []


def test_the_small_catalogue_has_no_warning() -> None:
    assert warnings(reading()) == []


def test_a_reading_with_problems_has_no_warnings() -> None:
    found = reading({"operator.yaml": "tenant: x"})
    assert found.problems
    assert warnings(found) == []
    assert one_by_one(found) == []


def test_every_rule_is_described() -> None:
    text = (Path(__file__).parents[2] / "docs/reference/catalog.md").read_text()
    section = text.partition("\n## Lint\n")[2]
    for rule in (
        CHANGE, CLIFF, COST, DELETED, REDUNDANT, UNCOMPARED, UNEVEN, UNREACHABLE,
        assertions.RULE, one_by_one_rule.RULE, rules_overflow.RULE,
    ):  # fmt: skip
        assert f"`{rule}`" in section, rule


# redundant


def test_redundant_prefixes_are_told_once_for_a_deck() -> None:
    rows = "44,UK,0.01,,\n441,UK,0.01,,\n442,London,0.01,,\n4420,London,0.02,,\n46,Sweden,0.01,,\n"
    assert _of("redundant", warnings(_deck(rows))) == [
        (
            f"{FIRST_FILE}:3: 2 of 5 rows cost what a shorter prefix costs, the first is 441 (44 costs "
            "the same); 1 of them have its destination, too, and can be left out"
        )
    ]


def test_a_prefix_that_costs_the_same_for_a_time_only_is_not_redundant() -> None:
    rows = "44,UK,0.01,,2026-06-01\n44,UK,0.02,2026-06-01,\n441,UK,0.01,,\n"
    assert _of("redundant", warnings(_deck(rows))) == []


def test_a_prefix_without_a_shorter_one_all_the_time_is_not_redundant() -> None:
    rows = "44,UK,0.01,,2026-06-01\n441,UK,0.01,,\n"
    assert _of("redundant", warnings(_deck(rows))) == []


def test_a_zone_plan_names_a_prefix_within_another_of_its_zone() -> None:
    text = ZONES.replace('["47"]', '["47", "479"]')
    assert _of("redundant", warnings(reading({"zones/dialled.yaml": text}))) == [
        "zones/dialled.yaml:4: the prefix 479 lies in 47, of the same zone; drop it"
    ]


# unreachable


def _children(prefix: str, price: str = "0.02", dates: str = ",") -> str:
    return "".join(f"{prefix}{digit},X,{price},{dates}\n" for digit in range(10))


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param("44,UK,0.01,,\n" + _children("44"), id="ten children"),
        pytest.param(
            "44,UK,0.01,,\n" + _children("44").replace("447,X,0.02,,\n", "") + _children("447"),
            id="nine children, and ten of the tenth",
        ),
        pytest.param(
            "44,UK,0.01,,\n"
            + _children("44", dates=",2026-06-01")
            + _children("44", "0.03", "2026-06-01,"),
            id="two sets of ten after one another",
        ),
    ],
)
def test_a_prefix_that_longer_ones_cover_is_unreachable(rows: str) -> None:
    (found,) = _of("unreachable", warnings(_deck(rows)))
    assert found.startswith(f"{FIRST_FILE}:2: the prefix 44 can never decide a price: its ten")


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(
            "44,UK,0.01,,\n" + _children("44").replace("449,X,0.02,,\n", ""), id="nine children"
        ),
        pytest.param("44,UK,0.01,,\n" + _children("44", dates=",2026-06-01"), id="for a time"),
    ],
)
def test_a_prefix_with_numbers_of_its_own_is_reachable(rows: str) -> None:
    assert _of("unreachable", warnings(_deck(rows))) == []


@pytest.mark.parametrize(
    ("prefix", "words"),
    [("4412345678901234", "at most 15 digits"), ("0044", "no country code begins with 0")],
)
def test_a_prefix_that_no_number_has_is_unreachable(prefix: str, words: str) -> None:
    (found,) = _of("unreachable", warnings(_deck(f"44,UK,0.01,,\n{prefix},X,0.02,,\n")))
    assert found.startswith(f"{FIRST_FILE}:3: the prefix {prefix} can never decide")
    assert words in found


# price_change


def test_a_price_that_moves_too_far_in_a_revision_is_told_per_minute() -> None:
    found = warnings(_deck("47,NO,0.01,,\n46,SE,0.01,,\n", "47,NO,0.025,,\n46,SE,0.015,,\n"))
    assert _of("price_change", found) == [
        f"{SECOND_FILE}:2: the prefix 47 moves 0.01 → 0.025 EUR per min (+150 %)"
    ]


def test_the_percentage_is_the_operators() -> None:
    rows = ("46,SE,0.010,,\n", "46,SE,0.012,,\n")
    assert _of("price_change", warnings(_deck(*rows))) == []
    strict = {"operator.yaml": OPERATOR + "max_change_percent: 19.9\n"}
    assert len(_of("price_change", warnings(_deck(*rows, **strict)))) == 1


def test_the_percentage_is_a_number() -> None:
    (problem,) = reading({"operator.yaml": OPERATOR + "max_change_percent: 50%\n"}).problems
    assert (problem.line, problem.key) == (7, "max_change_percent")
    assert "not a percentage" in problem.message


def test_rows_of_a_deck_that_follow_one_another_are_compared() -> None:
    found = warnings(_deck("47,NO,0.01,,2026-06-01\n47,NO,0.001,2026-06-01,\n"))
    assert _of("price_change", found) == [
        f"{FIRST_FILE}:3: the prefix 47 moves 0.01 → 0.001 EUR per min (-90 %)"
    ]


def test_a_new_prefix_is_compared_with_the_one_its_numbers_had() -> None:
    found = warnings(_deck("47,NO,0.01,,\n", "47,NO,0.01,,\n4790,NO mobile,0.10,,\n"))
    assert _of("price_change", found) == [
        f"{SECOND_FILE}:3: the prefix 4790, before in 47, moves 0.01 → 0.10 EUR per min (+900 %)"
    ]


def test_what_was_free_and_is_not_is_told() -> None:
    found = warnings(_deck("47,NO,0,,\n", "47,NO,0.01,,\n"))
    assert _of("price_change", found) == [
        f"{SECOND_FILE}:2: the prefix 47 moves 0.00 → 0.01 EUR per min (it was free)"
    ]


def _revised(old: str, new: str) -> Reading:
    block = TARIFF[TARIFF.index("    zones: dialled") :].replace(old, new)
    assert new in block
    return reading({VOICE: f"{TARIFF}  - revision: 2\n    valid_from: 2026-07-01\n{block}"})


def test_a_zone_is_told_once_with_its_worst_band() -> None:
    found = _of("price_change", warnings(_revised("high: 0.10", "high: 0.16")))
    assert found == [
        f"{VOICE}:18: the zone home moves 0.10 → 0.16 EUR per min in high (+60 %)",
    ]


def test_a_fee_that_grows_is_a_price_that_moves() -> None:
    found = _of("price_change", warnings(_revised("connect_fee: 0.05", "connect_fee: 0.55")))
    assert len(found) == 1
    assert "0.35 → 0.85 EUR for the first min" in found[0]
    assert "fees included (+142.9 %)" in found[0]


def test_a_limit_that_falls_away_is_a_price_that_moves() -> None:
    text = TARIFF.replace("connect_fee: 0.05", "maximum_charge: 3, connect_fee: 0.05")
    block = TARIFF[TARIFF.index("    zones: dialled") :]
    found = reading({VOICE: f"{text}  - revision: 2\n    valid_from: 2026-07-01\n{block}"})
    (told,) = _of("price_change", warnings(found))
    assert "moves 3.00 → 18.05 EUR for an hour, fees included (+501.7 %)" in told


# prefix_deleted


def test_a_deleted_prefix_says_where_its_numbers_fall() -> None:
    found = warnings(_deck("47,NO,0.01,,\n4790,mob,0.011,,\n", "47,NO,0.01,,\n"))
    assert _of("prefix_deleted", found) == [
        (
            f"{SECOND_FILE}:2: the prefix 4790 is gone from 2026-07-01 on; its numbers fall to 47: they "
            "cost 0.011 EUR/min in steps of 1 s and cost 0.01 EUR/min in steps of 1 s then"
        )
    ]


def test_a_deleted_prefix_whose_numbers_cost_the_same_is_no_finding() -> None:
    found = warnings(_deck("47,NO,0.01,,\n4790,mob,0.01,,\n", "47,NO,0.01,,\n"))
    assert _of("prefix_deleted", found) == []


def test_numbers_without_any_price_are_told() -> None:
    found = warnings(_deck("47,NO,0.01,,\n46,SE,0.01,,\n", "47,NO,0.01,,\n"))
    (only,) = _of("prefix_deleted", found)
    assert only.startswith(f"{FIRST_FILE}:3: the prefix 46 is gone from 2026-07-01 on")
    assert "have no price then" in only


def test_a_row_that_ends_within_a_deck_is_a_deletion() -> None:
    found = warnings(_deck("47,NO,0.01,,\n4790,mob,0.011,,2026-03-01\n"))
    (only,) = _of("prefix_deleted", found)
    assert only.startswith(f"{FIRST_FILE}:2: the prefix 4790 is gone from 2026-03-01 on")


def test_usage_tells_which_deletions_matter() -> None:
    found = _deck("47,NO,0.01,,\n4790,mob,0.011,,\n4791,mob,0.012,,\n", "47,NO,0.01,,\n")
    told = _of("prefix_deleted", warnings(found, {("carrier", "4791"): 3}))
    assert len(told) == 2
    assert told[0] == f"{SECOND_FILE}:2: 1 prefix without usage is gone"
    assert told[1].endswith("then; 3 usage events matched it")


# another catalogue


def _compared(old: Reading, new: Reading, percent: int = 50) -> list[Problem]:
    return compared(_snapshot(old), _snapshot(new), Places(new.entries), Fraction(percent))


def test_a_deck_replaced_in_place_is_compared_with_the_earlier_catalogue() -> None:
    old = _deck("47,NO,0.01,,\n4790,mob,0.03,,\n46,SE,0.01,,\n")
    new = _deck("47,NO,0.02,,\n46,SE,0.01,,\n")
    found = _compared(old, new)
    assert _of("price_change", found) == [
        f"{FIRST_FILE}:2: the prefix 47 moves 0.01 → 0.02 EUR per min (+100 %)"
    ]
    (gone,) = _of("prefix_deleted", found)
    assert gone.startswith(f"{FIRST_FILE}:2: the prefix 4790 is gone from 2026-01-01 on")


def test_a_catalogue_compared_with_itself_is_silent() -> None:
    found = judged(read_folder(example_folder()))
    assert _compared(found, found, percent=0) == []


def test_a_tariff_in_another_currency_is_not_compared() -> None:
    rows = "47,NO,0.01,,\n"
    other = {"tariffs/carrier.yaml": DECK.replace("service:", "currency: NOK\nservice:")}
    (only,) = _of("price_change", _compared(_deck(rows), _deck(rows, **other)))
    assert "currency or unit" in only


# cheaper_than_cost


COSTING = """
id: cost
service: interconnect
zone_by: b_number
rounding: {mode: half_up, scale: 6}
revisions:
  - revision: 1
    valid_from: 2026-01-01
    deck:
      file: decks/cost.csv
      per: 1 min
      increment: 60/60
      columns: {prefix: code, destination: name, rate: price, valid_from: from, valid_to: to}
"""


def _costing(retail: str, cost: str, tariff: str = COSTING) -> Reading:
    return _deck(
        retail, None, **{"tariffs/cost.yaml": tariff, "tariffs/decks/cost.csv": HEADER + cost}
    )


def _losses(found: Reading) -> list[str]:
    tariffs = _snapshot(found).tariffs
    told = cost_warnings(tariffs["carrier"], tariffs["cost"], Places(found.entries))
    return [f"{one.file}:{one.line}: {one.message}" for one in told]


def test_a_second_that_costs_a_minute_is_sold_below_cost() -> None:
    found = _costing("47,NO,0.06,,\n", "47,NO,0.03,,\n")
    assert _losses(found) == [
        (
            f"{FIRST_FILE}:2: 1 s to 47 is sold for 0.001 and costs 0.03 EUR by cost NO, from "
            "2026-01-01 on"
        )
    ]


def test_prefixes_overlap_either_way() -> None:
    cost = COSTING.replace("60/60", "1/1")
    longer = _costing("47,NO,0.02,,\n", "47,NO,0.01,,\n4790,mob,0.03,,\n", cost)
    (only,) = _losses(longer)
    assert "1 min to 4790 is sold for 0.02 and costs 0.03" in only
    shorter = _costing("47,NO,0.05,,\n4790,cheap,0.02,,\n", "47,NO,0.03,,\n", cost)
    (only,) = _losses(shorter)
    assert only.startswith(f"{FIRST_FILE}:3: 1 min to 4790 is sold for 0.02 and costs 0.03")


def test_a_prefix_that_longer_ones_take_whole_costs_nothing() -> None:
    cost = COSTING.replace("60/60", "1/1")
    found = _costing("47,NO,0.02,,\n", "47,NO,0.05,,\n" + _children("47", "0.01"), cost)
    assert _losses(found) == []


def test_a_cost_counts_from_its_date_on() -> None:
    cost = COSTING.replace("60/60", "1/1")
    found = _costing("47,NO,0.02,,\n", "47,NO,0.01,,2026-08-01\n47,NO,0.03,2026-08-01,\n", cost)
    (only,) = _losses(found)
    assert "costs 0.03" in only
    assert only.endswith("from 2026-08-01 on")


def test_every_band_is_compared() -> None:
    found = reading(
        {"tariffs/cost.yaml": COSTING.replace("interconnect", "voice").replace("60/60", "1/1"),
         "tariffs/decks/cost.csv": HEADER + "47,NO,0.05,,\n"}
    )  # fmt: skip
    tariffs = _snapshot(found).tariffs
    (loss,) = cheaper_than_cost(tariffs["voice"], tariffs["cost"]).losses
    assert (loss.retail.zone_id, loss.band, loss.earns) == ("home", 0, Fraction(4, 100))
    (told,) = cost_warnings(tariffs["voice"], tariffs["cost"], Places(found.entries))
    assert "1 min in low to 47 is sold for 0.04" in told.message
    assert (told.file, told.line) == (VOICE, 12)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("service:", "currency: NOK\nservice:", "EUR and NOK are not compared"),
        ("b_number", "a_number", "prefixes of the b_number, the other of the a_number"),
    ],
)
def test_what_cannot_be_compared_is_a_note(old: str, new: str, words: str) -> None:
    (only,) = _losses(_costing("47,NO,0.01,,\n", "47,NO,0.02,,\n", COSTING.replace(old, new)))
    assert only.startswith(f"{FIRST_FILE}:2: not compared with cost: ")
    assert words in only


def test_what_is_sold_above_cost_is_silent() -> None:
    assert _losses(_costing("47,NO,0.02,,\n", "47,NO,0.0003,,\n")) == []


# uneven_group, one_by_one


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (
            "free: 10s, connect_fee: 0.05, rate: 0.30, per: 60s, increment: 60/6}",
            "the group from 10 s begins within a step of 1 min, which is counted to 1 min",
        ),
        (
            "groups: [{from: 0s, step: 60s, rate: 1, per: 60s}, {from: 90s, step: 1s, rate: 1, per: 60s}]}",
            "the group from 90 s begins within a step of 1 min, which is counted to 2 min",
        ),
    ],
)
def test_a_group_that_begins_within_a_step_is_told(written: str, words: str) -> None:
    text = TARIFF.replace("connect_fee: 0.05, rate: 0.30, per: 60s, increment: 60/6}", written)
    (found,) = _of("uneven_group", warnings(reading({VOICE: text})))
    assert found.startswith(f"{VOICE}:13: {words}")


def test_a_price_with_too_many_decimals_is_rated_one_by_one() -> None:
    text = TARIFF.replace("rate: 0.30", "rate: 0.123456789012")
    (only,) = _of("one_by_one", one_by_one(reading({VOICE: text})))
    assert only.startswith(f"{VOICE}:13: its usage is rated one by one")
    text = TARIFF.replace("rate: 0.30", "rate: 99.87654321")
    (only,) = _of("one_by_one", one_by_one(reading({VOICE: text})))
    assert only.startswith(f"{VOICE}:13: usage above ")


def test_what_is_free_is_rated_in_columns_however_long() -> None:
    found = reading({VOICE: TARIFF.replace("connect_fee: 0.05, rate: 0.30", "rate: 0")})
    assert one_by_one(found) == []


def test_a_sequential_tariff_needs_no_such_warning() -> None:
    text = TARIFF.replace("rate: 0.30", "rate: 0.123456789012") + "order: sequential\n"
    assert one_by_one(reading({VOICE: text})) == []


def test_thousands_of_warnings_are_counted_not_listed() -> None:
    rows = [f"{number},X,{{}},,\n" for number in range(1_000, 4_000)]
    first, second = ("".join(rows).replace("{}", price) for price in ("0.01", "0.02"))
    found = _of("price_change", warnings(_deck(first, second)))
    assert len(found) == 21
    assert "and 2980 more" in found[-1]
