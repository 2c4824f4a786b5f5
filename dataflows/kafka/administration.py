"""The conversation with a cluster about its topics; every question has an end."""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # the library types it so
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from dataflows.kafka.answers import told_kafka
from dataflows.kafka.errors import KafkaMisuse, KafkaRefused
from dataflows.kafka.topics import Action, Found, Step
from dataflows.settings import Settings

_PATIENCE_S = 30.0
_AGAIN_S, _KNOWN_S = 0.1, 10.0
T = TypeVar("T")


class Topics:
    """The topics of the configured cluster.

    Raises:
        KafkaMisuse: If none is configured, or an option is none that the client library knows.
    """

    def __init__(self, settings: Settings, patience_s: float | None = None) -> None:
        if not settings.kafka:
            msg = "no Kafka is configured: set TALLYWIRE_KAFKA=HOST:PORT"
            raise KafkaMisuse(msg)
        self.address = settings.kafka
        self._patience_s = _PATIENCE_S if patience_s is None else patience_s
        self._trouble = ""
        options: dict[str, Any] = {
            "bootstrap.servers": settings.kafka,
            "log_level": 0,
            **settings.kafka_options,
            "error_cb": self._note,
        }
        try:
            self._client = AdminClient(options)
        except KafkaException as error:
            msg = f"TALLYWIRE_KAFKA_OPTIONS: {error.args[0].str()}"
            raise KafkaMisuse(msg) from None

    def _note(self, error: KafkaError) -> None:
        if error.code() != KafkaError._ALL_BROKERS_DOWN:
            self._trouble = error.str()

    def _asked(self, doing: str, question: Callable[[], T]) -> T:
        """Ask, and say in one sentence what a refusal or silence means.

        Raises:
            KafkaUnavailable: If there is no answer in time.
            KafkaRefused: If the answer is a refusal.
        """
        try:
            return question()
        except KafkaException as error:
            self._client.poll(0)  # brings what connections said
            raise told_kafka(error.args[0], self.address, doing, self._trouble) from error
        except TimeoutError as error:
            silence = KafkaError(KafkaError._TIMED_OUT)
            raise told_kafka(silence, self.address, doing, self._trouble) from error

    def brokers(self) -> int:
        """Count the brokers.

        Raises:
            KafkaUnavailable: If there is no answer in time.
            KafkaRefused: If the answer is a refusal.
        """
        return len(self._metadata().brokers)

    def _metadata(self) -> Any:  # noqa: ANN401  the library does not say
        return self._asked(
            "list its topics", lambda: self._client.list_topics(timeout=self._patience_s)
        )

    def found(self, names: Iterable[str], prefix: str = "") -> dict[str, Found]:
        """Look at topics of these names, and, where one is given, at all with a prefix.

        Raises:
            KafkaUnavailable: If there is no answer in time.
            KafkaRefused: If the answer is a refusal.
        """
        there = self._metadata().topics
        looked = {name for name in names if name in there}
        looked |= {name for name in there if prefix and name.startswith(prefix)}
        asked = {name: ConfigResource(ResourceType.TOPIC, name) for name in sorted(looked)}
        if not asked:
            return {}
        answers = self._asked(
            "show the settings of its topics",
            lambda: self._client.describe_configs(
                list(asked.values()), request_timeout=self._patience_s
            ),
        )
        found = {}
        for resource, answer in answers.items():
            entries = self._settled(f"show the settings of {resource.name}", answer)
            parts = there[resource.name].partitions.values()
            found[resource.name] = Found(
                resource.name,
                len(parts),
                min((len(part.replicas) for part in parts), default=0),
                {name: entry.value or "" for name, entry in entries.items()},
            )
        return found

    def _settled(self, doing: str, answer: "Future[Any]") -> Any:  # noqa: ANN401  as above
        return self._asked(doing, lambda: answer.result(2 * self._patience_s))

    def carry_out(self, steps: Sequence[Step]) -> None:
        """Create and alter topics.

        Raises:
            KafkaUnavailable: If there is no answer in time; what was done then is found done by
                the next time.
            KafkaRefused: If the answer is a refusal.
        """
        for step in steps:
            if step.action is Action.CREATE:
                self._create(step)
            elif step.action is Action.ALTER:
                self._alter(step)
        self._await([step for step in steps if step.action in {Action.CREATE, Action.ALTER}])

    def _await(self, done: Sequence[Step]) -> None:
        """Wait until the brokers tell what they were given, which is some time after they took it.

        A broker may write a setting in another way than it was given: then this ends by itself.
        """
        deadline = time.monotonic() + min(_KNOWN_S, self._patience_s)
        while done and time.monotonic() < deadline:
            found = self.found(step.name for step in done)
            done = [step for step in done if not _is_so(step, found.get(step.name))]
            time.sleep(_AGAIN_S if done else 0)

    def _create(self, step: Step) -> None:
        """Create a topic; one that is there by now, made by another or not listed yet, is left."""
        topic = NewTopic(
            step.name, num_partitions=step.partitions, replication_factor=step.replication,
            config=dict(step.config),
        )  # fmt: skip
        doing = f"create topic {step.name}"
        answers = self._asked(
            doing, lambda: self._client.create_topics([topic], request_timeout=self._patience_s)
        )
        try:
            self._settled(doing, answers[step.name])
        except KafkaRefused as refused:
            if not _is(refused, KafkaError.TOPIC_ALREADY_EXISTS):
                raise

    def _alter(self, step: Step) -> None:
        entries = [
            ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
            for name, value in step.config.items()
        ]
        resource = ConfigResource(ResourceType.TOPIC, step.name, incremental_configs=entries)
        doing = f"change the settings of topic {step.name}"
        answers = self._asked(
            doing,
            lambda: self._client.incremental_alter_configs(
                [resource], request_timeout=self._patience_s
            ),
        )
        for answer in answers.values():
            self._settled(doing, answer)


def _is(refused: KafkaRefused, code: int) -> bool:
    cause = refused.__cause__
    return isinstance(cause, KafkaException) and cause.args[0].code() == code


def _is_so(step: Step, found: Found | None) -> bool:
    """Tell whether a topic is found to be what a step made of it."""
    if found is None or found.partitions < step.partitions:
        return False
    return all(found.config.get(name) == value for name, value in step.config.items())
