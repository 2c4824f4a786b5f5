"""C17: our calls against a partner's list of them, one to one, its habits of counting taken out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

import polars as pl

from assurance.checks.pairing import LEFT, RIGHT, by_time

SECOND_US = 1_000_000
_DAY_US = 86_400 * SECOND_US
_ENOUGH = 5
"""Pairs from which a habit can be told from chance."""
_ALIKE_PERCENT = 95
"""Share of durations that agree exactly, from which a second is no matter of rounding."""
CALLS = pl.Schema(
    {
        "place": pl.String(),  # where it stands: a record of a feed, an id of the partner
        "time": pl.Int64(),  # when it began, microseconds UTC
        "caller": pl.String(),  # digits; empty where the list does not say
        "called": pl.String(),
        "size": pl.Int64(),  # duration in microseconds; of data octets
        "amount": pl.Decimal(38, 9),  # nothing where nobody says
        "tariff": pl.String(),
        "destination": pl.String(),
        "suspended": pl.Boolean(),  # collected, and in suspense
        "waiting": pl.Int64(),  # size of further parts of it, which wait to be charged
    }
)
"""Calls of either side; the last four say something of ours only.

Of ours one in suspense may have neither caller nor called number: no more was read of it.
"""


class Cause(StrEnum):
    """What is in dispute."""

    ONLY_THEIRS = "only_theirs"
    ONLY_OURS = "only_ours"
    LONGER = "longer"
    SHORTER = "shorter"
    CHARGE = "other_charge"


@dataclass(frozen=True)
class Allowed:
    """How far two lists may lie apart.

    Attributes:
        start_us: Between two beginnings of one call.
        size: Between two sizes; without it a second, or nothing where nearly all agree exactly.
        clock_us: Between beginnings of calls that agree in all else: another clock, no dispute.
        charge: Between two charges.
    """

    start_us: int = 2 * SECOND_US
    size: int | None = None
    clock_us: int = 3 * 3_600 * SECOND_US
    charge: Decimal = Decimal(0)


@dataclass(frozen=True)
class Call:
    """A call as one side has it: a row of CALLS."""

    place: str
    time: int
    caller: str
    called: str
    size: int
    amount: Decimal | None
    tariff: str
    destination: str
    suspended: bool
    waiting: int = 0


@dataclass(frozen=True)
class Dispute:
    """A call that both sides do not have alike.

    Attributes:
        at_us: When it began: by our clock, or by theirs with its shift taken out.
        habit: How much longer the partner counts every call; that is not in question.
        worth: Money in question; nothing where it is not known.
    """

    cause: Cause
    at_us: int
    ours: Call | None
    theirs: Call | None
    habit: int = 0
    worth: Decimal | None = None

    @property
    def call(self) -> Call:
        """Give our call where there is one, else theirs."""
        found = self.ours or self.theirs
        assert found is not None  # noqa: S101  one side has it
        return found

    @property
    def size(self) -> int:
        """Give what is in question, in the unit of sizes."""
        if self.ours and self.theirs:
            return abs(self.theirs.size - self.ours.size - self.habit)
        return self.call.size


@dataclass(frozen=True)
class Judged:
    """What two lists came to.

    Attributes:
        shift_us: How far the partner's clock is ahead, in the middle; taken out.
        longer: How much longer it counts, in the middle; taken out.
        size_allowed: The tolerance of sizes that was used.
        explained: Calls that are not in dispute though they do not agree, by why.
    """

    ours: int
    theirs: int
    matched: int
    shift_us: int
    longer: int
    size_allowed: int
    explained: Mapping[str, int]
    disputes: tuple[Dispute, ...]


def judge(ours: pl.DataFrame, theirs: pl.DataFrame, allowed: Allowed) -> Judged:
    """Match the calls of both sides and tell where they differ.

    First those of one caller and called number whose beginnings lie nearest; then those of which
    one side does not say the caller; then those that agree in all but their beginning, by another
    clock, and those of which we have no more than beginning and duration, in suspense: these are
    explained, as is what is longer by parts of ours that wait. Which rows are partners does not
    depend on their order, unless two calls agree in everything.

    Args:
        ours, theirs: Rows of CALLS.
    """
    left = ours.sort(_ORDER).with_row_index(LEFT, 1)
    right = theirs.sort(_ORDER).with_row_index(RIGHT, 1)
    shift = _shift(left, right, allowed)
    right = right.with_columns(time=pl.col("time") - shift)
    pairs = _pairs(left, right, allowed)
    clocks, unread = _explained(left, right, pairs, allowed)
    both = pairs.join(left, on=LEFT).join(right, on=RIGHT, suffix="_theirs").sort(LEFT)
    more = both["size_theirs"] - both["size"]
    longer = _habit(more, SECOND_US if allowed.size is None else allowed.size)
    longer = longer if abs(longer) >= SECOND_US else 0  # less is how a list rounds
    size = _size_allowed(more - longer) if allowed.size is None else allowed.size
    done = pl.concat([pairs, clocks, unread])
    alone = _without(left, done, LEFT), _without(right, done, RIGHT)
    differing = list(_differing(both, longer, size, allowed))
    disputed = [one for one in differing if not _rest_waits(one, size)]
    explained = {
        "began_by_another_clock": clocks.height, "unread_in_suspense": unread.height,
        "ours_in_suspense": alone[0].filter(pl.col("suspended") & (pl.col("called") != "")).height,
        "rest_of_ours_waits": len(differing) - len(disputed),
    }  # fmt: skip
    found = [*_alone(*alone), *disputed]
    return Judged(
        ours.height, theirs.height, pairs.height, shift, longer, size, explained,
        tuple(replace(one, theirs=_as_listed(one.theirs, shift)) for one in found),
    )  # fmt: skip


_ORDER = ("time", "caller", "called", "size", "suspended", "place", "amount")


def _shift(left: pl.DataFrame, right: pl.DataFrame, allowed: Allowed) -> int:
    """Find how far the partner's clock is ahead: by calls that their numbers alone identify."""
    names = ["caller", "called", "day"]
    once = [
        side.with_columns(day=pl.col("time") // _DAY_US).filter(pl.len().over(names) == 1)
        for side in (left, right)
    ]
    both = once[0].join(once[1], on=names, suffix="_theirs")
    return _habit(both["time_theirs"] - both["time"], allowed.start_us)


def _habit(differences: pl.Series, within: int) -> int:
    """Give the middle difference if half of all lie near it; else there is no habit."""
    if differences.len() < _ENOUGH:
        return 0
    middle = int(differences.sort()[differences.len() // 2])
    near = ((differences - middle).abs() <= within).sum()
    return middle if 2 * near >= differences.len() else 0


def _size_allowed(more: pl.Series) -> int:
    alike = 100 * int((more == 0).sum())
    return 0 if more.len() >= _ENOUGH and alike >= _ALIKE_PERCENT * more.len() else SECOND_US


def _without(side: pl.DataFrame, pairs: pl.DataFrame, index: str) -> pl.DataFrame:
    return side.join(pairs, on=index, how="anti", maintain_order="left")


def _pairs(left: pl.DataFrame, right: pl.DataFrame, allowed: Allowed) -> pl.DataFrame:
    found = by_time(left, right, ["caller", "called"], allowed.start_us)
    unsaid = pl.col("caller") == ""
    for mine, other in ((unsaid, pl.lit(value=True)), (pl.lit(value=True), unsaid)):
        rest = _without(left, found, LEFT).filter(mine), _without(right, found, RIGHT).filter(other)
        found = pl.concat([found, by_time(*rest, ["called"], allowed.start_us)])
    return found


def _explained(
    left: pl.DataFrame, right: pl.DataFrame, pairs: pl.DataFrame, allowed: Allowed
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Match what began by another clock, and what of ours was not read further."""
    whole = (pl.col("size") // SECOND_US).alias("whole")
    mine, other = (side.with_columns(whole) for side in (left, right))
    rest = _without(mine, pairs, LEFT), _without(other, pairs, RIGHT)
    clocks = by_time(*rest, ["caller", "called", "whole"], allowed.clock_us)
    unread = _without(rest[0], clocks, LEFT).filter(pl.col("suspended") & (pl.col("called") == ""))
    return clocks, by_time(unread, _without(rest[1], clocks, RIGHT), ["whole"], allowed.start_us)


def _rest_waits(one: Dispute, size: int) -> bool:
    """Tell whether a call is longer by parts of ours that wait."""
    waiting = one.ours.waiting if one.ours else 0
    return one.cause is Cause.LONGER and one.size <= waiting + size


def _alone(left: pl.DataFrame, right: pl.DataFrame) -> Iterator[Dispute]:
    for row in right.iter_rows(named=True):
        yield Dispute(Cause.ONLY_THEIRS, row["time"], None, _call(row))
    for row in left.filter(~pl.col("suspended")).iter_rows(named=True):
        yield Dispute(Cause.ONLY_OURS, row["time"], _call(row), None)


def _differing(both: pl.DataFrame, longer: int, size: int, allowed: Allowed) -> Iterator[Dispute]:
    """Tell pairs whose sizes or charges lie too far apart."""
    more = pl.col("size_theirs") - pl.col("size") - longer
    charge = (pl.col("amount_theirs") - pl.col("amount")).abs()
    cause = (
        pl.when(more > size).then(pl.lit(Cause.LONGER.value))
        .when(more < -size).then(pl.lit(Cause.SHORTER.value))
        .when(charge > pl.lit(allowed.charge)).then(pl.lit(Cause.CHARGE.value))
    )  # fmt: skip
    found = both.with_columns(cause.alias("cause")).filter(pl.col("cause").is_not_null())
    for row in found.iter_rows(named=True):
        theirs = {name: row[f"{name}_theirs"] for name in CALLS}
        yield Dispute(Cause(row["cause"]), row["time"], _call(row), _call(theirs), longer)


def _call(row: Mapping[str, Any]) -> Call:
    return Call(**{name: row[name] for name in CALLS})


def _as_listed(call: Call | None, shift: int) -> Call | None:
    return replace(call, time=call.time + shift) if call else None
