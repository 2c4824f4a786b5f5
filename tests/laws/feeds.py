"""Feeds and valid files of every format, for the laws of decoding and mediation."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from cli.demo.usage import write_all
from dataflows.catalogs import example_folder, read_folder
from tallywire.catalog import Snapshot, read
from tallywire.mediation.decoders import DECODERS


def example() -> Snapshot:
    """The example catalogue, compiled."""
    snapshot = read(read_folder(example_folder()), DECODERS).snapshot
    assert snapshot is not None
    return snapshot


SNAPSHOT = example()


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
        return {key: Valid(feed, (root / name).read_bytes()) for key, (feed, name) in names.items()}


VALID = valid_files()
