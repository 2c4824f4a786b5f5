"""Files of the bench of formats are what a lane reads: every record is usable, repeated or not."""

from pathlib import Path

import pytest

from benchmarks.files import KINDS
from benchmarks.formats import collected, speed


@pytest.mark.parametrize("name", KINDS)
def test_every_record_is_usable(name: str, tmp_path: Path) -> None:
    kind = KINDS[name]
    path = tmp_path / "usage"
    assert kind.write(path, records=40) == 40
    once = path.stat().st_size
    assert collected(path, kind.feed)[1] == 40
    written = kind.write(path, records=40, octets=5 * once)
    assert written in {5 * 40, 6 * 40}
    assert collected(path, kind.feed)[1] == written


def test_speed_is_told_beside_its_floor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = KINDS["delimited"]
    monkeypatch.setitem(KINDS, "delimited", type(kind)(**{**vars(kind), "records": 500}))  # type: ignore[arg-type]
    made = speed("delimited", tmp_path / "usage", rounds=1)
    assert 80 < made["octets"] < 90
    assert made["times_floor"] == pytest.approx(made["floor_per_s"] / made["per_s"])
