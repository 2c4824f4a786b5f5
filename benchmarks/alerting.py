"""From a fault on the topic to the finding in the store, at a steady rate, on one machine.

Of 500 calls one is told again by another element: the same caller and called number, a second
later, under an id of its own. The finding counts such copies, so the n-th copy sent is held against
when the finding counted n. All processes of `tallywire up`, broker, store and the sender share the
machine's cores.
"""

import threading
import time
from typing import Any

from benchmarks.report import Row, print_sections
from benchmarks.streaming import (
    PARTITIONS,
    TOPIC,
    Events,
    Product,
    broker_of,
    catalog_of,
    pace,
    quantiles,
)
from warehouse.client import Client, StoreError, told

RATE = 20_000
_EVERY = 500
_BEHIND = 21
"""How many events a copy comes behind its call: on another partition, so from another source."""
_SETTLE_S = 20.0
_LOOK_S = 0.05
_TOLD = "SELECT sum(observed) FROM alerts FINAL WHERE pattern = 'near_copy' AND state = 'open'"


class Copying(Events):
    """Calls, one of 500 of them told again by another element."""

    def __init__(self, prefixes: list[str]) -> None:
        super().__init__(prefixes)
        self._copied = b""

    def next(self) -> bytes:
        """Give the next record."""
        place = self.made % _EVERY
        if place != _BEHIND or not self._copied:
            made = super().next()
            self._copied = made if place == 0 else self._copied
            return made
        self.made += 1
        return self._copied.replace(b'"id":"c-', b'"id":"d-').replace(b'.125Z"', b'.625Z"')


def _told(client: Client) -> int:
    try:
        with told("the store"):
            return int(client.query(_TOLD).result_rows[0][0])
    except StoreError:  # its tables are being made
        return 0


def measure(seconds: float, rate: int = RATE) -> dict[str, Any]:
    """Send for some time, look when each copy is told."""
    catalog, prefixes = catalog_of()
    stop, sent = threading.Event(), list[tuple[int, float]]()
    with broker_of() as broker:
        broker.create_topic(TOPIC, PARTITIONS)
        broker.create_topic("tallywire.alerts", 1)
        with Product("alerting", broker, catalog) as product, product.store() as client:
            events = Copying(prefixes)
            sender = threading.Thread(
                target=lambda: sent.extend(pace(broker, events, rate, seconds, stop))
            )
            sender.start()
            counted: list[tuple[int, float]] = []
            patience = time.time() + seconds + 120
            while time.time() < patience and not _all_told(counted, sent, sender):
                counted.append((_told(client), time.time()))
                time.sleep(_LOOK_S)
    copies = [(number // _EVERY, at) for number, at in sent if number > _EVERY]
    settled = sent[0][1] + _SETTLE_S
    return {
        "rate": sent[-1][0] / (sent[-1][1] - sent[0][1]), "copies": copies[-1][0],
        "told": counted[-1][0],
        **quantiles([one for one in copies if one[1] > settled], counted),
    }  # fmt: skip


def _all_told(
    counted: list[tuple[int, float]], sent: list[tuple[int, float]], sender: threading.Thread
) -> bool:
    return not sender.is_alive() and bool(counted) and counted[-1][0] >= sent[-1][0] // _EVERY


def main(seconds: float) -> None:
    """Measure and print."""
    found = measure(seconds)
    unit = f"s at {found['rate']:,.0f} events/s"
    rows = [
        Row("arrival to finding, median", unit, found["p50_s"]),
        Row("arrival to finding, p99", unit, found["p99_s"]),
        Row("arrival to finding, longest", unit, found["max_s"]),
        Row("copies told", f"of {found['copies']:,}", found["told"]),
    ]
    print_sections({"From a fault to its finding": rows})
