"""What is told of volume: patterns, sentences, money."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from assurance.alerts import Control, Worth, alert, alert_id
from assurance.following.attribution import Loss
from assurance.following.elements import FEED, Key, ahead
from assurance.following.rows import HOUR_US
from assurance.money import worth_of
from schemas.alerts import Alert

SILENT = Control(
    "C4", "feed_silent", "completeness", "critical", "under",
    "ask the sender for the usage of that time; look whether the element works",
)  # fmt: skip
LESS = Control(
    "C4", "volume_drop", "completeness", "warning", "under",
    "ask the sender whether usage of that time is missing; look for a lost file or a lost route",
)  # fmt: skip
ELEMENT_SILENT = Control(
    "C4", "element_silent", "completeness", "critical", "under",
    "look whether the node, trunk or cell works, and ask its owner for the usage of that time",
)  # fmt: skip
ELEMENT_LESS = Control(
    "C4", "element_volume_drop", "completeness", "warning", "under",
    "ask the element's owner whether records of that time were lost; no other took them over",
)  # fmt: skip
SHIFT = Control(
    "C4", "volume_shift", "completeness", "warning", "under",
    "look for what changed at that time: a route, a filter, a release, a customer who left",
)  # fmt: skip
CONTROLS = (SILENT, LESS, ELEMENT_SILENT, ELEMENT_LESS, SHIFT)
_BY_PATTERN = {one.pattern: one for one in CONTROLS}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOUNS = {"feed": "", "node": "node ", "trunk": "trunk ", "cell": "cell "}


@dataclass(frozen=True)
class Told:
    """A finding as it was told last.

    Attributes:
        first, last: Hours by the operator's wall clock, both included.
        usual, here: Records that are usual in them, and that came.
        nano: What is missing is worth, billionths of the currency.
    """

    pattern: str
    key: Key
    first: int
    last: int
    usual: int
    here: int
    nano: int

    @property
    def is_shift(self) -> bool:
        """Tell whether it is a lasting shift."""
        return self.pattern == SHIFT.pattern


def pattern_of(loss: Loss) -> str:
    """Name the pattern of a stretch."""
    silent = loss.episode.silent
    if loss.key[0] == FEED:
        return (SILENT if silent else LESS).pattern
    return (ELEMENT_SILENT if silent else ELEMENT_LESS).pattern


def name_of(one: Told) -> str:
    """Give the id of its alert: the same finding however far it has grown."""
    return alert_id(_BY_PATTERN[one.pattern], _entity(one.key)[1], _episode(one))


def _entity(key: Key) -> tuple[str, str]:
    kind, _, feed, service, _, name = key
    if kind == FEED:
        return kind, f"{feed}/{service}"
    return kind, f"{feed}/{name}" if feed else name


def _episode(one: Told) -> str:
    _, tenant, _, service, currency, _ = one.key
    return f"{tenant} {service} {currency} {one.first}"


def alert_of(one: Told, at: int, time_zone: str, *, is_open: bool) -> Alert:
    """Make the alert of a finding, or say that it is none any more.

    Args:
        time_zone: By whose wall clock its hours are.
    """
    _, tenant, feed, _, currency, _ = one.key
    return alert(
        _BY_PATTERN[one.pattern], tenant_id=tenant, feed_id=feed, entity=_entity(one.key),
        episode=_episode(one), at=at, explanation=_sentence(one) if is_open
        else "By what has come since, no more is missing than chance explains or others brought.",
        expected=one.usual, observed=one.here if is_open else one.usual, unit="records",
        worth=_worth(one.nano, currency) if is_open else Worth(),
        features={"hours": one.last - one.first + 1},
        state="open" if is_open else "auto_closed",
        window=(
            (one.first - ahead(one.first, time_zone)) * HOUR_US,
            (one.last + 1 - ahead(one.last + 1, time_zone)) * HOUR_US,
        ),
    )  # fmt: skip


def _sentence(one: Told) -> str:
    kind, _, feed, service, _, name = one.key
    who = f"{_NOUNS[kind]}{name or feed}" + (f" of {feed}" if name and feed else "")
    since = (_EPOCH + timedelta(hours=one.first)).strftime("%Y-%m-%d %H:%M")
    hours = one.last - one.first + 1
    time = f"in the {hours} hours" if hours > 1 else "in the hour"
    told = f"{who[:1].upper()}{who[1:]} brought {one.here} records of {service} {time} from {since}"
    if one.is_shift:
        return f"{told} on, lastingly less than the {one.usual} that are usual."
    return f"{told} on; usual are {one.usual}, and no other element took them over."


def _worth(nano: int, currency: str) -> Worth:
    """Say how far an estimate by usual hours may be off: half as much either way."""
    worth = worth_of(nano, currency, "usual_hour_of_week")
    low, high = (worth_of(one, currency, "").amount for one in (nano // 2, nano + nano // 2))
    return Worth(worth.amount, currency, worth.method, low, high, 90)
