"""Re-rating while the lanes run, with usage that comes meanwhile and kills: once, in order."""

import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.demo.usage import write_platform
from cli.rerate.command import corrections
from cli.rerate.materialise import Correction, identity
from cli.rerate.selection import Selection
from cli.rerate.world import World, world_of
from dataflows.catalogs import example_folder
from dataflows.corrections import rerated
from dataflows.groups import COLLECTION, RATING
from dataflows.requests import Asked, put
from dataflows.run import compile_into
from dataflows.settings import Home, Settings
from schemas.requests import CorrectionReason, RequestStatus
from tallywire.rating.counters import Counters
from tests.conftest import Store
from tests.live.engine import Engine
from warehouse.client import Client, connect
from warehouse.migrate import migrate

pytestmark = [pytest.mark.live, pytest.mark.store]

EVENTS = 20_000
FEEDS = ("platform",)
STANDING = """
SELECT event_id, amount, allowance_id, allowance_before, allowance_after, tariff_id, zone_id
FROM rated_events
WHERE op != 'reversal' AND rated_id NOT IN (
    SELECT assumeNotNull(supersedes) FROM rated_events WHERE op = 'reversal')
ORDER BY event_id
"""


@pytest.fixture(scope="module")
def usage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("usage")
    write_platform(folder / "platform", EVENTS)
    return folder


