"""Which rules of TAP a file breaks, in lines; and the error code that it goes back with."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tallywire.mediation.decoders import TAP
from tallywire.mediation.decoders.tap import TapOptions
from tallywire.mediation.decoders.tap.examine import Fault, examined
from tallywire.mediation.decoders.tap.rules import Level
from tallywire.mediation.framing import frame
from tallywire.mediation.returned import code_of


def faults_of(path: Path, options: TapOptions) -> list[Fault]:
    """Examine a file, read as a whole.

    Raises:
        OSError: If it cannot be read.
    """
    data = path.read_bytes()
    head = data[: TAP.prologue(data, at_end=True) or 0]
    return examined(frame(data, TAP, at_end=True, prologue=head)[0], options)


def _code(fault: Fault, options: TapOptions) -> int | None:
    reason = fault.rule.reason
    return code_of(fault.rule, reason.value if reason else "", options.error_codes)


def fatal_code(faults: Sequence[Fault], options: TapOptions) -> int | None:
    """Give the code of the first fatal rule that is broken and has one."""
    for fault in faults:
        if fault.rule.level is Level.FATAL:
            code = _code(fault, options)
            if code is not None:
                return code
    return None


def told(faults: Sequence[Fault], options: TapOptions) -> Iterator[str]:
    """Say which rules are broken, a line each."""
    for fault in faults:
        code = _code(fault, options)
        events = (
            f"; {fault.records} event{'' if fault.records == 1 else 's'}" if fault.records else ""
        )
        error = "" if fault.rule.level is Level.WARNING else (
            "; no error code is agreed" if code is None else f"; error code {code}"
        )  # fmt: skip
        yield f"{fault.rule.level.value} {fault.rule.rule_id}: {fault.words}{events}{error}"
    if not faults:
        yield "no rule is broken"
