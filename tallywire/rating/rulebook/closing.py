"""Closing a period: what commitments, minimums and tiers still charge once it is over.

A closing charge has an event of its own, made from who is charged, what for and which period. A
period that is closed again, after corrections or late usage, charges what is due by then less what
closing it has charged before: a restatement of that event, and often nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache, partial
from typing import Any

import xxhash

from schemas.reasons import Reason
from tallywire.calendar import billing_month, period_end, period_of
from tallywire.catalog.snapshot import Offer, Snapshot
from tallywire.money import NANO, display
from tallywire.rating.rulebook.amounts import nano_of
from tallywire.rating.rulebook.book import Book, Party, Refusal
from tallywire.rating.rulebook.due import (
    COMMITMENT,
    FLAT,
    LASTED,
    Counting,
    Due,
    counted,
    counting,
    first_tier,
    lasted,
    promised,
)
from tallywire.rating.rulebook.recorded import RecordedTally
from tallywire.rating.rulebook.row import ENGINE_VERSION, rated_id
from tallywire.rating.rulebook.spend import spend_key
from tallywire.rating.rulebook.steps import Step
from tallywire.rating.rulebook.tally import CounterKey, Point, Tally, counter_key, holder

TRUE_UP = "true_up"

Name = tuple[str, str, str, str]
"""Scope, owner, what is due, period."""

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


class Closer:
    """Closes periods under one snapshot; what several holdings share is closed with the first."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._done: set[CounterKey] = set()
        self._book = Book(snapshot)
        self._counting = cache(self._counting_at)
        self._kinds = cache(self._kinds_of)

    def kinds(self, holding: Holding) -> frozenset[str]:
        """Name the kinds of period at whose end a holding may be charged."""
        if holding["offer_id"] not in self.snapshot.offers:
            return frozenset()
        return self._kinds(holding["offer_id"], self._book.owners(holding))

    def _kinds_of(self, offer_id: str, owners: tuple[Party, ...]) -> frozenset[str]:
        offer = self.snapshot.offers[offer_id]
        tariffs = [self.snapshot.tariffs[name] for name in self._book.known(offer, owners)]
        tiers = [price.tiers for tariff in tariffs for price in tariff.prices if price.tiers]
        return frozenset([*(one.period for one in tiers), *(one.period for one in offer.spends)])

    def _counting_at(
        self, offer_id: str, owners: tuple[Party, ...], moment_us: int
    ) -> tuple[Counting, ...]:
        """Look tiers up once, whoever has them: of tariffs asked later only those that last."""
        offer = self.snapshot.offers[offer_id]
        uses = self._book.uses(offer, owners)
        asked = [tuple(self._book.retail(use, offer, owners, moment_us)) for use in uses]
        first = dict.fromkeys(tariffs[0] for tariffs in asked if tariffs)
        later = (name for tariffs in asked for name in tariffs[1:])
        found = counting(self.snapshot, dict.fromkeys([*first, *later]), moment_us)
        return tuple(
            one for one in found if one.tariff.tariff_id in first or one.tiers.measure == LASTED
        )

    def close(self, holding: Holding, kind: str, moment_us: int, tally: Tally) -> list[Closing]:
        """Charge what a period leaves to be charged.

        Args:
            holding: A subscription and its offer at the end of the period.
            kind: day, week, month or year.
            moment_us: An instant of the period, microseconds UTC.
            tally: Counters of its lane.

        Returns:
            Charges in the order of the offer's terms; nothing where what was charged is due.
        """
        offer = self.snapshot.offers.get(holding["offer_id"])
        if offer is None:
            return []
        end = period_end(moment_us, offer.time_zone, kind)
        period = period_of(moment_us, offer.time_zone, kind)
        made = []
        for name, due in self._each(holding, offer, kind, period, end):
            closed = counter_key("closed", *name)
            if closed in self._done:
                continue
            self._done.add(closed)
            times = tally.used(closed)
            own = Tally(tally.used, tally.series)
            found = due(own)
            own.write(closed, times + 1)
            if found.charge:
                own.write(counter_key("settled", *name), found.settled + nano_of(found.charge))
                made.append(self._closing(holding, offer, found, times, end, own))
            tally.take(own.writes, own.points)
        return made

    def derived(self, row: Mapping[str, Any]) -> Closing | Refusal:
        """Derive a stored closing charge again, with the counters as they were then."""
        offer = self.snapshot.offers.get(row["offer_id"])
        reads = iter([int(value) for value in row["counters"].split(" ")])
        tally = RecordedTally(reads)
        due = self._again(row, offer, tally) if offer else None
        if offer is None or due is None:
            detail = f"the offer {row['offer_id']} has no {row['usage_type']} {row['session_id']}"
            return Refusal(Reason.TARIFF_MISSING, detail, row["session_id"])
        times, end = row["restatement_no"], row["start_time"] + 1
        return self._closing(row, offer, due, times, end, tally)

    def _again(self, row: Mapping[str, Any], offer: Offer, tally: Tally) -> Due | None:
        for spend in offer.spends:
            if row["service"] == COMMITMENT and spend.spend_id == row["session_id"]:
                return promised(spend, ("0",), ("1",), tally)
        owners = self._book.owners(row)
        for found in self._counting(offer.offer_id, owners, row["start_time"]):
            if found.tiers.counter == row["session_id"] and row["usage_type"] == FLAT:
                return first_tier(found, *(tally.used((name,)) for name in "01"))
            if found.tiers.counter == row["session_id"]:
                return lasted(found, *(tally.used((name,)) for name in "012"))
        return None

    def _each(
        self, holding: Holding, offer: Offer, kind: str, period: str, end_us: int
    ) -> Iterator[tuple[Name, Callable[[Tally], Due]]]:
        """Name everything that may be due, and give what works it out."""
        for spend in offer.spends:
            if spend.period == kind:
                owner = holder(holding, spend.scope)
                name = spend.scope, owner, spend.spend_id, period
                held, settled = spend_key(spend, owner, period), counter_key("settled", *name)
                yield name, partial(promised, spend, held, settled)
        for found in self._counting(offer.offer_id, self._book.owners(holding), end_us - 1):
            tiers = found.tiers
            if tiers.period == kind:
                owner = holder(holding, tiers.scope)
                name = tiers.scope, owner, f"tiers:{tiers.counter}", period
                following = period_of(end_us, offer.time_zone, kind)
                own, after = (
                    counter_key("tiers", tiers.scope, owner, tiers.counter, one)
                    for one in (period, following)
                )
                keys = own, after, counter_key("settled", *name)
                yield name, partial(counted, found, keys, end_us)

    def _closing(
        self, holding: Holding, offer: Offer, due: Due, times: int, end_us: int, tally: Tally
    ) -> Closing:
        amount, owner = due.charge, holder(holding, due.scope)
        period = period_of(end_us - 1, offer.time_zone, due.period)
        name = f"{TRUE_UP}\x1f{due.scope}\x1f{owner}\x1f{due.kind}\x1f{due.of}\x1f{period}"
        event_id = xxhash.xxh3_128_digest(name.encode())
        tariff = due.tariff
        row = {
            **{name: holding[name] for name in _HOLDING},
            "event_id": event_id,
            "restatement_no": times,
            "rated_id": rated_id(event_id, times, 0, TRUE_UP),
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
            "bill_period": billing_month(end_us - 1, offer.time_zone),
            "fate_change": 0,
            "rater": "rulebook",
            "catalog_hash": self.snapshot.hash,
            "engine_version": ENGINE_VERSION,
        }
        return Closing(row, tally.writes, tally.points, _steps(due, period, amount))


_HOLDING = ("tenant_id", "account_id", "subscription_id", "offer_id", "routing_id")


def _steps(due: Due, period: str, amount: Fraction) -> tuple[Step, ...]:
    return (
        Step(
            TRUE_UP,
            {
                "kind": due.kind,
                "of": due.of,
                "period": period,
                "read": list(due.reads),
                "settled": Fraction(due.settled, NANO),
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
