"""Generated catalogues and usage, small and full of edges.

A catalogue is `plain`, then everything about it is priced in columns, or it has any term there is.
"""

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Any

import polars as pl
from hypothesis import strategies as st

from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import (
    FOREVER_US,
    IDENTIFIER_SCHEMA,
    PREFIX_SCHEMA,
    BandRule,
    Calendar,
    Group,
    Offer,
    Override,
    Partner,
    Price,
    Rounding,
    Snapshot,
    Tariff,
    Variant,
)
from tallywire.catalog.terms import Conversion
from tests.moments import EDGES, MOMENTS, SECOND, ZONES
from tests.strategies_terms import (
    UNITS,
    allowances,
    balances,
    conditions,
    discounts,
    grants,
    pick,
    size_of,
    some,
    spends,
    tiers,
)

__all__ = ["EDGES", "MOMENTS", "OFFERS", "SECOND", "ZONES", "calendars", "snapshots",
           "usage_events"]  # fmt: skip

OFFERS = ("basic", "plus")
TARIFFS = {"voice": "t-voice", "sms": "t-sms", "data": "t-data"}
RUNS = ("wholesale", "roaming")
PARENTS = {"a1": "r1", "a2": "r2", "a3": "a2", "a4": "r3"}
HOLDERS = {"s1": ("a1", "r1"), "s2": ("a2", "r2"), "s3": ("a3", "r2"), "s4": ("a4", "r3")}
_NUMBERS = (
    "4790012345", "4790012345", "4790099999", "47900", "4791", "4712", "1201", "0012", "479", "47",
    "4", "", "12", "1", "0", "00", "9" * 19, "4790012345678901234", "47x", "+47",
)  # fmt: skip
_FX = {
    ("USD", "EUR"): tuple((moment, Fraction(number, 7)) for number, moment in enumerate(EDGES, 5)),
    ("EUR", "GBP"): ((EDGES[1], Fraction(7, 8)),),
}


def _calendar(chance: Random) -> Calendar:
    """Bands of one zone, with rules that overlap, holidays and bands without rule."""
    names = ("off", "peak", "night")[: chance.randint(1, 3)]
    rules = []
    for _ in range(chance.randint(0, 3) if len(names) > 1 else 0):
        start = chance.choice([0, 60, 90, 120, 150, 480, 1080, 1439])
        end = chance.choice([61, 121, 150, 180, 1080, 1140, 1440])
        if start < end:
            days = frozenset(some(chance, range(8), 1, 8))
            rules.append(BandRule(chance.randint(0, len(names) - 1), days, start, end))
    holidays = chance.choice([frozenset(), frozenset({dt.date(2026, 12, 24)})])
    return Calendar("cal", pick(chance, *ZONES), names, tuple(rules), holidays)


