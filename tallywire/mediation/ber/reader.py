"""Records of one type, read by the tags of their fields."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from tallywire.mediation.ber import values
from tallywire.mediation.ber.elements import Elements, Flags, Ints, Octets, Spans, children, spans


def context(number: int, *, made: bool = False) -> int:
    """Give the identifier octets of a context tag, read as one number.

    >>> [hex(tag) for tag in (context(4), context(34, made=True))]
    ['0x84', '0xbf22']
    """
    return _identifier(0x80, number, made=made)


def application(number: int, *, made: bool = False) -> int:
    """Give the identifier octets of an application tag, read as one number.

    >>> [hex(tag) for tag in (application(3, made=True), application(109))]
    ['0x63', '0x5f6d']
    """
    return _identifier(0x40, number, made=made)


def _identifier(kind: int, number: int, *, made: bool) -> int:
    first = kind | (0x20 if made else 0)
    if number < 31:
        return first | number
    octets = [number & 0x7F]
    while number := number >> 7:
        octets.insert(0, 0x80 | number & 0x7F)
    return int.from_bytes(bytes([first | 0x1F, *octets]))


@dataclass(frozen=True)
class Reader:
    """The fields of records, or of what they hold.

    Attributes:
        octets: The bytes that they lie in.
        elements: Their elements; a row of each column below for each of their owners.
    """

    octets: Octets
    elements: Elements

    def __len__(self) -> int:
        return len(self.elements.broken)

    def text(self, *tags: int) -> pl.Series:
        """Read a text; empty where absent."""
        return values.texts(self.octets, self.elements.first(*tags))

    def integer(self, *tags: int) -> pl.Series:
        """Read a whole number; null where absent or beyond 64 bits."""
        return values.integer_column(self.octets, self.elements.first(*tags))

    def numeral(self, *tags: int) -> pl.Series:
        """Read a whole number as text; empty where absent."""
        return self.integer(*tags).cast(pl.String).fill_null("")

    def digits(self, *tags: int, swapped: bool = True) -> pl.Series:
        """Read digits; empty where absent."""
        return values.digits(self.octets, self.elements.first(*tags), swapped=swapped)

    def number(self, *tags: int) -> pl.Series:
        """Read a telephone number with its type; empty where absent."""
        return values.numbers_of(self.octets, self.elements.first(*tags))

    def hexadecimal(self, *tags: int) -> pl.Series:
        """Read octets as hexadecimal text; empty where absent."""
        return values.hexadecimal(self.octets, self.elements.first(*tags))

    def network(self, *tags: int) -> pl.Series:
        """Read MCC and MNC; empty where absent."""
        return values.networks(self.octets, self.elements.first(*tags))

    def stamp(self, *tags: int) -> pl.Series:
        """Read a time stamp, microseconds UTC; null where absent or none."""
        moment, _, good = values.stamps(self.octets, self.elements.first(*tags))
        return values.nullable(moment, good)

    def offset(self, *tags: int) -> pl.Series:
        """Read the offset of a time stamp, minutes; null where absent or none."""
        _, minutes, good = values.stamps(self.octets, self.elements.first(*tags))
        return values.nullable(minutes, good)

    def has(self, *tags: int) -> pl.Series:
        """Tell which rows have a field."""
        return pl.Series(self.elements.first(*tags).present)

    def unread(self, *, integers: tuple[int, ...] = (), stamps: tuple[int, ...] = ()) -> pl.Series:
        """Tell which rows have a field, of some, that is not what it should be."""
        wrong = np.zeros(len(self), bool)
        for tag in integers:
            within = self.elements.first(tag)
            wrong |= within.present & ~values.integers(self.octets, within)[1]
        for tag in stamps:
            within = self.elements.first(tag)
            wrong |= within.present & ~values.stamps(self.octets, within)[2]
        return pl.Series(wrong)

    def address(self, *tags: int) -> pl.Series:
        """Read an IP address that is a choice of binary and text; empty where absent."""
        inner = self.inside(*tags)
        return either(inner.binary_address(0x80, 0x81), inner.text(0x82, 0x83))

    def binary_address(self, *tags: int) -> pl.Series:
        """Read an IP address of four or sixteen octets; empty where absent."""
        return values.addresses(self.octets, self.elements.first(*tags))

    def inside(self, *path: int) -> "Reader":
        """Read what a field consists of; more tags lead further in."""
        reader = self
        for tag in path:
            within = reader.elements.first(tag)
            reader = Reader(self.octets, children(self.octets, within))
        return reader

    def choice(self, *tags: int) -> "Reader":
        """Read what the first field of several tags consists of."""
        return Reader(self.octets, children(self.octets, self.elements.first(*tags)))

    def items(self, *tags: int) -> tuple[Ints, "Reader"]:
        """Read every element of some tags: the row it belongs to, and what it consists of."""
        owner, within = self.elements.all(*tags)
        return owner, Reader(self.octets, children(self.octets, within))

    @property
    def broken(self) -> Flags:
        """Tell which rows are no sequence of elements."""
        return self.elements.broken


def read(octets: Octets, within: Spans) -> Reader:
    """Read the fields that values consist of."""
    return Reader(octets, children(octets, within))


def either(first: pl.Series, second: pl.Series) -> pl.Series:
    """Take the first text, where it is empty the second."""
    return second.zip_with(first == "", first)


def numbered(owner: Ints) -> Ints:
    """Number the items of each owner from 0; those of one owner follow each other."""
    if not len(owner):
        return owner
    begins = np.flatnonzero(np.concatenate(([True], owner[1:] != owner[:-1])))
    counts = np.diff(np.append(begins, len(owner)))
    return np.arange(len(owner)) - np.repeat(begins, counts)


def nothing(count: int) -> Spans:
    """Give no value for each of some rows."""
    return spans(np.full(count, -1), np.zeros(count))
