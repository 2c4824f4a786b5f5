"""Options of a feed of TAP files."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tallywire.mediation.decoders.tap.rules import RULES, Level


class TapOptions(BaseModel):
    """Options of a feed of TAP files.

    Attributes:
        error_codes: Error code that a record is returned with, by the rule it breaks or by the
            reason it is in suspense for, as agreed with the partner; see `tallywire rap write`.
        not_checked: Severe rules that are not held against this partner's events.
        home_networks: First digits of IMSIs that are ours (MCC and MNC); without any, whose
            subscriber it is is not checked.
        oldest_days: How much older than its file an event may be.
        same: What makes two events one: the same `place` in the same file, or that they are the
            same `event` (subscriber, time, parties, references, usage), in whatever file.
    """

    model_config = ConfigDict(extra="forbid")

    error_codes: dict[str, Annotated[int, Field(ge=0)]] = {}
    not_checked: list[str] = []
    home_networks: list[Annotated[str, Field(pattern=r"^[0-9]{3,6}$")]] = []
    oldest_days: Annotated[int, Field(ge=1, le=3650)] = 30
    same: Literal["place", "event"] = "place"

    @field_validator("not_checked")
    @classmethod
    def _severe(cls, names: list[str]) -> list[str]:
        """Accept ids of severe rules only."""
        for name in names:
            if name not in RULES or RULES[name].level is not Level.SEVERE:
                msg = f"{name} is no severe rule of TAP (docs/reference/tap-rules.md lists them)"
                raise ValueError(msg)
        return names
