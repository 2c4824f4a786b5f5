"""What is expected of a feed, compiled."""

from schemas.services import Unit
from tallywire.catalog.expect import Expect, Numbers
from tallywire.catalog.expect_models import ExpectEntry, NodesEntry, NumbersEntry, SequenceEntry
from tallywire.catalog.pricing import in_units
from tallywire.catalog.values import Amount


def _time(amount: Amount | None) -> int:
    return in_units(amount, Unit.MICROSECOND) or 0


def _numbers(entry: NumbersEntry) -> Numbers:
    after = entry.first if entry.wraps_to is None else entry.wraps_to
    return Numbers(entry.first, entry.wraps_at, after or 0)


FILES_OF_FORMAT = {
    "tap": Numbers(1, 99_999, 1), "rap": Numbers(1, 99_999, 1), "nrtrde": Numbers(1, 9_999_999, 1),
}  # fmt: skip
"""How files of a format are numbered, where it says so itself: five digits, or seven, from 1."""


def compiled_expect(entry: ExpectEntry | None, form: str) -> Expect:
    """Compile what is expected of a feed; without an entry nothing is, beyond numbers in order.

    Args:
        form: The feed's format.
    """
    usual = FILES_OF_FORMAT.get(form, Numbers())
    if entry is None:
        return Expect(files=usual)
    files, nodes = entry.sequence or SequenceEntry(), entry.nodes or NodesEntry()
    return Expect(
        name=files.name or "",
        files=usual if files.first is None and files.wraps_at is None else _numbers(files),
        grace_us=_time(entry.grace),
        every_us=_time(entry.every),
        calendar=entry.calendar or "",
        bands=entry.bands,
        empty_suspect=entry.empty_files == "suspect",
        nodes=_numbers(nodes) if entry.nodes else None,
        reorder=nodes.reorder,
        nodes_grace_us=_time(nodes.grace),
    )
