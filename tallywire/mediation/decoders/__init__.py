"""The formats: one decoder each; a new one is a module and a line in this registry."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from tallywire.catalog.snapshot import Feed
from tallywire.mediation.decoded import Decoded, Frames
from tallywire.mediation.decoders import (
    asterisk_csv,
    cloud_bill,
    cloudevents,
    cloudevents_options,
    declared,
    diameter,
    freeswitch_csv,
    freeswitch_json,
    lorawan,
    nchf,
    radius_detail,
    twilio,
)
from tallywire.mediation.framing import (
    DOCUMENT,
    LINES,
    PARAGRAPHS,
    Array,
    Diameter,
    Framing,
    Lines,
)


@dataclass(frozen=True)
class Format:
    """A format of usage files.

    Attributes:
        framing: How it cuts records; a feed's options may choose another.
        options: Model of a feed's options for it.
        decode: Total: gives one row for each frame, whatever the bytes are.
    """

    framing: Callable[[Feed], Framing]
    options_model: type[BaseModel]
    decode: Callable[[Frames, Feed], Decoded]


def _lines(_feed: Feed) -> Framing:
    return LINES


def _paragraphs(_feed: Feed) -> Framing:
    return PARAGRAPHS


def _headed(_feed: Feed) -> Framing:
    return Lines(header_lines=1)


def _messages(_feed: Feed) -> Framing:
    return Diameter()


def _nchf(feed: Feed) -> Framing:
    options = nchf.NchfOptions.model_validate(feed.options)
    path = tuple(part for part in options.records.split(".") if part)
    return LINES if options.layout == "lines" else Array(path)


def _twilio(feed: Feed) -> Framing:
    options = twilio.TwilioOptions.model_validate(feed.options)
    return Array((options.records,)) if options.listed else LINES


def _freeswitch(feed: Feed) -> Framing:
    return LINES if feed.options.get("per_file") == "lines" else DOCUMENT


DECODERS: Mapping[str, Format] = {
    "aws_cur": Format(_headed, cloud_bill.AwsCurOptions, cloud_bill.decode_aws_cur),
    "asterisk_csv": Format(_lines, asterisk_csv.AsteriskOptions, asterisk_csv.decode),
    "cloudevents": Format(_lines, cloudevents_options.CloudEventsOptions, cloudevents.decode),
    "declared": Format(_lines, declared.DeclaredOptions, declared.decode),
    "diameter": Format(_messages, diameter.DiameterOptions, diameter.decode),
    "focus": Format(_headed, cloud_bill.FocusOptions, cloud_bill.decode_focus),
    "freeswitch_csv": Format(_lines, freeswitch_csv.FreeswitchCsvOptions, freeswitch_csv.decode),
    "freeswitch_json": Format(
        _freeswitch, freeswitch_json.FreeswitchJsonOptions, freeswitch_json.decode
    ),
    "lorawan": Format(_lines, lorawan.LorawanOptions, lorawan.decode),
    "nchf": Format(_nchf, nchf.NchfOptions, nchf.decode),
    "radius_detail": Format(_paragraphs, radius_detail.RadiusOptions, radius_detail.decode),
    "twilio": Format(_twilio, twilio.TwilioOptions, twilio.decode),
}
"""Formats by the name a feed's `format` gives."""

OPTIONS: Mapping[str, type[BaseModel]] = {
    name: form.options_model for name, form in DECODERS.items()
}
"""What the catalogue validates options with."""
