"""A TAP file examined as a whole: which rules it breaks, and how often.

What is fatal is told of the file; a severe rule counts the events that break it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from schemas.reasons import FATE_OF_REASON, Fate, Reason
from tallywire.mediation.ber.tree import Fields, fields, text, within
from tallywire.mediation.decoded import Decoded, Frames
from tallywire.mediation.decoders.tap import tags
from tallywire.mediation.decoders.tap.decode import decode_with
from tallywire.mediation.decoders.tap.head import Head, head_in, sequence_of
from tallywire.mediation.decoders.tap.options import TapOptions
from tallywire.mediation.decoders.tap.rules import RULES, Rule, rule_in
from tallywire.mediation.framing.ber import Broken, Unfinished, header

_LEAST_NUMBER, _MOST_NUMBER = 1, 99_999
_AUDITS = {
    "records": "audit_count_differs", "total": "audit_charge_differs", "tax": "audit_tax_differs",
    "discount": "audit_discount_differs", "earliest": "audit_times_differ",
    "latest": "audit_times_differ",
}  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """A rule that a file breaks.

    Attributes:
        words: How, with the values.
        records: How many events break it; 0 where it is about the file.
    """

    rule: Rule
    words: str
    records: int = 0


def _outermost(data: bytes) -> tuple[int, Fields]:
    """Read the tag of the file's one element, and the elements below it."""
    try:
        tag, place, _ = header(data, 0)
    except (Broken, Unfinished):
        return 0, {}
    return int.from_bytes(tag), fields(data[place:])


def _party(found: Fields) -> Iterator[tuple[str, str]]:
    sender, recipient = text(found, tags.SENDER), text(found, tags.RECIPIENT)
    if not (sender and recipient):
        yield "party_missing", f"sender {sender or '(none)'}, recipient {recipient or '(none)'}"
    number = sequence_of(found, tags.FILE_SEQUENCE)
    if number is None or not _LEAST_NUMBER <= number <= _MOST_NUMBER:
        yield (
            "sequence_invalid",
            f"file sequence number {number if number is not None else '(none)'}",
        )


def _money(batch: Fields, head: Head, charged: bool) -> Iterator[tuple[str, str]]:
    accounting = within(batch, tags.ACCOUNTING)
    local, ours = text(accounting, tags.LOCAL_CURRENCY), text(accounting, tags.TAP_CURRENCY)
    if charged and not head.accounted:
        yield "accounting_missing", "events are charged and there is no accounting information"
    elif charged and not head.currency:
        yield "currency_missing", "events are charged and no currency is named"
    if head.accounted and head.decimals is None:
        yield "decimals_invalid", "the decimal places are no number from 0 to 9"
    if local and ours and local != ours and not head.rates:
        yield "conversion_missing", f"no exchange rate between {local} and {ours}"


def _audited(control: Mapping[str, int], *, there: bool) -> Iterator[tuple[str, str]]:
    """Compare what an audit declares with what its file holds."""
    if not there:
        yield "audit_missing", "the file has no audit control information"
    for name, rule in _AUDITS.items():
        said, counted = control.get(f"declared_{name}"), control.get(f"counted_{name}")
        if said is not None and counted is not None and said != counted:
            yield rule, f"the audit says {name} {said}, the events {counted}"


def _fatal(data: bytes, made: Decoded) -> Iterator[tuple[str, str]]:
    tag, found = _outermost(data)
    if tag == tags.NOTIFICATION:
        yield from _party(found)
        return
    if tag != tags.TRANSFER_BATCH:
        yield "transfer_missing", "the file begins with neither"
        return
    head, control = head_in(found), made.control
    if not head.known:
        yield "batch_control_missing", "there is no batch control information"
    else:
        yield from _party(within(found, tags.BATCH_CONTROL))
    events = control.get("counted_records", 0)
    charged = any(control.get(f"counted_{name}") for name in ("total", "tax", "discount"))
    yield from _money(found, head, charged)
    if events and not head.offsets:
        yield "network_missing", "no UTC offset is explained"
    if not events:
        yield "events_missing", "the batch has no events; such a file is a notification"
    there = bool(control.get("trailer_found")) or tags.AUDIT in found
    yield from _audited(control, there=there)
    if control.get("stray_octets"):
        yield "octets_after_file", "ends of contents follow the file's last element"


def _events(frame: pl.DataFrame) -> Iterator[Fault]:
    """Count the events that break a rule, once each, with the words of the first."""
    held = [reason.value for reason in Reason if FATE_OF_REASON[reason] is Fate.SUSPENDED]
    first = frame.unique("record_no", keep="first", maintain_order=True)
    told: dict[str, list[str]] = {}
    for detail in first.filter(pl.col("reason").is_in(held))["detail"].to_list():
        rule = rule_in(detail)
        if rule is not None:
            told.setdefault(rule.rule_id, []).append(detail.partition(": ")[2])
    late = first.filter(pl.col("quality_flags").str.contains("event_after_file")).height
    if late:
        told["event_after_file"] = ["an event began after its file was made available"] * late
    for rule_id, words in told.items():
        yield Fault(RULES[rule_id], words[0], len(words))


def examined(frames: Frames, options: TapOptions) -> list[Fault]:
    """Examine a whole file.

    Args:
        frames: All of the file, in one piece.

    Returns:
        The rules that it breaks, in the order of the table; those about the file once for each way.
    """
    made = decode_with(frames, options)
    found = [Fault(RULES[rule], words) for rule, words in _fatal(frames.data, made)]
    fatal = {fault.rule.rule_id for fault in found}
    found += [fault for fault in _events(made.frame) if fault.rule.rule_id not in fatal]
    order = list(RULES)
    return sorted(found, key=lambda fault: order.index(fault.rule.rule_id))
