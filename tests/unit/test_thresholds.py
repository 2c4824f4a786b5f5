"""Thresholds: bounds, names, defaults; what history says of a value."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assurance.backtest import Kept, judged
from assurance.feedback import CONFIRMED, FALSE_POSITIVE, Judged, proposal
from assurance.following.control import World
from assurance.following.near_copies import NearCopies
from assurance.following.rows import HOUR_US
from assurance.following.thresholds import DECIDES, Knob, Thresholds, knobs
from assurance.planted import FAULTS, usage, with_costs
from assurance.registry import stream_controls, tuned
from dataflows.controls.thresholds import ThresholdsWrong, changes, read_thresholds
from dataflows.settings import Settings
from schemas.alerts import Alert
from tests.alerts import open_of
from tests.findings import finding

HIGHER = Knob("higher", ())
FAULTY = FAULTS["price_far_above_usual"](with_costs(usage(days=6, per_hour=120)))


def _none(name: str) -> Any:
    raise LookupError(name)


def found(thresholds: Thresholds, name: str, rows: pl.DataFrame) -> Mapping[str, Any]:
    control = tuned(name)(World(_none, thresholds))
    alerts: list[Alert] = []
    for part in rows.iter_slices(-(-rows.height // 10)):
        alerts += control.take(part)
    return open_of(alerts)


def test_the_defaults_are_within_their_bounds_and_their_ladders() -> None:
    now = Thresholds()
    assert Thresholds.model_validate(now.model_dump()) == now
    for name, knob in knobs().items():
        assert now.values()[name] in knob.ladder or name.endswith(("records", "events"))
        for value in knob.ladder:
            assert now.with_value(name, value).values()[name] == value


def test_every_pattern_of_a_tuned_control_names_its_thresholds() -> None:
    patterns = {one.pattern for kind in stream_controls() for one in kind.declared}
    assert set(DECIDES) <= patterns
    assert {name for names in DECIDES.values() for name in names} == set(knobs())
    for pattern, names in DECIDES.items():
        for name in names:
            assert pattern in {one.pattern for one in tuned(name).declared}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("charges: {times: 1}", "charges.times: Input should be greater than or equal to 2, not 1"),
        ("charges: {times: 5.5}", "charges.times"),
        ("charges: {tines: 5}", "charges.tines: .*known are near_copies.start_ms"),
        ("lateness: {times: 6}", "write a power of two"),
        ("version: 2", "version"),
        ("[1]", "the file"),
        ("charges: [", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "controls.yaml").write_text(content)
    with pytest.raises(ThresholdsWrong, match=said):
        read_thresholds(Settings(home=tmp_path))


def test_a_file_says_what_differs_and_another_may_be_named(tmp_path: Path) -> None:
    assert read_thresholds(Settings(home=tmp_path)) == Thresholds()
    (tmp_path / "controls.yaml").write_text("version: 1\ncharges: {times: 8}\n")
    read = read_thresholds(Settings(home=tmp_path))
    assert changes(Thresholds(), read) == {"charges.times": [5, 8]}
    assert read.hash != Thresholds().hash
    with pytest.raises(ThresholdsWrong, match="cannot be read"):
        read_thresholds(Settings(home=tmp_path, controls_file=tmp_path / "other.yaml"))


def test_a_threshold_decides_what_a_control_finds() -> None:
    name = "charges.times"
    assert {len(found(Thresholds().with_value(name, value), name, FAULTY)) for value in (2, 5)} == {
        3
    }
    assert found(Thresholds().with_value(name, 20), name, FAULTY) == {}


@pytest.mark.parametrize(
    ("pattern", "name", "silent"),
    [
        ("near_copy", "near_copies.start_ms", 1_000),
        ("rounded_in_our_favour", "rounding.records", 1_000_000),
        ("rounded_against_us", "rounding.one_in", 10),
        ("negative_margin", "margin.events", 1_000_000),
        ("feed_late", "lateness.seconds", 2**20),
        ("feed_late", "lateness.records", 1_000_000),
        ("price_far_below_usual", "charges.records", 1_000_000),
        ("volume_drop", "volume.evidence", 1_000_000),
        ("element_volume_drop", "volume.evidence", 1_000_000),
        ("feed_silent", "volume.silence_records", 1_000_000),
        ("element_silent", "volume.silence_records", 1_000_000),
    ],
)
def test_every_control_heeds_its_thresholds(pattern: str, name: str, silent: int) -> None:
    rows = FAULTS[pattern](with_costs(usage()))
    assert pattern in {one[0] for one in found(Thresholds(), name, rows).values()}
    strict = Thresholds().with_value(name, silent)
    assert pattern not in {one[0] for one in found(strict, name, rows).values()}


def test_so_many_times_the_usual_delay_is_late() -> None:
    rows = with_costs(usage())
    late = rows["start_time"] >= int(str(rows["start_time"].max())) - 5 * HOUR_US
    hour_late = rows.with_columns(
        pl.when(late)
        .then(pl.col("collected_at") + HOUR_US)
        .otherwise("collected_at")
        .alias("collected_at")
    ).sort("collected_at", maintain_order=True)
    assert found(Thresholds(), "lateness.times", hour_late)
    assert not found(Thresholds().with_value("lateness.times", 1_024), "lateness.times", hour_late)


def test_calls_kept_by_other_slots_of_time_are_begun_anew() -> None:
    rows = FAULTS["near_copy"](usage(days=2, per_hour=60))
    half = rows.height // 2
    first = NearCopies(World(_none))
    first.take(rows[:half])
    same, other = (
        NearCopies(World(_none, Thresholds().with_value("near_copies.start_ms", value)))
        for value in (2_000, 5_000)
    )
    for one in (same, other):
        one.load(first.dump())
    expected = open_of(first.take(rows[half:]))
    assert open_of(same.take(rows[half:])) == expected != {}
    assert set(open_of(other.take(rows[half:]))) == set(expected), "those that are told by both"


def _kept(*numbers: int) -> Kept:
    kept = Kept()
    kept.take([finding(number, "2.00") for number in numbers])
    kept.take([finding(number, state="auto_closed") for number in numbers])
    return kept


def test_what_is_proposed_keeps_every_confirmed_finding_with_fewest_others() -> None:
    history = {
        2: _kept(1, 2, 3, 4),
        5: _kept(1, 2, 3),
        8: _kept(1, 2),
        10: _kept(1, 2),
        20: _kept(1),
    }
    right, wrong = finding(2).alert_id, finding(3).alert_id
    verdicts = {right: CONFIRMED, wrong: FALSE_POSITIVE}
    made = judged(history, verdicts, [right, "gone"], HIGHER, 2 * 86_400_000_000)
    assert (made.proposed, made.lost) == (10, ["gone"])
    by_value = {one.value: one for one in made.counted}
    assert [by_value[value].kept for value in (8, 20)] == [True, False]
    assert (by_value[5].confirmed, by_value[5].false_positive, by_value[5].thousandths_a_day) == (
        1,
        1,
        1_500,
    )
    assert by_value[2].money == {("under", "EUR"): Decimal("8.00")}
    assert judged(history, verdicts, [right], Knob("lower", ()), 1).proposed == 8
    assert judged(history, {}, [], HIGHER, 1).proposed is None


@given(
    st.dictionaries(st.integers(2, 30), st.frozensets(st.integers(1, 8)), min_size=1, max_size=6),
    st.frozensets(st.integers(1, 8), max_size=4),
)
def test_no_other_value_would_keep_all_with_fewer(
    history: dict[int, frozenset[int]], right: frozenset[int]
) -> None:
    names = {number: finding(number).alert_id for number in range(1, 9)}
    kept = {value: _kept(*sorted(numbers)) for value, numbers in history.items()}
    made = judged(kept, {}, [names[number] for number in right], HIGHER, 1)
    wanted = right & frozenset().union(*history.values())
    fit = {value: numbers for value, numbers in history.items() if wanted <= numbers}
    if not wanted or not fit:
        assert made.proposed is None
        return
    assert made.proposed is not None
    least = min(len(numbers) for numbers in fit.values())
    assert made.proposed == max(value for value, numbers in fit.items() if len(numbers) == least)


def test_a_verdict_names_the_setting_that_it_would_change() -> None:
    alert = finding(1).model_copy(update={"pattern": "price_far_above_usual", "control_id": "C10"})
    text = proposal(alert, FALSE_POSITIVE, [Judged(alert.alert_id, FALSE_POSITIVE, 0)])
    assert "decided by `charges.times` and `charges.records` of controls.yaml" in text
    assert "`tallywire controls backtest charges.times`" in text
