"""A schema registry: values that name a schema, as Avro or Protobuf, turned into lines of JSON.

Source: the wire format of Confluent's schema registry: a zero byte, the number of the schema in
four bytes, then the payload; Protobuf's begins with the path of the message in its file.
"""

import time
from collections.abc import Callable
from typing import Any

import orjson

from dataflows.kafka.errors import RegistryMissing, RegistryUnavailable
from dataflows.settings import Settings

_HEADER = 5
_TIMEOUT_S, _RETRIES, _RETRY_MS = 5, 2, 200
_UNKNOWN_S = 10.0
"""How long an unknown number of a schema is not asked for again, seconds."""
_NOT_PERMITTED, _FAULT = (401, 403, 407, 408, 429), 500

Read = Callable[[bytes], bytes]


class Registry:
    """Schemas by number, each asked for once.

    Args:
        address: Where the registry is: `http://user:password@host:port`.

    Raises:
        RegistryMissing: If the libraries for it are not installed.
    """

    def __init__(self, address: str) -> None:
        try:
            from confluent_kafka.schema_registry import (  # noqa: PLC0415  an extra
                SchemaRegistryClient,
            )
        except ImportError as error:
            msg = (
                f"schemas of {_shown(address)} need libraries that are not installed "
                f"({error.name}): pip install 'tallywire[registry]'"
            )
            raise RegistryMissing(msg) from error
        self._address = _shown(address)
        options = {
            "url": address, "timeout": _TIMEOUT_S, "max.retries": _RETRIES,
            "retries.wait.ms": _RETRY_MS,
        }  # fmt: skip
        self._client = SchemaRegistryClient(options)
        self._packed = SchemaRegistryClient(options)  # the client keeps one form of a schema
        self._readers: dict[int, Read | None] = {}
        self._unknown: dict[int, float] = {}

    def decode(self, value: bytes) -> bytes | None:
        """Give a value as a line of JSON, `None` where its schema or its bytes do not allow it.

        Raises:
            RegistryUnavailable: If the registry does not answer, or does not let us in.
        """
        number = int.from_bytes(value[1:_HEADER], "big")
        if number not in self._readers and not self._find(number):
            return None
        read = self._readers[number]
        if read is None:
            return None
        try:
            return read(value[_HEADER:])
        except Exception:  # noqa: BLE001  the libraries raise errors of many kinds for wrong bytes
            return None

    def _find(self, number: int) -> bool:
        """Ask for a schema; tell whether there is one."""
        if time.monotonic() < self._unknown.get(number, 0.0):
            return False
        found = self._ask(lambda: self._client.get_schema(number))
        if found is None:
            self._unknown[number] = time.monotonic() + _UNKNOWN_S
            return False
        self._readers[number] = self._reader(number, found)
        return True

    def _reader(self, number: int, schema: Any) -> Read | None:  # noqa: ANN401  an extra's
        """Make what reads payloads of a schema; `None` where nothing here can."""
        from dataflows.kafka.avro_rows import avro_reader  # noqa: PLC0415  an extra
        from dataflows.kafka.protobuf_rows import protobuf_reader  # noqa: PLC0415  as above

        try:
            if schema.schema_type == "AVRO":
                return avro_reader(schema, self._referenced)
            if schema.schema_type == "PROTOBUF":
                packed = self._ask(lambda: self._packed.get_schema(number, fmt="serialized"))
                return protobuf_reader(packed, self._referenced_packed)
        except RegistryUnavailable:
            raise
        except Exception:  # noqa: BLE001  a schema that its own library does not understand
            return None
        return _json if schema.schema_type == "JSON" else None

    def _referenced(self, reference: Any) -> Any:  # noqa: ANN401  as above
        found = self._ask(
            lambda: self._client.get_version(reference.subject, reference.version, deleted=True)
        )
        return found and found.schema

    def _referenced_packed(self, reference: Any) -> Any:  # noqa: ANN401  as above
        found = self._ask(
            lambda: self._packed.get_version(
                reference.subject, reference.version, deleted=True, fmt="serialized"
            )
        )
        return found and found.schema

    def _ask(self, question: Callable[[], Any]) -> Any:  # noqa: ANN401  as above
        """Ask the registry; `None` where it says that there is no such thing."""
        from confluent_kafka.schema_registry.error import (  # noqa: PLC0415  an extra
            SchemaRegistryError,
        )

        try:
            return question()
        except SchemaRegistryError as error:
            code = error.http_status_code
            if code < _FAULT and code not in _NOT_PERMITTED:
                return None
            reason = f"{code}: {error.error_message}"
            cause: Exception = error
        except Exception as error:  # noqa: BLE001  of the connection, of many kinds
            reason, cause = str(error) or type(error).__name__, error
        msg = (
            f"the schema registry at {self._address} does not answer ({reason}): start it, or "
            "correct TALLYWIRE_SCHEMA_REGISTRY, and run again; nothing is lost"
        )
        raise RegistryUnavailable(msg) from cause


def _json(payload: bytes) -> bytes:
    """Give a payload that is JSON already on one line."""
    orjson.loads(payload)
    return payload.replace(b"\n", b" ").replace(b"\r", b" ")


def _shown(address: str) -> str:
    """Give an address without user and password."""
    scheme, found, rest = address.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if found else address.rpartition("@")[2]


def registry_of(settings: Settings) -> Registry | None:
    """Give the configured registry, `None` where there is none.

    Raises:
        RegistryMissing: If the libraries for it are not installed.
    """
    return Registry(settings.schema_registry) if settings.schema_registry else None
