"""C17: disputes with a partner as findings, one for each day and cause, with the money of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from assurance.alerts import Control, Worth, alert
from assurance.outside.calls import SECOND_US, Call, Cause, Dispute
from assurance.outside.pricing import Repricing
from schemas.alerts import Alert
from schemas.instants import EPOCH

_ACTIONS = {
    Cause.ONLY_THEIRS: "look for the calls at our elements and in suspense; if they are nowhere, "
    "dispute them with the pack",
    Cause.ONLY_OURS: "ask the partner for the calls; tell them of the pack before the bill is due",
    Cause.LONGER: "compare both records of the largest; dispute the seconds with the pack",
    Cause.SHORTER: "compare both records of the largest; find out whose clock stops too late",
    Cause.CHARGE: "compare the rate and its date with the partner's price list, then dispute it",
}
_LOUD = {Cause.ONLY_THEIRS, Cause.LONGER, Cause.CHARGE}
CONTROLS = {
    cause: Control(
        "C17", f"partner_{cause}", "leakage", "critical" if cause in _LOUD else "warning",
        "under" if cause in _LOUD else "over", action,
    )
    for cause, action in _ACTIONS.items()
}  # fmt: skip


@dataclass(frozen=True)
class Parties:
    """Who is compared with whom.

    Attributes:
        entity_type: `partner`, or `feeds`.
        entity_id: The partner's id, or both feeds.
        ours, theirs: What people call the sides.
        owed: Whether we pay the partner: what only they list is then our loss.
    """

    tenant_id: str
    entity_type: str
    entity_id: str
    ours: str
    theirs: str
    currency: str
    owed: bool = True


@dataclass(frozen=True)
class Limits:
    """Shares of a day, in percent, up to which a cause is not told: it must be within all three."""

    calls: Decimal = Decimal(0)
    size: Decimal = Decimal(0)
    money: Decimal = Decimal(0)


def worth_of(disputes: Iterable[Dispute], prices: Repricing, usual: str) -> Iterator[Dispute]:
    """Give disputes with their money, as both sides say it, else by the partner's tariff.

    Calls that we do not have get the destination that this tariff has for them.

    Args:
        usual: Tariff of the partner for calls that we do not have.
    """
    for one in disputes:
        made = replace(one, worth=_worth(one, prices, usual))
        if one.theirs and not one.ours:
            where = prices.destination(usual, one.theirs.called, one.at_us)
            made = replace(made, theirs=replace(one.theirs, destination=where))
        yield made


def _worth(one: Dispute, prices: Repricing, usual: str) -> Decimal | None:
    if one.theirs is None:
        return one.call.amount
    theirs = one.theirs.amount
    if theirs is None:
        tariff = one.ours.tariff if one.ours else usual
        size = max(0, one.theirs.size - one.habit)
        theirs = prices.by_tariff(tariff, one.call.called, one.at_us, size)
    if one.ours is None or theirs is None or one.ours.amount is None:
        return theirs if one.ours is None else None
    return abs(theirs - one.ours.amount)


def day_of(at_us: int, zone: str) -> date:
    """Give the day of an instant in a zone."""
    return (EPOCH + timedelta(microseconds=at_us)).astimezone(ZoneInfo(zone)).date()


Days = Mapping[tuple[date, Cause], Sequence[Dispute]]
"""Disputes by day and cause, the largest money first."""


def by_day(disputes: Iterable[Dispute], zone: str) -> Days:
    """Put disputes of one day and cause together, the largest money first."""
    found: dict[tuple[date, Cause], list[Dispute]] = {}
    for one in disputes:
        found.setdefault((day_of(one.at_us, zone), one.cause), []).append(one)
    return {key: sorted(found[key], key=_largest) for key in sorted(found)}


def _largest(one: Dispute) -> tuple[Decimal, int, str]:
    return -(one.worth or Decimal(0)), one.at_us, one.call.place


Totals = tuple[int, int, Decimal]
"""Calls, their size and their money."""


def told(
    days: Days, of_day: Callable[[date], Totals],
    parties: Parties, limits: Limits, zone: str, at: int,
) -> Iterator[Alert]:  # fmt: skip
    """Tell every day and cause that is beyond the limits.

    Args:
        of_day: Gives what both sides have of a day, of which the limits are shares.
        at: When it ran, microseconds UTC.
    """
    for (day, cause), mine in days.items():
        if _beyond(mine, of_day(day), limits):
            yield _alert(day, cause, mine, parties, zone, at)


def _beyond(mine: Sequence[Dispute], of: Totals, limits: Limits) -> bool:
    sizes = sum(one.size for one in mine)
    return (
        100 * len(mine) > limits.calls * of[0]
        or 100 * sizes > limits.size * of[1]
        or 100 * (_money(mine) or Decimal(0)) > limits.money * of[2]
    )


def _money(mine: Sequence[Dispute]) -> Decimal | None:
    known = [one.worth for one in mine if one.worth is not None]
    return sum(known, Decimal(0)) if known else None


def _alert(
    day: date, cause: Cause, mine: Sequence[Dispute], parties: Parties, zone: str, at: int
) -> Alert:
    seconds = sum(one.size for one in mine) // SECOND_US
    money = _money(mine)
    text = f"{_sentence(cause, len(mine), parties)} on {day}: {seconds} s in question."
    control = CONTROLS[cause]
    if not parties.owed:
        control = replace(control, direction="over" if control.direction == "under" else "under")
    return alert(
        control, tenant_id=parties.tenant_id, feed_id="",
        entity=(parties.entity_type, parties.entity_id), episode=f"{day}", at=at,
        explanation=text, observed=len(mine), unit="calls",
        worth=Worth(money, parties.currency, "charged") if money is not None else None,
        evidence=[_evidence(one) for one in mine[:50]], evidence_count=len(mine),
        window=(_midnight(day, zone), _midnight(day + timedelta(days=1), zone)),
    )  # fmt: skip


def _sentence(cause: Cause, count: int, parties: Parties) -> str:
    calls = "1 call" if count == 1 else f"{count} calls"
    ours, theirs = parties.ours, parties.theirs
    return {
        Cause.ONLY_THEIRS: f"{theirs} lists {calls} of which {ours} has none",
        Cause.ONLY_OURS: f"{theirs} does not list {calls} of {ours}",
        Cause.LONGER: f"{theirs} counts {calls} longer than {ours}",
        Cause.SHORTER: f"{theirs} counts {calls} shorter than {ours}",
        Cause.CHARGE: f"{theirs} charges {calls} otherwise than {ours}",
    }[cause]


def _evidence(one: Dispute) -> dict[str, str]:
    places = [side.place for side in (one.ours, one.theirs) if side]
    sizes = " against ".join(_seconds(side) for side in (one.ours, one.theirs) if side)
    return {"place": " and ".join(places), "why": f"{one.cause}: {one.call.called}, {sizes}"}


def _seconds(call: Call) -> str:
    return f"{Decimal(call.size) / SECOND_US:f} s"


def _midnight(day: date, zone: str) -> int:
    moment = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return (moment - EPOCH) // timedelta(microseconds=1)
