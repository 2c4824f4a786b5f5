"""Values of elements to columns: integers, digits, texts, addresses, times; what is wrong is null.

Source: ITU-T X.690 8.3 (integers); 3GPP TS 29.002 (TBCD, AddressString, PLMN); 3GPP TS 32.298 5.1
(time stamps, IP addresses).
"""

import ipaddress
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from tallywire.mediation.ber.elements import Flags, Ints, Octets, Spans

_WIDEST = 8
_LONGEST_TEXT = 4_096
_FILLER = 15
_DIGITS = np.frombuffer(b"0123456789*#abc?", np.uint8)
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
_SECOND_US, _MINUTE_US = 1_000_000, 60_000_000
_IPV4, _IPV6 = 4, 16
_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)


def nullable(value: Ints, good: Flags) -> pl.Series:
    """Make a column of numbers, null where they are not good."""
    return pl.Series(pl.from_arrow(pa.array(value, mask=~good)))


def integers(octets: Octets, within: Spans) -> tuple[Ints, Flags]:
    """Read signed integers of 64 bits at most; 0 and false where there is none or a longer one."""
    length = within.length
    good = within.present & (length > 0)
    start = within.start.copy()
    long = good & (length > _WIDEST)
    if long.any():  # a ninth octet that only says "positive" is none of the number
        spare = long & (length == _WIDEST + 1) & (octets.at(start) == 0)
        spare &= octets.at(start + 1) < 128
        good &= ~long | spare
        start = start + spare
        length = length - spare
    count = np.where(good, np.minimum(length, _WIDEST), 0)
    value = np.where(good & (octets.at(np.maximum(start, 0)) >= 128), np.int64(-1), np.int64(0))
    for number in range(int(count.max(initial=0))):
        octet = octets.at(np.maximum(start, 0) + number)
        value = np.where(number < count, value << 8 | octet, value)
    return np.where(good, value, 0), good


def integer_column(octets: Octets, within: Spans) -> pl.Series:
    """Read signed integers; null where there is none or a longer one."""
    return nullable(*integers(octets, within))


def _gathered(octets: Octets, within: Spans) -> tuple[npt.NDArray[np.uint8], Ints]:
    """Put all values behind one another; give them, and where each begins and the last ends."""
    length = np.minimum(within.length, _LONGEST_TEXT)
    begins = np.zeros(len(within) + 1, np.int64)
    np.cumsum(length, out=begins[1:])
    places = np.arange(begins[-1]) + np.repeat(within.start - begins[:-1], length)
    return octets.numbers[places], begins


def _strings(content: npt.NDArray[np.uint8], begins: Ints) -> pl.Series:
    """Make texts of bytes that are UTF-8."""
    texts = pa.StringArray.from_buffers(
        len(begins) - 1, pa.py_buffer(begins.astype(np.int32)), pa.py_buffer(content.tobytes())
    )
    return pl.Series(pl.from_arrow(texts))


def texts(octets: Octets, within: Spans) -> pl.Series:
    """Read texts; absent ones are empty, what is no UTF-8 is replaced, control characters too."""
    content, begins = _gathered(octets, within)
    content = np.where(content < 32, np.uint8(ord("?")), content)
    if not (content >= 128).any():
        return _strings(content, begins)
    whole, bounds = content.tobytes(), begins.tolist()
    pieces = pairwise(bounds)
    return pl.Series([whole[a:b].decode(errors="replace") for a, b in pieces], dtype=pl.String)


def hexadecimal(octets: Octets, within: Spans) -> pl.Series:
    """Write octets as hexadecimal text; absent ones are empty."""
    content, begins = _gathered(octets, within)
    nibbles = np.empty(2 * len(content), np.uint8)
    nibbles[0::2], nibbles[1::2] = content >> 4, content & 15
    return _strings(_HEX[nibbles], 2 * begins)


def digits(octets: Octets, within: Spans, *, swapped: bool = True) -> pl.Series:
    """Read digits of four bits, without the filler; absent ones are empty.

    Args:
        swapped: The first digit is the lower half of an octet (TBCD), else the upper (BCD).
    """
    content, begins = _gathered(octets, within)
    nibbles = np.empty(2 * len(content), np.uint8)
    low, high = (0, 1) if swapped else (1, 0)
    nibbles[low::2], nibbles[high::2] = content & 15, content >> 4
    kept = nibbles != _FILLER
    count = np.zeros(len(nibbles) + 1, np.int64)
    np.cumsum(kept, out=count[1:])
    return _strings(_DIGITS[nibbles[kept]], count[2 * begins])


def numbers_of(octets: Octets, within: Spans) -> pl.Series:
    """Read numbers that begin with their type and plan (AddressString); `+` before full ones.

    An octet of length may come first, as in short messages; a second of indicators may follow.
    """
    start, length = within.start.copy(), within.length.copy()
    good = within.present & (length > 0)
    safe = np.maximum(start, 0)
    first = octets.at(safe)
    counted = good & (first < 32) & (length > 1) & (octets.at(safe + 1) >= 128)
    start, length = start + counted, length - counted
    kind = octets.at(np.maximum(start, 0))
    more = np.where(kind < 128, 2, 1)
    good &= length >= more
    rest = Spans(np.where(good, start + more, -1), np.where(good, length - more, 0))
    found = digits(octets, rest)
    full = pl.Series(good & ((kind >> 4 & 7) == 1)) & (found != "")
    return ("+" + found).zip_with(full, found)


