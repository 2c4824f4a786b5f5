"""Actions, credits and blocks, read as records; and those that somebody has not been told yet."""

from collections.abc import Sequence

from schemas.actions import AccountCredit, ActionEvent, BlockEvent
from schemas.columns import AnyRecord, frame_to_rows, from_arrow
from warehouse.client import Client, one_row, told


def _read(
    client: Client, record: type[AnyRecord], query: str, parameters: dict[str, object]
) -> list[AnyRecord]:
    with told(client.uri):
        found = client.query_arrow(query, parameters=parameters)
    return frame_to_rows(from_arrow(found, record), record)


def action_events(client: Client, action_ids: Sequence[str] = ()) -> list[ActionEvent]:
    """Read the steps of actions; of all, without ids."""
    query = (
        "SELECT * FROM action_events WHERE empty({ids:Array(String)}) "
        "OR action_id IN {ids:Array(String)} ORDER BY action_id, step"
    )
    return _read(client, ActionEvent, query, {"ids": list(action_ids)})


def action_ids_beginning(client: Client, start: str) -> list[str]:
    """Name actions whose id begins so, two at most; one that is named in full is the one meant."""
    query = (
        "SELECT DISTINCT action_id FROM action_events WHERE startsWith(action_id, {start:String}) "
        "ORDER BY action_id != {start:String}, action_id LIMIT 2"
    )
    with told(client.uri):
        found = [row[0] for row in client.query(query, parameters={"start": start}).result_rows]
    return found[:1] if start in found else found


def credits_of(client: Client, action_id: str = "") -> list[AccountCredit]:
    """Read credits in their order; of one action, or all."""
    query = (
        "SELECT * FROM account_credits WHERE {id:String} = '' OR credit_id = {id:String} "
        "ORDER BY number"
    )
    return _read(client, AccountCredit, query, {"id": action_id})


def block_events(client: Client, block_id: str = "") -> list[BlockEvent]:
    """Read beginnings and ends of blocks in their order; of one block, or all."""
    query = (
        "SELECT * FROM block_events WHERE {id:String} = '' OR block_id = {id:String} "
        "ORDER BY number"
    )
    return _read(client, BlockEvent, query, {"id": block_id})


_LAST = {
    "account_credits": "SELECT max(number), count() FROM account_credits",
    "block_events": "SELECT max(number), count() FROM block_events",
}


def next_number(client: Client, table: str) -> int:
    """Give the place behind the last credit, or the last event of blocks."""
    last, count = one_row(client, _LAST[table], {})
    return int(last) + 1 if count else 0


def credits_behind(client: Client, number: int, most: int) -> list[AccountCredit]:
    """Read credits from a place on, in their order."""
    query = (
        "SELECT * FROM account_credits WHERE number >= {number:Int64} "
        "ORDER BY number LIMIT {most:UInt32}"
    )
    return _read(client, AccountCredit, query, {"number": number, "most": most})


def blocks_behind(client: Client, number: int, most: int) -> list[BlockEvent]:
    """Read events of blocks from a place on, in their order."""
    query = (
        "SELECT * FROM block_events WHERE number >= {number:Int64} "
        "ORDER BY number LIMIT {most:UInt32}"
    )
    return _read(client, BlockEvent, query, {"number": number, "most": most})
