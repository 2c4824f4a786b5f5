"""Legs of partners in columns: whose legs each row has, by distinct combinations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.reasons import Reason
from tallywire.catalog.snapshot import Partner

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Claim:
    """What a combination of usage fields means for a run.

    Attributes:
        party_id: The partner; empty where several claim it.
        side: `cost` or `revenue`.
        tariffs: Numbers of tariffs to ask in turn; empty for no leg.
        refusal: Detail and missing reference, where several partners claim it.
    """

    party_id: str = ""
    side: str = ""
    tariffs: tuple[int, ...] = ()
    refusal: tuple[str, str] = ("", "")


class Run:
    """The partners of one run.

    Args:
        name: The run.
        partners: In the catalogue's order.
        number: Number of each tariff by its id.
    """

    def __init__(self, name: str, partners: Sequence[Partner], number: Mapping[str, int]) -> None:
        self.name = name
        self._partners, self._number = partners, number
        self._fields = sorted({partner.field for partner in partners})

    def claims(self, usage: pl.DataFrame) -> tuple[list[Claim], Ints]:
        """Give the distinct claims, and which of them each row has."""
        asked = usage.select(*self._fields, *(n for n in _USE if n not in self._fields))
        distinct = asked.unique(maintain_order=True)
        claims = [self._claim(row) for row in distinct.iter_rows(named=True)]
        numbered = distinct.with_row_index("_claim")
        found = asked.join(numbered, on=asked.columns, how="left", maintain_order="left")
        return claims, found["_claim"].cast(pl.Int64).to_numpy()

    def _claim(self, row: Mapping[str, str]) -> Claim:
        fitting = [one for one in self._partners if row[one.field] in one.values]
        names = sorted({one.partner_id for one in fitting})
        if len(names) > 1:
            detail = f"the run {self.name} is claimed by the partners {', '.join(names)}"
            return Claim(refusal=(detail, "+".join(names)))
        use = (row["service"], row["direction"])
        found = [self._number[one.tariffs[use]] for one in fitting if use in one.tariffs]
        if not found:
            return Claim()
        return Claim(names[0], fitting[0].side, tuple(dict.fromkeys(found)))


_USE = ("service", "direction")
AMBIGUOUS = Reason.PARTY_AMBIGUOUS.value


def runs(partners: Sequence[Partner], number: Mapping[str, int]) -> list[Run]:
    """Group partners by run, in the order in which runs first appear."""
    found: dict[str, list[Partner]] = {}
    for partner in partners:
        found.setdefault(partner.run, []).append(partner)
    return [Run(name, some, number) for name, some in found.items()]
