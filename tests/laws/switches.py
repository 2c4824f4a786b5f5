"""Files of exchanges and switches as their makers' formats have them, of our own making."""

from collections.abc import Sequence

_CEL = (
    "eventtype", "eventtime", "cid_name", "cid_num", "cid_ani", "cid_rdnis", "cid_dnid", "exten",
    "context", "channame", "appname", "appdata", "amaflags", "accountcode", "uniqueid", "linkedid",
    "peer", "userfield", "userdeftype", "extra",
)  # fmt: skip


def cel_line(kind: str, time: str, unique: str, linked: str = "", **more: str) -> str:
    """Write a channel event as cel_custom does."""
    event = {"eventtype": kind, "eventtime": time, "uniqueid": unique, "linkedid": linked or unique,
             "cid_num": "4722000100", "exten": "4741234567", "channame": "PJSIP/desk-0000000a",
             "accountcode": "NL-OSLO", "amaflags": "3", **more}  # fmt: skip
    return ",".join('"' + event.get(name, "").replace('"', '""') + '"' for name in _CEL)


def cel() -> bytes:
    """A call of two channels, answered twice by its dialplan, and one that was busy."""
    one, two, three = "1792843200.10", "1792843200.11", "1792843300.12"
    ended = '{"hangupcause":16,"hangupsource":"","dialstatus":"ANSWER"}'
    lines = [
        cel_line("CHAN_START", "1792843200.100001", one),
        cel_line("CHAN_START", "1792843201.200002", two, one, channame="PJSIP/carrier-0000000b"),
        cel_line("ANSWER", "1792843205.300003", two, one, channame="PJSIP/carrier-0000000b"),
        cel_line("ANSWER", "1792843205.400004", one),
        cel_line("BRIDGE_ENTER", "1792843205.500005", one, extra='{"bridge_id":"b-1"}'),
        cel_line("ANSWER", "1792843206.000006", one),
        cel_line("BRIDGE_EXIT", "1792843265.600007", one, extra='{"bridge_id":"b-1"}'),
        cel_line("HANGUP", "1792843265.700008", two, one, channame="PJSIP/carrier-0000000b"),
        cel_line("HANGUP", "1792843265.800009", one, extra=ended),
        cel_line("LINKEDID_END", "1792843265.900010", one),
        cel_line("CHAN_START", "1792843300.000000", three),
        cel_line("HANGUP", "1792843301.000000", three, extra="17,,BUSY"),
        cel_line("ANSWER", "yesterday", three),
    ]
    return "\n".join(lines).encode() + b"\n"


def broadworks_record(number: int, kind: str = "Normal", **more: str) -> str:
    """Write a record of an application server."""
    call = {
        "userNumber": "4722000100", "direction": "Originating", "asCallType": "Network",
        "callingNumber": "+4722000100", "calledNumber": "+4741234567",
        "startTime": "20261024100000.000", "userTimeZone": "1+020000",
        "localCallId": f"{number}:0", "answerIndicator": "Yes", "answerTime": "20261024100005.250",
        "releaseTime": "20261024100105.750", "terminationCause": "016", "chargeIndicator": "y",
        "userId": "desk@office.example", **more,
    }  # fmt: skip
    module = "".join(f"<{name}>{text}</{name}>" for name, text in call.items() if text)
    basic = f"<basicModule>{module}</basicModule>" if kind not in {"Start", "End"} else ""
    return (
        f"<cdrData><headerModule><recordId><eventCounter>{number:010}</eventCounter>"
        f"<systemId>as1.example</systemId><date>20261024100000.000</date>"
        f"<systemTimeZone>1+020000</systemTimeZone></recordId><type>{kind}</type></headerModule>"
        f"{basic}</cdrData>"
    )


def broadworks(records: Sequence[str] | None = None, declaration: str = "UTF-8") -> bytes:
    """Write a file of an application server."""
    inner = records if records is not None else [
        broadworks_record(100, "Start"),
        broadworks_record(101),
        broadworks_record(102, answerIndicator="No", answerTime=""),
        broadworks_record(103, calledNumber="4&amp;7<!-- no digit --><![CDATA[41]]>"),
        broadworks_record(104, "Long Duration", releaseTime=""),
        broadworks_record(105, releaseTime="20261024100000.000"),
        broadworks_record(106, chargeIndicator="n"),
        broadworks_record(109, "End"),
    ]  # fmt: skip
    head = f'<?xml version="1.0" encoding="{declaration}"?>\n<!DOCTYPE broadWorksCDR>\n'
    body = "\n".join(f"  {record}" for record in inner)
    return f'{head}<broadWorksCDR version="23.0">\n{body}\n</broadWorksCDR>\n'.encode(declaration)


_CUCM = (
    "cdrRecordType", "globalCallID_callManagerId", "globalCallID_callId", "origLegCallIdentifier",
    "dateTimeOrigination", "origIpAddr", "callingPartyNumber", "callingPartyUnicodeLoginUserID",
    "origCause_value", "destLegIdentifier", "destIpAddr", "originalCalledPartyNumber",
    "finalCalledPartyNumber", "destCause_value", "dateTimeConnect", "dateTimeDisconnect",
    "lastRedirectDn", "pkid", "duration", "origDeviceName", "destDeviceName",
    "lastRedirectRedirectOnBehalfOf", "joinOnBehalfOf", "globalCallId_ClusterID",
    "clientMatterCode",
)  # fmt: skip


