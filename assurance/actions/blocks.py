"""What is on the list of blocks now."""

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.actions import BlockEvent


@dataclass(frozen=True)
class Block:
    """A block, with how it ended.

    Attributes:
        begun: The event that began it.
        lifted_at: When somebody ended it, microseconds UTC; none where nobody did.
        lifted_by: Who.
    """

    begun: BlockEvent
    lifted_at: int | None = None
    lifted_by: str = ""

    def active(self, now: int) -> bool:
        """Tell whether it holds: nobody lifted it, and its time is not over."""
        return self.lifted_at is None and now < self.begun.until

    def state(self, now: int) -> str:
        """Say in a word where it stands."""
        if self.active(now):
            return "active"
        return "expired" if self.lifted_at is None else "lifted"


def blocks(events: Iterable[BlockEvent]) -> list[Block]:
    """Fold events of blocks, in the order of their numbers; a block is lifted once."""
    found: dict[str, Block] = {}
    for event in sorted(events, key=lambda one: one.number):
        known = found.get(event.block_id)
        if known is None:
            found[event.block_id] = Block(event)
        elif known.lifted_at is None and event.action == "lifted":
            found[event.block_id] = Block(known.begun, event.at, event.who)
    return [*found.values()]
