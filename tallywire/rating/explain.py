"""A charge in words: what a care agent can read to a customer, and the same for programs."""

import datetime
import zoneinfo
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tallywire.rating.rulebook.steps import Step

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_SECOND_US = 1_000_000
_NATURAL = {
    "microsecond": (60 * _SECOND_US, "minute"),
    "octet": (10**6, "MB"),
    "count": (1, "unit"),
}
_PLACES = 9


def amount_text(value: Fraction | Decimal) -> str:
    """Write money: all its decimals up to nine, `…` where it goes on.

    >>> amount_text(Fraction(1, 10)), amount_text(Fraction(1, 600))
    ('0.10', '0.001666666…')
    """
    exact = Fraction(value)
    scaled, rest = divmod(abs(exact.numerator) * 10**_PLACES, exact.denominator)
    whole, part = divmod(scaled, 10**_PLACES)
    digits = f"{part:09d}".rstrip("0").ljust(2, "0")
    return f"{'-' if exact < 0 else ''}{whole}.{digits}{'…' if rest else ''}"


def quantity_text(quantity: int, unit: str) -> str:
    """Write usage for people.

    >>> quantity_text(61_500_000, "microsecond"), quantity_text(1_500_000, "octet")
    ('1 min 1.5 s', '1.5 MB')
    """
    if unit == "microsecond":
        minutes, rest = divmod(quantity, 60 * _SECOND_US)
        seconds, micros = divmod(rest, _SECOND_US)
        fraction = f".{micros:06d}".rstrip("0") if micros else ""
        parts = [f"{minutes} min"] if minutes else []
        if seconds or fraction or not parts:
            parts.append(f"{seconds}{fraction} s")
        return " ".join(parts)
    if unit == "octet":
        for size, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
            if quantity >= size:
                whole, rest = divmod(quantity * 1_000 // size, 1_000)
                tail = f".{rest:03d}".rstrip("0").rstrip(".")
                return f"{whole}{tail} {name}"
        return f"{quantity} bytes"
    return f"{quantity}"


def local_text(moment_us: int, time_zone: str) -> str:
    """Write an instant as local time."""
    moment = _EPOCH + datetime.timedelta(microseconds=moment_us)
    local = moment.astimezone(zoneinfo.ZoneInfo(time_zone))
    return local.strftime("%A %d %B %Y at %H:%M:%S (UTC%z)")


def _tariff(facts: Mapping[str, Any]) -> str:
    return (
        f"It was priced by tariff {facts['tariff']}, revision {facts['revision']}, which offer "
        f"{facts['offer']} uses for {facts['service']}."
    )


def _prefix(facts: Mapping[str, Any]) -> str:
    if facts["field"] == "none":
        return "This tariff has one price, wherever the usage went."
    prefix = facts["prefix"] or "(any)"
    return (
        f"Of {facts['field'].replace('_', ' ')} {facts['number'] or '(none)'} the longest known "
        f"beginning is {prefix}: zone {facts['zone']}."
    )


def _increments(facts: Mapping[str, Any]) -> str:
    unit = facts["unit"]
    steps = ", then ".join(f"steps of {quantity_text(step, unit)}" for _, step in facts["groups"])
    return (
        f"{quantity_text(facts['quantity'], unit)} were used; counted in {steps}, "
        f"{quantity_text(facts['rated_quantity'], unit)} are chargeable."
    )


def _allowance(facts: Mapping[str, Any]) -> str:
    unit = facts["unit"]
    return (
        f"Allowance {facts['allowance']} for {facts['month']} had "
        f"{quantity_text(facts['before'], unit)} left and paid for "
        f"{quantity_text(facts['covered'], unit)}; {quantity_text(facts['after'], unit)} remain."
    )


def _price(facts: Mapping[str, Any]) -> str:
    block, name = _NATURAL[facts["unit"]]
    paid = facts["quantity"] - facts["free"]
    free = ""
    if facts["free"]:
        free = f" of {quantity_text(facts['quantity'], facts['unit'])}, the rest being included,"
    return (
        f"{quantity_text(paid, facts['unit'])}{free} in band {facts['band']} at "
        f"{amount_text(facts['rate'] * block)} {facts['currency']} per {name}: "
        f"{amount_text(facts['amount'])} {facts['currency']}."
    )


def _connect_fee(facts: Mapping[str, Any]) -> str:
    return f"A connection fee of {amount_text(facts['amount'])} {facts['currency']} is added."


def _minimum(facts: Mapping[str, Any]) -> str:
    return f"The least charge is {amount_text(facts['amount'])} {facts['currency']}."


def _rounding(facts: Mapping[str, Any]) -> str:
    mode = facts["mode"].replace("_", " ")
    return (
        f"Rounded once, {mode}, to {facts['scale']} decimals: "
        f"{amount_text(facts['amount'])} {facts['currency']}."
    )


_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "tariff": _tariff,
    "prefix": _prefix,
    "increments": _increments,
    "allowance": _allowance,
    "price": _price,
    "connect_fee": _connect_fee,
    "minimum": _minimum,
    "rounding": _rounding,
}


def in_words(event: Mapping[str, Any], steps: Sequence[Step]) -> list[str]:
    """Tell a charge, a sentence for each step.

    Args:
        event: The rated row: service, start_time, time_zone.
        steps: The rulebook's steps.
    """
    when = local_text(event["start_time"], event["time_zone"] or "UTC")
    return [
        f"{event['service'].replace('_', ' ').capitalize()} on {when}.",
        *(_WORDS[step.name](step.facts) for step in steps),
    ]


def _plain(value: object) -> object:
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    return list(value) if isinstance(value, tuple) else value


def for_programs(steps: Sequence[Step]) -> list[dict[str, object]]:
    """Give the steps as JSON values; exact ratios as `numerator/denominator`."""
    return [
        {
            "step": step.name,
            **{
                name: [_plain(item) for item in value] if isinstance(value, list) else _plain(value)
                for name, value in step.facts.items()
            },
        }
        for step in steps
    ]
