"""The steps of a charge: what was found and done, in that order, with every value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tallywire.rating.rulebook.working import Line, Working


@dataclass(frozen=True, slots=True)
class Step:
    """One line of an explanation.

    Attributes:
        name: usage, tariff, prefix, increments, allowance, price, connect_fee, maximum,
            minimum, rounding.
        facts: Values of the step, by name; amounts are Fractions in `currency`, quantities base
            units of `unit`, names ending in `_us` instants in microseconds UTC.
    """

    name: str
    facts: Mapping[str, object]


def trace(working: Working) -> tuple[Step, ...]:
    """Tell how a price was found; the amounts of its steps add up to the exact charge."""
    return (
        *_found(working),
        _increments(working),
        *_allowance(working),
        *(_price(working, line) for line in working.lines),
        *_additions(working),
        _rounding(working),
    )


def _found(working: Working) -> Iterator[Step]:
    event, found = working.event, working.found
    tariff, entry = found.tariff, found.entry
    yield Step(
        "usage",
        {
            "service": event["service"],
            "quantity": event["quantity"],
            "unit": tariff.unit,
            "start_us": event["start_time"],
            "time_zone": tariff.calendar.time_zone,
        },
    )
    yield Step(
        "tariff",
        {
            "offer": found.offer.offer_id,
            "service": event["service"],
            "direction": event["direction"],
            "tariff": tariff.tariff_id,
            "revision": entry.revision,
        },
    )
    yield Step(
        "prefix",
        {
            "field": tariff.zone_by,
            "number": found.digits,
            "prefix": entry.prefix,
            "zone": entry.zone_id,
            "price_no": entry.price_no,
        },
    )


def _increments(working: Working) -> Step:
    groups = working.found.price.groups
    return Step(
        "increments",
        {
            "used": working.event["quantity"],
            "counted": working.quantity,
            "unit": working.found.tariff.unit,
            "groups": [{"from": group.start, "step": group.increment} for group in groups],
        },
    )


def _allowance(working: Working) -> Iterator[Step]:
    drawn = working.draw
    if drawn.allowance is not None:
        yield Step(
            "allowance",
            {
                "allowance": drawn.allowance.allowance_id,
                "month": working.month,
                "time_zone": working.found.offer.time_zone,
                "unit": drawn.allowance.unit,
                "before": drawn.before,
                "covered": drawn.covered,
                "after": drawn.after,
            },
        )


def _price(working: Working, line: Line) -> Step:
    tariff, part = working.found.tariff, line.stretch
    start = working.event["start_time"]
    return Step(
        "price",
        {
            "band": tariff.calendar.bands[part.band],
            "bands": len(tariff.calendar.bands),
            "quantity": part.length,
            "free": line.free,
            "unit": tariff.unit,
            "rate": line.rate,
            "amount": line.amount,
            "currency": tariff.currency,
            "time_zone": tariff.calendar.time_zone,
            **(
                {"from_us": start + part.first, "until_us": start + part.first + part.length}
                if working.timed
                else {}
            ),
        },
    )


def _additions(working: Working) -> Iterator[Step]:
    currency = working.found.tariff.currency
    if working.fee:
        yield Step("connect_fee", {"amount": working.fee, "currency": currency})
    if working.cut:
        before = sum((line.amount for line in working.lines), working.fee)
        yield Step(
            "maximum",
            {
                "before": before,
                "most": before - working.cut,
                "amount": -working.cut,
                "currency": currency,
            },
        )
    if working.raised:
        yield Step(
            "minimum",
            {
                "before": working.exact - working.raised,
                "least": working.exact,
                "amount": working.raised,
                "currency": currency,
            },
        )


def _rounding(working: Working) -> Step:
    tariff = working.found.tariff
    return Step(
        "rounding",
        {
            "exact": working.exact,
            "mode": tariff.rounding.mode,
            "scale": tariff.rounding.scale,
            "charge": working.amount,
            "currency": tariff.currency,
        },
    )
