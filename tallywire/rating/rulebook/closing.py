"""Closing a period: what commitments, minimums and tiers still charge once it is over.

A closing charge has an event of its own, made from who is charged, what for and which period, so
that closing a period twice charges once: the counter of what was closed tells it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache, partial
from typing import Any

import xxhash

from schemas.reasons import Reason
from tallywire.calendar import period_end, period_of
from tallywire.catalog.snapshot import Offer, Rounding, Snapshot, Tariff
from tallywire.catalog.terms import Spend, Tiers
from tallywire.money import NANO, display, rounded
from tallywire.rating.rulebook.book import Refusal
from tallywire.rating.rulebook.recorded import RecordedTally
from tallywire.rating.rulebook.row import ENGINE_VERSION, rated_id
from tallywire.rating.rulebook.spend import spend_key
from tallywire.rating.rulebook.steps import Step
from tallywire.rating.rulebook.tally import CounterKey, Point, Tally, counter_key, holder
from tallywire.rating.rulebook.tiers import area, price_of

TRUE_UP = "true_up"
_CARRIED = -1
"""Number of the point that a period begins with: before any event of its first instant."""
_SPEND_ROUNDING = Rounding("half_up", 9)
COMMITMENT = "commitment"
"""Service of charges that are about a period and no single service."""

Holding = Mapping[str, Any]
"""Who is closed: tenant_id, account_id, subscription_id, offer_id, routing_id."""


@dataclass(frozen=True, slots=True)
class Closing:
    """A charge at the end of a period.

    Attributes:
        row: Fields of RatedEvent, without ledger time and token.
        writes: What counters hold now.
        points: Points added to series.
        steps: How it came about.
    """

    row: Mapping[str, Any]
    writes: Mapping[CounterKey, int]
    points: Mapping[CounterKey, list[Point]]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class _Due:
    """What is still to be charged.

    Attributes:
        kind: `minimum`, `committed`, `flat` or `time_weighted`.
        of: Id of the commitment or limit, or name of the tiers' counter.
        reads: What counters held.
    """

    kind: str
    of: str
    service: str
    scope: str
    amount: Fraction
    currency: str
    rounding: Rounding
    reads: tuple[int, ...]
    tariff: Tariff | None = None
    before: int = -1
    after: int = -1


class Closer:
    """Closes periods under one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._tiers = cache(self._tiers_at)

    def _tiers_at(self, offer_id: str, moment_us: int) -> tuple[tuple[Tariff, Tiers], ...]:
        """Look the tiers of an offer up once, whoever has it."""
        return tuple(_tiers(self.snapshot, self.snapshot.offers[offer_id], moment_us))

    def close(self, holding: Holding, kind: str, moment_us: int, tally: Tally) -> list[Closing]:
        """Charge what a period leaves to be charged.

        Args:
            holding: A subscription and its offer at the end of the period.
            kind: day, week, month or year.
            moment_us: An instant of the period, microseconds UTC.
            tally: Counters of its lane.

        Returns:
            Charges above 0, in the order of the offer's terms; nothing for what was closed before.
        """
        offer = self.snapshot.offers.get(holding["offer_id"])
        if offer is None:
            return []
        end = period_end(moment_us, offer.time_zone, kind)
        period = period_of(moment_us, offer.time_zone, kind)
        made = []
        for scope, name, due in self._each(holding, offer, kind, period, end):
            closed = counter_key("closed", scope, holder(holding, scope), name, period)
            if tally.used(closed):
                continue
            own = Tally(tally.used, tally.series)
            found = due(own)
            own.write(closed, 1)
            tally.take(own.writes, own.points)
            if found.amount > 0:
                made.append(self._closing(holding, found, period, end, own))
        return made

    def derived(self, row: Mapping[str, Any]) -> Closing | Refusal:
        """Derive a stored closing charge again, with the counters as they were then."""
        offer = self.snapshot.offers.get(row["offer_id"])
        reads = iter([int(value) for value in row["counters"].split(" ")])
        tally = RecordedTally(reads)
        due = self._again(row, offer, tally) if offer else None
        if due is None:
            detail = f"the offer {row['offer_id']} has no {row['usage_type']} {row['session_id']}"
            return Refusal(Reason.TARIFF_MISSING, detail, row["session_id"])
        return self._closing(row, due, row["bill_period"], row["start_time"] + 1, tally)

    def _again(self, row: Mapping[str, Any], offer: Offer, tally: Tally) -> _Due | None:
        for spend in offer.spends:
            if row["service"] == COMMITMENT and spend.spend_id == row["session_id"]:
                return _spend(spend, (), tally)
        for tariff, tiers in self._tiers(offer.offer_id, row["start_time"]):
            if tiers.counter == row["session_id"] and row["usage_type"] == "flat":
                return _flat(tariff, tiers, tally.used(()))
            if tiers.counter == row["session_id"]:
                return _lasted(tariff, tiers, *tally.span((), lambda: (0, 0)))
        return None

    def _each(
        self, holding: Holding, offer: Offer, kind: str, period: str, end_us: int
    ) -> Iterator[tuple[str, str, Callable[[Tally], _Due]]]:
        """Give scope and name of everything that may be due, and what works it out."""
        for spend in offer.spends:
            if spend.period == kind:
                key = spend_key(spend, holder(holding, spend.scope), period)
                yield spend.scope, spend.spend_id, partial(_spend, spend, key)
        for tariff, tiers in self._tiers(offer.offer_id, end_us - 1):
            if tiers.period == kind:
                owner = holder(holding, tiers.scope)
                key = counter_key("tiers", tiers.scope, owner, tiers.counter, period)
                following = period_of(end_us, offer.time_zone, kind)
                after = counter_key("tiers", tiers.scope, owner, tiers.counter, following)
                due = partial(_tier_due, tariff, tiers, key, after, end_us)
                yield tiers.scope, f"tiers:{tiers.counter}", due

    def _closing(
        self, holding: Holding, due: _Due, period: str, end_us: int, tally: Tally
    ) -> Closing:
        amount = rounded(due.amount, mode=due.rounding.mode, scale=due.rounding.scale)
        owner = holder(holding, due.scope)
        name = f"{TRUE_UP}\x1f{due.scope}\x1f{owner}\x1f{due.kind}\x1f{due.of}\x1f{period}"
        event_id = xxhash.xxh3_128_digest(name.encode())
        tariff = due.tariff
        row = {
            **{name: holding[name] for name in _HOLDING},
            "event_id": event_id,
            "rated_id": rated_id(event_id, 0, 0, TRUE_UP),
            "service": due.service,
            "usage_type": due.kind,
            "kind": "aggregate",
            "session_id": due.of,
            "start_time": end_us - 1,
            "quantity": 0,
            "unit": tariff.unit if tariff else "count",
            "op": TRUE_UP,
            "tariff_id": tariff.tariff_id if tariff else due.of,
            "tariff_revision": 0,
            "rated_quantity": 0,
            "cumulative_before": due.before,
            "cumulative_after": due.after,
            "amount_numerator": Decimal(due.amount.numerator),
            "amount_denominator": Decimal(due.amount.denominator),
            "amount": display(amount),
            "rounding_mode": due.rounding.mode,
            "rounding_scale": due.rounding.scale,
            "rounding_difference": display(amount - due.amount),
            "currency": due.currency,
            "counters": " ".join(str(value) for value in due.reads),
            "tax_category": tariff.tax_category if tariff else "",
            "legal_entity": (tariff.legal_entity if tariff else "") or self.snapshot.legal_entity,
            "gl_code": tariff.gl_code if tariff else "",
            "bill_period": period,
            "fate_change": 0,
            "rater": "rulebook",
            "catalog_hash": self.snapshot.hash,
            "engine_version": ENGINE_VERSION,
        }
        return Closing(row, tally.writes, tally.points, _steps(due, period, amount))


