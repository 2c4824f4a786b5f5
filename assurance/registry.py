"""All controls there are. A new one is a file, and a line here; the laws test it from then on."""

from collections.abc import Iterator
from types import ModuleType

from assurance import clocks, file_numbers, files, node_numbers, schedule, sessions, streams
from assurance.alerts import Control
from assurance.checks import findings as checked
from assurance.following import (
    canary_accounts,
    charges,
    lateness,
    margin,
    near_copies,
    rounding,
    shadow,
    volume,
)
from assurance.following.control import StreamControl
from assurance.outside import bill_findings, partner_findings, served_findings
from assurance.price_book import findings
from assurance.reconciling.balances import Balances
from assurance.reconciling.canaries import Canaries
from assurance.reconciling.charged_twice import ChargedTwice
from assurance.reconciling.conservation import Conservation
from assurance.reconciling.control import Reconciliation
from assurance.reconciling.old_suspense import OldSuspense
from assurance.reconciling.ranges import Ranges
from assurance.reconciling.runs import Runs
from assurance.reconciling.stages import Collected, Logged, Stored
from assurance.test_calls import findings as test_calls

_OF_COLLECTION: tuple[ModuleType, ...] = (
    clocks, file_numbers, files, node_numbers, schedule, sessions, streams,
)  # fmt: skip
_OF_STREAM: tuple[type[StreamControl], ...] = (
    near_copies.NearCopies,
    shadow.Shadow,
    charges.Charges,
    rounding.Rounding,
    volume.Volume,
    lateness.Lateness,
    margin.Margin,
    canary_accounts.CanaryAccounts,
)
_OF_STORE: tuple[type[Reconciliation], ...] = (
    Runs, Conservation, Collected, Logged, Stored, Ranges, ChargedTwice, OldSuspense, Balances,
    Canaries,
)  # fmt: skip


def reconciliations() -> tuple[type[Reconciliation], ...]:
    """Give the controls that compare what the store holds."""
    return _OF_STORE


def stream_controls() -> tuple[type[StreamControl], ...]:
    """Give the controls that follow what was rated, in the order in which they work."""
    return _OF_STREAM


def tuned(name: str) -> type[StreamControl]:
    """Give the control that a threshold is of.

    Args:
        name: Such as `charges.times`: the module of the control comes first.
    """
    module = name.partition(".")[0]
    return next(one for one in _OF_STREAM if one.__module__.rpartition(".")[2] == module)


def controls() -> list[Control]:
    """Give every control, by number and name."""
    return sorted(_declared(), key=lambda one: (int(one.control_id[1:]), one.pattern))


def _declared() -> Iterator[Control]:
    for module in _OF_COLLECTION:
        yield from (one for one in vars(module).values() if isinstance(one, Control))
    yield from findings.CONTROLS.values()
    yield from test_calls.CONTROLS.values()
    yield from checked.CONTROLS.values()
    for others in (served_findings, partner_findings, bill_findings):
        yield from others.CONTROLS.values()
    for kind in _OF_STREAM:
        yield from kind.declared
    for compared in _OF_STORE:
        yield from compared.declared
