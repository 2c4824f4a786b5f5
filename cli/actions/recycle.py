"""Recycling as an action: records of suspense, each named with the number of its try."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from assurance.actions.asked import MOST_RECORDS, ActionRefusedError, RecycleAsked
from assurance.actions.fold import Action
from cli.actions.doing import Doing, Result
from cli.printed import money
from cli.reading import reader
from cli.recycle.requests import put_before_lanes, requests_of
from cli.recycle.work import all_tried, work
from cli.suspended import suspense_rows
from dashboards.queries import rows
from dataflows.settings import Home, Settings
from dataflows.shares import check_whole
from schemas.outcomes import SuspenseEvent


def chosen(settings: Settings, ids: Sequence[str], reason: str, feed: str) -> RecycleAsked:
    """Choose the records that are meant, and the number of the try that is each one's next.

    Raises:
        ActionRefusedError: If there are none, or too many.
    """
    wanted = list(ids)
    if not wanted:
        with reader(settings) as client:
            asked = {"reason": reason, "feed": feed, "limit": MOST_RECORDS + 1}
            wanted = [row["suspense_id"] for row in rows(client, "suspense_list", asked)]
    if len(wanted) > MOST_RECORDS:
        msg = f"more than {MOST_RECORDS:,} records: narrow it by --reason, --feed or ids"
        raise ActionRefusedError(msg)
    held = [event for events in _held(settings, wanted).values() for event in events]
    requests, refused = requests_of(held)
    attempts = {
        one.suspended.suspense_id: one.attempt for found in requests.values() for one in found
    }
    if not attempts:
        told = f" ({refused[0]})" if refused else ""
        msg = f"no open record of suspense is meant{told}: see `tallywire suspense list`"
        raise ActionRefusedError(msg)
    return RecycleAsked(attempts=dict(sorted(attempts.items())))


def _held(settings: Settings, ids: Sequence[str]) -> dict[str, list[SuspenseEvent]]:
    """Give the rows of records that are still held, by id."""
    found: dict[str, list[SuspenseEvent]] = {}
    for event in suspense_rows(settings, list(ids)):
        found.setdefault(event.suspense_id, []).append(event)
    return {
        key: events for key, events in found.items() if sum(event.change for event in events) > 0
    }


class Recycling(Doing[RecycleAsked]):
    """Tries records again."""

    def figures(self, settings: Settings, asked: RecycleAsked) -> dict[str, Any]:
        """Count the records that still wait for this try, by reason, with their worth."""
        waiting = [
            events[-1]
            for key, events in sorted(_held(settings, list(asked.attempts)).items())
            if events[-1].attempt + 1 == asked.attempts[key]
        ]
        reasons: dict[str, int] = {}
        worth: dict[str, Decimal] = {}
        for event in waiting:
            reasons[event.reason] = reasons.get(event.reason, 0) + 1
            if event.estimated_amount is not None:
                known = worth.get(event.estimated_currency, Decimal(0))
                worth[event.estimated_currency] = known + event.estimated_amount
        return {"records": len(waiting), "reasons": reasons, "worth": worth}

    def carry_out(self, settings: Settings, who: str, action: Action) -> Result | None:  # noqa: ARG002  nobody's name goes to a lane
        """Put the same requests before the lanes, however often; count what became of them."""
        attempts = RecycleAsked.model_validate(action.asked).attempts
        check_whole(Home(settings.home))
        before = [
            event
            for event in suspense_rows(settings, list(attempts))
            if event.change > 0 and event.attempt + 1 == attempts[event.suspense_id]
        ]
        if not all_tried(settings, attempts):
            put_before_lanes(Home(settings.home), before)
            work(settings, attempts)
        if not all_tried(settings, attempts):
            return None
        left = len(attempts) - len(_held(settings, list(attempts)))
        ids = sorted({str(event.event_id) for event in before})
        with reader(settings) as client:
            found = rows(client, "charged_of_events", {"ids": ids})
        charged = {row["currency"]: row["amount"] for row in found}
        told = ", ".join(f"{money(amount)} {name}" for name, amount in charged.items())
        content = {"tried": len(attempts), "left_suspense": left, "charged": charged}
        words = f"{len(attempts)} records tried, {left} left suspense, charged {told or 'nothing'}"
        return Result(content, words)

    def words(self, asked: RecycleAsked) -> str:
        """Say how many."""
        return f"try {len(asked.attempts):,} suspended records again"
