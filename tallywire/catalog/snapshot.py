"""The compiled catalogue: immutable, named by its content hash, the only thing rating reads.

Small things are frozen objects; what has many rows (prefixes, identifiers) is a DataFrame. Both
raters build their own look-ups from it.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import polars as pl

from tallywire.catalog.canaries import Canary
from tallywire.catalog.feed import Feed
from tallywire.catalog.terms import (
    FOREVER_US,
    Allowance,
    Balance,
    Conversion,
    Discount,
    Grant,
    Spend,
    Tiers,
    Variant,
)
from tallywire.reference import Reference

__all__ = [
    "FOREVER_US", "IDENTIFIER_SCHEMA", "PREFIX_SCHEMA", "Allowance", "BandRule", "Calendar",
    "Feed", "Group", "Offer", "Override", "Partner", "Price", "Rounding",
    "Snapshot", "Tariff",
]  # fmt: skip

PREFIX_SCHEMA = pl.Schema(
    {
        "prefix": pl.String(),  # digits; empty matches every number
        "zone_id": pl.String(),
        "price_no": pl.Int32(),  # index into Tariff.prices
        "revision": pl.Int32(),
        "valid_from_us": pl.Int64(),
        "valid_to_us": pl.Int64(),  # exclusive
    }
)

IDENTIFIER_SCHEMA = pl.Schema(
    {
        "identifier_type": pl.String(),  # msisdn, imsi, user_name, customer, trunk, partner, ...
        "identifier": pl.String(),
        "subscription_id": pl.String(),
        "account_id": pl.String(),
        "routing_id": pl.String(),  # root of the account's hierarchy
        "offer_id": pl.String(),
        "valid_from_us": pl.Int64(),
        "valid_to_us": pl.Int64(),  # exclusive; rows of one identifier never overlap
    }
)


LATE_USAGE = {"soft_closed": "correct", "closed": "next_period"}
"""What becomes of usage of a period that is not open, unless the catalogue says otherwise."""


@dataclass(frozen=True)
class BandRule:
    """When a band applies: listed days, from start to end of the local wall clock.

    Attributes:
        band_no: Index into `Calendar.bands`.
        days: Weekdays 0 (Monday) to 6; 7 is "holiday", which no weekday rule matches.
        start_minute: Minute of the day, inclusive.
        end_minute: Minute of the day, exclusive; 1440 is midnight.
    """

    band_no: int
    days: frozenset[int]
    start_minute: int
    end_minute: int


@dataclass(frozen=True)
class Calendar:
    """Bands of local time. The band of an instant is that of its local wall time.

    The first rule that matches wins; where none matches the band is `bands[0]`, the default.
    """

    calendar_id: str
    time_zone: str
    bands: tuple[str, ...]
    rules: tuple[BandRule, ...] = ()
    holidays: frozenset[datetime.date] = frozenset()


@dataclass(frozen=True)
class Group:
    """An increment group: from `start` on, usage is counted in steps of `increment`.

    Attributes:
        start: First unit the group covers, base units.
        increment: Step, base units, > 0.
        rates: Exact price per base unit, one for each band of the tariff's calendar.
        bands: Bands (indexes) in which it applies; empty for all. Where one group of a price names
            bands all do, and the groups of each band ascend from 0.
    """

    start: int
    increment: int
    rates: tuple[Fraction, ...]
    bands: tuple[int, ...] = ()


@dataclass(frozen=True)
class Price:
    """What one zone costs.

    Attributes:
        connect_fee: Charged once when some usage is not covered by an allowance.
        minimum_charge: Least charge of an event with usage not covered by an allowance.
        groups: Increment groups, ascending, the first starting at 0.
        maximum_charge: Greatest charge of an event, the connection fee included; not below
            `minimum_charge`.
        variants: Prices for usage with certain attributes, most exact first; the first that fits
            is taken instead of this one.
        only_variants: Usage that fits none of them has no price; without any variant nothing in the
            zone has one.
        tiers: Price over a period, added to that of the groups.
        share: Part of an amount that is charged: 1/50 is two per cent.
        share_of: `source_amount`, the amount that the event carries, or the run of an earlier leg.
        uplink: Increment groups of the octets sent; `groups` then price those received.
    """

    connect_fee: Fraction
    minimum_charge: Fraction
    groups: tuple[Group, ...]
    maximum_charge: Fraction | None = None
    variants: tuple[Variant, ...] = ()
    only_variants: bool = False
    tiers: Tiers | None = None
    share: Fraction | None = None
    share_of: str = "source_amount"
    uplink: tuple[Group, ...] = ()


@dataclass(frozen=True)
class Rounding:
    """The one rounding of a charge.

    Attributes:
        mode: up, down, half_up, half_even, none; symmetric for negatives ("up" is away from
            zero); `none` keeps nine decimals, halves to even.
        scale: Decimals kept, 0 to 9.
    """

    mode: str
    scale: int


@dataclass(frozen=True)
class Tariff:
    """Prices of one service, by zone and date.

    Attributes:
        zone_by: Usage field whose digits the prefixes match: `b_number`, `a_number`,
            `serving_plmn`, or `none` (then the only prefix is the empty one).
        order: `scan` or `sequential`: whether the columnar rater may rate it; `event_time` is
            sequential, and a re-rating puts its usage into the order of its time.
        straddle: What a step that reaches into another band costs: `start_band` or `end_band`
            (the band of its first or its last base unit), or `prorate` (each unit in its own).
        prefixes: Rows of PREFIX_SCHEMA; for one prefix the validity intervals do not overlap.
        origins: Zone of each prefix of calling numbers, for conditions on `origin_zone`.
        conversion: From base units of usage to priced units, before increments.
    """

    tariff_id: str
    service: str
    unit: str
    currency: str
    zone_by: str
    calendar: Calendar
    rounding: Rounding
    prices: tuple[Price, ...]
    prefixes: pl.DataFrame
    order: str = "scan"
    straddle: str = "start_band"
    origins: Mapping[str, str] = field(default_factory=dict)
    conversion: Conversion | None = None
    tax_category: str = ""
    legal_entity: str = ""
    gl_code: str = ""


@dataclass(frozen=True)
class Offer:
    """What a subscription has bought: a tariff for each (service, direction), and terms.

    Attributes:
        tariffs: (service, direction) to tariff id.
        fallbacks: Tariffs that are asked in turn where that one has no price.
        allowances: In the order in which they are drawn.
        discounts: In the order in which they are taken.
        time_zone: IANA zone of the billing period.
        currency: Charges are converted to it; empty to leave each in its tariff's own.
    """

    offer_id: str
    tariffs: Mapping[tuple[str, str], str]
    allowances: tuple[Allowance, ...] = ()
    time_zone: str = "UTC"
    fallbacks: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    discounts: tuple[Discount, ...] = ()
    spends: tuple[Spend, ...] = ()
    balances: tuple[Balance, ...] = ()
    currency: str = ""


@dataclass(frozen=True)
class Override:
    """A tariff that one customer has instead of the offer's, for some time."""

    tariff_id: str
    valid_from_us: int = 0
    valid_to_us: int = FOREVER_US


