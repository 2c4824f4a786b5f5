"""Real files of exchanges and switches: every one decodes, every known fault is found by name."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from schemas.reasons import Reason
from tallywire.mediation.decoded import Decoded
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.framing import frame
from tests.laws.feeds import SNAPSHOT

pytestmark = pytest.mark.samples

SECOND = 1_000_000
ACC: dict[str, Any] = {
    "columns": ["method", "from_tag", "to_tag", "callid", "sip_code", "sip_reason", "time", "kind",
                "src", "dst", "-", "dialog"],
    "fields": {"a_raw": "src", "b_raw": "dst", "usage_type": "kind"},
}  # fmt: skip
WITH_ACK = {**ACC, "columns": [*ACC["columns"], "marker"], "begins": "ack", "dialog": "dialog"}
IMPORTS = ["caller_id_number", "caller_id_name", "destination_number", "duration", "billsec",
           "hangup_cause_q850", "uuid", "start_epoch"]  # fmt: skip
STATS = ["switch", "source", "uuid", "caller_id_number", "caller_id_name", "destination_number",
         "code", "state", "channel", "start_stamp", "duration", "billsec", "progress", "answer",
         "wait", "hangup_cause_q850", "hangup_cause", "way", "country", "accountcode", "buy_rate",
         "buy_cost", "sell_rate", "sell_cost", "extra"]  # fmt: skip


def decode(form: str, path: Path, **options: Any) -> Decoded:
    feed = replace(SNAPSHOT.feeds["pbx"], format=form, options=options)
    framing = DECODERS[form].framing(feed)
    data = path.read_bytes()
    head = data[: framing.prologue(data, at_end=True) or 0]
    frames, consumed = frame(data, framing, at_end=True, prologue=head)
    assert consumed == len(data)
    made = DECODERS[form].decode(frames, feed)
    assert made.frame.height == len(frames) > 0
    return made


def usable(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("reason").is_null())


def lengths(rows: pl.DataFrame) -> list[int]:
    """Seconds of calls, first part to last."""
    parts = usable(rows).filter(pl.col("kind") == "partial")
    begun = parts.filter("is_first").select("session_key", begun="start_us")
    ended = parts.filter("is_last").select("session_key", ended="start_us")
    both = begun.join(ended, on="session_key")
    return sorted(((both["ended"] - both["begun"]) // SECOND).to_list())


def test_asterisk_events_end_a_call_of_eighteen_seconds(samples: Path) -> None:
    rows = decode("asterisk_cel", samples / "asterisk" / "CELMaster1.csv").frame
    assert lengths(rows) == [18]
    assert rows.height == 16
    every = decode("asterisk_cel", samples / "asterisk" / "CELMaster1.csv", legs="all").frame
    answers = usable(every).filter(pl.col("is_first") & (pl.col("session_key") == "1335310195.2"))
    assert (answers.height, answers["natural_key"].n_unique()) == (2, 1)  # answered twice
    bridged = decode("asterisk_cel", samples / "asterisk" / "CELMaster1.csv", usage="bridge").frame
    assert lengths(bridged) == [17]


def test_asterisk_impossible_duration_and_a_quote_without_end(samples: Path) -> None:
    good = decode("asterisk_csv", samples / "asterisk" / "cdrlib_good.csv").frame
    assert good["reason"].to_list() == [
        None, Reason.DURATION_INCONSISTENT, *[Reason.NOT_ANSWERED] * 3
    ]  # fmt: skip
    assert good["detail"].to_list()[1:3] == [
        "billsec 7 is more than duration 5", "disposition FAILED, with an answer time"
    ]  # fmt: skip
    assert good["natural_key"].n_unique() == 1  # a repeated unique id
    broken = decode("asterisk_csv", samples / "asterisk" / "cdrlib_buggy.csv").frame
    assert broken["reason"].to_list() == [Reason.RECORD_UNREADABLE]
    assert usable(decode("asterisk_csv", samples / "asterisk" / "Master.csv").frame).height == 2


def test_broadworks_lacks_ninety_nine_numbers_before_its_end(samples: Path) -> None:
    made = decode("broadworks", samples / "broadworks" / "broadworks_cdr_v19.xml")
    counted = made.frame.filter(pl.col("node") != "")
    numbers = counted["node_sequence"].to_list()
    assert counted["node"].unique().to_list() == ["CGRateSaabb"]
    assert sorted(set(range(numbers[0], numbers[-1] + 1)) - set(numbers)) == list(
        range(2183387, 2183486)
    )
    assert counted["node_mark"].to_list() == ["start", "", "", "end"]
    assert made.control == {"trailer_found": 1}
    calls = usable(made.frame)
    assert calls["quantity"].to_list() == [13_483_000, 23_285_000]
    assert calls["utc_offset_minutes"].to_list() == [120, 120]


def test_cucm_recording_legs_types_and_quality(samples: Path) -> None:
    calls = decode("cisco_cucm", samples / "cisco_cucm" / "cdr_cucm15_lab.txt").frame
    assert calls["reason"].to_list() == [
        Reason.CONTROL_RECORD, Reason.CONTROL_RECORD, Reason.NOT_BILLABLE, Reason.NOT_BILLABLE, None
    ]  # fmt: skip
    assert calls["detail"].to_list()[2].endswith("cause 1459617833")
    call = usable(calls).row(0, named=True)
    assert (call["quantity"], call["cause_q850"], call["ip"]) == (11 * SECOND, 16, "10.248.64.14")
    quality = decode("cisco_cucm", samples / "cisco_cucm" / "cmr_cucm15_lab.txt").frame
    assert quality["reason"].unique().to_list() == [Reason.CONTROL_RECORD]
    assert quality["detail"].to_list()[2].startswith("quality of leg 47874239: 0 of 555 packets")


def test_sip_transactions_are_paired_both_ways_round(samples: Path) -> None:
    folder = samples / "opensips_acc"
    assert lengths(decode("sip_acc", folder / "acc_flatstore_full.csv", **ACC).frame) == [
        2,
        2,
        4,
        4,
    ]
    ends = decode("sip_acc", folder / "acc_flatstore_part1_bye_first.csv", **ACC).frame
    begins = decode("sip_acc", folder / "acc_flatstore_part2_invite_later.csv", **ACC).frame
    assert lengths(pl.concat([ends, begins])) == [4]
    assert usable(begins).filter("is_first").height == 2  # one that never ends
    missed = decode("sip_acc", folder / "acc_flatstore_missed.csv", **ACC).frame
    assert missed["reason"].unique().to_list() == [Reason.NOT_ANSWERED]
    assert sorted(detail[:10] for detail in missed["detail"]) == [
        "INVITE 404",
        "INVITE 486",
        "INVITE 487",
    ]


def test_an_invite_without_time_begins_with_its_ack(samples: Path) -> None:
    path = samples / "opensips_acc" / "acc_flatstore_with_ack.csv"
    rows = decode("sip_acc", path, **WITH_ACK).frame
    assert lengths(rows) == [2, 2, 4, 4]
    assert rows.filter(pl.col("reason") == Reason.SESSION_OPENED.value).height == 4
    asked = decode("sip_acc", path, **{**WITH_ACK, "begins": "invite"}).frame
    assert asked.filter(pl.col("reason") == Reason.TIME_INVALID.value).height == 4


def test_freeswitch_is_rated_on_the_finest_of_three_durations(samples: Path) -> None:
    folder = samples / "freeswitch"
    rows = decode("freeswitch_json", folder / "mod_json_cdr_full.json").frame
    assert usable(rows)["quantity"].to_list() == [67_539_896]
    made = decode("freeswitch_csv", folder / "cdrstats_import_cdr_100.txt", columns=IMPORTS).frame
    assert usable(made).height == 99
    assert made.filter(pl.col("reason").is_not_null())["detail"].to_list() == [
        "billed -6000000 us of 2000000 us does not fit answer to end"
    ]
    stats = decode(
        "freeswitch_csv", folder / "cdrstats_CDRImport-2015-10-26.csv", columns=STATS, header=True
    ).frame
    assert usable(stats)["quantity"].to_list() == [
        second * SECOND for second in (50, 10, 34, 11, 5)
    ]