_HOLDING = ("tenant_id", "account_id", "subscription_id", "offer_id", "routing_id")


def _spend(spend: Spend, key: CounterKey, tally: Tally) -> _Due:
    """Charge the difference to the greater of minimum and commitment."""
    held = tally.used(key)
    promised = {"minimum": spend.minimum or 0, "committed": spend.committed or 0}
    kind = max(promised, key=lambda name: promised[name])
    short = max(Fraction(0), promised[kind] - Fraction(held, NANO))
    return _Due(
        kind, spend.spend_id, COMMITMENT, spend.scope, short, spend.currency, _SPEND_ROUNDING,
        (held,),
    )  # fmt: skip


def _tiers(snapshot: Snapshot, offer: Offer, moment_us: int) -> Iterator[tuple[Tariff, Tiers]]:
    """Give the tiers in force at an instant, each counter once."""
    seen: set[str] = set()
    for tariff_id in dict.fromkeys(offer.tariffs.values()):
        tariff = snapshot.tariffs[tariff_id]
        columns = tariff.prefixes.select("price_no", "valid_from_us", "valid_to_us").unique(
            maintain_order=True
        )
        for number, since, until in columns.iter_rows():
            tiers = tariff.prices[number].tiers
            if tiers and since <= moment_us < until and tiers.counter not in seen:
                seen.add(tiers.counter)
                yield tariff, tiers


def _tier_due(
    tariff: Tariff, tiers: Tiers, key: CounterKey, following: CounterKey, end_us: int, tally: Tally
) -> _Due:
    """Charge the flat price of the first tier where nothing was counted; end what lasts."""
    if tiers.measure == "time_weighted":
        points = tally.series(key)
        before = area(points)
        if points and points[-1][2]:
            tally.add(key, (end_us, len(points), 0))
            tally.add(following, (end_us, _CARRIED, points[-1][2]))
        return _lasted(tariff, tiers, before, area(tally.series(key)))
    return _flat(tariff, tiers, tally.used(key) or len(tally.series(key)))


def _flat(tariff: Tariff, tiers: Tiers, counted: int) -> _Due:
    amount = Fraction(0) if counted else tiers.steps[0].flat
    return _Due(
        "flat", tiers.counter, tariff.service, tiers.scope, amount, tariff.currency,
        tariff.rounding, (counted,), tariff,
    )  # fmt: skip


def _lasted(tariff: Tariff, tiers: Tiers, before: int, after: int) -> _Due:
    amount = price_of(tiers.steps, tiers.mode, after) - price_of(tiers.steps, tiers.mode, before)
    return _Due(
        "time_weighted", tiers.counter, tariff.service, tiers.scope, amount, tariff.currency,
        tariff.rounding, (before, after), tariff, before, after,
    )  # fmt: skip


def _steps(due: _Due, period: str, amount: Fraction) -> tuple[Step, ...]:
    return (
        Step(
            TRUE_UP,
            {
                "kind": due.kind,
                "of": due.of,
                "period": period,
                "read": list(due.reads),
                "amount": due.amount,
                "currency": due.currency,
            },
        ),
        Step(
            "rounding",
            {
                "exact": due.amount,
                "mode": due.rounding.mode,
                "scale": due.rounding.scale,
                "charge": amount,
                "currency": due.currency,
            },
        ),
    )
