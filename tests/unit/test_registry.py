"""Avro and Protobuf through a schema registry, against a server that speaks its REST."""

import base64
import datetime
import io
import json
import re
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlparse

import orjson
import pytest

from dataflows.exits import Exit, exit_code
from dataflows.kafka.errors import RegistryMissing, RegistryUnavailable
from dataflows.kafka.messages import Unwrapper
from dataflows.kafka.registry import Registry, registry_of
from dataflows.settings import Settings
from tests.unit.test_messages import feed_of
from warehouse.server import free_port

fastavro = pytest.importorskip("fastavro", reason="the extra `registry` is not installed")
pytest.importorskip("google.protobuf", reason="the extra `registry` is not installed")
from google.protobuf import descriptor_pb2  # noqa: E402  after the skip


@dataclass
class Served:
    """A registry over HTTP, with the paths that it was asked for."""

    address: str
    schemas: dict[str, dict[str, object]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    status: int = 0

    def add(self, number: int, text: object, kind: str = "AVRO", **more: object) -> None:
        schema = text if isinstance(text, str) else json.dumps(text)
        self.schemas[f"/schemas/ids/{number}"] = {"schema": schema, "schemaType": kind, **more}

    def add_version(self, subject: str, text: object, kind: str = "AVRO") -> None:
        schema = text if isinstance(text, str) else json.dumps(text)
        self.schemas[f"/subjects/{subject}/versions/1"] = {
            "schema": schema, "schemaType": kind, "subject": subject, "version": 1, "id": 900,
        }  # fmt: skip

    def add_packed(self, number: int, file: Any, **more: object) -> None:
        """Serve a description of a file, as text or, where that is asked for, serialised."""
        text = base64.b64encode(file.SerializeToString()).decode()
        self.add(number, 'syntax = "proto3";', "PROTOBUF", packed=text, **more)


@pytest.fixture
def served() -> Iterator[Served]:
    state = Served("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlparse(self.path)
            state.asked.append(self.path)
            found = dict(state.schemas.get(asked.path, {}))
            packed = found.pop("packed", None)
            if packed and parse_qs(asked.query).get("format") == ["serialized"]:
                found["schema"] = packed
            status = state.status or (200 if found else 404)
            error = {"error_code": status * 100 + 3, "message": "no"}
            body = orjson.dumps(found if status == 200 else error)
            self.send_response(status)
            self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.address = f"http://user:secret@127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


def _events(served: Served) -> Unwrapper:
    return Unwrapper(feed_of("cloudevents"), Registry(served.address))


def _wire(number: int, payload: bytes) -> bytes:
    return b"\x00" + number.to_bytes(4, "big") + payload


_CALL = {
    "type": "record",
    "name": "Call",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "octets", "type": "long"},
        {
            "name": "rate",
            "type": {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 3},
        },
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "wall", "type": {"type": "long", "logicalType": "local-timestamp-millis"}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "key", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "raw", "type": ["null", "bytes"]},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["mo", "mt"]}},
        {"name": "tags", "type": {"type": "map", "values": "string"}},
        {"name": "steps", "type": {"type": "array", "items": "double"}},
    ],
}
_VALUE = {
    "id": "a\nb",
    "octets": 2**62,
    "rate": Decimal("-1.250"),
    "at": datetime.datetime(2026, 3, 1, 12, 0, 0, 123456, datetime.UTC),
    "wall": datetime.datetime(2026, 3, 1, 12, 0),  # noqa: DTZ001  a local time
    "day": datetime.date(2026, 3, 1),
    "key": uuid.UUID(int=7),
    "raw": b"\xff\x00",
    "kind": "mt",
    "tags": {"x": "y"},
    "steps": [0.1, 2.0],
}


def _avro(schema: object, value: object) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value)
    return out.getvalue()


def test_avro_becomes_json_that_loses_nothing(served: Served) -> None:
    served.add(7, _CALL)
    value = _wire(7, _avro(_CALL, _VALUE))
    events = _events(served)
    lines = [events.records(value)[0] for _ in range(3)]
    assert orjson.loads(lines[0]) == {
        "id": "a\nb", "octets": 2**62, "rate": "-1.250", "at": "2026-03-01T12:00:00.123456Z",
        "wall": "2026-03-01T12:00:00", "day": "2026-03-01", "key": str(uuid.UUID(int=7)),
        "raw": "/wA=", "kind": "mt", "tags": {"x": "y"}, "steps": [0.1, 2.0],
    }  # fmt: skip
    assert lines == [lines[0]] * 3
    assert len(served.asked) == 1  # a schema is asked for once


