"""`tallywire controls partner`: our calls against a partner's list, or feed against feed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from assurance.outside.calls import CALLS, SECOND_US, Allowed, Judged, judge
from assurance.outside.calls_file import read_calls
from assurance.outside.partner_findings import (
    CONTROLS,
    Days,
    Limits,
    Parties,
    Totals,
    by_day,
    day_of,
    told,
    worth_of,
)
from assurance.outside.pricing import Repricing
from cli.common import HomeOption, JsonOption, plain_errors, settings_of
from cli.controls.our_calls import of_feed, of_partner
from cli.controls.outside import (
    ColumnOption,
    FirstOption,
    LastOption,
    Work,
    ZoneOption,
    amount_of,
    csv_files,
    days_of,
    end,
    names_of,
    not_judged,
    period_of,
    show,
    span,
    text_of,
    work,
    wrong,
    zone_of,
)
from cli.controls.pack import write_pack
from dataflows.stores import store_of
from schemas.alerts import Alert
from tallywire.catalog.snapshot import Partner

EXAMPLES = (
    "controls partner --partner carrier_a october/",
    "controls partner --partner carrier_a calls.csv --column start=Begin --pack dispute",
    "controls partner --feeds tap fraud --from 2026-10-01 --to 2026-10-31",
)
_NOTHING: Totals = (0, 0, Decimal(0))
_LONGEST = 24 * 3_600 * SECOND_US


@dataclass(frozen=True)
class _Sides:
    """Both lists, and what is to be known of them."""

    ours: pl.DataFrame
    theirs: pl.DataFrame
    parties: Parties
    usual: str
    days: tuple[date, date]
    zone: str


@dataclass(frozen=True)
class _Made:
    """What was made of them."""

    sides: _Sides
    judged: Judged
    disputes: Days
    alerts: list[Alert]
    unjudged: list[date]


_Files = Annotated[
    list[Path] | None, typer.Argument(help="CSV files of the partner, or folders of them.")
]
_Feeds = Annotated[
    tuple[str, str], typer.Option("--feeds", help="Two feeds of the same usage, no files.")
]
_Pack = Annotated[
    Path | None, typer.Option("--pack", help="Write disputes.csv and disputes.html here.")
]
_Start = Annotated[
    str, typer.Option("--start-within", help="Seconds between beginnings of one call.")
]
_Duration = Annotated[
    str,
    typer.Option(
        "--duration-within",
        help="Seconds between durations; by default 1, or 0 where nearly all agree exactly.",
    ),
]
_Clock = Annotated[
    str, typer.Option("--clock-within", help="Seconds by which a call's clock may be another.")
]
_Charge = Annotated[str, typer.Option("--charge-within", help="Money between charges of one call.")]
_Most = Annotated[
    tuple[str, str, str],
    typer.Option(
        "--most-percent",
        metavar="CALLS SECONDS MONEY",
        help="Shares of a day, in percent, up to which nothing is told.",
    ),
]


def reconcile(
    files: _Files = None,
    *,
    partner: Annotated[str, typer.Option("--partner", help="Its id in the catalogue.")] = "",
    feeds: _Feeds = ("", ""),
    first: FirstOption = "",
    last: LastOption = "",
    pack: _Pack = None,
    start: _Start = "2",
    duration: _Duration = "",
    clock: _Clock = "10800",
    charge: _Charge = "0",
    most: _Most = ("0", "0", "0"),
    columns: ColumnOption = None,
    zone: ZoneOption = "",
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Hold our calls against a partner's list of them, or a feed against another of the same usage.

    Calls are matched one to one by caller, called number and beginning; what a partner's clock and
    its counting differ by as a habit is taken out and told. What only one side has, or has longer,
    shorter or at another charge is a finding of the day, with its money; what is gone since closes.
    Exit code 1 says that there are some.
    """
    settings = settings_of(home)
    with plain_errors():
        allowed = Allowed(
            _micros(start, "--start-within"),
            _micros(duration, "--duration-within") if duration else None,
            _micros(clock, "--clock-within"), amount_of(charge, "--charge-within"),
        )  # fmt: skip
        limits = Limits(*(amount_of(one, "--most-percent") for one in most))
        asked, names = (first, last), names_of(columns)
        with store_of(settings), work(settings) as at_work:
            if any(feeds):
                sides = _two_feeds(at_work, feeds, asked, allowed)
            else:
                sides = _with_files(at_work, partner, files or [], asked, names, zone, allowed)
            made = _made(at_work, sides, allowed, limits)
            _settle(at_work, made)
        if pack is not None:
            write_pack(pack, made.disputes, sides.parties, sides.zone)
    _print(made, as_json=as_json)
    end(made.alerts)


def held(at_work: Work, partner: str, files: Sequence[Path]) -> list[Alert]:
    """Hold a partner's calls against its files, as without options; store what differs."""
    allowed = Allowed()
    sides = _with_files(at_work, partner, files, ("", ""), {}, "", allowed)
    made = _made(at_work, sides, allowed, Limits())
    _settle(at_work, made)
    return made.alerts


def _micros(text: str, option: str) -> int:
    size = amount_of(text, option) * SECOND_US
    if size != int(size) or size > _LONGEST:
        wrong(f"{option} {text}: write seconds, from 0 to a day")
    return int(size)


