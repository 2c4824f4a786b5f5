"""Which topics there should be, and what has to be done for that."""

from dataclasses import replace
from itertools import count

import orjson
import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from dataflows.catalogs import example_folder
from dataflows.kafka.administration import Topics
from dataflows.kafka.errors import KafkaMisuse, KafkaUnavailable
from dataflows.kafka.topics import Action, Found, Terms, compare, wanted_topics
from dataflows.run import compile_into
from dataflows.settings import Home, Settings
from tallywire.catalog.snapshot import Feed
from tests.live.broker import Broker
from warehouse.server import free_port

_NUMBERS = count()
_DAY_MS = 86_400_000


def _feed(feed_id: str, topic: str) -> Feed:
    return Feed(
        feed_id=feed_id, tenant_id="t", format="cloudevents", path="", growing=False,
        time_zone="UTC", home_country="49", trunk_prefix="", international_prefixes=(),
        source_id="", service="api", served=(), options={}, topic=topic,
    )  # fmt: skip


def _settings(**more: object) -> Settings:
    return Settings(kafka="127.0.0.1:9092", **more)


def test_the_usage_log_has_topics_only_where_it_lies_on_kafka() -> None:
    spool = {one.name for one in wanted_topics(_settings(), [], Terms())}
    assert spool == {"tallywire.alerts", "tallywire.lanes", "tallywire.suspense"}
    on_kafka = _settings(usage_log="kafka", partitions=64, publish=["rated"], topic_prefix="p-")
    wanted = {one.name: one for one in wanted_topics(on_kafka, [_feed("f", "raw")], Terms())}
    assert set(wanted) == {"p-lanes", "p-outcomes", "p-rated", "p-usage", "raw"}
    assert (wanted["p-usage"].partitions, wanted["p-outcomes"].partitions) == (64, 1)
    assert wanted["p-usage"].config["max.message.bytes"] == str(16 * 1024 * 1024)
    assert wanted["p-usage"].config["cleanup.policy"] == "delete"
    assert wanted["p-lanes"].config["cleanup.policy"] == "compact"
    assert wanted["raw"].partitions == 16


def test_too_few_partitions_are_refused_with_what_to_do() -> None:
    with pytest.raises(KafkaMisuse, match="TALLYWIRE_PARTITIONS=64"):
        wanted_topics(_settings(usage_log="kafka", partitions=63), [], Terms())


def test_a_feed_does_not_read_what_we_write() -> None:
    with pytest.raises(KafkaMisuse, match="another topic"):
        wanted_topics(_settings(), [_feed("f", "tallywire.alerts")], Terms())


def _found(name: str, partitions: int, config: dict[str, str], replication: int = 1) -> Found:
    return Found(name, partitions, replication, config)


def test_records_never_go_earlier_unless_that_is_asked_for() -> None:
    feeds = [_feed("f", "raw")]
    for retention, terms, changed in (
        (str(90 * _DAY_MS), Terms(), {}),
        ("-1", Terms(), {}),
        (str(_DAY_MS), Terms(), {"retention.ms": str(7 * _DAY_MS)}),
        (str(90 * _DAY_MS), Terms(retention_days=3), {"retention.ms": str(3 * _DAY_MS)}),
        ("-1", Terms(retention_days=3), {"retention.ms": str(3 * _DAY_MS)}),
    ):
        wanted = [one for one in wanted_topics(_settings(), feeds, terms) if one.name == "raw"]
        there = _found("raw", 5, {**wanted[0].config, "retention.ms": retention})
        step = compare(wanted, {"raw": there}, terms, 1)[0]
        assert dict(step.config) == changed
        assert step.action == (Action.ALTER if changed else Action.NOTHING)
        assert not step.differs  # how many partitions a feed's topic has is its producers' choice


def test_two_copies_are_waited_for_only_where_one_may_be_away() -> None:
    wanted = wanted_topics(_settings(), [_feed("f", "raw")], Terms())
    new = compare(wanted, {}, Terms(), brokers=5)
    assert {step.replication for step in new} == {3}
    assert all(step.config["min.insync.replicas"] == "2" for step in new)
    assert {step.replication for step in compare(wanted, {}, Terms(), brokers=2)} == {2}
    there = {one.name: _found(one.name, one.partitions, dict(one.config)) for one in wanted}
    terms = Terms(replication=3)
    assert all(step.action is Action.NOTHING for step in compare(wanted, there, terms, 3))
    safe = {name: replace(one, replication=3) for name, one in there.items()}
    assert all(dict(step.config) == {"min.insync.replicas": "2"}
               for step in compare(wanted, safe, terms, 3))  # fmt: skip


def test_another_number_of_partitions_is_told_and_left() -> None:
    terms = Terms(raw_partitions=8)
    wanted = wanted_topics(_settings(), [_feed("f", "raw")], terms)
    there = {one.name: _found(one.name, 5, dict(one.config)) for one in wanted}
    steps = {step.name: step for step in compare(wanted, there, terms, 1)}
    assert "has 5 partitions, 8 are wanted" in steps["raw"].differs
    assert (steps["raw"].action, steps["raw"].partitions) == (Action.NOTHING, 5)
    assert "accounts and duplicates" in steps["tallywire.lanes"].differs
    assert not steps["tallywire.alerts"].differs


