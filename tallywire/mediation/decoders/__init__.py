"""The formats: one decoder each; a new one is a module and a line in this registry."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from tallywire.catalog.snapshot import Feed
from tallywire.mediation.decoded import Decoded, Frames
from tallywire.mediation.decoders import (
    asterisk_cel,
    asterisk_csv,
    broadworks,
    cisco_cucm,
    cloud_bill,
    cloudevents,
    cloudevents_options,
    declared,
    declared_options,
    diameter,
    freeswitch_csv,
    freeswitch_json,
    gpp,
    lorawan,
    nchf,
    nrtrde,
    radius,
    radius_detail,
    rap,
    sip_acc,
    tap,
    twilio,
)
from tallywire.mediation.framing import DOCUMENT, LINES, PARAGRAPHS, Ber, CdrFile, Framing
from tallywire.mediation.radius.accounting import RadiusOptions


@dataclass(frozen=True)
class Format:
    """A format of usage files.

    Attributes:
        framing: How it cuts records; a feed's options may choose another.
        options: Model of a feed's options for it.
        decode: Total: gives one row for each frame, whatever the bytes are.
        trailed: Its files end with a record that says so (`trailer_found`): one without was cut.
    """

    framing: Callable[[Feed], Framing]
    options_model: type[BaseModel]
    decode: Callable[[Frames, Feed], Decoded]
    trailed: bool = False


def _lines(_feed: Feed) -> Framing:
    return LINES


def _paragraphs(_feed: Feed) -> Framing:
    return PARAGRAPHS


def _freeswitch(feed: Feed) -> Framing:
    return LINES if feed.options.get("per_file") == "lines" else DOCUMENT


def _gpp(feed: Feed) -> Framing:
    return CdrFile() if feed.options.get("file_header") else Ber()


def _tap(_feed: Feed) -> Framing:
    return TAP


def _nrtrde(_feed: Feed) -> Framing:
    return _NRTRDE


def _rap(_feed: Feed) -> Framing:
    return _RAP


_NRTRDE = Ber(frozenset({b"\x61"}), b"\x62")
_RAP = Ber(frozenset({b"\x7f\x84\x16"}), b"\x7f\x84\x18")
TAP = Ber(frozenset({b"\x61"}), b"\x63")

DECODERS: Mapping[str, Format] = {
    "3gpp_cdr": Format(_gpp, gpp.GppOptions, gpp.decode),
    "aws_cur": Format(cloud_bill.framing, cloud_bill.AwsCurOptions, cloud_bill.decode_aws_cur),
    "asterisk_cel": Format(_lines, asterisk_cel.CelOptions, asterisk_cel.decode),
    "asterisk_csv": Format(_lines, asterisk_csv.AsteriskOptions, asterisk_csv.decode),
    "broadworks": Format(
        broadworks.framing, broadworks.BroadworksOptions, broadworks.decode, trailed=True
    ),
    "cisco_cucm": Format(cisco_cucm.framing, cisco_cucm.CucmOptions, cisco_cucm.decode),
    "cloudevents": Format(_lines, cloudevents_options.CloudEventsOptions, cloudevents.decode),
    "declared": Format(declared.framing, declared_options.DeclaredOptions, declared.decode),
    "diameter": Format(diameter.framing, diameter.DiameterOptions, diameter.decode),
    "focus": Format(cloud_bill.framing, cloud_bill.FocusOptions, cloud_bill.decode_focus),
    "freeswitch_csv": Format(_lines, freeswitch_csv.FreeswitchCsvOptions, freeswitch_csv.decode),
    "freeswitch_json": Format(
        _freeswitch, freeswitch_json.FreeswitchJsonOptions, freeswitch_json.decode
    ),
    "lorawan": Format(_lines, lorawan.LorawanOptions, lorawan.decode),
    "nchf": Format(nchf.framing, nchf.NchfOptions, nchf.decode),
    "radius": Format(_lines, RadiusOptions, radius.decode),
    "radius_detail": Format(_paragraphs, RadiusOptions, radius_detail.decode),
    "sip_acc": Format(_lines, sip_acc.SipAccOptions, sip_acc.decode),
    "twilio": Format(twilio.framing, twilio.TwilioOptions, twilio.decode),
    "nrtrde": Format(_nrtrde, nrtrde.NrtrdeOptions, nrtrde.decode),
    "rap": Format(_rap, rap.RapOptions, rap.decode),
    "tap": Format(_tap, tap.TapOptions, tap.decode),
}
"""Formats by the name a feed's `format` gives."""

OPTIONS: Mapping[str, type[BaseModel]] = {
    name: form.options_model for name, form in DECODERS.items()
}
"""What the catalogue validates options with."""
