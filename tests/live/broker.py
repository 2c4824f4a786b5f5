"""A real Apache Kafka broker (one node, KRaft) for tests: started, killed, started again.

It needs Java 17 or later, and Maven the first time: the jars are kept in a cache.
"""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

_POM = Path(__file__).with_name("kafka") / "pom.xml"
_JAVA = 17
_FETCH_S, _READY_S, _END_S, _ANSWER_S = 600, 90, 30, 30
_CLUSTER = "dGFsbHl3aXJlLXRlc3RzMQ"  # any 16 bytes in base64

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:{controller_port}
log.dirs={folder}/data
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
log.cleaner.dedupe.buffer.size=8388608
log.index.size.max.bytes=1048576
"""

_LOG = """\
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %c: %m%n
rootLogger.level=WARN
rootLogger.appenderRef.out.ref=out
"""


class BrokerMissing(RuntimeError):  # noqa: N818  it says what is the case
    """What a broker needs is not on this machine; the text is the reason of a skip."""


def _cache() -> Path:
    version = re.search(r"<kafka.version>(.+?)<", _POM.read_text())
    assert version
    home = os.environ.get("TALLYWIRE_KAFKA_CACHE") or Path.home() / ".cache" / "tallywire-kafka"
    return Path(home) / version[1]


def _check_java() -> None:
    """Look for a Java that is new enough.

    Raises:
        BrokerMissing: If there is none.
    """
    if shutil.which("java") is None:
        msg = "no java"
        raise BrokerMissing(msg)
    told = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', told)
    if version is None or int(version[1]) < _JAVA:
        msg = f"no java {_JAVA} or later"
        raise BrokerMissing(msg)


def fetch() -> Path:
    """Give the folder of the jars, which the first call of all processes fills.

    Raises:
        BrokerMissing: If Java, or Maven where it is needed, is absent, or Maven finds no jars.
    """
    _check_java()
    jars = _cache()
    jars.parent.mkdir(parents=True, exist_ok=True)
    with jars.with_name(f"{jars.name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if jars.exists():
            return jars
        if shutil.which("mvn") is None:
            msg = "no mvn"
            raise BrokerMissing(msg)
        draft = jars.with_name(f".{jars.name}")
        shutil.rmtree(draft, ignore_errors=True)
        done = subprocess.run(
            ["mvn", "-B", "-q", "-f", str(_POM), "dependency:copy-dependencies",
             "-DincludeScope=runtime", f"-DoutputDirectory={draft}"],
            capture_output=True, text=True, check=False, timeout=_FETCH_S,
        )  # fmt: skip
        if done.returncode:
            msg = f"mvn cannot fetch the jars of Kafka: {done.stdout.strip()[:300]}"
            raise BrokerMissing(msg)
        draft.rename(jars)
    return jars


class Broker:
    """One broker with its data in a folder; it keeps folder and port when it is started again.

    Args:
        folder: Data, configuration and log; new or of an earlier broker.
        port: Where clients connect.
        controller_port: Where it talks to itself.
    """

    def __init__(self, folder: Path, port: int, controller_port: int, heap_mb: int = 320) -> None:
        self.folder, self.port = folder, port
        self.address = f"127.0.0.1:{port}"
        self._heap_mb = heap_mb
        self._process: subprocess.Popen[bytes] | None = None
        self._jars = fetch()
        folder.mkdir(parents=True, exist_ok=True)
        text = _PROPERTIES.format(port=port, controller_port=controller_port, folder=folder)
        (folder / "server.properties").write_text(text)
        (folder / "log4j2.properties").write_text(_LOG)

    def _java(self, main: str, *arguments: str) -> list[str]:
        return [
            "java", f"-Xms{self._heap_mb}m", f"-Xmx{self._heap_mb}m", "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
            f"-Dlog4j2.configurationFile={self.folder}/log4j2.properties",
            "-cp", f"{self._jars}/*", main, *arguments,
        ]  # fmt: skip

    def start(self) -> None:
        """Start it and wait until it answers; the storage is formatted the first time."""
        properties = str(self.folder / "server.properties")
        if not (self.folder / "data" / "meta.properties").exists():
            command = self._java(
                "kafka.tools.StorageTool", "format", "--standalone", "-t", _CLUSTER,
                "-c", properties,
            )  # fmt: skip
            subprocess.run(command, check=True, capture_output=True, timeout=_READY_S)
        with (self.folder / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._java("kafka.Kafka", properties),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self._wait_until_ready(self._process)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _READY_S
        admin = self.admin()
        while True:
            assert process.poll() is None, self.log()[-3_000:]
            try:
                if admin.list_topics(timeout=1).brokers:
                    return
            except KafkaException:
                time.sleep(0.1)
            if time.monotonic() > deadline:
                self.kill()
                msg = f"the broker is not ready after {_READY_S} s:\n{self.log()[-3_000:]}"
                raise TimeoutError(msg)

    @property
    def pid(self) -> int:
        """The process of the broker that runs now."""
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        """Give what it said."""
        return (self.folder / "broker.log").read_text(errors="replace")

    def kill(self) -> None:
        """Kill it at once (SIGKILL): nothing is flushed or said goodbye to."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Shut it down in order (SIGTERM)."""
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        """Stop it, where it runs, and start it on the same data and port."""
        self.stop()
        self.start()

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def admin(self) -> AdminClient:
        """Make a client that administers it, and says nothing while it is away."""
        return AdminClient({"bootstrap.servers": self.address, "log_level": 0})

    def create_topic(self, name: str, partitions: int = 1, **config: object) -> None:
        """Create a topic and wait until it is there.

        Args:
            name: Its name.
            partitions: How many it gets.
            config: Its settings, with `_` for the `.` of their names: `retention_ms=1000`.
        """
        settings = {key.replace("_", "."): str(value) for key, value in config.items()}
        wanted = NewTopic(name, num_partitions=partitions, replication_factor=1, config=settings)
        admin = self.admin()
        admin.create_topics([wanted])[name].result(_ANSWER_S)
        deadline = time.monotonic() + _ANSWER_S
        while len(admin.list_topics(name, timeout=_ANSWER_S).topics[name].partitions) < partitions:
            assert time.monotonic() < deadline, f"{name} has no partitions"
            time.sleep(0.05)
