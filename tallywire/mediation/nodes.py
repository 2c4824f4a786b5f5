"""Where a record was written: its node, and the dialling rules that hold for its numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from tallywire.catalog.feed_rules import Dialling, Node
from tallywire.catalog.snapshot import Feed
from tallywire.dated import Ints
from tallywire.reference import Reference, ReferenceTable

_RULES = ("home_country", "trunk_prefix", "international_prefixes")


@dataclass(frozen=True)
class TrunkRules:
    """Dialling rules of what comes in on a trunk."""

    home_country: str
    trunk_prefix: str
    international_prefixes: tuple[str, ...]


def node_numbers(frame: pl.DataFrame, nodes: tuple[Node, ...]) -> Ints:
    """Give the node of each row: its index, or the number of nodes where none fits."""
    found = pl.repeat(len(nodes), pl.len(), dtype=pl.Int64)
    for number, node in reversed(list(enumerate(nodes))):
        name = pl.col(node.field)
        is_it = name.is_in(list(node.values))
        for prefix in node.prefixes:
            is_it |= name.str.starts_with(prefix)
        found = pl.when(is_it).then(pl.lit(number, dtype=pl.Int64)).otherwise(found)
    return frame.select(found.alias("node")).to_series().to_numpy()


def dialling(
    frame: pl.DataFrame, feed: Feed, tables: Reference
) -> tuple[Sequence[Dialling], Ints | None]:
    """Give the rules numbers were dialled by: of the trunk they came in on, the node, the feed.

    Args:
        frame: Decoded rows.
        feed: Its nodes.
        tables: Reference tables; rows of `trunks` with a home country have rules.

    Returns:
        Rules, and the index of those of each row; no index where the first hold for all.
    """
    rules: list[Dialling] = [*feed.nodes, feed]
    trunks = tables.get("trunks")
    own = trunks is not None and bool((trunks.rows["home_country"] != "").any())
    if not (feed.nodes or own):
        return [feed], None
    which = node_numbers(frame, feed.nodes).copy()  # of rows of its own, to be written to
    if trunks is not None and own:
        _by_trunk(frame, trunks, rules, which)
    return rules, which


def _by_trunk(
    frame: pl.DataFrame, trunks: ReferenceTable, rules: list[Dialling], which: Ints
) -> None:
    """Put the rules of trunks, where they have some, in front of those of nodes."""
    found, _ = trunks.find(frame["trunk_in"], frame["start_us"].to_numpy(), key="trunk")
    told = pl.DataFrame({name: trunks.take(found, name) for name in _RULES})
    rows = np.flatnonzero((told["home_country"] != "").to_numpy())
    if not len(rows):
        return
    told = told[rows].with_columns(pl.Series("row", rows))
    for (country, prefix, abroad), some in told.group_by(*_RULES, maintain_order=True):
        prefixes = tuple(str(abroad).split()) or ("00",)
        which[some["row"].to_numpy()] = len(rules)
        rules.append(TrunkRules(str(country), str(prefix), prefixes))
