"""Generated catalogues and usage, small and full of edges."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import polars as pl
from hypothesis import strategies as st

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

SECOND = 1_000_000
ZONES = (
    "Europe/Oslo", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC",
    "Asia/Beirut", "America/Sao_Paulo",
)  # fmt: skip
UNITS = {"voice": "microsecond", "sms": "count", "data": "octet"}
OFFERS = ("basic", "plus")
TARIFFS = {"voice": "t-voice", "sms": "t-sms", "data": "t-data"}


def _us(*when: int) -> int:
    moment = dt.datetime(*when, tzinfo=dt.UTC)
    return int(moment.timestamp()) * SECOND


MOMENTS = (
    _us(2026, 3, 29, 0, 59, 30), _us(2026, 3, 29, 1, 0), _us(2026, 10, 25, 0, 30),
    _us(2026, 10, 25, 1, 0), _us(2026, 10, 25, 2, 29, 59), _us(2026, 3, 8, 6, 59),
    _us(2026, 11, 1, 5, 30), _us(2026, 4, 4, 14, 45), _us(2026, 10, 3, 15, 20),
    _us(2026, 3, 28, 21, 59), _us(2018, 11, 4, 2, 59), _us(2026, 1, 31, 22, 59, 59),
    _us(2026, 2, 28, 23, 30), _us(2026, 12, 24, 7, 59, 59), _us(2026, 6, 1, 17, 59, 30),
    _us(2026, 6, 1),
)  # fmt: skip
_NUMBERS = st.sampled_from(
    ["4790012345", "47900", "479", "47", "4", "", "12", "1", "0", "00", "9" * 19,
     "4790012345678901234", "47x", "+47", "0012"],
)  # fmt: skip
EDGES = (0, _us(2026, 3, 29, 1, 0), _us(2026, 6, 1), _us(2026, 10, 25, 1, 0), FOREVER_US)


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """Bands of one zone, with rules that overlap, holidays and bands without rule."""
    names = ("off", "peak", "night")[: draw(st.integers(1, 3))]
    rules = []
    for _ in range(draw(st.integers(0, 3)) if len(names) > 1 else 0):
        start = draw(st.sampled_from([0, 60, 90, 120, 150, 480, 1080, 1439]))
        end = draw(st.sampled_from([61, 121, 150, 180, 1080, 1140, 1440]))
        if start < end:
            days = draw(st.frozensets(st.integers(0, 7), min_size=1))
            rules.append(BandRule(draw(st.integers(0, len(names) - 1)), days, start, end))
    holidays = draw(st.sampled_from([frozenset(), frozenset({dt.date(2026, 12, 24)})]))
    return Calendar("cal", draw(st.sampled_from(ZONES)), names, tuple(rules), holidays)


def _rates(draw: st.DrawFn, bands: int) -> tuple[Fraction, ...]:
    block = draw(st.sampled_from([1, 60, 60 * SECOND, SECOND, 10**6, 2**20]))
    amounts = st.sampled_from([0, 1, 5, 10, 123, 9_999, 1_234_567])
    return tuple(Fraction(draw(amounts), 10_000 * block) for _ in range(bands))


@st.composite
def _prices(draw: st.DrawFn, unit: str, bands: int) -> Price:
    size = SECOND if unit == "microsecond" else 1
    starts = [0, *sorted(draw(st.sets(st.integers(1, 90), max_size=2)))]
    groups = tuple(
        Group(
            start * size,
            draw(st.sampled_from([1, 6, 10, 30, 60])) * size,
            _rates(draw, bands),
        )
        for start in starts
    )
    fee = Fraction(draw(st.sampled_from([0, 0, 1, 400])), 1_000)
    least = Fraction(draw(st.sampled_from([0, 0, 7, 100])), 1_000)
    most = draw(st.sampled_from([None, None, least, Fraction(150, 1_000), Fraction(1, 3)]))
    return Price(fee, least, groups, most if most is None else max(most, least))


@st.composite
def _tariffs(draw: st.DrawFn, service: str) -> Tariff:
    calendar = draw(calendars())
    unit = UNITS[service]
    prices = tuple(draw(st.lists(_prices(unit, len(calendar.bands)), min_size=1, max_size=3)))
    zone_by = {"data": "none", "sms": draw(st.sampled_from(["a_number", "serving_plmn"]))}.get(
        service, "b_number"
    )
    prefixes = [""] if zone_by == "none" else draw(
        st.lists(st.sampled_from(["", "4", "47", "479", "47900", "1", "12", "0", "00"]),
                 unique=True, max_size=6)
    )  # fmt: skip
    rows = []
    for prefix in prefixes:
        cuts = sorted(draw(st.sets(st.sampled_from(EDGES), min_size=2, max_size=3)))
        for number, (first, last) in enumerate(pairwise(cuts)):
            price = draw(st.integers(0, len(prices) - 1))
            rows.append((prefix, f"z{prefix[:2]}", price, number + 1, first, last))
    rounding = Rounding(
        draw(st.sampled_from(["up", "down", "half_up", "half_even"])), draw(st.integers(0, 9))
    )
    return Tariff(
        tariff_id=TARIFFS[service], service=service, unit=unit, currency="EUR", zone_by=zone_by,
        calendar=calendar, rounding=rounding, prices=prices,
        prefixes=pl.DataFrame(rows, schema=PREFIX_SCHEMA, orient="row"),
        order=draw(st.sampled_from(["scan", "scan", "scan", "sequential"])), gl_code="4000",
        straddle=draw(st.sampled_from(["start_band", "prorate", "end_band"])),
    )  # fmt: skip


@st.composite
def _offers(draw: st.DrawFn, offer_id: str) -> Offer:
    services = draw(st.sets(st.sampled_from(sorted(UNITS)), min_size=2))
    allowances = []
    if "voice" in services and draw(st.booleans()):
        parts = draw(st.sampled_from([[()], [("z47",)], [("z47",), ("z4", "z")]]))
        for number, zones in enumerate(parts):
            size = draw(st.sampled_from([0, 1, 95 * SECOND, 600 * SECOND]))
            allowances.append(
                Allowance(
                    f"min{number}", frozenset({"voice"}), frozenset(zones), "microsecond", size
                )
            )
    if "data" in services and draw(st.booleans()):
        size = draw(st.sampled_from([0, 100, 1_000]))
        allowances.append(Allowance("mb", frozenset({"data"}), frozenset(), "octet", size))
    tariffs = {(service, "mo"): TARIFFS[service] for service in sorted(services)}
    return Offer(offer_id, tariffs, tuple(allowances), draw(st.sampled_from(ZONES)))


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """A small catalogue."""
    tariffs = {TARIFFS[service]: draw(_tariffs(service)) for service in sorted(UNITS)}
    return Snapshot(
        hash="test", tenant_id="t", legal_entity="L", currency="EUR", time_zone="UTC",
        calendars={}, tariffs=tariffs, offers={key: draw(_offers(key)) for key in OFFERS},
        feeds={}, identifiers=pl.DataFrame(schema=IDENTIFIER_SCHEMA), typical_rates={},
    )  # fmt: skip


@st.composite
def usage_events(draw: st.DrawFn, most: int = 25) -> list[UsageEvent]:
    """Usage of three subscriptions in two accounts."""
    events = []
    for number in range(draw(st.integers(0, most))):
        service = draw(st.sampled_from([*sorted(UNITS), "mms"]))
        subscription = draw(st.sampled_from(["s1", "s2", "s3"]))
        size = SECOND if service == "voice" else 1
        quantity = draw(
            st.one_of(
                st.integers(0, 200).map(lambda value, size=size: value * size),
                st.integers(0, 200 * size),
                st.sampled_from([0, 1, 10**10, 3 * 10**11, 10**15, 10**15 + 1]),
            )
        )
        if service == "voice":
            quantity = min(quantity, 10**11)
        start = draw(st.sampled_from(MOMENTS)) + draw(st.integers(-3_700, 3_700)) * SECOND
        events.append(
            UsageEvent(
                event_id=f"00000000-0000-0000-0000-{number:012d}", service=service, direction="mo",
                subscription_id=subscription, account_id=subscription,
                routing_id="r1" if subscription == "s1" else "r2",
                offer_id=draw(st.sampled_from([*OFFERS, "none"])) if number % 9 == 8
                else OFFERS[0 if subscription == "s1" else 1],
                b_number=draw(_NUMBERS), a_number=draw(_NUMBERS), serving_plmn=draw(_NUMBERS),
                start_time=max(0, start), quantity=quantity,
                unit=UNITS.get(service, "count") if number % 11 else "count",
                source_amount=Decimal("1.5"),
            )
        )  # fmt: skip
    return events
