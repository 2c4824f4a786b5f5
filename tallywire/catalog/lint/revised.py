"""What the last revision of a tariff, or another catalogue, changes for numbers."""

from collections.abc import Iterator
from fractions import Fraction

from tallywire.catalog.effective import Effective
from tallywire.catalog.lint.found import (
    CHANGE,
    Deletion,
    Hits,
    change_text,
    deletion,
    subject,
    told,
)
from tallywire.catalog.places import Places, Row
from tallywire.catalog.problems import Problem, at_most
from tallywire.catalog.snapshot import Snapshot


def _last_start(effective: Effective) -> int:
    """Give the instant at which the last revision begins."""
    last = max(effective.revisions, default=0)
    starts = [row.valid_from_us for row in effective.rows if row.revision == last]
    return min(starts, default=0)


def revised(effective: Effective, places: Places, percent: Fraction) -> Iterator[Problem]:
    """Name the prices that the last revision moves by more than a percentage.

    The rows of a rate deck that follow one another within the last revision count, too.
    """
    since = max(_last_start(effective), effective.start + 1)
    found: list[Problem] = []
    for row in effective.rows:
        if row.valid_from_us < since:
            continue
        old = effective.at(row.prefix, row.valid_from_us - 1)
        if old is not None and not effective.alike(old, row):
            found += _changed(effective, old, effective, row, percent, places)
    yield from at_most(set(found), "prices that move by more")


def _changed(
    before: Effective, old: Row, after: Effective, new: Row, percent: Fraction, places: Places
) -> Iterator[Problem]:
    tariff_id = after.tariff.tariff_id
    zoned = old.zone_id == new.zone_id and not places.deck(tariff_id, new.revision)
    name = subject(old, new)
    if zoned:
        name = f"the zone {new.zone_id}" if new.zone_id else "the price"
    text = change_text(before, old, after, new, percent, name)
    if text is not None:
        yield places.problem(tariff_id, new, text, CHANGE)


def deletions_within(effective: Effective) -> Iterator[Deletion]:
    """Find prefixes that end with the last revision's start, or within it."""
    since = _last_start(effective)
    for row in effective.rows:
        end = row.valid_to_us
        if since <= end < effective.end and effective.exactly(row.prefix, end) is None:
            found = deletion(effective, row, effective, end)
            if found is not None:
                yield found


def _pairs(old: Snapshot, new: Snapshot) -> Iterator[tuple[Effective, Effective]]:
    """Give the tariffs that both catalogues have and that are not the same to the last row."""
    for name in sorted(old.tariffs.keys() & new.tariffs.keys()):
        one, other = old.tariffs[name], new.tariffs[name]
        same = one.prices == other.prices and one.prefixes.equals(other.prefixes)
        if not (same and one.currency == other.currency and one.calendar == other.calendar):
            yield Effective(one), Effective(other)


def deletions_since(old: Snapshot, new: Snapshot) -> list[Deletion]:
    """Find prefixes of an earlier catalogue that a later one has not at some time.

    Args:
        old: The earlier catalogue.
        new: The later one; only tariffs that both have are compared.
    """
    found = []
    for before, after in _pairs(old, new):
        for row in before.rows:
            moments = {row.valid_from_us}
            moments |= set(after.changes(row.prefix, row.valid_from_us, row.valid_to_us))
            missing = (at for at in sorted(moments) if after.exactly(row.prefix, at) is None)
            gone = (deletion(before, row, after, moment) for moment in missing)
            first = next((one for one in gone if one is not None), None)
            if first is not None:
                found.append(first)
    return found


def compared(
    old: Snapshot, new: Snapshot, places: Places, percent: Fraction, hits: Hits | None = None
) -> list[Problem]:
    """Compare the prices of an earlier catalogue with those of a later one, at every instant.

    Args:
        old: The earlier catalogue.
        new: The later one.
        places: Where the later one's prices were written.
        percent: Largest move of a price that needs no words.
        hits: Usage events by prefix of the earlier catalogue, where usage was given.
    """
    found = list(told(deletions_since(old, new), places, hits))
    for before, after in _pairs(old, new):
        if _measure(before) != _measure(after):
            text = "its currency or unit is another than before; prices are not compared"
            first = after.rows[:1]
            found += [places.problem(after.tariff.tariff_id, row, text, CHANGE) for row in first]
            continue
        moved = [one for row in after.rows for one in _since(before, after, row, places, percent)]
        found += at_most(set(moved), "prices that move by more")
    return found


def _measure(effective: Effective) -> tuple[str, str]:
    return effective.tariff.currency, effective.tariff.unit


def _since(
    before: Effective, after: Effective, row: Row, places: Places, percent: Fraction
) -> Iterator[Problem]:
    """Compare one row with what its numbers cost in the earlier catalogue: the first move."""
    moments = {row.valid_from_us}
    moments |= set(before.changes(row.prefix, row.valid_from_us, row.valid_to_us))
    for moment in sorted(moments):
        old = before.at(row.prefix, moment)
        if old is None or before.sense(old) == after.sense(row):
            continue
        moved = list(_changed(before, old, after, row, percent, places))
        if moved:
            yield moved[0]
            return
