"""What exchanges and switches write, and what becomes of it: examples an accountant can read."""

from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from schemas.reasons import Reason
from tallywire.mediation.decoded import Decoded
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.decoders.cisco_cucm import address
from tallywire.mediation.decoders.sip_acc import SipAccOptions
from tallywire.mediation.framing import frame
from tests.laws.feeds import SNAPSHOT
from tests.laws.switches import (
    ACC_OPTIONS,
    acc,
    acc_line,
    broadworks,
    broadworks_record,
    cel,
    cel_line,
    cucm,
    cucm_line,
)

SECOND = 1_000_000


def decode(form: str, data: bytes, **options: Any) -> Decoded:
    feed = replace(SNAPSHOT.feeds["pbx"], format=form, options=options)
    framing = DECODERS[form].framing(feed)
    head = data[: framing.prologue(data, at_end=True) or 0]
    frames, _ = frame(data, framing, at_end=True, prologue=head)
    return DECODERS[form].decode(frames, feed)


def told(rows: pl.DataFrame) -> list[tuple[str | None, str]]:
    return [(row["reason"], row["detail"]) for row in rows.iter_rows(named=True)]


def pairs(rows: pl.DataFrame) -> dict[str, int]:
    """Join parts as correlation does: from the first of a session to its last."""
    parts = rows.filter(pl.col("reason").is_null() & (pl.col("kind") == "partial"))
    assert (parts["join"] == "span").all()
    begun = parts.filter("is_first").select("session_key", "b_raw", begun="start_us")
    ended = parts.filter("is_last").select("session_key", ended="start_us")
    both = begun.join(ended, on="session_key")
    return {
        key: last - first
        for key, first, last in both.select("session_key", "begun", "ended").rows()
    }


# channel events of Asterisk


def test_a_channel_is_charged_from_its_first_answer_to_its_hangup() -> None:
    rows = decode("asterisk_cel", cel()).frame
    assert [part["session_key"] for part in rows.filter(pl.col("reason").is_null()).iter_rows(named=True)] == [
        "1792843200.10", "1792843200.10", "1792843200.10"
    ]  # fmt: skip
    answers = rows.filter((pl.col("session_key") == "1792843200.10") & pl.col("is_first"))
    assert answers["natural_key"].n_unique() == answers["content"].n_unique() == 1  # duplicates
    first = rows.filter(pl.col("record_no") != 5)
    assert pairs(first) == {"1792843200.10": 60_400_005}  # to the microsecond
    assert rows["trunk_in"].unique().sort().to_list() == ["PJSIP/carrier", "PJSIP/desk"]


def test_other_channels_other_events_and_busy_ones_are_set_aside() -> None:
    found = told(decode("asterisk_cel", cel()).frame)
    assert found[0] == (Reason.CONTROL_RECORD, "event CHAN_START begins and ends no usage")
    assert found[2] == (Reason.NOT_BILLABLE, "ANSWER of a channel that did not begin the call")
    assert found[11] == (Reason.NOT_ANSWERED, "hung up, cause 17 BUSY")
    assert found[12][0] == Reason.TIME_INVALID


def test_a_menu_answers_before_it_dials() -> None:
    lines = "\n".join([
        cel_line("ANSWER", "1792843200.5", "9.1"),
        cel_line("HANGUP", "1792843230.5", "9.1", extra='{"hangupcause":17,"dialstatus":"BUSY"}'),
    ])  # fmt: skip
    rows = decode("asterisk_cel", lines.encode(), early_answer=True).frame
    assert pairs(rows) == {"9.1": 30 * SECOND}
    rows = decode("asterisk_cel", lines.encode()).frame
    assert told(rows)[1] == (Reason.NOT_ANSWERED, "hung up, cause 17 BUSY")


def test_trunks_alone_bridges_and_channels_marked_omit() -> None:
    rows = decode("asterisk_cel", cel(), legs="all", channels=["PJSIP/carrier-"]).frame
    assert pairs(rows) == {"1792843200.11": 60_400_005}
    rows = decode("asterisk_cel", cel(), usage="bridge").frame
    assert pairs(rows) == {"1792843200.10\x1fb-1": 60_100_002}
    line = cel_line("ANSWER", "1792843205.400004", "1.1", amaflags="OMIT").encode()
    assert told(decode("asterisk_cel", line).frame) == [(Reason.NOT_BILLABLE, "marked OMIT")]


