"""How a process of a run logs: a JSON object a line, to standard error."""

import sys
from typing import Any

import orjson
import structlog


def log_of(role: str) -> Any:  # noqa: ANN401  structlog says so
    """Configure the log of this process and give it; every line names the role."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(lambda value, **_: orjson.dumps(value).decode()),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    return structlog.get_logger(role=role)
