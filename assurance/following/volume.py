"""C4: feeds and elements that fell silent, or bring less than they usually do; lasting shifts."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, ClassVar

import orjson
import polars as pl

from assurance.following.attribution import Loss, told
from assurance.following.control import StreamControl, World
from assurance.following.elements import FEED, NODE, Counted, Elements, Key, ahead, whole_of
from assurance.following.episodes import Episode, Hour, episodes
from assurance.following.hourly import KEEP_HOURS, Hourly, key_of, text_of
from assurance.following.shift import begins, residual, shifts
from assurance.following.usual_hours import like
from assurance.following.volume_told import CONTROLS, Told, alert_of, name_of, pattern_of
from schemas.alerts import Alert

_EACH_DOUBLING = 693
"""So much more evidence a stretch must have where there are twice as many elements: among many one
is always the least likely."""


class Volume(StreamControl):
    """Records of feeds, nodes, trunks and cells by hour of their time."""

    declared: ClassVar = CONTROLS

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._elements = Elements(world)
        self._hourly = Hourly()
        self._found: dict[Key, list[Episode]] = {}
        self._residuals: dict[Key, dict[int, int]] = {}
        self._told: dict[str, Told] = {}
        self._older: list[Counted] = []

    def take(self, rows: pl.DataFrame) -> Sequence[Alert]:
        """Add rows up; judge hours whose usage should have come, and changed ones."""
        kept = rows.filter(pl.col("run") == "retail", pl.col("op") != "true_up")
        if kept.is_empty():
            return []
        self._hourly.add(self._elements.counted(kept))
        self._add_older()
        self._hourly.arrive(kept, self._elements.zones)
        judged: dict[str, int] = {}
        for key, since, until in self._hourly.due(self._found):
            self._judge(key, since, until)
            judged[key[1]] = max(until, judged.get(key[1], until))
        at = int(str(rows["collected_at"].max()))
        return [one for tenant, until in judged.items() for one in self._news(tenant, until, at)]

    def _add_older(self) -> None:
        """Add what an older version counted by UTC, where the tenant's wall clock is known now."""
        zones = self._elements.zones
        known = [one for one in self._older if one[0][1] in zones]
        if known:
            self._older = [one for one in self._older if one[0][1] not in zones]
            self._hourly.add(
                (key, hour + ahead(hour, zones[key[1]]), records, nano)
                for key, hour, records, nano in known
            )

    def _judge(self, key: Key, since: int, until: int) -> None:
        """Find the stretches of an entity anew, and of a feed the residuals of its hours."""
        self._found.pop(key, None)
        if key[-1] == "" and key[0] != FEED:
            return  # all trunks, or all cells: their feeds tell
        count = self._hourly.elements.get(whole_of(key), 0) if key[-1] else 1
        if key[0] == NODE and count < 2:
            return  # the only node of its feed: the feed tells
        hours = self._hourly.hours(key)
        limits = self.world.thresholds.volume
        enough = limits.evidence + _EACH_DOUBLING * (count - 1).bit_length()
        oldest = self._hourly.oldest(until)
        every = episodes(hours, enough, limits.silence_records)
        found = [one for one in every if one.first > oldest]
        if found:
            self._found[key] = found
        if key[0] == FEED:
            self._keep_residuals(key, [one for one in hours if one.hour >= since], until)

    def _keep_residuals(self, key: Key, hours: Sequence[Hour], until: int) -> None:
        kept = self._residuals.setdefault(key, {})
        for hour in [one for one in kept if one < begins(until)]:
            del kept[hour]
        for one in hours:
            kept.pop(one.hour, None)
            value = residual(one)
            if value is not None:
                kept[one.hour] = value

    def _news(self, tenant: str, until: int, at: int) -> Iterator[Alert]:
        """Tell what of a tenant is to be told otherwise than it was."""
        now = {name_of(one): one for one in self._open(tenant)}
        oldest = {True: begins(until), False: self._hourly.oldest(until)}
        for name, one in list(self._told.items()):
            if one.key[1] != tenant or name in now:
                continue
            if one.first > oldest[one.is_shift]:
                yield alert_of(one, at, self._elements.zones[tenant], is_open=False)
                del self._told[name]
            elif one.last < until - KEEP_HOURS:
                del self._told[name]
        for name, one in now.items():
            if self._told.get(name) != one:
                self._told[name] = one
                yield alert_of(one, at, self._elements.zones[tenant], is_open=True)

    def _open(self, tenant: str) -> Iterator[Told]:
        """Give what is less than usual by all that is known now."""
        own = {key: found for key, found in self._found.items() if key[1] == tenant}
        losses = told(own, self._hourly.within)
        for loss in losses:
            one = loss.episode
            nano = self._worth(loss)
            yield Told(pattern_of(loss), loss.key, one.first, one.last, one.usual, one.here, nano)
        for key in self._residuals:
            if key[1] == tenant:
                yield from self._shifts(key, losses)

    def _worth(self, loss: Loss) -> int:
        """Value missing records by what a record brought in hours like theirs, billionths."""
        history = self._hourly.sums[loss.key]
        hours = {
            one
            for hour in range(loss.episode.first, loss.episode.last + 1)
            for one in like(history, hour)
        }
        kept = [history[one] for one in hours if one in history]
        records, nano = sum(one[0] for one in kept), sum(one[1] for one in kept)
        return nano * loss.records // records if records > 0 else 0

    def _shifts(self, key: Key, losses: Sequence[Loss]) -> Iterator[Told]:
        """Give lasting shifts of a feed, of the hours that no other finding explains."""
        gone = {
            hour
            for loss in losses
            if whole_of(loss.key) == key
            for hour in range(loss.episode.first, loss.episode.last + 1)
        }
        kept = {hour: one for hour, one in self._residuals[key].items() if hour not in gone}
        history = self._hourly.sums[key]
        for one in shifts(kept):
            held = [history[hour] for hour in kept if one.first <= hour <= one.last]
            here, nano = sum(found[0] for found in held), sum(found[1] for found in held)
            usual = here * 1_000 // (1_000 - one.by)
            lost = nano * (usual - here) // here if here > 0 else 0
            yield Told("volume_shift", key, one.first, one.last, usual, here, lost)

    def dump(self) -> bytes:
        """Write counts, residuals and what is told."""
        return orjson.dumps({
            "hourly": self._hourly.dump(),
            "found": [
                [text_of(key), [asdict(one) for one in found]] for key, found in self._found.items()
            ],
            "residuals": [
                [text_of(key), [*kept.items()]] for key, kept in self._residuals.items()
            ],
            "zones": self._elements.zones,
            "told": [asdict(one) for one in self._told.values()],
            "older": self._older,
        })  # fmt: skip

    def load(self, content: bytes) -> None:
        """Read them back."""
        found = orjson.loads(content)
        if "hourly" not in found:
            self._older = [*_of_older(found)]
            self._hourly.take_older(found.get("delays", {}))
            return
        self._older = [(key_of("\x1f".join(key)), *rest) for key, *rest in found["older"]]
        self._hourly.load(found["hourly"])
        self._elements.zones = found["zones"]
        self._found = {
            key_of(text): [Episode(**one) for one in episodes_]
            for text, episodes_ in found["found"]
        }
        self._residuals = {key_of(text): dict(kept) for text, kept in found["residuals"]}
        held = [Told(**{**one, "key": tuple(one["key"])}) for one in found["told"]]
        self._told = {name_of(one): one for one in held}


def _of_older(found: dict[str, Any]) -> Iterator[Counted]:
    """Read counts of feeds by hours of UTC; which alerts are open their memory does not say."""
    for text, history in found["sums"].items():
        tenant, feed, service, currency = text.split("\x1f")
        for hour, (records, nano) in history.items():
            yield (FEED, tenant, feed, service, currency, ""), int(hour), records, nano
