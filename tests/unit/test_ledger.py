"""The lane's ledger: what was written is read back; a torn line is cut; damage is named."""

from contextlib import closing
from pathlib import Path

import pytest

from dataflows.lane import entry
from dataflows.ledger import Ledger, LedgerDamaged


def _ledger(path: Path, entries: int) -> Ledger:
    ledger = Ledger(path)
    for number in range(entries):
        ledger.append(
            entry("pbx", number, "file", (number * 10, number * 10 + 10), 3, lambda _at: "hash")
        )
    return ledger


def _read(path: Path) -> Ledger:
    with closing(Ledger(path)) as ledger:
        return ledger


def test_entries_and_acknowledgements_survive(tmp_path: Path) -> None:
    with closing(_ledger(tmp_path / "ledger", 3)) as written:
        written.acknowledge(["pbx:0:0:10:rated_events"])
    read = _read(tmp_path / "ledger")
    assert read.entries == written.entries
    assert read.acknowledged == {"pbx:0:0:10:rated_events"}
    assert read.entries[2].token == "pbx:2:20-30"


def test_a_torn_last_line_is_cut_at_every_byte(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    _ledger(path, 2).close()
    whole = path.read_bytes()
    first_end = whole.index(b"\n") + 1
    for length in range(first_end, len(whole)):
        path.write_bytes(whole[:length])
        ledger = Ledger(path)
        assert len(ledger.entries) == 1
        ledger.close()
        assert path.stat().st_size == first_end


def test_a_ledger_goes_on_after_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    _ledger(path, 2).close()
    path.write_bytes(path.read_bytes()[:-5])
    with closing(Ledger(path)) as ledger:
        ledger.append(entry("pbx", 1, "file", (10, 25), 4, lambda _at: "hash"))
    assert [item.last for item in _read(path).entries] == [10, 25]


def test_damage_in_the_middle_is_named_not_skipped(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    _ledger(path, 3).close()
    data = bytearray(path.read_bytes())
    data[30] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(LedgerDamaged, match="damaged at byte 0"):
        Ledger(path)
