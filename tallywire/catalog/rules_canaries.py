"""Canaries: a feed of files that takes them, an account of their own, times that can be kept."""

from collections.abc import Iterator

from schemas.services import Unit
from tallywire.catalog.canaries import ID, START
from tallywire.catalog.entries import Entries, Placed, Result
from tallywire.catalog.models import FeedEntry
from tallywire.catalog.models_canaries import CanaryEntry
from tallywire.catalog.pricing import in_units
from tallywire.catalog.problems import Problem
from tallywire.catalog.values import Amount

Found = Iterator[tuple[tuple[str, ...], str]]
_SECOND_US = 1_000_000
_LONGEST_US = 86_400 * _SECOND_US
_DECIMALS = 10**9


def _feed(entry: CanaryEntry, entries: Entries) -> Found:
    if entry.feed not in entries.known("feeds", entries.feeds):
        yield ("feed",), f"there is no feed {entry.feed!r}; add it or correct the id"
    for feed in (one.value for one in entries.feeds if one.value.id == entry.feed):
        if not _takes_files(feed):
            text = (
                f"the feed {feed.id} cannot be sent to: a canary is a file of the inputs, so write "
                "a feed with a path of plain names and one `*`, without collect"
            )
            yield ("feed",), text


def _takes_files(feed: FeedEntry) -> bool:
    plain = feed.path.count("*") == 1 and not set(feed.path) & set("?[")
    inside = not any(part.startswith(".") for part in feed.path.split("/")) and feed.path[:1] != "/"
    return plain and inside and feed.collect is None and not feed.growing


def _account(entry: CanaryEntry, entries: Entries) -> Found:
    if entry.account not in entries.known("accounts", entries.accounts):
        yield ("account",), f"there is no account {entry.account!r}; add one for canaries alone"
    parents = {name: parent.parent_id for name, parent in entries.parents.items()}
    written = {one.value.id: one.value.parent for one in entries.accounts}
    above = parents.get(entry.account) or written.get(entry.account)
    below = sorted(
        name for name, parent in {**written, **parents}.items() if parent == entry.account
    )
    if above or below:
        text = (
            f"{entry.account} shares its counters with {above or below[0]}; an account of canaries "
            "has none above or below it"
        )
        yield ("account",), text


def _time(amount: Amount, name: str) -> Found:
    time = in_units(amount, Unit.MICROSECOND)
    if time is None:
        yield (name,), "is no time; write for example 1min or 30s"
    elif not _SECOND_US <= time <= _LONGEST_US:
        yield (name,), "must be at least 1s and at most 24h"


def _record(entry: CanaryEntry) -> Found:
    for mark in (ID, START):
        if mark not in entry.record:
            yield ("record",), f"does not say where {mark} stands; write it into the record"


def _quantity(entry: CanaryEntry) -> Found:
    if (in_units(entry.quantity, Unit.MICROSECOND) or 0) > _LONGEST_US:
        yield ("quantity",), "lasts for more than 24h; send something shorter"


def _price(entry: CanaryEntry) -> Found:
    if (entry.expect.amount * _DECIMALS).denominator != 1:
        yield ("expect", "amount"), "has more than nine decimals; no charge has"


def _canary(placed: Placed[CanaryEntry], entries: Entries) -> Iterator[Problem]:
    entry = placed.value
    found = [
        *_feed(entry, entries), *_account(entry, entries), *_record(entry),
        *_quantity(entry), *_price(entry),
        *_time(entry.every, "every"), *_time(entry.within, "within"),
    ]  # fmt: skip
    for path, text in found:
        yield placed.problem(path, text)


def canaries(entries: Entries) -> Result:
    """Check every canary."""
    return entries, [problem for one in entries.canaries for problem in _canary(one, entries)]
