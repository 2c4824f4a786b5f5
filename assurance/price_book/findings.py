"""C12: where the catalogue charges otherwise than the price book of record, and the money."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from assurance.alerts import Control, Worth, alert
from assurance.price_book.compare import Cause, Stretch
from assurance.price_book.entries import Sheet
from schemas.alerts import Alert

_ACTIONS = {
    Cause.MISSING: "put the prefix into the catalogue, then recycle what waits for it",
    Cause.PREFIX: "put the longer prefix into the catalogue, then rate its usage again",
    Cause.FREE: "correct the rate in the catalogue, then rate the usage again",
    Cause.VERSION: "correct the dates of the price in the catalogue, then rate the usage again",
    Cause.INCREMENT: "correct the increments in the catalogue, then rate the usage again",
    Cause.ROUNDING: "correct mode and decimals of rounding, then rate the usage again",
    Cause.PRICE: "compare the rate with the contract, correct it, then rate the usage again",
}
CONTROLS = {
    cause: Control("C12", f"price_book_{cause}", "misrating", "critical", "under", action)
    for cause, action in _ACTIONS.items()
}
_WORDS = {
    Cause.MISSING: "has no price in the catalogue",
    Cause.PREFIX: "is charged as a shorter prefix is",
    Cause.FREE: "is free in the catalogue",
    Cause.VERSION: "is charged as at another time",
    Cause.INCREMENT: "is charged in other increments",
    Cause.ROUNDING: "is rounded otherwise",
    Cause.PRICE: "is charged at another price",
}


@dataclass(frozen=True)
class Charged:
    """A call that was charged.

    Attributes:
        sign: 1, or -1 where the charge was taken back.
    """

    number: str
    at_us: int
    duration_us: int
    amount: Fraction
    sign: int
    place: str


@dataclass(frozen=True)
class Money:
    """What calls were charged beyond and below the book.

    Attributes:
        calls: How many were charged otherwise.
        places: Some of them.
    """

    calls: int
    above: Fraction
    below: Fraction
    places: tuple[str, ...]


def money_of(stretch: Stretch, sheet: Sheet, calls: Iterable[Charged]) -> Money:
    """Hold calls that were charged against the book.

    Args:
        calls: Of the tariff, of numbers that begin with a prefix of its entries.
    """
    count, above, below, places = 0, Fraction(0), Fraction(0), []
    for call in calls:
        entry = sheet.of(call.number, call.at_us)
        if entry is None or entry not in stretch.entries:
            continue
        difference = call.amount - call.sign * entry.charge(call.duration_us)
        if difference:
            count += call.sign
            above += max(difference, Fraction(0))
            below += max(-difference, Fraction(0))
            places.append(call.place)
    return Money(count, above, below, tuple(places[:50]))


def told(stretch: Stretch, money: Money, tenant: str, currency: str, at: int) -> Alert:
    """Tell a difference and what it came to."""
    example = stretch.example
    entry = example.entry
    what = entry.prefix if stretch.cause is not Cause.ROUNDING else "*"
    over = example.catalogue is not None and example.catalogue > example.book
    control = replace(CONTROLS[stretch.cause], direction="over" if over else "under")
    catalogue = "nothing" if example.catalogue is None else _plain(example.catalogue)
    text = (
        f"{entry.destination or entry.prefix} ({entry.prefix}) of {entry.tariff} "
        f"{_WORDS[stretch.cause]}: {example.duration_us // 1_000_000} s cost {catalogue}, by line "
        f"{entry.line} of the book {_plain(example.book)} {currency}."
    )
    amount = money.above if over else money.below
    worth = Worth(_decimal(amount), currency, "charged")
    return alert(
        control, tenant_id=tenant, feed_id="", entity=("price", f"{entry.tariff}/{what}"),
        episode=f"{stretch.first_us}", at=at, explanation=text, observed=money.calls, unit="calls",
        worth=worth, evidence=[{"place": one, "why": stretch.cause} for one in money.places],
        evidence_count=money.calls, window=(stretch.first_us, stretch.last_us),
    )  # fmt: skip


def _decimal(amount: Fraction) -> Decimal:
    return Decimal(amount.numerator * 10**9 // amount.denominator).scaleb(-9)


def _plain(amount: Fraction) -> str:
    return f"{_decimal(amount).normalize():f}"
