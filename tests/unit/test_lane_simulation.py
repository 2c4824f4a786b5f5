"""The simulation of lanes: nothing appears or is lost, and what is too small is named."""

from dataclasses import replace

import pytest

from benchmarks.lanes import Costs, Plan, simulate, weights

SMALL = Plan(20_000, lanes=4, seconds=10.0)


def test_lanes_share_all_usage() -> None:
    shares = weights(replace(SMALL, busiest=0.4))
    assert sum(shares) == pytest.approx(1.0)
    assert max(shares) >= 0.4


def test_what_is_idle_enough_keeps_up() -> None:
    made = simulate(SMALL, Costs())
    assert made["behind"] < 1.0  # type: ignore[operator]
    assert made["p99_s"] < 3.0  # type: ignore[operator]


@pytest.mark.parametrize(
    ("costs", "first"),
    [
        (Costs(collect_event_us=80.0), "collection"),
        (Costs(rate_event_us=80.0), "rating"),
        (Costs(insert_row_us=80.0), "store"),
    ],
)
def test_what_is_too_slow_is_named(costs: Costs, first: str) -> None:
    made = simulate(SMALL, costs)
    assert made["breaks_first"] == first
    assert made[first] > 0.9  # type: ignore[operator]


def test_more_processes_help_until_one_lane_is_too_busy() -> None:
    costs = Costs(rate_event_us=100.0)
    one, four = (simulate(replace(SMALL, raters=number), costs) for number in (1, 4))
    assert four["behind"] < one["behind"]  # type: ignore[operator]
    busy = simulate(replace(SMALL, raters=4, busiest=0.9), costs)
    assert busy["behind"] > four["behind"]  # type: ignore[operator]
