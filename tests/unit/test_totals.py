"""What controls over sums remember: as many stretches as they keep, with what is open of each."""

from collections.abc import Sequence
from typing import ClassVar

import orjson
import polars as pl

from assurance.alerts import Control, alert
from assurance.following.control import NOWHERE
from assurance.following.totals import BUCKET, History, Key, TotalsControl
from schemas.alerts import Alert

_ANY = Control("C16", "any", "leakage", "info", "under", "nothing")


class Every(TotalsControl):
    """Finds every stretch that has something in it."""

    declared: ClassVar = (_ANY,)
    keys: ClassVar = ("tenant_id",)
    sums: ClassVar = ("records",)
    keep: ClassVar = 3

    def totals(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.group_by("tenant_id", BUCKET).agg(pl.col("records").sum())

    def judge(self, key: Key, bucket: int, history: History, at: int) -> Sequence[Alert]:
        here = history[bucket][0]
        return [
            alert(
                _ANY, tenant_id=key[0], feed_id="", entity=("t", key[0]), episode=f"{bucket}",
                at=at, explanation="", observed=here, state="open" if here else "auto_closed",
            )
        ]  # fmt: skip


def rows(bucket: int, records: int = 1) -> pl.DataFrame:
    return pl.DataFrame(
        {"tenant_id": ["t"], BUCKET: [bucket], "records": [records], "collected_at": [bucket]}
    )


def test_what_is_open_goes_with_its_stretch() -> None:
    control = Every(NOWHERE)
    told = [len(control.take(rows(bucket))) for bucket in range(10)]
    assert told == [1] * 10
    assert list(orjson.loads(control.dump())["open"]["t"]) == ["7", "8", "9"]


def test_a_finding_is_told_when_it_changes_and_when_it_closes_across_a_restart() -> None:
    control = Every(NOWHERE)
    control.take(rows(5))
    again = Every(NOWHERE)
    again.load(control.dump())
    assert [one.observed for one in again.take(rows(5))] == [2]
    assert [one.state for one in again.take(rows(5, -2))] == ["auto_closed"]
    assert again.take(rows(5, 0)) == []
    assert orjson.loads(again.dump())["open"] == {}


def test_a_memory_of_an_older_version_keeps_its_sums() -> None:
    control = Every(NOWHERE)
    control.take(rows(5))
    older = orjson.loads(control.dump()) | {"open": {"some-alert": "1 None"}}
    again = Every(NOWHERE)
    again.load(orjson.dumps(older))
    assert [one.observed for one in again.take(rows(5))] == [2]
