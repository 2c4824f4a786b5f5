"""Laws of comparing a bill with its usage: matching is one to one and stable, money adds up."""

from decimal import Decimal
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from assurance.overlay.causes import Explainer
from assurance.overlay.frames import BILLED, USAGE
from assurance.overlay.judging import Age, judged
from assurance.overlay.matching import Matched, by_key, by_party, cancelled, numbered
from assurance.overlay.totals import Report
from dataflows.catalogs import example_folder, read_folder
from schemas.columns import defaults
from schemas.usage import UsageEvent
from tallywire.catalog import read
from tallywire.mediation.decoders import DECODERS
from tests.laws import cases

SECOND = 1_000_000
BEGIN = 1_775_550_000 * SECOND
SNAPSHOT = read(read_folder(example_folder()), DECODERS).snapshot
assert SNAPSHOT is not None
EXPLAINER = Explainer(SNAPSHOT, {})

seconds = st.integers(0, 12)
parties = st.sampled_from(("hansen-bo", "hansen-anna", ""))
called = st.sampled_from(("4741234567", "46701234567"))
keys = st.sampled_from(("", "", "k1", "k2"))
quantities = st.sampled_from((60 * SECOND, 61 * SECOND))
money = st.decimals(Decimal(-2), Decimal(9), places=4)


@st.composite
def used(draw: st.DrawFn) -> dict[str, Any]:
    party, priced = draw(parties), draw(st.sampled_from((True, True, True, False)))
    ours = draw(money.filter(lambda one: one >= 0)) if priced else Decimal(0)
    quantity = draw(quantities)
    price: dict[str, Any] = {"tariff_id": "voice_mobile", "tariff_revision": 2,
             "zone_id": "nordics", "matched_prefix": "46", "rated_quantity": quantity,
             "included_quantity": 0}  # fmt: skip
    return {
        **{name: value for name, value in defaults(UsageEvent).items() if name in USAGE},
        **(price if priced else dict.fromkeys(price)),
        "feed_id": "switch", "file_name": "f", "service": "voice", "unit": "microsecond",
        "start_time": BEGIN + draw(seconds) * SECOND, "quantity": quantity,
        "account_id": party, "party": party, "offer_id": "fjord_basic", "key": draw(keys),
        "called": (number := draw(called)), "b_number": number, "ours": ours, "exact": ours,
        "currency": draw(st.sampled_from(("EUR", "EUR", "USD"))),
        "reason": "" if priced else "zone_unknown", "detail": "", "estimate": None,
    }  # fmt: skip


@st.composite
def lined(draw: st.DrawFn) -> dict[str, Any]:
    party = draw(parties)
    return {
        "file": "bill", "key": draw(keys), "account": party, "account_known": party != "",
        "party": party, "called": draw(called), "service": "voice",
        "start_time": BEGIN + draw(seconds) * SECOND,
        "quantity": draw(st.one_of(st.none(), quantities)), "amount": draw(money),
        "currency": draw(st.sampled_from(("EUR", "EUR", "NOK"))), "invoice": "i",
    }  # fmt: skip


