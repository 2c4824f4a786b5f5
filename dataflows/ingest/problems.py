"""What a request can be refused for, as RFC 9457 says it: published types, never renamed."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

MEDIA_TYPE = "application/problem+json"
LISTED = 100
"""Refused records that an answer lists; it counts all."""


@dataclass(frozen=True)
class Kind:
    """A type of problem.

    Attributes:
        name: Last part of its URI, for ever.
        title: The same for every problem of this type.
    """

    name: str
    status: int
    title: str

    @property
    def uri(self) -> str:
        """Give the URI reference that names the type."""
        return f"/problems/{self.name}"


BODY_UNREADABLE = Kind("body-unreadable", 400, "The body cannot be read")
FEED_NOT_NAMED = Kind("feed-not-named", 400, "It is not said which feed this is")
KEY_MISSING = Kind("key-missing", 401, "A key is needed")
KEY_WRONG = Kind("key-wrong", 401, "The key is not valid")
FEED_NOT_ALLOWED = Kind("feed-not-allowed", 403, "The key may not send to this feed")
FEED_UNKNOWN = Kind("feed-unknown", 404, "No such feed")
NOT_FOUND = Kind("not-found", 404, "There is nothing here")
METHOD_NOT_ALLOWED = Kind("method-not-allowed", 405, "This cannot be done here")
BODY_TOO_SLOW = Kind("body-too-slow", 408, "The body did not arrive in time")
BODY_TOO_LARGE = Kind("body-too-large", 413, "The body is too large")
CONTENT_TYPE = Kind("content-type-unknown", 415, "The content type is not taken here")
CONTENT_ENCODING = Kind("content-encoding-unknown", 415, "The content encoding is not taken here")
RECORDS_REFUSED = Kind("records-refused", 422, "Some records are no usage of this feed")
RATE_LIMIT = Kind("rate-limit", 429, "The key sends more than it may")
QUEUE_FULL = Kind("queue-full", 429, "Too much is waiting to be made durable")
KEYS_BUSY = Kind("keys-busy", 429, "Another key is being verified")
INTERNAL = Kind("internal", 500, "A fault of the gateway's own")
LOG_UNAVAILABLE = Kind("log-unavailable", 503, "Usage cannot be made durable now")
STOPPING = Kind("stopping", 503, "The gateway is stopping")

KINDS = (
    BODY_UNREADABLE, FEED_NOT_NAMED, KEY_MISSING, KEY_WRONG, FEED_NOT_ALLOWED, FEED_UNKNOWN,
    NOT_FOUND, METHOD_NOT_ALLOWED, BODY_TOO_SLOW, BODY_TOO_LARGE, CONTENT_TYPE, CONTENT_ENCODING,
    RECORDS_REFUSED, RATE_LIMIT, QUEUE_FULL, KEYS_BUSY, INTERNAL, LOG_UNAVAILABLE, STOPPING,
)  # fmt: skip
"""Each has a paragraph in docs/reference/http.md."""


class Problem(Exception):  # noqa: N818  RFC 9457 calls it so
    """A request is not, or not wholly, done.

    Args:
        kind: Its published type.
        detail: What, where, and what to do, for a person.
        retry_after_s: When trying again makes sense, seconds; 0 where it does not.
        more: Further members of the answer.
    """

    def __init__(
        self, kind: Kind, detail: str, *, retry_after_s: float = 0,
        more: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(detail)
        self.kind, self.detail, self.more = kind, detail, dict(more or {})
        self.retry_after_s = math.ceil(retry_after_s)

    def body(self) -> bytes:
        """Write it as `application/problem+json`."""
        return orjson.dumps(
            {"type": self.kind.uri, "title": self.kind.title, "status": self.kind.status,
             "detail": self.detail, **self.more}
        )  # fmt: skip

    def headers(self) -> dict[str, str]:
        """Give the headers that belong to it."""
        found = {"Retry-After": f"{self.retry_after_s}"} if self.retry_after_s else {}
        if self.kind.status == 401:
            found["WWW-Authenticate"] = "Bearer"
        return found
