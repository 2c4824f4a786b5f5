"""Topics as code: which there should be, with which settings, and what has to be done for that.

Nothing here deletes a topic, changes a number of partitions, or lets records go earlier than they
would have gone, unless that was asked for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from dataflows.kafka.errors import KafkaMisuse
from dataflows.settings import Settings
from tallywire.catalog.snapshot import Feed

LEAST_PARTITIONS = 64
"""Partitions of the usage log on Kafka at least: their number never changes, lanes do spread."""
LARGEST_MESSAGE = 16 * 1024 * 1024
RAW_PARTITIONS = 16
_DAY_MS = 86_400_000
_DAYS, _LONG_DAYS = 7, 30
_SAFE_REPLICATION = 3
_RETENTION, _REPLICAS = "retention.ms", "min.insync.replicas"


@dataclass(frozen=True)
class Terms:
    """What a person asked for beyond the settings.

    Attributes:
        replication: Copies of a new topic; 0 for three, or one for each broker where there are
            fewer.
        raw_partitions: Partitions of a feed's topic; 0 for 16 where it is new, and as it is where
            it is there.
        retention_days: Days that usage is kept; 0 for seven, and longer where it is kept longer.
    """

    replication: int = 0
    raw_partitions: int = 0
    retention_days: int = 0


@dataclass(frozen=True)
class Wanted:
    """A topic as it should be.

    Attributes:
        partitions: Its number of partitions where it is new.
        exact: A topic that is there must have that number, too.
        config: Its settings by Kafka's names.
        longer: It may keep its records longer than its settings say.
    """

    name: str
    partitions: int
    exact: bool
    config: Mapping[str, str]
    longer: bool = True


@dataclass(frozen=True)
class Found:
    """A topic as it is.

    Attributes:
        replication: Copies of its partition with the fewest.
        config: All its settings, defaults too.
    """

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str]


class Action(StrEnum):
    """What is to be done with a topic."""

    CREATE = "create"
    ALTER = "alter"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Step:
    """What is to be done with one topic.

    Attributes:
        config: Settings to give it: all of a new one, those that differ of another.
        before: Their values until now; empty for a new topic.
        differs: What is wrong and cannot be put right here; empty where nothing is.
    """

    name: str
    action: Action
    partitions: int
    replication: int
    config: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, str] = field(default_factory=dict)
    differs: str = ""


def _kept(days: int, **more: str) -> dict[str, str]:
    named = {name.replace("_", "."): value for name, value in more.items()}
    return {"cleanup.policy": "delete", _RETENTION: str(days * _DAY_MS), **named}


def _own(settings: Settings, terms: Terms) -> list[Wanted]:
    """Give the product's own topics."""
    days, longer = terms.retention_days or _DAYS, not terms.retention_days
    log = _kept(
        days, compression_type="producer", max_message_bytes=str(LARGEST_MESSAGE),
        unclean_leader_election_enable="false",
    )  # fmt: skip
    claims = {"cleanup.policy": "compact", "unclean.leader.election.enable": "false"}
    published = {
        "rated": (terms.raw_partitions or RAW_PARTITIONS, days, longer),
        "suspense": (1, _LONG_DAYS, True),
        "alerts": (1, _LONG_DAYS, True),
    }
    prefix = settings.topic_prefix
    wanted = [Wanted(f"{prefix}lanes", 1, True, claims)]
    if settings.usage_log == "kafka":
        wanted += [
            Wanted(f"{prefix}usage", settings.partitions, True, log, longer),
            Wanted(f"{prefix}outcomes", 1, True, log, longer),
        ]
    for name in settings.publish:
        partitions, kept_days, may_longer = published[name]
        config = _kept(kept_days, compression_type="lz4")
        wanted.append(Wanted(f"{prefix}{name}", partitions, False, config, may_longer))
    return wanted


def wanted_topics(settings: Settings, feeds: Iterable[Feed], terms: Terms) -> list[Wanted]:
    """Give the topics that there should be, by name.

    Raises:
        KafkaMisuse: If there are too few partitions of the usage log, or a feed reads a topic
            that the product writes.
    """
    if settings.usage_log == "kafka" and settings.partitions < LEAST_PARTITIONS:
        msg = (
            f"a usage log on Kafka needs at least {LEAST_PARTITIONS} partitions, the configuration "
            f"says {settings.partitions}: set TALLYWIRE_PARTITIONS={LEAST_PARTITIONS} in an empty "
            "home, or keep TALLYWIRE_USAGE_LOG=spool"
        )
        raise KafkaMisuse(msg)
    own = _own(settings, terms)
    raw = _kept(terms.retention_days or _DAYS, compression_type="producer")
    names = {one.name for one in own}
    taken = [
        Wanted(
            feed.topic, terms.raw_partitions or RAW_PARTITIONS, bool(terms.raw_partitions), raw,
            longer=not terms.retention_days,
        )
        for feed in feeds
        if feed.topic
    ]  # fmt: skip
    for one in taken:
        if one.name in names:
            msg = (
                f"topic {one.name} of a feed is one that Tallywire writes itself: give the feed "
                "another topic, or set another TALLYWIRE_TOPIC_PREFIX"
            )
            raise KafkaMisuse(msg)
    return sorted([*own, *taken], key=lambda one: one.name)


def _with_replicas(config: Mapping[str, str], replication: int) -> dict[str, str]:
    """Let a write be acknowledged by two copies, where there are enough that one may be away."""
    more = {_REPLICAS: "2"} if replication >= _SAFE_REPLICATION else {}
    return {**config, **more}


def _keeps_longer(wanted: str, found: str) -> bool:
    return int(found) < 0 or int(found) >= int(wanted)


def _changed(wanted: Wanted, found: Found) -> dict[str, str]:
    """Give the settings that differ, except where a difference only keeps records longer."""
    changed = {}
    for name, value in _with_replicas(wanted.config, found.replication).items():
        is_now = found.config.get(name, "")
        longer = name == _RETENTION and wanted.longer and is_now and _keeps_longer(value, is_now)
        if is_now != value and not longer:
            changed[name] = value
    return changed


def _told(wanted: Wanted, found: Found) -> str:
    if not wanted.exact or wanted.partitions == found.partitions:
        return ""
    return (
        f"has {found.partitions} partitions, {wanted.partitions} are wanted; this is never changed "
        "here: keys would move to other partitions, and accounts and duplicates to lanes that do "
        "not know them. Say how many it has, or begin with a new topic"
    )


def compare(
    wanted: Sequence[Wanted], found: Mapping[str, Found], terms: Terms, brokers: int
) -> list[Step]:
    """Say what has to be done, a step for each wanted topic.

    Args:
        wanted: Topics as they should be.
        found: Topics that are there, by name.
        terms: For the copies of new ones.
        brokers: How many the cluster has.
    """
    copies = terms.replication or min(_SAFE_REPLICATION, max(1, brokers))
    steps = []
    for one in wanted:
        there = found.get(one.name)
        if there is None:
            config = _with_replicas(one.config, copies)
            steps.append(Step(one.name, Action.CREATE, one.partitions, copies, config))
            continue
        changed = _changed(one, there)
        steps.append(
            Step(
                one.name, Action.ALTER if changed else Action.NOTHING, there.partitions,
                there.replication, changed,
                {name: there.config.get(name, "") for name in changed}, _told(one, there),
            )
        )  # fmt: skip
    return steps