def test_events_as_json_and_local_times() -> None:
    data = (
        b'{"eventtype":"ANSWER","eventtime":"2026-10-24 12:00:05.250000","uniqueid":"7.1","linkedid":"7.1"}\n'
        b'{"eventtype":"HANGUP","eventtime":1792836065.750001,"uniqueid":"7.1","linkedid":"7.1","extra":"16,,ANSWER"}\n'
        b"[]\n"
    )
    rows = decode("asterisk_cel", data, layout="json").frame
    assert pairs(rows) == {"7.1": 60_500_001}
    assert rows["utc_offset_minutes"].to_list()[0] == 120
    assert rows["reason"].to_list()[2] == Reason.RECORD_UNREADABLE


# BroadWorks


def test_broadworks_counts_its_records_and_says_where_they_begin_and_end() -> None:
    made = decode("broadworks", broadworks())
    rows = made.frame.filter(pl.col("node") != "")
    assert rows["node_sequence"].to_list() == [100, 101, 102, 103, 104, 105, 106, 109]
    assert rows["node_mark"].to_list() == ["start", *[""] * 6, "end"]
    assert made.control == {"trailer_found": 1}
    assert decode("broadworks", broadworks([broadworks_record(1)])).control == {}


def test_broadworks_is_charged_from_answer_to_release() -> None:
    rows = decode("broadworks", broadworks()).frame
    call = rows.row(2, named=True)
    assert call["quantity"] == 60_500_000
    assert call["utc_offset_minutes"] == 120
    assert call["cause_q850"] == 16
    assert call["natural_key"] == "as1.example\x1f0000000101"
    assert [found for found in told(rows)[3:8] if found[0]] == [
        (Reason.NOT_ANSWERED, "answerIndicator No, cause 016"),
        (Reason.SESSION_OPENED, "call 104:0 goes on; its last record holds all of it"),
        (Reason.DURATION_INCONSISTENT, "releaseTime 20261024100000.000 is before answerTime 20261024100005.250"),
        (Reason.NOT_BILLABLE, "chargeIndicator n"),
    ]  # fmt: skip
    assert rows["b_raw"].to_list()[4] == "4&741"  # as XML says, not as it is written


def test_long_calls_in_parts_are_each_charged() -> None:
    parts = [
        broadworks_record(1, "Long Duration", localCallId="9:0", releaseTime="20261024110000.000"),
        broadworks_record(2, localCallId="9:0", answerTime="20261024110000.000", releaseTime="20261024113000.000"),
    ]  # fmt: skip
    rows = decode("broadworks", broadworks(parts), long_calls="parts").frame
    usage = rows.filter(pl.col("reason").is_null())
    assert usage["quantity"].to_list() == [3_594_750_000, 1_800_000_000]
    assert usage["session_key"].to_list() == ["9:0", "9:0"]


def test_broadworks_with_a_prefix_in_latin_1() -> None:
    text = broadworks([broadworks_record(1, userId="bjørn@office")], "iso-8859-1").decode("latin-1")
    prefixed = (
        text.replace("<broadWorksCDR", '<bw:broadWorksCDR xmlns:bw="urn:x"').replace("</", "</bw:")
        .replace("<c", "<bw:c").replace("<h", "<bw:h").replace("<r", "<bw:r").replace("<e", "<bw:e")
        .replace("<s", "<bw:s").replace("<d", "<bw:d").replace("<t", "<bw:t").replace("<b", "<bw:b")
        .replace("<u", "<bw:u").replace("<l", "<bw:l").replace("<a", "<bw:a")
        .replace("<bw:bw:", "<bw:")
    )  # fmt: skip
    rows = decode("broadworks", prefixed.encode("latin-1"), prefix="bw:").frame
    assert rows.filter(pl.col("reason").is_null())["user_name"].to_list() == ["bjørn@office"]


# Unified CM


def test_unified_cm_is_read_by_the_names_in_its_header() -> None:
    rows = decode("cisco_cucm", cucm()).frame
    assert told(rows) == [
        (Reason.CONTROL_RECORD, "the names of the columns"),
        (Reason.CONTROL_RECORD, "the types of the columns"),
        (None, ""),
        (Reason.NOT_ANSWERED, "never connected, cause 17"),
        (Reason.DURATION_INCONSISTENT, "duration 6 is not connect 1792843205 to disconnect 1792843265"),
        (Reason.NOT_BILLABLE, "call split by transfer or conference after 60 s: cause 393216"),
        (Reason.NOT_BILLABLE, "a leg of recording or monitoring, to carrier-trunk, cause 16"),
        (Reason.ZERO_USAGE, "connected for no whole second"),
        (None, ""),
    ]  # fmt: skip
    call, forwarded = rows.row(2, named=True), rows.row(8, named=True)
    assert (call["quantity"], call["natural_key"]) == (60 * SECOND, "p-1")
    assert (call["ip"], call["session_key"]) == ("10.0.0.129", "office:2:500:1792843200")
    assert (forwarded["b_raw"], forwarded["c_raw"], call["c_raw"]) == ("4741234567", "200", "")


