"""5G charging data as JSON: requests to a charging function (Nchf), or its records of them.

A request reports usage by rating group, in containers that each count since the one before; a
request with several containers is several usages.

Source: 3GPP TS 32.291 (ChargingDataRequest, MultipleUnitUsage, UsedUnitContainer,
PDUSessionChargingInformation), TS 32.290 (invocation sequence numbers, retransmission), TS 29.571.
"""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from schemas.reasons import Reason
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.decoded import Decoded, Frames
from tallywire.mediation.decoders.metered import ByRatingGroup, Metered
from tallywire.mediation.framing import LINES, Array, Framing
from tallywire.mediation.items import (
    Item,
    Unreadable,
    attributes_of,
    below,
    content_of,
    decode_items,
    flags_of,
    instant_of,
    json_object,
    objects_below,
    refusal,
    text_below,
    whole_below,
)

_SESSION = "pDUSessionChargingInformation"
_CONTAINER = "pDUContainerInformation"
_FINAL = "FINAL"
_RELEASES = frozenset({"release", "termination", "stop", "final"})
_CREATES = frozenset({"create", "initial", "start"})
_EVENTS = frozenset({"event", "iec", "pec"})
_EVENT_UNITS = Metered(units=1)
_NOTHING_USED = Metered(0, None, None, 0, 0)


class NchfOptions(ByRatingGroup):
    """Options of a feed of 5G charging data.

    Attributes:
        layout: `lines` (an object a line) or `array` (a document that is an array of objects).
        records: Path of the array in its document; empty where the document is the array.
        request: Path of the charging data request in the object; empty where the object is it.
        session: Paths of the session's reference in the object; the first that holds one counts.
            Without any, the function that charges and its charging id stand for it.
        operation: Path of what was asked for: `create`, `update`, `release` or `event`.
    """

    layout: Literal["lines", "array"] = "lines"
    records: str = ""
    request: str = ""
    session: list[str] = Field(default=["chargingDataRef", "chargingSessionIdentifier"])
    operation: str = "operation"


def _reference(content: object, request: object, options: NchfOptions) -> str:
    """Find what names the session.

    Raises:
        Unreadable: If nothing does.
    """
    for path in options.session:
        found = text_below(content, *path.split("."))
        if found:
            return found
    charging_id = text_below(request, _SESSION, "chargingId")
    if not charging_id:
        raise Unreadable(Reason.FIELD_MISSING, "neither a session's reference nor a chargingId")
    return f"{_node(request)}\x1f{charging_id}"


def _node(request: object) -> str:
    consumer = below(request, "nfConsumerIdentification")
    names = ("nFName", "nFFqdn", "nFIPv4Address")
    return next((found for name in names if (found := text_below(consumer, name))), "")


def _moment(content: object, *path: str) -> int | None:
    """Read a time that may be missing.

    Raises:
        Unreadable: If it is there and is none.
    """
    text = text_below(content, *path)
    found = instant_of(text) if text else None
    if text and found is None:
        raise Unreadable(Reason.TIME_INVALID, f"{path[-1]} {text:.40} is no RFC 3339 with offset")
    return found


def _triggers(content: object) -> list[str]:
    found = {text_below(one, "triggerType") for one in objects_below(content, "triggers")}
    return sorted(found - {""})


def _plmn(content: object) -> str:
    return text_below(content, "mcc") + text_below(content, "mnc")


def _parties(request: object) -> Item:
    """Tell who was served, by what, and where."""
    charged = below(request, _SESSION)
    pdu = below(charged, "pduSessionInformation")
    user = below(charged, "userInformation")
    subscriber = text_below(request, "subscriberIdentifier")
    number = text_below(user, "servedGPSI") or subscriber
    equipment = text_below(user, "servedPEI")
    scheme, _, imsi = subscriber.partition("-")
    slice_ = below(pdu, "networkSlicingInfo", "sNSSAI")
    place = below(charged, "userLocationinfo")
    return {
        "a_raw": "+" + number.removeprefix("msisdn-") if number.startswith("msisdn-") else "",
        "imsi": imsi if scheme == "imsi" else "",
        "user_name": imsi if scheme in {"nai", "gci", "gli"} else "",
        "imei": equipment.partition("-")[2],
        "apn": text_below(pdu, "dnnId"), "rat": text_below(pdu, "ratType"),
        "ip": text_below(pdu, "pduAddress", "pduIPv4Address"),
        "serving_plmn": _plmn(below(pdu, "servingCNPlmnId"))
        or _plmn(below(pdu, "servingNetworkFunctionID", "servingNetworkFunctionInformation",
                       "nFPLMNID")),
        "cell_id": text_below(place, "nrLocation", "ncgi", "nrCellId")
        or text_below(place, "eutraLocation", "ecgi", "eutraCellId"),
        "linked_id": text_below(charged, "chargingId") or text_below(charged, "sMFchargingId"),
        "_slice": "-".join(part for part in (text_below(slice_, "sst"), text_below(slice_, "sd"))
                           if part),
    }  # fmt: skip


