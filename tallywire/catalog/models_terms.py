"""Terms as they are written: tiers, conditions, allowances, discounts, spend, partners."""

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from schemas.services import Direction, Service
from tallywire.catalog.values import (
    CurrencyCode,
    Id,
    Moment,
    Money,
    Size,
    Steps,
    Whole,
    Words,
    YesNo,
)

EVERY_BAND = ""
"""Key of a rate that holds in all bands."""


class Entry(BaseModel):
    """Something written in the catalogue."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


def _for_every_band(value: object) -> object:
    return {EVERY_BAND: value} if isinstance(value, str) else value


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Rates = Annotated[dict[str, Money], BeforeValidator(_for_every_band)]
"""One rate, or one for each band of the tariff's calendar."""

RateColumns = Annotated[dict[str, Words], BeforeValidator(_for_every_band)]

Texts = Annotated[tuple[Words, ...], BeforeValidator(_as_list)]
"""One text, or a list of them."""

Conditions = dict[Words, Texts]
"""Usage field, or `attributes.NAME`, to the values that fit."""

Scope = Literal["subscription", "account", "hierarchy"]
TierScope = Literal["subscription", "account", "hierarchy", "partner"]
Period = Literal["day", "week", "month", "year", "once"]


class GroupEntry(Entry):
    """An increment group: from here on, in these bands (or all), these steps at this rate."""

    bands: tuple[Id, ...] = ()
    start: Size = Field(alias="from")
    step: Size
    rate: Rates
    per: Size


class UplinkEntry(Entry):
    """What octets sent cost, where they have a price of their own."""

    rate: Rates | None = None
    per: Size | None = None
    increment: Steps | None = None
    groups: tuple[GroupEntry, ...] = ()


class TierEntry(Entry):
    """A tier: from so much counted on."""

    start: Words = Field(default="0", alias="from")
    flat: Money = Fraction(0)
    rate: Money | None = None
    per: Size | None = None
    percent: Money | None = None
    block: Size | None = None


class TiersEntry(Entry):
    """A price over a period."""

    mode: Literal["graduated", "volume"] = "graduated"
    measure: Literal[
        "sum", "count", "amount", "max", "latest", "unique", "time_weighted", "percentile"
    ] = "sum"
    counter: Id | None = None
    scope: TierScope = "subscription"
    period: Period = "month"
    of: Words | None = None
    percentile: Whole | None = None
    time: Size | None = None
    steps: tuple[TierEntry, ...]


class ConversionEntry(Entry):
    """How base units of usage become priced units."""

    multiply: Whole = 1
    divide: Whole = 1
    rounding: Literal["up", "down", "half_up", "half_even"] = "up"


class RolloverEntry(Entry):
    """Unused units live on."""

    periods: Whole = 1
    cap: Size


class BeyondEntry(Entry):
    """The price of a unit beyond a fair-use quantity."""

    rate: Money
    per: Size


class AllowanceEntry(Entry):
    """Included usage of a period."""

    id: Id
    name: Words = ""
    services: tuple[Service, ...]
    zones: tuple[Words, ...] = ()
    quantity: Size | None = None
    period: Period = "month"
    scope: Scope = "subscription"
    priority: Whole = 0
    bands: tuple[Id, ...] = ()
    when: Conditions = {}
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    rollover: RolloverEntry | None = None
    top_up: YesNo = False
    beyond: BeyondEntry | None = None


class DiscountStepEntry(Entry):
    """A percentage from so much counted on."""

    start: Words = Field(default="0", alias="from")
    percent: Money


class DiscountEntry(Entry):
    """What is taken off charges: a percentage, percentages by what is counted, or an amount."""

    id: Id
    name: Words = ""
    percent: Money | None = None
    amount: Money | None = None
    by: Literal["usage", "spend"] | None = None
    steps: tuple[DiscountStepEntry, ...] = ()
    services: tuple[Service, ...] = ()
    zones: tuple[Words, ...] = ()
    when: Conditions = {}
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    from_month: Whole = 0
    to_month: Whole | None = None
    requires: tuple[Id, ...] = ()
    scope: Scope = "subscription"
    period: Period = "month"


class SpendEntry(Entry):
    """A minimum, a maximum or a commitment of a period."""

    id: Id
    name: Words = ""
    minimum: Money | None = None
    maximum: Money | None = None
    committed: Money | None = None
    overage: Money = Fraction(1)
    services: tuple[Service, ...] = ()
    scope: Scope = "subscription"
    period: Period = "month"
    currency: CurrencyCode | None = None


class BalanceEntry(Entry):
    """Prepaid money that pays charges; top-ups fill it."""

    id: Id
    name: Words = ""
    currency: CurrencyCode | None = None
    scope: Scope = "subscription"
    services: tuple[Service, ...] = ()
    priority: Whole = 0


class PlanTariff(Entry):
    """The tariff of one service and direction, and those asked where it has no price."""

    service: Service
    direction: Direction = Direction.MO
    tariff: Id
    fallback: tuple[Id, ...] = ()


class OverrideEntry(Entry):
    """A tariff that one customer has instead of the offer's."""

    service: Service
    direction: Direction = Direction.MO
    tariff: Id
    valid_from: Moment | None = None
    valid_to: Moment | None = None


class LegEntry(Entry):
    """One leg that is settled with a partner."""

    run: Id
    side: Literal["cost", "revenue"]
    field: Literal[
        "trunk_out", "trunk_in", "partner_id", "serving_plmn", "home_plmn", "feed_id", "account_id",
        "offer_id", "apn", "usage_type",
    ]  # fmt: skip
    values: Texts
    tariffs: tuple[PlanTariff, ...]


class PartnerEntry(Entry):
    """Somebody with whom usage is settled: a carrier, a roaming partner, a reseller."""

    id: Id
    name: Words = ""
    legs: tuple[LegEntry, ...]
