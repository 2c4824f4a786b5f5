"""A catalogue with one carrier whose leg is priced by tiers over all that it carries."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import groupby
from typing import Any

from schemas.usage import UsageEvent
from tallywire.calendar import billing_month
from tallywire.catalog.snapshot import Group, Partner, Snapshot
from tallywire.catalog.terms import Tier, Tiers
from tallywire.rating.corrections import REVERSAL
from tallywire.rating.partner_true_up import Counted
from tests.priced import one_tariff, usage, with_price

NOBODY = Tiers("volume", "graduated", (Tier(0, Fraction(0), Fraction(0)),), scope="partner")


def carried(tiers: Tiers = NOBODY, **fields: Any) -> Snapshot:
    """Data of the offer is free; the carrier `nordvik` of trunk `nv` is paid by tiers."""
    free = one_tariff(Group(0, 1, (Fraction(0),)), service="data", **fields)
    own = replace(with_price(free, tiers=tiers).tariffs["tariff"], tariff_id="carrier")
    leg = Partner(
        "nordvik", "wholesale", "cost", "trunk_out", frozenset({"nv"}), {("data", "mo"): "carrier"}
    )
    return replace(free, tariffs={**free.tariffs, "carrier": own}, partners=(leg,))


def carriage(quantity: int, start: str = "2026-07-15T12:00:00Z", **fields: object) -> UsageEvent:
    """Data that the carrier takes."""
    return usage(quantity, start, service="data", trunk_out="nv", **fields)


def counted(rows: Iterable[Mapping[str, Any]]) -> list[Counted]:
    """What rows of partners' legs counted, as the store sums them."""
    names = ("party_id", "run", "side", "tariff_id", "price_no", "currency", "period",
             "catalog_hash")  # fmt: skip
    legs = [
        {**row, "period": billing_month(row["start_time"], "UTC")}
        for row in rows
        if row["party_id"] and row["cumulative_before"] == 0
    ]
    legs.sort(key=lambda row: [row[name] for name in names])
    made = []
    for key, some in groupby(legs, key=lambda row: [row[name] for name in names]):
        units = sum(
            (row["cumulative_after"] - row["cumulative_before"])
            * (-1 if row["op"] == REVERSAL else 1)
            for row in some
        )
        given = dict(zip(names, key, strict=True))
        made.append(Counted(units=units, **given))
    return made
