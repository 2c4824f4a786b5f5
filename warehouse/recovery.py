"""Completing an old insert when the store may have forgotten its token.

The store remembers the last tokens of each table, counted in blocks over all lanes. A range that
was not acknowledged and is older than half of that memory is completed by count: its rows are
counted by their token column, a part is removed and sent again, and the lane's own rows of the
rollups' hours that it touches are made anew from the base table.
"""

import pyarrow as pa

from warehouse.client import Client, one_row, told
from warehouse.insert import insert
from warehouse.rollups import FEEDINGS, WRITER, Feeding, writer_of

_WAIT = {"mutations_sync": 2}


def inserts_since(client: Client, table: str, ledgered_at: int) -> int:
    """Count inserts into a base table ledgered since an instant, microseconds UTC.

    `table` is one of `warehouse.tables.TABLES`, never user text.
    """
    if table == "lane_ledger":
        return 0
    query = (
        f"SELECT uniqExact(batch_token) FROM {table} "  # noqa: S608  our own table's name
        "WHERE toUnixTimestamp64Micro(ledgered_at) >= {since:Int64}"
    )
    return int(one_row(client, query, {"since": ledgered_at})[0])


def complete(client: Client, table: str, rows: pa.Table, token: str) -> None:
    """Make the rows of a range be there once, and the rollups right.

    A range of before rollups had writers, whose rows are there, stays as it is: the views of then
    have added it up.
    """
    if rows.num_rows == 0:
        return
    query = f"SELECT count() FROM {table} WHERE batch_token = {{token:String}}"  # noqa: S608  as above
    there = int(one_row(client, query, {"token": token})[0])
    partial = 0 < there < rows.num_rows
    if partial:
        with told(client.uri):
            client.command(
                f"ALTER TABLE {table} DELETE WHERE batch_token = {{token:String}}",
                parameters={"token": token},
                settings=_WAIT,
            )
    if there < rows.num_rows:
        insert(client, table, rows, f"{token}:completed")
    for feeding in FEEDINGS:
        if feeding.table == table and (writer_of(token) or partial):
            _rebuild(client, feeding, token)


def _rebuild(client: Client, feeding: Feeding, token: str) -> None:
    """Make the writer's rows anew, of the hours that a range touches; nobody else writes them."""
    hours = (
        f"SELECT groupUniqArray(toUnixTimestamp({feeding.hour})) FROM {feeding.table} "  # noqa: S608  as above
        "WHERE batch_token = {token:String}"
    )
    (touched,) = one_row(client, hours, {"token": token})
    terms = ", ".join(f"'{term}'" for term in feeding.terms)
    of_rows = f"AND {feeding.where} " if feeding.where else ""
    of_term = f" AND term IN ({terms})" if terms else ""
    with told(client.uri):
        parameters = {"hours": touched, "writer": writer_of(token)}
        client.command(
            f"ALTER TABLE {feeding.rollup} DELETE "
            f"WHERE toUnixTimestamp(hour) IN {{hours:Array(UInt32)}}{of_term} "
            "AND writer = {writer:String}",
            parameters=parameters,
            settings=_WAIT,
        )
        client.command(
            f"INSERT INTO {feeding.rollup} SELECT {feeding.select} FROM {feeding.table} "  # noqa: S608  as above
            f"WHERE toUnixTimestamp({feeding.hour}) IN {{hours:Array(UInt32)}} "
            f"AND {WRITER} = {{writer:String}} {of_rows}GROUP BY {feeding.group}",
            parameters=parameters,
            settings={"insert_deduplicate": 0},
        )
