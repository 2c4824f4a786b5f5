"""RAP files that we write: what goes back, in which file, and that another reader understands it."""

import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.rap import Chosen, _write, app
from schemas.outcomes import SuspenseEvent
from tallywire.mediation.decoders.tap.head import head_of
from tallywire.mediation.returned import Return, Route, file_name, rap_file, returned_of
from tests.ber import taps
from tests.ber.decoded import decoded

AT = datetime.datetime(2026, 10, 25, 8, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
ROUTE = Route("NORBB", "NORAA", "EUR", 3)
CALL = taps.call(60, [taps.charge(500, tax=20)])
HEAD = b"\x61\x83\x01\x00\x00" + taps.head() + b"\x63\x83\x00\xff\x00"


def _held(raw: bytes = CALL, reason: str = "account_unknown", head: bytes = HEAD) -> SuspenseEvent:
    return SuspenseEvent(
        suspense_id="s1", stage="normalise", reason=reason, raw=raw, file_head=head,
        feed_id="roaming", format="tap",
    )  # fmt: skip


def test_an_event_goes_back_with_the_code_agreed_for_its_reason() -> None:
    route, back, wrong = returned_of(_held(), {"account_unknown": 261})
    assert (route, back, wrong) == (ROUTE, Return(12, CALL, 261), "")
    assert head_of(HEAD).number == "12"


@pytest.mark.parametrize(
    ("held", "told"),
    [
        (_held(reason="zone_unknown"), "no code for zone_unknown"),
        (_held(head=b""), "does not say whose it is"),
        (_held(raw=CALL[:-1]), "no event of TAP"),
        (_held(raw=b"\x31\x00"), "no event of TAP"),
    ],
)
def test_what_cannot_be_returned_is_told(held: SuspenseEvent, told: str) -> None:
    assert told in returned_of(held, {"account_unknown": 261})[2]


def test_what_we_write_we_read() -> None:
    data = rap_file(ROUTE, 7, [Return(12, CALL, 261), Return(13, b"", 30)], AT)
    made = decoded("rap", data)
    assert made.frame["detail"].to_list()[1:3] == [
        "severe return of an event of file 12: error 261; charge 500",
        "fatal return of file 13: transfer batch: error 30",
    ]
    control = made.control
    assert (control["sequence"], control["declared_records"]) == (7, 2)
    assert control["declared_total"] == control["counted_total"] == 500
    assert control["declared_tax"] == control["counted_tax"] == 20


def test_another_reader_understands_it() -> None:
    tap3 = pytest.importorskip("pycrate_asn1dir.TAP3", reason="pycrate is not installed")
    file = tap3.RAP_0105.RapDataInterChange
    file.from_ber(rap_file(ROUTE, 7, [Return(12, CALL, 261), Return(13, b"", 30)], AT))
    kind, batch = file.get_val()
    assert kind == "returnBatch"
    control: dict[str, Any] = batch["rapBatchControlInfoRap"]
    assert (control["sender"], control["recipient"]) == (b"NORBB", b"NORAA")
    assert control["rapFileSequenceNumber"] == b"00007"
    assert control["rapFileCreationTimeStamp"] == {
        "localTimeStamp": b"20261025083000", "utcTimeOffset": b"+0100",
    }  # fmt: skip
    (severe, event), (fatal, whole) = batch["returnDetails"]
    assert (severe, fatal) == ("severeReturn", "fatalReturn")
    assert event["errorDetail"] == [{"errorCode": 261}]
    assert event["callEventDetail"][0] == "mobileOriginatedCall"
    assert whole["fileSequenceNumber"] == b"00013"
    assert batch["rapAuditControlInfo"]["totalSevereReturnValue"] == 500


@pytest.mark.samples
def test_it_is_built_as_a_real_file_is(samples: Path) -> None:
    """The control information has the fields of a real one, in their order."""
    from tallywire.mediation.ber.tree import fields, within  # noqa: PLC0415  only here
    from tallywire.mediation.decoders.tap import tags  # noqa: PLC0415  only here

    real = within(fields((samples / "tap3" / "rap_mini.ber").read_bytes()), tags.RETURN_BATCH, tags.RAP_CONTROL)  # fmt: skip
    ours = within(fields(rap_file(ROUTE, 7, [], AT)), tags.RETURN_BATCH, tags.RAP_CONTROL)
    assert list(ours)[: len(real)] == list(real)


def test_numbers_are_used_once_and_a_record_goes_back_once(tmp_path: Path) -> None:
    chosen = Chosen(ROUTE, [Return(12, CALL, 261)], ["s1"])
    first = _write(tmp_path, tmp_path, chosen, AT)
    second = _write(tmp_path, tmp_path, Chosen(ROUTE, [Return(13, CALL, 261)], ["s2"]), AT)
    assert [path.name for path in (first, second)] == [file_name(ROUTE, 1), file_name(ROUTE, 2)]
    assert first.name == "RCNORBBNORAA00001"


def test_after_a_crash_the_same_records_take_the_same_number(tmp_path: Path) -> None:
    kept = tmp_path / "RCNORBBNORAA.json"
    kept.write_text('{"number": 4, "returned": [], "planned": ["s1"]}')
    more = Chosen(ROUTE, [Return(12, CALL, 261), Return(13, CALL, 261)], ["s1", "s2"])
    path = _write(tmp_path, tmp_path, more, AT)
    assert path.name == "RCNORBBNORAA00005"
    assert decoded("rap", path.read_bytes()).control["counted_records"] == 1


def test_a_file_goes_back_as_a_whole(tmp_path: Path) -> None:
    path, home = tmp_path / "CDNORAANORBB00012", tmp_path / "home"
    path.write_bytes(taps.batch([CALL], taps.audit(1, 500)))
    words = ["reject", str(path), "--error", "30", "--out", str(tmp_path), "--home", str(home)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    made = decoded("rap", (tmp_path / "RCNORBBNORAA00001").read_bytes())
    assert made.frame["detail"].to_list()[1] == "fatal return of file 12: transfer batch: error 30"
    path.write_bytes(b"no TAP file")
    assert CliRunner().invoke(app, words).exit_code == 3


def test_no_file_of_a_number_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="no RAP file"):
        rap_file(ROUTE, 0, [], AT)
