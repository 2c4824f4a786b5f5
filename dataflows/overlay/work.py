"""A comparison from files to a report: usage is priced, both sides are matched, part by part.

What is held in memory is one part: all usage of some accounts, or both sides of some parties.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from assurance.overlay.causes import Explainer
from assurance.overlay.frames import BILLED, USAGE
from assurance.overlay.judging import Age, judged
from assurance.overlay.matching import Matched, by_key, by_party, cancelled, numbered
from assurance.overlay.totals import Report
from dataflows.overlay.bill import PROBLEM, Bill
from dataflows.overlay.findings import Findings
from dataflows.overlay.spill import Spill
from dataflows.overlay.usage import HELD, Collected, Pricer, collected, token
from tallywire.catalog.snapshot import FOREVER_US, Snapshot

_PART_BYTES = 8 * 1024 * 1024
_PROBLEMS_KEPT = 10_000


@dataclass(frozen=True)
class Comparison:
    """What is compared.

    Attributes:
        usage: Files by feed.
        bills: Files of billed lines.
        snapshot: The tariffs that are right.
        others: Further catalogues whose prices a bill may have, by name.
        tolerance_us: Most microseconds between the starts of usage and its line.
        age: How long usage may be billed.
        folder: An empty place for what does not fit memory.
        since_us, until_us: What began then or later, and before, is reported; all is matched.
        services: What is reported; everything without any.
    """

    usage: Mapping[str, Sequence[Path]]
    bills: Sequence[Bill]
    snapshot: Snapshot
    others: Mapping[str, Snapshot]
    tolerance_us: int
    age: Age
    folder: Path
    since_us: int = 0
    until_us: int = FOREVER_US
    services: frozenset[str] = frozenset()

    @property
    def parts(self) -> int:
        """Give the number of parts, by the size of the files."""
        paths = [path for some in self.usage.values() for path in some]
        paths += [bill.path for bill in self.bills]
        return 1 + sum(path.stat().st_size for path in paths) // _PART_BYTES

    def reported(self, entries: pl.DataFrame) -> pl.DataFrame:
        """Leave out what began at another time, or is of another service."""
        start, service = pl.col("start_time"), pl.col("service")
        inside = (start >= self.since_us) & (start < self.until_us)
        if self.services:
            inside &= service.is_in(sorted(self.services))
        return entries.filter(inside)

    @property
    def keyed(self) -> bool:
        """Tell whether bills carry keys."""
        return any(bill.map.has("key") for bill in self.bills)


@dataclass
class Compared:
    """What a comparison came to.

    Attributes:
        findings: All findings, to be written.
        lines: Billed lines that were read.
        problems: The first lines that could not be read: rows of PROBLEM.
        unread: How many could not.
        cancelled: Lines that are a charge and the credit that takes it back.
    """

    findings: Findings
    report: Report = field(default_factory=Report)
    collected: Collected = field(default_factory=Collected)
    lines: int = 0
    unread: int = 0
    cancelled: int = 0
    problems: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=PROBLEM))


class _Sides:
    """Both sides, put aside by key or by party."""

    def __init__(self, folder: Path, parts: int) -> None:
        self._usage = Spill(folder / "usage", USAGE, parts)
        self._billed = Spill(folder / "billed", BILLED, parts)
        self._taken = Spill(folder / "taken", BILLED, parts)

    def add(
        self, by: str, *, usage: pl.DataFrame | None = None, billed: pl.DataFrame | None = None,
        taken: pl.DataFrame | None = None,
    ) -> None:  # fmt: skip
        """Add rows; those with an equal text in the column `by` come together."""
        for spill, rows in ((self._usage, usage), (self._billed, billed), (self._taken, taken)):
            if rows is not None:
                spill.add(rows, rows[by])

    def __iter__(self) -> Iterator[tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]]:
        yield from zip(self._usage, self._billed, self._taken, strict=True)


def compare(plan: Comparison) -> Compared:
    """Compare usage with bills.

    Raises:
        OSError: If a file cannot be read, or the folder not be written.
    """
    made = Compared(Findings(plan.folder / "findings"))
    explainer = Explainer(plan.snapshot, plan.others)
    by_keys = _Sides(plan.folder / "keys", plan.parts)
    by_parties = _Sides(plan.folder / "parties", plan.parts)
    for usage in _priced(plan, made.collected):
        keyed = usage["key"] != ""
        by_keys.add("key", usage=usage.filter(keyed))
        by_parties.add("party", usage=usage.filter(~keyed))
    for billed in _billed(plan, made):
        keyed = billed["key"] != ""
        by_keys.add("key", billed=billed.filter(keyed))
        by_parties.add("party", billed=billed.filter(~keyed))
    for usage, billed, none in by_keys:
        found, rest = _keyed(numbered(usage, _charged(billed, made)))
        entries = judged(found, none, explainer, plan.age, tolerance_us=plan.tolerance_us)
        made.findings.add(made.report.take(plan.reported(entries)))
        matched = found.billed.join(found.pairs, on="b", how="semi")
        by_parties.add("party", usage=rest.usage, billed=rest.billed, taken=matched)
    for usage, billed, taken in by_parties:
        sides = numbered(usage, _charged(billed, made))
        sides = by_party(sides, tolerance_us=plan.tolerance_us)
        entries = judged(sides, taken, explainer, plan.age, tolerance_us=plan.tolerance_us)
        made.findings.add(made.report.take(plan.reported(entries)))
    made.findings.close()
    return made


def _keyed(sides: Matched) -> tuple[Matched, Matched]:
    """Match by key; part what that settles, second lines of a key too, from the rest."""
    sides = by_key(sides)
    settled = sides.billed.join(sides.pairs, on="b", how="semi")["key"].implode()
    again = pl.col("key").is_in(settled)
    found = Matched(
        sides.usage.join(sides.pairs, on="u", how="semi"), sides.billed.filter(again), sides.pairs
    )
    rest = Matched(sides.usage_left, sides.billed.filter(~again), sides.pairs.clear())
    return found, rest


def _charged(billed: pl.DataFrame, made: Compared) -> pl.DataFrame:
    """Leave out charges that a credit takes back, and those credits."""
    gone = cancelled(billed)
    made.cancelled += gone.height
    return billed.join(gone, on=["file", "line"], how="anti")


def _priced(plan: Comparison, told: Collected) -> Iterator[pl.DataFrame]:
    """Decode all usage, put it aside by account, and price account by account."""
    (bill, *_) = plan.bills
    spill = Spill(plan.folder / "held", HELD, plan.parts)
    for rows in collected(plan.usage, plan.snapshot, told):
        spill.add(rows, token(rows))
    key = bill.map.key_in_usage if plan.keyed else ""
    pricer = Pricer(plan.snapshot, bill.map.party, key)
    for held in spill:
        yield pricer.price(held)


def _billed(plan: Comparison, made: Compared) -> Iterator[pl.DataFrame]:
    """Read all lines of bills; keep what is wrong with some."""
    for bill in plan.bills:
        for lines in bill.read():
            made.lines += lines.billed.height + lines.problems.height
            made.unread += lines.problems.height
            if made.problems.height < _PROBLEMS_KEPT:
                made.problems = pl.concat([made.problems, lines.problems]).head(_PROBLEMS_KEPT)
            yield lines.billed
