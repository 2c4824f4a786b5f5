"""What a run asks of its workers, written down for each."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel

from dataflows.groups import COLLECTION, ENGINE, RATING, LaneGroup, account_lanes, owned
from dataflows.settings import Home, Settings


class Job(BaseModel):
    """What is asked of a worker.

    Attributes:
        run: Name of the run: the end of input is reported under it.
        inputs: Files and folders of usage.
        follow: Wait for more input instead of ending.
        collect: Collection lanes that it owns.
        rate: Account lanes that it owns.
        ends: Collection lanes after whose end the log is at its end.
    """

    run: str
    inputs: list[Path]
    follow: bool
    collect: list[str] = []
    rate: list[str] = []
    ends: list[str] = []
    settings: Settings


def jobs_of(base: Job, groups: Sequence[LaneGroup], lanes: Mapping[str, str]) -> dict[str, Job]:
    """Give every group that lives here its job; groups that own nothing have none.

    Args:
        base: What all jobs have in common.
        groups: The groups of the home.
        lanes: Collection lane to feed.

    Raises:
        GroupsWrong: If a lane has no group or two.
    """
    rate = account_lanes(base.settings)
    base = base.model_copy(update={"ends": sorted(lanes)})
    if base.settings.processes == 1:
        return {ENGINE: base.model_copy(update={"collect": sorted(lanes), "rate": rate})}
    found = {}
    for group in groups:
        names = owned(groups, {COLLECTION: sorted(lanes), RATING: rate})[group.name]
        if names and not group.home:
            part = "collect" if group.kind == COLLECTION else "rate"
            found[group.name] = base.model_copy(update={part: names})
    return found


def written(job: Job) -> bytes:
    """Write a job; only this user may read what its settings hold."""
    return job.model_dump_json().encode()


def job_path(home: Home, role: str = "") -> Path:
    """Where the job of a role lies; without a role the one that all have in common."""
    return home.root / (f"job-{role}.json" if role else "job.json")