def networks(octets: Octets, within: Spans) -> pl.Series:
    """Read a network's MCC and MNC, three octets; empty where there is none."""
    good = within.present & (within.length >= 3)
    start = np.where(good, within.start, 0)
    one, two, three = (octets.at(start + number) for number in range(3))
    nibbles = np.stack([one & 15, one >> 4, two & 15, three & 15, three >> 4, two >> 4], axis=1)
    kept = (nibbles != _FILLER) & good[:, None]
    begins = np.zeros(len(start) + 1, np.int64)
    np.cumsum(kept.sum(axis=1), out=begins[1:])
    return _strings(_DIGITS[nibbles[kept]], begins)


def _ip_text(packed: bytes) -> str:
    return str(ipaddress.ip_address(packed)) if len(packed) in {_IPV4, _IPV6} else ""


def addresses(octets: Octets, within: Spans) -> pl.Series:
    """Write IP addresses of four or sixteen octets as text; empty where they are none."""
    if len(within) and (within.length == _IPV4).all():
        parts = [
            pl.Series(f"p{number}", octets.at(within.start + number)).cast(pl.String)
            for number in range(_IPV4)
        ]
        return pl.select(pl.concat_str(parts, separator=".")).to_series()
    data, known = octets.data, dict[bytes, str]()
    made = []
    for start, length in zip(within.start.tolist(), within.length.tolist(), strict=True):
        packed = data[start : start + length] if start >= 0 else b""
        text = known.get(packed)
        if text is None:
            text = known[packed] = _ip_text(packed)
        made.append(text)
    return pl.Series(made, dtype=pl.String)


def moments(parts: list[Ints], good: Flags) -> tuple[Ints, Flags]:
    """Turn year, month, day, hour, minute, second into microseconds since 1970 on that clock."""
    year, month, day, hour, minute, second = parts
    leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    most = _DAYS[np.clip(month, 0, 12)] + ((month == 2) & leap)
    good = good & (month >= 1) & (month <= 12) & (day >= 1) & (day <= most)
    good &= (hour < 24) & (minute < 60) & (second < 60) & (year > 0)
    era_year = year - (month <= 2)  # years that begin in March, so that a leap day is the last
    shifted = (month + 9) % 12
    days = 365 * era_year + era_year // 4 - era_year // 100 + era_year // 400
    days += (153 * shifted + 2) // 5 + day - 1 - 719_468
    moment = ((days * 24 + hour) * 60 + minute) * _MINUTE_US + second * _SECOND_US
    return np.where(good, moment, 0), good


def _pair(octets: Octets, place: Ints) -> Ints:
    """Read two digits of an octet; 1000 where they are none."""
    octet = octets.at(place)
    high, low = octet >> 4, octet & 15
    return np.where((high > 9) | (low > 9), 1_000, 10 * high + low)


def stamps(octets: Octets, within: Spans) -> tuple[Ints, Ints, Flags]:
    """Read time stamps of nine octets, YYMMDDhhmmss, `+` or `-`, hhmm.

    Returns:
        Microseconds UTC, offset in minutes, and which are times.
    """
    good = within.present & (within.length == 9)
    start = np.where(good, within.start, 0)
    parts = [_pair(octets, start + number) for number in range(6)]
    parts[0] = np.where(parts[0] > 99, -1, parts[0] + 2_000)
    sign = octets.at(start + 6)
    hours, minutes = _pair(octets, start + 7), _pair(octets, start + 8)
    good &= ((sign == ord("+")) | (sign == ord("-"))) & (hours < 24) & (minutes < 60)
    wall, good = moments(parts, good)
    offset = np.where(good, (60 * hours + minutes) * np.where(sign == ord("-"), -1, 1), 0)
    return np.where(good, wall - offset * _MINUTE_US, 0), offset, good


def walls(octets: Octets, within: Spans) -> tuple[Ints, Flags]:
    """Read wall times of fourteen digits, YYYYMMDDhhmmss, as microseconds on that clock."""
    good = within.present & (within.length == 14)
    start = np.where(good, within.start, 0)
    figures = [octets.at(start + number) - ord("0") for number in range(14)]
    for figure in figures:
        good &= (figure >= 0) & (figure <= 9)
    pairs = [10 * figures[number] + figures[number + 1] for number in range(0, 14, 2)]
    return moments([100 * pairs[0] + pairs[1], *pairs[2:]], good)


def offsets(octets: Octets, within: Spans) -> tuple[Ints, Flags]:
    """Read offsets as `+hhmm`, minutes."""
    good = within.present & (within.length == 5)
    start = np.where(good, within.start, 0)
    sign = octets.at(start)
    figures = [octets.at(start + number) - ord("0") for number in range(1, 5)]
    for figure in figures:
        good &= (figure >= 0) & (figure <= 9)
    good &= (sign == ord("+")) | (sign == ord("-"))
    minutes = 600 * figures[0] + 60 * figures[1] + 10 * figures[2] + figures[3]
    good &= (minutes < 24 * 60) & (figures[2] < 6)
    return np.where(good, minutes * np.where(sign == ord("-"), -1, 1), 0), good
