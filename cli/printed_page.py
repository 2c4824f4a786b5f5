"""Pages to print: one file without scripts, nothing loaded, everything escaped."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Any

from cli.printed import money

STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; color: #1b1f24; margin: 2rem auto; max-width: 72rem;
  padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; } h2 { font-size: 1.15rem; margin-top: 2rem; }
h3 { font-size: 1rem; margin-bottom: .3rem; } p.note { color: #57606a; margin-top: .2rem; }
table { border-collapse: collapse; width: 100%; } th, td { padding: .25rem .6rem; text-align: left;
  border-bottom: 1px solid #d8dee4; vertical-align: top; overflow-wrap: anywhere; }
th { border-bottom: 2px solid #8c959f; font-weight: 600; }
td.number, th.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
@page { size: A4 landscape; margin: 12mm; }
@media print { body { margin: 0; max-width: none; font-size: 9.5pt; }
  h2, h3 { break-after: avoid; } tr { break-inside: avoid; } thead { display: table-header-group; }
}
"""
Rows = Sequence[Mapping[str, Any]]
"""Rows of a table, of the same names."""


def _cell(value: object) -> str:
    if isinstance(value, Decimal):
        return f'<td class="number">{escape(money(value))}</td>'
    if isinstance(value, int) and not isinstance(value, bool):
        return f'<td class="number">{value:,}</td>'
    return f"<td>{escape('' if value is None else str(value))}</td>"


def table(columns: Mapping[str, str], rows: Rows) -> str:
    """Write rows as a table.

    Args:
        columns: Name of each value in a row, to the words above it.
        rows: At least one.
    """
    first = rows[0]
    heads = "".join(
        f'<th scope="col"{_class(first[name])}>{escape(words)}</th>'
        for name, words in columns.items()
    )
    body = "\n".join(f"<tr>{''.join(_cell(row[name]) for name in columns)}</tr>" for row in rows)
    return f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _class(value: object) -> str:
    return ' class="number"' if isinstance(value, Decimal | int) else ""


def document(title: str, body: str) -> str:
    """Write a whole page.

    Args:
        body: HTML, escaped already.
    """
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )
