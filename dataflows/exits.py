"""Exit codes, and one sentence for everything that can stop a worker."""

import errno
from collections.abc import Iterator, Mapping
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command; published in docs/reference/cli.md."""

    DONE = 0
    PROBLEMS = 1
    USAGE = 2
    INCOMPLETE = 3
    STORE = 4
    TAKEN = 5
    DAMAGED = 6
    MACHINE = 7
    INTERNAL = 70


CODES: Mapping[str, Exit] = {
    "dataflows.catalogs.CatalogRefused": Exit.PROBLEMS,
    "dataflows.sinks.store.StoreGone": Exit.STORE,
    "warehouse.errors.StoreUnavailable": Exit.STORE,
    "dataflows.kafka.errors.KafkaUnavailable": Exit.STORE,
    "dataflows.kafka.errors.KafkaRefused": Exit.STORE,
    "dataflows.kafka.errors.RegistryUnavailable": Exit.STORE,
    "dataflows.kafka.errors.RegistryMissing": Exit.USAGE,
    "dataflows.kafka.errors.KafkaMisuse": Exit.USAGE,
    "warehouse.owners.StaleOwner": Exit.TAKEN,
    "dataflows.files.LaneTaken": Exit.TAKEN,
    "warehouse.errors.StoreError": Exit.STORE,
    "dataflows.sources.folder.InputMissing": Exit.USAGE,
    "dataflows.sources.openings.InputChanged": Exit.DAMAGED,
    "dataflows.sinks.log.LayoutChanged": Exit.USAGE,
    "dataflows.ingest.log.IngestMisuse": Exit.USAGE,
    "dataflows.overlay.bill_map.BillMapWrong": Exit.USAGE,
    "assurance.outside.reading.ListWrongError": Exit.USAGE,
    "dataflows.upgrades.HomeTooNew": Exit.USAGE,
    "dataflows.ledger.LedgerDamaged": Exit.DAMAGED,
    "dataflows.fetching.fetched.ListDamaged": Exit.DAMAGED,
    "dataflows.journal.JournalDamaged": Exit.DAMAGED,
    "dataflows.usage_log.blocks.BlockDamaged": Exit.DAMAGED,
    "dataflows.catalogs.CatalogDamaged": Exit.DAMAGED,
    "dataflows.catalogs.CatalogMisuse": Exit.USAGE,
    "dataflows.groups.GroupsWrong": Exit.USAGE,
    "dataflows.desk.DeskMisuse": Exit.USAGE,
    "dataflows.controls.thresholds.ThresholdsWrong": Exit.USAGE,
    "dataflows.delivery.targets.DeliveryMisuse": Exit.USAGE,
    "dataflows.canaries.key.CanaryMisuse": Exit.USAGE,
    "dataflows.delivery.cursor.CursorDamaged": Exit.DAMAGED,
    "assurance.cases.states.CaseRefusedError": Exit.PROBLEMS,
    "assurance.actions.asked.ActionRefusedError": Exit.PROBLEMS,
    "assurance.suppression.SuppressionRefusedError": Exit.USAGE,
    "dataflows.kafka.errors.OffsetExpired": Exit.DAMAGED,
    "builtins.OSError": Exit.MACHINE,
}
"""Exceptions by name, the first that fits wins: nothing is imported only to be recognised."""


def _names(kind: type[BaseException]) -> set[str]:
    return {f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__}


def _chain(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__


def known(error: BaseException) -> tuple[BaseException, Exit] | None:
    """Find the cause that has a name, innermost last in the chain of a flow's exception."""
    links = [(link, _names(type(link))) for link in _chain(error)]
    for name, code in CODES.items():
        for link, names in links:
            if name in names:
                return link, code
    return None


def exit_code(error: BaseException) -> int:
    """Give the exit code of what stopped a worker."""
    found = known(error)
    return int(found[1] if found else Exit.INTERNAL)


def explain(error: BaseException) -> str:
    """Say in one sentence what happened, where, and what to do."""
    found = known(error)
    if found is None:
        innermost = list(_chain(error))[-1]
        return f"unexpected {type(innermost).__name__}: {innermost}; please report it with the log"
    cause, code = found
    if code is Exit.MACHINE and isinstance(cause, OSError):
        return _machine(cause)
    return str(cause)


def _machine(error: OSError) -> str:
    place = f" ({error.filename})" if error.filename else ""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return f"the disk is full{place}: free some space and run again; nothing is lost"
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return f"not permitted{place}: give this user the right to read or write there"
    return f"{error.strerror or error}{place}"
