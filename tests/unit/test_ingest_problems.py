"""Problems of the gateway: each type published, with its status, in the reference."""

import re
from pathlib import Path

import orjson
import pytest

from dataflows.ingest.problems import KEY_WRONG, KINDS, QUEUE_FULL, Kind, Problem

REFERENCE = Path(__file__).resolve().parents[2] / "docs/reference/http.md"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_problem_is_written_down_with_its_status(kind: Kind) -> None:
    rows = [line for line in REFERENCE.read_text().splitlines() if f"`{kind.uri}`" in line]
    assert len(rows) == 1
    assert str(kind.status) in rows[0].split("|")[1]


def test_names_are_names_and_each_is_given_once() -> None:
    names = [kind.name for kind in KINDS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in names)


def test_a_problem_says_when_to_try_again_and_what_to_send() -> None:
    problem = Problem(QUEUE_FULL, "full", retry_after_s=0.2, more={"accepted": 0})
    assert problem.headers() == {"Retry-After": "1"}
    assert orjson.loads(problem.body()) == {
        "type": "/problems/queue-full", "title": QUEUE_FULL.title, "status": 429,
        "detail": "full", "accepted": 0,
    }  # fmt: skip
    assert Problem(KEY_WRONG, "no").headers() == {"WWW-Authenticate": "Bearer"}
