"""A catalogue of one tariff and one offer, said in a line, and usage for it."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import polars as pl

from schemas.columns import micros_from_text, rows_to_frame
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import (
    FOREVER_US,
    IDENTIFIER_SCHEMA,
    PREFIX_SCHEMA,
    Allowance,
    BandRule,
    Calendar,
    Group,
    Offer,
    Price,
    Rounding,
    Snapshot,
    Tariff,
)
from tallywire.rating.counters import Counters
from tallywire.rating.rulebook import Charge, Rating, Refusal, Rulebook

SECOND = 1_000_000
ANY_NUMBER = (("", "world", 0, 1, 0, FOREVER_US),)
UNITS = {"voice": "microsecond", "data": "octet"}


def group(start_s: int, step_s: int, *rates: str) -> Group:
    """An increment group: prices per 60 s, one for each band."""
    exact = tuple(Fraction(rate) / (60 * SECOND) for rate in rates)
    return Group(start_s * SECOND, step_s * SECOND, exact)


def peak_calendar(
    time_zone: str, first: int, last: int, *, holidays: tuple[dt.date, ...] = ()
) -> Calendar:
    """Bands `off` and `peak`, peak on every weekday from `first` to `last`, minutes of the day."""
    rules = (BandRule(1, frozenset(range(7)), first, last),)
    return Calendar("peak", time_zone, ("off", "peak"), rules, frozenset(holidays))


def one_tariff(
    *groups: Group,
    calendar: Calendar | None = None,
    fee: str = "0",
    least: str = "0",
    most: str | None = None,
    straddle: str = "start_band",
    rounding: Rounding | None = None,
    allowances: tuple[Allowance, ...] = (),
    prefixes: tuple[tuple[object, ...], ...] = ANY_NUMBER,
    service: str = "voice",
    time_zone: str = "UTC",
) -> Snapshot:
    """A catalogue whose offer `offer` prices one outgoing service by `tariff`."""
    tariff = Tariff(
        tariff_id="tariff", service=service, unit=UNITS.get(service, "count"), currency="EUR",
        zone_by="b_number", calendar=calendar or Calendar("always", time_zone, ("all",)),
        rounding=rounding or Rounding("half_up", 6),
        prices=(Price(Fraction(fee), Fraction(least), groups, most and Fraction(most)),),
        straddle=straddle,
        prefixes=pl.DataFrame(list(prefixes), schema=PREFIX_SCHEMA, orient="row"),
    )  # fmt: skip
    offer = Offer("offer", {(service, "mo"): "tariff"}, allowances, time_zone)
    return Snapshot(
        hash="hash", tenant_id="t", legal_entity="Entity", currency="EUR", time_zone=time_zone,
        calendars={}, tariffs={"tariff": tariff}, offers={"offer": offer}, feeds={},
        identifiers=pl.DataFrame(schema=IDENTIFIER_SCHEMA), typical_rates={},
    )  # fmt: skip


def with_price(snapshot: Snapshot, **changes: Any) -> Snapshot:
    """The same catalogue with another price: tiers, a share, more."""
    tariff = snapshot.tariffs["tariff"]
    price = replace(tariff.prices[0], **changes)
    return with_tariff(snapshot, prices=(price, *tariff.prices[1:]))


def with_tariff(snapshot: Snapshot, **changes: Any) -> Snapshot:
    """The same catalogue with another tariff."""
    tariff = replace(snapshot.tariffs["tariff"], **changes)
    return replace(snapshot, tariffs={**snapshot.tariffs, "tariff": tariff})


def with_offer(snapshot: Snapshot, **terms: Any) -> Snapshot:
    """The same catalogue with other terms: allowances, discounts, spend limits, balances."""
    return replace(snapshot, offers={"offer": replace(snapshot.offers["offer"], **terms)})


def charges(snapshot: Snapshot, events: Iterable[UsageEvent]) -> list[Charge]:
    """All charges of usage, one event after the other, with counters that are kept."""
    book, counters, made = Rulebook(snapshot), Counters(), []
    for event in events:
        rating = book.rate(row_of(event), counters.used, counters.series)
        made += rating.charges
        keep(rating, counters)
    return made


def keep(rating: Rating, counters: Counters) -> None:
    """Write what a rating wrote."""
    for key, value in rating.writes.items():
        counters.set(key, value)
    for key, point in rating.points:
        counters.add(key, point)


def exact(charge: Charge) -> Fraction:
    """The charge before rounding, from its row."""
    row = charge.row
    return Fraction(int(row["amount_numerator"]), int(row["amount_denominator"]))


def row_of(event: UsageEvent) -> Mapping[str, Any]:
    """An event as a row of its DataFrame."""
    return rows_to_frame([event], UsageEvent).row(0, named=True)


def usage(quantity: int, start: str = "2026-01-15T12:00:00Z", **fields: object) -> UsageEvent:
    """Usage of the offer, in base units."""
    service = str(fields.get("service", "voice"))
    given = {
        "service": service, "offer_id": "offer", "subscription_id": "s", "b_number": "4790012345",
        "unit": UNITS.get(service, "count"), "start_time": micros_from_text(start),
        "quantity": quantity,
    }  # fmt: skip
    return UsageEvent.model_validate({**given, **fields})


def rate(snapshot: Snapshot, event: UsageEvent, used: int = 0) -> Charge:
    """Charge usage that has a price; every counter holds `used`."""
    made = Rulebook(snapshot).rate(row_of(event), lambda _: used)
    (charge,) = made.charges
    return charge


def refuse(snapshot: Snapshot, event: UsageEvent) -> Refusal:
    """Refuse usage that has no price."""
    made = Rulebook(snapshot).rate(row_of(event), lambda _: 0)
    (refusal,) = made.refusals
    return refusal


def call(snapshot: Snapshot, seconds: int, start: str = "2026-01-15T12:00:00Z") -> str:
    """The charge of a call, as plain text without trailing zeros."""
    amount = rate(snapshot, usage(seconds * SECOND, start)).row["amount"]
    return f"{amount:f}".rstrip("0").rstrip(".")