def test_legs_that_end_by_a_split_may_be_charged() -> None:
    rows = decode(
        "cisco_cucm", cucm([cucm_line("p", origCause_value=393216)]), split_legs="usage"
    ).frame
    assert rows["reason"].to_list()[2] is None
    assert rows["cause_q850"].to_list()[2] == 0  # no cause of Q.850
    assert rows["cause"].to_list()[2] == "393216"


def test_a_refusal_that_quotes_a_cause_beyond_all_numbers_has_words() -> None:
    long = {"origCause_value": "1" * 20}
    lines = [
        cucm_line("p-1", dateTimeConnect=0, **long),
        cucm_line("p-2", joinOnBehalfOf=27, **long),
    ]
    rows = decode("cisco_cucm", cucm(lines)).frame
    assert told(rows)[2:] == [
        ("not_answered", "never connected, cause that is no number"),
        (
            "not_billable",
            "a leg of recording or monitoring, to carrier-trunk, cause that is no number",
        ),
    ]


def test_quality_records_and_files_without_a_header() -> None:
    header = b'"cdrRecordType","callIdentifier","numberPacketsReceived","numberPacketsLost","jitter","latency","pkid"\n'
    rows = decode("cisco_cucm", header + b'2,9001,3000,12,4,1,"q-1"\n9,1,1,1,1,1,"q-2"\n').frame
    assert told(rows)[1:] == [
        (Reason.CONTROL_RECORD, "quality of leg 9001: 12 of 3000 packets lost, jitter 4 ms, latency 1 ms"),
        (Reason.RECORD_TYPE_UNKNOWN, "cdrRecordType 9"),
    ]  # fmt: skip
    rows = decode("cisco_cucm", b"1,2,3\n").frame
    assert rows["reason"].to_list() == [Reason.RECORD_UNREADABLE]


def test_addresses_are_numbers_turned_round() -> None:
    numbers = ["16777226", "-2130706422", "0", "", "99999999999"]
    found = pl.DataFrame({"n": numbers}).select(address(pl.col("n"))).to_series().to_list()
    assert found == ["10.0.0.1", "10.0.0.129", None, None, None]


# transactions of SIP


def test_an_invite_and_its_bye_are_a_call_whoever_hangs_up_and_whichever_comes_first() -> None:
    rows = decode("sip_acc", acc(), **ACC_OPTIONS).frame
    first = rows.unique("natural_key", keep="first", maintain_order=True)
    assert {key.split("\x1f")[0]: length // SECOND for key, length in pairs(first).items()} == {
        "c1@pbx": 60, "c2@pbx": 30,
    }  # fmt: skip


def test_what_is_said_again_within_a_call_is_a_duplicate() -> None:
    rows = decode("sip_acc", acc(), **ACC_OPTIONS).frame
    begun = rows.filter(pl.col("is_first") & (pl.col("linked_id") == "c1@pbx"))
    assert begun.height == 3  # answered, answered again, invited again by the other side
    assert begun["natural_key"].n_unique() == begun["content"].n_unique() == 1


def test_transactions_that_are_no_part_of_a_call_are_set_aside() -> None:
    found = told(decode("sip_acc", acc(), **ACC_OPTIONS).frame)
    assert found[1] == (Reason.CONTROL_RECORD, "ACK 200 OK is no part of a call")
    assert found[7] == (Reason.NOT_ANSWERED, "INVITE 486 Failed")
    assert found[8] == (Reason.NOT_ANSWERED, "CANCEL 200 OK")
    assert found[9] == (Reason.CONTROL_RECORD, "BYE 407 Failed is no part of a call")
    assert found[12] == (
        Reason.TIME_INVALID, "time '' of INVITE is no time; if its ACK carries it, set `begins: ack`"
    )  # fmt: skip


