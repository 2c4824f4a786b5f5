"""Who held which identifier, under which offer, from when to when: out of YAML and of CSV."""

import dataclasses
from collections.abc import Iterator

import polars as pl

from tallywire.catalog.columns import micros_column, row_problems
from tallywire.catalog.entries import HOLDING_SCHEMA, LINE, Entries, Parent, Placed, Result
from tallywire.catalog.models import AccountEntry, OfferPeriod, SubscriptionEntry
from tallywire.catalog.problems import Problem
from tallywire.catalog.snapshot import FOREVER_US
from tallywire.catalog.values import span
from tallywire.catalog.yaml_text import Path

_REQUIRED = ("account_id", "subscription_id", "offer_id", "identifier_type", "identifier")
_OPTIONAL = ("parent_id", "valid_from", "valid_to")
_ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.:\-]{0,63}$"
Row = tuple[str, str, str, str, str, int, int, str, int]


class _Yaml:
    """Rows and problems of one account written in YAML."""

    def __init__(self, placed: Placed[AccountEntry], zone: str) -> None:
        self.placed = placed
        self.zone = zone
        self.problems: list[Problem] = []
        self.rows: list[Row] = []
        for number, subscription in enumerate(placed.value.subscriptions):
            self._subscription(("subscriptions", number), subscription)

    def _fault(self, path: Path, message: str) -> None:
        self.problems.append(self.placed.problem(path, message))

    def _subscription(self, path: Path, subscription: SubscriptionEntry) -> None:
        whole = span(subscription.valid_from, subscription.valid_to, self.zone)
        if whole[1] <= whole[0]:
            self._fault((*path, "valid_to"), "is not after valid_from; correct one")
        if (subscription.offer is None) == (not subscription.offers):
            self._fault(path, "needs either offer or offers")
            return
        periods = self._periods(path, subscription)
        for number, identifier in enumerate(subscription.identifiers):
            here = (*path, "identifiers", number)
            own = span(identifier.valid_from, identifier.valid_to, self.zone)
            if own[1] <= own[0]:
                self._fault((*here, "valid_to"), "is not after valid_from; correct one")
                continue
            line = self.placed.document.line((*self.placed.base, *here))
            before = len(self.rows)
            for offer, start, end in periods:
                first, last = max(start, own[0], whole[0]), min(end, own[1], whole[1])
                if first < last:
                    self.rows.append(
                        (
                            self.placed.value.id, subscription.id, offer,
                            identifier.type, identifier.value, first, last,
                            self.placed.file, line,
                        )
                    )  # fmt: skip
            if len(self.rows) == before and whole[1] > whole[0]:
                self._fault(here, "is never valid while the subscription and its offer are")

    def _periods(self, path: Path, subscription: SubscriptionEntry) -> list[tuple[str, int, int]]:
        written = subscription.offers or (OfferPeriod(offer=subscription.offer or ""),)
        found: list[tuple[str, int, int]] = []
        for number, period in enumerate(written):
            start, end = span(period.valid_from, period.valid_to, self.zone)
            following = written[number + 1].valid_from if number + 1 < len(written) else None
            if period.valid_to is None and following is not None:
                end = following.micros(self.zone)
            self._in_order((*path, "offers", number), found[-1][2] if found else start, start, end)
            found.append((period.offer, start, end))
        return found

    def _in_order(self, path: Path, before: int, start: int, end: int) -> None:
        if end <= start:
            self._fault(path, "ends before it begins; correct the dates")
        if start < before:
            self._fault((*path, "valid_from"), "overlaps the offer above it; begin where it ends")
        elif start > before:
            self._fault((*path, "valid_from"), "leaves a gap after the offer above it")


def _columns(name: str, table: pl.DataFrame) -> list[Problem]:
    found = [
        Problem(name, 1, column, "the column is missing; add it")
        for column in _REQUIRED
        if column not in table.columns
    ]
    known = {*_REQUIRED, *_OPTIONAL, LINE}
    found += [
        Problem(name, 1, column, f"unknown column; known: {', '.join((*_REQUIRED, *_OPTIONAL))}")
        for column in table.columns
        if column not in known
    ]
    return found


