"""Metrics of a home in the formats of Prometheus, out of what its processes say of themselves."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from dataflows.lane_progress import SECONDS, Durations
from dataflows.metric_table import (
    CONTROLS,
    DELIVERIES,
    DELIVERY_FAILING,
    EVENTS,
    INGEST_COMMITS,
    INGEST_EVENTS,
    INGEST_LIMIT,
    INGEST_QUEUE,
    INGEST_REQUESTS,
    LANES,
    METRICS,
    MQTT_COMMITS,
    MQTT_CONNECTED,
    MQTT_CONNECTS,
    MQTT_MESSAGES,
    PROCESSES,
    RADIUS_COMMITS,
    RADIUS_LIMIT,
    RADIUS_PACKETS,
    RADIUS_QUEUE,
    RESTARTS,
    STORE_UP,
    UNREADABLE,
    UP,
    Described,
)
from dataflows.reports import Deliver, Ingest, Mqtt, Radius, Report, Reports

Value = float | Durations | tuple[int, float]
"""Of a counter or gauge, of a histogram, of a summary: how many, and their sum."""
Sample = tuple[Described, tuple[str, ...], Value]

_FAMILIES: dict[str, type[Any]] = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
    "histogram": HistogramMetricFamily,
    "summary": SummaryMetricFamily,
}


def _of_lanes(process: str, report: Report) -> Iterator[Sample]:
    for name, lane in report.lanes.items():
        place = (process, name, lane.feed)
        for fate, records in lane.fates.items():
            yield EVENTS, (*place, fate), records
        for metric, figure in LANES:
            yield metric, place, figure(lane)


def _of_ingest(process: str, ingest: Ingest, limit_bytes: int) -> Iterator[Sample]:
    for status, number in ingest.requests.items():
        yield INGEST_REQUESTS, (process, status), number
    for outcome, events in (("accepted", ingest.accepted), ("refused", ingest.refused)):
        for feed, number in events.items():
            yield INGEST_EVENTS, (process, feed, outcome), number
    yield INGEST_QUEUE, (process,), ingest.queue_bytes
    yield INGEST_LIMIT, (process,), limit_bytes
    yield INGEST_COMMITS, (process,), (ingest.commits, ingest.commit_seconds)


def _of_radius(process: str, radius: Radius) -> Iterator[Sample]:
    for outcome, packets in radius.packets.items():
        yield RADIUS_PACKETS, (process, outcome), packets
    yield RADIUS_QUEUE, (process,), radius.queue_bytes
    yield RADIUS_LIMIT, (process,), radius.queue_limit_bytes
    yield RADIUS_COMMITS, (process,), (radius.commits, radius.commit_seconds)


def _of_mqtt(process: str, mqtt: Mqtt) -> Iterator[Sample]:
    for metric, figures in ((MQTT_MESSAGES, mqtt.messages), (MQTT_CONNECTS, mqtt.connects)):
        for feed, numbers in figures.items():
            for kind, number in numbers.items():
                yield metric, (process, feed, kind), number
    for feed, connected in mqtt.connected.items():
        yield MQTT_CONNECTED, (process, feed), connected
    yield MQTT_COMMITS, (process,), (mqtt.commits, mqtt.commit_seconds)


def _of_deliver(process: str, deliver: Deliver) -> Iterator[Sample]:
    for outcome, findings in (("sent", deliver.sent), ("failed", deliver.failed)):
        for target, number in findings.items():
            yield DELIVERIES, (process, target, outcome), number
    for target, seconds in deliver.failing_s.items():
        yield DELIVERY_FAILING, (process, target), seconds


def _of_controls(process: str, report: Report) -> Iterator[Sample]:
    if report.controls is not None:
        for metric, figure in CONTROLS:
            yield metric, (process,), figure(report.controls)


def samples(found: Reports, store_up: bool | None, limit_bytes: int) -> Iterator[Sample]:
    """Give every sample of a home.

    Args:
        found: What its processes say.
        store_up: Whether the store answers; `None` where that is not known yet.
        limit_bytes: The setting `ingest_queue_bytes`.
    """
    for process, state in found.processes.items():
        yield UP, (process,), int(state.state == "running")
        yield RESTARTS, (process,), state.restarts
    for process, report in found.reports.items():
        for metric, figure in PROCESSES:
            yield metric, (process,), figure(report)
        yield from _of_controls(process, report)
        yield from _of_lanes(process, report)
        if report.ingest is not None:
            yield from _of_ingest(process, report.ingest, limit_bytes)
        if report.radius is not None:
            yield from _of_radius(process, report.radius)
        if report.mqtt is not None:
            yield from _of_mqtt(process, report.mqtt)
        if report.deliver is not None:
            yield from _of_deliver(process, report.deliver)
    yield UNREADABLE, (), len(found.unreadable)
    if store_up is not None:
        yield STORE_UP, (), int(store_up)


def _buckets(durations: Durations) -> list[tuple[str, float]]:
    """Count durations up to each bound."""
    bounds = [*(str(bound) for bound in SECONDS), "+Inf"]
    total, found = 0, []
    for bound, number in zip(bounds, durations.counts, strict=True):
        total += number
        found.append((bound, float(total)))
    return found


def _add(family: Any, labels: tuple[str, ...], value: Value) -> None:  # noqa: ANN401  four kinds
    if isinstance(value, Durations):
        family.add_metric(labels, buckets=_buckets(value), sum_value=value.seconds)
    elif isinstance(value, tuple):
        family.add_metric(labels, count_value=value[0], sum_value=value[1])
    else:
        family.add_metric(labels, value)


def families(found: Iterable[Sample]) -> Iterator[Metric]:
    """Put samples together by metric, in the order of the table; metrics without one are absent."""
    of: dict[str, list[tuple[tuple[str, ...], Value]]] = defaultdict(list)
    for metric, labels, value in found:
        of[metric.name].append((labels, value))
    for metric in METRICS:
        if metric.name in of:
            family = _FAMILIES[metric.kind](metric.name, metric.help, labels=metric.labels)
            for labels, value in of[metric.name]:
                _add(family, labels, value)
            yield family


class HomeCollector(Collector):
    """Reads the figures of a home anew for every scrape.

    Args:
        read: Gives what the processes say.
        store_up: Tells whether the store answers; `None` where that is not known yet.
        limit_bytes: The setting `ingest_queue_bytes`.
    """

    def __init__(
        self,
        read: Callable[[], Reports],
        store_up: Callable[[], bool | None],
        limit_bytes: int,
    ) -> None:
        self._read, self._store_up, self._limit_bytes = read, store_up, limit_bytes

    def collect(self) -> Iterator[Metric]:
        """Give all metrics as they are now."""
        return families(samples(self._read(), self._store_up(), self._limit_bytes))


def registry_of(collector: Collector) -> CollectorRegistry:
    """Make a registry of a home alone: nothing of the process that serves it is in it."""
    registry = CollectorRegistry()
    registry.register(collector)
    return registry
