"""Findings that grow: one alert for one cause, however many records it has, closed when cured."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import polars as pl

from assurance.alerts import Control, Worth, alert
from assurance.following.rows import TAKEN_BACK
from assurance.money import worth_of
from schemas.alerts import Alert

_MOST_EVIDENCE = 50
_LARGEST = 3


@dataclass
class Finding:
    """What is known of one cause.

    Attributes:
        count: Records that have it now; 0 where all are cured.
        nano: Money at risk, billionths.
        first, last: Bounds of their event time.
        found_at: When its newest record was collected.
        evidence: (money below zero, billionths, id, place) of the largest, the most money first.
        features: What programs want to know of it, by name.
    """

    tenant_id: str
    feed_id: str
    entity: tuple[str, str]
    episode: str
    currency: str
    count: int = 0
    nano: int = 0
    first: int = 0
    last: int = 0
    found_at: int = 0
    evidence: list[tuple[int, str, str]] = field(default_factory=list)
    features: dict[str, str] = field(default_factory=dict)

    def add(self, one: "Record") -> None:
        """Add a record."""
        self.first = min(self.first, one.at) if self.count else one.at
        self.last = max(self.last, one.at)
        self.count += 1
        self.nano += one.nano
        self.found_at = max(self.found_at, one.found_at)
        if len(self.evidence) < _MOST_EVIDENCE or -one.nano <= self.evidence[-1][0]:
            self.evidence.append((-one.nano, one.event, one.place))
            self.evidence.sort()
            del self.evidence[_MOST_EVIDENCE:]

    def take_out(self, event: str, nano: int, at: int) -> None:
        """Take a record out whose charge was taken back."""
        self.count -= 1
        self.nano -= nano
        self.found_at = max(self.found_at, at)
        self.evidence = [one for one in self.evidence if one[1] != event]


@dataclass(frozen=True)
class Record:
    """A record with a fault.

    Attributes:
        event: Its event's id, as hexadecimal digits.
        nano: Money at risk by it, billionths.
        at: Its event time.
        found_at: When it was collected.
        place: Where it stands.
    """

    event: str
    nano: int
    at: int
    found_at: int
    place: str


class Findings:
    """The findings of one pattern, and which records they hold.

    Args:
        control: The pattern.
        keep_us: Findings whose newest record is older than this, in event time, are forgotten: what
            comes of them later opens nothing anew but is not added up either.
    """

    def __init__(self, control: Control, keep_us: int) -> None:
        self._control, self._keep_us = control, keep_us
        self._found: dict[str, Finding] = {}
        self._holder: dict[str, tuple[str, int]] = {}
        self._changed: dict[str, None] = {}
        self._newest = 0

    def add(self, key: str, made: Finding, record: Record) -> None:
        """Add a record to the finding of a key, which is made where it is not there."""
        if record.event in self._holder:
            return
        self._found.setdefault(key, made).add(record)
        self._holder[record.event] = (key, record.nano)
        self._changed[key] = None
        self._newest = max(self._newest, record.at)

    def take_back(self, rows: pl.DataFrame) -> None:
        """Take out records whose charge was taken back by these rows."""
        back = rows.filter(TAKEN_BACK) if self._holder else rows.clear()
        if back.is_empty():
            return
        at = int(str(back["collected_at"].max()))
        for event_id in back["event_id"]:
            key, nano = self._holder.pop(event_id.hex(), ("", 0))
            if key in self._found:
                self._found[key].take_out(event_id.hex(), nano, at)
                self._changed[key] = None

    def told(self, sentence: str, noun: str) -> Iterator[Alert]:
        """Give the alerts of findings that have changed since.

        Args:
            sentence: What is wrong, with `{count}`, `{entity}` and `{money}` to fill in.
            noun: What is counted, one of it.
        """
        changed, self._changed = self._changed, {}
        for key in changed:
            yield self._alert(self._found[key], sentence, noun)
        self._forget()

    def _alert(self, found: Finding, sentence: str, noun: str) -> Alert:
        closed = found.count == 0
        worth = worth_of(found.nano, found.currency, "charged") if not closed else Worth()
        told = sentence.format(
            count=f"{found.count} {noun}{'s' * (found.count != 1)}", entity=found.entity[1],
            money=f"{worth.amount or 0:.2f} {found.currency}".strip(),
        )  # fmt: skip
        largest = [place for _, _, place in found.evidence[:_LARGEST]]
        about = f" The largest: {'; '.join(largest)}." if largest else ""
        return alert(
            self._control, tenant_id=found.tenant_id, feed_id=found.feed_id,
            entity=found.entity, episode=found.episode, at=found.found_at,
            explanation="All of it was taken back." if closed else told + about,
            expected=0, observed=found.count, unit="records", worth=worth,
            evidence=[{"place": place, "why": event} for _, event, place in found.evidence],
            evidence_count=found.count, features=found.features,
            state="auto_closed" if closed else "open", window=(found.first, found.last),
        )  # fmt: skip

    def _forget(self) -> None:
        gone = {key for key, one in self._found.items() if one.last < self._newest - self._keep_us}
        if gone:
            self._found = {key: one for key, one in self._found.items() if key not in gone}
            self._holder = {
                event: held for event, held in self._holder.items() if held[0] not in gone
            }

    def dump(self) -> dict[str, Any]:
        """Give the memory as plain values."""
        return {
            "found": {key: asdict(one) for key, one in self._found.items()},
            "holder": self._holder, "newest": self._newest,
        }  # fmt: skip

    def load(self, content: Mapping[str, Any]) -> None:
        """Read it back."""
        self._found = {
            key: Finding(**{
                **one, "entity": tuple(one["entity"]),
                "evidence": [tuple(item) for item in one["evidence"]],
            })
            for key, one in content["found"].items()
        }  # fmt: skip
        self._holder = {event: tuple(held) for event, held in content["holder"].items()}
        self._newest = content["newest"]
