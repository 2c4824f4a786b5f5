"""C14: subscriptions that differ as findings, one for each run of days, with what was rated."""

from dataclasses import dataclass, replace
from decimal import Decimal

from assurance.alerts import Control, Worth, alert
from assurance.outside.served import Cause, Clock, Episode
from schemas.alerts import Alert

_ACTIONS = {
    Cause.USED: "find out how it can be used: an element that was not told of the end, or a list "
    "that lacks it",
    Cause.BILLED: "have it served, or end it in the catalogue and credit what was billed",
    Cause.UNKNOWN: "open the subscription in the catalogue and recycle its usage, or have it "
    "ended in the network",
    Cause.OFFER: "find out which offer was ordered; correct the other side, then rate the usage "
    "again",
}
_OVER = {Cause.USED, Cause.BILLED}
CONTROLS = {
    cause: Control(
        "C14", f"subscription_{cause}", "leakage",
        "warning" if cause is Cause.BILLED else "critical",
        "over" if cause in _OVER else "under", action,
    )
    for cause, action in _ACTIONS.items()
}  # fmt: skip


@dataclass(frozen=True)
class Rated:
    """What came of a subscription's usage in an episode.

    Attributes:
        events: How many there were.
        amount: What they were charged, or what is in suspense of them.
        other: What they cost by the network's offer; nothing where it is not simple to say.
    """

    events: int = 0
    amount: Decimal | None = None
    other: Decimal | None = None
    currency: str = ""


def told(episode: Episode, rated: Rated, tenant_id: str, clock: Clock, at: int) -> Alert:
    """Tell an episode and the money of it.

    Args:
        at: When it was found, microseconds UTC.
    """
    one = episode.first
    control = CONTROLS[one.cause]
    worth = Worth(rated.amount, rated.currency, "charged") if rated.events else Worth()
    if one.cause is Cause.OFFER and rated.events:
        control, worth = _by_offer(control, rated)
    window = clock.of(one.day)[0], clock.of(episode.last)[1]
    kind, value = one.name
    return alert(
        control, tenant_id=tenant_id, feed_id="", entity=("subscription", one.subscription_id),
        episode=f"{one.day} {'/'.join(one.said)}".strip(" /"), at=at,
        explanation=_sentence(episode, rated), observed=rated.events, unit="events", worth=worth,
        evidence=[{"place": f"{kind}:{value}", "why": f"{one.day} to {episode.last}"}],
        window=window, features={"account": one.account_id, "days": episode.days},
    )  # fmt: skip


def _by_offer(control: Control, rated: Rated) -> tuple[Control, Worth]:
    if rated.other is None or rated.amount is None:
        return control, Worth(rated.amount, rated.currency, "in_question", confidence=50)
    more = rated.other - rated.amount
    over = replace(control, direction="over" if more < 0 else "under")
    return over, Worth(abs(more), rated.currency, "priced_by_other_offer")


def _sentence(episode: Episode, rated: Rated) -> str:
    one = episode.first
    when = f"on {one.day}" if episode.days == 1 else f"from {one.day} to {episode.last}"
    name = f"{one.subscription_id} ({one.name[0]} {one.name[1]})"
    events = "1 event" if rated.events == 1 else f"{rated.events} events"
    return {
        Cause.USED: f"{events} of {name} were rated {when}, when the network did not serve it.",
        Cause.BILLED: f"{name} is in the catalogue {when}, and the network does not serve it.",
        Cause.UNKNOWN: f"The network serves {name} {when}, and the catalogue does not know it; "
        f"{events} of it wait in suspense.",
        Cause.OFFER: f"The network serves {name} with {one.said[0]} {when}, the catalogue charges "
        f"{one.said[1]}.",
    }[one.cause]
