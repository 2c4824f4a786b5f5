"""Feeds and valid files of every format, for the laws of decoding and mediation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from cli.demo.usage import write_all
from dataflows.catalogs import example_folder, read_folder
from tallywire.catalog import Snapshot, read
from tallywire.mediation.decoders import DECODERS
from tests.ber import cdrs, taps


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
    """Add feeds that the example has not: objects that are no CloudEvents, and BER."""
    like = replace(snapshot.feeds["platform"], options={})
    plain = replace(like, feed_id="plain", options=PLAIN_OPTIONS)
    served = (("msisdn", "customer"), ("msisdn", "a_number"))
    more = {
        name: replace(like, feed_id=name, format=name.partition(" ")[0], served=served)
        for name in ("3gpp_cdr", "3gpp_cdr in files", "tap", "nrtrde", "rap")
    }
    more["3gpp_cdr in files"] = replace(
        more["3gpp_cdr in files"], options={"file_header": True, "records": ["pgw", "sgw"]}
    )
    more["nrtrde"] = replace(more["nrtrde"], options={"usage": True})
    return replace(snapshot, feeds={**snapshot.feeds, "plain": plain, **more})


SNAPSHOT = _with_plain(example())


@dataclass(frozen=True)
class Valid:
    """A feed of the example and the bytes of a file of it.

    Attributes:
        times: The file with its records so many times, where it cannot be put behind itself.
    """

    feed_id: str
    data: bytes
    times: Callable[[int], bytes] | None = None

    def repeated(self, count: int) -> bytes:
        """Give the file with its records so many times."""
        if self.times is not None:
            return self.times(count)
        return (self.data.rstrip(b"\n") + b"\n\n") * count


PACKETS = [
    cdrs.pgw(5, 1, [cdrs.service_data(10, 20), cdrs.service_data(1, 2, group=8)], cause=16),
    cdrs.pgw(5, 2, [], cause=18, local=2),
    cdrs.pgw(6, 1, [cdrs.traffic(1, 2, "261024120500+0200")], tag=78),
    cdrs.pgw(5, 3, [cdrs.service_data(2**40, 7)], local=3),
    cdrs.pgw(7, None, [cdrs.service_data(-1, 7)], local=4),
]
SWITCHED = [
    cdrs.call("mo", 1, 600),
    cdrs.call("mo", 3, 1800, cause=1, sequence=1, released="261024123000+0200"),
    cdrs.call("mo", 3, 100, sequence=2, released="261024123140+0200"),
    cdrs.call("mo", 4, 100, cause=1, sequence=2), cdrs.sms("mo", 3),
    cdrs.ims("s1"), cdrs.ims("s2", role=1, answered=False), cdrs.made(11, cdrs.field(0, 11)),
]  # fmt: skip
EVENTS = [
    taps.call(153, [taps.charge(2300, tax=230)], direction="mt"),
    taps.call(213, [taps.charge(1000, units=200), taps.charge(1300, units=13)], fee=5),
    taps.call(0, [taps.charge(70)], tele="22"),
    taps.gprs(1_200_000_000, 2_200_000_000, [taps.charge(66600, item="X", discount=3)]),
    taps.gprs(-2, 7, [taps.charge(1, item="X")]), taps.supplementary(),
    taps.supplementary(500), taps.call(10, [taps.charge(1)], code=9),
]  # fmt: skip
REPORTS = [taps.report(), taps.report(4, seconds=0, tele="21"), taps.report(5, down=42)]
RETURNS = [
    taps.severe(EVENTS[0]), taps.missing("00003", "00005"), taps.fatal("00009"),
    taps.severe(EVENTS[3], code=33),
]  # fmt: skip


def _ber_files() -> Mapping[str, Valid]:
    """Files in BER, which cannot be put behind themselves."""
    made: Mapping[str, Callable[[int], bytes]] = {
        "3gpp_cdr": lambda n: b"".join(PACKETS[:2] + SWITCHED) * n,
        "3gpp_cdr in files": lambda n: cdrs.in_file(PACKETS * n),
        "tap": lambda n: taps.batch(EVENTS * n, taps.audit(len(EVENTS) * n, 71476 * n)),
        "nrtrde": lambda n: taps.nrtrde(REPORTS * n),
        "rap": lambda n: taps.rap(RETURNS * n, total=68900 * n),
    }
    return {name: Valid(name, times(1), times) for name, times in made.items()}


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
    return {**files, "cloudevents_plain": Valid("plain", PLAIN), **_ber_files()}


VALID = valid_files()
