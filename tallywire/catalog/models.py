"""The catalogue as it is written: one strict model for each kind of entry.

Unknown keys are refused. Every scalar arrives as the text in the file.
"""

from fractions import Fraction
from typing import Literal

from pydantic import Field

from schemas.services import Partitioner, Service
from tallywire.catalog.expect_models import ExpectEntry
from tallywire.catalog.models_collect import CollectEntry
from tallywire.catalog.models_feeds import EnrichEntry, FieldMaps, FilterEntry, NodeEntry
from tallywire.catalog.models_mqtt import MqttEntry
from tallywire.catalog.models_terms import (
    AllowanceEntry,
    BalanceEntry,
    Conditions,
    ConversionEntry,
    DiscountEntry,
    Entry,
    GroupEntry,
    OverrideEntry,
    PlanTariff,
    RateColumns,
    Rates,
    SpendEntry,
    TiersEntry,
    UplinkEntry,
)
from tallywire.catalog.values import (
    Clock,
    CurrencyCode,
    Day,
    Digits,
    Id,
    Moment,
    Money,
    Network,
    Percent,
    Scale,
    Size,
    Steps,
    Whole,
    Words,
    YesNo,
    ZoneName,
)


class LateUsageEntry(Entry):
    """What becomes of usage whose period is not open any more."""

    soft_closed: Literal["correct", "next_period", "suspend"] = "correct"
    closed: Literal["next_period", "suspend"] = "next_period"


class Operator(Entry):
    """Who runs the catalogue, and the defaults of everything in it."""

    tenant: Id = "default"
    legal_entity: Words
    currency: CurrencyCode
    time_zone: ZoneName
    home_country: Digits
    trunk_prefix: Digits = ""
    international_prefixes: tuple[Digits, ...] = ("00",)
    home_plmn: Digits = ""
    fx_days: Whole = 1
    max_change_percent: Percent = Fraction(50)
    late_usage: LateUsageEntry = LateUsageEntry()
    enrich: tuple[EnrichEntry, ...] = ()
    filters: tuple[FilterEntry, ...] = ()


class ServedBy(Entry):
    """One way to find the served party: which identifier, in which usage field."""

    identifier: Id
    field: Literal[
        "a_number", "b_number", "c_number", "imsi", "imei", "user_name", "customer",
        "account_code", "partner", "ip", "trunk_in", "trunk_out", "apn",
    ]  # fmt: skip


class RadiusClientEntry(Entry):
    """Access servers that send RADIUS accounting, and the name of the secret they share."""

    network: Network
    secret: Id
    signed: YesNo = False


class FeedEntry(Entry):
    """A source of usage."""

    id: Id
    name: Words = ""
    format: Id
    path: Words = ""
    collect: CollectEntry | None = None
    topic: Words = ""
    http: YesNo = False
    radius: tuple[RadiusClientEntry, ...] = ()
    mqtt: MqttEntry | None = None
    partitioner: Partitioner = Partitioner.MURMUR2
    growing: YesNo = False
    service: Service
    source: Id | None = None
    tenant: Id | None = None
    time_zone: ZoneName | None = None
    home_country: Digits | None = None
    trunk_prefix: Digits | None = None
    international_prefixes: tuple[Digits, ...] | None = None
    home_plmn: Digits | None = None
    nodes: tuple[NodeEntry, ...] = ()
    map: FieldMaps = Field(default_factory=dict)
    enrich: tuple[EnrichEntry, ...] = ()
    filters: tuple[FilterEntry, ...] = ()
    served: tuple[ServedBy, ...]
    window_days: Whole = 35
    backfill: YesNo = False
    typical_quantity: Size | None = None
    expect: ExpectEntry | None = None
    options: dict[str, object] = Field(default_factory=dict)


class Zone(Entry):
    """Numbers that cost the same."""

    id: Id
    name: Words = ""
    prefixes: tuple[Digits, ...]


class ZonePlan(Entry):
    """A partition of numbers (or of networks) into zones; the longest prefix decides."""

    id: Id
    name: Words = ""
    zones: tuple[Zone, ...]


class Rule(Entry):
    """When a band applies."""

    band: Id
    days: Words
    start: Clock = Field(default=0, alias="from")
    end: Clock = Field(default=1440, alias="to")


class CalendarEntry(Entry):
    """Bands of local time; the first band is the default, the first rule that matches wins."""

    id: Id
    name: Words = ""
    time_zone: ZoneName
    bands: tuple[Id, ...]
    rules: tuple[Rule, ...] = ()
    holidays: tuple[Day, ...] = ()