class _World:
    """A home with the example catalogue and topics of its own on the broker."""

    def __init__(self, home: object, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.prefix = f"t{next(_NUMBERS)}."
        monkeypatch.setenv("TALLYWIRE_HOME", str(home))
        monkeypatch.setenv("TALLYWIRE_KAFKA", address)
        monkeypatch.setenv("TALLYWIRE_TOPIC_PREFIX", self.prefix)
        monkeypatch.setenv("TALLYWIRE_USAGE_LOG", "kafka")
        monkeypatch.setenv("TALLYWIRE_PARTITIONS", "64")
        self._monkeypatch = monkeypatch

    def set(self, name: str, value: str) -> None:
        self._monkeypatch.setenv(f"TALLYWIRE_{name}", value)

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, ["topics", *arguments])


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> _World:
    home = tmp_path_factory.mktemp("home")
    compile_into(Home(home), example_folder())
    return _World(home, f"127.0.0.1:{free_port()}", monkeypatch)


def _whats(result: Result) -> dict[str, str]:
    return {row["name"]: row["what"] for row in orjson.loads(result.stdout)["topics"]}


@pytest.mark.live
def test_topics_are_planned_made_once_and_put_right(broker: Broker, world: _World) -> None:
    world.set("KAFKA", broker.address)
    names = {
        f"{world.prefix}{name}" for name in ("alerts", "lanes", "outcomes", "suspense", "usage")
    }
    planned = world.run("plan", "--json")
    assert (planned.exit_code, set(_whats(planned).values())) == (0, {"to create"})
    assert not names & set(broker.admin().list_topics(timeout=10).topics)
    made = world.run("apply", "--json")
    assert (made.exit_code, _whats(made)) == (0, dict.fromkeys(names, "created"))
    again = world.run("apply", "--json")
    assert (again.exit_code, _whats(again)) == (0, dict.fromkeys(names, "as wanted"))
    found = Topics(Settings()).found(names)
    assert found[f"{world.prefix}usage"].partitions == 64
    assert found[f"{world.prefix}usage"].config["max.message.bytes"] == "16777216"
    shorter = world.run("apply", "--json", "--retention-days", "2")
    assert _whats(shorter)[f"{world.prefix}usage"] == "altered"
    assert _whats(shorter)[f"{world.prefix}lanes"] == "as wanted"
    assert _whats(world.run("apply", "--json"))[f"{world.prefix}usage"] == "altered"
    kept = Topics(Settings()).found(names)[f"{world.prefix}usage"].config["retention.ms"]
    assert kept == str(7 * _DAY_MS)


@pytest.mark.live
def test_what_another_has_created_meanwhile_is_left(broker: Broker, world: _World) -> None:
    world.set("KAFKA", broker.address)
    settings = Settings()
    terms = Terms(replication=1)
    wanted = wanted_topics(settings, [], terms)
    steps = compare(wanted, {}, terms, brokers=1)
    for _ in range(2):
        Topics(settings).carry_out(steps)
    found = Topics(settings).found([step.name for step in steps])
    assert {step.action for step in compare(wanted, found, terms, brokers=1)} == {Action.NOTHING}


@pytest.mark.live
def test_a_topic_with_other_partitions_is_a_problem_found(broker: Broker, world: _World) -> None:
    world.set("KAFKA", broker.address)
    broker.create_topic(f"{world.prefix}usage", 70, retention_ms=1000)
    for verb in ("plan", "apply", "apply"):
        result = world.run(verb)
        assert result.exit_code == 1, result.stderr
        assert "has 70 partitions, 64 are wanted" in result.stderr
    found = Topics(Settings()).found([f"{world.prefix}usage"])[f"{world.prefix}usage"]
    assert (found.partitions, found.config["retention.ms"]) == (70, str(7 * _DAY_MS))


@pytest.mark.live
def test_topics_are_listed_with_those_that_are_missing(broker: Broker, world: _World) -> None:
    world.set("KAFKA", broker.address)
    broker.create_topic(f"{world.prefix}other", 2, retention_ms=3 * _DAY_MS)
    shown = world.run("list")
    assert shown.exit_code == 0
    assert "3 days" in shown.stdout
    assert f"{world.prefix}usage is missing" in shown.stderr
    listed = orjson.loads(world.run("list", "--json").stdout)
    assert [row["topic"] for row in listed["topics"]] == [f"{world.prefix}other"]
    assert f"{world.prefix}lanes" in listed["missing"]


@pytest.mark.live
def test_what_a_broker_refuses_is_one_sentence(broker: Broker, world: _World) -> None:
    world.set("KAFKA", broker.address)
    refused = world.run("apply", "--replication", "3")
    assert refused.exit_code == 4
    assert refused.stderr.startswith(f"Kafka at {broker.address} refuses to create topic")
    assert "INVALID_REPLICATION_FACTOR" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_a_broker_that_is_away_is_one_sentence_and_code_4(
    world: _World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dataflows.kafka.administration._PATIENCE_S", 2.0)
    away = world.run("plan")
    assert away.exit_code == 4
    assert "does not answer" in away.stderr
    assert "Connection refused" in away.stderr
    assert len(away.stderr.splitlines()) == 1
    with pytest.raises(KafkaUnavailable):
        Topics(Settings(), patience_s=0.2).brokers()


def test_wrong_configuration_is_wrong_use(world: _World) -> None:
    world.set("PARTITIONS", "1")
    assert world.run("plan").exit_code == 2
    world.set("KAFKA_OPTIONS", '{"no.such.option": "1"}')
    wrong = world.run("plan")
    assert (wrong.exit_code, "no.such.option" in wrong.stderr) == (2, True)
    world.set("KAFKA", "")
    assert "set TALLYWIRE_KAFKA=HOST:PORT" in world.run("list").stderr
