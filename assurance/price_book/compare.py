"""Holding a catalogue against a price book: calls that would be charged otherwise, by cause."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from functools import cache
from typing import Any

from assurance.price_book.entries import MODES, BookEntry, Sheet, rounded
from schemas.columns import rows_to_frame
from schemas.services import UNIT_OF_SERVICE, Service
from schemas.usage import UsageEvent
from tallywire.catalog.snapshot import Offer, Snapshot
from tallywire.rating.rulebook import Refusal, Rulebook
from tallywire.rating.rulebook.book import RETAIL, Leg
from tallywire.rating.rulebook.recorded import RecordedAmounts, RecordedTally

_OFFER = "price-book"
_SECOND = 1_000_000
_MOST_DECIMALS = 9
_REST = ("5551234", "0000000", "1111111", "2222222", "9999999", "7654321")


class Cause(StrEnum):
    """Why a catalogue charges otherwise than the book."""

    MISSING = "no_price"
    PREFIX = "child_prefix_missing"
    FREE = "zero_rated"
    VERSION = "wrong_version"
    INCREMENT = "wrong_increment"
    ROUNDING = "wrong_rounding"
    PRICE = "other_price"


@dataclass(frozen=True)
class Difference:
    """A call that the catalogue charges otherwise.

    Attributes:
        catalogue: What the catalogue charges; nothing where it has no price.
        revision: The tariff's revision that made it.
    """

    entry: BookEntry
    at_us: int
    duration_us: int
    cause: Cause
    book: Fraction
    catalogue: Fraction | None
    revision: int


@dataclass(frozen=True)
class Stretch:
    """Differences of one cause, from the first day to the last.

    Attributes:
        entries: The line of the book that they are of; of rounding all lines of the tariff, as it
            is the tariff that is rounded.
        last_us: The last probed instant at which it holds.
        example: The first of them.
    """

    entries: tuple[BookEntry, ...]
    cause: Cause
    first_us: int
    last_us: int
    example: Difference


class Prices:
    """What a catalogue charges for calls by a tariff, whoever makes them."""

    def __init__(self, snapshot: Snapshot) -> None:
        offer = Offer(_OFFER, {}, (), snapshot.time_zone)
        self._book = Rulebook(replace(snapshot, offers={_OFFER: offer}))
        self.snapshot = snapshot
        self._template = cache(_template)

    def charge(
        self, tariff: str, number: str, at_us: int, duration_us: int, usage_type: str = ""
    ) -> tuple[Fraction, str, int] | None:
        """Give charge, prefix and revision of a call; nothing where it has no price.

        Args:
            duration_us: Of what is no call the quantity.
        """
        row = {
            **self._template(self.snapshot.tariffs[tariff].service), "start_time": at_us,
            "quantity": duration_us, "duration_us": duration_us, "b_number": number,
            "usage_type": usage_type,
        }  # fmt: skip
        values: Iterator[int] = iter(())
        currency = self.snapshot.tariffs[tariff].currency
        made = self._book.charge(
            row, Leg(RETAIL, "revenue", "", (tariff,)), RecordedTally(values),
            RecordedAmounts(values, currency),
        )  # fmt: skip
        if isinstance(made, Refusal):
            return None
        amount = Fraction(made.row["amount"])
        return amount, str(made.row["matched_prefix"]), int(made.row["tariff_revision"])


def _template(service: str) -> Mapping[str, Any]:
    """Make the fields of an event that all probed calls have in common."""
    event = UsageEvent(
        service=service, unit=UNIT_OF_SERVICE[Service(service)].value, quantity=1, start_time=0,
        offer_id=_OFFER, account_id=_OFFER, subscription_id=_OFFER, routing_id=_OFFER,
    )  # fmt: skip
    return rows_to_frame([event], UsageEvent).row(0, named=True)


def compare(
    entries: Sequence[BookEntry], prices: Prices, moments: Iterable[int]
) -> Iterator[Difference]:
    """Charge calls by both and give those that differ.

    Args:
        moments: Instants at which calls begin; those of a line's own bounds are added.

    Raises:
        KeyError: If the catalogue has no such tariff.
    """
    by_tariff: dict[str, list[BookEntry]] = {}
    for entry in entries:
        by_tariff.setdefault(entry.tariff, []).append(entry)
    instants = sorted(moments)
    for mine in by_tariff.values():
        sheet = Sheet(mine)
        for entry in mine:
            for at_us in _moments(entry, instants):
                yield from _differences(entry, sheet, prices, at_us)


def _moments(entry: BookEntry, instants: Sequence[int]) -> list[int]:
    own = [entry.valid_from_us, entry.valid_to_us - _SECOND]
    inside = [one for one in own if instants and instants[0] <= one <= instants[-1]]
    return sorted({*inside, *(one for one in instants if entry.holds(one))})


def _differences(
    entry: BookEntry, sheet: Sheet, prices: Prices, at_us: int
) -> Iterator[Difference]:
    number = next(
        (one for rest in _REST if sheet.of(one := entry.prefix + rest, at_us) is entry), ""
    )
    if not number:
        return  # every number of it has a longer prefix
    for duration_us in _durations(entry):
        charged = prices.charge(entry.tariff, number, at_us, duration_us)
        book = entry.charge(duration_us)
        if charged is None or charged[0] != book:
            cause = _cause(entry, sheet, prices, number, at_us, duration_us)
            yield Difference(
                entry, at_us, duration_us, cause, book, charged and charged[0],
                charged[2] if charged else 0,
            )  # fmt: skip
            return


def _durations(entry: BookEntry) -> list[int]:
    """Give lengths of calls on both sides of the entry's increments, and some that are usual."""
    first, step = entry.first_us, entry.next_us
    lengths = {_SECOND, first, first + _SECOND, first + step}
    return sorted(lengths | {61 * _SECOND, 137 * _SECOND, 3_599 * _SECOND})


