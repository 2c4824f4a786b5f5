"""Which faults were found by which alerts, and which alerts tell of nothing that is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.scoring.families import CLOSED_BY_ITSELF, FAMILIES

DAY_US = 86_400_000_000
_SLACK_US = {"lost_file": 2 * DAY_US, "truncated_file": 2 * DAY_US}
"""How far from a fault an alert of it may lie, where that is not a day: a file is named by its end,
and the gap that it leaves by the usage before and behind it."""

Fault = Mapping[str, Any]
"""A line of the truth's injections or hard negatives."""


@dataclass(frozen=True)
class Found:
    """An alert of the run.

    Attributes:
        first_us, last_us: Event time that it is about; both its detection where it says none.
    """

    pattern: str
    feed: str
    entity: str
    first_us: int
    last_us: int
    detected_us: int
    money: str


@dataclass(frozen=True)
class Matched:
    """A run's faults and alerts beside each other.

    Attributes:
        by: For each fault, by its id, the alerts that tell of it, soonest first.
        false: Alerts that tell of no fault.
    """

    by: Mapping[str, Sequence[Found]]
    false: Sequence[Found]


def match(alerts: Sequence[Found], faults: Sequence[Fault]) -> Matched:
    """Match by family, feed and time; an alert may tell of several faults of a file, or a day."""
    loud = [one for one in alerts if one.pattern not in CLOSED_BY_ITSELF]
    by: dict[str, list[Found]] = {}
    told: set[int] = set()
    for fault in faults:
        mine = [number for number, one in enumerate(loud) if _tells(one, fault)]
        told.update(mine)
        by[str(fault["id"])] = sorted((loud[one] for one in mine), key=lambda one: one.detected_us)
    false = [one for number, one in enumerate(loud) if number not in told]
    return Matched(by, false)


def _tells(alert: Found, fault: Fault) -> bool:
    if alert.pattern not in FAMILIES[str(fault["family"])]:
        return False
    if alert.feed and fault["feed"] and alert.feed != fault["feed"]:
        return False
    slack = _SLACK_US.get(str(fault["family"]), DAY_US)
    first, last = int(fault["first_us"]) - slack, int(fault["last_us"]) + slack
    return alert.first_us <= last and alert.last_us >= first
