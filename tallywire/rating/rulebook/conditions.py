"""Whether usage has the attributes that a price, an allowance or a discount asks for."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tallywire.catalog.snapshot import Tariff
from tallywire.catalog.terms import Condition

ORIGIN = "origin_zone"
_ATTRIBUTE = "attributes."


def attribute(event: Mapping[str, Any], field: str) -> str:
    """Give a usage attribute as text; empty where the usage does not have it.

    Args:
        event: Fields of UsageEvent.
        field: One of them, or `attributes.NAME`.
    """
    if not field.startswith(_ATTRIBUTE):
        return str(event[field])
    value = json.loads(event["attributes"] or "{}").get(field.removeprefix(_ATTRIBUTE))
    return value if isinstance(value, str) else ""


def origin_zone(tariff: Tariff, a_number: str) -> str:
    """Give the zone of a calling number: that of its longest prefix in the tariff's origin plan."""
    if not (a_number.isascii() and a_number.isdigit()):
        a_number = ""
    for length in range(len(a_number), -1, -1):
        zone = tariff.origins.get(a_number[:length])
        if zone is not None:
            return zone
    return ""


def holds(when: Sequence[Condition], event: Mapping[str, Any], tariff: Tariff) -> bool:
    """Tell whether all conditions hold."""
    return not when or all(
        (
            origin_zone(tariff, event["a_number"])
            if one.field == ORIGIN
            else attribute(event, one.field)
        )
        in one.values
        for one in when
    )
