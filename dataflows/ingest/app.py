"""The HTTP face of the gateway: routes, their OpenAPI document, and plain answers to everything."""

from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dataflows.ingest import problems
from dataflows.ingest.bodies import Content
from dataflows.ingest.counts import Counts
from dataflows.ingest.gateway import Gateway
from dataflows.ingest.problems import KINDS, MEDIA_TYPE, Problem

_JSON = "application/json"
_OF_USAGE = (202, 400, 401, 403, 404, 408, 413, 415, 422, 429, 500, 503)
_CLOSED = 499
"""The sender went away: nobody reads this answer."""


class Accepted(BaseModel):
    """Every record of the request is durable.

    Attributes:
        accepted: How many.
    """

    accepted: int


class RefusedRecord(BaseModel):
    """A record that was not kept.

    Attributes:
        index: Its number in the request, from 0.
        reason: Published code of docs/reference/reasons.md.
    """

    index: int
    reason: str
    detail: str


class ProblemBody(BaseModel):
    """RFC 9457.

    Attributes:
        accepted, refused: Records that are durable, and those that are not kept.
        errors: The first 100 that are not kept.
    """

    type: str
    title: str
    status: int
    detail: str
    accepted: int | None = None
    refused: int | None = None
    errors: list[RefusedRecord] | None = None


class State(BaseModel):
    """How the gateway is."""

    status: str


def _documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe answers that are problems, with the types each may have."""
    schema = {"$ref": "#/components/schemas/ProblemBody"}
    found: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        kinds = [kind for kind in KINDS if kind.status == status]
        found[status] = {
            "description": "; ".join(f"{kind.title} (`{kind.uri}`)" for kind in kinds),
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
    return found


def _bodies() -> dict[str, Any]:
    """Describe what a request may hold."""
    event = {"type": "object"}
    events = {"type": "array", "items": event}
    return {
        Content.EVENT.value: {"schema": event},
        Content.BATCH.value: {"schema": events},
        Content.JSON.value: {"schema": {"oneOf": [event, events]}},
        Content.LINES.value: {"schema": {"type": "string"}},
    }


def _answer(problem: Problem) -> Response:
    return Response(problem.body(), problem.kind.status, problem.headers(), MEDIA_TYPE)


Fault = Callable[[Exception], None]


async def _guarded(work: Awaitable[Response], fault: Fault) -> Response:
    """Turn everything that can go wrong into an answer."""
    try:
        return await work
    except Problem as problem:
        return _answer(problem)
    except ClientDisconnect:
        return Response(status_code=_CLOSED)
    except Exception as error:  # noqa: BLE001  a fault of ours is logged, and answered without a trace
        fault(error)
        detail = "the request was perhaps not done; sending it again is harmless"
        return _answer(Problem(problems.INTERNAL, detail))


class Counted:
    """An application whose answers are counted by status."""

    def __init__(self, app: ASGIApp, counts: Counts) -> None:
        self._app, self._counts = app, counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._counts.requests[message["status"]] += 1
            await send(message)

        await self._app(scope, receive, counted)


def application(gateway: Gateway, fault: Fault) -> FastAPI:
    """Make the application.

    Args:
        fault: Told of a fault of our own.
    """
    app = FastAPI(
        title="Tallywire ingest", version=version("tallywire"), openapi_url="/v1/openapi.json",
        docs_url=None, redoc_url=None,
    )  # fmt: skip

    @app.post(
        "/v1/usage", status_code=202, response_model=Accepted, summary="Send usage of one feed",
        responses=_documented(*(status for status in _OF_USAGE if status != 202)),
        openapi_extra={"requestBody": {"required": True, "content": _bodies()},
                       "security": [{"bearer": []}, {"key": []}]},
    )  # fmt: skip
    async def usage(request: Request, feed: str = "") -> Response:  # noqa: ARG001  read from the request, shown in the document
        async def work() -> Response:
            accepted = await gateway.take(request)
            return Response(orjson.dumps({"accepted": accepted}), 202, media_type=_JSON)

        return await _guarded(work(), fault)

    @app.get("/v1/health", response_model=State, summary="Is the process alive?")
    async def health() -> Response:
        return Response(b'{"status":"alive"}', media_type=_JSON)

    @app.get(
        "/v1/ready", response_model=State, responses=_documented(503),
        summary="Can it make usage durable now?",
    )  # fmt: skip
    async def ready() -> Response:
        async def work() -> Response:
            await gateway.check()
            return Response(b'{"status":"ready"}', media_type=_JSON)

        return await _guarded(work(), fault)

    @app.exception_handler(HTTPException)
    async def elsewhere(_request: Request, error: HTTPException) -> Response:
        kinds = {404: problems.NOT_FOUND, 405: problems.METHOD_NOT_ALLOWED}
        detail = "the document of all there is: /v1/openapi.json"
        answer = _answer(Problem(kinds.get(error.status_code, problems.INTERNAL), detail))
        answer.headers.update(error.headers or {})
        return answer

    _document(app)
    return app


def _document(app: FastAPI) -> None:
    """Add what routes do not say by themselves: problems, and the ways to send a key."""
    made = app.openapi()
    schema = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
    made["components"]["schemas"].update(schema.pop("$defs"), ProblemBody=schema)
    made["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
