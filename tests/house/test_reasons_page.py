"""The page of reasons is no fiction: every example on it gets the reason it stands for."""

import re
from pathlib import Path

import pytest

from schemas.reasons import CURED_BY_CATALOGUE, FATE_OF_REASON, ORDER, Fate, Reason
from tallywire.catalog import Snapshot, read
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.framing import frame
from tallywire.mediation.lane import BatchContext, LaneState, mediate
from tallywire.mediation.resolve import IdentifierIndex
from tallywire.rating.counters import Counters
from tallywire.rating.dispatch import Rater

PAGE = (Path(__file__).resolve().parents[2] / "docs/reference/reasons.md").read_text()
COLLECTED = 1_793_000_000_000_000  # 2026-10-26
STEP = {reason: (n, step) for n, (step, reasons) in enumerate(ORDER, 1) for reason in reasons}


def _section(reason: Reason) -> str:
    return PAGE.partition(f"\n## `{reason}`\n")[2].partition("\n## ")[0]


def _blocks(text: str, language: str) -> dict[str, str]:
    """Give the blocks of a language by the name behind it."""
    found = re.findall(rf"^```{language} (\S+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return dict(found)


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    """The catalogue on the page."""
    end = PAGE.partition("\n## The catalogue of the examples\n")[2]
    files = {**_blocks(end, "yaml"), **_blocks(end, "csv")}
    found = read({name: text.encode() for name, text in files.items()}, DECODERS)
    assert found.problems == []
    assert found.snapshot is not None
    return found.snapshot


def _by_itself(reason: Reason) -> str:
    if FATE_OF_REASON[reason] is not Fate.SUSPENDED:
        return "nothing is held, so nothing is tried again."
    if reason is Reason.RESTATEMENT:
        return "never tried again; it waits for `tallywire suspense accept`."
    if reason is Reason.RECORD_TOO_LONG:
        return "never tried again; its bytes are not kept whole."
    if reason in CURED_BY_CATALOGUE:
        return "tried again when another catalogue that may cure it is in use."
    return "not tried again; `tallywire suspense recycle` tries it."


def test_every_reason_has_one_place_in_the_order() -> None:
    placed = [reason for _, reasons in ORDER for reason in reasons]
    assert sorted(placed) == sorted(Reason)


def test_the_order_on_the_page_is_the_one_in_the_code() -> None:
    for number, (step, reasons) in enumerate(ORDER, 1):
        links = ", ".join(f"[`{reason}`](#{reason})" for reason in reasons)
        assert f"\n{number}. {step}: {links}\n" in PAGE


@pytest.mark.parametrize("reason", Reason)
def test_a_paragraph_says_cause_place_example_cure_and_whether_it_recycles(reason: Reason) -> None:
    text, (number, step) = _section(reason), STEP[reason]
    assert re.search(rf"^Fate: {FATE_OF_REASON[reason]}\. \w.+", text, re.MULTILINE)
    assert f"\nOrder: {number}, {step}.\n" in text
    assert re.search(r"^What to do: \w.+", text, re.MULTILINE)
    assert text.rstrip().endswith(f"\nBy itself: {_by_itself(reason)}")
    assert _blocks(text, "text") or re.search(r"^Example: \S.{30,}$", text, re.MULTILINE)


def _bytes(text: str) -> bytes:
    r"""Read an example: bytes that are no text are written `\xNN`."""
    pieces = re.split(r"\\x([0-9a-f]{2})", text)
    return b"".join(
        bytes.fromhex(piece) if place % 2 else piece.encode() for place, piece in enumerate(pieces)
    )


def _reasons(snapshot: Snapshot, feed_id: str, data: bytes) -> list[str]:
    """Collect and rate a file; give the reason of everything that is not charged."""
    feed = snapshot.feeds[feed_id]
    frames, _ = frame(data, DECODERS[feed.format].framing(feed), at_end=True)
    context = BatchContext(
        feed, snapshot, IdentifierIndex(snapshot.identifiers), feed_id, "f", "file", COLLECTED,
        frames,
    )  # fmt: skip
    decoded = DECODERS[feed.format].decode(frames, feed)
    made = mediate(LaneState(), decoded.frame, context)
    refused = Rater(snapshot).rate(made.usage, Counters()).refused
    return [
        *made.set_aside["reason"].to_list(), *made.suspense["reason"].to_list(),
        *refused["reason"].to_list(),
    ]  # fmt: skip


PROVEN = [
    (reason, feed, text)
    for reason in Reason
    for feed, text in _blocks(_section(reason), "text").items()
]


@pytest.mark.parametrize(("reason", "feed", "text"), PROVEN, ids=[one[0] for one in PROVEN])
def test_an_example_gets_the_reason_it_stands_for(
    snapshot: Snapshot, reason: Reason, feed: str, text: str
) -> None:
    assert _reasons(snapshot, feed, _bytes(text)) == [reason]


LATER = """c-1;2026-10-20 10:00:00;60;4790099001;4741234567;voice;SE-1;s-1;last;
c-2;2026-10-20 18:00:00;60;4790010001;4741234567;voice;SE-1;;;"""


@pytest.mark.parametrize(
    ("line", "first", "second"),
    [
        ("c-1;x;60;4790099001;4741234567;voice;SE-1;;;", "time_invalid", "filtered_by_rule"),
        ("c-1;2027-10-20 10:00:00;60;4790099001;4741234567;voice;SE-1;;;",
         "time_in_future", "filtered_by_rule"),
        (LATER, "partial_incomplete", "filtered_by_rule"),
        ("c-1;2026-10-20 10:00:00;60;4790099001;4741234567;fax;SE-1;;;",
         "filtered_by_rule", "service_unknown"),
        ("c-1;2026-10-20 10:00:00;60;4790010001;0047412345678901234567;data;SE-1;;;",
         "unit_mismatch", "number_unparsable"),
        ("c-1;2026-10-20 10:00:00;60;4790010001;4.74123E+09;voice;SE-9;;;",
         "number_damaged", "reference_missing"),
        ("c-1;2026-10-20 10:00:00;60;4790010002;4741234567;voice;SE-9;;;",
         "reference_missing", "subscription_inactive"),
        ("c-1;2026-10-20 10:00:00;60;4790010009;0033123456789;voice;SE-1;;;",
         "account_unknown", "zone_unknown"),
        ("c-1;2025-12-31 10:00:00;60;4790010001;00881612345678;voice;SE-1;;;",
         "price_not_effective", "zone_unpriced"),
    ],
)  # fmt: skip
def test_of_two_faults_the_first_in_the_order_is_told(
    snapshot: Snapshot, line: str, first: str, second: str
) -> None:
    order = [reason.value for _, reasons in ORDER for reason in reasons]
    assert order.index(first) < order.index(second)
    assert _reasons(snapshot, "hub", line.encode() + b"\n") == [first]


def test_most_reasons_are_shown_by_lines_that_were_tried() -> None:
    assert len(PROVEN) >= 30


def test_a_good_line_has_no_reason(snapshot: Snapshot) -> None:
    line = b"c-1;2026-10-20 10:00:00;60;4790010001;4741234567;voice;SE-1;;;\n"
    assert _reasons(snapshot, "hub", line) == []
