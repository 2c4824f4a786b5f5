"""The cluster in memory that librdkafka brings for its own tests: faults on demand.

It keeps a few megabytes of a partition and knows neither topics' settings nor true transactions;
what a broker promises is tested on a real one.
"""

import ctypes
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import Self

import confluent_kafka

_PRODUCER = 0
_TEXT_BYTES = 512


class Api(IntEnum):
    """Requests of the protocol that errors can be queued for."""

    PRODUCE = 0
    FETCH = 1
    LIST_OFFSETS = 2
    METADATA = 3
    INIT_PRODUCER_ID = 22
    ADD_PARTITIONS_TO_TXN = 24
    END_TXN = 26


class Fault(IntEnum):
    """Errors as a broker answers them."""

    UNKNOWN_TOPIC_OR_PARTITION = 3
    LEADER_NOT_AVAILABLE = 5
    NOT_LEADER_FOR_PARTITION = 6
    REQUEST_TIMED_OUT = 7
    NOT_ENOUGH_REPLICAS = 19
    INVALID_PRODUCER_EPOCH = 47
    KAFKA_STORAGE_ERROR = 56


def _library() -> ctypes.CDLL:
    """Load the librdkafka that the client library brought, with the types of what is called."""
    folder = Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs"
    library = ctypes.CDLL(str(next(folder.glob("librdkafka*.so*"))))
    handle, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32
    signatures: dict[str, tuple[object, list[object]]] = {
        "rd_kafka_conf_new": (handle, []),
        "rd_kafka_conf_set": (ctypes.c_int, [handle, text, text, text, ctypes.c_size_t]),
        "rd_kafka_new": (handle, [ctypes.c_int, handle, text, ctypes.c_size_t]),
        "rd_kafka_destroy": (None, [handle]),
        "rd_kafka_mock_cluster_new": (handle, [handle, ctypes.c_int]),
        "rd_kafka_mock_cluster_destroy": (None, [handle]),
        "rd_kafka_mock_cluster_bootstraps": (text, [handle]),
        "rd_kafka_mock_topic_create": (ctypes.c_int, [handle, text, ctypes.c_int, ctypes.c_int]),
        "rd_kafka_mock_partition_set_leader": (ctypes.c_int, [handle, text, number, number]),
        "rd_kafka_mock_broker_set_down": (ctypes.c_int, [handle, number]),
        "rd_kafka_mock_broker_set_up": (ctypes.c_int, [handle, number]),
        "rd_kafka_mock_broker_set_rtt": (ctypes.c_int, [handle, number, ctypes.c_int]),
        "rd_kafka_mock_push_request_errors_array": (
            None, [handle, ctypes.c_int16, ctypes.c_size_t, ctypes.POINTER(ctypes.c_int)],
        ),
        "rd_kafka_mock_clear_request_errors": (None, [handle, ctypes.c_int16]),
    }  # fmt: skip
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class MockCluster:
    """Brokers in memory, numbered from 1, that other processes may connect to.

    Attributes:
        address: Their bootstrap servers.
        brokers: How many there are.
    """

    def __init__(self, brokers: int = 3) -> None:
        self.brokers = brokers
        self._library = _library()
        text = ctypes.create_string_buffer(_TEXT_BYTES)
        conf = self._library.rd_kafka_conf_new()
        self._library.rd_kafka_conf_set(conf, b"log_level", b"0", text, _TEXT_BYTES)
        self._client = self._library.rd_kafka_new(_PRODUCER, conf, text, _TEXT_BYTES)
        assert self._client, text.value.decode()
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._client, brokers)
        assert self._cluster, "no mock cluster"
        self.address = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def close(self) -> None:
        """End the cluster."""
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._client)

    def _call(self, name: str, *arguments: object) -> None:
        code = getattr(self._library, f"rd_kafka_mock_{name}")(self._cluster, *arguments)
        assert code == 0, f"{name}{arguments} gives error {code}"

    def create_topic(self, name: str, partitions: int = 1, replication: int = 1) -> None:
        """Create a topic."""
        self._call("topic_create", name.encode(), partitions, replication)

    def set_leader(self, topic: str, partition: int, broker: int) -> None:
        """Make a broker the leader of a partition."""
        self._call("partition_set_leader", topic.encode(), partition, broker)

    def set_down(self, broker: int | None = None) -> None:
        """Take a broker away, or all."""
        for number in self._numbers(broker):
            self._call("broker_set_down", number)

    def set_up(self, broker: int | None = None) -> None:
        """Bring a broker back, or all."""
        for number in self._numbers(broker):
            self._call("broker_set_up", number)

    def set_rtt(self, milliseconds: int, broker: int | None = None) -> None:
        """Let a broker, or all, answer later."""
        for number in self._numbers(broker):
            self._call("broker_set_rtt", number, milliseconds)

    def _numbers(self, broker: int | None) -> Sequence[int]:
        return range(1, self.brokers + 1) if broker is None else [broker]

    def queue_errors(self, api: Api, faults: Sequence[Fault]) -> None:
        """Answer the next requests of a kind with these errors, one each."""
        codes = (ctypes.c_int * len(faults))(*faults)
        self._library.rd_kafka_mock_push_request_errors_array(
            self._cluster, api, len(faults), codes
        )

    def clear_errors(self, api: Api) -> None:
        """Forget errors that are still queued for a kind of request."""
        self._library.rd_kafka_mock_clear_request_errors(self._cluster, api)
