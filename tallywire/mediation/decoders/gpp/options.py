"""Options of a feed of 3GPP charging data records."""

from typing import Literal

from pydantic import Field

from tallywire.mediation.patience import OfSessions

RecordName = Literal[
    "pgw", "sgw", "mo_call", "mt_call", "mo_sms", "mt_sms", "sc_mo_sms", "sc_mt_sms",
    "s_cscf", "p_cscf", "i_cscf", "mrfc", "mgcf", "bgcf", "as", "e_cscf", "ibcf",
]  # fmt: skip
CHARGED: tuple[RecordName, ...] = (
    "pgw", "mo_call", "mt_call", "mo_sms", "mt_sms", "sc_mo_sms", "sc_mt_sms", "s_cscf",
)  # fmt: skip
"""Records that are usage unless a feed says otherwise: those that count it once."""


class GppOptions(OfSessions):
    """Options of a feed of 3GPP charging data records.

    Attributes:
        file_header: Files begin with a header and each record has one (TS 32.297); else records
            follow each other.
        records: Records that are usage. Others are read and set aside as `not_billable`: a serving
            gateway counts what the packet gateway counts, too, and so does every node of a call
            that IMS carries.
    """

    file_header: bool = False
    records: list[RecordName] = Field(default=list(CHARGED), min_length=1)
