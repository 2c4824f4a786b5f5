"""The faults built into the demo's usage, and what shows that the engine has found each."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Summary = Mapping[str, Any]
Money = dict[str, Decimal]


@dataclass(frozen=True)
class Sign:
    """A finding that tells of a fault: its pattern, and words of its sentence."""

    pattern: str
    words: str = ""

    def fits(self, row: Mapping[str, Any]) -> bool:
        """Tell whether an open alert is such a finding."""
        told = row["pattern"] == self.pattern and self.words in row["explanation"]
        return told and row["state"] == "open"


@dataclass(frozen=True)
class Fault:
    """A fault that was built in.

    Attributes:
        sign: The finding without which it was not found.
        more: Further findings that carry money of it.
        charges: What of the summary has its money, where findings carry none.
        prevented: It has cost nothing; its money, where that is known, is what it would have.
    """

    sign: Sign | Callable[[Summary], bool]
    more: tuple[Sign, ...] = ()
    charges: str = ""
    prevented: bool = False


def _both_calls(summary: Summary) -> bool:
    """Both calls of the doubled hour are rated, an hour apart, with the offsets of their time."""
    offsets = sorted(row["utc_offset_minutes"] for row in summary["dst_night"])
    return offsets == [60, 120]


def _book(cause: str) -> Fault:
    return Fault(Sign(f"price_book_{cause}", "of coast_"))


FAULTS: Mapping[str, Fault] = {
    "lost_file": Fault(Sign("file_sequence_gap", "File 102 of feed nordvik")),
    "truncated_file": Fault(
        Sign("trailer_missing", "KY"), (Sign("record_sequence_gap", "of coast-2"),)
    ),
    "lost_records": Fault(Sign("record_sequence_gap", "of coast-1")),
    "trailer_mismatch": Fault(Sign("trailer_mismatch", "declares records")),
    "replayed_file": Fault(
        Sign("replayed_file", "faults"), charges="duplicate_file", prevented=True
    ),
    "exact_duplicate": Fault(Sign("duplicate_records"), charges="duplicate_record", prevented=True),
    "restated_record": Fault(Sign("restated_records")),
    "near_duplicate": Fault(Sign("near_copy", "coast/")),
    "partial_and_total": Fault(Sign("part_beside_whole", "coast/")),
    "incomplete_partial": Fault(Sign("partial_chain_incomplete")),
    "missing_interim": Fault(Sign("session_records_missing", "session F2")),
    "counter_wrap": Fault(Sign("counter_wraps_assumed", "bng0")),
    "missing_stop": Fault(Sign("session_never_ended", "Session F3")),
    "wrong_tariff_version": _book("wrong_version"),
    "deleted_prefix": _book("child_prefix_missing"),
    "wrong_increment": _book("wrong_increment"),
    "zero_rated": _book("zero_rated"),
    "wrong_rounding": _book("wrong_rounding"),
    "free_destination": Fault(Sign("became_free", "coast_voice")),
    "extreme_charge": Fault(Sign("price_far_above_usual", "coast_voice")),
    "negative_margin": Fault(Sign("negative_margin", "kystnett")),
    "unknown_prefix": Fault(Sign("suspense", "zone_unknown")),
    "unknown_subscriber": Fault(Sign("suspense", "account_unknown (platform/")),
    "orphan": Fault(Sign("suspense", "subscription_inactive (coast/")),
    "unreadable_record": Fault(Sign("suspense", "record_unreadable")),
    "late_feed": Fault(Sign("feed_late", "of coast"), charges="late"),
    "silent_node": Fault(Sign("feed_silent", "Coast brought 0 records")),
    "skewed_node": Fault(Sign("clock_skew", "coast-2"), charges="skewed"),
    "dst_night": Fault(_both_calls, prevented=True),
    "partner_mismatch": Fault(Sign("partner_only_theirs"), (Sign("partner_longer"),)),
    "subscription_mismatch": Fault(Sign("subscription_used_not_served", "kyst-berit")),
    "resale_mismatch": Fault(Sign("provider_never_rated"), (Sign("provider_quantity_differs"),)),
}
"""The faults by name."""


def judged(summary: Summary) -> list[dict[str, Any]]:
    """Tell for each fault whether it was found, and its money, the largest first."""
    told = [
        {
            "name": name, "found": _found(fault, summary), "money": _money(fault, summary),
            "prevented": fault.prevented,
        }
        for name, fault in FAULTS.items()
    ]  # fmt: skip
    return sorted(told, key=lambda one: -sum(one["money"].values(), Decimal(0)))


def _found(fault: Fault, summary: Summary) -> bool:
    if isinstance(fault.sign, Sign):
        return any(fault.sign.fits(row) for row in summary["alerts"])
    return fault.sign(summary)


def _money(fault: Fault, summary: Summary) -> Money:
    """Add up the money of a fault's findings, or what the store says of it, by currency."""
    if fault.charges:
        return _added((row["currency"], row["money"]) for row in summary["charges"][fault.charges])
    signs = [one for one in (fault.sign, *fault.more) if isinstance(one, Sign)]
    return _added(
        (row["currency"], row["money_at_risk"])
        for row in summary["alerts"]
        if any(sign.fits(row) for sign in signs)
    )


def _added(parts: Iterable[tuple[str, Decimal | None]]) -> Money:
    found: Money = {}
    for currency, amount in parts:
        if currency and amount:
            found[currency] = found.get(currency, Decimal(0)) + amount
    return found