@pytest.fixture(scope="module")
def dearer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue in which messages and data cost more, and fewer messages are included."""
    folder = tmp_path_factory.mktemp("dearer") / "catalog"
    shutil.copytree(example_folder(), folder)
    for name, old, new in (
        ("tariffs/messages.yaml", '{zone: nordics, rate: "0.08"', '{zone: nordics, rate: "0.11"'),
        ("tariffs/messages.yaml", '{zone: on_net, rate: "0.02"', '{zone: on_net, rate: "0.03"'),
        ("offers/offers.yaml", "quantity: 50", "quantity: 20"),
    ):
        path = folder / name
        text = path.read_text()
        assert old in text, (name, old)
        path.write_text(text.replace(old, new))
    return folder


class Story:
    """A home in which the first files are rated, the others come while it is re-rated."""

    def __init__(self, home: Path, store: Store, usage: Path, partitions: int) -> None:
        self.folder = home.with_name(f"{home.name}-usage")
        (self.folder / "platform").mkdir(parents=True)
        self._usage = usage
        self.bring("bulk-0.jsonl", "bulk-1.jsonl")
        self.engine = Engine(home, store, self.folder, partitions=partitions, feeds=FEEDS)
        self.settings = Settings(home=home, database=store.database, partitions=partitions)

    def bring(self, *names: str) -> None:
        for name in names:
            shutil.copy(self._usage / "platform" / name, self.folder / "platform" / name)

    def bring_the_rest(self) -> None:
        names = sorted(path.name for path in (self._usage / "platform").iterdir())
        self.bring(*(name for name in names if not (self.folder / "platform" / name).exists()))

    def run(self) -> None:
        """Start both workers anew, one after the other, and let them end."""
        for role in (COLLECTION, RATING):
            code = self.engine.start(role).wait(240)
            assert code == 0, (self.engine.home / f"{role}.log").read_text()[-3_000:]

    def kill_rating(self, kills: int) -> int:
        """Kill the lanes shortly after each has put something into its ledger; count the kills."""
        chance = random.Random(11)
        done = 0
        while done < kills:
            before = self._ledgered()
            worker = self.engine.start(RATING, rating_rows=chance.randrange(100, 400))
            while worker.poll() is None and self._ledgered() == before:
                time.sleep(0.002)
            time.sleep(chance.random() * 0.15)
            if worker.poll() is not None:
                return done
            self.engine.kill(RATING)
            done += 1
        return done

    def _ledgered(self) -> int:
        folder = Home(self.engine.home).root / "lanes" / "rating"
        return sum(path.stat().st_size for path in folder.glob("usage-*/ledger"))

    def world(self) -> World:
        return world_of(self.settings)

    def correction(self, catalog: Path) -> Correction:
        snapshot = compile_into(Home(self.engine.home), catalog)
        return Correction(
            Selection(tariff="sms_home"), CorrectionReason.PRICE_CORRECTED, snapshot.hash
        )

    def asked(self, correction: Correction) -> list[Asked]:
        world = self.world()
        found = corrections(world, correction, identity(correction, self.settings))
        assert sum(one.standing.height for one in found) > 100
        return found

    def put(self, asked: list[Asked]) -> None:
        for one in asked:
            put(Home(self.engine.home), one)


def _database(server: tuple[Path, object], name: str) -> Store:
    home, running = server
    migrate(connect("", home, role="owner"), name)
    return Store(home, name, running)  # type: ignore[arg-type]


def _check_books(client: Client) -> None:
    """Nothing is lost, nothing is there twice, sums need no special case."""
    difference = client.query("SELECT sum(abs(difference)) FROM v_conservation").result_rows
    assert difference == [(0,)]
    standing = client.query(STANDING).result_rows
    assert len({row[0] for row in standing}) == len(standing)
    total = client.query("SELECT sum(amount), uniqExact(rated_id) = count() FROM rated_events")
    assert total.result_rows == [(sum(row[1] for row in standing), 1)]
    revenue = client.query("SELECT sum(amount), sum(events) FROM v_revenue").result_rows
    assert revenue == [(sum(row[1] for row in standing), len(standing))]


def _check_chain(story: Story) -> None:
    """Charges and counters are those of rating each event in order, as it stands."""
    everything = Correction(Selection(since=1), CorrectionReason.RATING_CORRECTED, "")
    for one in story.asked(everything):
        made = rerated(one, story.world().catalogs, Counters())
        shown = made.rows.select(
            "op", "service", "account_id", "catalog_hash", "amount", "allowance_id",
            "allowance_before", "supersedes",
        )  # fmt: skip
        assert shown.head(4).rows() == []
        assert made.refused.is_empty()


@pytest.fixture
def stories(server: tuple[Path, object], usage: Path, tmp_path: Path) -> Iterator[dict[str, Story]]:
    made = {
        name: Story(tmp_path / name, _database(server, f"test_rerate_{name}"), usage, partitions)
        for name, partitions in (("quiet", 1), ("killed", 2))
    }
    yield made
    for story in made.values():
        story.engine.stop()
        connect("", story.engine.store.home, role="owner").command(
            f"DROP DATABASE {story.engine.store.database}"
        )


def test_kills_and_usage_meanwhile_change_nothing(stories: dict[str, Story], dearer: Path) -> None:
    """Materialised; then more usage is rated; then worked, under kills: as if nobody had come."""
    quiet, killed = stories["quiet"], stories["killed"]
    quiet.run()
    quiet.put(quiet.asked(quiet.correction(dearer)))
    quiet.bring_the_rest()
    quiet.run()
    killed.run()
    asked = killed.asked(killed.correction(dearer))
    killed.bring("bulk-2.jsonl")
    killed.run()
    killed.bring_the_rest()
    killed.put(asked)
    killed.engine.start(COLLECTION)
    assert killed.engine.processes[COLLECTION].wait(120) == 0
    assert killed.kill_rating(5) >= 2
    worker = killed.engine.start(RATING)
    assert worker.wait(240) == 0
    found = []
    for story in (quiet, killed):
        client = story.engine.store.client()
        _check_books(client)
        _check_chain(story)
        statuses = client.query("SELECT DISTINCT status FROM lane_requests").result_rows
        assert (RequestStatus.APPLIED.value,) in statuses, story.engine.home
        assert (RequestStatus.STALE.value,) not in statuses
        found.append(client.query(STANDING).result_rows)
        corrected = client.query("SELECT count() FROM rated_events WHERE op = 'correction'")
        assert corrected.result_rows[0][0] > 100
    assert found[0] == found[1]


def test_a_second_request_for_the_same_charges_is_stale(
    stories: dict[str, Story], dearer: Path
) -> None:
    story = stories["quiet"]
    story.run()
    first, second = story.correction(dearer), story.correction(example_folder())
    both = [story.asked(first), story.asked(second)]
    story.put(both[0])
    time.sleep(0.05)
    story.put(both[1])
    story.put(both[0])  # the same once more: the same file
    story.run()
    client = story.engine.store.client()
    statuses = client.query(
        "SELECT request_id, groupUniqArray(status) FROM lane_requests GROUP BY request_id, "
        "ledgered_at ORDER BY ledgered_at"
    ).result_rows
    assert len(statuses) == 2
    assert statuses[0][0] == both[0][0].request.request_id
    assert RequestStatus.APPLIED.value in statuses[0][1]
    assert statuses[1][1] == [RequestStatus.STALE.value]
    causes = client.query("SELECT uniqExact(cause_id) FROM rated_events").result_rows
    assert causes == [(1,)]
    _check_books(client)
    _check_chain(story)
