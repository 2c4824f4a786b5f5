"""Requests to a lane: durable files named by their content, each worked once."""

import os
import uuid
from pathlib import Path

import polars as pl
import pytest

from dataflows.lane import entry
from dataflows.ledger import Ledger
from dataflows.requests import (
    SOURCE,
    Asked,
    Inbox,
    Request,
    answered,
    load,
    put,
    request_folder,
    settled_position,
)
from dataflows.settings import Home
from dataflows.usage_log.blocks import BlockDamaged
from schemas.requests import CorrectionReason, RequestKind
from tallywire.rating.corrections import standing
from tallywire.rating.counters import Counters
from tests.corrected import catalogs_of, charge
from tests.priced import group, one_tariff, usage

LANE = "usage-0000"


def _asked(position: int = 3) -> Asked:
    catalogs = catalogs_of({"hash": one_tariff(group(0, 60, "0.60"))})
    rows = standing(charge(catalogs, "hash", [usage(1, routing_id="r")], Counters(), 0))
    request = Request(
        kind=RequestKind.RERATE, request_id=uuid.UUID(int=7), lane=LANE, position=position,
        reason=CorrectionReason.PRICE_CORRECTED, asked={"account": "a"},
    )  # fmt: skip
    return Asked(
        request, rows.drop("_position", "_row").with_columns(pl.lit(value=True).alias("selected"))
    )


def test_a_request_is_read_back_as_it_was(tmp_path: Path) -> None:
    home, asked = Home(tmp_path), _asked()
    name = put(home, asked)
    assert put(home, asked) == name
    assert len(list(request_folder(home, LANE).iterdir())) == 1
    again = load(home, LANE, name)
    assert again.request == asked.request
    assert again.standing.equals(asked.standing)
    assert again.replaced.is_empty()
    assert again.routing_ids == {"r"}


@pytest.mark.parametrize("harm", ["gone", "cut", "other"])
def test_a_damaged_request_is_told(tmp_path: Path, harm: str) -> None:
    home = Home(tmp_path)
    name = put(home, _asked())
    (path,) = request_folder(home, LANE).iterdir()
    content = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(content[:-1] if harm == "cut" else content[:-1] + b"!")
    with pytest.raises(BlockDamaged, match="restore it from a backup"):
        load(home, LANE, name)
    told: list[str] = []
    assert Inbox(home, LANE).next(told.append) is None
    assert len(told) == (harm != "gone")


def test_the_inbox_gives_each_request_once_the_oldest_first(tmp_path: Path) -> None:
    home = Home(tmp_path)
    inbox = Inbox(home, LANE)
    assert inbox.next(print) is None
    names = [put(home, _asked(position)) for position in (5, 1, 3)]
    for number, name in enumerate(names):
        path = request_folder(home, LANE) / f"{name}.request"
        os.utime(path, ns=(number * 10**9, number * 10**9))
    given = []
    while (name := inbox.next(print)) is not None:
        given.append(name)
        inbox.worked(f"{SOURCE}{name}")
    assert given == names


def test_the_store_has_what_the_ledger_acknowledged(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert settled_position(home, LANE) == -1
    ledger = Ledger(home.lane("rating", LANE) / "ledger")
    entries = [
        entry(LANE, number, f"{SOURCE}name" if number == 2 else "usage", (0, 0), 0, lambda _us: "")
        for number in range(4)
    ]
    for one in entries:
        ledger.append(one)
    for number in (0, 1, 3):
        ledger.acknowledge([f"{entries[number].token}:lane_ledger"])
    assert settled_position(home, LANE) == 1
    assert not answered(home, LANE, "name")
    ledger.acknowledge([f"{entries[2].token}:lane_ledger"])
    assert settled_position(home, LANE) == 3
    assert answered(home, LANE, "name")
    ledger.close()
