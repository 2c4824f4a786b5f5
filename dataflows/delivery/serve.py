"""`alerts deliver`: one process, a thread a target, so that none waits for another."""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from dataflows import stop
from dataflows.catalogs import CatalogStore, tenant_of
from dataflows.controls.watch import Watch
from dataflows.delivery.channel import ChannelSender
from dataflows.delivery.cursor import Cursor
from dataflows.delivery.effects import EffectFollower
from dataflows.delivery.figures import Figures
from dataflows.delivery.follow import ChannelFollower, EndpointFollower, Told
from dataflows.delivery.names import DELIVER, publishes
from dataflows.delivery.oncall import ONCALL, Escalation
from dataflows.delivery.targets import channels_of, endpoints_of, rota_of
from dataflows.delivery.topic import TopicFollower, TopicSender
from dataflows.delivery.webhook import Sender
from dataflows.files import lock
from dataflows.kafka.names import ALERTS
from dataflows.settings import Home, Settings
from dataflows.wall_clock import now_us
from warehouse.client import Client, opened

_WRITTEN_S = 0.5
_GRACE_S = 5.0


class Runs(Protocol):
    """Something that tells one target."""

    name: str

    def run(self) -> bool:
        """Tell it; false where something could not be told."""
        ...


@dataclass
class _Thread(threading.Thread):
    """Runs one of them; a fault of it ends the others, too, and is not lost."""

    follower: Runs
    done: bool = False
    fault: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(name=self.follower.name, daemon=True)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        """Run it."""
        try:
            self.done = self.follower.run()
        except BaseException as error:  # noqa: BLE001  it is raised again in the main thread
            self.fault.append(error)


def _connect(
    settings: Settings, role: str = "reader"
) -> Callable[[], AbstractContextManager[Client]]:
    home = Home(settings.home)
    return partial(opened, settings.store_url, home.store, database=settings.database, role=role)


def cursor_of(home: Home, kind: str, name: str, floor: int) -> Cursor:
    """Open the cursor of an endpoint (`webhook`) or a channel (`channel`)."""
    return Cursor(home.delivery / f"{kind}-{name}.json", floor)


def followers_of(
    settings: Settings, environment: Mapping[str, str], told: Told, since: int
) -> list[Runs]:
    """Make one for each target that is declared.

    Raises:
        DeliveryMisuse: If one cannot be used.
    """
    home = Home(settings.home)
    endpoints, channels = (
        endpoints_of(settings, environment),
        channels_of(settings, environment),
    )
    rota = rota_of(settings)
    senders = {channel.name: ChannelSender(channel) for channel in channels}
    found: list[Runs] = [
        EndpointFollower(
            f"webhook-{one.name}", cursor_of(home, "webhook", one.name, since), told,
            Sender(one, settings.webhook_timeout_s),
        )
        for one in endpoints
    ]  # fmt: skip
    found += [
        EffectFollower(
            f"actions-{one.name}", home.delivery / f"actions-{one.name}.json", told,
            Sender(one, settings.webhook_timeout_s),
        )
        for one in endpoints
        if one.name in settings.action_webhooks
    ]  # fmt: skip
    found += [
        ChannelFollower(
            f"channel-{one.name}", cursor_of(home, "channel", one.name, since), told,
            senders[one.name], per_minute=settings.channel_per_minute,
            lines=settings.channel_lines,
        )
        for one in channels
    ]  # fmt: skip
    if publishes(settings):
        cursor = cursor_of(home, "topic", ALERTS, since)
        found.append(TopicFollower(cursor, told, TopicSender(settings)))
    if rota is not None:
        called = {one.name: ChannelSender(one) for one in channels}
        path = home.delivery / f"{ONCALL}.json"
        found.append(
            Escalation(
                path, since, rota, called, told,
                lines=settings.channel_lines, per_minute=settings.channel_per_minute,
            )
        )  # fmt: skip
    return found


def deliver(settings: Settings, *, once: bool, since: int | None) -> Sequence[str]:
    """Tell every target of findings, until SIGTERM or for one pass.

    Args:
        since: Where targets begin that were never told anything, microseconds UTC; now without it.

    Returns:
        What could not be told, a sentence a target.

    Raises:
        DeliveryMisuse: If a target cannot be used.
        LaneTaken: If another process delivers from this home.
    """
    home = Home(settings.home)
    with lock(home.delivery, "the delivery of findings"):
        stop.listen()
        figures = Figures(home.progress / f"{DELIVER}.json")
        told = Told(_connect(settings), figures, settings.deliver_every_s, once)
        floor = now_us() if since is None else since
        watch = Watch(_connect(settings, "writer"), tenant_of(CatalogStore(home.catalogs)), once)
        followers = [watch, *followers_of(settings, os.environ, told, floor)]
        threads = [_Thread(one) for one in followers]
        for thread in threads:
            thread.start()
        _watch(threads, figures)
        figures.write(ended=True)
        for thread in threads:
            for fault in thread.fault:
                raise fault
    if stop.stopping():
        return []
    return [
        figures.problem(thread.follower.name) or f"{thread.follower.name}: not all was told"
        for thread in threads
        if not thread.done
    ]


def _watch(threads: Sequence[_Thread], figures: Figures) -> None:
    """Write figures until all have ended; after a request to stop they have a little time."""
    while any(thread.is_alive() for thread in threads) and not stop.wait(_WRITTEN_S):
        figures.write()
        if any(thread.fault for thread in threads):
            return
    for thread in threads:
        thread.join(_GRACE_S)
