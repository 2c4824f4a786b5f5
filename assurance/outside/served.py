"""C14: whom the network serves, day by day, against the catalogue and against usage."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

HOUR_US = 3_600_000_000
GRACE_US = 4 * HOUR_US
Name = tuple[str, str]
"""Type and value of an identifier."""


class Cause(StrEnum):
    """What differs; where several do, the first counts."""

    USED = "used_not_served"
    BILLED = "billed_not_served"
    UNKNOWN = "unknown_here"
    OFFER = "other_offer"


@dataclass(frozen=True)
class Served:
    """A line of the network's list: who is served on a day, with which offer."""

    subscription_id: str
    account_id: str
    offer_id: str
    name: Name


@dataclass(frozen=True)
class Holding:
    """A row of the catalogue: whose identifier it is, with which offer, from when until when."""

    subscription_id: str
    account_id: str
    offer_id: str
    name: Name
    from_us: int
    to_us: int

    def touches(self, first_us: int, behind_us: int) -> bool:
        """Tell whether it holds at some instant of a time."""
        return self.from_us < behind_us and first_us < self.to_us

    def covers(self, first_us: int, behind_us: int) -> bool:
        """Tell whether it holds all of a time."""
        return self.from_us <= first_us and behind_us <= self.to_us


@dataclass(frozen=True)
class Use:
    """Usage of an identifier that was rated: what it came to on a day.

    Attributes:
        days: Local days of its instants, of each also a grace before it and after it.
    """

    subscription_id: str
    account_id: str
    name: Name
    day: date
    days: tuple[date, date]
    events: int
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class Difference:
    """A subscription that differs on a day.

    Attributes:
        said: Offer of the network, offer of the catalogue: where it is the offer that differs.
    """

    cause: Cause
    subscription_id: str
    account_id: str
    name: Name
    day: date
    said: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Episode:
    """A difference of consecutive days."""

    first: Difference
    last: date
    days: int


