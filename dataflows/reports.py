"""What the processes of a home say of themselves, read together: for metrics and for people."""

import time
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from dataflows.lane_progress import LaneProgress
from dataflows.progress import SUPERVISOR, Supervised, Supervision
from dataflows.settings import Home
from warehouse.server import alive

_SILENT_S = 60.0
"""Age of a file of an unknown process beyond which the process counts as gone."""


@dataclass
class Ingest:
    """Figures of an ingest gateway.

    Attributes:
        requests: Requests by status code.
        accepted, refused: Events by feed.
        queue_bytes: Bytes of accepted requests that wait to be made durable.
        commit_seconds, commits: How long it took to make them durable, and how often.
    """

    requests: dict[str, int] = field(default_factory=dict)
    accepted: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    queue_bytes: int = 0
    commit_seconds: float = 0.0
    commits: int = 0


@dataclass
class Radius:
    """Figures of a RADIUS listener.

    Attributes:
        packets: Packets by what became of them.
        queue_bytes, queue_limit_bytes: Bytes of packets that wait to be made durable, and may.
        commit_seconds, commits: How long it took to make them durable, and how often.
    """

    packets: dict[str, int] = field(default_factory=dict)
    queue_bytes: int = 0
    queue_limit_bytes: int = 0
    commit_seconds: float = 0.0
    commits: int = 0


@dataclass
class Mqtt:
    """Figures of an MQTT subscriber.

    Attributes:
        messages: By feed, messages by what became of them.
        connects: By feed, connections by what the broker knew of the session.
        connected: By feed, whether it is subscribed.
        commit_seconds, commits: How long it took to make them durable, and how often.
    """

    messages: dict[str, dict[str, int]] = field(default_factory=dict)
    connects: dict[str, dict[str, int]] = field(default_factory=dict)
    connected: dict[str, int] = field(default_factory=dict)
    commit_seconds: float = 0.0
    commits: int = 0


@dataclass
class Deliver:
    """Figures of the delivery of findings, by target.

    Attributes:
        sent: Findings that it took.
        failed: Attempts that failed.
        failing_s: Since when it takes nothing, seconds; 0 while it does.
    """

    sent: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    failing_s: dict[str, float] = field(default_factory=dict)


@dataclass
class Controls:
    """Figures of the controls that follow what was rated.

    Attributes:
        rows: Rows that were looked at.
        alerts: Findings that were stored.
        failures: Batches and questions that a control could not work.
        behind_s: How long ago the usage was stored that is looked at now, seconds; 0 when all was.
    """

    rows: int = 0
    alerts: int = 0
    failures: int = 0
    behind_s: float = 0.0


@dataclass
class Report:
    """A progress file, read.

    Attributes:
        pid: Process that wrote it; 0 where it does not say.
        ended: It has ended cleanly.
        written: When it was written, seconds since 1970.
        ingest: Given by a gateway only.
        radius: Given by a RADIUS listener only.
        mqtt: Given by an MQTT subscriber only.
        deliver: Given by the delivery of findings only.
        controls: Given by the controls that follow only.
    """

    pid: int = 0
    started: float = 0.0
    written: float = 0.0
    collected: int = 0
    rated: int = 0
    retries: int = 0
    ended: bool = False
    problems: list[str] = field(default_factory=list)
    cpu_s: float = 0.0
    peak_rss_bytes: int = 0
    lanes: dict[str, LaneProgress] = field(default_factory=dict)
    ingest: Ingest | None = None
    radius: Radius | None = None
    mqtt: Mqtt | None = None
    deliver: Deliver | None = None
    controls: Controls | None = None

    def lives(self) -> bool:
        """Tell whether the process that wrote it is there."""
        return alive(self.pid) if self.pid else time.time() - self.written < _SILENT_S


@dataclass(frozen=True)
class Reports:
    """All that is known of the processes of a home.

    Attributes:
        processes: State of each process by name: what its supervisor says; where there is none,
            what its own file shows. Processes that came to their end are left out.
        reports: What they say themselves, by the same names.
        unreadable: Files that are not what a process of this version writes.
    """

    processes: dict[str, Supervised]
    reports: dict[str, Report]
    unreadable: list[str]


def _found(name: str, report: Report) -> Supervised:
    if report.lives():
        return Supervised("running", report.pid, since=report.started)
    return Supervised("failed", since=report.written, problem=f"process {name} is gone")


def _supervised(folder: Path, unreadable: list[str]) -> dict[str, Supervised]:
    """Read what the supervisor says; nothing where it is gone."""
    path = folder / f"{SUPERVISOR}.json"
    try:
        said = msgspec.json.decode(path.read_bytes(), type=Supervision)
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError) as error:
        unreadable.append(f"{path}: {error}")
        return {}
    return said.processes if alive(said.pid) else {}


def read_reports(home: Home) -> Reports:
    """Read every progress file of a home; what cannot be read is named, and left out."""
    unreadable: list[str] = []
    supervised = _supervised(home.progress, unreadable)
    reports = {}
    for path in sorted(home.progress.glob("[!.]*.json")):
        if path.stem == SUPERVISOR:
            continue
        try:
            report = msgspec.json.decode(path.read_bytes(), type=Report)
            report.written = path.stat().st_mtime
        except FileNotFoundError:
            continue  # its process is being started
        except (OSError, msgspec.DecodeError) as error:
            unreadable.append(f"{path}: {error}")
            continue
        if not supervised or path.stem in supervised or report.lives():
            reports[path.stem] = report
    unsupervised = {
        name: _found(name, report)
        for name, report in reports.items()
        if name not in supervised and not report.ended
    }
    return Reports(supervised | unsupervised, reports, unreadable)