def _metered(container: object) -> Metered:
    return Metered(
        whole_below(container, "totalVolume"), whole_below(container, "uplinkVolume"),
        whole_below(container, "downlinkVolume"), whole_below(container, "time"),
        whole_below(container, "serviceSpecificUnits"),
    )  # fmt: skip


def _usage(common: Item, group: str, container: object, metered: Metered, service: str) -> Item:
    """Make the usage of one container."""
    columns = metered.columns(service)
    closed = (
        _moment(container, _CONTAINER, "timeofLastUsage")
        or _moment(container, "triggerTimestamp")
        or common["end_us"]
    )
    begun = _moment(container, _CONTAINER, "timeofFirstUsage")
    slice_ = common["_slice"]
    return {
        **common, **columns, "service": service, "usage_type": group, "end_us": closed,
        "start_us": closed - columns["duration_us"] if begun is None else begun,
        "attributes": attributes_of({
            "rating_group": group, "slice": slice_,
            "service_id": text_below(container, "serviceId"),
            "container": text_below(container, "localSequenceNumber"),
            "triggers": "+".join(_triggers(container)),
        }),
        "quality_flags": flags_of({
            "total_differs": metered.total_differs, "retransmitted": bool(common["_again"]),
        }),
    }  # fmt: skip


def _containers(request: object) -> Iterator[tuple[str, object]]:
    for usage in objects_below(request, "multipleUnitUsage"):
        for container in objects_below(usage, "usedUnitContainer"):
            yield text_below(usage, "ratingGroup"), container


def _items(content: object, options: NchfOptions, feed: Feed) -> Iterator[Item]:
    """Give the usages of a request."""
    request = below(content, *options.request.split(".")) if options.request else content
    session = _reference(content, request, options)
    number = whole_below(request, "invocationSequenceNumber")
    moment = _moment(request, "invocationTimeStamp")
    if number is None:
        raise Unreadable(Reason.FIELD_MISSING, "no invocationSequenceNumber")
    if moment is None:
        raise Unreadable(Reason.FIELD_MISSING, "no invocationTimeStamp")
    operation = text_below(content, *options.operation.split(".")).lower()
    is_event = below(request, "oneTimeEvent") is True or operation in _EVENTS
    found = list(_containers(request))
    final = operation in _RELEASES or _FINAL in _triggers(request)
    common: Item = {
        **_parties(request), "session_key": session, "partial_no": number, "end_us": moment,
        "node": _node(request), "direction": "mo", "clock_quality": "explicit_zone",
        "utc_offset_minutes": 0, "is_last": final or is_event,
        "is_first": operation in _CREATES or is_event,
        "_again": below(request, "retransmissionIndicator") is True,
    }  # fmt: skip
    for item_no, (group, container) in enumerate(found or [("", None)]):
        # one number for all containers of a request: the first of them stands for it
        common["kind"] = "delta" if item_no == 0 and not is_event else "complete"
        try:
            nothing = _EVENT_UNITS if is_event else _NOTHING_USED
            metered = nothing if container is None else _metered(container)
            service = options.service_of(group, feed)
            item = _usage(common, group, container, metered, service)
        except Unreadable as error:
            yield refusal(error.reason, error.detail)
            continue
        del item["_slice"], item["_again"]
        key = f"{session}\x1f{number}\x1f{item_no}"
        yield {**item, "natural_key": key, "content": content_of(item)}


def framing(feed: Feed) -> Framing:
    """A record is a line, or an element of an array in a document."""
    options = NchfOptions.model_validate(feed.options)
    path = tuple(part for part in options.records.split(".") if part)
    return LINES if options.layout == "lines" else Array(path)


def decode(frames: Frames, feed: Feed) -> Decoded:
    """Decode charging data."""
    options = NchfOptions.model_validate(feed.options)

    def read(piece: bytes) -> Iterator[Item]:
        return _items(json_object(piece), options, feed)

    return decode_items(frames, read, listed=options.layout == "array")
