"""`tallywire store migrate`: the tables are made once, before many workers begin."""

from pathlib import Path

import pytest

from tests.live.commands import tallywire
from warehouse.client import connect
from warehouse.migrate import migrations

pytestmark = [pytest.mark.live, pytest.mark.store]


def test_tables_are_made_once(server: tuple[Path, object], tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "store").symlink_to(server[0])
    first, second = (
        tallywire("store", "migrate", "--home", home, TALLYWIRE_DATABASE="test_migrated")
        for _ in range(2)
    )
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert first.stdout.split() == [one.name for one in migrations()]
    assert second.stdout == ""
    assert "0 migrations were applied" in second.stderr
    client = connect("", server[0], database="test_migrated", role="owner")
    assert client.query("SELECT count() FROM rated_events").result_rows == [(0,)]


def test_a_store_that_is_away_is_named(tmp_path: Path) -> None:
    made = tallywire(
        "store", "migrate", "--home", tmp_path,
        TALLYWIRE_STORE_URL="http://nobody:secret@127.0.0.1:9/tallywire",
    )  # fmt: skip
    assert made.returncode == 4, made.stderr
    assert "secret" not in made.stderr
