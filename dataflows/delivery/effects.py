"""Telling a program of credits and blocks: each in the order of its numbers, at least once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from dataflows.delivery.cursor import CursorDamaged
from dataflows.delivery.follow import Follower, Told
from dataflows.delivery.webhook import Answer
from dataflows.files import write_atomic
from schemas.actions import AccountCredit, BlockEvent
from schemas.instants import text_from_micros
from warehouse.actions import blocks_behind, credits_behind

_PAGE = 250


class Posts(Protocol):
    """What sends a message to a program."""

    def post(self, name: str, body: bytes) -> Answer:
        """Send it, once."""
        ...


class _Stored(BaseModel):
    """Numbers that come next."""

    model_config = ConfigDict(extra="forbid")

    credits: int = 0
    blocks: int = 0


@dataclass(frozen=True)
class Effect:
    """A credit, or an event of a block, as it is sent."""

    row: AccountCredit | BlockEvent

    @property
    def name(self) -> str:
        """Name the message: whoever gets it twice knows it by this."""
        if isinstance(self.row, AccountCredit):
            return f"credit:{self.row.credit_id}"
        return f"block:{self.row.block_id}:{self.row.action}"

    @property
    def kind(self) -> str:
        """Say what happened."""
        return (
            "credit.booked" if isinstance(self.row, AccountCredit) else f"block.{self.row.action}"
        )

    def body(self) -> bytes:
        """Write it as a message; the same one is always the same bytes, amounts are text."""
        data = self.row.model_dump(mode="json", exclude={"batch_token", "ledgered_at"})
        if isinstance(self.row, AccountCredit):
            data["amount"] = f"{self.row.amount:f}"
        content = {"type": self.kind, "timestamp": text_from_micros(self.row.at), "data": data}
        return orjson.dumps(content)


class EffectFollower(Follower[Effect]):
    """Sends credits and blocks to a program; a new one is told of all there are.

    Args:
        path: File of its place.

    Raises:
        CursorDamaged: If the file cannot be understood.
    """

    def __init__(self, name: str, path: Path, told: Told, sender: Posts) -> None:
        super().__init__(name, told)
        self._path, self._sender = path, sender
        try:
            self._next = _Stored.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            self._next = _Stored()
        except ValidationError as error:
            msg = f"{path} is damaged: remove it; all is sent again under the same ids"
            raise CursorDamaged(msg) from error
        path.parent.mkdir(parents=True, exist_ok=True)

    def _page(self) -> list[Effect]:
        """Read the credits, then the blocks, that come next."""
        with self._told.connect() as client:
            booked = credits_behind(client, self._next.credits, _PAGE)
            blocked = blocks_behind(client, self._next.blocks, _PAGE)
        return [*map(Effect, booked), *map(Effect, blocked)]

    def _tell(self, page: Sequence[Effect]) -> bool:
        for one in page:
            if not self._send(one):
                return False
            kind = "credits" if isinstance(one.row, AccountCredit) else "blocks"
            self._next = self._next.model_copy(update={kind: one.row.number + 1})
            write_atomic(self._path, self._next.model_dump_json().encode(), durable=True)
        return True

    def _send(self, one: Effect) -> bool:
        return self._attempts(one.name, lambda: self._sender.post(one.name, one.body()), 1)
