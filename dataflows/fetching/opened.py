"""Opening the place that a feed names."""

import os
from urllib.parse import urlsplit

from dataflows.fetching.folders import FolderSource, NoSource
from dataflows.fetching.source import Credentials, Source
from dataflows.fetching.web import WebSource
from tallywire.catalog.feed import Collect


def source_of(feed_id: str, collect: Collect) -> Source:
    """Give what fetches from a place; nothing is connected yet.

    Without the library that it needs, every look at it says so.
    """
    scheme, credentials = urlsplit(collect.address).scheme, Credentials(feed_id, os.environ)
    if scheme == "file":
        return FolderSource(collect)
    if scheme in {"http", "https"}:
        return WebSource(collect, credentials)
    try:
        if scheme == "sftp":
            from dataflows.fetching.sftp import SftpSource  # noqa: PLC0415  an extra

            return SftpSource(collect, credentials)
        from dataflows.fetching.s3 import S3Source  # noqa: PLC0415  an extra
    except ImportError as error:
        text = f"{scheme}:// needs `pip install tallywire[files]` ({error.name} is missing)"
        return NoSource(collect, text)
    return S3Source(collect, credentials)
