"""True-up of partners: what the tiers of all that a partner carried cost, beyond what was charged.

Lanes charge each event at the rate of the first tier. What all lanes counted together has a price;
the difference is charged as a row of its own, signed. A true-up remembers how much it covers, so
that the next one charges only what is further due, and the same one again charges nothing.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import polars as pl
import xxhash
from pydantic import BaseModel, ConfigDict

from schemas.columns import conform, polars_schema
from schemas.rated import RatedEvent
from schemas.reasons import Reason
from schemas.services import Unit
from tallywire.calendar import billing_month, day_start, period_end
from tallywire.catalog.snapshot import Snapshot, Tariff
from tallywire.catalog.terms import Tiers
from tallywire.money import display, fits, rounded
from tallywire.rating.rulebook import TRUE_UP, Closing, Refusal, Step, rated_id
from tallywire.rating.rulebook.row import ENGINE_VERSION
from tallywire.rating.rulebook.tiers import price_of

KIND = "partner"
"""`usage_type` of a row that trues up a partner."""
OWNER = "partner:"
"""How the routing id of a partner begins: its lane is found as that of an account."""
Catalogs = Callable[[str], Snapshot]


class Counted(BaseModel):
    """What some rows of partners' legs have counted: a part of it, from any lane.

    Attributes:
        period: Month of the usage on the operator's wall clock, wherever its rows are booked.
        units: Counted after less counted before, summed; rows that take a charge back count less.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    party_id: str
    run: str
    side: str
    tariff_id: str
    price_no: int
    currency: str
    period: str
    catalog_hash: str
    units: int


@dataclass(frozen=True)
class PartnerCount:
    """What a partner carried in a month that one price is for.

    Attributes:
        tiers: Its price; usage under another price counts apart.
        catalog_hash, price_no: Where that price is found.
        units: Everything counted.
        before: How much of it is trued up already.
    """

    party_id: str
    run: str
    side: str
    tariff: Tariff
    tiers: Tiers
    currency: str
    period: str
    catalog_hash: str
    price_no: int
    units: int
    before: int = 0

    @property
    def event_id(self) -> bytes:
        """Name the counter of the month: all true-ups of it are one chain. 16 bytes."""
        name = (
            TRUE_UP, KIND, self.party_id, self.run, self.side, self.tariff.tariff_id,
            self.currency, self.period, priced(self.tiers),
        )  # fmt: skip
        return xxhash.xxh3_128_digest("\x1f".join(name).encode())

    @property
    def provisional(self) -> Fraction:
        """Give what lanes have charged for it, before rounding."""
        return provisional_price(self.tiers, self.units)

    @property
    def final(self) -> Fraction:
        """Give what it costs."""
        return price_of(self.tiers.steps, self.tiers.mode, self.units)

    @property
    def due(self) -> Fraction:
        """Give what is still to be charged: negative where too much was."""
        return difference(self.tiers, self.units) - difference(self.tiers, self.before)


def provisional_price(tiers: Tiers, units: int) -> Fraction:
    """Give the price at the rate of the first tier alone.

    >>> from tallywire.catalog.terms import Tier
    >>> steps = (Tier(0, Fraction(5), Fraction(1, 10)), Tier(100, Fraction(0), Fraction(1, 20)))
    >>> tiers = Tiers("voice", "graduated", steps, scope="partner")
    >>> str(provisional_price(tiers, 300)), str(difference(tiers, 300))
    ('30', '-5')
    """
    return units * tiers.steps[0].rate


def difference(tiers: Tiers, units: int) -> Fraction:
    """Give the price of everything counted less what was charged for it provisionally."""
    return price_of(tiers.steps, tiers.mode, units) - provisional_price(tiers, units)


def priced(tiers: Tiers) -> str:
    """Write a price over a period, so that equal ones have equal texts."""
    steps = (f"{one.start}:{one.flat}:{one.rate}:{one.block}" for one in tiers.steps)
    return "|".join((tiers.counter, tiers.mode, tiers.measure, *steps))


def routing_id(party_id: str) -> str:
    """Give the routing id of a partner.

    >>> routing_id("nordvik")
    'partner:nordvik'
    """
    return f"{OWNER}{party_id}"


def partner_counts(
    parts: Iterable[Counted], catalogs: Catalogs, covered: Mapping[bytes, int]
) -> list[PartnerCount]:
    """Sum parts, in whatever order and however many, to what each price of a month is for.

    Args:
        parts: What rows counted; those whose price is no tiers of a partner are left out.
        catalogs: Snapshot by hash.
        covered: Units that are trued up already, by event id.

    Returns:
        Counts, sorted by partner, month, run, tariff and counter.
    """
    found: dict[bytes, PartnerCount] = {}
    for part in sorted(parts, key=lambda one: (one.catalog_hash, one.price_no)):
        count = _count(part, catalogs(part.catalog_hash))
        if count is not None:
            key = count.event_id
            there = found.get(key) or replace(count, units=0, before=covered.get(key, 0))
            found[key] = replace(there, units=there.units + part.units)
    return sorted(found.values(), key=_order)


def for_partner(part: Counted, snapshot: Snapshot) -> bool:
    """Tell whether a part is counted by tiers of a partner."""
    return _count(part, snapshot) is not None


