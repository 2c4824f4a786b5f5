"""Diameter credit control and accounting (Gy, Ro, Rf) as files of messages.

A request that reports usage of several rating groups is several usages. What is used is reported
since the report before (credit control, containers of data), or from the session's begin (plain
accounting).

Source: RFC 8506 (CCR), RFC 6733, 9 (ACR), 3GPP TS 32.299.
"""

from collections.abc import Iterator

from schemas.reasons import Reason
from schemas.services import UNIT_OF_SERVICE, Service, Unit
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.decoded import Decoded, Frames
from tallywire.mediation.decoders.avps import Avps, read_avps
from tallywire.mediation.decoders.metered import ByRatingGroup, Metered
from tallywire.mediation.framing import Diameter, Framing
from tallywire.mediation.framing.diameter import HEADER_BYTES, length_of
from tallywire.mediation.items import (
    Item,
    Unreadable,
    attributes_of,
    content_of,
    decode_items,
    flags_of,
    refusal,
)

_REQUEST, _RETRANSMITTED = 0x80, 0x10
_CREDIT_CONTROL, _ACCOUNTING = 272, 271
_OTHERS = {257: "capabilities", 258: "re-authorisation", 274: "abort", 275: "session end",
           280: "watchdog", 282: "disconnect"}  # fmt: skip
_INITIAL, _TERMINATION, _EVENT = 1, 3, 4
_ACTIONS = {2: "a balance check", 3: "a price enquiry"}
_REFUND = 1
_KINDS = {1: "complete", 2: "start", 3: "interim", 4: "stop"}
_EVENT_RECORD, _START, _STOP = 1, 2, 4
_NUMBER, _IMSI = 0, 1
_BEFORE_OR_AFTER = {0: "before", 1: "after", 2: "indeterminate"}
_EVENT_ITSELF: Avps = {"service_specific_units": [1]}
_NOTHING_USED: Avps = {"total_octets": [0], "time": [0], "service_specific_units": [0]}


class DiameterOptions(ByRatingGroup):
    """Options of a Diameter feed: services by rating group."""


def _one(avps: Avps, name: str) -> object:
    found = avps.get(name)
    return found[0] if found else None


def _whole(avps: Avps, name: str) -> int | None:
    found = _one(avps, name)
    return found if isinstance(found, int) else None


def _text(avps: Avps, name: str) -> str:
    found = _one(avps, name)
    return "" if found is None else str(found)


def _groups(avps: Avps, name: str) -> list[Avps]:
    return [found for found in avps.get(name, []) if isinstance(found, dict)]


def _within(avps: Avps, *names: str) -> Avps:
    for name in names:
        avps = (_groups(avps, name) or [{}])[0]
    return avps


def _metered(unit: Avps) -> Metered:
    return Metered(
        _whole(unit, "total_octets"), _whole(unit, "input_octets"), _whole(unit, "output_octets"),
        _whole(unit, "time"), _whole(unit, "service_specific_units"),
    )  # fmt: skip


def _address(text: str) -> str:
    """Take the number out of an address as IMS writes it."""
    scheme, _, rest = text.partition(":")
    return rest.partition(";")[0].partition("@")[0] if scheme in {"tel", "sip"} else text


def _parties(avps: Avps) -> Item:
    """Tell who was served, by what, and where."""
    ids: dict[int, str] = {}
    for one in _groups(avps, "subscription_id"):
        kind = _whole(one, "subscription_id_type")
        ids.setdefault(9 if kind is None else kind, _text(one, "subscription_id_data"))
    ps = _within(avps, "service_information", "ps_information")
    ims = _within(avps, "service_information", "ims_information")
    number = f"+{ids[_NUMBER].lstrip('+')}" if ids.get(_NUMBER) else ""
    return {
        "a_raw": _address(_text(ims, "calling_party_address")) or number,
        "b_raw": _address(_text(ims, "called_party_address")),
        "imsi": ids.get(_IMSI) or _text(ps, "imsi"),
        "user_name": _text(avps, "user_name") or next(
            (name for kind, name in sorted(ids.items()) if kind not in {_NUMBER, _IMSI}), ""
        ),
        "imei": _text(_within(avps, "user_equipment_info"), "user_equipment_info_value"),
        "apn": _text(ps, "called_station_id") or _text(avps, "called_station_id"),
        "ip": _text(ps, "pdp_address"), "rat": _text(ps, "rat_type"),
        "serving_plmn": _text(ps, "sgsn_mcc_mnc"), "cell_id": _text(ps, "user_location_info"),
        "linked_id": _text(ps, "charging_id"),
    }  # fmt: skip


