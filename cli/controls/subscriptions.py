"""`tallywire controls subscriptions`: whom the network serves against the catalogue and usage."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from assurance.outside.pricing import Repricing
from assurance.outside.reading import read_rows
from assurance.outside.served import (
    HOUR_US,
    Cause,
    Clock,
    Days,
    Episode,
    Holding,
    Use,
    differences,
    episodes,
)
from assurance.outside.served_file import day_in, read_served
from assurance.outside.served_findings import CONTROLS, Rated, told
from cli.common import HomeOption, JsonOption, plain_errors, settings_of
from cli.controls.our_calls import suspended
from cli.controls.outside import (
    ColumnOption,
    FirstOption,
    LastOption,
    Work,
    amount_of,
    csv_files,
    days_of,
    end,
    midnight_us,
    names_of,
    not_judged,
    period_of,
    show,
    span,
    text_of,
    work,
    wrong,
)
from dashboards.queries import rows
from dataflows.stores import store_of
from schemas.alerts import Alert
from tallywire.catalog.snapshot import Snapshot
from warehouse.decisions import chunks

EXAMPLES = (
    "controls subscriptions served/",
    "controls subscriptions served/ --from 2026-10-01 --to 2026-10-31 --tests tests.txt",
)
_GRACE_HOURS, _MOST_GRACE_HOURS = 4, 24


def reconcile(
    files: Annotated[list[Path], typer.Argument(help="The network's lists, or folders of them.")],
    *,
    first: FirstOption = "",
    last: LastOption = "",
    grace: Annotated[
        str, typer.Option("--grace-hours", help="How long a change may be under way.")
    ] = f"{_GRACE_HOURS}",
    test: Annotated[
        list[str] | None, typer.Option("--test", help="Identifier or subscription for tests.")
    ] = None,
    tests: Annotated[
        Path | None, typer.Option("--tests", help="File of such, one on each line.")
    ] = None,
    offers: Annotated[
        Path | None,
        typer.Option("--offers", help="CSV `network,catalogue`: what the network calls offers."),
    ] = None,
    columns: ColumnOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Hold whom the network serves, day by day, against the catalogue and against rated usage.

    A CSV for each day, whose name says the day: `subscription_id,account_id,offer_id,
    identifier_type,identifier`. A finding is a subscription over consecutive days, with what was
    rated of it; what is gone since closes. Exit code 1 says that there are some.
    """
    settings = settings_of(home)
    with plain_errors():
        hours = amount_of(grace, "--grace-hours")
        if hours > _MOST_GRACE_HOURS:
            wrong(f"--grace-hours {grace}: write hours, from 0 to {_MOST_GRACE_HOURS}")
        may = frozenset([*(test or ()), *(text_of(tests).split() if tests else ())])
        lists = _lists(files, first, last, columns, offers)
        with store_of(settings), work(settings) as at_work:
            made = _Compared(at_work, lists, int(hours * HOUR_US), may)
            alerts = _settled(made)
    not_judged("the network", made.lacking)
    figures = {
        "days": len(lists.lists), "lines_of_last_list": len(made.newest),
        "identifiers_in_catalogue": len(made.holdings),
    }  # fmt: skip
    show(alerts, figures, "subscription_", as_json=as_json)
    end(alerts)


def held(at_work: Work, files: Iterable[Path]) -> list[Alert]:
    """Hold the catalogue and its usage against lists, as without options; store what differs."""
    lists = _lists(files, "", "", None, None)
    return _settled(_Compared(at_work, lists, _GRACE_HOURS * HOUR_US, frozenset()))


def _lists(
    files: Iterable[Path], first: str, last: str, columns: Sequence[str] | None, offers: Path | None
) -> Days:
    named: dict[date, Path] = {}
    for path in csv_files(files):
        day = day_in(path.name)
        if day in named:
            wrong(f"{path} and {named[day]} are both of {day}: give one of them")
        named[day] = path
    begin, behind = days_of(first, last, sorted(named))
    names, called = names_of(columns), _offers(offers)
    lists = {
        day: read_served(path.name, text_of(path), names, called)
        for day, path in sorted(named.items()) if begin <= day <= behind
    }  # fmt: skip
    if not lists:
        wrong(f"no file is of a day from {begin} to {behind}")
    return Days(lists)


