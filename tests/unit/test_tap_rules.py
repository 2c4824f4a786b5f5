"""Rules of TAP that decide money: each is broken by a file made for it, and told by its name."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from cli.rap import app
from cli.rap_check import faults_of
from schemas.outcomes import SuspenseEvent
from tallywire.mediation.ber.tree import fields
from tallywire.mediation.decoders.tap import TapOptions, tags
from tallywire.mediation.decoders.tap.rules import RULES, Level
from tallywire.mediation.returned import returned_of
from tests.ber import taps
from tests.ber.decoded import decoded, rows_of

CALL = taps.call(60, [taps.charge(500, tax=20)])
HEAD = taps.head()
LATE = "20260923115959"  # thirty days and a second before the file was made available


def _details(total: int | None, *parts: int, item: str = "D", units: int | None = None) -> bytes:
    """Write a piece of charge information as is."""
    kinds = [] if total is None else [("00", total)]
    kinds += [(f"{place + 1:02}", part) for place, part in enumerate(parts)]
    return taps.element(
        tags.CHARGE_INFORMATION, taps.field(tags.CHARGED_ITEM, item),
        taps.element(tags.CHARGE_DETAILS, *(
            taps.element(
                tags.CHARGE_DETAIL, taps.field(tags.CHARGE_TYPE, kind),
                taps.field(tags.CHARGE, amount),
                *([] if units is None else [taps.field(tags.CHARGEABLE_UNITS, units)]),
            )
            for kind, amount in kinds
        )),
    )  # fmt: skip


def _without(head: bytes, tag: int) -> bytes:
    """Take an element out of a head."""
    found = fields(head)
    return b"".join(taps.element(name, *value) for name, value in found.items() if name != tag)


def _coded(charge: bytes, tag: int, code: int) -> bytes:
    """Write another code into a piece of charge information."""
    before, after = (taps.field(tag, one) for one in (1, code))
    assert charge.count(before) == 1
    return charge.replace(before, after)


SEVERE: dict[str, Callable[[], bytes]] = {
    "offset_code_unknown": lambda: taps.call(60, [taps.charge(5)], code=9),
    "usage_missing": lambda: taps.element(
        tags.GPRS,
        taps.element(tags.GPRS_BASIC, taps.element(tags.GPRS_SUBSCRIBER, taps.subscriber()),
                     taps.coded(tags.START)),
    ),
    "subscriber_missing": lambda: CALL.replace(b"\x5f\x81\x01", b"\x5f\x83\x01"),
    "subscriber_foreign": lambda: CALL,
    "charge_missing": lambda: taps.call(60, []),
    "charged_item_invalid": lambda: taps.call(60, [_details(5, item="DX")]),
    "charge_total_missing": lambda: taps.call(60, [_details(None, 5)]),
    "charge_negative": lambda: taps.call(60, [_details(-5)]),
    "charge_sum_differs": lambda: taps.call(60, [_details(2300, 2000, 200)]),
    "rate_code_unknown": lambda: taps.call(60, [_coded(taps.charge(5), tags.RATE_CODE, 7)]),
    "tax_code_unknown": lambda: taps.call(60, [_coded(taps.charge(5, tax=3), tags.TAX_CODE, 7)]),
    "discount_code_unknown": lambda: taps.call(
        60, [_coded(taps.charge(5, discount=3), tags.DISCOUNT_CODE, 7)]
    ),
    "units_exceed_duration": lambda: taps.call(60, [taps.charge(5, units=61)]),
    "units_exceed_volume": lambda: taps.gprs(70, 30, [taps.charge(5, item="X", units=101)]),
    "sent_too_late": lambda: taps.call(60, [taps.charge(5)], local=LATE),
}  # fmt: skip
OPTIONS = {"subscriber_foreign": {"home_networks": ["47001", "24202"]}}


def test_there_is_an_example_of_every_severe_rule() -> None:
    assert list(SEVERE) == [one for one, rule in RULES.items() if rule.level is Level.SEVERE]


@pytest.mark.parametrize("rule", SEVERE)
def test_an_event_that_breaks_a_rule_is_held_by_its_name(rule: str) -> None:
    data, options = taps.batch([SEVERE[rule](), CALL]), OPTIONS.get(rule, {})
    held, good = rows_of("tap", data, options)[1:3]
    assert held["reason"] == RULES[rule].reason, held["detail"]
    assert held["detail"].startswith(f"{rule}: ")
    if rule != "subscriber_foreign":
        assert good["reason"] is None
    early = {"offset_code_unknown", "usage_missing"}  # what decoding itself needs
    off = {**options, "not_checked": [rule]}
    if rule not in early:
        assert rows_of("tap", data, off)[1]["detail"].partition(":")[0] != rule


def _keys(option: str, *events: bytes, sequence: str = "00012") -> list[object]:
    rows = rows_of("tap", taps.batch(events, ahead=taps.head(sequence=sequence)), {"same": option})
    return [row["natural_key"] for row in rows[1:]]


def test_an_event_that_comes_again_in_another_file_is_the_same_where_a_feed_says_so() -> None:
    session = taps.gprs(70, 30, [taps.charge(5, item="X")])
    events = (CALL, session, taps.call(61, [taps.charge(500)]))
    assert len({*_keys("event", *events)}) == 3
    again = _keys("event", *reversed(events), sequence="00013")
    assert again == _keys("event", *events)[::-1]
    assert not {*_keys("place", *events)} & {*_keys("place", *events, sequence="00013")}
    parts = taps.call(213, [taps.charge(1000, units=200), taps.charge(1300, units=13)])
    assert len({*_keys("event", parts)}) == 2


def test_what_just_holds_is_not_held() -> None:
    events = [
        taps.call(60, [taps.charge(5, units=60), taps.charge(0, item="E", units=900)]),
        taps.call(60, [_details(0)]), taps.call(60, [_details(2300, 2000, 300)]),
        taps.call(60, [taps.charge(5)], local="20260924120000"),
        taps.gprs(70, 30, [taps.charge(5, item="V", units=30), taps.charge(5, item="W", units=70)]),
    ]  # fmt: skip
    rows = rows_of("tap", taps.batch(events), {"home_networks": ["24201"]})
    assert [row["reason"] for row in rows if row["service"]] == [None] * 6


def test_an_event_of_several_rows_is_held_as_a_whole() -> None:
    parts = [taps.charge(1000, units=200), _details(-5, units=13)]
    rows = rows_of("tap", taps.batch([taps.call(213, parts)]))[1:3]
    assert [row["reason"] for row in rows] == ["charge_negative"] * 2


def test_an_event_later_than_its_file_is_flagged_and_charged() -> None:
    row = rows_of("tap", taps.batch([taps.call(60, [taps.charge(5)], local="20261024120001")]))[1]
    assert (row["reason"], row["quality_flags"]) == (None, "event_after_file")


def _accounting(decimals: int = 3, local: str = "EUR", ours: str = "") -> bytes:
    money = taps.element(
        tags.ACCOUNTING, *([taps.field(tags.LOCAL_CURRENCY, local)] if local else []),
        *([taps.field(tags.TAP_CURRENCY, ours)] if ours else []),
        taps.field(tags.DECIMALS, decimals),
    )  # fmt: skip
    control, _, network = (taps.element(tag, *value) for tag, value in fields(HEAD).items())
    return control + money + network


PLAIN = taps.call(60, [_details(500)])
AUDIT = taps.audit(1, 500)
FATAL: dict[str, bytes] = {
    "transfer_missing": b"no TAP file",
    "batch_control_missing": taps.batch([PLAIN], AUDIT, _without(HEAD, tags.BATCH_CONTROL)),
    "party_missing": taps.batch([PLAIN], AUDIT, taps.head(sender="")),
    "sequence_invalid": taps.batch([PLAIN], AUDIT, taps.head(sequence="00000")),
    "accounting_missing": taps.batch([PLAIN], AUDIT, _without(HEAD, tags.ACCOUNTING)),
    "currency_missing": taps.batch([PLAIN], AUDIT, _accounting(local="")),
    "decimals_invalid": taps.batch([PLAIN], AUDIT, _accounting(decimals=10)),
    "conversion_missing": taps.batch([PLAIN], AUDIT, _accounting(ours="SDR")),
    "network_missing": taps.batch([PLAIN], AUDIT, _without(HEAD, tags.NETWORK)),
    "events_missing": taps.element(tags.TRANSFER_BATCH, HEAD, taps.audit(0, 0)),
    "audit_missing": taps.batch([PLAIN]),
    "audit_count_differs": taps.batch([PLAIN], taps.audit(2, 500)),
    "audit_charge_differs": taps.batch([PLAIN], taps.audit(1, 501)),
    "audit_tax_differs": taps.batch([PLAIN], taps.audit(1, 500, tax=1)),
    "audit_discount_differs": taps.batch([PLAIN], taps.audit(1, 500, discount=1)),
    "audit_times_differ": taps.batch([PLAIN], taps.audit(1, 500, first="20261024115959")),
}


def test_there_is_an_example_of_every_fatal_rule() -> None:
    assert list(FATAL) == [one for one, rule in RULES.items() if rule.level is Level.FATAL]


@pytest.mark.parametrize("rule", FATAL)
def test_a_file_that_breaks_a_rule_is_told_by_its_name(rule: str, tmp_path: Path) -> None:
    path = tmp_path / "CDNORAANORBB00012"
    path.write_bytes(FATAL[rule])
    fatal = [one.rule.rule_id for one in faults_of(path, TapOptions()) if one.rule.level is Level.FATAL]  # fmt: skip
    assert fatal[:1] == [rule]
    assert len(fatal) == 1 or rule in {"audit_missing", "audit_count_differs"}, fatal


@pytest.mark.parametrize("rule", [one for one in FATAL if RULES[one].reason])
def test_events_of_a_file_without_its_head_are_held(rule: str) -> None:
    if rule == "sequence_invalid":
        data = taps.batch([PLAIN], AUDIT, taps.head(sequence="x"))
    else:
        data = FATAL[rule]
    held = [row for row in rows_of("tap", data) if str(row["detail"]).startswith(f"{rule}: ")]
    assert [row["reason"] for row in held] == [RULES[rule].reason]


def test_a_good_file_and_a_notification_break_no_rule(tmp_path: Path) -> None:
    path = tmp_path / "file"
    taxed = taps.batch([CALL, PLAIN], taps.audit(2, 1000, tax=20))
    notice = taps.element(
        tags.NOTIFICATION, taps.field(tags.SENDER, "NORAA"), taps.field(tags.RECIPIENT, "NORBB"),
        taps.field(tags.FILE_SEQUENCE, "00013"),
    )  # fmt: skip
    for data in (taxed, notice):
        path.write_bytes(data)
        assert faults_of(path, TapOptions()) == []


def test_a_return_has_the_code_of_its_rule_unless_partners_agreed_on_another() -> None:
    begin = b"\x61\x83\x01\x00\x00" + HEAD + b"\x63\x83\x00\xff\x00"
    held = SuspenseEvent(
        suspense_id="s", stage="decode", reason="code_undeclared", raw=CALL, file_head=begin,
        feed_id="roaming", format="tap", detail="tax_code_unknown: the file does not explain",
    )  # fmt: skip
    codes = ({}, {"code_undeclared": 7}, {"code_undeclared": 7, "tax_code_unknown": 8})
    errors = [back.error for _, back, _ in (returned_of(held, one) for one in codes) if back]
    assert errors == [100, 7, 8]
    none = held.model_copy(update={"reason": "charge_differs", "detail": "charge_sum_differs: x"})
    assert "no code for charge_sum_differs or charge_differs" in returned_of(none, {})[2]


def test_a_file_is_checked_and_goes_back_with_the_code_of_the_rule_it_breaks(
    tmp_path: Path,
) -> None:
    path, home = tmp_path / "CDNORAANORBB00012", str(tmp_path / "home")
    path.write_bytes(taps.batch([PLAIN, SEVERE["charge_negative"]()]))
    told = CliRunner().invoke(app, ["check", str(path), "--home", home])
    assert told.exit_code == 1, told.output
    assert told.output.splitlines() == [
        "fatal audit_missing: the file has no audit control information; error code 36",
        (
            "severe charge_negative: a charge in it is less than nothing (it charges -5); 1 event; "
            "no error code is agreed"
        ),
    ]
    words = ["reject", str(path), "--out", str(tmp_path), "--home", home]
    assert CliRunner().invoke(app, words).exit_code == 0
    made = decoded("rap", (tmp_path / "RCNORBBNORAA00001").read_bytes())
    assert made.frame["detail"].to_list()[1].endswith("transfer batch: error 36")
    path.write_bytes(taps.batch([PLAIN], AUDIT))
    assert CliRunner().invoke(app, ["check", str(path), "--home", home]).output == (
        "no rule is broken\n"
    )
    assert CliRunner().invoke(app, words).exit_code == 2


def test_only_severe_rules_can_be_left_out() -> None:
    with pytest.raises(ValidationError, match="audit_missing is no severe rule"):
        TapOptions(not_checked=["audit_missing"])


@pytest.mark.samples
@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("tap_3_12_valid", ["audit_charge_differs", "audit_times_differ", "audit_times_differ", "event_after_file"]),
        ("tap_3_12_negative_volume", ["audit_count_differs", "audit_charge_differs", "audit_times_differ", "audit_times_differ"]),
        ("tap_3_12_trailing_eoc_invalid", ["audit_charge_differs", "audit_times_differ", "audit_times_differ", "event_after_file", "octets_after_file"]),
        ("tap_notification", []),
    ],
)  # fmt: skip
def test_real_files_break_the_rules_they_break(samples: Path, name: str, broken: list[str]) -> None:
    faults = faults_of(samples / "tap3" / f"{name}.ber", TapOptions())
    assert [fault.rule.rule_id for fault in faults] == broken