@dataclass(frozen=True)
class Partner:
    """A leg of usage that is settled with somebody else.

    Attributes:
        run: Name of the leg; a usage event has at most one price for each.
        side: `cost` (what we owe) or `revenue` (what we are owed).
        field: Usage field that tells whose leg it is.
        values: Its values.
        tariffs: (service, direction) to tariff id.
    """

    partner_id: str
    run: str
    side: str
    field: str
    values: frozenset[str]
    tariffs: Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Snapshot:
    """A compiled catalogue.

    Attributes:
        hash: sha256 of the source files, hex: names and contents decide.
        identifiers: Rows of IDENTIFIER_SCHEMA, sorted by type, identifier, valid_from_us.
        overrides: Tariffs of single customers, by (`subscription` or `account`, id), then by
            (service, direction); those of an account hold for all accounts below it.
        partners: Legs beside retail, in the order in which they are priced.
        grants: Top-ups by (scope, holder, allowance or balance id), in order of creation.
        fx: Exact rates by (from, to) currency: (valid_from_us, rate), ascending; each holds for
            `fx_days` days.
        parents: Account to the account above it.
        late_usage: By state of a period (`soft_closed`, `closed`) what becomes of usage that comes
            late: `correct`, `next_period` or `suspend`.
        reference: Tables of reference data by name.
        canaries: Known usage that is sent again and again, by id; their accounts are theirs alone.
        typical_rates: Per service the median exact price per base unit and its currency, for the
            estimated worth of suspense.
    """

    hash: str
    tenant_id: str
    legal_entity: str
    currency: str
    time_zone: str
    calendars: Mapping[str, Calendar]
    tariffs: Mapping[str, Tariff]
    offers: Mapping[str, Offer]
    feeds: Mapping[str, Feed]
    identifiers: pl.DataFrame
    typical_rates: Mapping[str, tuple[Fraction, str]]
    overrides: Mapping[tuple[str, str], Mapping[tuple[str, str], tuple[Override, ...]]] = field(
        default_factory=dict
    )
    partners: tuple[Partner, ...] = ()
    grants: Mapping[tuple[str, str, str], tuple[Grant, ...]] = field(default_factory=dict)
    fx: Mapping[tuple[str, str], tuple[tuple[int, Fraction], ...]] = field(default_factory=dict)
    fx_days: int = 1
    parents: Mapping[str, str] = field(default_factory=dict)
    late_usage: Mapping[str, str] = field(default_factory=lambda: dict(LATE_USAGE))
    reference: Reference = field(default_factory=dict)
    canaries: Mapping[str, Canary] = field(default_factory=dict)
