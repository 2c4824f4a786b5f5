"""The certificate of a period: its problems, its hash, what differs later."""

from typing import Any

from assurance.certificate import certificate, differences, digest


def made(**changes: Any) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "conservation": [{"feed_id": "f", "lacking": 0}], "revenue": [{"amount": "1.5"}],
        "exposure": [], "controls": [{"control": "A", "failed": 0}], **changes,
    }  # fmt: skip
    return certificate("2026-10", "UTC", "hash", parts, ["A"])


def test_a_clean_period_has_no_problems_and_the_same_hash_again() -> None:
    assert made()["problems"] == []
    assert made()["sha256"] == made()["sha256"] == digest(made())
    assert made(revenue=[{"amount": "1.6"}])["sha256"] != made()["sha256"]


def test_what_is_wrong_is_said() -> None:
    assert made(conservation=[{"feed_id": "f", "lacking": -2}])["problems"] == [
        "-2 records of f have no fate, or one too many"
    ]
    assert made(controls=[])["problems"] == ["control A did not run"]
    assert made(controls=[{"control": "A", "failed": 3}])["problems"] == [
        "control A failed 3 times"
    ]


def test_what_differs_later_is_named_and_so_is_a_certificate_that_was_changed() -> None:
    assert differences(made(), made()) == []
    assert differences(made(), made(exposure=[{"what": "x"}])) == ["exposure is not what it was"]
    forged = {**made(), "revenue": [{"amount": "9"}]}
    assert differences(forged, made()) == [
        "the certificate was changed after it was made: its hash is another",
        "revenue is not what it was",
    ]
