"""Terms of prices and offers, compiled: conditions, tiers, allowances, discounts, spend, balances.

Everything here is a frozen object with exact numbers; both raters read it. A counter belongs to a
scope (whose) and a period (how long): together with a name they make its key.
"""

from dataclasses import dataclass
from fractions import Fraction

FOREVER_US = 9_223_372_036_854_775_807
"""`valid_to_us` of what never ends; `valid_from_us` of what always was is 0."""

CARRIED = "source_amount"
"""What a share is of where it is of no earlier leg: the amount that the usage carries."""
SCOPES = ("subscription", "account", "hierarchy")
PARTNER = "partner"
"""Scope of tiers that count what a partner's leg carries, of all accounts together."""
PERIODS = ("day", "week", "month", "year", "once")
COUNTED = ("sum", "count")
"""Measures that any rater may count: what one event adds does not depend on the others."""
ADDED_UP = (*COUNTED, "amount")
"""Measures whose counts of parts add up to the count of the whole, in any order."""
MEASURES = (*COUNTED, "amount", "max", "latest", "unique", "time_weighted", "percentile")


@dataclass(frozen=True)
class Condition:
    """A usage attribute that must have one of these values.

    Attributes:
        field: A column of UsageEvent, `attributes.NAME`, or `origin_zone`: the zone of the calling
            number by the tariff's origin plan.
        values: Accepted texts.
    """

    field: str
    values: frozenset[str]


@dataclass(frozen=True)
class Variant:
    """Another price for usage whose attributes fit.

    Attributes:
        when: All of them must hold.
        price_no: Index into `Tariff.prices`.
    """

    when: tuple[Condition, ...]
    price_no: int


@dataclass(frozen=True)
class Tier:
    """Prices of what is counted beyond `start` in a period.

    Attributes:
        start: Units counted before this tier begins; the first tier begins at 0.
        flat: Charged when the tier is entered (graduated), or for being in it (volume).
        rate: Exact price per counted unit.
        block: Units are charged in whole blocks; 1 for each unit.
    """

    start: int
    flat: Fraction
    rate: Fraction
    block: int = 1


@dataclass(frozen=True)
class Tiers:
    """A price over a period: an event costs what it adds to the price of everything counted.

    Attributes:
        counter: Name of the counter; prices that name the same one count together.
        mode: `graduated` (each unit at its own tier) or `volume` (all units at the tier reached).
        steps: Ascending, the first from 0.
        measure: How usage is counted: `sum` of units, `count` of events, `amount` carried by
            events (10^-9 of the currency), `max`, `latest`, `unique` values of the field `of`,
            `time_weighted` (units times seconds), `percentile` of the events' units.
        scope: Whose usage counts together; of `partner` tiers an event is charged provisionally, at
            the rate of the first tier alone, and the partner is trued up later.
        of: Field whose distinct values are counted.
        percentile: 1 to 99, nearest rank.
    """

    counter: str
    mode: str
    steps: tuple[Tier, ...]
    measure: str = "sum"
    scope: str = "subscription"
    period: str = "month"
    of: str = ""
    percentile: int = 0

    @property
    def provisional(self) -> bool:
        """Whether an event pays the first tier's rate until the partner is trued up."""
        return self.scope == PARTNER


@dataclass(frozen=True)
class Rollover:
    """Unused units of earlier periods that are added to this one.

    Attributes:
        periods: How many periods unused units live on.
        cap: Most units carried over.
    """

    periods: int
    cap: int


@dataclass(frozen=True)
class Allowance:
    """Included usage of a period, in the offer's time zone.

    Attributes:
        services: Services that draw from it (all in the same unit).
        zones: Zone ids it pays for; empty for every zone.
        quantity: Base units per period; 0 where only top-ups fill it.
        scope: Who shares it.
        priority: Lower draws first; then what expires first, then the order written.
        bands: Bands of the tariff's calendar it pays for; empty for all.
        when: Conditions on usage.
        topped_up: Grants may add to it.
        overage: Price of a unit beyond the quantity, instead of the tariff's: fair use.
    """

    allowance_id: str
    services: frozenset[str]
    zones: frozenset[str]
    unit: str
    quantity: int
    period: str = "month"
    scope: str = "subscription"
    priority: int = 0
    bands: frozenset[str] = frozenset()
    when: tuple[Condition, ...] = ()
    valid_from_us: int = 0
    valid_to_us: int = FOREVER_US
    rollover: Rollover | None = None
    topped_up: bool = False
    overage: Fraction | None = None


@dataclass(frozen=True)
class Grant:
    """A top-up: units of an allowance, or money of a balance, that somebody holds for some time.

    Attributes:
        grant_id: Its id, once per holder and allowance.
        quantity: Base units, or 10^-9 of the balance's currency.
    """

    grant_id: str
    quantity: int
    valid_from_us: int = 0
    valid_to_us: int = FOREVER_US


@dataclass(frozen=True)
class Balance:
    """Prepaid money, filled by grants, that pays charges in its currency.

    Attributes:
        services: Services whose charges it pays; empty for all.
        priority: Lower pays first.
    """

    balance_id: str
    currency: str
    scope: str = "subscription"
    services: frozenset[str] = frozenset()
    priority: int = 0


@dataclass(frozen=True)
class DiscountStep:
    """A discount beyond so much counted usage or spend.

    Attributes:
        start: Base units, or 10^-9 of the currency, counted in the period before it begins.
        percent: Of the charge, 0 to 100.
    """

    start: int
    percent: Fraction


@dataclass(frozen=True)
class Discount:
    """What is taken off a charge, after its price and before maximum and minimum.

    Attributes:
        steps: Percentages by what was counted before; one step from 0 is a plain percentage.
        measure: What is counted: `` (nothing), `usage` (charged units) or `spend` (charges).
        amount: Money taken off per period at most, in whole 10^-9 of the currency; then there
            are no steps.
        services, zones, when: Charges it applies to; empty for all.
        tenure_from, tenure_to: Whole months since the subscription began: from, until before.
        requires: Offers of which the account must have one at that time; empty for none.
        currency: Of `amount` and of spend; charges in another one are left alone.
    """

    discount_id: str
    steps: tuple[DiscountStep, ...] = ()
    measure: str = ""
    amount: Fraction | None = None
    services: frozenset[str] = frozenset()
    zones: frozenset[str] = frozenset()
    when: tuple[Condition, ...] = ()
    valid_from_us: int = 0
    valid_to_us: int = FOREVER_US
    tenure_from: int = 0
    tenure_to: int | None = None
    requires: frozenset[str] = frozenset()
    scope: str = "subscription"
    period: str = "month"
    currency: str = ""


@dataclass(frozen=True)
class Spend:
    """What the charges of a period come to, together.

    Attributes:
        minimum: At period close the difference is charged.
        maximum: Charges beyond it are nothing.
        committed: Promised spend: charged at period close where it was not reached; beyond it
            charges are multiplied by `overage`.
        services: Charges that count; empty for all.
    """

    spend_id: str
    currency: str
    minimum: Fraction | None = None
    maximum: Fraction | None = None
    committed: Fraction | None = None
    overage: Fraction = Fraction(1)
    services: frozenset[str] = frozenset()
    scope: str = "subscription"
    period: str = "month"


@dataclass(frozen=True)
class Conversion:
    """How base units of usage become the units that are priced: `quantity * multiply / divide`.

    Attributes:
        mode: How the result is rounded to a whole number: up, down, half_up, half_even.
    """

    multiply: int
    divide: int
    mode: str