def test_a_call_may_begin_with_its_ack_and_be_known_by_its_dialog() -> None:
    data = "\n".join([
        acc_line("INVITE", "c@pbx", ""),
        acc_line("ACK", "c@pbx", "1792843200.250"),
        acc_line("BYE", "c@pbx", "1792843260.500"),
    ])  # fmt: skip
    rows = decode("sip_acc", data.encode(), begins="ack", dialog="account", **ACC_OPTIONS).frame
    assert told(rows)[0] == (Reason.SESSION_OPENED, "its ACK carries the time when the call began")
    assert pairs(rows) == {"NL-OSLO": 60_250_000}


def test_transactions_in_a_log_and_in_csv() -> None:
    log = (
        b"Oct 24 10:00:00 sip kamailio[7]: NOTICE: ACC: transaction answered: timestamp=1792843200;method=INVITE;"
        b"from_tag=a;to_tag=b;call_id=c@pbx;code=200;reason=OK;src_user=4722000100\n"
        b"Oct 24 10:00:09 sip kamailio[7]: INFO: nothing of interest\n"
        b"Oct 24 10:01:00 sip kamailio[7]: NOTICE: ACC: transaction answered: timestamp=1792843260;method=BYE;"
        b"from_tag=b;to_tag=a;call_id=c@pbx;code=200;reason=OK;src_user=4722000100\n"
    )
    rows = decode("sip_acc", log, layout="syslog", fields={"a_raw": "src_user"}).frame
    assert list(pairs(rows).values()) == [60 * SECOND]
    assert rows["a_raw"].to_list()[0] == "4722000100"
    assert told(rows)[1] == (Reason.CONTROL_RECORD, "another line of the log")
    csv = b'"INVITE","a","b","c@pbx","200","OK, fine","2026-10-24 12:00:00"\n'
    row = decode("sip_acc", csv, layout="csv").frame.row(0, named=True)
    assert (row["start_us"], row["utc_offset_minutes"]) == (1792836000 * SECOND, 120)


def test_columns_must_be_named_once_and_those_that_are_read() -> None:
    with pytest.raises(ValidationError, match="does not name src"):
        SipAccOptions(fields={"a_raw": "src"})
    with pytest.raises(ValidationError, match="twice"):
        SipAccOptions(columns=["method"] * 7)


# Asterisk's call records, and FreeSWITCH's


def test_a_custom_call_record_is_exact_to_the_microsecond() -> None:
    columns = ["uniqueid", "src", "dst", "channel", "dstchannel", "start", "answer", "end",
               "duration", "billsec", "disposition", "amaflags"]  # fmt: skip
    lines = (
        '"1792843200.7","4722000100","4741234567","PJSIP/desk-0000000a","PJSIP/carrier-0000000b",'
        '"1792843200.000001","1792843205.250000","1792843265.750001","65.750000","60.500001","ANSWERED","{}"\n'
    )
    data = lines.format("BILLING") + lines.format("OMIT").replace("200.7", "200.8")
    rows = decode("asterisk_csv", data.encode(), columns=columns).frame
    assert rows["quantity"].to_list() == [60_500_001, 60_500_001]
    assert (rows["trunk_in"][0], rows["trunk_out"][0]) == ("PJSIP/desk", "PJSIP/carrier")
    assert told(rows) == [(None, ""), (Reason.NOT_BILLABLE, "the dialplan marks it OMIT")]


def test_freeswitch_values_may_be_encoded_as_in_addresses() -> None:
    data = (
        b'{"variables":{"uuid":"u-1","caller_id_number":"%2B4722000100","destination_number":"4741234567",'
        b'"start_stamp":"2026-10-24%2012%3A00%3A00","answer_stamp":"2026-10-24%2012%3A00%3A05",'
        b'"end_stamp":"2026-10-24%2012%3A01%3A05","duration":"65","billsec":"60","direction":"outbound"}}'
    )
    row = decode("freeswitch_json", data).frame.row(0, named=True)
    assert (row["a_raw"], row["quantity"], row["utc_offset_minutes"]) == (
        "+4722000100",
        60 * SECOND,
        120,
    )
    assert row["start_us"] == 1792836005 * SECOND
    rows = decode("freeswitch_json", data, legs="inbound").frame
    assert told(rows) == [(Reason.NOT_BILLABLE, "the outbound leg of a call")]
    rows = decode("freeswitch_json", data, url_encoded=False).frame
    assert rows["reason"].to_list() == [Reason.TIME_INVALID]
