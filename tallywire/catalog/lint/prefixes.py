"""Prefixes that say nothing: redundant ones, and ones that no number can match."""

from collections.abc import Iterator

from tallywire.catalog.effective import Effective
from tallywire.catalog.entries import Placed
from tallywire.catalog.models import ZonePlan
from tallywire.catalog.places import Places, Row
from tallywire.catalog.problems import Problem

REDUNDANT, UNREACHABLE = "redundant", "unreachable"
_LONGEST = {"b_number": 15, "a_number": 15, "serving_plmn": 6}
_DIGITS = "0123456789"


def redundant(effective: Effective, places: Places) -> Iterator[Problem]:
    """Say once for each rate deck how many of its prefixes cost what a shorter prefix costs."""
    tariff_id = effective.tariff.tariff_id
    decks: dict[str, list[tuple[Row, Row]]] = {}
    files = {number: places.deck(tariff_id, number) for number in effective.revisions}
    for row in effective.rows:
        deck = files[row.revision]
        parent = _same_price(effective, row) if deck else None
        if parent is not None:
            decks.setdefault(deck, []).append((row, parent))
    for found in decks.values():
        row, parent = found[0]
        same = sum(one.zone_id == other.zone_id for one, other in found)
        rows = sum(files[one.revision] == files[row.revision] for one in effective.rows)
        text = (
            f"{len(found)} of {rows} rows cost what a shorter prefix costs, the "
            f"first is {row.prefix} ({parent.prefix or 'any'} costs the same); {same} of "
            "them have its destination, too, and can be left out"
        )
        yield places.problem(tariff_id, row, text, REDUNDANT)


def _same_price(effective: Effective, row: Row) -> Row | None:
    """Find the shorter prefix that would charge the same at every instant of a row."""
    moments = {row.valid_from_us}
    moments |= set(effective.changes(row.prefix[:-1], row.valid_from_us, row.valid_to_us))
    parent = None
    for moment in sorted(moments, reverse=True):
        parent = effective.parent(row, moment)
        if parent is None or not effective.alike(parent, row):
            return None
    return parent


def redundant_in_zones(placed: Placed[ZonePlan]) -> Iterator[Problem]:
    """Name the prefixes of a zone plan that lie in the zone of the next shorter one."""
    owner = {prefix: zone.id for zone in placed.value.zones for prefix in zone.prefixes}
    for number, zone in enumerate(placed.value.zones):
        for index, prefix in enumerate(zone.prefixes):
            shorter = (prefix[:length] for length in range(len(prefix) - 1, -1, -1))
            parent = next((one for one in shorter if one in owner), None)
            if prefix and parent is not None and owner[parent] == zone.id:
                text = f"the prefix {prefix} lies in {parent or 'any'}, of the same zone; drop it"
                found = placed.problem(("zones", number, "prefixes", index), text)
                yield Problem(found.file, found.line, found.key, found.message, REDUNDANT)


def unreachable(effective: Effective, places: Places) -> Iterator[Problem]:
    """Name the prefixes that no number can match."""
    tariff = effective.tariff
    covered = _covered(effective)
    for row in effective.rows:
        text = _never(row, tariff.zone_by)
        if not text and row.prefix in covered and _always_covered(effective, row, covered):
            text = "its ten longer prefixes cover it all the time; leave it out"
        if text:
            told = f"the prefix {row.prefix} can never decide a price: {text}"
            yield places.problem(tariff.tariff_id, row, told, UNREACHABLE)


def _never(row: Row, zone_by: str) -> str:
    """Say why no number of a kind begins with a prefix, or nothing."""
    longest = _LONGEST.get(zone_by, 0)
    if len(row.prefix) > longest:
        return f"a {zone_by} has at most {longest} digits; shorten it"
    if row.prefix.startswith("0") and zone_by != "serving_plmn":
        return "no country code begins with 0; write it as in international numbers"
    return ""


def _covered(effective: Effective) -> frozenset[str]:
    """Give the prefixes all of whose ten longer ones are there, or covered, at whatever time."""
    by_length: dict[int, set[str]] = {}
    for prefix in effective.by_prefix:
        by_length.setdefault(len(prefix), set()).add(prefix)
    whole: set[str] = set()
    below: set[str] = set()
    for length in range(max(by_length, default=0), 1, -1):
        children: dict[str, int] = {}
        for prefix in by_length.get(length, set()) | below:
            children[prefix[:-1]] = children.get(prefix[:-1], 0) + 1
        below = {prefix for prefix, count in children.items() if count == len(_DIGITS)}
        whole |= below
    return frozenset(whole)


def _always_covered(effective: Effective, row: Row, covered: frozenset[str]) -> bool:
    """Tell whether longer prefixes take every number of a row at every instant of it."""
    moments = {row.valid_from_us}
    for prefix in effective.longer(row.prefix):
        for one in effective.by_prefix[prefix]:
            moments |= {one.valid_from_us, one.valid_to_us}
    return all(
        _full(effective, row.prefix, moment, covered)
        for moment in sorted(moments)
        if row.valid_from_us <= moment < row.valid_to_us
    )


def _full(effective: Effective, prefix: str, moment: int, covered: frozenset[str]) -> bool:
    return prefix in covered and all(
        effective.exactly(prefix + digit, moment) is not None
        or _full(effective, prefix + digit, moment, covered)
        for digit in _DIGITS
    )