def _count(part: Counted, snapshot: Snapshot) -> PartnerCount | None:
    tariff = snapshot.tariffs[part.tariff_id]
    tiers = tariff.prices[part.price_no].tiers
    if tiers is None or not tiers.provisional:
        return None
    return PartnerCount(
        part.party_id, part.run, part.side, tariff, tiers, part.currency, part.period,
        part.catalog_hash, part.price_no, part.units,
    )  # fmt: skip


def _order(count: PartnerCount) -> tuple[str, ...]:
    return (
        count.party_id, count.period, count.run, count.side, count.tariff.tariff_id,
        count.tiers.counter, count.currency, priced(count.tiers),
    )  # fmt: skip


def true_up(count: PartnerCount, snapshot: Snapshot, cause_id: bytes) -> Closing | Refusal | None:
    """Charge what is still due of a count, rounded once.

    Args:
        count: What was counted, and how much of it is trued up.
        snapshot: The catalogue that `count` names.
        cause_id: What asked for it, 16 bytes.

    Returns:
        The charge; none where nothing is due; a refusal where it has over 38 digits.
    """
    due, tariff = count.due, count.tariff
    if not due:
        return None
    if not fits(due):
        detail = f"the exact true-up of {count.tiers.counter} has over 38 digits"
        return Refusal(Reason.QUANTITY_OUT_OF_RANGE, detail, count.tariff.tariff_id)
    amount = rounded(due, mode=tariff.rounding.mode, scale=tariff.rounding.scale)
    between = f"{count.before}..{count.units}..{cause_id.hex()}"
    row = {
        "tenant_id": snapshot.tenant_id,
        "routing_id": routing_id(count.party_id),
        "event_id": count.event_id,
        "rated_id": rated_id(count.event_id, 0, 0, f"{count.run}\x1f{between}"),
        "cause_id": cause_id,
        "run": count.run,
        "side": count.side,
        "party_id": count.party_id,
        "service": tariff.service,
        "usage_type": KIND,
        "kind": "aggregate",
        "session_id": count.tiers.counter,
        "start_time": _last_instant(count.period, snapshot.time_zone),
        "quantity": 0,
        "unit": tariff.unit,
        "op": TRUE_UP,
        "tariff_id": tariff.tariff_id,
        "tariff_revision": 0,
        "price_no": count.price_no,
        "rated_quantity": 0,
        "cumulative_before": count.before,
        "cumulative_after": count.units,
        "amount_numerator": Decimal(due.numerator),
        "amount_denominator": Decimal(due.denominator),
        "amount": display(amount),
        "rounding_mode": tariff.rounding.mode,
        "rounding_scale": tariff.rounding.scale,
        "rounding_difference": display(amount - due),
        "currency": count.currency,
        "counters": f"{count.before} {count.units}",
        "tax_category": tariff.tax_category,
        "legal_entity": tariff.legal_entity or snapshot.legal_entity,
        "gl_code": tariff.gl_code,
        "bill_period": count.period,
        "fate_change": 0,
        "rater": "rulebook",
        "catalog_hash": count.catalog_hash,
        "engine_version": ENGINE_VERSION,
    }
    return Closing(row, {}, {}, _steps(count, due, amount))


def derived(row: Mapping[str, Any], snapshot: Snapshot) -> Closing | Refusal:
    """Derive a stored true-up of a partner again, from the units that it says it is about."""
    tariff = snapshot.tariffs.get(row["tariff_id"])
    prices = tariff.prices[row["price_no"] :] if tariff else ()
    tiers = prices[0].tiers if prices else None
    made: Closing | Refusal | None = None
    if tariff is not None and tiers is not None and tiers.provisional:
        count = PartnerCount(
            row["party_id"], row["run"], row["side"], tariff, tiers, row["currency"],
            billing_month(row["start_time"], snapshot.time_zone), row["catalog_hash"],
            row["price_no"], row["cumulative_after"], row["cumulative_before"],
        )  # fmt: skip
        made = true_up(count, snapshot, row["cause_id"])
    if made is None:
        detail = f"the tariff {row['tariff_id']} has nothing to true up for {row['session_id']}"
        return Refusal(Reason.TARIFF_MISSING, detail, row["session_id"])
    return made


def rows_of(made: Iterable[Closing]) -> pl.DataFrame:
    """Give charges as rows of RatedEvent, without ledger time and token."""
    rows = [dict(one.row) for one in made]
    every = polars_schema(RatedEvent)
    schema = {name: every[name] for name in rows[0]} if rows else every
    return conform(pl.DataFrame(rows, schema=schema, orient="row"), RatedEvent)


def _last_instant(month: str, time_zone: str) -> int:
    begin = day_start(dt.date.fromisoformat(f"{month}-01"), time_zone)
    return period_end(begin, time_zone, "month") - 1


def _steps(count: PartnerCount, due: Fraction, amount: Fraction) -> tuple[Step, ...]:
    tiers, tariff = count.tiers, count.tariff
    facts = {
        "party": count.party_id,
        "counter": tiers.counter,
        "mode": tiers.mode,
        "measure": tiers.measure,
        "period": count.period,
        "unit": Unit.COUNT if tariff.conversion else tariff.unit,
        "before": count.before,
        "after": count.units,
        "final": count.final,
        "provisional": count.provisional,
        "covered": difference(tiers, count.before),
        "amount": due,
        "currency": count.currency,
    }
    rounding = {
        "exact": due,
        "mode": tariff.rounding.mode,
        "scale": tariff.rounding.scale,
        "charge": amount,
        "currency": count.currency,
    }
    return Step("partner_true_up", facts), Step("rounding", rounding)