def cucm_line(pkid: str, **more: str | int) -> str:
    """Write a call detail record."""
    call: dict[str, str | int] = {
        "cdrRecordType": 1, "globalCallID_callManagerId": 2, "globalCallID_callId": 500,
        "origLegCallIdentifier": 9001, "dateTimeOrigination": 1792843200, "origIpAddr": -2130706422,
        "callingPartyNumber": "4722000100", "origCause_value": 16, "destLegIdentifier": 9002,
        "destIpAddr": 16777226, "originalCalledPartyNumber": "4741234567",
        "finalCalledPartyNumber": "4741234567", "destCause_value": 0,
        "dateTimeConnect": 1792843205, "dateTimeDisconnect": 1792843265,
        "lastRedirectDn": "4741234567", "pkid": pkid, "duration": 60, "origDeviceName": "SEP0001",
        "destDeviceName": "carrier-trunk", "lastRedirectRedirectOnBehalfOf": 0, "joinOnBehalfOf": 0,
        "globalCallId_ClusterID": "office", "clientMatterCode": "NL-OSLO", **more,
    }  # fmt: skip
    texts = (call.get(name, "") for name in _CUCM)
    return ",".join(str(text) if isinstance(text, int) else f'"{text}"' for text in texts)


def cucm(lines: Sequence[str] | None = None) -> bytes:
    """Write a file of a cluster."""
    inner = lines if lines is not None else [
        cucm_line("p-1"),
        cucm_line("p-2", dateTimeConnect=0, duration=0, origCause_value=0, destCause_value=17),
        cucm_line("p-3", duration=6),
        cucm_line("p-4", origCause_value=393216),
        cucm_line("p-5", lastRedirectRedirectOnBehalfOf=27, joinOnBehalfOf=27),
        cucm_line("p-6", dateTimeDisconnect=1792843205, duration=0),
        cucm_line("p-7", originalCalledPartyNumber="200", lastRedirectDn="200"),
    ]  # fmt: skip
    header = ",".join(f'"{name}"' for name in _CUCM)
    types = ",".join("INTEGER" for _ in _CUCM)
    return "\n".join([header, types, *inner]).encode() + b"\n"


ACC_OPTIONS: dict[str, object] = {
    "columns": ["method", "from_tag", "to_tag", "callid", "sip_code", "sip_reason", "time", "src",
                "dst", "account"],
    "fields": {"a_raw": "src", "b_raw": "dst", "account_code": "account"},
}  # fmt: skip


def acc_line(
    method: str, call: str, time: object, code: str = "200", *, turned: bool = False,
    src: str = "4722000100",
) -> str:  # fmt: skip
    """Write a transaction; `turned`: by the party that was called."""
    tags = ("t-callee", "f-caller") if turned else ("f-caller", "t-callee")
    reason = "OK" if code == "200" else "Failed"
    return "|".join([method, *tags, call, code, reason, str(time), src, "4741234567", "NL-OSLO"])


def acc() -> bytes:
    """Calls either way round, one that never ends, and what is no part of a call."""
    lines = [
        acc_line("INVITE", "c1@pbx", 1792843200),
        acc_line("ACK", "c1@pbx", 1792843200),
        acc_line("INVITE", "c1@pbx", 1792843201),
        acc_line("INVITE", "c1@pbx", 1792843230, turned=True),
        acc_line("BYE", "c1@pbx", 1792843260, turned=True),
        acc_line("BYE", "c2@pbx", 1792843300, "408"),
        acc_line("INVITE", "c2@pbx", 1792843270),
        acc_line("INVITE", "c3@pbx", 1792843280, "486"),
        acc_line("CANCEL", "c4@pbx", 1792843281),
        acc_line("BYE", "c1@pbx", 1792843259, "407"),
        acc_line("INVITE", "c5@pbx", 1792843290),
        acc_line("INVITE", "c6@pbx", "2026-10-24 12:00:00"),
        acc_line("INVITE", "c7@pbx", ""),
        acc_line("OPTIONS", "c8@pbx", 1792843291),
    ]
    return "\n".join(lines).encode() + b"\n"


def freeswitch_line(unique: str, **more: str) -> str:
    """Write a call as mod_cdr_csv's own template does."""
    call = {
        "name": "Anna", "from": "4722000100", "to": "4741234567", "context": "default",
        "start": "2026-10-24 12:00:00", "answer": "2026-10-24 12:00:05",
        "end": "2026-10-24 12:01:05", "duration": "65", "billsec": "60", "cause": "NORMAL_CLEARING",
        "uuid": unique, "bleg": "", "account": "NL-OSLO", "read": "PCMA", "write": "PCMA", **more,
    }  # fmt: skip
    return ",".join(f'"{text}"' for text in call.values())


def freeswitch() -> bytes:
    """Calls: answered, not answered, with a quotation mark in a name, with a broken time."""
    lines = [
        freeswitch_line("6d0a0b1c-0001"),
        freeswitch_line("6d0a0b1c-0002", answer="", billsec="0", cause="NO_ANSWER"),
        freeswitch_line("6d0a0b1c-0003", name='Anna ""the first""'),
        freeswitch_line("6d0a0b1c-0004", start="soon"),
    ]
    return "\n".join(lines).encode() + b"\n"
