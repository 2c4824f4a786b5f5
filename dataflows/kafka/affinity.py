"""Whether messages lie in the partition that their key belongs to: a key's order depends on it.

A producer with another partitioner, or a topic that was given more partitions, spreads a key over
several lanes; duplicates and parts of a session are then not found, silently. So they are counted.

Source: the hash of Kafka's Java clients (murmur2 with their seed, as positive number), and
librdkafka's `consistent` partitioner (CRC-32 as of zlib).
"""

import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from schemas.services import Partitioner

Words = npt.NDArray[np.uint32]

_SEED = 0x9747B28C
_MULTIPLIER = np.uint32(0x5BD1E995)
_POSITIVE = np.uint32(0x7FFFFFFF)
_SHIFT, _LAST_A, _LAST_B = np.uint32(24), np.uint32(13), np.uint32(15)


def _mixed(words: Words) -> Words:
    """Mix four bytes of each key, before they go into its hash."""
    words = words * _MULTIPLIER
    words ^= words >> _SHIFT
    words *= _MULTIPLIER
    return words


def _of_one_length(keys: Sequence[bytes], length: int) -> Words:
    """Hash keys that all have the same length."""
    whole = length // 4
    data = np.frombuffer(b"".join(keys), np.uint8).reshape(len(keys), length)
    hashes = np.full(len(keys), _SEED ^ length, np.uint32)
    columns = np.ascontiguousarray(data[:, : 4 * whole]).view("<u4")
    mixed = np.ascontiguousarray(columns.T)
    for words in _mixed(mixed):
        hashes *= _MULTIPLIER
        hashes ^= words
    rest = data[:, 4 * whole :]
    if rest.shape[1]:
        for number in range(rest.shape[1]):
            hashes ^= rest[:, number].astype(np.uint32) << np.uint32(8 * number)
        hashes *= _MULTIPLIER
    hashes ^= hashes >> _LAST_A
    hashes *= _MULTIPLIER
    hashes ^= hashes >> _LAST_B
    return hashes


def murmur2(keys: Sequence[bytes]) -> Words:
    """Hash keys as Kafka's Java clients do; their `int` read without a sign.

    >>> murmur2([b"21", b"foobar"]).astype(np.int32).tolist()
    [-973932308, -790332482]
    """
    lengths = np.fromiter(map(len, keys), np.int64, len(keys))
    kinds = np.unique(lengths)
    if len(kinds) == 1:
        return _of_one_length(keys, int(kinds[0]))
    found = np.empty(len(keys), np.uint32)
    for length in kinds.tolist():
        rows = np.flatnonzero(lengths == length)
        found[rows] = _of_one_length([keys[row] for row in rows.tolist()], length)
    return found


def crc32(keys: Sequence[bytes]) -> Words:
    """Hash keys as librdkafka's `consistent` partitioner does.

    >>> crc32([b"123456789"]).tolist() == [0xCBF43926]
    True
    """
    return np.fromiter(map(zlib.crc32, keys), np.uint32, len(keys))


def partitions_of(
    keys: Sequence[bytes], partitions: int, partitioner: str
) -> npt.NDArray[np.int64]:
    """Give the partition that each key belongs to.

    Args:
        keys: None of them is absent.
        partitions: How many the topic has.
        partitioner: `murmur2` or `crc32`.

    Raises:
        ValueError: If the partitioner is another one, which says nothing about keys.
    """
    if partitioner == Partitioner.MURMUR2:
        hashes = murmur2(keys) & _POSITIVE
    elif partitioner == Partitioner.CRC32:
        hashes = crc32(keys)
    else:
        msg = f"the partitioner {partitioner!r} does not say where a key belongs"
        raise ValueError(msg)
    return (hashes % np.uint32(partitions)).astype(np.int64)


def misplaced(
    keys: Sequence[bytes | None], partition: int, partitions: int, partitioner: str
) -> int:
    """Count the messages of a partition whose key belongs into another, or that have no key.

    Args:
        keys: The key of each message.
        partition: Where they were found.
        partitions: How many the topic has; with one nothing is misplaced.
        partitioner: A feed's `partitioner`; with `none` nothing is verified.
    """
    if partitions == 1 or partitioner == Partitioner.NONE:
        return 0
    known = [key for key in keys if key is not None]
    if not known:
        return len(keys)
    elsewhere = partitions_of(known, partitions, partitioner) != partition
    return len(keys) - len(known) + int(np.count_nonzero(elsewhere))
