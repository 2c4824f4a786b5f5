"""A feed entry made of a sample: a format that reads it as it is, else a declared layout."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from pydantic import ValidationError

from schemas.reasons import FATE_OF_REASON, Fate
from schemas.services import Service
from tallywire.catalog.snapshot import Feed
from tallywire.catalog.yaml_text import Tree
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.framing import frame
from tallywire.mediation.guess.columns import Column
from tallywire.mediation.guess.layout import Fields, Layout, layout_of
from tallywire.mediation.guess.roles import Roles, roles_of
from tallywire.mediation.values import BASE_UNIT

_SAMPLE = 2_000_000
_VARIANTS: Mapping[str, Sequence[Fields]] = {"freeswitch_json": ({"per_file": "lines"},)}
_SERVED = (
    ("msisdn", "a_raw", "a_number"), ("imsi", "imsi", "imsi"), ("customer", "customer", "customer"),
    ("account", "account_code", "account_code"), ("user", "user_name", "user_name"),
    ("partner", "partner", "partner"),
)  # fmt: skip
_TEXTS = ("a_raw", "b_raw", "imsi", "imei", "customer", "account_code", "user_name", "partner",
          "cell_id", "apn", "serving_plmn", "cause", "trunk_out", "source_currency")  # fmt: skip
_PROBE = Feed(
    feed_id="guess", tenant_id="", format="", path="", growing=False, time_zone="UTC",
    home_country="", trunk_prefix="", international_prefixes=(), source_id="", service="voice",
    served=(), options={},
)  # fmt: skip
_EVENT = {"specversion", "id", "source", "type"}
_SERVICE_OF_UNIT = {"microsecond": Service.VOICE, "octet": Service.DATA, "count": Service.SMS}


@dataclass(frozen=True)
class Guess:
    """What a feed may be.

    Attributes:
        entry: The feed as a catalogue file has it, all scalars as text; empty: nothing fits.
        notes: What was assumed and should be looked at, a sentence each.
    """

    entry: Fields
    notes: list[str] = field(default_factory=list)


def guess(data: bytes, *, feed_id: str, path: str, service: Service | None = None) -> Guess:
    """Guess a feed.

    Args:
        data: A file of it, or the beginning of one.
        feed_id: What it shall be called.
        path: Pattern of its files.
        service: What it is usage of; guessed from the quantity without it.
    """
    data = _whole_lines(data[:_SAMPLE]) if len(data) > _SAMPLE else data
    base: Fields = {"id": feed_id, "path": path}
    for name, options in _readers(data):
        chosen = str(service or Service.VOICE)
        note = f"format {name} reads the sample as it is; see its options in the reference"
        entry = {**base, "format": name, "service": chosen, "served": _served_of(name)}
        return Guess({**entry, "options": options} if options else entry, [note])
    layout = layout_of(data)
    if layout is None:
        return Guess({})
    if {column.name for column in layout.columns} >= _EVENT:
        note = "the samples are CloudEvents: a rule for each type"
        return Guess({**base, **_events(layout)}, [note])
    roles = roles_of(layout.columns)
    if "start" not in roles.fields or not roles.key:
        return Guess({}, ["no column holds times that can be read"])
    entry = {
        **base, "format": "declared", "service": str(service or _service(roles)),
        "served": _served(roles), "options": {**layout.options, **_options(roles)},
    }  # fmt: skip
    return Guess(entry, [*layout.notes, *roles.notes])


def _whole_lines(data: bytes) -> bytes:
    return data[: data.rfind(b"\n") + 1] or data


def _probes() -> Iterator[tuple[str, Fields]]:
    """Give formats, with options that they can be tried with."""
    for name, form in sorted(DECODERS.items()):
        for options in ({}, *_VARIANTS.get(name, ())):
            with suppress(ValidationError):
                form.options_model.model_validate(options)
                yield name, options


def _readers(data: bytes) -> Iterator[tuple[str, Fields]]:
    """Name the formats that read most of the sample."""
    for name, options in _probes():
        form, feed = DECODERS[name], replace(_PROBE, format=name, options=options)
        framing = form.framing(feed)
        head = data[: framing.prologue(data, at_end=True) or 0]
        frames, _ = frame(data, framing, at_end=True, prologue=head)
        reasons = form.decode(frames, feed).frame["reason"].to_list()
        held = sum(one is not None and FATE_OF_REASON[one] is Fate.SUSPENDED for one in reasons)
        if any(one is None for one in reasons) and 5 * held <= len(reasons):
            yield name, options


def _served_of(name: str) -> list[Tree]:
    """Say how customers are found in a format of its own."""
    if name.startswith("radius"):
        return [{"identifier": "user", "field": "user_name"}]
    return [{"identifier": "msisdn", "field": "a_number"}]


def _service(roles: Roles) -> Service:
    timed = "duration" in roles.fields or "end" in roles.fields
    unit = BASE_UNIT[roles.unit] if roles.unit else None
    if unit is None:
        return Service.VOICE if timed else Service.SMS if "b_raw" in roles.fields else Service.API
    return _SERVICE_OF_UNIT[unit.value]


def _served(roles: Roles) -> list[Tree]:
    for kind, role, name in _SERVED:
        if role in roles.fields:
            return [{"identifier": kind, "field": name}]
    roles.notes.append("no column says whose usage it is: `served` must be corrected")
    return [{"identifier": "customer", "field": "customer"}]


def _events(layout: Layout) -> Fields:
    """Write a rule for each type of event: its quantity, where its data have one."""
    kinds = next(column.texts for column in layout.columns if column.name == "type")
    rules: list[Tree] = []
    for kind in sorted(set(kinds)):
        rows = [number for number, text in enumerate(kinds) if text == kind]
        own = [
            Column(c.place, c.name, tuple(c.texts[number] for number in rows))
            for c in layout.columns
            if c.name.startswith("data.")
        ]
        roles = roles_of([column for column in own if column.present])
        rule: Fields = {"type": kind, "service": str(_service(roles))}
        for role in ("duration", "quantity"):
            if role in roles.fields:
                rule["quantity"] = roles.fields[role].name
                rule["unit"] = roles.unit or "count"
        rules.append(rule)
    return {
        "format": "cloudevents", "service": "api",
        "served": [{"identifier": "customer", "field": "customer"}], "options": {"events": rules},
    }  # fmt: skip


def _options(roles: Roles) -> Fields:
    """Write where everything stands."""
    fields = roles.fields
    options: Fields = {"key": [dict(column.place) for column in roles.key]}
    for role in ("start", "end"):
        if role in fields:
            options[role] = {**fields[role].place, "pattern": fields[role].patterns[0]}
    for role in ("duration", "quantity"):
        if role in fields:
            unit = {"unit": roles.unit} if roles.unit else {}
            options[role] = {**fields[role].place, **unit}
    texts: Fields = {role: dict(fields[role].place) for role in _TEXTS if role in fields}
    if texts:
        options["texts"] = texts
    if "source_amount" in fields:
        options["source_amount"] = dict(fields["source_amount"].place)
    return options
