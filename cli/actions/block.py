"""A block as an action: an entry of a list that is published; its effect is the receiver's."""

from typing import Any

from assurance.actions.asked import ActionRefusedError, BlockAsked
from assurance.actions.blocks import Block, blocks
from assurance.actions.fold import Action
from assurance.cases.fold import Case
from cli.actions.credit import account_known
from cli.actions.doing import Doing, Result
from dataflows.desk import Desk, desk
from dataflows.settings import Settings
from dataflows.wall_clock import now_us
from schemas.actions import BlockEvent
from schemas.instants import text_from_micros
from warehouse.actions import block_events, next_number
from warehouse.client import Client

_YEAR_US = 366 * 24 * 3_600_000_000


def held(client: Client, now: int) -> list[Block]:
    """Give the blocks that hold now."""
    return [one for one in blocks(block_events(client)) if one.active(now)]


class Blocking(Doing[BlockAsked]):
    """Puts an account, or a called prefix, on the list."""

    def figures(self, settings: Settings, asked: BlockAsked) -> dict[str, Any]:
        """Say what is blocked until when."""
        if asked.target == "account":
            account_known(settings, asked.value)
        now = now_us()
        if not now < asked.until <= now + _YEAR_US:
            msg = f"a block ends within a year, not at {text_from_micros(asked.until)}"
            raise ActionRefusedError(msg)
        return {"target": asked.target, "value": asked.value, "until": asked.until}

    def check(self, here: Desk, case: Case, asked: BlockAsked) -> None:  # noqa: ARG002  any open case will do
        """Make sure that it is not on the list already."""
        for one in held(here.client, now_us()):
            if (one.begun.target, one.begun.value) == (asked.target, asked.value):
                ends = text_from_micros(one.begun.until)
                msg = f"{asked.target} {asked.value} is blocked until {ends}: {one.begun.block_id}"
                raise ActionRefusedError(msg)

    def carry_out(self, settings: Settings, who: str, action: Action) -> Result:
        """Store the entry, once, at the desk."""
        asked = BlockAsked.model_validate(action.asked)
        with desk(settings, who) as here:
            if not block_events(here.client, action.action_id):
                entry = BlockEvent(
                    block_id=action.action_id, tenant_id=action.tenant_id,
                    number=next_number(here.client, "block_events"), at=now_us(), who=who,
                    action="begun", target=asked.target, value=asked.value, until=asked.until,
                    owner=asked.owner, why=asked.why, case_id=action.case_id,
                )  # fmt: skip
                here.keep("block_events", [entry], entry.at, f"block-{action.action_id}-begun")
            kept = block_events(here.client, action.action_id)[0]
        content = {"block_id": kept.block_id, "number": kept.number, "target": kept.target,
                   "value": kept.value, "until": kept.until}  # fmt: skip
        told = f"{kept.target} {kept.value} blocked until {text_from_micros(kept.until)}"
        return Result(content, told, f"block:{kept.block_id}")

    def words(self, asked: BlockAsked) -> str:
        """Say what, and until when."""
        return f"block {asked.target} {asked.value} until {text_from_micros(asked.until)}"
