"""The dashboard "Tallywire runtime" of Grafana, written from one table; `make docs` runs it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATH = Path(__file__).with_name("dashboards") / "tallywire-runtime.json"
SOURCE = {"type": "prometheus", "uid": "tallywire-prometheus"}
WIDTH, HEIGHT, IN_A_ROW = 8, 8, 3
FILTER = 'instance=~"$instance"'


@dataclass(frozen=True)
class Panel:
    """One picture.

    Attributes:
        title: What is seen, and its unit in words where the unit is none of Grafana's.
        unit: Grafana's name of the unit.
        queries: Legend to query; `FILTER` stands for the instances that were chosen.
        told: What it means, for who sees it for the first time.
    """

    title: str
    unit: str
    queries: dict[str, str]
    told: str = ""


def quantile(metric: str, share: float) -> str:
    """Ask for a quantile of a histogram by process."""
    by = f"sum by (process, le) (rate({metric}_bucket{{FILTER}}[$__rate_interval]))"
    return f"histogram_quantile({share}, {by})"


ROWS: dict[str, list[Panel]] = {
    "Is everything well?": [
        Panel(
            "Processes that run", "short",
            {"{{instance}} {{process}}": "tallywire_process_up{FILTER}"},
            "1 for each process that runs.",
        ),
        Panel(
            "Stores that answer", "short", {"{{instance}}": "tallywire_store_up{FILTER}"},
            "Asked every five seconds, as the reader.",
        ),
        Panel(
            "Lanes put aside", "short",
            {"{{instance}} {{lane}}": "tallywire_lane_quarantined{FILTER} == 1"},
            "Empty when all is well; the runbook lane-quarantined says what to do.",
        ),
        Panel(
            "Records by fate", "ops",
            {"{{fate}}": "sum by (fate) (rate(tallywire_events_total{FILTER}[$__rate_interval]))"},
        ),
        Panel(
            "Oldest usage that waits", "s",
            {"{{instance}} {{process}}":
             "max by (instance, process) (tallywire_lane_lag_seconds{FILTER})"},
            "Age of what the slowest lane of a process worked last; 0 when nothing waits.",
        ),
        Panel(
            "Events that wait", "short",
            {"{{instance}} {{process}}":
             "sum by (instance, process) (tallywire_lane_lag_events{FILTER})"},
        ),
    ],
    "Lanes": [
        Panel(
            "Time of a batch", "s",
            {"{{process}} half": quantile("tallywire_batch_seconds", 0.5),
             "{{process}} 95 %": quantile("tallywire_batch_seconds", 0.95)},
            "Without the store.",
        ),
        Panel(
            "Time of an insert", "s",
            {"{{process}} half": quantile("tallywire_insert_seconds", 0.5),
             "{{process}} 95 %": quantile("tallywire_insert_seconds", 0.95)},
        ),
        Panel(
            "Batches", "ops",
            {"{{process}}":
             "sum by (process) (rate(tallywire_batches_total{FILTER}[$__rate_interval]))"},
        ),
        Panel(
            "Age of the newest event time", "s",
            {"{{instance}} {{lane}}":
             "topk(10, time() - (tallywire_lane_watermark_timestamp_seconds{FILTER} > 0))"},
            "The ten lanes with the oldest. It stands still when nothing arrives.",
        ),
        Panel(
            "Behind, bytes or messages", "short",
            {"{{instance}} {{lane}}":
             "topk(10, tallywire_lane_end_position{FILTER} - tallywire_lane_position{FILTER})"},
            "The ten lanes that are furthest behind, in the unit of their source.",
        ),
        Panel(
            "Sessions that are open", "short",
            {"{{lane}}": "tallywire_open_sessions{FILTER} > 0"},
        ),
        Panel(
            "State on disk", "bytes",
            {"{{instance}} {{process}}":
             "sum by (instance, process) (tallywire_state_bytes{FILTER})"},
        ),
        Panel(
            "Keys of state", "short",
            {"{{instance}} {{process}}":
             "sum by (instance, process) (tallywire_state_keys{FILTER})"},
        ),
    ],
    "Faults": [
        Panel(
            "Crashes at the range a lane stands at", "short",
            {"{{instance}} {{lane}}": "tallywire_lane_crashes_total{FILTER} > 0"},
        ),
        Panel(
            "Restarts in an hour", "short",
            {"{{instance}} {{process}}": "increase(tallywire_process_restarts_total{FILTER}[1h])"},
        ),
        Panel(
            "Attempts that the store did not answer", "ops",
            {"{{instance}} {{process}}":
             "rate(tallywire_store_retries_total{FILTER}[$__rate_interval])"},
        ),
        Panel(
            "Messages lost before they were read, or in a wrong partition", "short",
            {"expired {{lane}}": "increase(tallywire_messages_expired_total{FILTER}[1h]) > 0",
             "misplaced {{lane}}":
             "increase(tallywire_key_affinity_faults_total{FILTER}[1h]) > 0"},
        ),
        Panel(
            "Messages without a record", "ops",
            {"{{lane}}":
             "rate(tallywire_messages_without_record_total{FILTER}[$__rate_interval]) > 0"},
        ),
        Panel(
            "Things a person should know", "short",
            {"{{instance}} {{process}}": "tallywire_process_problems{FILTER}",
             "{{instance}} files that cannot be read": "tallywire_progress_unreadable{FILTER}"},
            "Which they are, says tallywire status --live.",
        ),
    ],
    "Usage by HTTP": [
        Panel(
            "Requests by status", "reqps",
            {"{{status}}":
             "sum by (status) (rate(tallywire_ingest_requests_total{FILTER}[$__rate_interval]))"},
        ),
        Panel(
            "Events by outcome", "ops",
            {"{{feed}} {{outcome}}": "sum by (feed, outcome) "
             "(rate(tallywire_ingest_events_total{FILTER}[$__rate_interval]))"},
        ),
        Panel(
            "Queue that waits to be made durable", "percentunit",
            {"{{instance}}":
             "tallywire_ingest_queue_bytes{FILTER} / tallywire_ingest_queue_limit_bytes{FILTER}"},
            "When it is full, requests are refused with 429.",
        ),
        Panel(
            "Time to make requests durable", "s",
            {"{{instance}}": "rate(tallywire_ingest_commit_seconds_sum{FILTER}[$__rate_interval])"
             " / rate(tallywire_ingest_commit_seconds_count{FILTER}[$__rate_interval])"},
        ),
    ],
    "Usage by RADIUS": [
        Panel(
            "Packets by outcome", "pps",
            {"{{outcome}}":
             "sum by (outcome) (rate(tallywire_radius_packets_total{FILTER}[$__rate_interval]))"},
            "Only accepted, repeated and status are answered.",
        ),
        Panel(
            "Packets that wait to be durable", "percentunit",
            {"{{instance}}":
             "tallywire_radius_queue_bytes{FILTER} / tallywire_radius_queue_limit_bytes{FILTER}"},
            "When it is full, packets are dropped, and sent again.",
        ),
        Panel(
            "Time to make packets durable", "s",
            {"{{instance}}": "rate(tallywire_radius_commit_seconds_sum{FILTER}[$__rate_interval])"
             " / rate(tallywire_radius_commit_seconds_count{FILTER}[$__rate_interval])"},
        ),
    ],
    "Usage by MQTT": [
        Panel(
            "Messages by outcome", "cps",
            {"{{feed}} {{outcome}}": "sum by (feed, outcome) "
             "(rate(tallywire_mqtt_messages_total{FILTER}[$__rate_interval]))"},
            "All but log_unavailable are acknowledged.",
        ),
        Panel(
            "Subscribed", "short",
            {"{{instance}} {{feed}}": "tallywire_mqtt_connected{FILTER}"},
            "1 while the feed is subscribed at its broker.",
        ),
        Panel(
            "Connections made", "short",
            {"{{feed}} {{session}}": "sum by (feed, session) "
             "(increase(tallywire_mqtt_connects_total{FILTER}[$__rate_interval]))"},
            "lost: the broker had forgotten the session, and messages with it.",
        ),
        Panel(
            "Time to make messages durable", "s",
            {"{{instance}}": "rate(tallywire_mqtt_commit_seconds_sum{FILTER}[$__rate_interval])"
             " / rate(tallywire_mqtt_commit_seconds_count{FILTER}[$__rate_interval])"},
        ),
    ],
    "Delivery of findings": [
        Panel(
            "Findings told, attempts failed", "cps",
            {"{{target}} {{outcome}}": "sum by (target, outcome) "
             "(rate(tallywire_deliveries_total{FILTER}[$__rate_interval]))"},
        ),
        Panel(
            "Targets that take nothing", "s",
            {"{{instance}} {{target}}": "tallywire_delivery_failing_seconds{FILTER}"},
            "Since when; 0 while all is taken. Findings wait in the store.",
        ),
    ],
    "Controls": [
        Panel(
            "Rows looked at", "cps",
            {"{{instance}}": "sum by (instance) "
             "(rate(tallywire_controls_rows_total{FILTER}[$__rate_interval]))"},
        ),
        Panel(
            "Behind what is rated", "s",
            {"{{instance}}": "tallywire_controls_behind_seconds{FILTER}"},
            "0 when all was looked at; rating never waits for it.",
        ),
        Panel(
            "Findings, and what could not be worked", "cps",
            {
                "{{instance}} findings": "sum by (instance) "
                "(rate(tallywire_controls_alerts_total{FILTER}[$__rate_interval]))",
                "{{instance}} failures": "sum by (instance) "
                "(rate(tallywire_controls_failures_total{FILTER}[$__rate_interval]))",
            },
        ),
    ],
    "Processes": [
        Panel(
            "Processor", "percentunit",
            {"{{instance}} {{process}}":
             "rate(tallywire_process_cpu_seconds_total{FILTER}[$__rate_interval])"},
            "100 % is one core.",
        ),
        Panel(
            "Most memory held", "bytes",
            {"{{instance}} {{process}}": "tallywire_process_peak_rss_bytes{FILTER}"},
        ),
        Panel(
            "Silence", "s",
            {"{{instance}} {{process}}":
             "time() - tallywire_process_progress_timestamp_seconds{FILTER}"},
            "Since a process last said how far it is; it does so twice a second.",
        ),
        Panel(
            "Running for", "s",
            {"{{instance}} {{process}}":
             "time() - tallywire_process_start_timestamp_seconds{FILTER}"},
        ),
    ],
}  # fmt: skip


def _query(number: int, legend: str, query: str) -> dict[str, Any]:
    return {
        "datasource": SOURCE,
        "refId": chr(ord("A") + number),
        "legendFormat": legend,
        "expr": query.replace("{FILTER}", f"{{{FILTER}}}"),
    }


def _panel(number: int, panel: Panel, x: int, y: int) -> dict[str, Any]:
    return {
        "id": number,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.told,
        "datasource": SOURCE,
        "gridPos": {"x": x, "y": y, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}},
        "targets": [
            _query(place, legend, query)
            for place, (legend, query) in enumerate(panel.queries.items())
        ],
    }


def panels() -> list[dict[str, Any]]:
    """Lay out rows and their pictures, from top to bottom."""
    found: list[dict[str, Any]] = []
    y = 0
    for title, row in ROWS.items():
        place = {"x": 0, "y": y, "w": WIDTH * IN_A_ROW, "h": 1}
        found.append(
            {"id": len(found) + 1, "type": "row", "title": title, "gridPos": place, "panels": []}
        )
        y += 1
        for number, panel in enumerate(row):
            down, across = divmod(number, IN_A_ROW)
            found.append(_panel(len(found) + 1, panel, across * WIDTH, y + down * HEIGHT))
        y += -(-len(row) // IN_A_ROW) * HEIGHT
    return found


def dashboard() -> dict[str, Any]:
    """Give the dashboard as Grafana reads it."""
    instance = {
        "name": "instance", "label": "Home", "type": "query", "datasource": SOURCE,
        "query": "label_values(tallywire_process_up, instance)", "refresh": 2,
        "includeAll": True, "multi": True, "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }  # fmt: skip
    return {
        "uid": "tallywire-runtime", "title": "Tallywire runtime", "tags": ["tallywire"],
        "schemaVersion": 39, "version": 1, "editable": False, "refresh": "15s",
        "time": {"from": "now-1h", "to": "now"}, "timezone": "browser",
        "templating": {"list": [instance]}, "panels": panels(),
    }  # fmt: skip


def written() -> str:
    """Give the file."""
    return json.dumps(dashboard(), indent=1) + "\n"


if __name__ == "__main__":
    PATH.write_text(written())
