"""Controls over feed files: what they say of themselves, copies, duplicates, suspense."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from assurance.alerts import LARGEST, Control, Worth, alert
from schemas.alerts import Alert
from schemas.feeds import FeedFile
from schemas.instants import text_from_micros
from schemas.reasons import Reason

REFUSED = Control(
    "C1", "file_refused", "completeness", "critical", "under",
    "look the reason up in the list of refusals; ask the sender for the file as it should be",
)  # fmt: skip
TRAILER = Control(
    "C3", "trailer_mismatch", "completeness", "critical", "under",
    "ask the sender for the file again, or for its records one by one",
)  # fmt: skip
LOST_AT_NODE = Control(
    "C3", "records_lost_at_node", "completeness", "critical", "under",
    "ask the operator of the node what it could not write; its neighbours' counters tell how much",
)  # fmt: skip
TRAILER_MISSING = Control(
    "C3", "trailer_missing", "completeness", "critical", "under",
    "the file was cut short: ask the sender for it again",
)  # fmt: skip
REPLAY = Control(
    "C6", "replayed_file", "duplicate", "warning", "over",
    "nothing was rated twice; ask the sender why the file came again",
)  # fmt: skip
DUPLICATES = Control(
    "C6", "duplicate_records", "duplicate", "warning", "over",
    "nothing was rated twice; ask the sender why records came again",
)  # fmt: skip
RESTATED = Control(
    "C6", "restated_records", "duplicate", "warning", "over",
    "compare the two contents with `tallywire suspense show` and decide which holds",
)  # fmt: skip
INCOMPLETE = Control(
    "C8", "partial_chain_incomplete", "leakage", "warning", "under",
    "the first part never came: look for a lost file of the feed",
)  # fmt: skip
OPEN_TOO_LONG = Control(
    "C8", "session_open_too_long", "leakage", "warning", "under",
    "the end never came: look for a lost file of the feed; when it has come, recycle both parts",
)  # fmt: skip
SUSPENSE = Control(
    "C13", "suspense", "leakage", "warning", "under",
    "cure the cause named by the reason, then `tallywire suspense recycle`",
)  # fmt: skip

EMPTY = Control(
    "C1", "empty_file", "completeness", "warning", "under",
    "ask the sender whether there was nothing to send",
)  # fmt: skip

_DECLARED = "declared_"
MOMENTS = frozenset({"earliest", "latest"})
"""What a file declares as an instant, microseconds since 1970: no number of anything missing."""
_NO_MOMENT = 253_402_300_800_000_000  # the year 10000
_OF_REASON = {
    Reason.RESTATEMENT.value: RESTATED,
    Reason.PARTIAL_INCOMPLETE.value: INCOMPLETE,
    Reason.SESSION_OPEN_TOO_LONG.value: OPEN_TOO_LONG,
}


@dataclass
class Held:
    """Suspense of one file and reason, so far."""

    records: int = 0
    worth: Decimal | None = None
    currency: str = ""
    method: str = "none"
    first: str = ""


def named(file: FeedFile) -> tuple[str, str]:
    """Name a file as what a finding is about."""
    return "file", f"{file.feed_id}/{file.file_name}"


def replayed(file: FeedFile) -> Alert:
    """Report a file whose content was read before."""
    return alert(
        REPLAY, tenant_id=file.tenant_id, feed_id=file.feed_id, entity=named(file),
        episode=file.file_id, at=file.collected_at, observed=file.records, unit="records",
        explanation=f"{file.file_name} has the content of a file collected before: its "
        f"{file.records} records were not rated again.",
    )  # fmt: skip


def refused(file: FeedFile, reason: str, why: str, members: Sequence[Mapping[str, str]]) -> Alert:
    """Report a file that was not collected, or members of it that were not.

    Args:
        reason: The published code; of members that of the first.
        why: The same in words; empty where only members were refused.
        members: Name, reason and text of each.
    """
    first = f" {members[0]['name']}: {members[0]['text']}" if members else ""
    what = f"was not collected: {why}" if why else f"was collected without all its members:{first}"
    return alert(
        REFUSED, tenant_id=file.tenant_id, feed_id=file.feed_id, entity=named(file),
        episode=file.sha256 or file.file_id, at=file.collected_at, expected=1, observed=0,
        unit="files",
        evidence=[{"place": one["name"], "why": one["reason"]} for one in members],
        explanation=f"{file.file_name} {what} ({reason}).",
    )  # fmt: skip


def about(
    control: Control, file: FeedFile, episode: str, explanation: str, *, expected: int = 0,
    observed: int = 0, unit: str = "", worth: Worth | None = None,
) -> Alert:  # fmt: skip
    """Report something about a file."""
    return alert(
        control, tenant_id=file.tenant_id, feed_id=file.feed_id, entity=named(file),
        episode=episode, at=file.collected_at, expected=expected, observed=observed, unit=unit,
        explanation=explanation, window=(file.first_event_time, file.last_event_time), worth=worth,
    )  # fmt: skip


def trailer(file: FeedFile, said: Mapping[str, int], each: Worth) -> Iterator[Alert]:
    """Compare what a file says of itself with what it holds; exact, in whole units.

    Args:
        said: Every `declared_X` in it is compared with its `counted_X`.
        each: What one record of the file is worth.
    """
    if not file.trailer_found:
        yield about(
            TRAILER_MISSING, file, file.file_id, f"{file.file_name} ends without its trailer line."
        )
    for key in said:
        name = key.removeprefix(_DECLARED)
        declared, counted = said[key], said.get(f"counted_{name}")
        if name == key or counted is None or declared == counted:
            continue
        lost = declared - counted if name == "records" else 0
        known = 0 < lost < 10**9 and each.amount is not None  # more is no number of records
        worth = Worth((each.amount or 0) * Decimal(lost), each.currency, each.method)
        yield about(
            TRAILER, file, f"{file.file_id}-{name}",
            f"The trailer of {file.file_name} declares {name.replace('_', ' ')} "
            f"{_written(name, declared)}; the file holds {_written(name, counted)}.",
            expected=declared, observed=counted, unit=name, worth=worth if known else None,
        )  # fmt: skip
    if said.get("lost_indicator"):
        yield about(
            LOST_AT_NODE, file, file.file_id,
            f"The header of {file.file_name} says that its node lost records "
            f"(lost CDR indicator {said['lost_indicator']}).",
        )  # fmt: skip


def _written(name: str, value: int) -> str:
    """Write what a file declares: moments as such, anything else as its number."""
    return text_from_micros(value) if name in MOMENTS and 0 <= value < _NO_MOMENT else str(value)


def empty(file: FeedFile, records: int, worth: Worth) -> Alert:
    """Report a file without a record, of a feed whose files hold some.

    Args:
        records: What a file of that hour usually holds.
    """
    return about(
        EMPTY, file, file.file_id, f"{file.file_name} holds no record"
        + (f"; files of that hour usually hold {records} records." if records else "."),
        expected=records, unit="records", worth=worth,
    )  # fmt: skip


def bounded(number: int) -> int:
    """Keep a number within 64 bits: what a file declares may be any.

    >>> bounded(10**30) == 2**63 - 1
    True
    """
    return max(-LARGEST, min(number, LARGEST))


def duplicates(file: FeedFile) -> Iterator[Alert]:
    """Report a file in which records came again: one alert for the file, not one for each."""
    if file.duplicates and file.status != "replayed":
        yield about(
            DUPLICATES, file, file.file_id,
            f"{file.duplicates} of {file.records} records in {file.file_name} had been seen "
            "before and were not rated again.", observed=file.duplicates, unit="records",
        )  # fmt: skip


def suspended(tenant_id: str, feed_id: str, place: str, reason: str, held: Held, at: int) -> Alert:
    """Report suspense of one place and reason, with its worth."""
    control = _OF_REASON.get(reason, SUSPENSE)
    noun = "record is" if held.records == 1 else "records are"
    return alert(
        control, tenant_id=tenant_id, feed_id=feed_id, entity=("feed", f"{feed_id}/{place}"),
        episode=reason, at=at, observed=held.records, unit="records",
        worth=Worth(held.worth, held.currency, held.method),
        evidence=[{"place": held.first, "why": reason}],
        explanation=f"{held.records} {noun} held in suspense for {reason} ({place}).",
    )  # fmt: skip
