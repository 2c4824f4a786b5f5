"""Options of a feed of TAP files."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class TapOptions(BaseModel):
    """Options of a feed of TAP files.

    Attributes:
        error_codes: Error code that a record is returned with, by the reason it is in suspense
            for, as agreed with the partner; see `tallywire rap write`.
    """

    model_config = ConfigDict(extra="forbid")

    error_codes: dict[str, Annotated[int, Field(ge=0)]] = {}
