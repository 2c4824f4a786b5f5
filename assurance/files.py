"""Controls over feed files: sequence gaps, trailers, replays, duplicates, suspense."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType

from assurance.alerts import Control, Worth, alert
from schemas.alerts import Alert
from schemas.feeds import FeedFile
from schemas.reasons import Reason

FILE_GAP = Control(
    "C1", "file_sequence_gap", "completeness", "critical", "under",
    "ask the sender for the missing files; they are collected whenever they come",
)  # fmt: skip
FILE_JUMP = Control(
    "C1", "file_sequence_jump", "completeness", "warning", "under",
    "ask the sender whether it numbers its files anew, or whether that many are missing",
)  # fmt: skip
FILE_NUMBER_TWICE = Control(
    "C1", "file_sequence_repeated", "completeness", "warning", "over",
    "ask the sender which of the two files holds",
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
SUSPENSE = Control(
    "C13", "suspense", "leakage", "warning", "under",
    "cure the cause named by the reason, then `tallywire suspense recycle`",
)  # fmt: skip

MOST_MISSING = 1_000
"""A larger gap is no list of lost files, it is another numbering, or a broken number."""

_OF_REASON = {Reason.RESTATEMENT.value: RESTATED, Reason.PARTIAL_INCOMPLETE.value: INCOMPLETE}


@dataclass
class Held:
    """Suspense of one file and reason, so far."""

    records: int = 0
    worth: Decimal | None = None
    currency: str = ""
    method: str = "none"
    first: str = ""


@dataclass
class FeedMemory:
    """What the file controls remember of a feed.

    Attributes:
        sequences: Numbers of the files seen.
        missing: Numbers skipped, not seen since.
    """

    sequences: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)


def _named(file: FeedFile) -> tuple[str, str]:
    return "file", f"{file.feed_id}/{file.file_name}"


def replayed(file: FeedFile) -> Alert:
    """Report a file whose content was read before."""
    return alert(
        REPLAY, tenant_id=file.tenant_id, feed_id=file.feed_id, entity=_named(file),
        episode=file.file_id, at=file.collected_at, observed=file.records, unit="records",
        explanation=f"{file.file_name} has the content of a file collected before: its "
        f"{file.records} records were not rated again.",
    )  # fmt: skip


def sequence(memory: FeedMemory, file: FeedFile) -> Iterator[Alert]:
    """Hold a file's number against those seen: gaps, repeats, and gaps that were filled."""
    number = file.sequence
    if number < 0:
        return
    if number in memory.sequences:
        yield _alert_of(
            FILE_NUMBER_TWICE, file, f"number-{number}",
            f"{file.file_name} carries number {number}, as another file with other content did.",
        )  # fmt: skip
        return
    if number in memory.missing:
        memory.missing.remove(number)
        yield _gap(file, number, "auto_closed")
    below = max((seen for seen in memory.sequences if seen < number), default=number - 1)
    if number - below > MOST_MISSING:
        yield _alert_of(
            FILE_JUMP, file, f"number-{number}",
            f"{file.file_name} carries number {number}, the one before it was {below}.",
            expected=below + 1, observed=number, unit="number",
        )  # fmt: skip
    else:
        for lost in range(below + 1, number):
            if lost not in memory.missing:
                memory.missing.append(lost)
                yield _gap(file, lost, "open")
    memory.sequences.append(number)


def _gap(file: FeedFile, number: int, state: str) -> Alert:
    return alert(
        FILE_GAP, tenant_id=file.tenant_id, feed_id=file.feed_id,
        entity=("feed", file.feed_id), episode=f"number-{number}", at=file.collected_at,
        expected=1, observed=int(state != "open"), unit="files", state=state,
        evidence=[{"place": file.file_name, "why": f"carries number {file.sequence}"}],
        explanation=f"File {number} of feed {file.feed_id} "
        + ("is missing." if state == "open" else "was missing and has come."),
    )  # fmt: skip


def _alert_of(
    control: Control, file: FeedFile, episode: str, explanation: str, *, expected: int = 0,
    observed: int = 0, unit: str = "",
) -> Alert:  # fmt: skip
    return alert(
        control, tenant_id=file.tenant_id, feed_id=file.feed_id, entity=_named(file),
        episode=episode, at=file.collected_at, expected=expected, observed=observed, unit=unit,
        explanation=explanation, window=(file.first_event_time, file.last_event_time),
    )  # fmt: skip


def trailer(file: FeedFile, said: Mapping[str, object] = MappingProxyType({})) -> Iterator[Alert]:
    """Compare what a file says of itself with what it holds; exact, in whole units.

    Args:
        said: Whatever else the file declares, and what was counted of it: `declared_...` and
            `counted_...`.
    """
    if not file.trailer_found:
        yield _alert_of(
            TRAILER_MISSING, file, file.file_id, f"{file.file_name} ends without its trailer line."
        )
    for name, declared, counted in _pairs(file, said):
        if declared != counted:
            yield _alert_of(
                TRAILER, file, f"{file.file_id}-{name}",
                f"The trailer of {file.file_name} declares {name} {declared}; the file holds "
                f"{counted}.", expected=declared, observed=counted, unit=name,
            )  # fmt: skip
    if said.get("lost_indicator"):
        yield _alert_of(
            LOST_AT_NODE, file, file.file_id,
            f"The header of {file.file_name} says that its node lost records "
            f"(lost CDR indicator {said['lost_indicator']}).",
        )  # fmt: skip


def _pairs(file: FeedFile, said: Mapping[str, object]) -> Iterator[tuple[str, int, int]]:
    """Give what a file declares beside what it holds, where both are known."""
    for name, declared, counted in (
        ("records", file.declared_records, file.counted_records),
        ("total", file.declared_total, file.counted_total),
    ):
        if declared >= 0 and counted >= 0:
            yield name, declared, counted
    for key in sorted(said):
        name = key.removeprefix("declared_")
        own, found = said[key], said.get(f"counted_{name}")
        known = name not in {key, "records", "total"}
        if known and isinstance(own, int) and isinstance(found, int):
            yield name, own, found


def duplicates(file: FeedFile) -> Iterator[Alert]:
    """Report a file in which records came again: one alert for the file, not one for each."""
    if file.duplicates and file.status != "replayed":
        yield _alert_of(
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
