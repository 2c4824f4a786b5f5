"""Feeds and valid files of every format, for the laws of decoding and mediation."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from cli.demo.usage import write_all
from dataflows.catalogs import example_folder, read_folder
from tallywire.catalog import Snapshot, read
from tallywire.mediation.decoders import DECODERS
from tests.laws import switches


def example() -> Snapshot:
    """The example catalogue, compiled."""
    snapshot = read(read_folder(example_folder()), DECODERS).snapshot
    assert snapshot is not None
    return snapshot


PLAIN_OPTIONS: dict[str, object] = {
    "envelope": {
        "id": "usage_id", "source": {"constant": "shop"}, "type": "kind", "time": "meta.ts",
        "subject": "who",
    },
    "events": [
        {"type": "call", "service": "api", "fields": {"usage_type": "what.path"}},
        {"type": "bytes", "service": "data", "quantity": "size", "unit": "octets"},
    ],
}  # fmt: skip
"""Of a feed of plain objects."""

PLAIN = b"""\
{"usage_id": 1, "kind": "call", "meta": {"ts": "2026-10-24T10:00:00Z"}, "who": "c1", "what": {"path": "/a"}}
{"usage_id": "2", "kind": "bytes", "meta": {"ts": "2026-10-24T10:00:01+02:00"}, "who": "c2", "size": 4096}
{"usage_id": "3", "kind": "bytes", "meta": {"ts": "yesterday"}, "who": "c2", "size": 1}
{"kind": "call", "meta": {"ts": "2026-10-24T10:00:02Z"}, "who": "c1"}
{"usage_id": "5", "kind": "other", "meta": {"ts": "2026-10-24T10:00:03Z"}}
{"usage_id": "6", "kind": "call", "meta": "none", "who": "c1"}
"""


SWITCHES: Mapping[str, tuple[str, dict[str, object], bytes]] = {
    "cel": ("asterisk_cel", {}, switches.cel()),
    "application-server": ("broadworks", {}, switches.broadworks()),
    "call-manager": ("cisco_cucm", {}, switches.cucm()),
    "proxy": ("sip_acc", switches.ACC_OPTIONS, switches.acc()),
}
"""Feeds of exchanges and switches: format, options, a file."""


def _with_more(snapshot: Snapshot) -> Snapshot:
    """Add feeds that the example has not: objects that are no CloudEvents, exchanges, switches."""
    plain = replace(snapshot.feeds["platform"], feed_id="plain", options=PLAIN_OPTIONS)
    more = {
        name: replace(
            snapshot.feeds["pbx"], feed_id=name, source_id=name, format=form, options=options
        )
        for name, (form, options, _) in SWITCHES.items()
    }
    return replace(snapshot, feeds={**snapshot.feeds, "plain": plain, **more})


SNAPSHOT = _with_more(example())


@dataclass(frozen=True)
class Valid:
    """A feed of the example and the bytes of a file of it."""

    feed_id: str
    data: bytes


def valid_files() -> Mapping[str, Valid]:
    """One file of each format, as the demo writes them."""
    names = {
        "asterisk_csv": ("pbx", "pbx/Master.csv"),
        "freeswitch_json": ("switch", "switch/mobile-0001.jsonl"),
        "cloudevents": ("platform", "platform/faults.jsonl"),
        "radius_detail": ("access", "access/detail-20261024"),
        "declared_fixed": ("nordvik", "nordvik/NV000101.cdr"),
        "declared_delimited": ("roamers", "roaming/roaming-1.csv"),
    }
    with TemporaryDirectory() as folder:
        root = Path(folder) / "usage"
        write_all(root, 0)
        files = {
            key: Valid(feed, (root / name).read_bytes()) for key, (feed, name) in names.items()
        }
    more = {form: Valid(name, data) for name, (form, _, data) in SWITCHES.items()}
    return {**files, "cloudevents_plain": Valid("plain", PLAIN), **more}


VALID = valid_files()
