"""Owner generations: who opens a lane takes the next number; only the newest writes."""

from warehouse.client import Client, told


class StaleOwner(RuntimeError):  # noqa: N818  it says what is the case
    """Another worker has opened the lane since."""


def newest(client: Client, lane: str) -> int:
    """Read the newest generation of a lane; 0 where nobody has opened it."""
    with told(client.uri):
        found = client.query(
            "SELECT max(generation) FROM lane_owners WHERE lane = {lane:String}",
            parameters={"lane": lane},
        )
    return int(found.result_rows[0][0])


def claim(client: Client, lane: str) -> int:
    """Take the next generation of a lane."""
    generation = newest(client, lane) + 1
    with told(client.uri):
        client.command(
            "INSERT INTO lane_owners VALUES ({lane:String}, {generation:Int64}, now64(6))",
            parameters={"lane": lane, "generation": generation},
        )
    return generation
