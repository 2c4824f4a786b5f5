"""`tallywire controls provider`: a provider's bill against what was rated of resold resources."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from assurance.outside.bill import Line, Rated, gaps
from assurance.outside.bill_file import is_focus, read_bill
from assurance.outside.bill_findings import CONTROLS, told
from assurance.outside.reading import number, read_rows
from cli.common import HomeOption, JsonOption, plain_errors, settings_of
from cli.controls.our_calls import suspended
from cli.controls.outside import (
    ColumnOption,
    FirstOption,
    LastOption,
    Work,
    ZoneOption,
    amount_of,
    days_of,
    end,
    local_day,
    midnight_us,
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
from cli.printed import money
from dashboards.queries import rows
from dataflows.stores import store_of
from schemas.alerts import Alert
from schemas.services import Service

EXAMPLES = (
    "controls provider bill.csv --column quantity=hours --column price=hour_price",
    "controls provider focus.csv --scale 9 --prices agreed.csv",
)
_MOST_SCALE = 15


_Service = Annotated[
    Service, typer.Option("--service", help="Service as which the usage was rated.")
]
_Scale = Annotated[
    int,
    typer.Option(
        "--scale",
        min=0,
        max=_MOST_SCALE,
        help="Decimals that rated quantities count: that of the feed, 9 for bills as feeds.",
    ),
]
_Within = Annotated[
    str, typer.Option("--quantity-within", help="Quantity by which a day may differ.")
]
_Prices = Annotated[
    Path | None,
    typer.Option("--prices", help="CSV `sku,price`: what was agreed with the provider."),
]


@dataclass(frozen=True)
class _Asked:
    """How the bill is compared."""

    service: str
    scale: int
    within: Decimal
    prices: dict[str, Decimal]


@dataclass(frozen=True)
class _Read:
    """A bill, as far as it is of the days.

    Attributes:
        aside: Lines that are no usage.
        lacking: Days without a line.
    """

    lines: list[Line]
    aside: int
    days: tuple[date, date]
    lacking: list[date]
    zone: str

    @property
    def period(self) -> tuple[int, int]:
        """Give the first instant and the one behind the last, microseconds UTC."""
        return period_of(self.days, self.zone)

    @property
    def cost(self) -> dict[str, Decimal]:
        """Add up the cost by currency."""
        cost: dict[str, Decimal] = defaultdict(Decimal)
        for line in self.lines:
            cost[line.currency] += line.cost
        return cost


def reconcile(
    bill: Annotated[Path, typer.Argument(help="CSV of the bill: FOCUS, or plain columns.")],
    *,
    first: FirstOption = "",
    last: LastOption = "",
    service: _Service = Service.CLOUD,
    scale: _Scale = 0,
    within: _Within = "0",
    prices: _Prices = None,
    columns: ColumnOption = None,
    zone: ZoneOption = "",
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Hold a provider's bill against what was rated of resold resources, day by day.

    Found is what nobody pays for, what was never rated, where quantities differ, and prices other
    than agreed; all of a cause is critical above 0.5 % of the bill's cost. What is gone since
    closes. Exit code 1 says that something was found.
    """
    settings = settings_of(home)
    with plain_errors():
        asked = _Asked(service, scale, amount_of(within, "--quantity-within"), _agreed(prices))
        names = names_of(columns)
        with store_of(settings), work(settings) as at_work:
            read = _read(at_work, bill, names, (first, last), zone)
            alerts = _compared(at_work, read, asked)
            _settle(at_work, alerts, read)
    not_judged("the bill", read.lacking)
    figures = {
        "lines_of_usage": len(read.lines), "other_lines": read.aside,
        "cost": ", ".join(f"{money(read.cost[one])} {one}" for one in sorted(read.cost)),
    }  # fmt: skip
    show(alerts, figures, "provider_", as_json=as_json)
    end(alerts)


def held(at_work: Work, bill: Path) -> list[Alert]:
    """Hold a plain bill against rated usage, as without options; store what differs."""
    read = _read(at_work, bill, {}, ("", ""), "")
    alerts = _compared(at_work, read, _Asked(Service.CLOUD, 0, Decimal(0), {}))
    _settle(at_work, alerts, read)
    return alerts


def _read(
    at_work: Work, bill: Path, names: dict[str, str], asked: tuple[str, str], zone: str
) -> _Read:
    text, snapshot = text_of(bill), at_work.snapshot
    days_in = zone_of(zone, "UTC" if is_focus(text) else snapshot.time_zone)
    customers = at_work.customers
    read = read_bill(bill.name, text, names, days_in, snapshot.currency, customers)
    if not read.lines:
        wrong(f"{bill.name} has no line of usage")
    days = days_of(*asked, sorted({one.day for one in read.lines}))
    lines = [one for one in read.lines if days[0] <= one.day <= days[1]]
    listed = {one.day for one in lines}
    lacking = [day for day in span(days) if day not in listed]
    return _Read(lines, read.aside, days, lacking, days_in)


def _compared(at_work: Work, read: _Read, asked: _Asked) -> list[Alert]:
    lacking = frozenset(read.lacking)
    rated = (one for one in _rated(at_work, read, asked) if one.day not in lacking)
    found = gaps(read.lines, rated, at_work.customers, asked.prices, asked.within)

    def midnight(day: date) -> int:
        return midnight_us(day, read.zone)

    return list(told(found, read.cost, at_work.snapshot.tenant_id, midnight, at_work.at))


def _agreed(path: Path | None) -> dict[str, Decimal]:
    if path is None:
        return {}
    pairs = read_rows(
        path.name, text_of(path), ("sku", "price"), {},
        lambda row: (row["sku"], number(row["price"], "price")),
    )  # fmt: skip
    return dict(pairs)


def _rated(at_work: Work, read: _Read, asked: _Asked) -> Iterator[Rated]:
    """Give what was rated, and what waits in suspense: that is told of there."""
    first, behind = read.period
    words = {"service": asked.service, "first": first, "last": behind, "zone": read.zone}
    for row in rows(at_work.client, "resold_usage", words):
        yield Rated(
            row["day"], row["served"].partition(":")[2], row["sku"],
            Decimal(row["units"]).scaleb(-asked.scale),
        )  # fmt: skip
    for one in suspended(at_work.client, (first, behind)):
        event = one.event
        if event.get("service") == asked.service:
            yield Rated(
                local_day(one.at_us, read.zone),
                event.get("served_identifier", "").partition(":")[2], event.get("usage_type", ""),
                Decimal(event.get("quantity", 0)).scaleb(-asked.scale),
            )  # fmt: skip


def _settle(at_work: Work, alerts: list[Alert], read: _Read) -> None:
    """Store; of what was open only what is of the bill's resources can be closed by it."""
    skus = {one.sku for one in read.lines}
    at_work.settle(
        CONTROLS.values(), alerts, read.period, len(read.lines),
        about=lambda entity: entity.endswith(tuple(f"/{sku}" for sku in skus)),
        unjudged=read.lacking,
        zone=read.zone,
    )  # fmt: skip
