"""What changed between two catalogues, in words, with prices per natural unit."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar, cast

import polars as pl

from tallywire.catalog.expect import Expect
from tallywire.catalog.prose import (
    calendar_words,
    date_words,
    once,
    prefix_words,
    tariff_words,
    validity_words,
)
from tallywire.catalog.prose_terms import offer_terms, other_terms, zone_prices
from tallywire.catalog.snapshot import FOREVER_US, IDENTIFIER_SCHEMA, Feed, Offer, Snapshot, Tariff
from tallywire.reference import ReferenceTable

T = TypeVar("T")


@dataclass(frozen=True, order=True)
class Change:
    """One difference between two catalogues.

    Attributes:
        kind: operator, calendar, tariff, zone, offer, feed, partner, override, top_up, exchange,
            reference or account.
        id: Which one; of a zone `tariff/zone`.
        what: added, removed or changed.
        words: The difference, for people.
    """

    kind: str
    id: str
    what: str
    words: str


def _things(
    kind: str,
    old: Mapping[str, T],
    new: Mapping[str, T],
    describe: Callable[[T], str],
    changes: Callable[[T, T], Iterator[str]],
) -> Iterator[Change]:
    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            yield Change(kind, name, "added", describe(new[name]))
        elif name not in new:
            yield Change(kind, name, "removed", describe(old[name]))
        else:
            for words in changes(old[name], new[name]):
                yield Change(kind, name, "changed", words)


def _said(name: str, old: object, new: object) -> Iterator[str]:
    if old != new:
        yield f"{name} {old or 'none'} → {new or 'none'}"


def _operator(a: Snapshot, b: Snapshot) -> Iterator[Change]:
    for name in ("tenant_id", "legal_entity", "currency", "time_zone"):
        for words in _said(name, getattr(a, name), getattr(b, name)):
            yield Change("operator", b.tenant_id, "changed", words)


def _feed_changes(old: Feed, new: Feed) -> Iterator[str]:
    for one in fields(Feed):
        before, after = getattr(old, one.name), getattr(new, one.name)
        if isinstance(before, Expect):
            yield from _option_changes("expect.", asdict(before), asdict(after))
        elif isinstance(before, Mapping):
            yield from _option_changes("", before, after)
        else:
            yield from _said(one.name.replace("_", " "), _listed(before), _listed(after))


def _option_changes(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Compare a format's settings, named as they are written: `fields.quantity.kind`."""
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        there = [one for one in (before, after) if one is not None]
        if all(isinstance(one, Mapping) for one in there):
            yield from _option_changes(f"{path}{name}.", before or {}, after or {})
        else:
            yield from _said(f"{path}{name}", _listed(before), _listed(after))


def _listed(value: object) -> object:
    """Write a list as a person does."""
    if isinstance(value, list | tuple):
        return ", ".join(str(_listed(one)) for one in value)
    return value


def _offer_words(offer: Offer) -> str:
    uses = ", ".join(
        f"{' '.join(use)} at {tariff}" for use, tariff in sorted(offer.tariffs.items())
    )
    return "; ".join([uses, *offer_terms(offer).values()])


def _offer_changes(old: Offer, new: Offer) -> Iterator[str]:
    for use in sorted(old.tariffs.keys() | new.tariffs.keys()):
        yield from _said(f"{' '.join(use)} tariff", old.tariffs.get(use), new.tariffs.get(use))
    before, after = offer_terms(old), offer_terms(new)
    for key in sorted(before.keys() | after.keys()):
        yield from _said(f"{' '.join(key)}:", before.get(key), after.get(key))
    if before and before == after and list(before) != list(after):
        yield "terms are written in another order"
    yield from _said("currency", old.currency, new.currency)
    yield from _said("time zone", old.time_zone, new.time_zone)


def _tariff_changes(old: Tariff, new: Tariff) -> Iterator[str]:
    for name in (
        "service", "currency", "zone_by", "order", "straddle", "conversion", "tax_category",
        "gl_code",
    ):  # fmt: skip
        yield from _said(name, getattr(old, name), getattr(new, name))
    if old.origins != new.origins:
        yield "the zones of calling numbers changed"
    yield from _said("calendar", old.calendar.calendar_id, new.calendar.calendar_id)
    yield from _said(
        "rounding",
        f"{old.rounding.mode} to {old.rounding.scale}",
        f"{new.rounding.mode} to {new.rounding.scale}",
    )


def _zones(old: Tariff | None, new: Tariff | None) -> Iterator[Change]:
    before = zone_prices(old) if old else {}
    after = zone_prices(new) if new else {}
    tariff = new or old
    assert tariff is not None  # noqa: S101  one of both is there
    time_zone = tariff.calendar.time_zone
    for key in sorted(before.keys() | after.keys()):
        zone, start = key
        name = f"{tariff.tariff_id}/{zone or 'all'}"
        if key in before and key in after:
            from_date = validity_words(start, FOREVER_US, time_zone)
            for words in _zone_changes(before[key], after[key], time_zone):
                yield Change("zone", name, "changed", f"{words} ({from_date})")
        else:
            what, prices = ("added", after[key]) if key in after else ("removed", before[key])
            price = once(words for words, _ in prices.values())
            when = once(validity_words(start, end, time_zone) for _, end in prices.values())
            yield Change("zone", name, what, f"{price}, {when} ({prefix_words(prices)})")


