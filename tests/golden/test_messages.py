"""Messages that were published once still parse, and say the same."""

import json
from pathlib import Path

import pytest

from assurance.chains import first_broken
from schemas.json_schema import FOLDER, RECORDS, schema_bytes

MESSAGES = Path(__file__).with_name("messages")


@pytest.mark.parametrize("name", RECORDS)
def test_published_messages_still_parse(name: str) -> None:
    record = RECORDS[name]
    lines = (MESSAGES / f"{name}.jsonl").read_text().splitlines()
    assert lines
    for line in lines:
        read = record.model_validate_json(line)
        written = json.loads(read.model_dump_json())
        published = json.loads(line)
        assert {field: written[field] for field in published} == published


@pytest.mark.parametrize("name", RECORDS)
def test_the_published_schema_is_the_record(name: str) -> None:
    assert (FOLDER / f"{name}.json").read_bytes() == schema_bytes(RECORDS[name]), "run make schemas"


@pytest.mark.parametrize("name", ["usage_event", "rated_event"])
def test_no_number_of_a_message_is_beyond_what_every_reader_keeps(name: str) -> None:
    """Readers with binary fractions keep 53 bits: nothing wider may be a JSON number."""
    for line in (MESSAGES / f"{name}.jsonl").read_text().splitlines():
        numbers = [value for value in json.loads(line).values() if isinstance(value, int)]
        assert all(abs(value) < 2**53 for value in numbers)


@pytest.mark.parametrize(
    ("name", "number"),
    [("case_event", "step"), ("audit_event", "sequence"), ("action_event", "step")],
)
def test_chains_that_were_sealed_once_still_hold(name: str, number: str) -> None:
    """A column that is added later must not change the hash of rows from before it."""
    lines = (MESSAGES / f"{name}.jsonl").read_text().splitlines()
    links = [RECORDS[name].model_validate_json(line) for line in lines]
    assert first_broken([(getattr(one, number), one) for one in links]) is None
