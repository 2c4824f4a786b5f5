"""Migrations: numbered SQL files, applied once, in order, never changed afterwards."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

from warehouse.client import Client, told
from warehouse.errors import StoreError

_NAME = re.compile(r"^([0-9]{4})_[a-z0-9_]+\.sql$")
_ENGINE = re.compile(r"\{engine:([A-Za-z]*MergeTree)(\([^)]*\))?\}")
_APPLIED = """CREATE TABLE IF NOT EXISTS migrations
(
    `number` UInt32, `name` String, `checksum` String,
    `applied_at` DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree ORDER BY number"""


@dataclass(frozen=True)
class Migration:
    """One file.

    Attributes:
        checksum: sha256 of its text, hex.
    """

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """Name the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations() -> list[Migration]:
    """Read all migrations of this version, in order.

    Raises:
        StoreError: If their numbers have a gap.
    """
    found = []
    for item in resources.files("warehouse.migrations").iterdir():
        match = _NAME.match(item.name)
        if match:
            found.append(Migration(int(match[1]), item.name, item.read_text()))
    found.sort(key=lambda migration: migration.number)
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        msg = "the numbers of the migrations have a gap: this installation is damaged"
        raise StoreError(msg)
    return found


def statements(migration: Migration, cluster: str = "") -> Iterator[str]:
    """Give a migration's statements with the engines of a single server or of a cluster."""
    text = "\n".join(
        line for line in migration.text.splitlines() if not line.lstrip().startswith("--")
    )
    replicated = "Replicated" if cluster else ""
    text = _ENGINE.sub(lambda match: f"{replicated}{match[1]}{match[2] or ''}", text)
    text = text.replace("{on_cluster}", f"ON CLUSTER `{cluster}`" if cluster else "")
    for part in text.split(";\n"):
        statement = part.strip().rstrip(";")
        if statement:
            yield statement


def migrate(client: Client, database: str, *, cluster: str = "", where: str = "store") -> list[str]:
    """Bring a database to this version; give the names of what was applied.

    Raises:
        StoreError: If an applied migration is not the one of this version, or a newer version of
            the product has been here.
    """
    with told(where):
        client.command(f"CREATE DATABASE IF NOT EXISTS `{database}`")
        client.database = database
        client.command(_APPLIED)
        rows = client.query("SELECT number, name, checksum FROM migrations ORDER BY number")
    applied = {number: (name, checksum) for number, name, checksum in rows.result_rows}
    known = migrations()
    if applied and max(applied) > len(known):
        msg = f"database {database} was made by a newer version: it has migration {max(applied)}"
        raise StoreError(msg)
    done = []
    for migration in known:
        if migration.number in applied:
            if applied[migration.number][1] != migration.checksum:
                msg = f"migration {migration.name} is not what was applied to {database}"
                raise StoreError(msg)
            continue
        _apply(client, migration, cluster, where)
        done.append(migration.name)
    return done


def _apply(client: Client, migration: Migration, cluster: str, where: str) -> None:
    with told(where):
        for statement in statements(migration, cluster):
            client.command(statement)
        client.insert(
            "migrations",
            [[migration.number, migration.name, migration.checksum]],
            column_names=["number", "name", "checksum"],
        )
