"""`make migration`: the next migration, from the difference between the records and the store."""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from schemas.columns import clickhouse_columns, defaults
from warehouse.migrate import migrations
from warehouse.rollups import FEEDINGS, view_name, view_sql
from warehouse.tables import TABLES, table_sql

_MADE = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+) \{on_cluster\}\n\((.*?)\n\)", re.DOTALL)
_ADDED = re.compile(
    r"ALTER TABLE (\w+) \{on_cluster\} ADD COLUMN IF NOT EXISTS "
    r"(`(\w+)` .*?)(?: AFTER `\w+`| FIRST)?;"
)
_DEFAULT = re.compile(r" DEFAULT (?:'[^']*'|\S+)")
_COLUMN = re.compile(r"^\s*(`(\w+)` .*?),?$", re.MULTILINE)
_VIEW = re.compile(r"CREATE MATERIALIZED VIEW IF NOT EXISTS (\w+)")

Columns = dict[str, str]
"""Definition of each column by its name."""


class UndecidedError(Exception):
    """A record changed in a way that needs a person: a column went, or became something else."""


def migrated(texts: list[str]) -> dict[str, Columns]:
    """Read which columns the tables have once these migrations are applied, in order."""
    tables: dict[str, Columns] = {}
    for text in texts:
        for table, body in _MADE.findall(text):
            tables[table] = {name: whole for whole, name in _COLUMN.findall(body)}
        for table, whole, name in _ADDED.findall(text):
            tables[table][name] = _DEFAULT.sub("", whole)
    return tables


def declared() -> dict[str, Columns]:
    """Give the columns that the records of this version want."""
    return {
        name: {line.split("`")[1]: line for line in clickhouse_columns(table.record)}
        for name, table in TABLES.items()
    }


def with_default(column: str, default: object) -> str:
    """Say what rows have that were stored before there was this column.

    >>> with_default("`left` Int64 CODEC(ZSTD(1))", -1)
    '`left` Int64 DEFAULT -1 CODEC(ZSTD(1))'
    """
    if not default or not isinstance(default, str | int) or isinstance(default, bool):
        return column
    value = f"'{default}'" if isinstance(default, str) else default
    return column.replace(" CODEC(", f" DEFAULT {value} CODEC(", 1)


def difference(wanted: Mapping[str, Columns], have: Mapping[str, Columns]) -> Iterator[str]:
    """Write the statements that lead from one to the other: new tables, new columns.

    Raises:
        UndecidedError: If a column was removed or changed: stored rows have it, a person decides.
    """
    for table, columns in wanted.items():
        if table not in have:
            yield table_sql(table)
            continue
        changed = [name for name, was in have[table].items() if columns.get(name) != was]
        if changed:
            msg = (
                f"{table}: {', '.join(changed)} changed or went. Stored rows have these columns: "
                "add a column instead, or write the migration by hand"
            )
            raise UndecidedError(msg)
        before = ""
        for name, line in columns.items():
            if name not in have[table]:
                column = with_default(line, defaults(TABLES[table].record).get(name))
                place = f"AFTER `{before}`" if before else "FIRST"
                yield (
                    f"ALTER TABLE {table} {{on_cluster}} ADD COLUMN IF NOT EXISTS {column} {place}"
                )
            before = name


def next_migration(texts: list[str]) -> str:
    """Write what the migrations lack, or nothing.

    Raises:
        UndecidedError: If it cannot be written without a decision.
    """
    statements = list(difference(declared(), migrated(texts)))
    views = {name for text in texts for name in _VIEW.findall(text)}
    statements += [view_sql(feeding) for feeding in FEEDINGS if view_name(feeding) not in views]
    return ";\n\n".join(statements) + ";\n" if statements else ""


def main(folder: Path, name: str = "records") -> int:
    """Write the next migration into a folder; give the exit code."""
    known = migrations()
    try:
        text = next_migration([migration.text for migration in known])
    except UndecidedError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if not text:
        sys.stdout.write("the migrations already make what the records say; nothing to write\n")
        return 0
    number = len(known) + 1
    path = folder / f"{number:04d}_{name}.sql"
    path.write_text(
        f"-- {number:04d} {name}: written by `make migration`; read it, name it.\n\n{text}"
    )
    sys.stdout.write(f"wrote {path}: read it, give it a telling name, then commit it\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).parent / "migrations"))
