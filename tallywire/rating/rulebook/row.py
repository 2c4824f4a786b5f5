"""A charge as a row of RatedEvent."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import xxhash

from schemas.canaries import CANARY
from tallywire.catalog.snapshot import Snapshot
from tallywire.money import display
from tallywire.rating.rulebook.allowance import Drawn
from tallywire.rating.rulebook.working import Working

ENGINE_VERSION = "1"
OP = "charge"
_NANO = 9
_NOTHING = Fraction(0)
_ZERO = display(_NOTHING)


def rated_id(event_id: bytes, restatement_no: int, attempt: int, run: str) -> bytes:
    """Name a charge by what it charges.

    Args:
        event_id: 16 bytes.
        restatement_no: Which restatement of the event.
        attempt: Which attempt at rating it.
        run: Which leg.

    Returns:
        16 bytes: xxh3-128, the high byte first.
    """
    text = f"{event_id.hex()}\x1f{restatement_no}\x1f{attempt}\x1f{run}\x1f{OP}"
    return xxhash.xxh3_128_digest(text.encode())


def rated_row(working: Working, snapshot: Snapshot) -> dict[str, Any]:
    """Write the fields of RatedEvent, without ledger time and token."""
    found, event, leg = working.found, working.event, working.found.leg
    tariff, entry = found.tariff, found.entry
    number = event["event_id"], event["restatement_no"], event["attempt"]
    return {
        **event,
        "rated_id": rated_id(*number, leg.run),
        "run": leg.run,
        "side": CANARY if CANARY in event["quality_flags"].split(",") else leg.side,
        "party_id": leg.party_id,
        "op": OP,
        "version": 1,
        "tariff_id": tariff.tariff_id,
        "tariff_revision": entry.revision,
        "zone_id": entry.zone_id,
        "matched_prefix": entry.prefix,
        "price_no": found.price_no,
        "bands": _bands(working),
        "time_zone": tariff.calendar.time_zone,
        **_counted(working),
        **_money(working),
        "tax_category": tariff.tax_category,
        "legal_entity": tariff.legal_entity or snapshot.legal_entity,
        "gl_code": tariff.gl_code,
        "bill_period": working.month,
        "fate_change": int(found.retail),
        "rater": "rulebook",
        "catalog_hash": snapshot.hash,
        "engine_version": ENGINE_VERSION,
    }


def _counted(working: Working) -> dict[str, Any]:
    drawn, climb = working.priced.drawn, working.priced.climb
    quantity, last = working.counted.quantity, drawn.draws[-1] if drawn.draws else None
    return {
        "rated_quantity": quantity,
        "included_quantity": drawn.covered,
        "allowance_id": last.bucket.allowance.allowance_id if last else "",
        "allowance_before": last.before if last else -1,
        "allowance_after": last.after if last else -1,
        "cumulative_before": climb.before if climb else -1,
        "cumulative_after": climb.after if climb else -1,
        "counters": _counters(working),
        "usage_rating_tag": _tag(drawn, quantity),
    }


def _counters(working: Working) -> str:
    """Write what was read, unless one allowance and one sum of tiers tell it already."""
    draws = working.priced.drawn.draws
    climb = working.priced.climb
    known = len(draws) + (climb is not None and not climb.tiers.provisional)
    plain = len(draws) <= 1 and len(working.reads) == known
    plain = plain and not any(draw.bucket.granted for draw in draws)
    return "" if plain else " ".join(str(value) for value in working.reads)


def _money(working: Working) -> dict[str, Any]:
    exact, amount = working.exact, working.amount
    rounding = working.found.tariff.rounding
    climb = working.priced.climb
    return {
        "connect_fee": _shown(working.priced.fee),
        "minimum_applied": int(bool(working.raised)),
        "maximum_applied": int(bool(working.cut)),
        "repriced": _shown(climb.repriced) if climb else _ZERO,
        "discount": _summed([one.amount for one in working.taken]),
        "spend_change": _summed([one.added - one.cut for one in working.spent]),
        "amount_numerator": Decimal(exact.numerator),
        "amount_denominator": Decimal(exact.denominator),
        "amount": _shown(amount),
        "rounding_mode": rounding.mode,
        "rounding_scale": rounding.scale,
        "rounding_difference": display(amount - exact) if amount != exact else _ZERO,
        "currency": working.currency,
        "fx_rate": str(working.fx) if working.fx is not None else "",
        "balance_paid": _paid(working),
    }


def _shown(value: Fraction) -> Decimal:
    return display(value) if value else _ZERO


def _summed(values: Sequence[Fraction]) -> Decimal:
    return _shown(sum(values, _NOTHING)) if values else _ZERO


def _paid(working: Working) -> Decimal:
    paid = sum(one.paid for one in working.paid)
    return display(Fraction(paid, 10**_NANO)) if paid else _ZERO


def _bands(working: Working) -> str:
    met = dict.fromkeys(line.part.stretch.band for line in working.priced.lines)
    names = working.found.tariff.calendar.bands
    return "+".join(names[number] for number in met or (working.start_band,))


def _tag(drawn: Drawn, quantity: int) -> str:
    if not drawn.covered:
        return "usage"
    return "included" if drawn.covered == quantity else "mixed"
