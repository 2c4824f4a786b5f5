"""The next migration: what the records have and the migrations lack."""

from pathlib import Path

import pytest

from warehouse import new_migration
from warehouse.migrate import Migration, migrations, statements
from warehouse.new_migration import UndecidedError, declared, difference, migrated, next_migration


def _texts() -> list[str]:
    return [migration.text for migration in migrations()]


def test_the_released_migrations_make_what_the_records_say() -> None:
    have = migrated(_texts())
    assert declared().items() <= have.items()
    assert next_migration(_texts()) == ""


def test_a_new_column_is_added_where_the_record_has_it() -> None:
    without = [
        _texts()[0].replace("    `direction` LowCardinality(String) CODEC(ZSTD(1)),\n", "", 1),
        *_texts()[1:],
    ]
    assert "`direction`" not in migrated(without)["rated_events"].values()
    text = next_migration(without)
    assert text == (
        "ALTER TABLE rated_events {on_cluster} ADD COLUMN IF NOT EXISTS "
        "`direction` LowCardinality(String) DEFAULT 'mo' CODEC(ZSTD(1)) AFTER `service`;\n"
    )
    assert next_migration([*without, text]) == ""
    migration = Migration(2, "0002_records.sql", text)
    assert next(iter(statements(migration, "main"))).startswith(
        "ALTER TABLE rated_events ON CLUSTER `main` ADD COLUMN IF NOT EXISTS"
    )


def test_a_new_table_and_its_rollup_are_made() -> None:
    text = next_migration([])
    assert text.count("CREATE TABLE") == len(declared())
    assert "CREATE MATERIALIZED VIEW IF NOT EXISTS mv_fates_1h_rated_events" in text


@pytest.mark.parametrize("wanted", [{}, {"amount": "`amount` Int8"}])
def test_a_column_that_went_or_changed_needs_a_person(wanted: dict[str, str]) -> None:
    have = {"charges": {"amount": "`amount` Decimal(38, 9)"}}
    with pytest.raises(UndecidedError, match="charges: amount changed or went"):
        list(difference({"charges": wanted}, have))


def test_nothing_is_written_when_nothing_is_lacking(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert new_migration.main(tmp_path) == 0
    assert "nothing to write" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_written_with_the_next_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_migration, "next_migration", lambda _texts: "SELECT 1;\n")
    assert new_migration.main(tmp_path) == 0
    (path,) = tmp_path.iterdir()
    assert path.name == f"{len(migrations()) + 1:04d}_records.sql"
    assert path.read_text().endswith("SELECT 1;\n")
    assert str(path) in capsys.readouterr().out
