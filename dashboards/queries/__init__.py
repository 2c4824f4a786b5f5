"""Named queries, one SQL file each; values go in as parameters, never as text."""

from collections.abc import Mapping
from importlib import resources
from typing import TYPE_CHECKING, Any

from warehouse.client import Client, told

if TYPE_CHECKING:
    import pyarrow as pa


def sql(name: str) -> str:
    """Read a query by name."""
    return (resources.files("dashboards.queries") / f"{name}.sql").read_text()


def table(client: Client, name: str, parameters: Mapping[str, Any] | None = None) -> "pa.Table":
    """Run a query; give its rows as Arrow.

    Raises:
        StoreUnavailable: If the store does not answer.
        StoreRefused: If it refuses.
    """
    with told(client.uri):
        return client.query_arrow(sql(name), parameters=dict(parameters or {}))


def rows(
    client: Client, name: str, parameters: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Run a query; give its rows as dictionaries.

    Raises:
        StoreUnavailable: If the store does not answer.
        StoreRefused: If it refuses.
    """
    with told(client.uri):
        found = client.query(sql(name), parameters=dict(parameters or {}))
    return [dict(zip(found.column_names, row, strict=True)) for row in found.result_rows]
