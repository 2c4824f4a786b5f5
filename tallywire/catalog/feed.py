"""A feed, compiled: where usage comes from, and how it is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.services import Partitioner
from tallywire.catalog.expect import Expect
from tallywire.catalog.feed_rules import Enrichment, FieldCopy, Filter, Node


@dataclass(frozen=True)
class RadiusClient:
    """Access servers that send RADIUS accounting to a feed.

    Attributes:
        network: Their addresses, such as `192.0.2.0/24`.
        secret: Name of the secret they share with the listener; never the secret.
        signed: Their packets must carry a Message-Authenticator.
    """

    network: str
    secret: str
    signed: bool


@dataclass(frozen=True)
class Mqtt:
    """The messages of an MQTT broker that are a feed's usage.

    Attributes:
        broker: `mqtts://host:8883`, or `mqtt://localhost:1883`; it holds no password.
        topic: Filter of their topics; `$share/GROUP/FILTER` for several processes.
        qos: 1 where the broker keeps what is not acknowledged, else 0.
        version: Of the protocol: `5` or `3.1.1`.
        session_s: How long the broker keeps messages while nobody subscribes, seconds.
        with_topic: A record says the topic of its message, too.
        unencrypted: `mqtt://` to another machine is allowed.
    """

    broker: str
    topic: str
    qos: int = 1
    version: str = "5"
    session_s: int = 604_800
    with_topic: bool = False
    unencrypted: bool = False


@dataclass(frozen=True)
class Collect:
    """Where the files of a feed are fetched from.

    Attributes:
        address: `sftp://user@host:22/folder`, `s3://bucket/prefix`, `https://host/list` or
            `file:///folder`; it holds no password.
        files: Names below the address, where the server gives no list.
        poll_us: From one look to the next, microseconds.
        marker: Ending of the file that marks another as finished; empty where a file is finished
            that two looks find alike.
        after: What becomes of a fetched file there: `keep`, `archive` or `delete`.
        archive_to: Folder, or prefix of the bucket, that it is moved to.
        unencrypted: `http://` to another machine is allowed.
    """

    address: str
    files: tuple[str, ...] = ()
    poll_us: int = 60_000_000
    marker: str = ""
    after: str = "keep"
    archive_to: str = ""
    unencrypted: bool = False


@dataclass(frozen=True)
class Feed:
    """One source of usage and how to read it.

    Attributes:
        path: Glob of its files, relative to the input folder or absolute; empty where it has none.
        collect: Where its files are fetched from; `None` where they are inputs of the run.
        topic: Kafka topic of its records; empty where it has none.
        http: The ingest gateway takes its records; into the topic, where there is one.
        radius: Who may send its records to the RADIUS listener; into the topic likewise.
        mqtt: Messages of a broker that the subscriber takes; into the topic likewise.
        partitioner: How producers of the topic choose a partition by key.
        growing: A log that is appended to, instead of whole files.
        options: The format's own settings, as plain text, numbers, lists and mappings, validated
            at compile time by the format.
        served: How the served party is found: (identifier_type, canonical field), in order.
        home_country: E.164 country code of the node, for example "49".
        trunk_prefix / international_prefixes: National dialling rules of the node.
        window_days: Deduplication window.
        backfill: Events older than the window are taken.
        expect: Which files and records it is expected to bring.
        nodes: Network elements that differ from the feed; the first that fits a record counts.
        copies: Fields that take what others hold.
        enrichments: Look-ups in reference tables, in order.
        filters: Usage set aside on purpose; the first that takes a record counts.
    """

    feed_id: str
    tenant_id: str
    format: str
    path: str
    growing: bool
    time_zone: str
    home_country: str
    trunk_prefix: str
    international_prefixes: tuple[str, ...]
    source_id: str
    service: str
    served: tuple[tuple[str, str], ...]
    options: Mapping[str, object]
    window_days: int = 35
    backfill: bool = False
    typical_quantity: int = 0
    home_plmn: str = ""
    topic: str = ""
    http: bool = False
    radius: tuple[RadiusClient, ...] = ()
    partitioner: str = Partitioner.MURMUR2.value
    expect: Expect = field(default_factory=Expect)
    nodes: tuple[Node, ...] = ()
    copies: tuple[FieldCopy, ...] = ()
    enrichments: tuple[Enrichment, ...] = ()
    filters: tuple[Filter, ...] = ()
    collect: Collect | None = None
    mqtt: Mqtt | None = None

    @property
    def inputs(self) -> str:
        """Say where its records come from."""
        path = f"{self.path} of {self.collect.address}" if self.collect else self.path
        places = [path, self.topic and f"topic {self.topic}", "HTTP" if self.http else "",
                  "RADIUS" if self.radius else "",
                  f"{self.mqtt.topic} of {self.mqtt.broker}" if self.mqtt else ""]  # fmt: skip
        return ", ".join(place for place in places if place)
