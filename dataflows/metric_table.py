"""The table of all metrics: name, kind, help, labels; `docs/reference/metrics.md` explains them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from dataflows.lane_progress import Durations, LaneProgress
from dataflows.reports import Controls, Report
from dataflows.wall_clock import now_us

Kind = Literal["counter", "gauge", "histogram", "summary"]


@dataclass(frozen=True)
class Described:
    """A metric.

    Attributes:
        name: As it is exposed; a histogram and a summary add `_bucket`, `_count`, `_sum`.
        help: One line, with the unit where the name does not end with it.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()


_PROCESS = ("process",)
_LANE = ("process", "lane", "feed")


def _lane(name: str, kind: Kind, help_: str) -> Described:
    return Described(f"tallywire_{name}", kind, help_, _LANE)


def _process(name: str, kind: Kind, help_: str) -> Described:
    return Described(f"tallywire_{name}", kind, help_, _PROCESS)


EVENTS = Described(
    "tallywire_events_total", "counter", "Records by what became of them.", (*_LANE, "fate")
)

LANES: tuple[tuple[Described, Callable[[LaneProgress], float | Durations]], ...] = (
    (_lane("lane_lag_events", "gauge", "Events that wait behind the lane; estimated where "
           "positions are bytes."), lambda lane: lane.lag_events),
    (_lane("lane_lag_seconds", "gauge", "Age of what was worked last while something waits."),
     lambda lane: lane.lag_seconds(now_us())),
    (_lane("lane_position", "gauge", "Where the lane stands: bytes, or messages of a topic."),
     lambda lane: lane.position),
    (_lane("lane_end_position", "gauge", "Newest position known behind it, in the same unit."),
     lambda lane: lane.end),
    (_lane("lane_watermark_timestamp_seconds", "gauge", "Newest event time seen; 0 before any."),
     lambda lane: lane.watermark_us / 1e6),
    (_lane("batches_total", "counter", "Batches worked."), lambda lane: sum(lane.batches.counts)),
    (_lane("batch_seconds", "histogram", "How long batches were worked, without the store."),
     lambda lane: lane.batches),
    (_lane("insert_seconds", "histogram", "How long the store took for a batch."),
     lambda lane: lane.inserts),
    (_lane("state_bytes", "gauge", "Length of the journals of the lane's state."),
     lambda lane: lane.state_bytes),
    (_lane("state_keys", "gauge", "Keys in the lane's state."), lambda lane: lane.state_keys),
    (_lane("open_sessions", "gauge", "Sessions that wait for more parts."),
     lambda lane: lane.open_sessions),
    (_lane("key_affinity_faults_total", "counter", "Events that lay in another partition than "
           "their account's."), lambda lane: lane.key_affinity_faults),
    (_lane("messages_without_record_total", "counter", "Messages that hold no record."),
     lambda lane: lane.without_record),
    (_lane("messages_expired_total", "counter", "Messages that a topic dropped before they were "
           "read."), lambda lane: lane.expired),
    (_lane("lane_quarantined", "gauge", "1 while the lane is put aside."),
     lambda lane: int(lane.quarantined)),
    (_lane("lane_crashes_total", "counter", "Crashes at the range that the lane stands at."),
     lambda lane: lane.crashes),
)  # fmt: skip
"""Metrics of a lane, each with the figure it shows."""

UP = _process("process_up", "gauge", "1 while the process runs.")
RESTARTS = _process("process_restarts_total", "counter", "How often it was started again.")

PROCESSES: tuple[tuple[Described, Callable[[Report], float]], ...] = (
    (_process("process_start_timestamp_seconds", "gauge", "When the process started."),
     lambda report: report.started),
    (_process("process_progress_timestamp_seconds", "gauge", "When it last said how far it is."),
     lambda report: report.written),
    (_process("process_cpu_seconds_total", "counter", "Processor time used."),
     lambda report: report.cpu_s),
    (_process("process_peak_rss_bytes", "gauge", "Most memory it ever held."),
     lambda report: report.peak_rss_bytes),
    (_process("process_problems", "gauge", "Things it met that a person should know."),
     lambda report: len(report.problems)),
    (_process("store_retries_total", "counter", "Attempts that the store did not answer."),
     lambda report: report.retries),
)  # fmt: skip
"""Metrics of a process, each with the figure it shows."""