def _header(piece: bytes) -> int:
    """Check the header; give the command code of a request that may report usage.

    Raises:
        Unreadable: If it is no message, an answer, or of another kind.
    """
    length = length_of(piece, 0) if len(piece) >= HEADER_BYTES else None
    if length is None:
        raise Unreadable(Reason.RECORD_UNREADABLE, "does not begin as a Diameter message does")
    if length != len(piece):
        detail = f"the message says it has {length} bytes, {len(piece)} are there"
        raise Unreadable(Reason.RECORD_TRUNCATED, detail)
    code = int.from_bytes(piece[5:8])
    if not piece[4] & _REQUEST:
        raise Unreadable(Reason.CONTROL_RECORD, f"the answer to a request of command {code}")
    if code in _OTHERS:
        raise Unreadable(Reason.CONTROL_RECORD, f"{_OTHERS[code]} between peers")
    if code not in {_CREDIT_CONTROL, _ACCOUNTING}:
        detail = f"command {code} is neither credit control nor accounting"
        raise Unreadable(Reason.RECORD_TYPE_UNKNOWN, detail)
    return code


def _common(avps: Avps, number: int | None) -> Item:
    """Give what all usages of a request have in common."""
    session = _text(avps, "session_id")
    moment = _whole(avps, "event_timestamp")
    for name, found in (("Session-Id", session), ("request or record number", number)):
        if found in {"", None}:
            raise Unreadable(Reason.FIELD_MISSING, f"no {name}")
    if moment is None:
        raise Unreadable(Reason.TIME_INVALID, "no Event-Timestamp")
    return {
        **_parties(avps), "session_key": session, "partial_no": number, "direction": "mo",
        "node": _text(avps, "origin_host"), "end_us": moment, "clock_quality": "explicit_zone",
    }  # fmt: skip


def _usage(common: Item, report: Avps, unit: Avps, options: DiameterOptions, feed: Feed) -> Item:
    """Make the usage of one report of used units."""
    group = _text(report, "rating_group")
    service = options.service_of(group, feed)
    metered = _metered(unit)
    columns = metered.columns(service)
    change = _whole(unit, "tariff_change_usage")
    return {
        **common, **columns, "service": service, "usage_type": group,
        "start_us": common["end_us"] - columns["duration_us"],
        "attributes": attributes_of({
            "rating_group": group,
            "service_identifier": _text(report, "service_identifier"),
            "tariff_change": "" if change is None else _BEFORE_OR_AFTER.get(change, str(change)),
        }),
        "quality_flags": flags_of({"total_differs": metered.total_differs}),
    }  # fmt: skip


