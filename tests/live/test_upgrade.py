"""A home that an earlier version left is continued as if this version had begun it."""

import shutil
import subprocess
import sys
import tarfile
from itertools import count
from pathlib import Path

import pytest

from dataflows.groups import COLLECTION, RATING, account_lanes
from dataflows.jobs import Job
from dataflows.settings import Home, Settings
from dataflows.upgrades import upgrade
from schemas.columns import columns
from schemas.rated import RatedEvent
from tests.conftest import Store
from tests.golden.make_home import PARTITIONS
from tests.live.forks import Forked
from warehouse.client import Client, connect
from warehouse.migrate import migrate

pytestmark = [pytest.mark.live, pytest.mark.store]

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("home-format-*.tar.gz"))
FEEDS = ["access", "nordvik", "platform", "roamers"]
_NUMBERS = count()
_NOT_COMPARED = {"ledgered_at", "batch_token", "batch_row", "collected_at", "rater"}
_LISTED = ", ".join(f"`{name}`" for name in columns(RatedEvent) if name not in _NOT_COMPARED)
_RATED = f"SELECT event_id, rated_id, tuple({_LISTED}) FROM rated_events ORDER BY ALL"
_COUNTED = {
    "set aside": "SELECT fate, reason, sum(records) FROM set_aside_events GROUP BY ALL",
    "suspense": "SELECT reason, detail, sum(change) FROM suspense_events GROUP BY ALL",
    "alerts": "SELECT control_id, evidence, count() FROM alerts GROUP BY ALL",
}


def _run(home: Path, database: str, usage: Path) -> None:
    """Work usage to its end with both workers, as a run does."""
    upgrade(Home(home))
    settings = Settings(
        home=home, database=database, partitions=PARTITIONS, epoch_ms=100, rating_epoch_ms=100
    )
    run = f"run {next(_NUMBERS)}"
    parts = {COLLECTION: {"collect": FEEDS}, RATING: {"rate": account_lanes(settings)}}
    for role, part in parts.items():
        job = Job(run=run, inputs=[usage], follow=False, ends=FEEDS, settings=settings, **part)
        (home / f"job-{role}.json").write_text(job.model_dump_json())
    logs = {role: home / f"{role}.log" for role in parts}
    workers = [
        Forked([role, home / f"job-{role}.json"], log, {"POLARS_MAX_THREADS": "1"})
        for role, log in logs.items()
    ]
    codes = [worker.wait(240) for worker in workers]
    assert codes == [0, 0], [log.read_text()[-3_000:] for log in logs.values()]


def _database(server: tuple[Path, object], home: Path) -> Store:
    """Make an empty database for a home, on the one server of the tests."""
    name = f"test_upgrade_{next(_NUMBERS)}"
    migrate(connect("", server[0], role="owner"), name)
    (home / "store").symlink_to(server[0])
    return Store(server[0], name, server[1])  # type: ignore[arg-type]


def _counts(client: Client) -> dict[tuple[object, ...], int]:
    return {
        (name, *key): int(number)
        for name, text in _COUNTED.items()
        for *key, number in client.query(text).result_rows
    }


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.name)
def test_a_home_of_an_earlier_version_goes_on(
    golden: Path, server: tuple[Path, object], tmp_path: Path
) -> None:
    with tarfile.open(golden) as archive:
        archive.extractall(tmp_path / "old", filter="data")
    old, usage, whole = tmp_path / "old/home", tmp_path / "usage", tmp_path / "whole"
    shutil.copytree(old / "catalogs", whole / "catalogs")
    shutil.copytree(tmp_path / "old/before", usage)
    of_whole = _database(server, whole)
    _run(whole, of_whole.database, usage)
    seen = {row[1] for row in of_whole.client().query(_RATED).result_rows}
    before = _counts(of_whole.client())

    shutil.copytree(tmp_path / "old/after", usage, dirs_exist_ok=True)
    _run(whole, of_whole.database, usage)
    of_old = _database(server, old)
    _run(old, of_old.database, usage)

    expected = [row for row in of_whole.client().query(_RATED).result_rows if row[1] not in seen]
    found = of_old.client().query(_RATED).result_rows
    assert len(found) == len(expected) > 240
    for ours, theirs in zip(found, expected, strict=True):
        assert ours == theirs
    after = _counts(of_whole.client())
    new = {key: number - before.get(key, 0) for key, number in after.items()}
    assert _counts(of_old.client()) == {key: number for key, number in new.items() if number}


def test_what_the_comparison_is_about_is_in_it(server: tuple[Path, object], tmp_path: Path) -> None:
    """Without its state the same home gives other rows: the comparison can fail."""
    with tarfile.open(GOLDEN[0]) as archive:
        archive.extractall(tmp_path / "old", filter="data")
    old = tmp_path / "old/home"
    for part in ("lanes", "recovery", "spool"):
        shutil.rmtree(old / part)
    store = _database(server, old)
    _run(old, store.database, tmp_path / "old/after")
    client = store.client()
    fates = dict(
        client.query("SELECT fate, sum(records) FROM set_aside_events GROUP BY 1").result_rows
    )
    assert fates.get("duplicate", 0) < 40  # of the 41 repeats of usage of before
    used = "SELECT min(allowance_after) FROM rated_events WHERE service = 'data' AND allowance_id = 'data_5gb'"
    assert int(client.query(used).result_rows[0][0]) > 2_000_000_000  # nothing was used before


def test_the_script_of_golden_homes_works_with_this_version(tmp_path: Path) -> None:
    """The next format needs a home of this one."""
    target = tmp_path / "home.tar.gz"
    script = GOLDEN[0].with_name("make_home.py")
    subprocess.run([sys.executable, script, str(target)], check=True, capture_output=True)
    with tarfile.open(target) as archive:
        names = archive.getnames()
    assert {"home/spool/layout.json", "home/lanes", "home/recovery", "before"} <= set(names)
    assert not any("store" in name for name in names)
