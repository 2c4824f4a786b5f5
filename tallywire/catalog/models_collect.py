"""Where the files of a feed are fetched from, as it is written."""

from typing import Literal

from pydantic import Field

from schemas.services import Unit
from tallywire.catalog.models_terms import Entry
from tallywire.catalog.values import Amount, Size, Words, YesNo


class CollectEntry(Entry):
    """Files that lie elsewhere: on an SFTP server, in an object store, behind HTTP, in a folder."""

    address: Words = Field(alias="from")
    files: tuple[Words, ...] = ()
    poll: Size = Amount(60_000_000, Unit.MICROSECOND)
    finished: Words = "settled"
    after: Literal["keep", "archive", "delete"] = "keep"
    archive_to: Words = ""
    unencrypted: YesNo = False
