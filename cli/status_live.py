"""`tallywire status --live`, `--lanes`: processes and lanes as they are now, from their figures."""

import datetime
from collections.abc import Iterator
from typing import Any

import orjson
import typer
from rich.console import Group
from rich.live import Live
from rich.table import Table

from cli.common import console
from dataflows import stop
from dataflows.lane_progress import RATING, LaneProgress
from dataflows.reports import Report, Reports, read_reports
from dataflows.settings import Home
from dataflows.wall_clock import now_us

_EVERY_S = 1.0
_LATE_S = 60.0
"""Lag from which a lane is shown in yellow."""
_STYLES = {"running": "", "backing_off": "yellow", "stopped": "yellow", "failed": "red"}


def _moment(seconds: float) -> str:
    """Write an instant for people, in UTC; nothing for none."""
    if not seconds:
        return "-"
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _mean(lane: LaneProgress) -> str:
    number = sum(lane.batches.counts)
    return f"{lane.batches.seconds / number:.3f}" if number else "-"


def _worked(lane: LaneProgress) -> int:
    """Count the records that a lane has worked: read ones, or rated and refused ones."""
    names = ("rated", "suspended") if lane.kind == RATING else ("collected",)
    return sum(lane.fates.get(name, 0) for name in names)


def content_of(found: Reports) -> dict[str, Any]:
    """Give processes and lanes for programs."""
    return {
        "processes": [
            {
                "process": name, "state": state.state, "pid": state.pid, "restarts": state.restarts,
                "since": state.since, "problem": state.problem,
            }
            for name, state in found.processes.items()
        ],
        "lanes": [
            {
                "process": name, "lane": lane, "kind": figures.kind, "feed": figures.feed,
                "fates": figures.fates, "position": figures.position, "end": figures.end,
                "lag_events": figures.lag_events, "lag_seconds": figures.lag_seconds(now_us()),
                "watermark_us": figures.watermark_us, "batches": sum(figures.batches.counts),
                "state_bytes": figures.state_bytes, "state_keys": figures.state_keys,
                "key_affinity_faults": figures.key_affinity_faults, "crashes": figures.crashes,
                "quarantined": figures.quarantined, "quarantined_range": figures.quarantined_range,
            }
            for name, lane, figures in lanes(found)
        ],
        "unreadable": found.unreadable,
    }  # fmt: skip


def lanes(found: Reports) -> Iterator[tuple[str, str, LaneProgress]]:
    """Give (process, lane, figures) of every lane, in the order of their names."""
    for name, report in sorted(found.reports.items()):
        for lane, figures in sorted(report.lanes.items()):
            yield name, lane, figures


def _processes(found: Reports) -> Table:
    table = Table(title="Processes", title_justify="left")
    for name in ("process", "state", "restarts", "since", "cpu s", "memory MiB", "problem"):
        right = name in {"restarts", "cpu s", "memory MiB"}
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for name, state in found.processes.items():
        report = found.reports.get(name, Report())
        problem = state.problem or (report.problems[-1] if report.problems else "")
        table.add_row(
            name, state.state, f"{state.restarts}", _moment(state.since), f"{report.cpu_s:,.1f}",
            f"{report.peak_rss_bytes / 1024**2:,.0f}", problem, style=_STYLES[state.state],
        )  # fmt: skip
    return table


def _state(lane: str, figures: LaneProgress) -> tuple[str, str]:
    """Say how a lane is, and in which style; where it is put aside, what helps."""
    if figures.quarantined:
        return f"quarantined: tallywire lanes release {lane}", "red"
    if figures.key_affinity_faults:
        return f"{figures.key_affinity_faults:,} events in the wrong partition", "red"
    late = figures.lag_seconds(now_us()) > _LATE_S
    return "behind" if late else "", "yellow" if late else ""


class Rates:
    """Events per second of each lane, from one look to the next."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], tuple[float, int, str]] = {}

    def of(self, process: str, written: float, lane: str, figures: LaneProgress) -> str:
        """Give the rate between the two newest figures; `-` where there is only one."""
        worked = _worked(figures)
        at, before, rate = self._seen.get((process, lane), (written, worked, "-"))
        if written > at:
            begun_anew = worked < before
            rate = "-" if begun_anew else f"{(worked - before) / (written - at):,.0f}"
        self._seen[process, lane] = (written, worked, rate)
        return rate


def _lanes(found: Reports, rates: Rates) -> Table:
    table = Table(title="Lanes", title_justify="left")
    numbers = ("lag events", "lag s", "events/s", "events", "suspended", "s/batch")
    for name in ("lane", "process", *numbers, "newest event", "state"):
        table.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
    for process, lane, figures in lanes(found):
        text, style = _state(lane, figures)
        table.add_row(
            lane, process, f"{figures.lag_events:,}", f"{figures.lag_seconds(now_us()):,.0f}",
            rates.of(process, found.reports[process].written, lane, figures),
            f"{_worked(figures):,}", f"{figures.fates.get('suspended', 0):,}", _mean(figures),
            _moment(figures.watermark_us / 1e6), text, style=style,
        )  # fmt: skip
    return table


def picture(found: Reports, rates: Rates) -> Group:
    """Draw processes and lanes."""
    return Group(_processes(found), _lanes(found, rates), *found.unreadable)


def show_lanes(home: Home, *, live: bool, as_json: bool) -> None:
    """Print processes and lanes once; or again each second, on a terminal, until Ctrl-C."""
    found = read_reports(home)
    if as_json:
        typer.echo(orjson.dumps(content_of(found), option=orjson.OPT_INDENT_2).decode())
        return
    rates, screen = Rates(), console()
    if not live or not screen.is_terminal:
        screen.print(picture(found, rates))
        return
    stop.listen()
    with Live(picture(found, rates), console=screen, auto_refresh=False) as shown:
        while not stop.wait(_EVERY_S):
            shown.update(picture(read_reports(home), rates), refresh=True)
