"""Rollups: what the base tables add up to, kept by materialised views, rebuilt from them alone."""

from dataclasses import dataclass

_FATES = "lane, feed_id, toStartOfHour(collected_at) AS hour"


@dataclass(frozen=True)
class Feeding:
    """One base table's part of a rollup.

    Attributes:
        select: The SELECT of the materialised view, without FROM.
        group: Its GROUP BY.
        terms: Values of `term` that come from this table, for a rebuild; empty where the rollup
            has no terms.
        hour: Expression of the rollup's hour over the base table.
    """

    rollup: str
    table: str
    select: str
    group: str
    terms: tuple[str, ...]
    hour: str


def _fate(table: str, term: str, records: str, terms: tuple[str, ...]) -> Feeding:
    select = f"{_FATES}, {term} AS term, sum({records}) AS records"
    return Feeding(
        "fates_1h", table, select, "lane, feed_id, hour, term", terms, "toStartOfHour(collected_at)"
    )


FEEDINGS = (
    _fate("rated_events", "'rated'", "toInt64(fate_change)", ("rated",)),
    _fate("set_aside_events", "toString(fate)", "records", ("duplicate", "filtered", "merged")),
    _fate("suspense_events", "'suspended'", "toInt64(change) * records", ("suspended",)),
    _fate("lane_counts", "toString(term)", "records", ("collected", "open", "accepted")),
    Feeding(
        "revenue_1h",
        "rated_events",
        "tenant_id, toStartOfHour(start_time) AS hour, service, currency, "
        "sumIf(amount, side != 'cost') AS amount, "
        "sumIf(rounding_difference, side != 'cost') AS rounding_difference, "
        "sumIf(rated_quantity, fate_change != 0) AS rated_quantity, "
        "sum(toInt64(fate_change)) AS events",
        "tenant_id, hour, service, currency",
        (),
        "toStartOfHour(start_time)",
    ),
)


def view_name(feeding: Feeding) -> str:
    """Name the materialised view of a feeding."""
    return f"mv_{feeding.rollup}_{feeding.table}"


def view_sql(feeding: Feeding) -> str:
    """Write the statement that makes a materialised view."""
    return (
        f"CREATE MATERIALIZED VIEW IF NOT EXISTS {view_name(feeding)} {{on_cluster}} "
        f"TO {feeding.rollup}\nAS SELECT {feeding.select}\nFROM {feeding.table}\n"
        f"GROUP BY {feeding.group}"
    )