def _alternating(tariff: Tariff) -> Tariff:
    """The tariff, if it has bands, with another one every two hours: most calls straddle an edge."""
    if len(tariff.calendar.bands) == 1:
        return tariff
    hours = range(0, 24, 2)
    rules = tuple(
        BandRule(hour // 2 % 2, frozenset(range(8)), hour * 60, hour * 60 + 120) for hour in hours
    )
    return replace(tariff, calendar=replace(tariff.calendar, rules=rules))


def _rates(chance: Random, size: int, bands: int) -> tuple[Fraction, ...]:
    block = chance.choice([size, 60, 60 * size, SECOND, 2**20])
    amounts = (0, 1, 5, 10, 123, 9_999, 1_234_567)
    return tuple(Fraction(pick(chance, *amounts), 10_000 * block) for _ in range(bands))


def _groups(chance: Random, size: int, bands: int, *, plain: bool) -> tuple[Group, ...]:
    if bands > 1 and not plain and pick(chance, *[False] * 5, True):
        return tuple(
            group for band in range(bands) for group in _plain_groups(chance, size, bands, (band,))
        )
    return _plain_groups(chance, size, bands)


def _plain_groups(
    chance: Random, size: int, bands: int, own: tuple[int, ...] = ()
) -> tuple[Group, ...]:
    starts = [0, *sorted(some(chance, range(1, 91), 0, 2))]
    return tuple(
        Group(start * size, pick(chance, 1, 6, 10, 30, 60) * size, _rates(chance, size, bands), own)
        for start in starts
    )


def _price(chance: Random, service: str, bands: int, *, plain: bool, shares: Any) -> Price:
    groups = _groups(chance, size_of(service), bands, plain=plain)
    fee = Fraction(chance.choice([0, 0, 1, 400]), 1_000)
    least = Fraction(chance.choice([0, 0, 7, 100]), 1_000)
    most = chance.choice([None, None, least, Fraction(150, 1_000), Fraction(1, 3)])
    kinds = ("", "", "tiers") if plain else ("", "tiers", "share", "uplink")
    kind = pick(chance, *kinds, *(["share"] * (len(shares) - 1)) * (not plain))
    return Price(
        fee, least, groups, most if most is None else max(most, least),
        tiers=tiers(chance, service, plain=plain, partner=len(shares) > 1)
        if kind == "tiers"
        else None,
        share=pick(chance, Fraction(1, 50), Fraction(2, 3)) if kind == "share" else None,
        share_of=pick(chance, *shares) if kind == "share" else "source_amount",
        uplink=_groups(chance, 1, bands, plain=True) if kind == "uplink" and service == "data" else (),
    )  # fmt: skip


def _with_variants(chance: Random, prices: list[Price]) -> tuple[Price, ...]:
    """Let the first price have variants, of the others; or the last none, and be no price."""
    if pick(chance, *[False] * 7, True):
        return (*prices[:-1], replace(prices[-1], only_variants=True))
    if len(prices) == 1 or pick(chance, True, False):
        return tuple(prices)
    variants = tuple(
        Variant(conditions(chance), chance.randint(1, len(prices) - 1))
        for _ in range(pick(chance, 1, 2))
    )
    only = pick(chance, False, False, True)
    return (replace(prices[0], variants=variants, only_variants=only), *prices[1:])


def _prefixes(chance: Random, zone_by: str, prices: int) -> pl.DataFrame:
    known = ("4", "47", "479", "47900", "1", "12", "0", "00")
    prefixes = some(chance, known, 0, 0 if zone_by == "none" else 5)
    if zone_by == "none" or pick(chance, True, True, False):
        prefixes.append("")
    rows = []
    for prefix in prefixes:
        cuts = sorted(some(chance, EDGES, 2, 3))
        cuts = [0, FOREVER_US] if pick(chance, True, True, False) else cuts
        for number, (first, last) in enumerate(pairwise(cuts)):
            price = chance.randint(0, prices - 1)
            rows.append((prefix, f"z{prefix[:2]}", price, number + 1, first, last))
    return pl.DataFrame(rows, schema=PREFIX_SCHEMA, orient="row")


def _tariff(
    chance: Random, tariff_id: str, service: str, *, plain: bool, shares: Any = ("source_amount",)
) -> Tariff:
    calendar = _calendar(chance)
    bands = len(calendar.bands)
    prices = [
        _price(chance, service, bands, plain=plain, shares=shares)
        for _ in range(chance.randint(1, 3))
    ]
    zone_by = {"data": "none", "sms": chance.choice(["a_number", "serving_plmn"])}.get(
        service, "b_number"
    )
    rounding = Rounding(
        chance.choice(["up", "down", "half_up", "half_even", "none"]),
        chance.randint(0, 9),
    )
    converted = Conversion(
        pick(chance, 1, 3, 1_000), pick(chance, 1, 7, 60, 1_000),
        pick(chance, "up", "down", "half_up", "half_even"),
    )  # fmt: skip
    return Tariff(
        tariff_id=tariff_id, service=service, unit=UNITS[service],
        currency="EUR" if plain else pick(chance, "EUR", "EUR", "USD"), zone_by=zone_by,
        calendar=calendar, rounding=rounding, prices=_with_variants(chance, prices),
        prefixes=_prefixes(chance, zone_by, len(prices)),
        order="scan" if plain else pick(chance, "scan", "scan", "scan", "sequential"),
        gl_code="4000", straddle=pick(chance, "start_band", "prorate", "end_band"),
        origins=pick(chance, {}, {"": "rest", "47": "near", "4790": "far"}, {"1": "near"}),
        conversion=converted if pick(chance, False, False, True) else None,
        tax_category=pick(chance, "", "standard"), legal_entity=pick(chance, "", "other"),
    )  # fmt: skip


def _offer(chance: Random, offer_id: str, *, plain: bool) -> Offer:
    services = pick(chance, *[set(UNITS)] * 3, {"voice", "data"}, {"voice", "sms"})
    tariffs = {(service, "mo"): TARIFFS[service] for service in sorted(services)}
    fallbacks = {use: (f"{name}-2",) for use, name in tariffs.items() if pick(chance, True, False)}
    terms: dict[str, Any] = {}
    if not plain:
        terms = {
            "discounts": discounts(chance), "spends": spends(chance), "balances": balances(chance),
            "currency": pick(chance, "", "", "EUR", "USD"),
        }  # fmt: skip
    return Offer(
        offer_id, tariffs, allowances(chance, plain=plain), pick(chance, *ZONES), fallbacks, **terms
    )


def _partners(chance: Random) -> tuple[Partner, ...]:
    """Partners of up to two runs, whose values may overlap: then both claim the usage."""
    made = []
    for number in range(pick(chance, 0, 1, 2, 4)):
        run = pick(chance, *RUNS)
        field = pick(chance, "trunk_out", "partner_id")
        known = ("t1", "t2") if field == "trunk_out" else ("p1", "p2")
        values = some(chance, known, 1, 2)
        tariffs = {
            (service, "mo"): f"w-{service}" for service in ("voice", "data")
            if pick(chance, True, True, False)
        }  # fmt: skip
        side = pick(chance, "cost", "revenue")
        made.append(Partner(f"partner{number}", run, side, field, frozenset(values), tariffs))
    return tuple(made)


def _overrides(chance: Random) -> dict[tuple[str, str], dict[tuple[str, str], Any]]:
    found = {}
    parties = [("subscription", "s2"), ("account", "a2"), ("account", "r1"), ("account", "r2")]
    for party in some(chance, parties, 0, 2):
        service = pick(chance, *sorted(UNITS))
        first, last = sorted(some(chance, EDGES, 2, 2))
        override = Override(pick(chance, f"t-{service}-2", f"w-{service}"), first, last)
        found[party] = {(service, "mo"): (override,)}
    return found


def _identifiers(chance: Random) -> pl.DataFrame:
    """Since when each subscription has which offer."""
    rows = []
    for subscription, (account, root) in HOLDERS.items():
        first = pick(chance, *EDGES[:3])
        offer = offer_of(subscription)
        rows.append(("msisdn", subscription, subscription, account, root, offer, first, FOREVER_US))
    return pl.DataFrame(rows, schema=IDENTIFIER_SCHEMA, orient="row")


def offer_of(subscription: str) -> str:
    """The offer that a subscription has."""
    return OFFERS[0 if subscription in {"s1", "s3"} else 1]


seeds = st.integers(0, 2**32 - 1)


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """A calendar."""
    return _calendar(Random(draw(seeds)))


@st.composite
def snapshots(draw: st.DrawFn, *, plain: bool | None = None) -> Snapshot:
    """A small catalogue, plain or not: half of them are. It is named by its seed."""
    plain = draw(st.booleans()) if plain is None else plain
    return catalog(draw(seeds), plain=plain)


@dataclass(frozen=True, repr=False)
class Catalog(Snapshot):
    """A catalogue that is shown by what made it."""

    def __repr__(self) -> str:
        return f"catalog({self.hash})"

    def _repr_pretty_(self, printer: Any, _cycle: object) -> None:
        printer.text(repr(self))


def catalog(seed: int, *, plain: bool) -> Snapshot:
    """The catalogue of a seed."""
    chance = Random(seed)
    shares = ("source_amount", "retail", "wholesale")
    tariffs = {}
    for service in sorted(UNITS):
        for name in (f"t-{service}", f"t-{service}-2"):
            tariffs[name] = _tariff(chance, name, service, plain=plain)
        name = f"w-{service}"
        tariffs[name] = _tariff(chance, name, service, plain=plain, shares=shares)
    if plain and seed % 2:
        tariffs = {name: _alternating(tariff) for name, tariff in tariffs.items()}
    more = {} if plain else {"overrides": _overrides(chance), "grants": grants(chance)}
    return Catalog(
        hash=f"{seed}, {plain=}", tenant_id="t", legal_entity="L", currency="EUR",
        time_zone=pick(chance, "UTC", "Asia/Kolkata"), calendars={}, tariffs=tariffs,
        offers={key: _offer(chance, key, plain=plain) for key in OFFERS}, feeds={},
        identifiers=_identifiers(chance), typical_rates={}, partners=_partners(chance), fx=_FX,
        fx_days=pick(chance, 1, 400, 5_000), parents=PARENTS, **more,
    )  # fmt: skip


class Usage(list[UsageEvent]):
    """Events that are shown by what made them."""

    seed = 0

    def __repr__(self) -> str:
        return f"usage_of({self.seed}, {len(self)})"

    def _repr_pretty_(self, printer: Any, _cycle: object) -> None:
        printer.text(repr(self))


@st.composite
def usage_events(draw: st.DrawFn, most: int = 25) -> list[UsageEvent]:
    """Usage of four subscriptions under three roots; in some lists huge, or asking for runs."""
    return usage_of(draw(seeds), draw(st.just(most) | st.integers(0, most)))


def usage_of(seed: int, count: int) -> list[UsageEvent]:
    """The usage of a seed; the first events of a longer list are those of a shorter one."""
    chance = Random(seed)
    huge, asking = pick(chance, False, False, True), pick(chance, False, False, False, True)
    strange = pick(chance, False, False, True)
    events = Usage()
    events.seed = seed
    for number in range(count):
        subscription = pick(chance, *HOLDERS)
        account, root = HOLDERS[subscription]
        service = pick(chance, *sorted(UNITS), *(["mms"] if strange else []))
        odd = strange and number % 9 == 8
        start = pick(chance, *MOMENTS) + chance.randint(-3_700, 3_700) * SECOND
        attributes = pick(chance, {}, {"region": "north"}, {"class": "gold", "region": "south"})
        events.append(
            UsageEvent(
                event_id=f"00000000-0000-0000-0000-{number:012d}", service=service, direction="mo",
                subscription_id=subscription, account_id=account, routing_id=root,
                offer_id=pick(chance, *OFFERS, "none") if odd else offer_of(subscription),
                b_number=pick(chance, *_NUMBERS), a_number=pick(chance, *_NUMBERS),
                serving_plmn=pick(chance, *_NUMBERS),
                start_time=max(0, start), quantity=_quantity(chance, service, huge=huge),
                unit="count" if strange and number % 11 == 0 else UNITS.get(service, "count"),
                up_octets=pick(chance, 0, 1, 77), down_octets=pick(chance, 0, 30, 1_000),
                source_amount=Decimal(pick(chance, "1.5", "0.000000001", "12")) if number % 7 else None,
                source_currency=pick(chance, "", "EUR", "USD", "GBP"),
                apn=pick(chance, "internet", "ims"), rat=pick(chance, "5g", ""),
                trunk_out=pick(chance, "t1", "t2", ""), partner_id=pick(chance, "p1", "p2", ""),
                attributes=attributes, quality_flags=_FLAGS[number % len(_FLAGS)],
                runs=pick(chance, "", "retail", "wholesale", "retail+roaming") if asking else "",
            )
        )  # fmt: skip
    return events


_FLAGS = ("", "", "canary", "", "canary_unsigned", "", "canary,clock_corrected")
"""Of usage, by its number: most has no remark."""


def _quantity(chance: Random, service: str, *, huge: bool) -> int:
    size = size_of(service)
    if huge and pick(chance, False, True):
        return min(pick(chance, 10**10, 3 * 10**11, 10**15, 10**15 + 1),
                   10**11 if service == "voice" else 10**16)  # fmt: skip
    long = chance.randint(0, 43_200) if service == "voice" else 1
    return pick(
        chance, 0, 1, long * size, chance.randint(0, 200) * size, chance.randint(0, 200 * size)
    )
