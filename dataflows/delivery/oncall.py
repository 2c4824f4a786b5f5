"""Calling who is on call, and the next one when nobody acknowledges."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from assurance.delivery.backoff import pause_ms
from assurance.delivery.folding import Message, fold, next_message_us
from assurance.delivery.rota import Call, Rota, calls
from assurance.delivery.rota import Told as Called
from assurance.suppression import active, suppressions
from dataflows import stop
from dataflows.delivery.cursor import CursorDamaged
from dataflows.delivery.follow import SendsMessages, Told
from dataflows.files import write_atomic
from dataflows.wall_clock import now_us
from schemas.alerts import Alert
from warehouse.client import StoreUnavailable
from warehouse.decisions import suppression_events
from warehouse.outbox import unanswered

_MOST = 1_000
"""Findings that are followed at once, the oldest first: what is known of them stays small."""
ONCALL = "oncall"


class _Stored(BaseModel):
    model_config = ConfigDict(extra="forbid")

    floor: int
    told: dict[str, tuple[int, int]] = {}


class Escalation:
    """Calls people about findings that nobody has acknowledged, in the order of the rota.

    Args:
        path: Where it is written down who was called about what.
        floor: Where it begins when there is no such file yet, microseconds UTC.
        senders: Of each person's channel, by the channel's name.

    Raises:
        CursorDamaged: If the file cannot be understood.
    """

    def __init__(
        self, path: Path, floor: int, rota: Rota, senders: Mapping[str, SendsMessages],
        told: Told, *, lines: int, per_minute: int,
    ) -> None:  # fmt: skip
        self.name = ONCALL
        self._path, self._rota, self._senders = path, rota, senders
        self._told, self._lines, self._per_minute = told, lines, per_minute
        self._last: int | None = None
        try:
            self._stored = _Stored.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            self._stored = _Stored(floor=floor)
        except ValidationError as error:
            msg = f"{path} is damaged: remove it; findings from then on are called about anew"
            raise CursorDamaged(msg) from error
        told.figures.add(ONCALL)
        self._save()

    def run(self) -> bool:
        """Look and call until asked to stop, or once; tell whether everybody could be called."""
        failed = 0
        while not stop.stopping():
            try:
                done = self._pass()
                if done:
                    self._told.figures.sent(ONCALL, 0)
            except StoreUnavailable as error:
                self._told.figures.failed(ONCALL, str(error))
                done = False
            if self._told.once:
                return done
            failed = 0 if done else failed + 1
            pause = self._told.every_s if done else pause_ms(failed, ONCALL) / 1_000
            stop.wait(pause)
        return True

    def _waiting(self) -> dict[str, Alert]:
        with self._told.connect() as client:
            found = unanswered(client, self._rota.severities, self._stored.floor, _MOST)
            held = active(suppressions(suppression_events(client)), now_us())
        return {
            alert.alert_id: alert
            for alert in found
            if not any(one.covers(alert.control_id, alert.entity_id) for one in held)
        }

    def _pass(self) -> bool:
        waiting = self._waiting()
        before = {name: Called(*told) for name, told in self._stored.told.items()}
        now = now_us()
        due, after = calls(self._rota, waiting, before, now)
        if due and now < next_message_us(self._last, self._per_minute):
            return True  # they stay due
        reached = [self._call(call, waiting, after) for call in due]
        for call, taken in zip(due, reached, strict=True):
            for alert_id in () if taken else call.alert_ids:
                if alert_id in before:
                    after[alert_id] = before[alert_id]
                else:
                    del after[alert_id]
        told = {name: (one.level, one.at) for name, one in after.items()}
        if told != self._stored.told:
            self._stored = _Stored(floor=self._stored.floor, told=told)
            self._save()
        return all(reached)

    def _call(self, call: Call, waiting: Mapping[str, Alert], after: Mapping[str, Called]) -> bool:
        """Call one person about all that is due, once; a failed call is due again."""
        folded = fold([waiting[alert_id] for alert_id in call.alert_ids], self._lines)
        times = max(after[alert_id].level for alert_id in call.alert_ids) + 1
        title = f"{call.person}, you are called (call {times}): {folded.title} to acknowledge"
        body = f"{folded.body}\nacknowledge: tallywire alerts ack ID, or assign its case"
        self._last = now_us()
        answer = self._senders[self._rota.people[call.person]].send(Message(title, body))
        if answer.taken:
            self._told.figures.sent(ONCALL, len(call.alert_ids))
        else:
            self._told.figures.failed(ONCALL, f"{call.person} is not reached: {answer.why}")
        return answer.taken

    def _save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self._path, self._stored.model_dump_json().encode(), durable=True)
