"""Owner generations: who opens a lane takes a higher number; only the newest writes."""

import secrets

from warehouse.client import Client, told

_STEPS = 1_000_000


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


def following(generation: int) -> int:
    """Choose the generation for a claim behind another, such that no two claims choose the same.

    Two that look at the same moment see the same newest one; what they add is drawn at random.
    """
    return generation + 1 + secrets.randbelow(_STEPS)


def claim(client: Client, lane: str, generation: int) -> None:
    """Claim a lane: whoever holds an older generation changes nothing more."""
    with told(client.uri):
        client.command(
            "INSERT INTO lane_owners VALUES ({lane:String}, {generation:Int64}, now64(6))",
            parameters={"lane": lane, "generation": generation},
        )
