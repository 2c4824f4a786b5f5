"""Who uses and pays: subscribers by class, their numbers, plans, contacts and how busy they are."""

import random
from bisect import bisect
from dataclasses import dataclass, field
from datetime import date
from itertools import accumulate

from benchmarks.simulator.book import plan_ids
from benchmarks.simulator.parameters import Parameters
from benchmarks.simulator.places import BY_PREFIX, ON_NET, PLACES, longest
from benchmarks.simulator.streams import stream, zipf_weights

PREFIXES = frozenset(BY_PREFIX)
_PLACE_LIMITS = list(accumulate(place.weight for place in PLACES))
CONTACTS = 12
CLOSE = 5
"""Seven of ten calls go to the first few of a subscriber's contacts."""


@dataclass(slots=True)
class Subscriber:
    """One who pays: where its usage comes from, and how it is known."""

    number: int
    kind: str
    account: str
    identifier_type: str
    identifier: str
    msisdn: str
    plan: str
    active_from: date | None = None
    active_to: date | None = None
    contacts: list[str] = field(default_factory=list)

    @property
    def subscription(self) -> str:
        return f"{self.account}-s"

    @property
    def user_name(self) -> str:
        return f"u{self.msisdn[-7:]}@solvik.example"


@dataclass(slots=True)
class People:
    """All subscribers, and for each class who is how busy."""

    everyone: list[Subscriber]
    by_kind: dict[str, list[Subscriber]]
    limits: dict[str, list[int]]

    def one(self, chance: random.Random, kind: str, day: date) -> Subscriber | None:
        """Draw who of a class does something on a day; nobody where the one drawn has no service."""
        limits = self.limits[kind]
        chosen = self.by_kind[kind][bisect(limits, chance.randrange(limits[-1]))]
        begun = chosen.active_from is None or chosen.active_from <= day
        over = chosen.active_to is not None and day >= chosen.active_to
        return chosen if begun and not over else None


def number_to(chance: random.Random, prefix: str) -> str:
    """Draw a number of a place that no longer prefix would claim."""
    digits = BY_PREFIX[prefix].digits - len(prefix)
    while True:
        number = prefix + f"{chance.randrange(10**digits):0{digits}d}"
        if longest(number, PREFIXES) == prefix:
            return number


def any_place(chance: random.Random) -> str:
    """Draw a place by how often it is called."""
    return PLACES[bisect(_PLACE_LIMITS, chance.randrange(_PLACE_LIMITS[-1]))].prefix


def called(chance: random.Random, caller: Subscriber) -> str:
    """Draw whom a subscriber calls: mostly one of few."""
    if not caller.contacts:
        caller.contacts = [number_to(chance, any_place(chance)) for _ in range(CONTACTS)]
    if caller.kind == "call_centre":
        return number_to(chance, chance.choice(("474", "479", "472")))
    if chance.randrange(100) < 70:
        return caller.contacts[chance.randrange(CLOSE)]
    if chance.randrange(100) < 40:
        return caller.contacts[CLOSE + chance.randrange(CONTACTS - CLOSE)]
    return number_to(chance, any_place(chance))


def population(seed: int, parameters: Parameters) -> People:
    """Draw all subscribers; some join and some leave within the run."""
    chance = stream(seed, "people")
    everyone: list[Subscriber] = []
    by_kind: dict[str, list[Subscriber]] = {}
    plans = plan_ids(parameters.plans)
    numbers = chance.sample(range(1_000_000), parameters.subscribers)
    for kind, share in parameters.classes.items():
        count = max(2, parameters.subscribers * share // 1000) if share else 0
        for _ in range(count):
            if len(everyone) == parameters.subscribers:
                break
            one = _drawn(chance, len(everyone), kind, numbers[len(everyone)], plans)
            _tenure(chance, one, parameters)
            everyone.append(one)
            by_kind.setdefault(kind, []).append(one)
    limits = {
        kind: list(accumulate(_shuffled(chance, zipf_weights(len(some), 0.8))))
        for kind, some in by_kind.items()
    }
    return People(everyone, by_kind, limits)


def _shuffled(chance: random.Random, weights: list[int]) -> list[int]:
    chance.shuffle(weights)
    return weights


def _drawn(
    chance: random.Random, number: int, kind: str, digits: int, plans: list[str]
) -> Subscriber:
    msisdn = f"{ON_NET}{digits:06d}"
    account = f"a{chance.randrange(10**4):04d}{number:05d}"
    identifier_type, identifier = "msisdn", msisdn
    if kind == "business":
        identifier_type, identifier = "account_code", f"c{digits:06d}"
    elif kind in {"things", "tenant"}:
        identifier_type, identifier = "customer", f"t{digits:06d}"
    plan = plans[chance.randrange(len(plans))]
    return Subscriber(number, kind, account, identifier_type, identifier, msisdn, plan)


def _tenure(chance: random.Random, one: Subscriber, parameters: Parameters) -> None:
    """Let two of a hundred join and two leave within the run."""
    what = chance.randrange(100)
    day = parameters.run.day(chance.randrange(1, parameters.run.days))
    if what < 2:
        one.active_from = day
    elif what < 4:
        one.active_to = day
