"""FreeSWITCH mod_cdr_csv: the columns are whatever the switch's template says."""

from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from schemas.reasons import Reason
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.decoded import Decoded, Frames, refuse
from tallywire.mediation.decoders.freeswitch import usage_of
from tallywire.mediation.texts import split_fields, text_frame


class FreeswitchCsvOptions(BaseModel):
    """Options of a FreeSWITCH CSV feed.

    Attributes:
        columns: FreeSWITCH variable of each column, in order; any name for one that is not used.
        header: The first line of a file names columns and is no record.
        legs: `all`, or only those whose `direction` is `inbound` or `outbound`.
    """

    model_config = ConfigDict(extra="forbid")

    columns: list[str] = Field(
        default=[
            "caller_id_name", "caller_id_number", "destination_number", "context", "start_stamp",
            "answer_stamp", "end_stamp", "duration", "billsec", "hangup_cause", "uuid", "bleg_uuid",
            "accountcode", "read_codec", "write_codec",
        ],
        min_length=1, max_length=256,
    )  # fmt: skip
    header: bool = False
    separator: str = Field(default=",", min_length=1, max_length=1)
    legs: Literal["all", "inbound", "outbound"] = "all"
    encoding: Literal["utf-8", "latin-1"] = "utf-8"


def decode(frames: Frames, feed: Feed) -> Decoded:
    """Decode lines by the feed's column names."""
    options = FreeswitchCsvOptions.model_validate(feed.options)
    frame = text_frame(frames, options.encoding)
    if options.header:
        frame = refuse(
            frame, pl.col("record_no") == 0, Reason.CONTROL_RECORD, pl.lit("header line")
        )
    frame = split_fields(frame, options.separator, (len(options.columns),), quoted=True)
    frame = frame.rename(
        {f"f{index}": name for index, name in enumerate(dict.fromkeys(options.columns))}
    )
    frame = frame.with_columns(pl.col(options.columns).str.strip_chars(" "))
    return Decoded(usage_of(frame, feed, options.legs))