def _with_files(
    at_work: Work, partner: str, files: Sequence[Path], asked: tuple[str, str],
    names: dict[str, str], zone: str, allowed: Allowed,
) -> _Sides:  # fmt: skip
    snapshot = at_work.snapshot
    known = {one.partner_id: one for one in snapshot.partners}
    if partner not in known:
        listed = ", ".join(known) or "none"
        wrong(f"--partner {partner}: the catalogue in use has {listed}")
    if not files:
        wrong("give the partner's files, or --feeds with two feeds")
    own = snapshot.time_zone
    read = [
        read_calls(path.name, text_of(path), zone_of(zone, own), names) for path in csv_files(files)
    ]
    theirs = pl.concat(read)
    if theirs.is_empty():
        wrong("the files hold no calls")
    held = [day_of(int(at), own) for at in (theirs["time"].min(), theirs["time"].max())]  # type: ignore[arg-type]  # integers
    days = days_of(*asked, held)
    one = known[partner]
    usual = _usual(one)
    currency = snapshot.tariffs[usual].currency if usual else snapshot.currency
    parties = Parties(
        snapshot.tenant_id, "partner", partner, "our usage", partner, currency, one.side == "cost"
    )
    near = _near(days, own, allowed)
    ours = of_partner(at_work.client, partner, snapshot, near)
    return _Sides(ours, _between(theirs, near), parties, usual, days, own)


def _usual(partner: Partner) -> str:
    """Name the tariff of a partner's outgoing calls."""
    return partner.tariffs.get(("voice", "mo"), next(iter(partner.tariffs.values()), ""))


def _two_feeds(
    at_work: Work, feeds: tuple[str, str], asked: tuple[str, str], allowed: Allowed
) -> _Sides:
    snapshot = at_work.snapshot
    for feed in feeds:
        if feed not in snapshot.feeds:
            wrong(f"--feeds {feed}: the catalogue in use has {', '.join(snapshot.feeds)}")
    if not all(asked):
        wrong("--feeds needs --from and --to")
    days = days_of(*asked, ())
    near = _near(days, snapshot.time_zone, allowed)
    ours, theirs = (of_feed(at_work.client, feed, near) for feed in feeds)
    parties = Parties(
        snapshot.tenant_id, "feeds", "/".join(feeds), feeds[0], feeds[1], snapshot.currency
    )
    theirs = theirs.with_columns(pl.lit(None, CALLS["amount"]).alias("amount"))
    return _Sides(ours, theirs, parties, "", days, snapshot.time_zone)


def _near(days: tuple[date, date], zone: str, allowed: Allowed) -> tuple[int, int]:
    """Give the time in which partners of the days' calls may lie."""
    begin, behind = period_of(days, zone)
    more = allowed.start_us + allowed.clock_us
    return begin - more, behind + more


def _between(calls: pl.DataFrame, near: tuple[int, int]) -> pl.DataFrame:
    return calls.filter(pl.col("time").is_between(*near, closed="left"))


def _made(at_work: Work, sides: _Sides, allowed: Allowed, limits: Limits) -> _Made:
    judged = judge(sides.ours, sides.theirs, allowed)
    counts = Counter(_days(sides.theirs, sides.zone))
    listed = sides.parties.entity_type == "partner"  # a feed that has nothing lacks something
    unjudged = [day for day in span(sides.days) if listed and not counts[day]]
    disputes = (
        one for one in judged.disputes
        if sides.days[0] <= (day := day_of(one.at_us, sides.zone)) <= sides.days[1]
        and day not in unjudged
    )  # fmt: skip
    worth = worth_of(disputes, Repricing(at_work.snapshot), sides.usual)
    grouped = by_day(worth, sides.zone)
    totals = _totals(sides)

    def of_day(day: date) -> Totals:
        return totals.get(day, _NOTHING)

    alerts = list(told(grouped, of_day, sides.parties, limits, sides.zone, at_work.at))
    return _Made(sides, judged, grouped, alerts, unjudged)


def _days(calls: pl.DataFrame, zone: str) -> list[date]:
    moments = pl.from_epoch(calls["time"], time_unit="us").dt.replace_time_zone("UTC")
    return moments.dt.convert_time_zone(zone).dt.date().to_list()


def _totals(sides: _Sides) -> dict[date, Totals]:
    """Add up what both sides have of each day, the larger of the two."""
    found: dict[date, Totals] = {}
    for calls in (sides.ours, sides.theirs):
        made = calls.with_columns(day=pl.Series(_days(calls, sides.zone), dtype=pl.Date()))
        sums = made.group_by("day").agg(pl.len(), pl.col("size").sum(), pl.col("amount").sum())
        for day, count, size, amount in sums.rows():
            held = found.get(day, _NOTHING)
            found[day] = max(held[0], count), max(held[1], size), max(held[2], amount)
    return found


def _settle(at_work: Work, made: _Made) -> None:
    sides = made.sides
    at_work.settle(
        CONTROLS.values(), made.alerts, period_of(sides.days, sides.zone), sides.theirs.height,
        about=lambda entity: entity == sides.parties.entity_id, unjudged=made.unjudged,
    )  # fmt: skip


def _print(made: _Made, *, as_json: bool) -> None:
    judged, parties = made.judged, made.sides.parties
    not_judged(parties.theirs, made.unjudged)
    figures = {
        "our_calls": judged.ours, "their_calls": judged.theirs, "matched": judged.matched,
        **judged.explained,
        "clock_ahead_s": f"{Decimal(judged.shift_us) / SECOND_US:f}",
        "counted_longer_s": f"{Decimal(judged.longer) / SECOND_US:f}",
        "durations_within_s": f"{Decimal(judged.size_allowed) / SECOND_US:f}",
    }  # fmt: skip
    show(made.alerts, figures, "partner_", as_json=as_json)
