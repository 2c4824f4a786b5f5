"""Canaries as the sender and the controls have them."""

from collections.abc import Mapping

from schemas.services import Unit
from tallywire.catalog.canaries import Canary
from tallywire.catalog.entries import Entries
from tallywire.catalog.models_canaries import CanaryEntry
from tallywire.catalog.pricing import in_units


def compile_canaries(entries: Entries) -> Mapping[str, Canary]:
    """Compile canaries that lint has passed."""
    assert entries.operator is not None  # noqa: S101  lint has passed
    currency = entries.operator.value.currency
    paths = {one.value.id: one.value.path for one in entries.feeds}
    return {
        one.value.id: _canary(one.value, paths[one.value.feed], currency)
        for one in entries.canaries
    }


def _canary(entry: CanaryEntry, pattern: str, currency: str) -> Canary:
    return Canary(
        entry.id, entry.feed, entry.account, entry.record, pattern, entry.quantity.quantity,
        in_units(entry.quantity, Unit.MICROSECOND) or 0, entry.b_number, entry.expect.amount,
        entry.expect.currency or currency, entry.every.quantity, entry.within.quantity,
    )  # fmt: skip
