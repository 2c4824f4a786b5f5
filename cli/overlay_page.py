"""A comparison with a bill as one page to print: no scripts, nothing loaded, everything escaped."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from assurance.overlay.causes import SENTENCES, Cause
from cli.overlay_report import both_sides
from cli.printed_page import document, table

_MONEY = {"ours": "Our price", "billed": "Billed", "under": "Under", "over": "Over"}
_SECTIONS: Sequence[tuple[str, str, Mapping[str, str]]] = (
    ("currencies", "Usage and bill", {
        "currency": "Currency", "used": "Usage", "lined": "Billed lines", "matched": "Matched",
        **_MONEY, "under_recoverable": "Under, recoverable",
        "under_time_barred": "Under, time-barred", "unverified": "Not verifiable",
        "net": "Billed less our price", "leakage_percent": "Under, % of our price"}),
    ("causes", "Leakage by cause", {
        "meaning": "Cause", "currency": "Currency", "records": "Records", "under": "Under",
        "under_recoverable": "recoverable", "under_time_barred": "time-barred", "over": "Over",
        "unverified": "Not verifiable", "estimate": "Estimated worth"}),
    ("kinds", "What it was billed as", {
        "note": "", "cause": "Cause", "currency": "Currency", "records": "Records",
        "under": "Under", "over": "Over"}),
    ("months", "By month and service", {
        "month": "Month", "service": "Service", "currency": "Currency", "used": "Usage",
        "lined": "Billed lines", **_MONEY, "net": "Billed less our price"}),
    ("accounts", "Accounts with the largest leakage", {
        "account": "Account", "currency": "Currency", "findings": "Findings", **_MONEY,
        "net": "Billed less our price"}),
    ("matches", "How usage and lines were matched", {
        "match": "By", "records": "Pairs", "ambiguous": "Ambiguous"}),
    ("problems", "Lines that could not be read", {
        "file": "File", "line": "Line", "problem": "Problem"}),
)  # fmt: skip


def _parts(summary: Mapping[str, Any]) -> Iterator[str]:
    for name, title, columns in _SECTIONS:
        if summary[name]:
            yield f"<h2>{escape(title)}</h2>"
            yield table(_of_age(columns, summary), summary[name])
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in summary["largest"]:
        groups.setdefault((row["cause"], row["currency"]), []).append(both_sides(row))
    if groups:
        yield "<h2>Evidence: the largest of each cause</h2>"
    for (cause, currency), rows in groups.items():
        yield f"<h3>{escape(SENTENCES[Cause(cause)])}, {escape(currency or 'no currency')}</h3>"
        yield table({name: name.capitalize() for name in rows[0]}, rows)


def _of_age(columns: Mapping[str, str], summary: Mapping[str, Any]) -> Mapping[str, str]:
    """Leave out what is recoverable where nothing says since when it is not."""
    if summary["as_of"]:
        return columns
    ends = ("_recoverable", "_time_barred")
    return {name: words for name, words in columns.items() if not name.endswith(ends)}


def _head(summary: Mapping[str, Any]) -> str:
    usage, bill = summary["usage"], summary["bill"]
    aside = sum(usage["set_aside"].values())
    sentences = [
        f"{usage['records']:,} usage records were read, {aside:,} of them set aside (copies, ",
        f"control records, filtered), {usage['waiting']:,} wait for the rest of their session. ",
        f"{bill['lines']:,} billed lines of {', '.join(bill['files'])}; {bill['unread']:,} could ",
        f"not be read, {bill['cancelled']:,} are charges and the credits that take them back. ",
        f"Prices: catalogue {summary['catalogue'][:12]}.",
    ]
    if summary["since"] or summary["until"]:
        since, until = summary["since"] or "the beginning", summary["until"] or "the end"
        sentences.append(f" Period: from {since} to {until}.")
    if summary["time_barred_before"]:
        limit = summary["time_barred_before"]
        sentences.append(f" As of {summary['as_of']}, what began before {limit} is time-barred.")
    return f"<p>{escape(''.join(sentences))}</p>"


def page(summary: Mapping[str, Any]) -> str:
    """Write a comparison as HTML.

    Args:
        summary: What `cli.overlay_report.content` gives.
    """
    body = "\n".join(_parts(summary))
    if not summary["causes"]:
        body = f"<p><strong>Nothing leaks.</strong></p>\n{body}"
    return document("Leakage report", f"{_head(summary)}\n{body}")
