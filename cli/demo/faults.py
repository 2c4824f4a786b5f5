"""The faults built into the demo's usage, and what shows that the engine has found each."""

from collections.abc import Callable, Mapping
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
    "dst_night": _both_calls,
}
"""Fault name to the proof that it was found."""


def judged(summary: Summary) -> list[dict[str, object]]:
    """Tell for each fault whether it was found."""
    return [{"name": name, "found": proof(summary)} for name, proof in FAULTS.items()]