def test_an_event_may_carry_avro_as_its_data(served: Served) -> None:
    schema = {"type": "record", "name": "N", "fields": [{"name": "n", "type": "long"}]}
    served.add(3, schema)
    head = [("ce_specversion", b"1.0"), ("ce_id", b"1"), ("content-type", b"application/avro")]
    line = _events(served).records(_wire(3, _avro(schema, {"n": 5})), head)[0]
    assert orjson.loads(line)["data"] == {"n": 5}


def test_a_schema_may_refer_to_others(served: Served) -> None:
    part = {"type": "record", "name": "Part", "fields": [{"name": "n", "type": "int"}]}
    whole = {"type": "record", "name": "Whole", "fields": [{"name": "part", "type": "Part"}]}
    served.add_version("parts", part)
    served.add(8, whole, references=[{"name": "Part", "subject": "parts", "version": 1}])
    assert _events(served).records(_wire(8, b"\x0a")) == [b'{"part":{"n":5}}']


def test_what_cannot_be_decoded_stays_one_record(served: Served) -> None:
    served.add(7, _CALL)
    served.add(8, "no schema")
    served.add(9, {"type": "record", "name": "W", "fields": [{"name": "p", "type": "Lost"}]},
               references=[{"name": "Lost", "subject": "gone", "version": 1}])  # fmt: skip
    whole = _avro(_CALL, _VALUE)
    events = _events(served)
    for value in (
        _wire(404, whole), _wire(404, b"again"), _wire(8, b"x"), _wire(9, b"x"), _wire(7, b"x"),
        _wire(7, whole[:-3]), _wire(7, whole + b"more"), _wire(7, b"\xff" * 50),
    ):  # fmt: skip
        assert events.records(value) == [value]
    assert sum("/ids/404" in path for path in served.asked) == 1  # not for each of its messages


def test_schemas_whose_values_have_no_bound_are_refused(served: Served) -> None:
    empty = {"type": "record", "name": "E", "fields": [{"name": "n", "type": "null"}]}
    deep = {"type": "record", "name": "D",
            "fields": [{"name": "d", "type": ["null", "D"]}]}  # fmt: skip
    wide: dict[str, object] = empty
    for number in range(20):
        fields = [{"name": "a", "type": wide}, {"name": "b", "type": wide["name"]}]
        wide = {"type": "record", "name": f"R{number}", "fields": fields}
    served.add(1, {"type": "array", "items": empty})
    served.add(2, deep)
    served.add(3, wide)
    events = _events(served)
    for value in (_wire(1, b"\xfe\xff\xff\xff\x0f\x00"), _wire(2, b"\x02" * 900_000 + b"\x00"),
                  _wire(3, b"\x00")):  # fmt: skip
        assert events.records(value) == [value]


def test_json_with_a_schema_loses_only_its_header(served: Served) -> None:
    served.add(5, {"type": "object"}, "JSON")
    events = _events(served)
    assert events.records(_wire(5, b'{"a":\n1}')) == [b'{"a": 1}']
    assert events.records(_wire(5, b"{broken")) == [_wire(5, b"{broken")]


def _file() -> Any:
    """Describe a file with a message, one inside another, a well-known type and an import."""
    file = descriptor_pb2.FileDescriptorProto(name="usage.proto", package="u", syntax="proto3")
    file.dependency.extend(["google/protobuf/timestamp.proto", "zone.proto"])
    call = file.message_type.add(name="Call")
    kinds = descriptor_pb2.FieldDescriptorProto
    call.field.add(name="call_id", number=1, type=kinds.TYPE_STRING, label=1)
    call.field.add(name="octets", number=2, type=kinds.TYPE_INT64, label=1)
    call.field.add(name="at", number=3, type=kinds.TYPE_MESSAGE, label=1,
                   type_name=".google.protobuf.Timestamp")  # fmt: skip
    call.field.add(name="raw", number=4, type=kinds.TYPE_BYTES, label=1)
    call.field.add(name="zone", number=5, type=kinds.TYPE_MESSAGE, label=1, type_name=".z.Zone")
    leg = call.nested_type.add(name="Leg")
    leg.field.add(name="n", number=1, type=kinds.TYPE_INT32, label=1)
    return file


