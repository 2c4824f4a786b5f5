"""Putting catalogues into use: proposed by one, approved by another, activated at a date."""

from collections.abc import Callable, Sequence

from dataflows.catalogs import CatalogMisuse, CatalogStore
from schemas.catalog_history import CatalogStep, Step
from schemas.instants import text_from_micros
from tallywire.catalog import history
from tallywire.catalog.history import State

MOST_NAME, MOST_NOTE = 100, 2_000
"""Characters of a name and of a note."""

Steps = Sequence[CatalogStep]


def _refused(store: CatalogStore, text: str) -> CatalogMisuse:
    return CatalogMisuse.at(store.root, text)


def _person(store: CatalogStore, by: str) -> str:
    if not by.strip() or len(by) > MOST_NAME or not by.isprintable():
        raise _refused(store, f"--by {by!r}: write the name of a person")
    return by.strip()


def _note(store: CatalogStore, note: str) -> str:
    if len(note) > MOST_NOTE:
        raise _refused(store, f"--note has {len(note)} characters; {MOST_NOTE} are the most")
    return note.strip()


def _append(store: CatalogStore, made: Callable[[Steps], CatalogStep | None]) -> None:
    def steps(known: Steps) -> list[CatalogStep]:
        step = made(known)
        return [] if step is None else [step]

    store.record(steps)


def propose(store: CatalogStore, name: str, *, by: str, note: str, now_us: int) -> None:
    """Record that a person proposes an archived catalogue.

    Args:
        store: The archive.
        name: Hash of the catalogue.
        by: Who proposes.
        note: Why; may be empty.
        now_us: Microseconds UTC.

    Raises:
        CatalogMisuse: If it is in use already, or `by` is no name.
        CatalogError: If the history cannot be written.
    """
    by, note = _person(store, by), _note(store, note)

    def step(known: Steps) -> CatalogStep:
        if history.in_use(known, now_us) == name:
            raise _refused(store, f"catalogue {name[:12]} is in use already: nothing to propose")
        return CatalogStep(
            step=Step.PROPOSE, catalog_hash=name, by=by, recorded_at=now_us, note=note
        )

    _append(store, step)


def approve(store: CatalogStore, name: str, *, by: str, note: str, now_us: int) -> None:
    """Record that another person than the proposer approves a catalogue.

    Raises:
        CatalogMisuse: If nobody proposed it, `by` did, or `by` approved it before.
        CatalogError: If the history cannot be written.
    """
    by, note = _person(store, by), _note(store, note)

    def step(known: Steps) -> CatalogStep:
        proposed = history.proposers(known, name)
        if not proposed:
            text = f"catalogue {name[:12]} was not proposed; `tallywire catalog propose DIR` first"
            raise _refused(store, text)
        if any(history.same_person(by, one) for one in proposed):
            text = f"{by} proposed catalogue {name[:12]}: another person approves it"
            raise _refused(store, text)
        if any(history.same_person(by, one) for one in history.approvers(known, name)):
            raise _refused(store, f"{by} approved catalogue {name[:12]} already")
        return CatalogStep(
            step=Step.APPROVE, catalog_hash=name, by=by, recorded_at=now_us, note=note
        )

    _append(store, step)


def activate(
    store: CatalogStore, name: str, *, at_us: int | None, by: str, note: str, now_us: int
) -> None:
    """Record from when batches are rated under an approved catalogue.

    Args:
        store: The archive.
        name: Hash of the catalogue.
        at_us: From when, microseconds UTC; `None` for now.
        by: Who activates.
        note: Why; may be empty.
        now_us: Microseconds UTC.

    Raises:
        CatalogMisuse: If nobody approved it, the instant is past, or it is in use then anyway.
        CatalogDamaged: If it is not archived here.
        CatalogError: If the history cannot be written.
    """
    by, note = _person(store, by), _note(store, note)
    store.must_hold(name)
    store.load(name)
    effective = now_us if at_us is None else at_us

    def step(known: Steps) -> CatalogStep:
        if not history.approvers(known, name):
            text = f"catalogue {name[:12]} is not approved; another person than its proposer runs "
            raise _refused(store, f"{text}`tallywire catalog approve {name[:12]} --by NAME`")
        if effective < now_us:
            text = f"--at {text_from_micros(effective)} is past: usage rated since keeps its prices"
            raise _refused(store, f"{text}; write `now` or a date to come")
        if history.in_use(known, effective) == name:
            raise _refused(store, f"catalogue {name[:12]} is in use then already")
        return CatalogStep(
            step=Step.ACTIVATE, catalog_hash=name, by=by, recorded_at=now_us,
            effective_at=effective, note=note,
        )  # fmt: skip

    _append(store, step)


