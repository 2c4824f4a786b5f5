"""A charge as a row of RatedEvent."""

from decimal import Decimal
from typing import Any

import xxhash

from tallywire.catalog.snapshot import Snapshot
from tallywire.money import display
from tallywire.rating.rulebook.allowance import Draw
from tallywire.rating.rulebook.working import Working

ENGINE_VERSION = "1"
RUN = "retail"
OP = "charge"


def rated_id(event_id: bytes, restatement_no: int, attempt: int) -> bytes:
    """Name a charge by what it charges.

    Args:
        event_id: 16 bytes.
        restatement_no: Which restatement of the event.
        attempt: Which attempt at rating it.

    Returns:
        16 bytes: xxh3-128, the high byte first.
    """
    text = f"{event_id.hex()}\x1f{restatement_no}\x1f{attempt}\x1f{RUN}\x1f{OP}"
    return xxhash.xxh3_128_digest(text.encode())


def rated_row(working: Working, snapshot: Snapshot) -> dict[str, Any]:
    """Write the fields of RatedEvent, without ledger time and token."""
    tariff, entry, drawn = working.found.tariff, working.found.entry, working.draw
    event, exact, amount = working.event, working.exact, working.amount
    return {
        **event,
        "rated_id": rated_id(event["event_id"], event["restatement_no"], event["attempt"]),
        "run": RUN,
        "op": OP,
        "version": 1,
        "tariff_id": tariff.tariff_id,
        "tariff_revision": entry.revision,
        "zone_id": entry.zone_id,
        "matched_prefix": entry.prefix,
        "price_no": entry.price_no,
        "bands": _bands(working),
        "time_zone": tariff.calendar.time_zone,
        "rated_quantity": working.quantity,
        "included_quantity": drawn.covered,
        "allowance_id": drawn.allowance.allowance_id if drawn.allowance else "",
        "allowance_before": drawn.before,
        "allowance_after": drawn.after,
        "connect_fee": display(working.fee),
        "minimum_applied": int(bool(working.raised)),
        "maximum_applied": int(bool(working.cut)),
        "amount_numerator": Decimal(exact.numerator),
        "amount_denominator": Decimal(exact.denominator),
        "amount": display(amount),
        "rounding_mode": tariff.rounding.mode,
        "rounding_scale": tariff.rounding.scale,
        "rounding_difference": display(amount - exact),
        "currency": tariff.currency,
        "usage_rating_tag": _tag(drawn, working.quantity),
        "tax_category": tariff.tax_category,
        "legal_entity": tariff.legal_entity or snapshot.legal_entity,
        "gl_code": tariff.gl_code,
        "bill_period": working.month,
        "fate_change": 1,
        "rater": "rulebook",
        "catalog_hash": snapshot.hash,
        "engine_version": ENGINE_VERSION,
    }


def _bands(working: Working) -> str:
    met = dict.fromkeys(line.stretch.band for line in working.lines) or (working.start_band,)
    names = working.found.tariff.calendar.bands
    return "+".join(names[number] for number in met)


def _tag(drawn: Draw, quantity: int) -> str:
    if not drawn.covered:
        return "usage"
    return "included" if drawn.covered == quantity else "mixed"