class PriceEntry(Entry):
    """What one zone costs: `rate`, `per` and `increment`, or a list of `groups`, and more."""

    zone: Id | None = None
    when: Conditions = Field(default_factory=dict)
    origins: tuple[Id, ...] = Field(default=(), alias="from")
    free: Size | None = None
    connect_fee: Money = Fraction(0)
    minimum_charge: Money = Fraction(0)
    maximum_charge: Money | None = None
    rate: Rates | None = None
    per: Size | None = None
    increment: Steps | None = None
    groups: tuple[GroupEntry, ...] = ()
    uplink: UplinkEntry | None = None
    tiers: TiersEntry | None = None
    percent: Money | None = None
    multiplier: Money | None = None
    of: Id | None = None


class DeckColumns(Entry):
    """Which column of a rate deck holds what."""

    prefix: Words
    rate: RateColumns
    destination: Words | None = None
    connect_fee: Words | None = None
    minimum_charge: Words | None = None
    maximum_charge: Words | None = None
    increment: Words | None = None
    initial: Words | None = None
    subsequent: Words | None = None
    included: Words | None = None
    valid_from: Words | None = None
    valid_to: Words | None = None


class DeckEntry(Entry):
    """A rate deck: a CSV file and how to read it."""

    file: Words
    separator: Literal[",", ";", "|", "tab"] = ","
    per: Size
    columns: DeckColumns
    connect_fee: Money = Fraction(0)
    minimum_charge: Money = Fraction(0)
    maximum_charge: Money | None = None
    increment: Steps | None = None


class RevisionEntry(Entry):
    """The prices of a tariff from a date on."""

    revision: Whole
    valid_from: Moment
    valid_to: Moment | None = None
    zones: Id | None = None
    unpriced: tuple[Id, ...] = ()
    prices: tuple[PriceEntry, ...] = ()
    deck: DeckEntry | None = None


class RoundingEntry(Entry):
    """How a charge is rounded, once."""

    mode: Literal["up", "down", "half_up", "half_even", "none"]
    scale: Scale = 9


class TariffEntry(Entry):
    """Prices of one service."""

    id: Id
    name: Words = ""
    service: Service
    currency: CurrencyCode | None = None
    zone_by: Literal["b_number", "a_number", "serving_plmn", "none"]
    calendar: Id | None = None
    rounding: RoundingEntry
    order: Literal["scan", "sequential", "event_time"] = "scan"
    straddle: Literal["start_band", "prorate", "end_band"] = "start_band"
    origins: Id | None = None
    convert: ConversionEntry | None = None
    tax_category: Words = ""
    legal_entity: Words | None = None
    gl_code: Words = ""
    revisions: tuple[RevisionEntry, ...]


class PlanEntry(Entry):
    """Tariffs that are sold together."""

    id: Id
    name: Words = ""
    tariffs: tuple[PlanTariff, ...]


class OfferEntry(Entry):
    """What a customer buys: plans, and terms for all of it."""

    id: Id
    name: Words = ""
    plans: tuple[Id, ...]
    time_zone: ZoneName | None = None
    currency: CurrencyCode | None = None
    allowances: tuple[AllowanceEntry, ...] = ()
    discounts: tuple[DiscountEntry, ...] = ()
    spend: tuple[SpendEntry, ...] = ()
    balances: tuple[BalanceEntry, ...] = ()


class IdentifierEntry(Entry):
    """A number, SIM, user or device that uses the service."""

    type: Id
    value: Words
    valid_from: Moment | None = None
    valid_to: Moment | None = None


class OfferPeriod(Entry):
    """The offer a subscription has for some time."""

    offer: Id
    valid_from: Moment | None = None
    valid_to: Moment | None = None


class SubscriptionEntry(Entry):
    """An offer bought by an account, and the identifiers that use it."""

    id: Id
    offer: Id | None = None
    offers: tuple[OfferPeriod, ...] = ()
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    identifiers: tuple[IdentifierEntry, ...]
    overrides: tuple[OverrideEntry, ...] = ()


class AccountEntry(Entry):
    """Who pays; `parent` makes the hierarchy whose top owns shared counters."""

    id: Id
    name: Words = ""
    parent: Id | None = None
    subscriptions: tuple[SubscriptionEntry, ...] = ()
    overrides: tuple[OverrideEntry, ...] = ()
