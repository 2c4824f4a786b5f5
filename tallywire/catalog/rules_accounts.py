"""Accounts: a hierarchy without cycles, known offers, one holder of an identifier at a time."""

import datetime
from collections.abc import Iterator, Mapping

import polars as pl

from tallywire.catalog.entries import Entries, Parent, Result
from tallywire.catalog.problems import Problem, at_most
from tallywire.catalog.snapshot import FOREVER_US

_SHAPES = {
    "msisdn": (r"^[1-9][0-9]{3,14}$", "4 to 15 digits with country code, without + and spaces"),
    "imsi": (r"^[0-9]{6,15}$", "6 to 15 digits"),
}
"""Identifier types whose form is known: pattern and how to write it."""


def _unknown_parents(entries: Entries) -> Iterator[Problem]:
    known = entries.parents.keys() | {name for of, name in entries.broken if of == "accounts"}
    for account, parent in entries.parents.items():
        if parent.parent_id and parent.parent_id not in known:
            text = (
                f"the parent {parent.parent_id!r} of {account!r} is no account; add or correct it"
            )
            yield Problem(parent.file, parent.line, "parent", text)


def _cycles(parents: Mapping[str, Parent]) -> Iterator[Problem]:
    clear: set[str] = set()
    for account in parents:
        trail: dict[str, None] = {}
        here = account
        while here in parents and here not in clear and here not in trail:
            trail[here] = None
            here = parents[here].parent_id
        if here in trail:
            names = list(trail)
            circle = names[names.index(here) :]
            place = parents[here]
            text = f"a cycle: {' is below '.join([*circle, here])}; take one parent away"
            yield Problem(place.file, place.line, "parent", text)
        clear.update(trail)  # `|=` with keys would copy the set each time


def hierarchy(entries: Entries) -> Result:
    """Check the accounts' parents."""
    unknown = at_most(_unknown_parents(entries), "an unknown parent")
    return entries, [*unknown, *_cycles(entries.parents)]


def _rows(frame: pl.DataFrame, key: str, message: str, what: str) -> list[Problem]:
    """Report rows; `message` is formatted with the row's columns."""
    names = [name for name in frame.columns if f"{{{name}" in message]
    found = [
        Problem(row["file"], row["line"], key, message.format(**{n: row[n] for n in names}))
        for row in frame.iter_rows(named=True)
    ]
    return at_most(found, what)


def _references(entries: Entries) -> list[Problem]:
    known = sorted(entries.known("offers", entries.offers))
    unknown = entries.holdings.filter(~pl.col("offer_id").is_in(known))
    return _rows(
        unknown.unique(["file", "line", "offer_id"], maintain_order=True),
        "offer", "there is no offer {offer_id!r}; add it or correct the id", "an unknown offer",
    )  # fmt: skip


def _shapes(holdings: pl.DataFrame) -> Iterator[list[Problem]]:
    for kind, (pattern, form) in _SHAPES.items():
        of_kind = pl.col("identifier_type") == kind
        wrong = holdings.filter(of_kind & ~pl.col("identifier").str.contains(pattern))
        message = f"{{identifier!r}} is not an {kind}; write {form}"
        yield _rows(
            wrong.unique(["file", "line"], maintain_order=True),
            "identifier", message, f"a wrong {kind}",
        )  # fmt: skip


def _one_account_each(holdings: pl.DataFrame) -> list[Problem]:
    distinct = holdings.select("subscription_id", "account_id").unique()
    if distinct["subscription_id"].n_unique() == distinct.height:
        return []
    pairs = holdings.unique(["subscription_id", "account_id"], keep="first", maintain_order=True)
    first = pl.col("account_id").first().over("subscription_id")
    moved = pairs.with_columns(first.alias("owner")).filter(pl.col("owner") != pl.col("account_id"))
    message = (
        "the subscription {subscription_id!r} belongs to {owner!r} already; "
        "use another id under {account_id!r}"
    )
    return _rows(moved, "subscription", message, "a subscription in two accounts")


def _day(micros: int) -> str:
    if micros >= FOREVER_US:
        return "for ever"
    moment = datetime.datetime.fromtimestamp(micros // 1_000_000, tz=datetime.UTC)
    return f"until {moment:%Y-%m-%d %H:%M} UTC"


def _overlaps(holdings: pl.DataFrame) -> list[Problem]:
    key = ["identifier_type", "identifier"]
    ordered = holdings.sort([*key, "valid_from_us", "valid_to_us", "file", "line"])
    before = [
        pl.col(name).shift(1).alias(f"before_{name}")
        for name in (*key, "valid_to_us", "subscription_id", "file", "line")
    ]
    same = pl.all_horizontal(pl.col(f"before_{name}") == pl.col(name) for name in key)
    late = pl.col("before_valid_to_us") > pl.col("valid_from_us")
    found = [
        Problem(
            row["file"],
            row["line"],
            "identifier",
            f"{row['identifier_type']} {row['identifier']} is held by the subscription "
            f"{row['before_subscription_id']!r} {_day(row['before_valid_to_us'])} "
            f"({row['before_file']}:{row['before_line']}); end one before the other begins",
        )
        for row in ordered.with_columns(before).filter(same & late).iter_rows(named=True)
    ]
    return at_most(found, "an identifier held twice")


def subscriptions(entries: Entries) -> Result:
    """Check subscriptions and identifiers, whatever file they come from."""
    held = entries.holdings
    found = [*_references(entries), *_one_account_each(held), *_overlaps(held)]
    return entries, [*found, *(one for many in _shapes(held) for one in many)]
