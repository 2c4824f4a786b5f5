"""What lint finds by comparing prices: changes beyond a percentage, and deletions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from tallywire.catalog.comparing import moves
from tallywire.catalog.effective import Effective
from tallywire.catalog.places import Places, Row
from tallywire.catalog.problems import Problem, at_most
from tallywire.catalog.prose import date_words, price_words

CHANGE, DELETED = "price_change", "prefix_deleted"

Hits = Mapping[tuple[str, str], int]
"""Tariff id and prefix to the usage events that the prefix decided."""


def subject(old: Row, new: Row) -> str:
    """Name the numbers that are priced, and what they matched before where that was another row."""
    prefix = f"the prefix {new.prefix or 'any'}"
    if old.prefix != new.prefix:
        return f"{prefix}, before in {old.prefix or 'any'},"
    return prefix if old.zone_id == new.zone_id else f"{prefix}, before in zone {old.zone_id},"


def change_text(
    before: Effective, old: Row, after: Effective, new: Row, percent: Fraction, name: str
) -> str | None:
    """Say how far a price moves, where that is more than a percentage.

    Args:
        before: Tariff of the old price.
        old: Row of the old price.
        after: Tariff of the new price.
        new: Row of the new price.
        percent: Largest move that needs no words.
        name: What is priced.
    """
    found = [
        move
        for move in moves(before.price(old), before.tariff, after.price(new), after.tariff)
        if move.beyond(percent)
    ]
    if not found:
        return None
    largest = max(found, key=lambda move: move.size)
    return f"{name} moves {largest.words(after.tariff.currency)}"


@dataclass(frozen=True)
class Deletion:
    """A prefix that is there and then is not, so that its numbers fall to another price.

    Attributes:
        tariff_id: Its tariff.
        row: The row that is gone.
        fallback: What its numbers match afterwards, or none: they have no price.
        moment_us: When it is gone, microseconds UTC.
        text: What it means, in words.
    """

    tariff_id: str
    row: Row
    fallback: Row | None
    moment_us: int
    text: str


def deletion(before: Effective, row: Row, after: Effective, moment: int) -> Deletion | None:
    """Judge the numbers of a row at an instant at which the row is gone.

    Returns:
        The deletion, or nothing where its numbers cost the same as before.
    """
    fallback = after.at(row.prefix, moment)
    if fallback is not None and after.sense(fallback) == before.sense(row):
        return None
    old = before.price(row)
    zone = after.tariff.calendar.time_zone
    since = f" from {date_words(moment, zone)} on" if date_words(moment, zone) else ""
    cost = price_words(old, before.tariff)
    if fallback is None:
        what = f"its numbers cost {cost} and have no price then"
    else:
        what = (
            f"its numbers fall to {fallback.prefix or 'any'}: they cost {cost} and cost "
            f"{price_words(after.price(fallback), after.tariff)} then"
        )
    text = f"the prefix {row.prefix or 'any'} is gone{since}; {what}"
    return Deletion(before.tariff.tariff_id, row, fallback, moment, text)


def told(found: list[Deletion], places: Places, hits: Hits | None) -> Iterator[Problem]:
    """Tell deletions, of each tariff the first ones.

    Args:
        found: Deletions.
        places: Where the rows of the catalogue that lint reads were written.
        hits: Usage events by prefix: only prefixes with usage are told singly then.
    """
    by_tariff: dict[str, list[Deletion]] = {}
    for one in found:
        by_tariff.setdefault(one.tariff_id, []).append(one)
    for tariff_id, every in by_tariff.items():
        used: list[Problem] = []
        idle: list[Problem] = []
        for one in every:
            count = None if hits is None else hits.get((tariff_id, one.row.prefix), 0)
            text = one.text
            if count:
                text += f"; {count} usage event{'' if count == 1 else 's'} matched it"
            place = places.problem(tariff_id, one.fallback or one.row, text, DELETED)
            (idle if count == 0 else used).append(place)
        yield from at_most(used, "deleted prefixes")
        if idle:
            first = min(idle)
            several = "prefix without usage is" if len(idle) == 1 else "prefixes without usage are"
            text = f"{len(idle)} {several} gone"
            yield Problem(first.file, first.line, "", text, DELETED)
