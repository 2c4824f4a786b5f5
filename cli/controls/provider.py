"""`tallywire controls provider`: a provider's bill against what was rated of resold resources."""

from collections import defaultdict
from collections.abc import Iterator
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
    period_of,
    show,
    text_of,
    work,
    wrong,
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


def reconcile(
    bill: Annotated[Path, typer.Argument(help="CSV of the bill: FOCUS, or plain columns.")],
    *,
    first: FirstOption = "",
    last: LastOption = "",
    service: Annotated[
        Service, typer.Option("--service", help="Service as which the usage was rated.")
    ] = Service.CLOUD,
    scale: Annotated[
        int,
        typer.Option(
            "--scale", min=0, max=_MOST_SCALE,
            help="Decimals that rated quantities count: that of the feed, 9 for bills as feeds.",
        ),
    ] = 0,
    within: Annotated[
        str, typer.Option("--quantity-within", help="Quantity by which a day may differ.")
    ] = "0",
    prices: Annotated[
        Path | None,
        typer.Option("--prices", help="CSV `sku,price`: what was agreed with the provider."),
    ] = None,
    columns: ColumnOption = None,
    zone: ZoneOption = "",
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:  # fmt: skip
    """Hold a provider's bill against what was rated of resold resources, day by day.

    Found is what nobody pays for, what was never rated, where quantities differ, and prices other
    than agreed; all of a cause is critical above 0.5 % of the bill's cost. What is gone since
    closes. Exit code 1 says that something was found.
    """
    settings = settings_of(home)
    with plain_errors():
        allowed = amount_of(within, "--quantity-within")
        agreed = _agreed(prices)
        text, names = text_of(bill), names_of(columns)
        with store_of(settings), work(settings) as at_work:
            snapshot = at_work.snapshot
            days_in = zone or ("UTC" if is_focus(text) else snapshot.time_zone)
            customers = frozenset(snapshot.identifiers["identifier"].to_list())
            read = read_bill(bill.name, text, names, days_in, snapshot.currency, customers)
            if not read.lines:
                wrong(f"{bill.name} has no line of usage")
            days = days_of(first, last, sorted({one.day for one in read.lines}))
            lines = [one for one in read.lines if days[0] <= one.day <= days[1]]
            period = period_of(days, days_in)
            rated = list(_rated(at_work, service, period, days_in, scale))
            found = gaps(lines, rated, customers, agreed, allowed)
            cost = _cost(lines)

            def midnight(day: date) -> int:
                return midnight_us(day, days_in)

            alerts = list(told(found, cost, snapshot.tenant_id, midnight, at_work.at))
            _settle(at_work, alerts, lines, period)
    figures = {
        "lines_of_usage": len(lines), "other_lines": read.aside,
        "cost": ", ".join(f"{money(cost[one])} {one}" for one in sorted(cost)),
    }  # fmt: skip
    show(alerts, figures, "provider_", as_json=as_json)
    end(alerts)


def _agreed(path: Path | None) -> dict[str, Decimal]:
    if path is None:
        return {}
    pairs = read_rows(
        path.name, text_of(path), ("sku", "price"), {},
        lambda row: (row["sku"], number(row["price"], "price")),
    )  # fmt: skip
    return dict(pairs)


def _rated(
    at_work: Work, service: str, period: tuple[int, int], zone: str, scale: int
) -> Iterator[Rated]:
    """Give what was rated, and what waits in suspense: that is told of there."""
    asked = {"service": service, "first": period[0], "last": period[1], "zone": zone}
    for row in rows(at_work.client, "resold_usage", asked):
        yield Rated(
            row["day"], row["served"].partition(":")[2], row["sku"],
            Decimal(row["units"]).scaleb(-scale),
        )  # fmt: skip
    for one in suspended(at_work.client, period):
        event = one.event
        if event.get("service") == service:
            yield Rated(
                local_day(one.at_us, zone), event.get("served_identifier", "").partition(":")[2],
                event.get("usage_type", ""), Decimal(event.get("quantity", 0)).scaleb(-scale),
            )  # fmt: skip


def _cost(lines: list[Line]) -> dict[str, Decimal]:
    cost: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        cost[line.currency] += line.cost
    return cost


def _settle(at_work: Work, alerts: list[Alert], lines: list[Line], period: tuple[int, int]) -> None:
    """Store; of what was open only what is of the bill's resources can be closed by it."""
    skus = {one.sku for one in lines}
    at_work.settle(
        CONTROLS.values(), alerts, period, len(lines),
        about=lambda entity: entity.rpartition("/")[2] in skus,
    )  # fmt: skip
