"""A comparison with a bill as values for programs, tables for people, and frames for files."""

from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import polars as pl
from rich.table import Table

from assurance.overlay.causes import SENTENCES, Cause
from cli.backtest_report import as_table
from dataflows.overlay.findings import as_written
from dataflows.overlay.work import Compared, Comparison
from schemas.instants import text_from_micros
from schemas.services import UNIT_OF_SERVICE
from tallywire.catalog.snapshot import FOREVER_US
from tallywire.rating.wording import quantity_words

ACCOUNTS_SHOWN = 10
_HUNDREDTH = Decimal("0.01")
_UNITS = {service.value: unit.value for service, unit in UNIT_OF_SERVICE.items()}
_MATCHES = {"key": "equal keys", "exact": "equal number, start and quantity", "near": "nearest"}


def frames(made: Compared) -> dict[str, pl.DataFrame]:
    """Give every table of a comparison but the findings, by the name of its CSV file."""
    report = made.report
    return {
        "causes": _with_totals(report.causes),
        "kinds": report.notes,
        "months": _with_net(report.months),
        "accounts": _with_net(report.accounts),
        "problems": made.problems,
    }


def _with_net(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns((pl.col("billed") - pl.col("ours")).alias("net"))


def _with_totals(causes: pl.DataFrame) -> pl.DataFrame:
    words = {cause.value: text for cause, text in SENTENCES.items()}
    return causes.with_columns(
        pl.col("cause").replace_strict(words, return_dtype=pl.String).alias("meaning")
    )


def _percent(part: Decimal, whole: Decimal) -> Decimal | None:
    if not whole:
        return None
    return (part * 100 / whole).quantize(_HUNDREDTH, rounding=ROUND_HALF_UP)


def content(plan: Comparison, made: Compared) -> dict[str, Any]:
    """Give a comparison as values: all but the findings, of which it has the largest."""
    limit = plan.age.limit_us
    told, report = made.collected, made.report
    currencies = [
        {**row, "net": row["billed"] - row["ours"],
         "leakage_percent": _percent(row["under"], row["ours"])}
        for row in report.currencies.to_dicts()
    ]  # fmt: skip
    return {
        "catalogue": plan.snapshot.hash,
        "since": text_from_micros(plan.since_us) if plan.since_us else None,
        "until": _until(plan),
        "as_of": plan.age.as_of.isoformat() if plan.age.as_of else None,
        "time_barred_before": None if limit is None else text_from_micros(limit),
        "usage": {
            "files": {feed: [path.name for path in paths] for feed, paths in plan.usage.items()},
            "records": told.records, "waiting": told.waiting,
            "set_aside": _sorted(told.set_aside), "refused": _sorted(told.refused),
        },
        "bill": {
            "files": [bill.path.name for bill in plan.bills], "lines": made.lines,
            "unread": made.unread, "cancelled": made.cancelled,
        },
        "currencies": currencies,
        "matches": report.matches.to_dicts(),
        "causes": _with_totals(report.causes).to_dicts(),
        "kinds": report.notes.to_dicts(),
        "months": _with_net(report.months).to_dicts(),
        "accounts": _top_accounts(report.accounts).to_dicts(),
        "largest": as_written(report.largest).to_dicts(),
        "problems": made.problems.head(ACCOUNTS_SHOWN).to_dicts(),
    }  # fmt: skip


def _until(plan: Comparison) -> str | None:
    return text_from_micros(plan.until_us) if plan.until_us < FOREVER_US else None


def _sorted(reasons: Counter[str]) -> dict[str, int]:
    return dict(sorted(reasons.items()))


def _top_accounts(accounts: pl.DataFrame) -> pl.DataFrame:
    leaking = accounts.filter(pl.col("findings") > 0)
    return _with_net(leaking).group_by("currency", maintain_order=True).head(ACCOUNTS_SHOWN)


def tables(made: Compared, *, aged: bool) -> list[Table]:
    """Make the tables for a terminal; empty ones are left out.

    Args:
        made: What the comparison came to.
        aged: It is known since when usage is time-barred.
    """
    report = made.report
    totals = _with_net(report.currencies).select(
        "currency", pl.col("used").alias("usage"), pl.col("lined").alias("lines"), "matched",
        "ours", "billed", "net", "under", "under_recoverable", "over", "unverified",
    )  # fmt: skip
    matches = report.matches.with_columns(pl.col("match").replace_strict(_MATCHES))
    kept = [
        ("Usage and bill", totals),
        ("How usage and lines were matched", matches),
        ("Leakage by cause", report.causes.select(
            "cause", "currency", "records", "under", "under_time_barred", "over",
            "over_time_barred", "unverified", "estimate")),
        ("What it was billed as", report.notes),
        ("By month and service", _with_net(report.months).select(
            "month", "service", "currency", "ours", "billed", "net", "under", "over")),
        ("Accounts with the largest leakage", _top_accounts(report.accounts).select(
            "account", "currency", "findings", "ours", "billed", "under", "over")),
    ]  # fmt: skip
    of_age = [] if aged else ["under_recoverable", "under_time_barred", "over_time_barred"]
    made_tables = [
        as_table(title, frame.drop(of_age, strict=False))
        for title, frame in kept
        if not frame.is_empty()
    ]
    return [*made_tables, *_evidence(report.largest)]


def _evidence(largest: pl.DataFrame) -> list[Table]:
    """Show the largest findings of each cause with both sides."""
    made = []
    for (cause, currency), rows in largest.group_by("cause", "currency", maintain_order=True):
        sides = [both_sides(row) for row in as_written(rows).to_dicts()]
        title = f"{SENTENCES[Cause(str(cause))]} ({cause}), {currency or 'no currency'}: largest"
        made.append(as_table(title, pl.DataFrame(sides)))
    return made


def both_sides(row: dict[str, Any]) -> dict[str, Any]:
    """Tell a finding in few words: when, who, what we make of it, what was billed.

    Args:
        row: A row of ENTRY as it is written.
    """
    return {
        "start": row["start"].replace(".000000", ""),
        "account": row["account"] or "",
        "called": row["called"] or "",
        "usage": _our_side(row),
        "bill": _their_side(row),
        "under": row["under"],
        "over": row["over"],
        "": row["note"],
    }


def _our_side(row: dict[str, Any]) -> str:
    if row["usage_file"] is None:
        return "none"
    place = f"{row['usage_file']} record {row['usage_record']}"
    if row["tariff_id"] is None:
        return f"no price, {place}"
    unit = _unit(row["service"])
    zone = f"/{row['zone_id']}" if row["zone_id"] else ""
    ours = "" if row["part"] == "bill" else f"{_money(row['ours'])}: "
    return (
        f"{ours}{quantity_words(row['quantity'], unit)}, "
        f"{row['tariff_id']}{zone} revision {row['tariff_revision']}; {place}"
    )


def _their_side(row: dict[str, Any]) -> str:
    if row["billed_file"] is None:
        return "none"
    invoice = f", invoice {row['invoice']}" if row["invoice"] else ""
    size = row["billed_quantity"]
    counted = "" if size is None else f": {quantity_words(size, _unit(row['service']))}"
    line = f"line {row['billed_line']} of {row['billed_file']}"
    billed = "" if row["part"] == "usage" else f"{_money(row['billed'])}{counted}; "
    return f"{billed}{line}{invoice}"


def _unit(service: str) -> str:
    return _UNITS.get(service, "count")


def _money(value: Decimal) -> str:
    return f"{value.normalize():f}"
