"""Controls over feed files: what each finds, and what it must not."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assurance.alerts import Worth
from assurance.file_numbers import FilesMemory, rule_of, take_file
from assurance.files import Held, duplicates, replayed, suspended, trailer
from assurance.usual import Each
from schemas.alerts import Alert
from schemas.feeds import FeedFile
from schemas.reasons import Reason
from tallywire.catalog.expect import Expect

AT = 1_793_000_000_000_000


def file(number: int = -1, **fields: object) -> FeedFile:
    content = {
        "feed_id": "carrier", "lane": "carrier", "file_id": f"id-{number}",
        "file_name": f"file-{number}", "status": "complete", "sequence": number,
        "collected_at": AT, **fields,
    }  # fmt: skip
    return FeedFile.model_validate(content)


def taken(memory: FilesMemory, one: FeedFile, expect: Expect | None = None) -> list[Alert]:
    expect = expect or Expect()
    return list(take_file(memory, one, expect, rule_of(expect, 10**15), 0, lambda _: Each()))


def found(memory: FilesMemory, *numbers: int) -> list[tuple[str, str]]:
    alerts = [alert for number in numbers for alert in taken(memory, file(number))]
    return [(alert.pattern, alert.state) for alert in alerts]


def test_numbers_in_order_are_nothing_to_tell() -> None:
    assert found(FilesMemory(), 7, 8, 9, -1, 10) == []


def test_each_skipped_number_is_told_and_closed_when_it_comes() -> None:
    memory = FilesMemory()
    opened = taken(memory, file(7)) + taken(memory, file(10))
    assert [alert.explanation for alert in opened] == [
        "File 8 of feed carrier is missing.", "File 9 of feed carrier is missing.",
    ]  # fmt: skip
    closed = [one for one in taken(memory, file(9)) if one.pattern == "file_sequence_gap"]
    assert [(alert.alert_id, alert.state) for alert in closed] == [
        (opened[1].alert_id, "auto_closed")
    ]
    assert [gap.holes for gap in memory.series[""].gaps] == [[[8, 8]]]
    assert found(memory, 11) == []


def test_a_number_twice_is_told() -> None:
    assert found(FilesMemory(), 7, 7) == [("file_sequence_repeated", "open")]


def test_a_broken_number_is_one_finding_and_the_series_goes_on() -> None:
    memory = FilesMemory()
    assert found(memory, 101, 10**18, 102, 104) == [
        ("file_sequence_jump", "open"), ("file_sequence_gap", "open"),
    ]  # fmt: skip


def test_another_numbering_is_told_once() -> None:
    assert found(FilesMemory(), 999, 100_000, 100_001, 100_002) == [("file_sequence_jump", "open")]


@given(st.permutations(range(20)))
def test_in_whatever_order_files_come_no_gap_is_left(numbers: list[int]) -> None:
    memory, open_alerts = FilesMemory(), set()
    for number in numbers:
        for alert in taken(memory, file(number)):
            if alert.pattern != "file_sequence_gap":
                continue
            if alert.state == "open":
                open_alerts.add(alert.alert_id)
            else:
                open_alerts.remove(alert.alert_id)
    assert memory.series[""].gaps == []
    assert open_alerts == set()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({}, []),
        ({"declared_records": 4, "counted_records": 4}, []),
        ({"declared_records": 5, "counted_records": 4}, ["declares records 5; the file holds 4"]),
        ({"declared_total": 1, "counted_total": 2}, ["declares total 1; the file holds 2"]),
        ({"declared_records": 5}, []),
        ({"declared_total": -3, "counted_total": -4}, ["declares total -3; the file holds -4"]),
        (
            {"declared_earliest": 1_774_746_000_500_000, "counted_earliest": 10**18},
            ["declares earliest 2026-03-29T01:00:00.500000Z; the file holds 1000000000000000000"],
        ),
        (
            {"declared_audit_charge": 2_300, "counted_audit_charge": 71_200, "counted_records": 1},
            ["declares audit charge 2300; the file holds 71200"],
        ),
        ({"trailer_found": 0}, ["ends without its trailer line"]),
    ],
)
def test_trailers(said: dict[str, int], told: list[str]) -> None:
    one = file(1, trailer_found=bool(said.get("trailer_found", 1)))
    alerts = list(trailer(one, said, Worth(Decimal("0.25"), "EUR", "usual_hour_of_week")))
    assert len(alerts) == len(told)
    for alert, text in zip(alerts, told, strict=True):
        assert text in alert.explanation
        lost = said.get("declared_records", 0) - said.get("counted_records", 0)
        assert alert.money_at_risk == (Decimal("0.25") if lost > 0 else None)


def test_whatever_else_a_file_declares_is_compared() -> None:
    said = {
        "declared_tax": 5, "counted_tax": 4, "declared_discount": 3, "counted_discount": 3,
        "declared_earliest": 7, "declared_records": 9, "counted_records": 8, "lost_indicator": 1,
    }  # fmt: skip
    told = [alert.explanation for alert in trailer(file(1), said, Worth())]
    assert len(told) == 3
    assert "declares tax 5; the file holds 4" in told[0]
    assert "declares records 9; the file holds 8" in told[1]
    assert "its node lost records (lost CDR indicator 1)" in told[2]


def test_replays_and_duplicates() -> None:
    assert replayed(file(1, records=7, status="replayed")).observed == 7
    assert [alert.observed for alert in duplicates(file(1, records=9, duplicates=2))] == [2]
    assert list(duplicates(file(1, duplicates=0))) == []
    assert list(duplicates(file(1, duplicates=2, status="replayed"))) == []


def _held(reason: Reason) -> Alert:
    held = Held(2, Decimal("1.50"), "EUR", "feed average", "file-1 record 3")
    return suspended("default", "carrier", "file-1", reason.value, held, AT)


def test_suspense_is_told_with_its_worth_and_its_first_place() -> None:
    alert = _held(Reason.ZONE_UNKNOWN)
    assert (alert.control_id, alert.pattern) == ("C13", "suspense")
    assert (alert.money_at_risk, alert.currency) == (Decimal("1.50"), "EUR")
    assert "file-1 record 3" in alert.evidence
    assert _held(Reason.RESTATEMENT).pattern == "restated_records"
    assert _held(Reason.PARTIAL_INCOMPLETE).pattern == "partial_chain_incomplete"
