"""Keys: shown once, kept as hashes in a private file, verified once, revoked at once."""

import asyncio
import stat
from pathlib import Path

import pytest

from dataflows.ingest import keys as module
from dataflows.ingest.keys import Keyring, add_key, read_keys, revoke_key
from dataflows.ingest.limits import Budget, TokenBucket
from dataflows.ingest.log import IngestMisuse
from dataflows.ingest.problems import Problem
from dataflows.ingest.serve import Place, address_of, check_exposed

NOW = "2026-11-26T00:00:00Z"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ingest_keys.json"


def _add(path: Path, events_per_s: int = 0) -> str:
    return add_key(path, tenant="acme", feeds=["platform"], events_per_s=events_per_s, now=NOW)


def test_only_the_hash_is_kept_and_only_for_this_user(path: Path) -> None:
    key = _add(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert key.split("_", 2)[2] not in path.read_text()
    assert read_keys(path)[0].hash.startswith("$argon2id$")
    assert _add(path) != key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def _status(ring: Keyring, presented: str) -> int:
    try:
        asyncio.run(ring.sender(presented))
    except Problem as problem:
        return problem.kind.status
    return 200


def test_a_key_is_verified_until_it_is_revoked(path: Path) -> None:
    ring = Keyring(path)
    key = _add(path, events_per_s=5)
    other = _add(path)
    assert _status(ring, key) == _status(ring, other) == 200
    assert _status(ring, key[:-1]) == _status(ring, "tw_00000000_x") == _status(ring, "") == 401
    sender = asyncio.run(ring.sender(key))
    assert sender.bucket is not None
    assert revoke_key(path, key.split("_")[1], NOW).revoked == NOW
    assert _status(ring, key) == 401
    assert _status(ring, other) == 200
    assert len(ring) == 1
    with pytest.raises(IngestMisuse, match="no valid key"):
        revoke_key(path, key.split("_")[1], NOW)


def test_a_limit_is_not_given_anew_when_another_key_is_made(path: Path) -> None:
    ring = Keyring(path)
    key = _add(path, events_per_s=1)
    bucket = asyncio.run(ring.sender(key)).bucket
    _add(path)
    assert asyncio.run(ring.sender(key)).bucket is bucket is not None


def test_verification_is_remembered(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ring, key = Keyring(path), _add(path)
    verified: list[str] = []
    true = module._matches
    monkeypatch.setattr(
        module, "_matches", lambda kept, shown: verified.append(shown) or true(kept, shown)
    )
    wrong = key[:-2] + "xx"
    for _ in range(3):
        assert _status(ring, key) == 200
        assert _status(ring, wrong) == 401
    assert verified == [key, wrong]


def test_one_key_is_verified_at_a_time(path: Path) -> None:
    ring, key = Keyring(path), _add(path)

    async def at_once() -> list[int]:
        shown = [key, key, key[:-2] + "xx", key[:-2] + "yy", key]
        found = await asyncio.gather(*map(ring.sender, shown), return_exceptions=True)
        return [one.kind.status if isinstance(one, Problem) else 200 for one in found]

    assert asyncio.run(at_once()) == [200, 200, 429, 429, 200]


def test_a_damaged_file_is_no_empty_one(path: Path) -> None:
    path.write_text("[{}]")
    with pytest.raises(IngestMisuse, match="restore it from a backup"):
        Keyring(path)


@pytest.mark.parametrize(
    ("host", "keys", "open_", "allowed"),
    [("127.0.0.1", 0, False, True), ("127.0.0.1", 0, True, True), ("::1", 0, False, True),
     ("192.0.2.2", 0, False, False), ("192.0.2.2", 1, True, False), ("192.0.2.2", 1, False, True),
     ("192.0.2.1", 0, False, False)],
)  # fmt: skip
def test_where_a_gateway_may_listen(host: str, keys: int, open_: bool, allowed: bool) -> None:
    if allowed:
        check_exposed(host, keys, open_=open_)
    else:
        with pytest.raises(IngestMisuse):
            check_exposed(host, keys, open_=open_)


def test_a_name_is_judged_by_what_it_stands_for() -> None:
    assert address_of("::1") == "::1"
    check_exposed(address_of("localhost"), 0, open_=True)
    with pytest.raises(IngestMisuse, match="no address of this machine"):
        address_of("no such host")
    assert str(Place("::1", 80)) == "http://[::1]:80"


def test_a_bucket_fills_with_time_and_lends_one_batch() -> None:
    now = [0.0]
    bucket = TokenBucket(10, clock=lambda: now[0])
    assert bucket.take(25) == 0
    assert bucket.take(1) == bucket.wait_s() == pytest.approx(1.6)
    now[0] = 1.6
    assert bucket.wait_s() == 0
    assert bucket.take(1) == 0
    now[0] = 100.0
    assert bucket.take(10) == 0
    assert bucket.take(1) > 0


def test_a_budget_is_never_overdrawn() -> None:
    budget = Budget(10)
    assert budget.take(7)
    assert not budget.take(4)
    assert budget.take(3)
    budget.give_back(7)
    assert budget.used == 3
