"""One log of many processes: whole lines, each with its role, and a file that does not grow."""

import json
from contextlib import closing
from pathlib import Path

from dataflows.one_log import OneLog


def _lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_line_has_its_role(tmp_path: Path) -> None:
    with closing(OneLog(tmp_path / "logs" / "one.jsonl")) as log:
        log.take("rating", '{"event": "worker starts", "level": "info"}')
        log.take("store", "Processing configuration file")
        log.take("store", "   ")
        log.say("rating", "ended", code=4)
    found = _lines(tmp_path / "logs" / "one.jsonl")
    assert [(line["role"], line["event"]) for line in found] == [
        ("rating", "worker starts"), ("store", "Processing configuration file"),
        ("rating", "ended"),
    ]  # fmt: skip
    assert found[2]["code"] == 4


def test_the_file_is_set_aside_when_it_is_large_and_the_last_few_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    with closing(OneLog(path, most_bytes=1_000)) as log:
        for number in range(200):
            log.say("rating", "x" * 50, number=number)
    kept = sorted(tmp_path.iterdir())
    assert [one.name for one in kept] == ["one.jsonl", *(f"one.jsonl.{n}" for n in (1, 2, 3, 4))]
    assert all(one.stat().st_size < 1_300 for one in kept)
    numbers = [line["number"] for one in [*reversed(kept[1:]), kept[0]] for line in _lines(one)]
    assert numbers == list(range(200 - len(numbers), 200))


def test_the_reason_is_the_last_one_told_else_the_last_words() -> None:
    told = [
        '{"event": "x", "reason": "first"}',
        '{"event": "y", "reason": "last"}',
        '{"event": "z"}',
    ]
    assert OneLog.reason(told) == "last"
    assert OneLog.reason(["Address already in use", ""]) == "Address already in use"
    assert OneLog.reason([]) == ""