def _cause(
    entry: BookEntry, sheet: Sheet, prices: Prices, number: str, at_us: int, duration_us: int
) -> Cause:  # fmt: skip
    """Find the cause that explains all probed calls; the first that does."""
    charged = prices.charge(entry.tariff, number, at_us, duration_us)
    if charged is None:
        return Cause.MISSING
    lengths = _durations(entry)
    amounts = [_amount(prices, entry, number, at_us, one) for one in lengths]
    whole_us = 3_600 * entry.per_us
    explained = {
        Cause.FREE: charged[0] == 0,
        Cause.VERSION: any(
            amounts == [other.charge(one) for one in lengths] for other in sheet.others(entry)
        ),
        Cause.PREFIX: len(charged[1]) < len(entry.prefix),
        Cause.ROUNDING: any(
            amounts == [rounded(entry.exact(one), mode, decimals) for one in lengths]
            for mode in MODES
            for decimals in range(_MOST_DECIMALS + 1)
        ),
        Cause.INCREMENT: _amount(prices, entry, number, at_us, whole_us) == entry.charge(whole_us),
    }  # fmt: skip
    return next((cause for cause, so in explained.items() if so), Cause.PRICE)


def _amount(
    prices: Prices, entry: BookEntry, number: str, at_us: int, duration_us: int
) -> Fraction | None:
    charged = prices.charge(entry.tariff, number, at_us, duration_us)
    return charged[0] if charged else None


def stretches(differences: Iterable[Difference]) -> list[Stretch]:
    """Put differences of one cause together."""
    found: dict[tuple[str, int, Cause], list[Difference]] = {}
    for one in differences:
        line = 0 if one.cause is Cause.ROUNDING else one.entry.line
        found.setdefault((one.entry.tariff, line, one.cause), []).append(one)
    return [
        Stretch(
            tuple({one.entry.line: one.entry for one in held}.values()), cause,
            min(one.at_us for one in held), max(one.at_us for one in held), held[0],
        )
        for (_, _, cause), held in sorted(found.items())
    ]  # fmt: skip
