"""Findings of one cause: those that share an entity, a file or a root in a time are one group."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import orjson

from schemas.alerts import Alert

Key = tuple[str, str]

ROOTS = frozenset(
    {"node", "series", "trunk", "cell", "imei", "imsi", "b_range", "catalog_hash", "tariff", "root"}
)
"""Features that may be what is behind several findings."""
_PLACE = re.compile(r"^(.*?)(?::[0-9]+)*$", re.DOTALL)


@dataclass(frozen=True)
class Finding:
    """What grouping needs to know of a finding.

    Attributes:
        at: When it was opened, microseconds UTC.
        keys: What it may share with others.
    """

    alert_id: str
    at: int
    keys: frozenset[Key]


def _keys(alert: Alert) -> Iterator[Key]:
    yield f"entity {alert.entity_type}", alert.entity_id
    for one in orjson.loads(alert.features):
        if one.get("name") in ROOTS and str(one.get("value", "")):
            yield f"root {one['name']}", str(one["value"])
    for one in orjson.loads(alert.evidence):
        match = _PLACE.match(str(one.get("place", "")))
        if match and match[1]:
            yield "file", match[1]


def finding_of(alert: Alert) -> Finding:
    """Give the keys of a finding: its entity, roots among its features, files of its evidence."""
    scoped = frozenset((f"{alert.tenant_id} {kind}", value) for kind, value in _keys(alert))
    return Finding(alert.alert_id, alert.opened_at, scoped)


class _Sets:
    """Disjoint sets of finding ids; the least id stands for its set."""

    def __init__(self, names: Iterable[str]) -> None:
        self._parent = {name: name for name in names}

    def find(self, name: str) -> str:
        while self._parent[name] != name:
            self._parent[name] = self._parent[self._parent[name]]
            name = self._parent[name]
        return name

    def join(self, one: str, other: str) -> None:
        first, second = sorted((self.find(one), self.find(other)))
        self._parent[second] = first


def groups(findings: Sequence[Finding], window_us: int) -> list[list[str]]:
    """Put findings together that share a key within a time, directly or through others.

    Args:
        findings: Each id once, in any order: the outcome does not depend on it.
        window_us: Longest time between two findings that share a key, microseconds.

    Returns:
        Ids of each group in order of time; groups in order of their first finding.
    """
    moments = {one.alert_id: (one.at, one.alert_id) for one in findings}
    sets = _Sets(moments)
    by_key: dict[Key, list[tuple[int, str]]] = defaultdict(list)
    for one in findings:
        for key in one.keys:
            by_key[key].append(moments[one.alert_id])
    for sharing in by_key.values():
        sharing.sort()
        for (before, earlier), (after, later) in pairwise(sharing):
            if after - before <= window_us:
                sets.join(earlier, later)
    members: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for name, moment in moments.items():
        members[sets.find(name)].append(moment)
    return [[name for _, name in group] for group in sorted(map(sorted, members.values()))]
