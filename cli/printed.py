"""Values as verbs print them: JSON for programs, money for people."""

from decimal import Decimal

import orjson


def _default(value: object) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def as_json_bytes(content: object) -> bytes:
    """Write JSON; money stays decimal text."""
    return orjson.dumps(content, default=_default, option=orjson.OPT_INDENT_2)


def money(value: Decimal | None) -> str:
    """Write money for people: no digit that matters is dropped."""
    if value is None:
        return "-"
    text = f"{value.normalize():,f}"
    whole, _, part = text.partition(".")
    return f"{whole}.{part:0<2}"
