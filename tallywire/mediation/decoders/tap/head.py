"""What a TAP file says ahead of its events: who, which file, which currency, zones and entities."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tallywire.mediation.ber import values
from tallywire.mediation.ber.elements import Octets, spans
from tallywire.mediation.ber.tree import Fields, fields, offset_minutes, text, whole, within
from tallywire.mediation.decoders.tap import tags
from tallywire.mediation.framing.ber import Broken, Unfinished, header

_MOST_DECIMALS = 9
_NAME = re.compile(r"^[A-Za-z0-9]{1,10}$")
_MINUTE_US = 60_000_000


@dataclass(frozen=True)
class Head:
    """The head of a TAP file.

    Attributes:
        sequence: Its number; `None` where it has none.
        test: The file is test data.
        decimals: Decimal places of its charges; `None` where they are no number up to 9.
        offsets: Minutes ahead of UTC by code.
        entities: Recording entity by code.
        rates: Exchange rate as a decimal, by code.
        taxes, discounts: Codes of taxes and of discounts that it explains.
        available_us: When the file was made available, microseconds UTC.
        known: There was a head.
        accounted: It has accounting information.
    """

    sender: str = ""
    recipient: str = ""
    sequence: int | None = None
    test: bool = False
    currency: str = ""
    decimals: int | None = 0
    offsets: Mapping[int, int] = field(default_factory=dict)
    entities: Mapping[int, str] = field(default_factory=dict)
    rates: Mapping[int, str] = field(default_factory=dict)
    taxes: frozenset[int] = frozenset()
    discounts: frozenset[int] = frozenset()
    available_us: int | None = None
    known: bool = False
    accounted: bool = False

    @property
    def number(self) -> str:
        """The file's number as text; test files are numbered apart."""
        return ("T" if self.test else "") + ("" if self.sequence is None else str(self.sequence))

    @property
    def series(self) -> str:
        """Whose numbers the file's number is one of; test files are numbered apart."""
        return series_of(self.sender, self.recipient, test=self.test)


def series_of(sender: str, recipient: str, *, test: bool = False) -> str:
    """Name the series of a sender's files to a recipient; empty where one of them is no name.

    >>> series_of("NORAA", "NORBB"), series_of("NORAA", "NORBB", test=True), series_of("NORAA", "")
    ('NORAA/NORBB', 'T/NORAA/NORBB', '')
    """
    if not (_NAME.match(sender) and _NAME.match(recipient)):
        return ""
    return f"{'T/' if test else ''}{sender}/{recipient}"


def sequence_of(found: Fields, tag: int) -> int | None:
    """Read a file's number, which is written in digits."""
    digits = text(found, tag)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 5 else None


def head_of(prologue: bytes) -> Head:
    """Read what precedes a file's events."""
    try:
        tag, place, _ = header(prologue, 0)
    except (Broken, Unfinished):
        return Head()
    if int.from_bytes(tag) != tags.TRANSFER_BATCH:
        return Head()
    return head_in(fields(prologue[place:]))


def head_in(batch: Fields) -> Head:
    """Read the head among the elements of a transfer batch."""
    control = within(batch, tags.BATCH_CONTROL)
    accounting, network = within(batch, tags.ACCOUNTING), within(batch, tags.NETWORK)
    decimals = whole(accounting, tags.DECIMALS) if tags.DECIMALS in accounting else 0
    good = decimals is not None and 0 <= decimals <= _MOST_DECIMALS
    return Head(
        sender=text(control, tags.SENDER),
        recipient=text(control, tags.RECIPIENT),
        sequence=sequence_of(control, tags.FILE_SEQUENCE),
        test=text(control, tags.FILE_TYPE) == "T",
        currency=text(accounting, tags.TAP_CURRENCY) or text(accounting, tags.LOCAL_CURRENCY),
        decimals=decimals if good else None,
        offsets=_offsets(network),
        entities=_entities(network),
        rates=_rates(accounting),
        taxes=_codes(within(accounting, tags.TAXATIONS), tags.TAXATION, tags.TAX_CODE),
        discounts=_codes(
            within(accounting, tags.DISCOUNTINGS), tags.DISCOUNTING, tags.DISCOUNT_CODE
        ),
        available_us=instant(control, tags.AVAILABLE),
        known=tags.BATCH_CONTROL in batch,
        accounted=tags.ACCOUNTING in batch,
    )


def instant(found: Fields, tag: int) -> int | None:
    """Read a local time with its offset, microseconds UTC."""
    parts = within(found, tag)
    local = text(parts, tags.LOCAL_TIME).encode()
    offset = offset_minutes(text(parts, tags.OFFSET))
    wall, good = values.walls(Octets(local), spans([0], [len(local)]))
    if offset is None or not good[0]:
        return None
    return int(wall[0]) - offset * _MINUTE_US


def _codes(table: Fields, row: int, tag: int) -> frozenset[int]:
    """Read the codes that a table explains."""
    found = (whole(fields(item), tag) for item in table.get(row, []))
    return frozenset(code for code in found if code is not None)


def _offsets(network: Fields) -> dict[int, int]:
    found: dict[int, int] = {}
    for item in within(network, tags.OFFSETS).get(tags.OFFSET_INFO, []):
        parts = fields(item)
        code, minutes = whole(parts, tags.OFFSET_CODE), offset_minutes(text(parts, tags.OFFSET))
        if code is not None and minutes is not None:
            found.setdefault(code, minutes)
    return found


def _entities(network: Fields) -> dict[int, str]:
    found: dict[int, str] = {}
    for item in within(network, tags.ENTITIES).get(tags.ENTITY, []):
        parts = fields(item)
        code = whole(parts, tags.ENTITY_CODE)
        if code is not None:
            found.setdefault(code, text(parts, tags.ENTITY_ID))
    return found


def _rates(accounting: Fields) -> dict[int, str]:
    """Read exchange rates as decimals, by code."""
    found: dict[int, str] = {}
    for item in within(accounting, tags.CONVERSIONS).get(tags.CONVERSION, []):
        parts = fields(item)
        code, rate = whole(parts, tags.RATE_CODE), whole(parts, tags.RATE)
        places = whole(parts, tags.RATE_DECIMALS) or 0
        if code is not None and rate is not None and rate >= 0 and 0 <= places <= _MOST_DECIMALS:
            found.setdefault(code, shifted(rate, places))
    return found


def shifted(value: int, places: int) -> str:
    """Write a whole number of the last decimal place as a decimal, exactly.

    >>> shifted(116203, 5), shifted(-7, 2), shifted(7, 0)
    ('1.16203', '-0.07', '7')
    """
    digits = str(abs(value)).rjust(places + 1, "0")
    body = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    return f"-{body}" if value < 0 else body