def _zone() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="default", package="z", syntax="proto3")
    zone = file.message_type.add(name="Zone")
    zone.field.add(name="name", number=1, label=1,
                   type=descriptor_pb2.FieldDescriptorProto.TYPE_STRING)  # fmt: skip
    return file


def _serve_calls(served: Served) -> None:
    zone = base64.b64encode(_zone().SerializeToString()).decode()
    served.add_version("zones", zone, "PROTOBUF")
    served.add_packed(
        11, _file(), references=[{"name": "zone.proto", "subject": "zones", "version": 1}]
    )


def test_protobuf_becomes_json(served: Served) -> None:
    _serve_calls(served)
    stamp = b"\x08\x80\xb1\xa9\x8d\x06\x10\x80\xda\xc4\x09"  # 1638553728 s, 20 000 000 ns
    payload = (
        b"\x0a\x01x" + b"\x10\xff\xff\xff\xff\xff\xff\xff\x7f" + b"\x1a\x0b" + stamp
        + b"\x2a\x03\x0a\x01N"
    )  # fmt: skip
    line = _events(served).records(_wire(11, b"\x00" + payload))[0]
    content = orjson.loads(line)
    moment = content.pop("at")
    assert content == {
        "call_id": "x", "octets": str(2**56 - 1), "raw": "", "zone": {"name": "N"},
    }  # fmt: skip
    assert re.fullmatch(r"2021-12-\d\dT\d\d:\d\d:\d\d\.020Z", moment)


def test_a_message_inside_another_is_found_by_its_path(served: Served) -> None:
    _serve_calls(served)
    events = _events(served)
    assert events.records(_wire(11, b"\x04\x00\x00\x08\x05")) == [b'{"n":5}']  # Call, its Leg
    for broken in (b"\x04\x00\x0a\x08\x05", b"\x02\x08", b"\x00\xff\xff", b"\xff" * 9, b"\x01"):
        assert events.records(_wire(11, broken)) == [_wire(11, broken)]


def test_a_registry_without_descriptions_leaves_protobuf_as_it_is(served: Served) -> None:
    served.add(12, 'syntax = "proto3"; message A { string b = 1; }', "PROTOBUF")
    value = _wire(12, b"\x00\x0a\x01x")
    assert _events(served).records(value) == [value]


@pytest.mark.parametrize("status", [401, 500, 503])
def test_a_registry_that_does_not_answer_is_an_absent_world(served: Served, status: int) -> None:
    served.status = status
    events = _events(served)
    with pytest.raises(RegistryUnavailable, match="nothing is lost") as caught:
        events.records(_wire(7, b"x"))
    assert "secret" not in str(caught.value)
    assert exit_code(caught.value) == Exit.STORE
    served.status = 0
    served.add(7, _CALL)
    assert events.records(_wire(7, _avro(_CALL, _VALUE)))[0].startswith(b'{"id"')


def test_a_registry_that_is_away_is_an_absent_world() -> None:
    with pytest.raises(RegistryUnavailable, match="does not answer"):
        Registry(f"http://127.0.0.1:{free_port()}").decode(_wire(7, b"x"))


def test_the_registry_is_only_there_where_it_is_configured(served: Served) -> None:
    assert registry_of(Settings()) is None
    assert isinstance(registry_of(Settings(schema_registry=served.address)), Registry)


def test_libraries_that_are_not_installed_are_named() -> None:
    code = """
import sys
sys.modules["authlib"] = None
from dataflows.kafka.registry import Registry
from dataflows.kafka.errors import RegistryMissing
try:
    Registry("http://u:p@h:1")
except RegistryMissing as error:
    print(error)
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'tallywire[registry]'" in told.stdout
    assert "http://h:1" in told.stdout
    assert exit_code(RegistryMissing("")) == Exit.USAGE
