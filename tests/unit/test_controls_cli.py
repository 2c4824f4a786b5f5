"""Controls as they are listed, explained, tried and weighed."""

import json
from decimal import Decimal

import polars as pl
from typer.testing import CliRunner

from assurance.coverage import coverage
from assurance.families import FAMILIES, Area
from assurance.following.fold import Fold
from assurance.following.near_copies import NearCopies
from assurance.following.rows import DAY_US, HOUR_US
from assurance.following.volume import Volume
from assurance.planted import FAULTS, last_day, usage
from assurance.registry import controls, reconciliations, stream_controls
from assurance.trial import try_all
from cli.main import app
from tests.alerts import open_of
from tests.laws.test_stream_controls import WORLD


def run(*arguments: str) -> tuple[int, str]:
    made = CliRunner().invoke(app, ["controls", *arguments])
    return made.exit_code, made.output


def test_every_control_is_listed_once_with_its_family() -> None:
    code, out = run("list", "--json")
    told = json.loads(out)
    assert code == 0
    assert [row["pattern"] for row in told] == [one.pattern for one in controls()]
    assert len({row["pattern"] for row in told}) == len(told) > 50
    for row in told:
        assert row["area"] in set(Area)
        assert all(row[name] for name in ("points", "measure", "thresholds", "schedule", "owner"))


def test_a_control_is_shown_by_number_and_by_pattern() -> None:
    code, out = run("show", "C7")
    assert code == 0
    assert "seconds charged twice / seconds charged" in out
    assert "part_beside_whole (critical, duplicate, over)" in out
    assert "near_copy" not in run("show", "part_beside_whole")[1]
    code, out = run("show", "C99")
    assert (code, "controls list" in out) == (2, True)


def test_every_family_has_controls_and_every_fault_a_control() -> None:
    assert {one.control_id for one in controls()} == set(FAMILIES)
    assert set(FAULTS) <= {one.pattern for one in controls()}
    names = [kind.__name__ for kind in (*stream_controls(), *reconciliations())]
    assert len(set(names)) == len(names)


class Blind(NearCopies):
    """A control that finds nothing any more."""

    def _report(self, *_: object) -> None:
        """Say nothing."""


def test_a_control_that_is_blind_is_found_out() -> None:
    tried = {one.control.pattern: (one.fired, one.quiet) for one in try_all((Blind,))}
    assert tried == {"near_copy": (False, True), "part_beside_whole": (False, True)}


def test_coverage_is_weighed_by_revenue_and_counts_only_what_has_fired() -> None:
    revenue = {"voice": Decimal(30), "data": Decimal(70)}
    none = {one.area: one.share for one in coverage(controls(), set(), revenue)}
    assert set(none.values()) == {0}
    voice = {one.area: one for one in coverage(controls(), {"near_copy"}, revenue)}
    assert (voice[Area.USAGE].share, voice[Area.USAGE].proved) == (30, 1)
    both = {one.area: one for one in coverage(controls(), {"near_copy", "volume_drop"}, revenue)}
    assert (both[Area.USAGE].share, both[Area.USAGE].revenue) == (100, Decimal(100))
    assert both[Area.RATING].share == 0


def test_a_memory_that_cannot_be_read_is_begun_anew() -> None:
    fold = Fold(WORLD, [NearCopies], {"NearCopies": b"not a memory"})
    [failure] = fold.failures
    assert failure.name == "NearCopies"
    fold.take(usage(1, 4), lambda _: [])
    assert len(fold.failures) == 1


def test_usage_of_long_ago_that_is_loaded_now_is_not_called_silent() -> None:
    rows = usage(2, 300)
    loaded = int(rows["start_time"].max() or 0) + 40 * DAY_US  # type: ignore[arg-type]  # integers
    now = rows.with_columns(pl.lit(loaded, dtype=pl.Int64()).alias("collected_at"))
    assert list(Volume(WORLD).take(now)) == []


def test_a_night_without_usage_is_no_drop() -> None:
    """An hour of much that brought little is followed by one in which there is never anything."""
    rows = usage(8, 700)
    hour = (pl.col("start_time") // HOUR_US) % 24
    little = last_day(rows) & (hour == 2) & (pl.col("record_no") % 2 == 0)
    rows = rows.filter((hour != 3) & ~little)
    control = Volume(WORLD)
    alerts = [one for part in rows.iter_slices(5_000) for one in control.take(part)]
    assert open_of(alerts) == {}
