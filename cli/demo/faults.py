"""The faults built into the demo's usage, and what shows that the engine has found each."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

Summary = Mapping[str, Any]


def _alert(pattern: str, words: str = "") -> Callable[[Summary], bool]:
    def found(summary: Summary) -> bool:
        return any(
            row["pattern"] == pattern and words in row["explanation"] for row in summary["alerts"]
        )

    return found


def _suspense(reason: str) -> Callable[[Summary], bool]:
    def found(summary: Summary) -> bool:
        return any(row["reason"] == reason and row["records"] for row in summary["suspense"])

    return found


def _both_calls(summary: Summary) -> bool:
    """Both calls of the doubled hour are rated, an hour apart, with the offsets of their time."""
    offsets = sorted(row["utc_offset_minutes"] for row in summary["dst_night"])
    return offsets == [60, 120]


FAULTS: Mapping[str, Callable[[Summary], bool]] = {
    "replayed_file": _alert("replayed_file", "faults"),
    "duplicate_records": _alert("duplicate_records"),
    "restated_record": _alert("restated_records"),
    "missing_file_sequence": _alert("file_sequence_gap", "File 102"),
    "trailer_mismatch": _alert("trailer_mismatch", "declares total"),
    "unknown_prefix": _suspense("zone_unknown"),
    "unknown_account": _suspense("account_unknown"),
    "unreadable_record": _suspense("record_unreadable"),
    "incomplete_partial": _suspense("partial_incomplete"),
    "call_told_by_two_nodes": _alert("near_copy", "switch/mobile-0002.jsonl"),
    "part_beside_whole": _alert("part_beside_whole", "switch/mobile-0002.jsonl"),
    "dst_night": _both_calls,
}
"""Fault name to the proof that it was found."""


_PATTERNS = {
    "replayed_file": "replayed_file", "duplicate_records": "duplicate_records",
    "restated_record": "restated_records", "missing_file_sequence": "file_sequence_gap",
    "trailer_mismatch": "trailer_mismatch", "call_told_by_two_nodes": "near_copy",
    "part_beside_whole": "part_beside_whole",
}  # fmt: skip
_REASONS = {
    "unknown_prefix": "zone_unknown", "unknown_account": "account_unknown",
    "unreadable_record": "record_unreadable", "incomplete_partial": "partial_incomplete",
}  # fmt: skip


def judged(summary: Summary) -> list[dict[str, object]]:
    """Tell for each fault whether it was found, and the money at risk where some is known."""
    return [
        {"name": name, "found": proof(summary), "money": _money(name, summary)}
        for name, proof in FAULTS.items()
    ]


def _money(name: str, summary: Summary) -> dict[str, Decimal]:
    """Add up the money of a fault's findings, or of the suspense of its reason, by currency."""
    if name in _REASONS:
        rows = [row for row in summary["suspense"] if row["reason"] == _REASONS[name]]
        money = [(row["currency"], row["estimated_amount"]) for row in rows]
    else:
        rows = [row for row in summary["alerts"] if row["pattern"] == _PATTERNS.get(name)]
        money = [(row["currency"], row["money_at_risk"]) for row in rows]
    found: dict[str, Decimal] = {}
    for currency, amount in money:
        if currency and amount:
            found[currency] = found.get(currency, Decimal(0)) + amount
    return found
