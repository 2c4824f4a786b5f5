"""Feeds and valid files of every format, for the laws of decoding and mediation."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from cli.demo.usage import write_all
from dataflows.catalogs import example_folder, read_folder
from tallywire.catalog import Snapshot, read
from tallywire.mediation.decoders import DECODERS
from tests.laws.cloud_feeds import FILES, with_feeds


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


def _with_plain(snapshot: Snapshot) -> Snapshot:
    """Add a feed of objects that are no CloudEvents."""
    plain = replace(snapshot.feeds["platform"], feed_id="plain", options=PLAIN_OPTIONS)
    return replace(snapshot, feeds={**snapshot.feeds, "plain": plain})


SNAPSHOT = with_feeds(_with_plain(example()))


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
    others = {key: Valid(*file) for key, file in FILES.items()}
    return {**files, **others, "cloudevents_plain": Valid("plain", PLAIN)}


VALID = valid_files()
