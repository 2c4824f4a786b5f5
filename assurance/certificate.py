"""The certificate of a period: what it came to, what is open, which controls ran; with a hash."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

Row = Mapping[str, Any]
_HASH = "sha256"
_PARTS = ("conservation", "revenue", "exposure", "controls")


def certificate(
    period: str,
    zone: str,
    catalog: str,
    parts: Mapping[str, Sequence[Row]],
    expected: Sequence[str],
) -> dict[str, Any]:
    """Put a certificate together: no clock is in it, so the same store gives the same one.

    Args:
        parts: Rows of each part by its name: money as text.
        expected: Controls that should have run.
    """
    ran = {str(row["control"]): row for row in parts["controls"]}
    content = {
        "period": period, "time_zone": zone, "catalog": catalog,
        **{name: [dict(row) for row in parts[name]] for name in _PARTS},
        "problems": [
            *(
                f"{row['lacking']} records of {row['feed_id']} have no fate, or one too many"
                for row in parts["conservation"] if int(row["lacking"])
            ),
            *(f"control {name} did not run" for name in expected if name not in ran),
            *(
                f"control {name} failed {row['failed']} times"
                for name, row in ran.items() if int(row["failed"])
            ),
        ],
    }  # fmt: skip
    return {**content, _HASH: digest(content)}


def digest(content: Mapping[str, Any]) -> str:
    """Give the hash of a certificate, without the one that it carries."""
    plain = {name: value for name, value in content.items() if name != _HASH}
    return hashlib.sha256(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)).hexdigest()


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Tell in which parts two certificates of a period differ; first whether one was changed."""
    found = []
    if before.get(_HASH) != digest(before):
        found.append("the certificate was changed after it was made: its hash is another")
    names = sorted({*before, *now} - {_HASH})
    changed = [name for name in names if before.get(name) != now.get(name)]
    return found + [f"{name} is not what it was" for name in changed]