@dataclass
class Days:
    """The network's lists by day, and what is asked of them."""

    lists: Mapping[date, Sequence[Served]]
    _names: dict[date, frozenset[Name]] = field(default_factory=dict)
    _types: dict[date, frozenset[tuple[str, str]]] = field(default_factory=dict)
    _subscriptions: dict[date, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Look up by identifier and by subscription from now on."""
        for day, served in self.lists.items():
            self._names[day] = frozenset(one.name for one in served)
            self._types[day] = frozenset((one.subscription_id, one.name[0]) for one in served)
            self._subscriptions[day] = frozenset(one.subscription_id for one in served)

    def serves(self, subscription_id: str, name: Name, day: date) -> bool:
        """Tell whether an identifier is served.

        So is one of a type that the list does not say of its subscription.
        """
        if name in self._names[day]:
            return True
        said = (subscription_id, name[0]) in self._types[day]
        return subscription_id in self._subscriptions[day] and not said


@dataclass(frozen=True)
class Clock:
    """Where days begin, and how long a change may be under way.

    Attributes:
        begins: First instant of each day, of the one behind the last, too.
    """

    begins: Mapping[date, int]
    grace_us: int = GRACE_US

    def of(self, day: date) -> tuple[int, int]:
        """Give the first instant of a day and the one behind its last."""
        return self.begins[day], self.begins[day + timedelta(days=1)]


def differences(
    days: Days, holdings: Sequence[Holding], uses: Iterable[Use], clock: Clock,
    tests: frozenset[str] = frozenset(),
) -> Iterator[Difference]:  # fmt: skip
    """Tell every difference of a day.

    A change that takes effect within the grace of a day's beginning or end is under way on it.

    Args:
        uses: Rated usage of the days.
        tests: Identifiers, and ids of subscriptions, that may differ.
    """
    by_name: dict[Name, list[Holding]] = {}
    for one in holdings:
        by_name.setdefault(one.name, []).append(one)
    for day, served in sorted(days.lists.items()):
        for line in served:
            if not {line.name[1], line.subscription_id} & tests:
                yield from _listed(line, by_name.get(line.name, ()), day, clock)
    yield from _used(days, uses, tests)
    yield from _billed(days, holdings, clock, tests)


def _listed(
    line: Served, holdings: Sequence[Holding], day: date, clock: Clock
) -> Iterator[Difference]:
    first_us, behind_us = clock.of(day)
    near = [
        one for one in holdings
        if one.touches(first_us - clock.grace_us, behind_us + clock.grace_us)
    ]  # fmt: skip
    subscription = line.subscription_id or line.name[1]
    offers = sorted({one.offer_id for one in near})
    if not near:
        yield Difference(Cause.UNKNOWN, subscription, line.account_id, line.name, day)
    elif line.offer_id and line.offer_id not in offers:
        said = line.offer_id, "+".join(offers)
        held = near[-1]
        yield Difference(
            Cause.OFFER, held.subscription_id, held.account_id, line.name, day, said
        )  # fmt: skip


def _used(days: Days, uses: Iterable[Use], tests: frozenset[str]) -> Iterator[Difference]:
    for use in uses:
        if {use.name[1], use.subscription_id} & tests or use.day not in days.lists:
            continue
        around = {use.day, *use.days} & set(days.lists)
        if not any(days.serves(use.subscription_id, use.name, day) for day in around):
            yield Difference(Cause.USED, use.subscription_id, use.account_id, use.name, use.day)


def _billed(
    days: Days, holdings: Iterable[Holding], clock: Clock, tests: frozenset[str]
) -> Iterator[Difference]:
    told: set[tuple[str, date]] = set()
    for one in _spans(holdings):
        if {one.name[1], one.subscription_id} & tests:
            continue
        for day in days.lists:
            first_us, behind_us = clock.of(day)
            expected = one.covers(first_us - clock.grace_us, behind_us + clock.grace_us)
            if not expected or days.serves(one.subscription_id, one.name, day):
                continue
            if (one.subscription_id, day) not in told:
                told.add((one.subscription_id, day))
                yield Difference(
                    Cause.BILLED, one.subscription_id, one.account_id, one.name, day
                )  # fmt: skip


def _spans(holdings: Iterable[Holding]) -> list[Holding]:
    """Join rows of an identifier that follow each other without a gap: an offer may change."""
    made: list[Holding] = []
    for one in sorted(holdings, key=lambda one: (one.name, one.subscription_id, one.from_us)):
        last = made[-1] if made else None
        if last and replace(last, offer_id=one.offer_id) == replace(
            one, from_us=last.from_us, to_us=one.from_us
        ):
            made[-1] = replace(last, to_us=one.to_us)
        else:
            made.append(one)
    return made


def episodes(found: Iterable[Difference], judged: Collection[date]) -> list[Episode]:
    """Put differences of a subscription together that last over consecutive days.

    What is not served is one episode, used or only billed: of usage if there was some.

    Args:
        judged: Days of which there is a list; one without does not end an episode.
    """
    order = {day: place for place, day in enumerate(sorted(judged))}
    by: dict[tuple[str, str, tuple[str, str]], dict[date, Difference]] = {}
    for one in sorted(found, key=lambda one: (one.day, one.cause != Cause.USED, one.name)):
        kind = "not served" if one.cause in {Cause.USED, Cause.BILLED} else one.cause.value
        by.setdefault((one.subscription_id, kind, one.said), {}).setdefault(one.day, one)
    return [
        _episode(run) for _, of in sorted(by.items()) for run in _runs(list(of.values()), order)
    ]


def _runs(found: Sequence[Difference], order: Mapping[date, int]) -> list[list[Difference]]:
    made: list[list[Difference]] = []
    for one in found:
        if made and order[one.day] == order[made[-1][-1].day] + 1:
            made[-1].append(one)
        else:
            made.append([one])
    return made


def _episode(run: Sequence[Difference]) -> Episode:
    used = next((one for one in run if one.cause is Cause.USED), run[0])
    return Episode(replace(used, day=run[0].day), run[-1].day, len(run))
