"""Rollups: what the base tables add up to, kept by materialised views, rebuilt from them alone.

Each row of a rollup is of one writer: the lane whose batches it adds up. A lane can make its own
rows anew while others insert into the same hours.
"""

from dataclasses import dataclass

from schemas.canaries import CANARY

WRITER = "if(countSubstrings(batch_token, ':') = 2, splitByChar(':', batch_token)[1], '')"
"""The lane that inserted a row of a base table, by its token `lane:position:first-last`.

Nobody for the tokens of before rollups had writers, `lane:position:first:last`.
"""
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
        where: Rows that count; empty for all.
    """

    rollup: str
    table: str
    select: str
    group: str
    terms: tuple[str, ...]
    hour: str
    where: str = ""

    @property
    def condition(self) -> str:
        """Write its WHERE, where it has one."""
        return f"WHERE {self.where}\n" if self.where else ""


def _fate(table: str, term: str, records: str, terms: tuple[str, ...]) -> Feeding:
    select = f"{_FATES}, {term} AS term, {WRITER} AS writer, sum({records}) AS records"
    return Feeding(
        "fates_1h",
        table,
        select,
        "lane, feed_id, hour, term, writer",
        terms,
        "toStartOfHour(collected_at)",
    )


FEEDINGS = (
    _fate("rated_events", "'rated'", "toInt64(fate_change)", ("rated",)),
    _fate("set_aside_events", "toString(fate)", "records", ("duplicate", "filtered", "merged")),
    _fate("suspense_events", "'suspended'", "toInt64(change) * records", ("suspended",)),
    _fate("lane_counts", "toString(term)", "records", ("collected", "open", "accepted")),
    Feeding(
        "revenue_1h",
        "rated_events",
        f"tenant_id, toStartOfHour(start_time) AS hour, service, currency, {WRITER} AS writer, "
        "sumIf(amount, side != 'cost') AS amount, "
        "sumIf(rounding_difference, side != 'cost') AS rounding_difference, "
        "sumIf(rated_quantity, fate_change != 0) AS rated_quantity, "
        "sum(toInt64(fate_change)) AS events",
        "tenant_id, hour, service, currency, writer",
        (),
        "toStartOfHour(start_time)",
        f"side != '{CANARY}'",
    ),
)


def writer_of(token: str) -> str:
    """Tell what `WRITER` makes of a token.

    >>> writer_of("usage-0000:7:0-99"), writer_of("usage-0000:7:0:99")
    ('usage-0000', '')
    """
    lane, *rest = token.split(":")
    return lane if len(rest) == 2 else ""


def view_name(feeding: Feeding) -> str:
    """Name the materialised view of a feeding."""
    return f"mv_{feeding.rollup}_{feeding.table}"


def view_sql(feeding: Feeding) -> str:
    """Write the statement that makes a materialised view."""
    return (
        f"CREATE MATERIALIZED VIEW IF NOT EXISTS {view_name(feeding)} {{on_cluster}} "
        f"TO {feeding.rollup}\nAS SELECT {feeding.select}\nFROM {feeding.table}\n"
        f"{feeding.condition}GROUP BY {feeding.group}"
    )
