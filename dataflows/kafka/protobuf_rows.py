"""Protobuf payloads as lines of JSON; only imported where a registry is used.

The registry gives a schema as a serialised description of its file, so nothing has to parse the
language of Protobuf. Fields keep the names of that file; 64-bit numbers are text, as its JSON
mapping has them.
"""

import base64
from collections.abc import Callable
from typing import Any

import orjson
from google.protobuf import (
    any_pb2,
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    empty_pb2,
    field_mask_pb2,
    json_format,
    message_factory,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)

from dataflows.kafka.arrow_rows import Unfit

_KNOWN = {
    module.DESCRIPTOR.name: module.DESCRIPTOR.serialized_pb
    for module in (
        any_pb2, descriptor_pb2, duration_pb2, empty_pb2, field_mask_pb2, struct_pb2,
        timestamp_pb2, wrappers_pb2,
    )
}  # fmt: skip
_LONGEST_PATH = 100


def _described(packed: Any, name: str = "") -> Any:  # noqa: ANN401  an extra's
    """Read the description of a file; one that others refer to has the name they use."""
    if packed is None:
        msg = "the registry has no such schema"
        raise Unfit(msg)
    file = descriptor_pb2.FileDescriptorProto.FromString(base64.b64decode(packed.schema_str))
    file.name = name or file.name or "usage.proto"
    return file


def _add(
    pool: Any,  # noqa: ANN401  as above
    packed: Any,  # noqa: ANN401  as above
    look_up: Callable[[Any], Any],
    added: set[str],
    name: str = "",
) -> Any:  # noqa: ANN401  as above
    """Add a file to a pool after those that it refers to."""
    for reference in packed.references or [] if packed is not None else []:
        if reference.name not in added:
            added.add(reference.name)
            _add(pool, look_up(reference), look_up, added, reference.name)
    file = _described(packed, name)
    for known in file.dependency:
        if known in _KNOWN and known not in added:
            added.add(known)
            pool.AddSerializedFile(_KNOWN[known])
    pool.Add(file)
    return file


def _number(payload: bytes, place: int) -> tuple[int, int]:
    """Read a signed number of variable length, and where it ends."""
    value = shift = 0
    while True:
        byte = payload[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), place
        if shift > 35:
            msg = "a number without end"
            raise Unfit(msg)


def _path(payload: bytes) -> tuple[tuple[int, ...], int]:
    """Read which message of the file it is, the outermost first, and where the value begins."""
    count, place = _number(payload, 0)
    if not 0 <= count <= _LONGEST_PATH:
        msg = f"a path of {count} messages"
        raise Unfit(msg)
    path = []
    for _ in range(count):
        index, place = _number(payload, place)
        if index < 0:
            msg = f"message {index} of a file"
            raise Unfit(msg)
        path.append(index)
    return tuple(path) or (0,), place


def protobuf_reader(packed: Any, look_up: Callable[[Any], Any]) -> Callable[[bytes], bytes]:  # noqa: ANN401  an extra's
    """Make what reads payloads of a schema.

    Args:
        packed: The schema in its serialised form, as the registry gives it.
        look_up: Gives the serialised schema of a reference.

    Raises:
        Exception: If the schema cannot be used.
    """
    pool = descriptor_pool.DescriptorPool()
    file = pool.FindFileByName(_add(pool, packed, look_up, set()).name)
    outermost = [file.message_types_by_name[name] for name in _order(file)]
    kinds: dict[tuple[int, ...], Any] = {}

    def kind_of(path: tuple[int, ...]) -> Any:  # noqa: ANN401  as above
        found = outermost[path[0]]
        for index in path[1:]:
            found = found.nested_types[index]
        return message_factory.GetMessageClass(found)

    def read(payload: bytes) -> bytes:
        path, place = _path(payload)
        if path not in kinds:
            kinds[path] = kind_of(path)
        message = kinds[path].FromString(payload[place:])
        content = json_format.MessageToDict(
            message, preserving_proto_field_name=True, descriptor_pool=pool,
            always_print_fields_with_no_presence=True,
        )  # fmt: skip
        return orjson.dumps(content)

    return read


def _order(file: Any) -> list[str]:  # noqa: ANN401  as above
    """Name the outermost messages of a file in the order in which they stand there."""
    described = descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(described)
    return [message.name for message in described.message_type]
