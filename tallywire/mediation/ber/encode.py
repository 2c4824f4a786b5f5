"""Writing BER: elements and their values, definite lengths, as short as can be."""

_LONG = 0x80


def element(tag: int, *values: bytes) -> bytes:
    """Write an element; `tag` is its identifier octets, read as one number.

    >>> element(0x5f6d, b"7").hex()
    '5f6d0137'
    """
    value = b"".join(values)
    length = len(value)
    name = tag.to_bytes((tag.bit_length() + 7) // 8 or 1)
    if length < _LONG:
        return name + bytes([length]) + value
    size = (length.bit_length() + 7) // 8
    return name + bytes([_LONG | size]) + length.to_bytes(size) + value


def integer(value: int) -> bytes:
    """Write a signed integer in as few octets as it needs.

    >>> integer(128).hex(), integer(-2).hex()
    ('0080', 'fe')
    """
    return value.to_bytes((value if value >= 0 else ~value).bit_length() // 8 + 1, signed=True)


def digits(text: str, *, swapped: bool = True) -> bytes:
    """Write digits of four bits, filled up with ones.

    >>> digits("12345").hex(), digits("12345", swapped=False).hex()
    ('2143f5', '12345f')
    """
    whole = text + "f" * (len(text) % 2)
    pairs = (whole[place : place + 2] for place in range(0, len(whole), 2))
    return bytes.fromhex("".join(pair[::-1] if swapped else pair for pair in pairs))


def stamp(text: str) -> bytes:
    """Write a time stamp, YYMMDDhhmmss and an offset as `+0200`, in nine octets.

    >>> stamp("261024120000+0200").hex()
    '2610241200002b0200'
    """
    return bytes.fromhex(text[:12]) + text[12].encode() + bytes.fromhex(text[13:17])
