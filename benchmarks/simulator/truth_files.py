"""The truth of a run: every record's charge, every fault, everything that only looks like one."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.simulator.clock import rfc3339
from benchmarks.simulator.records import Injection, Usage
from benchmarks.simulator.world import World


def write(world: World, out: Path) -> None:
    """Write the truth into a folder of its own."""
    folder = out / "truth"
    folder.mkdir(parents=True, exist_ok=True)
    _lines(folder / "records.jsonl", (_record(usage) for usage in world.usages))
    _lines(folder / "injections.jsonl", (_fault(one) for one in world.injections))
    _lines(folder / "hard_negatives.jsonl", (_fault(one) for one in world.hard_negatives))


def _lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with path.open("w") as file:
        for row in rows:
            file.write(json.dumps(row, separators=(",", ":")) + "\n")


def _record(usage: Usage) -> dict[str, Any]:
    return {
        "truth_id": usage.truth_id, "feed": usage.feed, "service": usage.service,
        "class": usage.fate, "injection": usage.injection, "written": usage.written,
        "keys": usage.keys, "pieces": usage.entries, "subscription": usage.subscriber.subscription,
        "account": usage.subscriber.account, "served": usage.served, "start": rfc3339(usage.start_us),
        "start_us": usage.start_us, "skew_us": usage.skew_us, "quantity": usage.quantity, "number": usage.number,
        "charge": f"{usage.charge:f}", "charge_by_catalogue": f"{usage.charged:f}",
        "carrier": usage.trunk, "cost": f"{usage.cost:f}",
    }  # fmt: skip


def _fault(one: Injection) -> dict[str, Any]:
    return {
        "id": one.number, "family": one.family, "entity": one.entity, "feed": one.feed,
        "difficulty": one.difficulty, "subtle": one.subtle, "first": rfc3339(one.first_us),
        "last": rfc3339(one.last_us), "first_us": one.first_us, "last_us": one.last_us,
        "records": one.records, "money": f"{one.money:f}", "detail": one.detail,
    }  # fmt: skip