def _frames(
    usage: list[dict[str, Any]], billed: list[dict[str, Any]]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    usage = [{**row, "record_no": number} for number, row in enumerate(usage)]
    billed = [{**row, "line": number} for number, row in enumerate(billed)]
    return pl.DataFrame(usage, schema=USAGE), pl.DataFrame(billed, schema=BILLED)


def _matched(usage: pl.DataFrame, billed: pl.DataFrame, tolerance: int) -> Matched:
    return by_party(by_key(numbered(usage, billed)), tolerance_us=tolerance * SECOND)


sides = st.tuples(st.lists(used(), max_size=10), st.lists(lined(), max_size=10))


@cases(25)
@given(sides, st.integers(0, 5))
def test_over_less_under_is_billed_less_ours(
    rows: tuple[list[dict[str, Any]], list[dict[str, Any]]], tolerance: int
) -> None:
    usage, billed = _frames(*rows)
    found, nothing = _matched(usage, billed, tolerance), pl.DataFrame(schema=BILLED)
    report = Report()
    entries = judged(found, nothing, EXPLAINER, Age("UTC"), tolerance_us=tolerance * SECOND)
    findings = report.take(entries)
    every = entries.with_columns(
        (pl.col("over") - pl.col("under") + pl.col("unverified")).alias("sum"),
        (pl.col("billed") - pl.col("ours")).alias("net"),
    )
    assert every["sum"].to_list() == every["net"].to_list()
    for currency in ("EUR", "USD", "NOK"):
        ours = usage.filter((pl.col("currency") == currency) & (pl.col("reason") == ""))
        theirs = billed.filter(pl.col("currency") == currency)
        (row,) = report.currencies.filter(pl.col("currency") == currency).to_dicts() or [
            dict.fromkeys(("ours", "billed"), Decimal(0))
        ]
        assert row["ours"] == sum(ours["ours"], Decimal(0))
        assert row["billed"] == sum(theirs["amount"], Decimal(0))
    counted = report.currencies.select(pl.col("used", "lined").sum()).row(0)
    assert counted == (usage.height, billed.height)
    assert (findings["under"] >= 0).all()
    assert (findings["over"] >= 0).all()


@cases(25)
@given(sides, st.integers(0, 5), st.randoms(use_true_random=False))
def test_the_order_of_rows_decides_nothing(
    rows: tuple[list[dict[str, Any]], list[dict[str, Any]]], tolerance: int, chance: Any
) -> None:
    usage, billed = _frames(*rows)
    first = _matched(usage, billed, tolerance).pairs.sort("u", "b")
    second = _matched(_shuffled(usage, chance), _shuffled(billed, chance), tolerance)
    assert first.equals(second.pairs.sort("u", "b"))


def _shuffled(frame: pl.DataFrame, chance: Any) -> pl.DataFrame:
    order = list(range(frame.height))
    chance.shuffle(order)
    return frame[order] if order else frame


@cases(25)
@given(sides, st.integers(0, 5))
def test_matching_is_one_to_one_within_tolerance_and_leaves_no_pair(
    rows: tuple[list[dict[str, Any]], list[dict[str, Any]]], tolerance: int
) -> None:
    found = _matched(*_frames(*rows), tolerance)
    pairs = found.pairs
    assert pairs["u"].n_unique() == pairs["b"].n_unique() == pairs.height
    both = pairs.join(found.usage, on="u").join(found.billed, on="b")
    for row in both.to_dicts():
        if row["match"] == "key":
            assert row["key"] == row["key_right"] != ""
            continue
        assert not (row["key"] and row["key_right"])
        assert _alike(row, "_right", tolerance)
    left = found.usage_left.join(found.charges_left, how="cross").to_dicts()
    for row in left:
        keyed = row["key"] and row["key_right"]
        assert not (keyed and row["key"] == row["key_right"])
        assert keyed or not _alike(row, "_right", tolerance)


def _alike(row: dict[str, Any], ending: str, tolerance: int) -> bool:
    away = abs(row["start_time"] - row[f"start_time{ending}"])
    same = all(row[name] == row[f"{name}{ending}"] for name in ("party", "called", "service"))
    return bool(row["party"]) and same and bool(away <= tolerance * SECOND)


@cases(25)
@given(sides, st.integers(1, 5))
def test_no_two_are_nearer_to_each_other_than_to_what_they_were_matched_with(
    rows: tuple[list[dict[str, Any]], list[dict[str, Any]]], tolerance: int
) -> None:
    """Where all quantities are equal and nothing has a key, the nearest go first."""
    usage, billed = _frames(*rows)
    usage = usage.with_columns(key=pl.lit(""), quantity=pl.lit(60 * SECOND))
    billed = billed.with_columns(
        key=pl.lit(""), quantity=pl.lit(60 * SECOND), amount=pl.col("amount").abs()
    )
    found = _matched(usage, billed, tolerance)
    times = {
        name: dict(zip(frame[name], frame["start_time"], strict=True))
        for name, frame in (("u", found.usage), ("b", found.billed))
    }
    apart = {("u", u): abs(times["u"][u] - times["b"][b]) for u, b, *_ in found.pairs.rows()}
    apart |= {("b", b): abs(times["u"][u] - times["b"][b]) for u, b, *_ in found.pairs.rows()}
    for row in found.usage.join(found.billed, how="cross").to_dicts():
        if _alike(row, "_right", tolerance):
            away = abs(row["start_time"] - row["start_time_right"])
            mine, theirs = apart.get(("u", row["u"])), apart.get(("b", row["b"]))
            content = (mine is not None and mine <= away) or (theirs is not None and theirs <= away)
            assert content


@cases(25)
@given(st.lists(lined(), max_size=12))
def test_what_a_credit_takes_back_comes_to_nothing(billed: list[dict[str, Any]]) -> None:
    _, frame = _frames([], billed)
    gone = cancelled(frame)
    taken = frame.join(gone, on=["file", "line"], how="semi")
    assert taken.height == gone.height
    for _, some in taken.group_by("currency"):
        assert some["amount"].sum() == 0
    assert (taken["amount"] != 0).all()
