"""How long to wait before trying again: longer each time, and for each message differently."""

import xxhash

_FIRST_MS = 1_000
_LONGEST_MS = 300_000
_DOUBLINGS = 20


def pause_ms(attempt: int, key: str) -> int:
    """Give the pause behind a failed attempt, milliseconds: doubled each time, up to five minutes.

    Between a half and the whole of that, derived from the message and the attempt: messages that
    failed together do not come back together, and the same message always waits the same.

    Args:
        attempt: How many have failed, from 1.
        key: What tells this message from others.

    Raises:
        ValueError: If no attempt has failed.

    >>> [500 <= pause_ms(1, "a") <= 1_000, 150_000 <= pause_ms(30, "a") <= 300_000]
    [True, True]
    """
    if attempt < 1:
        msg = f"nothing has failed yet: {attempt=}"
        raise ValueError(msg)
    whole = min(_LONGEST_MS, _FIRST_MS << min(attempt - 1, _DOUBLINGS))
    half = whole // 2
    return half + xxhash.xxh3_64_intdigest(f"{key}:{attempt}".encode()) % (whole - half + 1)
