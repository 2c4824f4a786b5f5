"""What holds for every control that follows what was rated."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assurance.following.control import StreamControl, World
from assurance.following.fold import Fold
from assurance.following.rows import DAY_US, HOUR_US
from assurance.following.shadow import Shadow
from assurance.planted import FAULTS, taken_back, usage, with_costs
from assurance.registry import stream_controls
from schemas.alerts import Alert
from tallywire.hashes import hash64
from tests.alerts import open_of
from tests.laws import cases

CLEAN = with_costs(usage())
KINDS = [kind for kind in stream_controls() if kind is not Shadow]
"""The shadow needs whole rows and a catalogue; its laws stand in tests/unit/test_shadow.py."""
PATTERNS = [(kind, one.pattern) for kind in KINDS for one in kind.declared]
CURED = [(kind, pattern) for kind, pattern in PATTERNS if pattern != "feed_late"]
"""An hour that came late stays late."""


def _no_snapshot(name: str) -> object:
    raise LookupError(name)


WORLD = World(_no_snapshot)  # type: ignore[arg-type]  # none of these controls asks for one


def followed(kind: type[StreamControl], parts: Sequence[pl.DataFrame]) -> list[Alert]:
    control = kind(WORLD)
    return [alert for part in parts for alert in control.take(part)]


def days_of(rows: pl.DataFrame) -> list[pl.DataFrame]:
    size = -(-rows.height // 20)
    return list(rows.iter_slices(size))


@pytest.fixture(scope="module")
def faulty() -> Callable[[str], pl.DataFrame]:
    made: dict[str, pl.DataFrame] = {}

    def one(pattern: str) -> pl.DataFrame:
        if pattern not in made:
            made[pattern] = FAULTS[pattern](CLEAN)
        return made[pattern]

    return one


@pytest.mark.parametrize("kind", KINDS)
def test_clean_usage_leaves_nothing_open(kind: type[StreamControl]) -> None:
    assert open_of(followed(kind, days_of(CLEAN))) == {}


@pytest.mark.parametrize(("kind", "pattern"), PATTERNS)
def test_each_finds_its_own_fault_and_calls_it_by_its_name(
    kind: type[StreamControl], pattern: str, faulty: Callable[[str], pl.DataFrame]
) -> None:
    found = open_of(followed(kind, days_of(faulty(pattern))))
    assert {one[0] for one in found.values()} == {pattern}


@pytest.mark.parametrize(("kind", "pattern"), PATTERNS)
def test_the_other_controls_are_silent_on_it(
    kind: type[StreamControl], pattern: str, faulty: Callable[[str], pl.DataFrame]
) -> None:
    others = [one for one in KINDS if one is not kind]
    fold = Fold(WORLD, others)
    alerts = [alert for part in days_of(faulty(pattern)) for alert in fold.take(part, lambda _: [])]
    assert {one[0] for one in open_of(alerts).values()} == set()
    assert fold.failures == []


@pytest.mark.parametrize(("kind", "pattern"), PATTERNS)
def test_cuts_do_not_matter(
    kind: type[StreamControl], pattern: str, faulty: Callable[[str], pl.DataFrame]
) -> None:
    rows = faulty(pattern)
    whole = open_of(followed(kind, days_of(rows)))

    @cases(3)
    @given(st.lists(st.integers(0, rows.height), max_size=12))
    def law(cuts: list[int]) -> None:
        bounds = [0, *sorted(cuts), rows.height]
        parts = [rows[a:b] for a, b in pairwise(bounds)]
        assert open_of(followed(kind, parts)) == whole

    law()


@pytest.mark.parametrize("lanes", [8, 64])
@pytest.mark.parametrize(("kind", "pattern"), PATTERNS)
def test_lanes_do_not_matter(
    kind: type[StreamControl], pattern: str, lanes: int, faulty: Callable[[str], pl.DataFrame]
) -> None:
    rows = faulty(pattern)
    parts = []
    for part in days_of(rows):
        lane = pl.Series(hash64(part["account_id"]) % lanes)
        parts += [one for number in range(lanes) if (one := part.filter(lane == number)).height]
    assert open_of(followed(kind, parts)) == open_of(followed(kind, days_of(rows)))


@pytest.mark.parametrize(("kind", "pattern"), PATTERNS)
def test_a_memory_that_was_kept_goes_on_as_if_nothing_had_been(
    kind: type[StreamControl], pattern: str, faulty: Callable[[str], pl.DataFrame]
) -> None:
    parts = days_of(faulty(pattern))
    control, alerts = kind(WORLD), []
    for part in parts:
        alerts += control.take(part)
        kept, control = control.dump(), kind(WORLD)
        control.load(kept)
    assert open_of(alerts) == open_of(followed(kind, parts))


@pytest.mark.parametrize(("kind", "pattern"), CURED)
def test_what_is_cured_closes(
    kind: type[StreamControl], pattern: str, faulty: Callable[[str], pl.DataFrame]
) -> None:
    rows, columns = faulty(pattern), CLEAN.columns
    wrong = rows.join(CLEAN, on=columns, how="anti", maintain_order="left")
    right = CLEAN.join(rows, on=columns, how="anti", maintain_order="left")
    at = int(rows["collected_at"].max())  # type: ignore[arg-type]  # integers
    right = right.with_columns(
        pl.lit(at, dtype=pl.Int64()).alias("collected_at"),
        pl.lit("correction" if wrong.height else "charge").alias("op"),
    )
    cured = [taken_back(wrong, at), right]
    alerts = followed(kind, [*days_of(rows), *cured])
    assert open_of(alerts) == {}
    last = {one.alert_id: one for one in alerts}
    assert pattern in {one.pattern for one in last.values() if one.state == "auto_closed"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_memory_is_bounded(kind: type[StreamControl]) -> None:
    """What a control keeps after two months is no more than after six weeks, but for a tenth."""
    control, sizes = kind(WORLD), []
    month = with_costs(usage(days=6, per_hour=60))
    for round_no in range(10):
        shift = round_no * 6 * DAY_US
        later = month.with_columns(
            pl.col("start_time", "collected_at", "ledgered_at") + shift,
            (pl.lit(f"{round_no}-") + pl.col("file_name")).alias("file_name"),
        )
        control.take(later)
        sizes.append(len(control.dump()))
    assert sizes[9] <= sizes[6] * 11 // 10
    assert HOUR_US < DAY_US
