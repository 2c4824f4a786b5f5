"""Named queries, one SQL file each; values go in as parameters, never as text."""

from collections.abc import Mapping
from importlib import resources
from typing import Any

from warehouse.client import Client, told


def sql(name: str) -> str:
    """Read a query by name."""
    return (resources.files("dashboards.queries") / f"{name}.sql").read_text()


def rows(
    client: Client, name: str, parameters: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Run a query; give its rows as dictionaries.

    Raises:
        StoreUnavailable: If the store does not answer.
        StoreRefused: If it refuses.
    """
    with told("its address"):
        found = client.query(sql(name), parameters=dict(parameters or {}))
    return [dict(zip(found.column_names, row, strict=True)) for row in found.result_rows]
