"""Keeping processes running: started in order, restarted with patience, ended cleanly, one log."""

import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from dataflows import stop, supervised
from dataflows.exits import Exit, explain, known
from dataflows.one_log import OneLog
from dataflows.progress import Supervised, Supervision
from dataflows.settings import Home

_LOOK_S = 0.1
_WANTED_S = 1.0
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_HEALTHY_S = 60.0
_DRAIN_S = 30.0
_LINES = 20


@dataclass(frozen=True)
class Service:
    """A process that shall run.

    Attributes:
        name: Names it in the log and in what is reported.
        command: Program and arguments.
        rank: Lower ones are started first and ended last.
        stamp: What it was started for; a service with another stamp is started anew.
        environment: What is added to its environment.
        patience_s: How long it may take to end.
    """

    name: str
    command: Sequence[str]
    rank: int
    stamp: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    patience_s: float = _DRAIN_S


@dataclass
class Child:
    """A service and its process.

    Attributes:
        pause_s: How long to wait before it is started again.
        careful: The last process died without a word.
        lines: The last it said.
    """

    service: Service
    seen: Supervised
    process: subprocess.Popen[bytes] | None = None
    pause_s: float = _FIRST_PAUSE_S
    started: float = 0.0
    careful: bool = False
    reader: threading.Thread | None = None
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_LINES))

    @property
    def running(self) -> bool:
        """Tell whether its process lives."""
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Runs what is wanted until it is told to stop.

    Args:
        home: Whose progress folder it reports to.
        wanted: Gives the services that shall run now; asked about once a second.
        log: Takes every line that a service says.
        tell: Told of what a person should know.
    """

    def __init__(
        self,
        home: Home,
        wanted: Callable[[], Sequence[Service]],
        log: OneLog,
        tell: Callable[[str], None],
    ) -> None:
        self._home, self._wanted, self._log, self._tell = home, wanted, log, tell
        self._children: dict[str, Child] = {}
        self._supervision = Supervision()

    def run(self) -> int:
        """Keep everything running; give an exit code when told to stop."""
        looked = -_WANTED_S
        while not stop.stopping():
            if time.monotonic() - looked >= _WANTED_S:
                self._meet(self._asked())
                looked = time.monotonic()
            self._look()
            stop.wait(_LOOK_S)
        return self.end()

    def _asked(self) -> Sequence[Service]:
        """Ask what shall run; while that cannot be told, what runs goes on."""
        try:
            return self._wanted()
        except Exception as error:
            if known(error) is None:
                raise
            self._tell(explain(error))
            return [child.service for child in self._children.values()]

    def _meet(self, wanted: Sequence[Service]) -> None:
        """Start what is missing, end what is not wanted any more or has changed."""
        names = {service.name: service for service in wanted}
        for name, child in list(self._children.items()):
            service = names.get(name)
            if service is None or service.stamp != child.service.stamp:
                self._stop([child])
                del self._children[name]
                del self._supervision.processes[name]
                self._supervision.write(self._home.progress)
        for service in sorted(wanted, key=lambda one: one.rank):
            if service.name not in self._children and not stop.stopping():
                child = Child(service, Supervised("running"))
                self._children[service.name] = child
                self._supervision.processes[service.name] = child.seen
                self._start(child)

    def _start(self, child: Child) -> None:
        service = child.service
        child.lines.clear()
        child.process = subprocess.Popen(  # noqa: S603  our own modules
            list(service.command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
            env={
                **os.environ, **service.environment,
                **supervised.environment(careful=child.careful),
            },
        )  # fmt: skip
        child.started = time.monotonic()
        child.reader = threading.Thread(
            target=self._read, args=(child, child.process.stdout), daemon=True
        )
        child.reader.start()
        self._state(child, "running", "")
        self._log.say(service.name, "started", pid=child.process.pid, careful=child.careful)

    def _read(self, child: Child, output: IO[bytes]) -> None:
        with output:
            for line in output:
                text = line.decode(errors="replace").rstrip("\n")
                child.lines.append(text)
                self._log.take(child.service.name, text)

    def _state(self, child: Child, state: Any, problem: str) -> None:  # noqa: ANN401  a literal
        seen = child.seen
        if seen.state != state:
            seen.since = time.time()
        seen.state, seen.problem = state, problem
        seen.pid = child.process.pid if child.process is not None and child.running else 0
        self._supervision.write(self._home.progress)

    def _look(self) -> None:
        now = time.monotonic()
        for child in self._children.values():
            if child.running:
                if now - child.started > _HEALTHY_S:
                    child.pause_s, child.careful = _FIRST_PAUSE_S, False
            elif child.seen.state == "running":
                self._ended(child)
            elif child.seen.state == "backing_off" and now - child.started >= child.pause_s:
                child.pause_s = min(2 * child.pause_s, _LONGEST_PAUSE_S)
                child.seen.restarts += 1
                self._start(child)

    def _ended(self, child: Child) -> None:
        """Decide what becomes of a service that ended by itself."""
        code = child.process.returncode if child.process else 0
        if child.reader is not None:
            child.reader.join(1.0)
        said = "" if code < 0 else self._log.reason(child.lines)
        child.careful = child.careful or code < 0 or (code > 0 and not said)
        reason = said or _died(code)
        name = child.service.name
        if code == Exit.DAMAGED:
            self._state(child, "failed", reason)
            self._tell(f"{name} is not started again: {reason}")
        else:
            child.started = time.monotonic()
            self._state(child, "backing_off", reason)
            self._tell(f"{name} ended and is started again in {child.pause_s:g} s: {reason}")
        self._log.say(name, "ended", code=code, reason=reason)

    def _stop(self, children: Sequence[Child]) -> None:
        """Ask processes to end, and end those that do not."""
        for child in children:
            if child.running and child.process is not None:
                child.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + max((one.service.patience_s for one in children), default=0)
        for child in children:
            if child.process is None:
                continue
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._tell(f"{child.service.name} did not end in time and was killed")
                child.process.kill()
                child.process.wait()
            self._state(child, "stopped", "")
            self._log.say(child.service.name, "stopped", code=child.process.returncode)

    def end(self) -> int:
        """End everything, those that feed others first; tell whether something had failed."""
        failed = any(child.seen.state == "failed" for child in self._children.values())
        ranks = sorted({child.service.rank for child in self._children.values()}, reverse=True)
        for rank in ranks:
            self._stop([one for one in self._children.values() if one.service.rank == rank])
        return int(Exit.INCOMPLETE if failed else Exit.DONE)


def _died(code: int) -> str:
    if code < 0:
        return f"it was ended by {signal.Signals(-code).name}"
    return f"it ended with code {code}"