INGEST_REQUESTS = Described(
    "tallywire_ingest_requests_total", "counter", "Requests to the gateway by status code.",
    (*_PROCESS, "status"),
)  # fmt: skip
INGEST_EVENTS = Described(
    "tallywire_ingest_events_total", "counter", "Events sent to the gateway: accepted, refused.",
    (*_PROCESS, "feed", "outcome"),
)  # fmt: skip
INGEST_QUEUE = _process(
    "ingest_queue_bytes", "gauge", "Bytes of accepted requests that wait to be made durable."
)
INGEST_LIMIT = _process(
    "ingest_queue_limit_bytes", "gauge", "Bytes of the queue beyond which requests are refused."
)
INGEST_COMMITS = _process(
    "ingest_commit_seconds", "summary", "How long it took to make requests durable."
)
RADIUS_PACKETS = Described(
    "tallywire_radius_packets_total", "counter", "Packets to the RADIUS listener by outcome.",
    (*_PROCESS, "outcome"),
)  # fmt: skip
RADIUS_QUEUE = _process(
    "radius_queue_bytes", "gauge", "Bytes of RADIUS packets that wait to be made durable."
)
RADIUS_LIMIT = _process(
    "radius_queue_limit_bytes", "gauge", "Bytes of that queue beyond which packets are dropped."
)
RADIUS_COMMITS = _process(
    "radius_commit_seconds", "summary", "How long it took to make RADIUS packets durable."
)
MQTT_MESSAGES = Described(
    "tallywire_mqtt_messages_total", "counter", "Messages of MQTT brokers by outcome.",
    (*_PROCESS, "feed", "outcome"),
)  # fmt: skip
MQTT_CONNECTED = Described(
    "tallywire_mqtt_connected", "gauge", "1 while the feed is subscribed at its broker.",
    (*_PROCESS, "feed"),
)  # fmt: skip
MQTT_CONNECTS = Described(
    "tallywire_mqtt_connects_total", "counter",
    "Connections to MQTT brokers, by what they knew of the session.",
    (*_PROCESS, "feed", "session"),
)  # fmt: skip
MQTT_COMMITS = _process(
    "mqtt_commit_seconds", "summary", "How long it took to make messages durable."
)
DELIVERIES = Described(
    "tallywire_deliveries_total", "counter", "Findings told, and attempts that failed, by target.",
    (*_PROCESS, "target", "outcome"),
)  # fmt: skip
DELIVERY_FAILING = Described(
    "tallywire_delivery_failing_seconds", "gauge", "Since when a target takes no findings.",
    (*_PROCESS, "target"),
)  # fmt: skip
CONTROLS: tuple[tuple[Described, Callable[[Controls], float]], ...] = (
    (_process("controls_rows_total", "counter", "Rated rows that controls have looked at."),
     lambda controls: controls.rows),
    (_process("controls_alerts_total", "counter", "Findings that controls have stored."),
     lambda controls: controls.alerts),
    (_process("controls_failures_total", "counter", "What a control could not work."),
     lambda controls: controls.failures),
    (_process("controls_behind_seconds", "gauge",
              "How long ago the usage was rated that controls look at now."),
     lambda controls: controls.behind_s),
)  # fmt: skip
UNREADABLE = Described(
    "tallywire_progress_unreadable", "gauge", "Progress files that cannot be understood."
)
STORE_UP = Described("tallywire_store_up", "gauge", "1 while the store answers.")

METRICS: tuple[Described, ...] = (
    EVENTS,
    *(metric for metric, _ in LANES),
    UP, RESTARTS,
    *(metric for metric, _ in PROCESSES),
    INGEST_REQUESTS, INGEST_EVENTS, INGEST_QUEUE, INGEST_LIMIT, INGEST_COMMITS,
    RADIUS_PACKETS, RADIUS_QUEUE, RADIUS_LIMIT, RADIUS_COMMITS,
    MQTT_MESSAGES, MQTT_CONNECTED, MQTT_CONNECTS, MQTT_COMMITS,
    DELIVERIES, DELIVERY_FAILING,
    *(metric for metric, _ in CONTROLS),
    STORE_UP, UNREADABLE,
)  # fmt: skip
"""Every metric there is."""