ZonePrice = Mapping[str, tuple[str, int]]


def _zone_changes(old: ZonePrice, new: ZonePrice, time_zone: str) -> Iterator[str]:
    both = old.keys() & new.keys()
    for name, words in (
        ("price", lambda price: price[0]),
        ("valid to", lambda price: date_words(price[1], time_zone) or "open"),
    ):
        changed: dict[tuple[str, str], list[str]] = {}
        for prefix in sorted(both):
            before, after = words(old[prefix]), words(new[prefix])
            if before != after:
                changed.setdefault((before, after), []).append(prefix)
        for (before, after), prefixes in changed.items():
            some = "" if len(prefixes) == len(both) else f" of {prefix_words(prefixes)}"
            yield f"{name}{some} {before} → {after}"
    if new.keys() - both:
        yield f"prefixes added: {prefix_words(new.keys() - both)}"
    if old.keys() - both:
        yield f"prefixes removed: {prefix_words(old.keys() - both)}"


_HOLDING = ("identifier_type", "identifier", "valid_from_us")
_OF_HOLDING = ("account_id", "subscription_id", "routing_id", "offer_id", "valid_to_us")
Held = Mapping[str, object]


def _holding_words(row: Held, zone: str) -> str:
    start, end = cast("int", row["valid_from_us"]), cast("int", row["valid_to_us"])
    return (
        f"{row['identifier_type']} {row['identifier']} on {row['subscription_id']} under "
        f"{row['offer_id']}, top account {row['routing_id']}, {validity_words(start, end, zone)}"
    )


def _holding_changes(old: Held, new: Held, zone: str) -> Iterator[str]:
    for name in _OF_HOLDING:
        before, after = old[name], new[name]
        if name == "valid_to_us":
            before = date_words(cast("int", before), zone) or "open"
            after = date_words(cast("int", after), zone) or "open"
        yield from _said(name.removesuffix("_us").replace("_", " "), before, after)


def _accounts(a: Snapshot, b: Snapshot) -> Iterator[Change]:
    every = IDENTIFIER_SCHEMA.names()
    gone = a.identifiers.join(b.identifiers, on=every, how="anti").iter_rows(named=True)
    come = b.identifiers.join(a.identifiers, on=every, how="anti").iter_rows(named=True)
    old = {tuple(row[name] for name in _HOLDING): row for row in gone}
    new = {tuple(row[name] for name in _HOLDING): row for row in come}
    for key in sorted(old.keys() | new.keys()):
        if key in old and key in new:
            words = "; ".join(_holding_changes(old[key], new[key], b.time_zone))
            name = f"{key[0]} {key[1]}"
            yield Change("account", new[key]["account_id"], "changed", f"{name}: {words}")
        else:
            what, row = ("added", new[key]) if key in new else ("removed", old[key])
            yield Change("account", row["account_id"], what, _holding_words(row, b.time_zone))


def _rows_words(number: int, what: str = "") -> str:
    return f"{number} row{'s' * (number != 1)}{what}"


def _table_changes(old: ReferenceTable, new: ReferenceTable) -> Iterator[str]:
    """Count the rows that differ; a table may have a million."""
    columns = sorted({*old.rows.columns, *new.rows.columns})
    before, after = (
        one.rows.with_columns(pl.lit("").alias(name) for name in columns if name not in one.rows)
        for one in (old, new)
    )
    for what, here, there in (("added", after, before), ("removed", before, after)):
        number = here.join(there, on=columns, how="anti").height
        if number:
            yield _rows_words(number, f" {what}")


def _reference(a: Snapshot, b: Snapshot) -> Iterator[Change]:
    def changed(old: ReferenceTable, new: ReferenceTable) -> Iterator[str]:
        words = ", ".join(_table_changes(old, new))
        if words:
            yield words

    return _things(
        "reference", a.reference, b.reference, lambda one: _rows_words(one.rows.height), changed
    )


def diff(a: Snapshot, b: Snapshot) -> list[Change]:
    """Say what was added, removed and changed from catalogue `a` to catalogue `b`."""
    found = [*_operator(a, b)]
    found += _things(
        "calendar", a.calendars, b.calendars, calendar_words,
        lambda old, new: _said("bands", calendar_words(old), calendar_words(new)),
    )  # fmt: skip
    found += _things("tariff", a.tariffs, b.tariffs, tariff_words, _tariff_changes)
    for name in sorted(a.tariffs.keys() | b.tariffs.keys()):
        found += _zones(a.tariffs.get(name), b.tariffs.get(name))
    found += _things("offer", a.offers, b.offers, _offer_words, _offer_changes)
    found += _things(
        "feed", a.feeds, b.feeds, lambda feed: f"{feed.format} {feed.inputs}", _feed_changes
    )
    before, after = other_terms(a), other_terms(b)
    for kind, old in before.items():
        found += _things(kind, old, after[kind], str, lambda x, y: _said("", x, y))
    found += _reference(a, b)
    found += _accounts(a, b)
    return found
