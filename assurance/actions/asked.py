"""What an action is asked to do, one record for each kind; what cannot be meant is refused."""

import re
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from assurance.cases.ledger import PLACES
from schemas.columns import Instant, Money

MOST_RECORDS = 10_000
"""Suspended records of one action: each is named in it."""
_LONGEST_PREFIX = 15
_DIGITS = re.compile(rf"[0-9]{{1,{_LONGEST_PREFIX}}}")


class Kind(StrEnum):
    """What may be done."""

    RECYCLE = "recycle"
    RERATE = "rerate"
    CREDIT = "credit"
    BLOCK = "block"


class ActionRefusedError(ValueError):
    """An action, or a step of one, that is not allowed: which, why, and what to do."""


class Asked(BaseModel):
    """What is asked; closed and immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RecycleAsked(Asked):
    """Try suspended records again.

    Attributes:
        attempts: By id of a record the number of the try that is meant.
    """

    attempts: Annotated[dict[str, int], Field(min_length=1, max_length=MOST_RECORDS)]


class RerateAsked(Asked):
    """Rate charges again.

    Attributes:
        revision: Of the tariff; none for all.
        since, until: Start of the usage, microseconds UTC; the end is exclusive.
        catalog: Hash of the catalogue that they are rated under; empty for each event's own.
        rater: `rulebook` where the rulebook rates all of it; empty where each takes its own.
    """

    account: str = ""
    event: str = ""
    tariff: str = ""
    revision: int | None = None
    zone: str = ""
    since: int = 0
    until: int
    catalog: str = ""
    reason: str
    rater: Literal["", "rulebook"] = ""

    @model_validator(mode="after")
    def _narrow(self) -> "RerateAsked":
        if not (self.account or self.event or self.tariff):
            msg = "say what: an account, an event or a tariff"
            raise ValueError(msg)
        if (self.zone or self.revision is not None) and not self.tariff:
            msg = "a zone or a revision needs the tariff whose it is"
            raise ValueError(msg)
        return self


class CreditAsked(Asked):
    """Give an account money back."""

    account: Annotated[str, Field(min_length=1)]
    amount: Money
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    reason: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _payable(self) -> "CreditAsked":
        exponent = self.amount.as_tuple().exponent
        if not isinstance(exponent, int) or self.amount <= Decimal(0) or -exponent > PLACES:
            msg = f"a credit is an amount above 0 with {PLACES} decimals at most"
            raise ValueError(msg)
        return self


class BlockAsked(Asked):
    """Put an account, or the numbers that begin with some digits, on the list of blocks."""

    target: Literal["account", "prefix"]
    value: Annotated[str, Field(min_length=1)]
    until: Instant
    owner: Annotated[str, Field(min_length=1)]
    why: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _digits(self) -> "BlockAsked":
        if self.target == "prefix" and not _DIGITS.fullmatch(self.value):
            msg = f"a prefix is 1 to {_LONGEST_PREFIX} digits, as in E.164 without +"
            raise ValueError(msg)
        return self


AnyAsked = TypeVar("AnyAsked", bound=Asked)
MODELS: dict[Kind, type[Asked]] = {
    Kind.RECYCLE: RecycleAsked,
    Kind.RERATE: RerateAsked,
    Kind.CREDIT: CreditAsked,
    Kind.BLOCK: BlockAsked,
}


def read(kind: Kind, content: object) -> Asked:
    """Read what is asked.

    Raises:
        ActionRefusedError: If it cannot be meant.
    """
    try:
        return MODELS[kind].model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        text = first["msg"].removeprefix("Value error, ")
        msg = f"this {kind} cannot be proposed: {place + ': ' if place else ''}{text}"
        raise ActionRefusedError(msg) from error
