"""What a period leaves to be charged: promised spend, first tiers, and usage that lasts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from tallywire.catalog.snapshot import Rounding, Snapshot, Tariff
from tallywire.catalog.terms import Spend, Tiers
from tallywire.money import NANO
from tallywire.rating.rulebook.tally import CounterKey, Tally
from tallywire.rating.rulebook.tiers import area, price_of

COMMITMENT = "commitment"
"""Service of charges that are about a period and no single service."""
FLAT = "flat"
LASTED = "time_weighted"
_CARRIED = -1
"""Number of the point that a period begins with: before any event of its first instant."""
_SPEND_ROUNDING = Rounding("half_up", 9)


@dataclass(frozen=True, slots=True)
class Due:
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


def promised(spend: Spend, key: CounterKey, tally: Tally) -> Due:
    """Charge the difference to the greater of minimum and commitment."""
    held = tally.used(key)
    promises = {"minimum": spend.minimum or 0, "committed": spend.committed or 0}
    kind = max(promises, key=lambda name: promises[name])
    short = max(Fraction(0), promises[kind] - Fraction(held, NANO))
    return Due(
        kind, spend.spend_id, COMMITMENT, spend.scope, short, spend.currency, _SPEND_ROUNDING,
        (held,),
    )  # fmt: skip


def counted(
    found: Counting, key: CounterKey, following: CounterKey, end_us: int, tally: Tally
) -> Due:
    """Charge the flat price of the first tier where nothing was counted; end what lasts.

    Args:
        found: The tiers.
        key: Their counter in the period.
        following: Their counter in the one after it, where what lasts goes on.
        end_us: The period's end.
        tally: Read, and where usage lasts written.
    """
    if found.tiers.measure != LASTED:
        return first_tier(found, tally.used(key) or len(tally.series(key)))
    points = tally.series(key)
    before = area(points)
    if points and points[-1][2]:
        tally.add(key, (end_us, len(points), 0))
        tally.add(following, (end_us, _CARRIED, points[-1][2]))
    return lasted(found, before, area(tally.series(key)))


def first_tier(found: Counting, units: int) -> Due:
    """Charge the flat price of the first tier where no units were counted."""
    amount = Fraction(0) if units else found.tiers.steps[0].flat
    return _of_tiers(FLAT, found, amount, (units,))


def lasted(found: Counting, before: int, after: int) -> Due:
    """Charge what lasted from the last event to the period's end."""
    steps, mode = found.tiers.steps, found.tiers.mode
    amount = price_of(steps, mode, after) - price_of(steps, mode, before)
    return _of_tiers(LASTED, found, amount, (before, after))


def _of_tiers(kind: str, found: Counting, amount: Fraction, reads: tuple[int, ...]) -> Due:
    tariff, tiers = found
    before, after = reads if len(reads) == 2 else (-1, -1)
    return Due(
        kind, tiers.counter, tariff.service, tiers.scope, amount, tariff.currency,
        tariff.rounding, reads, tariff, before, after,
    )  # fmt: skip
