"""Reconciliations over an hour of many rows, and the events behind a difference.

A home rates usage; its charges, and the sums that its lanes wrote of them, are then multiplied in
the store under further ids and tokens, until one hour holds the rows wanted. The floor is the store
adding up amount and count of the same hour, in the same run.
"""

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from assurance.reconciling.stages import HOUR_US
from assurance.registry import reconciliations
from benchmarks.report import Row, print_sections
from cli.demo.usage import write_platform
from dataflows.catalogs import example_folder
from dataflows.controls.comparer import Comparer
from dataflows.drilling import behind_stored
from dataflows.settings import Settings
from dataflows.sources.opened import readers_of
from warehouse.client import Client, connect
from warehouse.configuration import ServerPlan
from warehouse.server import free_port, start

OUT = Path("benchmarks/out/reconciling")
_EVENTS = 1_000_000
_FLOOR = "SELECT count(), sum(amount) FROM rated_events WHERE toDate(ledgered_at) >= today() - 1"
_OTHER = (
    "INSERT INTO {table} SELECT * REPLACE ({ids}, concat(batch_token, 'x{number}') AS batch_token, "
    "toInt32(0) AS fate_change) "
    "FROM (SELECT * FROM {table} WHERE position(batch_token, 'x') = 0)"
)
_EARLIER = (
    "INSERT INTO stage_sums (tenant_id, lane, stage, feed_id, service, collected_at, records, "
    "quantity, ids, ledgered_at, batch_token) SELECT tenant_id, lane, stage, 'earlier', service, "
    "collected_at - INTERVAL 3 HOUR, 0, 0, 0, ledgered_at - INTERVAL 3 HOUR, batch_token "
    "FROM stage_sums"
)
_SUMS = (
    "INSERT INTO stage_sums SELECT tenant_id, r.lane, 'rated', feed_id, service, currency, "
    "toStartOfHour(collected_at), count(), sum(rated_quantity), sum(amount), "
    "groupBitXor(reinterpretAsUInt64(rated_id)), any(ledgered_at), r.batch_token "
    "FROM rated_events AS r WHERE position(batch_token, 'x') > 0 "
    "GROUP BY tenant_id, r.lane, feed_id, service, currency, toStartOfHour(collected_at), "
    "r.batch_token"
)


def _filled(home: Path, rows: int) -> Client:
    """Rate usage, then multiply what the store has of it."""
    (OUT / "usage").mkdir()
    write_platform(OUT / "usage" / "platform", min(rows, _EVENTS))
    command = [sys.executable, "-m", "cli.main", "run", "--quiet", "--home", str(home)]
    catalog = ["--catalog", str(example_folder()), str(OUT / "usage")]
    subprocess.run([*command, *catalog], check=True, stdout=subprocess.DEVNULL)
    client = connect("", home / "store", database="tallywire", role="owner")
    client.command(_EARLIER)
    one = "reinterpretAsUUID(sipHash128({name}, {number})) AS {name}"
    for number in range(1, max(1, rows // _EVENTS)):
        ids = ", ".join(one.format(name=name, number=number) for name in ("event_id", "rated_id"))
        client.command(_OTHER.format(table="rated_events", ids=ids, number=number))
    client.command(_SUMS)
    return client


def _later() -> int:
    """Give the time an hour from now: the hour of the run is past then."""
    return time.time_ns() // 1_000 + HOUR_US


def measure(rows: int) -> dict[str, Any]:
    """Compare a whole hour, then lose some charges and name them."""
    home = (OUT / "home").resolve()
    running = start(ServerPlan(home / "store", free_port(), free_port()))
    try:
        client = _filled(home, rows)
        found: dict[str, Any] = {"rows": _count(client), "floor_ms": _floor_ms(client)}
        comparer = Comparer(reconciliations(), {}, _later, "default")
        for _ in range(2):  # the second run is the one that counts
            runs = comparer.due(client, at_once=True)
        assert not any(one.failure or one.rows for one in runs), runs  # noqa: S101  nothing differs
        found |= {f"{one.kind.__name__} ms": (one.ended_at - one.began_at) / 1_000 for one in runs}
        found["drill_ms"], found["named"] = _drilled(client, home)
    finally:
        running.stop()
    return found


def _count(client: Client) -> int:
    return int(client.query("SELECT count() FROM rated_events").result_rows[0][0])


def _floor_ms(client: Client) -> float:
    client.query(_FLOOR)
    began = time.perf_counter()
    client.query(_FLOOR)
    return (time.perf_counter() - began) * 1_000


def _drilled(client: Client, home: Path) -> tuple[float, int]:
    """Lose a hundred charges of one batch; name them."""
    [(token, feed)] = client.query(
        "SELECT batch_token, feed_id FROM rated_events WHERE position(batch_token, 'x') = 0 "
        "GROUP BY 1, 2 ORDER BY count() DESC LIMIT 1"
    ).result_rows
    client.command(
        "ALTER TABLE rated_events DELETE WHERE batch_token = {token:String} "
        "AND batch_row < 100 SETTINGS mutations_sync = 2",
        parameters={"token": token},
    )
    [(hour,)] = client.query(
        "SELECT toUnixTimestamp(toStartOfHour(any(ledgered_at))) FROM rated_events "
        "WHERE batch_token = {token:String}",
        parameters={"token": token},
    ).result_rows
    settings = Settings(home=home)
    readers = readers_of(settings, print)
    began = time.perf_counter()
    found = list(behind_stored(client, settings, readers, str(feed), int(hour) * 1_000_000))
    return (time.perf_counter() - began) * 1_000, len(found)


def main(rows: int) -> None:
    """Measure and print."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    found = measure(rows)
    note = f"{found['rows']:,} charges in one hour"
    figures = [Row("floor: count and sum of the hour", "ms", found["floor_ms"], note)]
    figures += [
        Row(name.removesuffix(" ms"), "ms", found[name], note)
        for name in found
        if name.endswith(" ms")
    ]
    stored = found["Stored ms"] / found["floor_ms"]
    figures += [
        Row("Stored, to the floor", "times", stored),
        Row(f"{found['named']} lost charges named", "ms", found["drill_ms"]),
    ]
    print_sections({"Reconciliations": figures})
    shutil.rmtree(OUT, ignore_errors=True)
