"""Canaries that were sent, as the store has them."""

from schemas.canaries import CanarySent
from schemas.columns import frame_to_rows, from_arrow
from warehouse.client import Client, one_row, told


def newest_sent(client: Client, canary_id: str) -> tuple[int, int]:
    """Give the number of the newest sending of a canary and when it was; 0 and 0 before the first.

    One that was taken back counts: its number is not given again.
    """
    query = (
        "SELECT max(sequence), toUnixTimestamp64Micro(max(sent_at)) FROM canaries_sent "
        "WHERE canary_id = {canary:String}"
    )
    sequence, sent_at = one_row(client, query, {"canary": canary_id})
    return int(sequence), max(0, int(sent_at))


def sent_once(client: Client, canary_id: str, sequence: int) -> list[CanarySent]:
    """Read a sending that was written down and not taken back; empty where there is none."""
    query = (
        "SELECT * FROM canaries_sent WHERE canary_id = {canary:String} "
        "AND sequence = {number:Int64} ORDER BY change"
    )
    parameters = {"canary": canary_id, "number": sequence}
    with told(client.uri):
        found = client.query_arrow(query, parameters=parameters)
    rows = frame_to_rows(from_arrow(found, CanarySent), CanarySent)
    return rows[-1:] if sum(one.change for one in rows) > 0 else []
