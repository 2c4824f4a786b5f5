"""Avro payloads as lines of JSON; only imported where a registry is used.

A schema is refused where a small message could unfold without end: arrays of elements that take no
bytes, and types that contain themselves, which would be read to any depth.
"""

import io
from collections.abc import Callable, Mapping
from typing import Any

import fastavro
import orjson

from dataflows.kafka.arrow_rows import Unfit, dumps

_MOST_VALUES = 10_000

Named = dict[str, dict[str, Any]]


def _referenced(schema: Any, look_up: Callable[[Any], Any], named: Named) -> None:  # noqa: ANN401  an extra's
    """Parse the schemas that a schema refers to, the deepest first."""
    for reference in schema.references or []:
        found = look_up(reference)
        if found is None:
            msg = f"no schema {reference.subject} of version {reference.version}"
            raise Unfit(msg)
        _referenced(found, look_up, named)
        fastavro.parse_schema(orjson.loads(found.schema_str), named_schemas=named)


class _Bounds:
    """Bounds of what a value of a schema unfolds to.

    Args:
        named: Named types by their full names, as their library parsed them.
    """

    def __init__(self, named: Mapping[str, Any]) -> None:
        self._named = named
        self._known: dict[str, tuple[int, int]] = {}
        self._open: set[str] = set()

    def of(self, kind: Any) -> tuple[int, int]:  # noqa: ANN401  JSON
        """Give 0 where a value may take no bytes, else 1; and how many values stand in it.

        Elements of an array count once: each takes a byte of the message.

        Raises:
            Unfit: If there is no bound.
        """
        if isinstance(kind, list):
            return 1, max((self.of(branch)[1] for branch in kind), default=0)
        if isinstance(kind, str):
            return self.of(self._named[kind]) if kind in self._named else (int(kind != "null"), 1)
        inner = kind["type"]
        if inner in {"record", "error"}:
            return self._record(kind)
        if inner == "fixed":
            return int(kind["size"] > 0), 1
        if inner == "enum":
            return 1, 1
        return self._collection(kind) if inner in {"array", "map"} else self.of(inner)

    def _collection(self, kind: Any) -> tuple[int, int]:  # noqa: ANN401  as above
        if kind["type"] == "map":
            return 1, 1 + self.of(kind["values"])[1]
        least, values = self.of(kind["items"])
        if not least:
            msg = "an array of elements that take no bytes"
            raise Unfit(msg)
        return 1, 1 + values

    def _record(self, kind: Any) -> tuple[int, int]:  # noqa: ANN401  as above
        name = kind["name"]
        if name in self._open:
            msg = f"{name} contains itself"
            raise Unfit(msg)
        if name not in self._known:
            self._open.add(name)
            parts = [self.of(field["type"]) for field in kind["fields"]]
            self._open.remove(name)
            values = 1 + sum(values for _, values in parts)
            if values > _MOST_VALUES:
                msg = f"{name} has more than {_MOST_VALUES} values"
                raise Unfit(msg)
            self._known[name] = max((least for least, _ in parts), default=0), values
        return self._known[name]


def avro_reader(schema: Any, look_up: Callable[[Any], Any]) -> Callable[[bytes], bytes]:  # noqa: ANN401  an extra's
    """Make what reads payloads of a schema.

    Args:
        schema: As the registry gives it.
        look_up: Gives the schema of a reference.

    Raises:
        Exception: If the schema cannot be used.
    """
    named: Named = {}
    _referenced(schema, look_up, named)
    parsed = fastavro.parse_schema(orjson.loads(schema.schema_str), named_schemas=named)
    _Bounds(named).of(parsed)

    def read(payload: bytes) -> bytes:
        source = io.BytesIO(payload)
        found = fastavro.schemaless_reader(source, parsed, None)
        if source.tell() != len(payload):
            msg = "bytes behind the value"
            raise Unfit(msg)
        return dumps(found)

    return read
