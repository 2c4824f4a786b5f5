"""What a period leaves to be charged: promised spend, first tiers, and usage that lasts."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from tallywire.catalog.snapshot import Rounding, Snapshot, Tariff
from tallywire.catalog.terms import Spend, Tiers
from tallywire.money import NANO, rounded
from tallywire.rating.rulebook.tally import CARRIED, CounterKey, Point, Tally
from tallywire.rating.rulebook.tiers import area, price_of

COMMITMENT = "commitment"
"""Service of charges that are about a period and no single service."""
FLAT = "flat"
LASTED = "time_weighted"
_SPEND_ROUNDING = Rounding("half_up", 9)


@dataclass(frozen=True, slots=True)
class Due:
    """What is still to be charged.

    Attributes:
        kind: `minimum`, `committed`, `flat` or `time_weighted`.
        of: Id of the commitment or limit, or name of the tiers' counter.
        period: The kind of period that is over: day, week, month, year.
        amount: What is due, less what closing it before has charged.
        reads: What counters held.
        settled: What closing it before has charged, 10^-9 of the currency.
    """

    kind: str
    of: str
    service: str
    scope: str
    period: str
    amount: Fraction
    currency: str
    rounding: Rounding
    reads: tuple[int, ...]
    settled: int
    tariff: Tariff | None = None
    before: int = -1
    after: int = -1

    @property
    def charge(self) -> Fraction:
        """What is charged: the amount, rounded."""
        return rounded(self.amount, mode=self.rounding.mode, scale=self.rounding.scale)


class Counting(NamedTuple):
    """Tiers and the tariff that has them."""

    tariff: Tariff
    tiers: Tiers


def counting(snapshot: Snapshot, tariffs: Iterable[str], moment_us: int) -> Iterator[Counting]:
    """Give the tiers of tariffs in force at an instant, each counter once."""
    seen: set[str] = set()
    for tariff_id in tariffs:
        tariff = snapshot.tariffs[tariff_id]
        for number in _in_force(tariff, moment_us):
            tiers = tariff.prices[number].tiers
            if tiers and tiers.counter not in seen:
                seen.add(tiers.counter)
                yield Counting(tariff, tiers)


def _in_force(tariff: Tariff, moment_us: int) -> Iterator[int]:
    """Give the prices of the zones at an instant, each with those of its variants."""
    columns = tariff.prefixes.select("price_no", "valid_from_us", "valid_to_us").unique(
        maintain_order=True
    )
    for number, since, until in columns.iter_rows():
        if since <= moment_us < until:
            yield number
            yield from (variant.price_no for variant in tariff.prices[number].variants)


def promised(spend: Spend, key: CounterKey, settled: CounterKey, tally: Tally) -> Due:
    """Charge the difference to the greater of minimum and commitment.

    Args:
        spend: The promise.
        key: Counter of what was charged in the period.
        settled: Counter of what closing it has charged.
        tally: Read.
    """
    held, before = tally.used(key), tally.used(settled)
    promises = {"minimum": spend.minimum or 0, "committed": spend.committed or 0}
    kind = max(promises, key=lambda name: promises[name])
    short = max(Fraction(0), promises[kind] - Fraction(held, NANO))
    return Due(
        kind, spend.spend_id, COMMITMENT, spend.scope, spend.period,
        short - Fraction(before, NANO), spend.currency, _SPEND_ROUNDING, (held, before), before,
    )  # fmt: skip


def counted(
    found: Counting, keys: tuple[CounterKey, CounterKey, CounterKey], end_us: int, tally: Tally
) -> Due:
    """Charge the flat price of the first tier where nothing was counted; end what lasts.

    Args:
        found: The tiers.
        keys: Their counter in the period; that in the one after it, where what lasts goes on; and
            that of what closing it has charged.
        end_us: The period's end.
        tally: Read, and where usage lasts written.
    """
    key, following, settled = keys
    if found.tiers.measure != LASTED:
        units = tally.used(key) or len(tally.series(key))
        return first_tier(found, units, tally.used(settled))
    points = tally.series(key)
    _carry(points, following, end_us, tally)
    return lasted(found, tally.used(key), _until(points, end_us), tally.used(settled))


def _until(points: Sequence[Point], end_us: int) -> int:
    """Give what a series comes to at the end of its period."""
    return area([*points, (end_us, len(points), 0)])


def _carry(points: Sequence[Point], following: CounterKey, end_us: int, tally: Tally) -> None:
    """Let the last level of a series go on into the next, or correct the one that did."""
    level = points[-1][2] if points else 0
    carried = [point for point in tally.series(following) if point[1] < 0]
    if level != (carried[-1][2] if carried else 0):
        tally.add(following, (end_us, CARRIED + len(carried), level))


def first_tier(found: Counting, units: int, settled: int) -> Due:
    """Charge the flat price of the first tier where no units were counted."""
    tariff, tiers = found
    amount = Fraction(0) if units else tiers.steps[0].flat
    return Due(
        FLAT, tiers.counter, tariff.service, tiers.scope, tiers.period,
        amount - Fraction(settled, NANO), tariff.currency, tariff.rounding, (units, settled),
        settled, tariff,
    )  # fmt: skip


def lasted(found: Counting, before: int, after: int, settled: int) -> Due:
    """Charge what lasted from what the last event has priced to the period's end."""
    tariff, tiers = found
    amount = price_of(tiers.steps, tiers.mode, after) - price_of(tiers.steps, tiers.mode, before)
    return Due(
        LASTED, tiers.counter, tariff.service, tiers.scope, tiers.period,
        amount - Fraction(settled, NANO), tariff.currency, tariff.rounding,
        (before, after, settled), settled, tariff, before, after,
    )  # fmt: skip
