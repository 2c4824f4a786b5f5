"""What an operator can set: environment first, then `tallywire.toml`, then these defaults."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

ActionKind = Literal["every", "recycle", "rerate", "credit", "block"]
"""What a list of persons is of."""


class Settings(BaseSettings):
    """Configuration of a run. Every name may be set as `TALLYWIRE_NAME` in the environment.

    Attributes:
        home: Folder of everything that is kept: catalogues, ledgers, spool, store.
        store_url: A ClickHouse server instead of the embedded one:
            `http://user:password@host:port/database`. Give it by environment, not by file.
        partitions: Partitions of the usage log; results do not depend on it.
        processes: Two (collection and rating apart) or one for both.
        collection_rows: Records per collection batch.
        collection_bytes: Bytes read at most for one batch.
        collection_file_bytes: Most bytes of a file that is fetched or unpacked, and of all members
            of an archive together; a larger one is refused.
        collection_unpack_ratio: Most bytes that one packed byte may become, from 16 MiB on.
        collection_members: Most members of an archive.
        rating_rows: Events that fill a rated batch.
        linger_ms: How long a batch waits to be filled, of a stream and of the usage log.
        epoch_ms: Length of an epoch of collection, milliseconds: how often its state is made
            durable, and usage visible to rating.
        rating_epoch_ms: Length of an epoch of rating, milliseconds: how often its state is made
            durable. Rows are visible before that; a longer one lets rating and inserts overlap.
        store_patience_s: How long a run waits for a store that does not answer, seconds.
        late_usage_s: Seconds from one look for late usage to the next while a run follows its
            inputs, where a tariff has `order: event_time`; 0 for never.
        recycle_s: Seconds from one look for suspense that the catalogue in use may have cured to
            the next, while a run follows its inputs; one that does not looks at its end. 0 for
            never.
        controls_s: Seconds from one look of the controls at what was rated to the next, while a
            run follows its inputs; one that does not looks at its end. 0 for never.
        canaries_s: Seconds from one look for canaries that are due to the next, while a run follows
            its inputs and the catalogue in use has some; 0 for never.
        controls_file: YAML file of the thresholds of controls; HOME/controls.yaml without it, where
            there is one.
        store_memory_bytes: Memory cap of the embedded store.
        catalog_approval: `required`: a catalogue is used only when another person than its
            proposer has approved it; `off`: compiling one puts it into use.
        segment_bytes: Size at which a usage-log segment is closed and the next begun.
        log_days: Days that the usage log, and usage that came by HTTP, RADIUS or MQTT, stay on this
            machine's disk at least, though nobody reads them again.
        kafka: Bootstrap servers of Kafka, `host:port,host:port`; empty without Kafka.
        kafka_options: Further settings of every Kafka client by librdkafka's names, such as
            `security.protocol` and `sasl.password`, as JSON. Give it by environment, not by file.
        usage_log: Where the usage log lies: `spool` (this machine's disk) or `kafka`.
        topic_prefix: Begins the names of the product's own topics.
        publish: What is published to topics as well as stored, where Kafka is given.
        schema_registry: Address of a schema registry for Avro and Protobuf; empty without one.
        ingest_host: Address the ingest gateway listens on.
        ingest_port: Its port.
        ingest_partitions: Lanes of a feed that takes HTTP, RADIUS or MQTT without a topic.
        ingest_body_bytes: Largest body of a request; a larger one is refused with 413.
        ingest_queue_bytes: Bytes of accepted requests that may wait to be made durable; beyond it
            requests are answered with 429.
        radius_host: Address the RADIUS listener takes accounting on.
        radius_port: Its UDP port.
        radius_queue_bytes: Bytes of packets that may wait to be made durable; beyond it packets
            are dropped, for their senders to send again.
        mqtt_client: Begins the names by which MQTT brokers know this home's subscriptions; no other
            process may have it.
        mqtt_inflight: Messages that a broker may send before one of them is acknowledged.
        metrics_host: Address that metrics, health and readiness are served on.
        metrics_port: Its port; 0 serves none.
        checks: Folder of checks; those that say `every` run while a run follows its inputs.
        webhooks: Addresses that findings are sent to, by a name of yours: https, or localhost.
            Secrets stand in the environment.
        webhook_timeout_s: How long an endpoint may take for a piece of its answer, seconds.
        channels: Names of channels that people read; their addresses stand in the environment.
        channel_per_minute: Most messages a minute to one channel; findings beyond it are folded.
        channel_lines: Findings of one message that get a line of their own.
        deliver_every_s: Seconds from one look for findings to the next.
        oncall: YAML file that says who is called about serious findings; none without one.
        auto_rerate: What follows where the rulebook confirms that it differs from the rating:
            `propose` an action that rates all of that scope again, `run` it at once, or `off`.
        action_proposers: Who may propose an action, by its kind (recycle, rerate, credit, block) or
            `every`; a kind without a list is open to everybody.
        action_approvers: Who may approve or reject one, likewise; never who proposed it.
        action_approval_hours: How long an approval holds until the action is begun.
        action_webhooks: Names of `webhooks` that credits and blocks are sent to.
        action_by: Whether the name that `--by` gives is believed; else a person is whom the machine
            knows.
        quarantine_after: Crashes at one range after which its lane is put aside and the others go
            on.
    """

    model_config = SettingsConfigDict(
        env_prefix="TALLYWIRE_", toml_file="tallywire.toml", extra="forbid"
    )

    home: Path = Path(".tallywire")
    store_url: str = ""
    database: str = Field(default="tallywire", pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")
    http_port: int = Field(default=0, ge=0, le=65535)
    tcp_port: int = Field(default=0, ge=0, le=65535)
    partitions: int = Field(default=1, ge=1, le=1024)
    processes: int = Field(default=2, ge=1, le=2)
    collection_rows: int = Field(default=32_768, ge=1, le=1_000_000)
    collection_bytes: int = Field(default=16 * 1024 * 1024, ge=1024)
    collection_file_bytes: int = Field(default=50 * 1024**3, ge=1024)
    collection_unpack_ratio: int = Field(default=200, ge=1)
    collection_members: int = Field(default=10_000, ge=1)
    rating_rows: int = Field(default=131_072, ge=1, le=1_000_000)
    linger_ms: int = Field(default=250, ge=0, le=60_000)
    epoch_ms: int = Field(default=250, ge=10, le=60_000)
    rating_epoch_ms: int = Field(default=2_000, ge=10, le=60_000)
    store_patience_s: int = Field(default=300, ge=0)
    late_usage_s: int = Field(default=60, ge=0)
    recycle_s: int = Field(default=60, ge=0)
    controls_s: int = Field(default=1, ge=0)
    checks: Path | None = None
    canaries_s: int = Field(default=1, ge=0)
    controls_file: Path | None = None
    store_memory_bytes: int = Field(default=2_000_000_000, ge=256_000_000)
    catalog_approval: Literal["off", "required"] = "off"
    segment_bytes: int = Field(default=256 * 1024 * 1024, ge=1024)
    log_days: int = Field(default=7, ge=0)
    kafka: str = ""
    kafka_options: dict[str, str] = Field(default_factory=dict, repr=False)
    usage_log: Literal["spool", "kafka"] = "spool"
    topic_prefix: str = Field(default="tallywire.", pattern=r"^[A-Za-z0-9._-]{0,200}$")
    publish: list[Literal["rated", "suspense", "alerts"]] = ["suspense", "alerts"]
    schema_registry: str = ""
    ingest_host: str = "127.0.0.1"
    ingest_port: int = Field(default=8080, ge=0, le=65535)
    ingest_partitions: int = Field(default=1, ge=1, le=1024)
    ingest_body_bytes: int = Field(default=8 * 1024 * 1024, ge=1024)
    ingest_queue_bytes: int = Field(default=64 * 1024 * 1024, ge=1024)
    radius_host: str = "127.0.0.1"
    radius_port: int = Field(default=1813, ge=0, le=65535)
    radius_queue_bytes: int = Field(default=32 * 1024 * 1024, ge=1024)
    mqtt_client: str = Field(default="tallywire", pattern=r"^[A-Za-z0-9._-]{1,64}$")
    mqtt_inflight: int = Field(default=1_000, ge=1, le=65_535)
    metrics_host: str = "127.0.0.1"
    metrics_port: int = Field(default=9464, ge=0, le=65535)
    webhooks: dict[str, str] = Field(default_factory=dict)
    webhook_timeout_s: int = Field(default=10, ge=1, le=300)
    channels: list[str] = []
    channel_per_minute: int = Field(default=6, ge=1, le=600)
    channel_lines: int = Field(default=5, ge=1, le=100)
    deliver_every_s: int = Field(default=5, ge=1, le=3_600)
    oncall: Path | None = None
    auto_rerate: Literal["propose", "run", "off"] = "propose"
    action_proposers: Mapping[ActionKind, list[str]] = Field(default_factory=dict)
    action_approvers: Mapping[ActionKind, list[str]] = Field(default_factory=dict)
    action_approval_hours: int = Field(default=24, ge=1, le=8_784)
    action_webhooks: list[str] = []
    action_by: bool = False
    quarantine_after: int = Field(default=3, ge=1)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  pydantic calls by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order of precedence: arguments, environment, file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


class Home:
    """Where things lie below the home folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def catalogs(self) -> Path:
        """Archived catalogue snapshots and the current pointer."""
        return self.root / "catalogs"

    @property
    def store(self) -> Path:
        """The embedded store's folder."""
        return self.root / "store"

    @property
    def spool(self) -> Path:
        """The usage log."""
        return self.root / "spool"

    @property
    def progress(self) -> Path:
        """Small files in which the workers say how far they are."""
        return self.root / "progress"

    @property
    def ingest(self) -> Path:
        """The spool of usage that came by HTTP."""
        return self.root / "ingest"

    @property
    def radius(self) -> Path:
        """The spool of packets that came by RADIUS."""
        return self.root / "radius"

    @property
    def mqtt(self) -> Path:
        """The spool of usage that came by MQTT."""
        return self.root / "mqtt"

    @property
    def mqtt_sessions(self) -> Path:
        """What MQTT brokers keep for this home's subscriptions."""
        return self.root / "mqtt_sessions"

    @property
    def delivery(self) -> Path:
        """How far each endpoint and channel has been told of findings."""
        return self.root / "delivery"

    @property
    def inbox(self) -> Path:
        """Files that were fetched from elsewhere, or unpacked, until their lanes have read them."""
        return self.root / "inbox"

    @property
    def canaries(self) -> Path:
        """Canaries that were sent, those that are about to be, and the secret that signs them."""
        return self.root / "canaries"

    @property
    def ingest_keys(self) -> Path:
        """Hashes of the keys of those who send usage by HTTP."""
        return self.root / "ingest_keys.json"

    def lane(self, process: str, lane: str) -> Path:
        """Ledger, journals and lock of one lane of one process."""
        return self.root / "lanes" / process / lane

    def recovery(self, process: str) -> Path:
        """Bytewax's recovery store of one process."""
        return self.root / "recovery" / process