def _cells(name: str, table: pl.DataFrame) -> Iterator[list[Problem]]:
    has_subscription = pl.col("subscription_id") != ""
    for column in _REQUIRED[:4]:
        wrong = ~pl.col(column).str.contains(_ID_PATTERN)
        if column != "account_id":
            wrong &= has_subscription
        yield row_problems(table, name, column, wrong, lambda text: f"{text!r} is not an id")
    wrong = has_subscription & (pl.col("identifier") == "")
    yield row_problems(table, name, "identifier", wrong, lambda _: "is empty; write it")
    lone = ~has_subscription & (pl.col("identifier") + pl.col("offer_id") != "")
    yield row_problems(
        table, name, "subscription_id", lone, lambda _: "is empty beside an offer or identifier"
    )


def _csv(name: str, table: pl.DataFrame, zone: str) -> tuple[pl.DataFrame, list[Problem]]:
    table = table.with_columns(
        pl.lit("").alias(column) for column in _OPTIONAL if column not in table.columns
    )
    starts, wrong_starts = micros_column(table, "valid_from", zone, empty=0)
    ends, wrong_ends = micros_column(table, "valid_to", zone, empty=FOREVER_US)
    problems = [problem for found in _cells(name, table) for problem in found]
    problems += row_problems(table, name, "valid_from", starts.is_null(), wrong_starts.__getitem__)
    problems += row_problems(table, name, "valid_to", ends.is_null(), wrong_ends.__getitem__)
    problems += row_problems(
        table, name, "valid_to", ends <= starts, lambda _: "is not after valid_from; correct one"
    )
    rows = table.with_columns(
        starts.fill_null(0).alias("valid_from_us"),
        ends.fill_null(FOREVER_US).alias("valid_to_us"),
        pl.lit(name).alias("file"),
        pl.col(LINE).alias("line"),
    )
    return rows.select(*HOLDING_SCHEMA.names(), "parent_id"), problems


def _said(rows: pl.DataFrame) -> Iterator[tuple[str, Parent]]:
    pairs = rows.unique(["account_id", "parent_id"], keep="first", maintain_order=True)
    for account, parent, file, line in pairs.select(
        "account_id", "parent_id", "file", "line"
    ).iter_rows():
        yield account, Parent(parent, file, line)


def _parents(said: list[tuple[str, Parent]]) -> tuple[dict[str, Parent], list[Problem]]:
    found: dict[str, Parent] = {}
    problems = []
    for account, parent in said:
        before = found.get(account)
        if before is None or not before.parent_id:
            found[account] = parent
        elif parent.parent_id and parent.parent_id != before.parent_id:
            text = (
                f"the account {account!r} has the parent {before.parent_id!r} in "
                f"{before.file}:{before.line} and {parent.parent_id!r} here; keep one"
            )
            problems.append(Problem(parent.file, parent.line, "parent_id", text))
    return found, problems


def holdings(entries: Entries) -> Result:
    """Gather parents and holdings of all accounts, YAML and CSV, into one table each."""
    said: list[tuple[str, Parent]] = []
    rows: list[Row] = []
    problems: list[Problem] = []
    for placed in entries.accounts:
        account = _Yaml(placed, entries.time_zone)
        rows += account.rows
        problems += account.problems
        line = placed.document.line((*placed.base, "parent"))
        said.append((placed.value.id, Parent(placed.value.parent or "", placed.file, line)))
    frames = [pl.DataFrame(rows, schema=HOLDING_SCHEMA, orient="row")]
    for name, table in entries.tables.items():
        faults = _columns(name, table)
        problems += faults
        if faults:
            continue
        frame, found = _csv(name, table, entries.time_zone)
        problems += found
        said += _said(frame)
        frames.append(frame.filter(pl.col("subscription_id") != "").drop("parent_id"))
    parents, found = _parents(said)
    together = pl.concat(frames, rechunk=True)
    entries = dataclasses.replace(entries, parents=parents, holdings=together)
    return entries, [*problems, *found]
