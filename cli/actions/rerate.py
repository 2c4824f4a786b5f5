"""Re-rating as an action: the request of `tallywire rerate`, under a name that is known before."""

import uuid
from decimal import Decimal
from typing import Any

import xxhash

from assurance.actions.asked import ActionRefusedError, RerateAsked
from assurance.actions.fold import Action
from assurance.cases.ledger import Account, Step
from cli.actions.doing import Booking, Doing, Result
from cli.printed import money
from cli.rerate.command import approved, corrections
from cli.rerate.materialise import Correction
from cli.rerate.preview import preview
from cli.rerate.selection import Selection
from cli.rerate.work import stale, worked
from cli.rerate.world import Way, World, world_of
from dashboards.queries import rows
from dataflows.requests import Asked as Requested
from dataflows.settings import Settings
from schemas.requests import CorrectionReason
from tallywire.catalog.snapshot import FOREVER_US

_NOBODY = uuid.UUID(int=0)


def correction_of(asked: RerateAsked) -> Correction:
    """Give what `tallywire rerate` would be asked."""
    selection = Selection(
        account=asked.account, event=asked.event, tariff=asked.tariff, zone=asked.zone,
        revision=-1 if asked.revision is None else asked.revision,
        since=asked.since, until=min(asked.until, FOREVER_US),
    )  # fmt: skip
    reason = CorrectionReason(asked.reason)
    return Correction(selection, reason, asked.catalog, rater=asked.rater)


class Rerating(Doing[RerateAsked]):
    """Rates charges again.

    Args:
        way: How the store is read, and how lanes come to work.
    """

    def __init__(self, way: Way | None = None) -> None:
        self._way = way

    def _world(self, settings: Settings) -> World:
        return world_of(settings, self._way)

    def figures(self, settings: Settings, asked: RerateAsked) -> dict[str, Any]:
        """Work it without keeping anything: charges concerned, rows to write, money."""
        world = self._world(settings)
        if not approved(world, asked.catalog):
            msg = f"catalogue {asked.catalog[:12]} is not approved: approve it first"
            raise ActionRefusedError(msg)
        found = corrections(world, correction_of(asked), _NOBODY)
        made = preview(world, found)
        return {
            "charges": sum(int(one.standing["selected"].sum()) for one in found),
            "accounts": len({name for one in found for name in one.routing_ids}),
            "rows": made["rows"],
            "difference": made["totals"],
            "stay_as_charged": len(made["refused"]),
        }

    def plan(self, action: Action) -> dict[str, Any]:
        """Name the request by the action: rows that it leads to are found by that name."""
        name = xxhash.xxh3_128_digest(action.action_id.encode())
        return {"request_id": str(uuid.UUID(bytes=name))}

    def carry_out(self, settings: Settings, who: str, action: Action) -> Result | None:  # noqa: ARG002  lanes do not ask for names
        """Put it before the lanes; charges that were corrected come out the same and stay."""
        asked = RerateAsked.model_validate(action.asked)
        request_id = uuid.UUID((action.plan or {})["request_id"])
        world, correction = self._world(settings), correction_of(asked)
        first = corrections(world, correction, request_id)
        if preview(world, first)["rows"]:

            def read(only: Any) -> list[Requested]:  # noqa: ANN401  as `worked` calls it
                return first if only is None else corrections(world, correction, request_id, only)

            if stale(worked(settings, request_id, read, world.way)):
                return None
        return self._result(settings, world, request_id)

    def _result(self, settings: Settings, world: World, request_id: uuid.UUID) -> Result:
        with world.way.store(settings) as client:
            found = rows(client, "request_money", {"id": str(request_id)})
        revenue = {row["currency"]: row["difference"] for row in found if not row["is_cost"]}
        costs = {row["currency"]: row["difference"] for row in found if row["is_cost"]}
        written = sum(row["written"] for row in found)
        content = {
            "request_id": str(request_id), "rows": written, "difference": revenue, "costs": costs,
        }  # fmt: skip
        told = ", ".join(f"{_signed(amount)} {name}" for name, amount in revenue.items())
        words = f"{written:,} rows written, {told or 'no money'}: request {request_id}"
        bookings = [
            Booking(Account(name, "under" if amount > 0 else "over"), Step.RECOVERED, abs(amount))
            for name, amount in revenue.items()
            if amount
        ]
        return Result(content, words, f"rerate:{request_id}" if written else "", bookings)

    def words(self, asked: RerateAsked) -> str:
        """Say what is selected, and why."""
        told = correction_of(asked).selection.told()
        named = " ".join(f"{key} {told[key]}" for key in told if key not in {"since", "until"})
        rater = " by the rulebook" if asked.rater else ""
        return f"rate {named} again{rater} ({asked.reason})"


def _signed(amount: Decimal) -> str:
    return f"{'+' if amount > 0 else ''}{money(amount)}"
