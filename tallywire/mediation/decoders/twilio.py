"""Calls, messages and usage records of a communications platform, as its lists of JSON objects.

A call or message is usage when it has ended, whatever its price: the platform fills that in later,
and an object that differs only in its price is a copy. Aggregates are for comparison.

Source: Twilio API 2010-04-01 (Calls, Messages, Usage Records).
"""

import datetime
import email.utils
from typing import Literal

from pydantic import BaseModel, ConfigDict

from schemas.instants import EPOCH, MICROSECOND
from schemas.reasons import Reason
from schemas.services import Service, Unit
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.decoded import Decoded, Frames
from tallywire.mediation.framing import LINES, Array, Framing
from tallywire.mediation.items import (
    Item,
    Unreadable,
    attributes_of,
    decode_items,
    instant_of,
    json_object,
    text_below,
    whole_below,
)

_ENDED = frozenset({"completed"})
_UNANSWERED = frozenset({"busy", "failed", "no-answer", "canceled"})
_SENT = frozenset({"sent", "delivered", "received", "read", "undelivered"})
_UNSENT = frozenset({"failed", "canceled"})
_SECOND_US = 1_000_000


class TwilioOptions(BaseModel):
    """Options of a feed of lists.

    Attributes:
        layout: `array` (a page, as the platform answers) or `lines` (an object a line).
        records: Name of the list in its page.
        pictures: Service of messages with media.
        unpriced: What an object is that has no price yet: `usage`, or to `wait` for.
    """

    model_config = ConfigDict(extra="forbid")

    layout: Literal["array", "lines"] = "array"
    records: Literal["calls", "messages", "usage_records"] = "calls"
    pictures: Service = Service.MMS
    unpriced: Literal["usage", "wait"] = "usage"

    @property
    def listed(self) -> bool:
        """Whether records are elements of a list in a document."""
        return self.layout == "array"


def _moment(content: object, name: str) -> int | None:
    """Read a time of RFC 2822 or RFC 3339; nothing where it is missing.

    Raises:
        Unreadable: If it is there and is neither.
    """
    text = text_below(content, name)
    if not text:
        return None
    found = instant_of(text)
    if found is not None:
        return found
    try:
        moment = email.utils.parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.UTC)
        return (moment - EPOCH) // MICROSECOND
    except (ValueError, OverflowError, IndexError) as error:
        raise Unreadable(Reason.TIME_INVALID, f"{name} {text:.40} is no time") from error


def _common(content: object) -> Item:
    sid = text_below(content, "sid")
    if not sid:
        raise Unreadable(Reason.FIELD_MISSING, "the object has no `sid`")
    price = text_below(content, "price").removeprefix("-")
    inbound = text_below(content, "direction") == "inbound"
    return {
        "natural_key": sid, "session_key": sid, "customer": text_below(content, "account_sid"),
        "a_raw": text_below(content, "from"), "b_raw": text_below(content, "to"),
        "direction": "mt" if inbound else "mo", "usage_type": text_below(content, "direction"),
        "cause": text_below(content, "status"), "clock_quality": "explicit_zone",
        "source_amount": price or None,
        "source_currency": text_below(content, "price_unit").upper() if price else "",
        "quality_flags": "" if price else "unpriced",
    }  # fmt: skip


def _content(item: Item, *names: str) -> str:
    """Write what of an object is billed: its price is not."""
    return "\x1f".join(str(item[name]) for name in ("a_raw", "b_raw", "start_us", *names))


def _state(content: object, ended: frozenset[str], without: frozenset[str]) -> None:
    """Let pass what has ended well.

    Raises:
        Unreadable: If it has not, or not yet: then it comes again.
    """
    status = text_below(content, "status")
    if status in ended:
        return
    reason = Reason.NOT_ANSWERED if status in without else Reason.NOT_USAGE
    told = "" if status in without else ", it is not over yet"
    raise Unreadable(reason, f"status {status or 'is missing'}{told}")


def _call(content: object, feed: Feed) -> Item:
    item = _common(content)
    _state(content, _ENDED, _UNANSWERED)
    seconds = whole_below(content, "duration")
    start = _moment(content, "start_time")
    if seconds is None or start is None:
        raise Unreadable(Reason.FIELD_MISSING, "a call that is completed has no duration or start")
    end = _moment(content, "end_time")
    item |= {
        "start_us": start, "end_us": start + seconds * _SECOND_US if end is None else end,
        "quantity": seconds * _SECOND_US, "duration_us": seconds * _SECOND_US,
        "unit": Unit.MICROSECOND.value, "service": feed.service,
        "linked_id": text_below(content, "parent_call_sid"),
        "trunk_out": text_below(content, "trunk_sid"),
    }  # fmt: skip
    return item | {"content": _content(item, "quantity")}


def _message(content: object, feed: Feed, options: TwilioOptions) -> Item:
    item = _common(content)
    _state(content, _SENT, _UNSENT)
    segments = whole_below(content, "num_segments")
    start = _moment(content, "date_sent")
    if start is None:
        start = _moment(content, "date_created")
    media = whole_below(content, "num_media") or 0
    item |= {
        "start_us": start,
        "end_us": start,
        "quantity": 1 if segments is None else segments,
        "unit": Unit.COUNT.value,
        "service": options.pictures.value if media else feed.service,
        "attributes": attributes_of({"media": str(media) if media else ""}),
    }
    return item | {"content": _content(item, "quantity", "attributes")}


def _read(piece: bytes, feed: Feed, options: TwilioOptions) -> list[Item]:
    content = json_object(piece)
    if options.records == "usage_records" or "as_of" in content:
        told = f"{text_below(content, 'category')} as of {text_below(content, 'as_of')}"
        raise Unreadable(Reason.NOT_USAGE, f"an aggregate of {told}")
    messages = options.records == "messages"
    item = _message(content, feed, options) if messages else _call(content, feed)
    if options.unpriced == "wait" and item["source_amount"] is None:
        raise Unreadable(Reason.NOT_USAGE, "it has no price yet and comes again with one")
    return [item]


def framing(feed: Feed) -> Framing:
    """A record is an element of a page's list, or a line."""
    options = TwilioOptions.model_validate(feed.options)
    return Array((options.records,)) if options.listed else LINES


def decode(frames: Frames, feed: Feed) -> Decoded:
    """Decode objects of a list."""
    options = TwilioOptions.model_validate(feed.options)
    return decode_items(frames, lambda piece: _read(piece, feed, options), listed=options.listed)
