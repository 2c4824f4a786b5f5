"""Counters in the middle of a month: every allowance and tier has been used, some of them up."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.catalogue import (
    Shape,
    account_names,
    account_of,
    offer_numbers,
    subscription_names,
    top_of,
)
from benchmarks.included import ALLOWANCES, TIERS, Included, size_of
from benchmarks.usage import MONTH
from tallywire.rating.counters import Counters

Ints = npt.NDArray[np.int64]

_PIECE = 500_000
_QUARTERS = 4
_COUNTED = 60_000_000


def _owners(shape: Shape, scope: str) -> tuple[Ints, Ints, pl.Series]:
    """Give numbers, plans and names of all who own counters of a scope."""
    subscriber = np.arange(shape.subscribers)
    account = account_of(shape, subscriber)
    if scope == "subscription":
        return subscriber, offer_numbers(shape, subscriber), subscription_names(subscriber)
    number, first = np.unique(account if scope == "account" else top_of(account), return_index=True)
    return number, offer_numbers(shape, subscriber[first]), account_names(number)


def _allowance(shape: Shape, one: Included, scope: str) -> tuple[pl.Series, Ints]:
    """Give keys and what is used: nothing, a third, two thirds, all."""
    number, plan, names = _owners(shape, scope)
    lead = "" if scope == "subscription" else f"allowance\x1f{scope}\x1f"
    size: Ints = np.array([size_of(each) for each in range(shape.retail_offers)], np.int64)
    held = size[plan] * one.each * one.base
    return lead + names + f"\x1f{one.name}\x1f{MONTH}", held * (number % _QUARTERS) // (
        _QUARTERS - 1
    )


def _tier(shape: Shape, name: str) -> tuple[pl.Series, Ints]:
    number, _, names = _owners(shape, "account")
    return "tiers\x1faccount\x1f" + names + f"\x1f{name}\x1f{MONTH}", number % 600 * _COUNTED


def _all(shape: Shape, *, each: bool) -> Iterator[tuple[pl.Series, Ints]]:
    for one in ALLOWANCES:
        yield _allowance(shape, one, "account" if each else one.scope)
    for name in TIERS:
        yield _tier(shape, name)


def used_counters(shape: Shape, *, each: bool = False) -> Counters:
    """Make the counters of all subscribers, accounts and hierarchies.

    Args:
        each: All of them are of accounts.
    """
    counters = Counters()
    for keys, used in _all(shape, each=each):
        for first in range(0, len(keys), _PIECE):
            slots, _ = counters.claim(keys[first : first + _PIECE])
            counters.write(slots, used[first : first + _PIECE])
            counters.changes()
    return counters