def _offers(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    pairs = read_rows(
        path.name, text_of(path), ("network", "catalogue"), {},
        lambda row: (row["network"], row["catalogue"]),
    )  # fmt: skip
    return dict(pairs)


def _settled(made: "_Compared") -> list[Alert]:
    alerts = made.alerts()
    made.work.settle(
        CONTROLS.values(), alerts, made.period, sum(map(len, made.days.lists.values())),
        unjudged=made.lacking,
    )  # fmt: skip
    return alerts


@dataclass
class _Compared:
    """The lists beside the catalogue and the store."""

    work: Work
    days: Days
    grace_us: int
    tests: frozenset[str]
    holdings: list[Holding] = field(init=False)

    def __post_init__(self) -> None:
        self.holdings = list(_holdings(self.work.snapshot))
        zone, held = self.zone, sorted(self.days.lists)
        begins = {
            day: midnight_us(day, zone) for day in span((held[0], held[-1] + timedelta(days=1)))
        }
        self.clock = Clock(begins, self.grace_us)
        self.period = period_of((held[0], held[-1]), zone)
        self.lacking = [day for day in span((held[0], held[-1])) if day not in self.days.lists]
        self.newest = self.days.lists[held[-1]]

    @property
    def zone(self) -> str:
        return self.work.snapshot.time_zone

    def alerts(self) -> list[Alert]:
        """Compare; give a finding for each episode."""
        uses = list(self._uses())
        found = differences(self.days, self.holdings, uses, self.clock, self.tests)
        all_of = episodes(found, self.days.lists)
        rated = self._rated(all_of, uses)
        tenant = self.work.snapshot.tenant_id
        return [told(one, rated[one], tenant, self.clock, self.work.at) for one in all_of]

    def _uses(self) -> Iterator[Use]:
        asked = {
            "zone": self.zone, "grace_s": self.grace_us // 1_000_000, "first": self.period[0],
            "last": self.period[1],
        }  # fmt: skip
        for row in rows(self.work.client, "usage_of_days", asked):
            kind, _, value = row["served"].partition(":")
            yield Use(
                row["subscription_id"], row["account_id"], (kind, value), row["day"],
                (row["day_before"], row["day_after"]), row["events"], row["charged"], row["money"],
            )  # fmt: skip

    def _rated(self, all_of: Sequence[Episode], uses: Iterable[Use]) -> dict[Episode, Rated]:
        by: dict[str, list[Use]] = defaultdict(list)
        for use in uses:
            by[use.subscription_id].append(use)
        offers = {one.first.subscription_id for one in all_of if one.first.cause is Cause.OFFER}
        events, waits = self._events(sorted(offers)), self._waiting(all_of)
        prices = Repricing(self.work.snapshot)
        made = {}
        for one in all_of:
            if one.first.cause is Cause.UNKNOWN:
                made[one] = self._in_suspense(one, waits)
            elif one.first.cause is Cause.OFFER:
                made[one] = self._repriced(one, events[one.first.subscription_id], prices)
            else:
                made[one] = _charged(one, by[one.first.subscription_id])
        return made

    def _events(self, ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for part in chunks(ids):
            asked = {"ids": part, "first": self.period[0], "last": self.period[1]}
            for row in rows(self.work.client, "usage_of_subscriptions", asked):
                found[row["subscription_id"]].append(row)
        return found

    def _waiting(self, all_of: Iterable[Episode]) -> dict[str, list[tuple[int, Decimal | None]]]:
        """Give instant and worth of usage in suspense, by identifier."""
        found: dict[str, list[tuple[int, Decimal | None]]] = defaultdict(list)
        if any(one.first.cause is Cause.UNKNOWN for one in all_of):
            for one in suspended(self.work.client, self.period):
                found[one.event.get("served_identifier", "")].append((one.at_us, one.worth))
        return found

    def _in_suspense(
        self, one: Episode, waits: dict[str, list[tuple[int, Decimal | None]]]
    ) -> Rated:
        first, behind = self._window(one)
        held = [worth for at, worth in waits[":".join(one.first.name)] if first <= at < behind]
        worth = sum((money for money in held if money is not None), Decimal(0))
        return Rated(len(held), worth if held else None, None, self.work.snapshot.currency)

    def _repriced(self, one: Episode, events: Sequence[dict[str, Any]], prices: Repricing) -> Rated:
        first, behind = self._window(one)
        mine = [row for row in events if first <= row["at_us"] < behind]
        charged = sum((row["charged"] for row in mine), Decimal(0))
        others = [
            prices.by_offer(
                one.first.said[0], (row["service"], row["direction"]), row["number"], row["at_us"],
                row["quantity"], row["usage_type"],
            ) for row in mine
        ]  # fmt: skip
        known = [price for price in others if price is not None]
        other = sum(known, Decimal(0)) if len(known) == len(mine) else None
        return Rated(len(mine), charged, other, mine[0]["money"] if mine else "")

    def _window(self, one: Episode) -> tuple[int, int]:
        return self.clock.of(one.first.day)[0], self.clock.of(one.last)[1]


def _charged(one: Episode, uses: Sequence[Use]) -> Rated:
    mine = [use for use in uses if one.first.day <= use.day <= one.last]
    amount = sum((use.amount for use in mine), Decimal(0))
    return Rated(
        sum(use.events for use in mine), amount if mine else None, None,
        mine[0].currency if mine else "",
    )  # fmt: skip


def _holdings(snapshot: Snapshot) -> Iterator[Holding]:
    for row in snapshot.identifiers.iter_rows(named=True):
        yield Holding(
            row["subscription_id"], row["account_id"], row["offer_id"],
            (row["identifier_type"], row["identifier"]), row["valid_from_us"], row["valid_to_us"],
        )  # fmt: skip
