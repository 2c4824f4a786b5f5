"""Objects of an S3-compatible store: conditional range reads, so that no two versions are mixed."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import botocore.session
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from dataflows.fetching.source import PATIENCE_S, Away, Credentials, FileChanged, Listed
from dataflows.fetching.streams import CHUNK
from tallywire.catalog.feed import Collect
from tallywire.catalog.rules_collect import is_here

_CHANGED = {"PreconditionFailed", "412", "NoSuchKey", "404", "InvalidRange", "416"}
_LASTING = {
    "AccessDenied", "403", "InvalidAccessKeyId", "SignatureDoesNotMatch", "NoSuchBucket",
}  # fmt: skip
_REGION = "us-east-1"


class S3Source:
    """Objects below a prefix of a bucket.

    Variables of the feed: `ACCESS_KEY`, `SECRET_KEY`, `TOKEN` (of a session), `ENDPOINT` (of
    another store than Amazon's), `REGION`. Without keys requests are not signed.
    """

    atomic = True

    def __init__(self, collect: Collect, credentials: Credentials) -> None:
        self.address, self._collect, self._credentials = collect.address, collect, credentials
        parts = urlsplit(collect.address)
        self._bucket = parts.netloc
        prefix = unquote(parts.path).lstrip("/")
        self._prefix = f"{prefix.rstrip('/')}/" if prefix else ""
        self._made: Any = None

    def _client(self) -> Any:  # noqa: ANN401  botocore ships no types
        if self._made is None:
            endpoint = self._credentials.get("ENDPOINT")
            parts = urlsplit(endpoint)
            if parts.scheme == "http" and not (
                is_here(parts.hostname) or self._collect.unencrypted
            ):
                name = self._credentials.named("ENDPOINT")
                msg = f"{name} is not encrypted: write https://, or unencrypted: yes in the feed"
                raise Away(msg, lasting=True)
            key = self._credentials.get("ACCESS_KEY")
            config = Config(
                connect_timeout=PATIENCE_S, read_timeout=PATIENCE_S, retries={"max_attempts": 2},
                signature_version=None if key else UNSIGNED,
                s3={"addressing_style": "path"} if endpoint else {},
            )  # fmt: skip
            self._made = botocore.session.Session().create_client(
                "s3", region_name=self._credentials.get("REGION") or _REGION,
                endpoint_url=endpoint or None, aws_access_key_id=key or None,
                aws_secret_access_key=self._credentials.get("SECRET_KEY") or None,
                aws_session_token=self._credentials.get("TOKEN") or None, config=config,
            )  # fmt: skip
        return self._made

    def _refused(self, error: Exception, name: str = "") -> Exception:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
        if name and code in _CHANGED:
            return FileChanged(name)
        if code in _LASTING:
            names = self._credentials.named("ACCESS_KEY")
            return Away(f"the store answers {code}: look at the bucket and {names}", lasting=True)
        self.close()
        return Away(f"{type(error).__name__}: {error}")

    def look(self) -> Iterable[Listed]:
        """List the objects below the prefix.

        Raises:
            Away: If it cannot be done now.
        """
        archive = self._archived("")
        try:
            pages = self._client().get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix):
                for found in page.get("Contents", ()):
                    key, size = found["Key"], found["Size"]
                    name = key.removeprefix(self._prefix)
                    if (
                        name
                        and not name.endswith("/")
                        and not (archive and key.startswith(archive))
                    ):
                        yield Listed(key, name, size, found["ETag"])
        except (BotoCoreError, ClientError, ValueError) as error:
            raise self._refused(error) from error

    def _archived(self, name: str) -> str:
        """Give the key in the archive; empty without one."""
        to = self._collect.archive_to.strip("/")
        return f"{to}/{name}" if to else ""

    def here(self, _listed: Listed) -> Path | None:
        """It lies elsewhere."""
        return None

    def read(self, listed: Listed, offset: int) -> tuple[int, Iterator[bytes]]:
        """Read an object from an offset, only as it was listed.

        Raises:
            FileChanged: If it is not what was listed.
            Away: If the store is gone.
        """
        return offset, self._pieces(listed, offset)

    def _pieces(self, listed: Listed, offset: int) -> Iterator[bytes]:
        if offset >= listed.size:
            return
        span = {"Range": f"bytes={offset}-"} if offset else {}
        try:
            found = self._client().get_object(
                Bucket=self._bucket, Key=listed.key, IfMatch=listed.version, **span
            )
            with found["Body"] as body:
                while piece := body.read(CHUNK):
                    yield piece
        except (BotoCoreError, ClientError, HTTPClientError, OSError) as error:
            raise self._refused(error, listed.name) from error

    def clear(self, listed: Listed, sha256: str, markers: Iterable[str]) -> None:
        """Archive or delete an object and its markers, if it is still what was listed.

        Raises:
            FileChanged: If it is not.
            Away: If the store does not do it.
        """
        client, bucket = self._client(), self._bucket
        try:
            if client.head_object(Bucket=bucket, Key=listed.key)["ETag"] != listed.version:
                raise FileChanged(listed.name)
            for key in [listed.key, *(f"{self._prefix}{name}" for name in markers)]:
                target = self._archived(key.removeprefix(self._prefix))
                if target:
                    if self._exists(target):
                        target = f"{target}.{sha256[:8]}"
                    source = {"Bucket": bucket, "Key": key}
                    client.copy_object(Bucket=bucket, Key=target, CopySource=source)
                client.delete_object(Bucket=bucket, Key=key)
        except (BotoCoreError, ClientError) as error:
            raise self._refused(error, listed.name) from error

    def _exists(self, key: str) -> bool:
        try:
            self._client().head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _CHANGED:
                return False
            raise
        return True

    def close(self) -> None:
        """Let go of connections."""
        if self._made is not None:
            with suppress(Exception):  # whatever it holds is let go of
                self._made.close()
        self._made = None
