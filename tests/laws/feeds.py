"""Feeds and valid files of every format, for the laws of decoding and mediation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from cli.demo.usage import write_all
from dataflows.catalogs import example_folder, read_folder
from tallywire.catalog import Snapshot, read
from tallywire.mediation.decoders import DECODERS
from tests import radius
from tests.laws import ber_feeds, cloud_feeds, switches


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


NAMED = b"""\
call id,from,to,when,minutes,kind
1,+4790010001,+4790010002,2026-10-24 10:00:00,1.5,call
2,+4790010001,+4790010003,2026-10-24 10:01:00,0.25,call
3,+4790010001,"+4790010004",2026-10-24 10:02:00,x,call
,+4790010001,+4790010005,2026-10-24 10:03:00,1,call
5,+4790010001,+4790010006,2026-10-24 10:04:00,2,test
"""
NAMED_OPTIONS: dict[str, object] = {
    "layout": "delimited", "quoted": True, "header_lines": 1, "key": [{"name": "call id"}],
    "start": {"name": "when"}, "duration": {"name": "minutes", "unit": "minutes"},
    "texts": {"a_raw": {"name": "from"}, "b_raw": {"name": "to"}},
    "keep_only": [{"field": {"name": "kind"}, "equals": ["call"]}],
}  # fmt: skip
"""Of a feed of lines whose columns have names."""

OBJECTS = b"""\
{"page": 1, "of": {"calls": [
 {"id": "a1", "from": {"number": "+4790010001"}, "to": "+4790010002", "begin": 1792836000, "end": 1792836061},
 {"id": "a2", "from": {"number": "+4790010001"}, "to": "+4790010003", "begin": 1792836002, "end": "1792836003"},
 {"id": "a3", "from": {"number": "+4790010001"}, "to": "+4790010003", "begin": "now", "end": 1792836003},
 {"id": "a4", "from": "+4790010001", "begin": 1, "end": 2},
 {"from": {"number": "+4790010001"}, "begin": 1792836002, "end": 1792836003}
]}, "pages": 7}
"""
OBJECTS_OPTIONS: dict[str, object] = {
    "layout": "json",
    "records": "array",
    "records_at": "of.calls",
    "key": [{"path": "id"}],
    "start": {"path": "begin", "pattern": "epoch_seconds"},
    "end": {"path": "end", "pattern": "epoch_seconds"},
    "texts": {"a_raw": {"path": "from.number"}, "b_raw": {"path": "to"}},
}
"""Of a feed of objects in an array of a document."""

ELEMENTS = b"""\
<?xml version="1.0" encoding="ISO-8859-1"?>
<calls of="carrier">
  <call id="x1"><from>+4790010001</from><to><number>+4790010002</number></to><at>2026-10-24T10:00:00Z</at><s>61</s></call>
  <call id="x2"><from>+4790010001</from><to><number>+4790010003</number></to><at>2026-10-24T10:01:00Z</at><s>7</s></call>
  <call id="x3"><from>+4790010001</from><to/><at>soon</at><s>7</s></call>
  <call id="x4"><from>&lots;</from><at>2026-10-24T10:01:00Z</at><s>7</s></call>
  <call><from>+4790010001</from><at>2026-10-24T10:02:00Z</at><s>x</s></call>
</calls>
"""
ELEMENTS_OPTIONS: dict[str, object] = {
    "layout": "xml", "element": "call", "key": [{"path": "@id"}],
    "start": {"path": "at", "pattern": "rfc3339"}, "duration": {"path": "s", "unit": "seconds"},
    "texts": {"a_raw": {"path": "from"}, "b_raw": {"path": "to/number"}},
}  # fmt: skip
"""Of a feed of elements."""

_NOON_S = 1_792_843_200  # 2026-10-24T12:00:00Z


def _packets() -> bytes:
    """Two sessions with Gigawords and without a time of their own, one sent twice, a restart."""
    records = [
        (0, radius.accounting(radius.START, "a", delay=0)),
        (300, radius.accounting(radius.INTERIM, "a", seconds=300, down=5 * 2**30, up=1_000)),
        (301, radius.accounting(radius.START, "b", user="bo", at=_NOON_S + 299)),
        (306, radius.accounting(radius.INTERIM, "a", seconds=300, down=5 * 2**30, up=1_000, delay=6)),
        (400, radius.accounting(radius.STOP, "b", user="bo", seconds=100, down=7_000, at=_NOON_S + 399)),
        (500, radius.accounting(radius.ON, "", more=[(32, b"bras"), (26, b"\0\0\x28\xaf\x01\x05001")])),
        (600, radius.accounting(radius.STOP, "a", seconds=600, down=6 * 2**30, up=2_000)),
    ]  # fmt: skip
    lines = [radius.kept(radius.request(found), (_NOON_S + at) * 10**6) for at, found in records]
    return b"\n".join([*lines, b""])


@dataclass(frozen=True)
class More:
    """A feed beside the example's: one it is like, its format and options, a file of it."""

    like: str
    data: bytes
    options: dict[str, object]
    format: str = ""


MORE_FEEDS = {
    "plain": More("platform", PLAIN, PLAIN_OPTIONS),
    "named": More("roamers", NAMED, NAMED_OPTIONS),
    "objects": More("roamers", OBJECTS, OBJECTS_OPTIONS),
    "elements": More("roamers", ELEMENTS, ELEMENTS_OPTIONS),
    "live": More("access", _packets(), {}, "radius"),
    "cel": More("pbx", switches.cel(), {}, "asterisk_cel"),
    "application-server": More("pbx", switches.broadworks(), {}, "broadworks"),
    "call-manager": More("pbx", switches.cucm(), {}, "cisco_cucm"),
    "proxy": More("pbx", switches.acc(), switches.ACC_OPTIONS, "sip_acc"),
    "switch-lines": More("switch", switches.freeswitch(), {}, "freeswitch_csv"),
}


def _with_more(snapshot: Snapshot) -> Snapshot:
    more = {}
    for feed_id, one in MORE_FEEDS.items():
        like = snapshot.feeds[one.like]
        more[feed_id] = replace(
            like, feed_id=feed_id, options=one.options, format=one.format or like.format
        )
    return replace(snapshot, feeds={**snapshot.feeds, **more})


SNAPSHOT = ber_feeds.with_feeds(cloud_feeds.with_feeds(_with_more(example())))


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
        """Give the file with its records so many times; once, where nobody says how."""
        if self.times is not None:
            return self.times(count)
        feed = SNAPSHOT.feeds[self.feed_id]
        if not DECODERS[feed.format].framing(feed).separator:
            return self.data
        return (self.data.rstrip(b"\n") + b"\n\n") * count


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
    others = {key: Valid(*file) for key, file in cloud_feeds.FILES.items()}
    more = {key: Valid(key, one.data) for key, one in MORE_FEEDS.items()}
    coded = {key: Valid(key, times(1), times) for key, times in ber_feeds.FILES.items()}
    return {**files, **others, **more, **coded}


VALID = valid_files()
