"""Exit codes, and one sentence for everything that can stop a worker."""

import errno
from collections.abc import Iterator
from enum import IntEnum

from dataflows.catalogs import CatalogDamaged, CatalogMisuse
from dataflows.files import LaneTaken
from dataflows.groups import GroupsWrong
from dataflows.ingest.log import IngestMisuse
from dataflows.journal import JournalDamaged
from dataflows.kafka.errors import (
    KafkaMisuse,
    KafkaRefused,
    KafkaUnavailable,
    OffsetExpired,
    RegistryMissing,
    RegistryUnavailable,
)
from dataflows.ledger import LedgerDamaged
from dataflows.sinks.log import LayoutChanged
from dataflows.sinks.store import StoreGone
from dataflows.sources.folder import InputMissing
from dataflows.sources.openings import InputChanged
from dataflows.upgrades import HomeTooNew
from dataflows.usage_log.blocks import BlockDamaged
from warehouse.client import StoreError, StoreUnavailable
from warehouse.owners import StaleOwner


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


_CODES: tuple[tuple[type[BaseException], Exit], ...] = (
    (StoreGone, Exit.STORE),
    (StoreUnavailable, Exit.STORE),
    (KafkaUnavailable, Exit.STORE),
    (KafkaRefused, Exit.STORE),
    (RegistryUnavailable, Exit.STORE),
    (RegistryMissing, Exit.USAGE),
    (KafkaMisuse, Exit.USAGE),
    (StaleOwner, Exit.TAKEN),
    (LaneTaken, Exit.TAKEN),
    (StoreError, Exit.STORE),
    (InputMissing, Exit.USAGE),
    (InputChanged, Exit.DAMAGED),
    (LayoutChanged, Exit.USAGE),
    (IngestMisuse, Exit.USAGE),
    (HomeTooNew, Exit.USAGE),
    (LedgerDamaged, Exit.DAMAGED),
    (JournalDamaged, Exit.DAMAGED),
    (BlockDamaged, Exit.DAMAGED),
    (CatalogDamaged, Exit.DAMAGED),
    (CatalogMisuse, Exit.USAGE),
    (GroupsWrong, Exit.USAGE),
    (OffsetExpired, Exit.DAMAGED),
    (OSError, Exit.MACHINE),
)


def _chain(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__


def known(error: BaseException) -> tuple[BaseException, Exit] | None:
    """Find the cause that has a name, innermost last in the chain of a flow's exception."""
    for kind, code in _CODES:
        for link in _chain(error):
            if isinstance(link, kind):
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