def _credit_control(avps: Avps, options: DiameterOptions, feed: Feed) -> Iterator[Item]:
    """Give the usages that a credit control request reports, or that it carries none."""
    kind = _whole(avps, "request_type")
    action = _whole(avps, "requested_action")
    common = _common(avps, _whole(avps, "request_number"))
    if kind not in range(_INITIAL, _EVENT + 1):
        raise Unreadable(Reason.RECORD_TYPE_UNKNOWN, f"CC-Request-Type {kind or 'is missing'}")
    name = "used_service_unit"
    if kind == _EVENT:
        if action in _ACTIONS:
            raise Unreadable(Reason.CONTROL_RECORD, f"{_ACTIONS[action]}, no usage")
        if action == _REFUND:
            raise Unreadable(Reason.RECORD_TYPE_UNKNOWN, "a refund is no usage")
        name = "used_service_unit" if "used_service_unit" in avps else "requested_service_unit"
    reports = [avps, *_groups(avps, "multiple_services_credit_control")]
    pairs = [(report, unit) for report in reports for unit in _groups(report, name)]
    marks: Item = {"is_first": kind == _INITIAL, "is_last": kind == _TERMINATION}
    nothing: Avps = _EVENT_ITSELF if kind == _EVENT else _NOTHING_USED
    for item_no, (report, unit) in enumerate(pairs or [(avps, nothing)]):
        # one number for all usages of a request: the first of them stands for it
        numbered = kind != _EVENT and item_no == 0
        place: Item = {**marks, "kind": "delta" if numbered else "complete"}
        try:
            yield {**_usage(common, report, unit, options, feed), **place}
        except Unreadable as error:
            yield refusal(error.reason, error.detail)


def _accounting(avps: Avps, options: DiameterOptions, feed: Feed) -> Iterator[Item]:
    """Give the usages of an accounting request: of its containers, else its counters."""
    kind = _whole(avps, "accounting_record_type")
    common = _common(avps, _whole(avps, "accounting_record_number"))
    if kind not in _KINDS:
        raise Unreadable(Reason.RECORD_TYPE_UNKNOWN, f"Accounting-Record-Type {kind}")
    ps = _within(avps, "service_information", "ps_information")
    containers = _groups(ps, "service_data_container")
    marks: Item = {"is_first": kind == _START, "is_last": kind == _STOP}
    for item_no, unit in enumerate(containers):
        report = {**unit, "time": unit.get("time_usage", [])}
        closed = _whole(unit, "time_last_usage") or _whole(unit, "change_time")
        times: Item = {"end_us": closed or common["end_us"]}
        try:
            usage = _usage({**common, **times}, unit, report, options, feed)
        except Unreadable as error:
            yield refusal(error.reason, error.detail)
            continue
        begun = _whole(unit, "time_first_usage")
        usage |= marks | {"kind": "delta" if item_no == 0 else "complete"}
        yield usage | ({} if begun is None else {"start_us": begun})
    if containers:
        return
    service = Service(feed.service)
    if UNIT_OF_SERVICE[service] is Unit.MICROSECOND and kind != _EVENT_RECORD:
        # a call: what lies between its start and its stop
        usage = _usage(common, avps, _NOTHING_USED, options, feed)
        yield {**usage, **marks, "kind": "partial", "join": "span"}
    else:
        totals: Avps = {**_NOTHING_USED, "service_specific_units": [1], **avps}
        totals["time"] = avps.get("acct_session_time", [0])
        if "input_octets" in avps or "output_octets" in avps:
            del totals["total_octets"]
        usage = _usage(common, avps, totals, options, feed)
        counted: Item = {"start_us": common["end_us"], "session_time_us": usage["duration_us"],
                         "setup_us": usage["start_us"], "kind": _KINDS[kind]}  # fmt: skip
        yield {**usage, **marks, **counted}


def framing(_feed: Feed) -> Framing:
    """A record is a message."""
    return Diameter()


def decode(frames: Frames, feed: Feed) -> Decoded:
    """Decode messages."""
    options = DiameterOptions.model_validate(feed.options)

    def read(piece: bytes) -> Iterator[Item]:
        code = _header(piece)
        avps = read_avps(piece[HEADER_BYTES:])
        reader = _credit_control if code == _CREDIT_CONTROL else _accounting
        again = bool(piece[4] & _RETRANSMITTED)
        for item_no, item in enumerate(reader(avps, options, feed)):
            if "reason" in item:
                yield item
                continue
            key = f"{item['session_key']}\x1f{code}\x1f{item['partial_no']}\x1f{item_no}"
            flags = [str(item["quality_flags"]), "retransmitted" if again else ""]
            joined = ",".join(sorted(flag for flag in flags if flag))
            yield {**item, "natural_key": key, "content": content_of(item), "quality_flags": joined}

    return decode_items(frames, read)