def roll_back(
    store: CatalogStore, name: str, *, by: str, note: str, now_us: int
) -> tuple[CatalogStep, list[history.Switch]]:
    """Put the catalogue that was in use before, or another that ever was, into use at once.

    Args:
        store: The archive.
        name: Hash of the catalogue to go back to; empty for the one in use before the present.
        by: Who goes back.
        note: Why; may be empty.
        now_us: Microseconds UTC.

    Returns:
        What was recorded, and the activations that were to come and are withdrawn.

    Raises:
        CatalogMisuse: If there is none to go back to, or it was never in use.
        CatalogDamaged: If its archive is missing or changed.
        CatalogError: If the history cannot be written.
    """
    by, note = _person(store, by), _note(store, note)
    made: list[CatalogStep] = []
    withdrawn: list[history.Switch] = []

    def step(known: Steps) -> CatalogStep:
        left = history.in_use(known, now_us)
        withdrawn.extend(history.scheduled(known, now_us))
        target = name or history.before(known, now_us)
        if not target:
            text = "no other catalogue was in use before: nothing to go back to"
            if left and withdrawn:
                text += f"; `rollback --to {left[:12]}` withdraws what is still to come"
            raise _refused(store, text)
        if not history.was_in_use(known, target, now_us):
            text = f"catalogue {target[:12]} was never in use; a rollback goes to one that was"
            raise _refused(store, text)
        if target == left and not withdrawn:
            raise _refused(store, f"catalogue {target[:12]} is in use already")
        store.load(target)
        made.append(CatalogStep(
            step=Step.ROLLBACK, catalog_hash=target, left_hash="" if target == left else left,
            by=by, recorded_at=now_us, effective_at=now_us, note=note,
        ))  # fmt: skip
        return made[0]

    _append(store, step)
    return made[0], withdrawn


def put_into_use(
    store: CatalogStore, name: str, *, by: str, now_us: int, approval_required: bool
) -> None:
    """Put a catalogue into use at once, as `compile` and `run --catalog` do.

    Where approval is required it must be approved and never have been in use: a run that names its
    folder again does not undo a rollback.

    Raises:
        CatalogMisuse: If approval is required and it has none, or is to come into use later.
        CatalogDamaged: If it is not archived here.
        CatalogError: If the history cannot be written.
    """

    def step(known: Steps) -> CatalogStep | None:
        state = history.state(known, name, now_us)
        if state is State.IN_USE:
            return None
        if approval_required and state is not State.APPROVED:
            raise _refused(store, _not_allowed(name, state))
        return CatalogStep(
            step=Step.ACTIVATE if approval_required else Step.USE, catalog_hash=name, by=by,
            recorded_at=now_us, effective_at=now_us,
        )  # fmt: skip

    store.must_hold(name)
    _append(store, step)


_WHY_NOT = {
    State.UNKNOWN: "was not proposed: `tallywire catalog propose DIR --by NAME`",
    State.PROPOSED: "is not approved yet: another person than its proposer runs "
    "`tallywire catalog approve {} --by NAME`",
    State.SCHEDULED: "comes into use at its date; to have it now: "
    "`tallywire catalog activate {} --at now`",
    State.USED_BEFORE: "was replaced; to go back: `tallywire catalog rollback --to {}`",
    State.ROLLED_BACK: "was rolled back; to have it again: "
    "`tallywire catalog activate {} --at now`",
}


def _not_allowed(name: str, state: State) -> str:
    short = name[:12]
    return (
        f"approval is required here (TALLYWIRE_CATALOG_APPROVAL); catalogue {short} "
        f"{_WHY_NOT[state].format(short)}"
    )
