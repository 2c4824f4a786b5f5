"""Packed files: what they hold is whole, or refused by name; nothing leaves its folder."""

import gzip
import io
import random
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflows.fetching.names import packing, safe_name
from dataflows.fetching.refused import Limits, Refused
from dataflows.fetching.unpack import Content, unpacked
from schemas.refusals import Refusal
from tests.unit.packed import (
    LINES,
    bomb,
    tar_declaring,
    tarred,
    tarred_with,
    zipped,
    zipped_encrypted,
    zipped_link,
)

ROOT = Path(__file__).resolve().parents[2]
LIMITS = Limits(bytes=64 * 1024 * 1024, ratio=200, members=20)
GIB = 1024**3


def content_of(path: Path, folder: Path, limits: Limits = LIMITS) -> Content:
    folder.mkdir(exist_ok=True)
    return unpacked(path, path.name, folder, limits, lambda name: "feed" * name.endswith(".csv"))


def told(path: Path, folder: Path, limits: Limits = LIMITS) -> tuple[dict[str, bytes], list[str]]:
    """What was taken, by name, and why something was not; a whole refusal takes nothing."""
    try:
        content = content_of(path, folder, limits)
    except Refused as refused:
        return {}, [refused.reason.value]
    taken = {one.name: (folder / one.place).read_bytes() for one in content.files}
    return taken, [reason.value for _, reason, _ in content.refused]


def test_what_is_packed_comes_out_under_the_names_that_are_recorded(tmp_path: Path) -> None:
    (tmp_path / "calls.csv.gz").write_bytes(gzip.compress(LINES) + gzip.compress(LINES))
    (tmp_path / "calls.csv.zst").write_bytes(zstandard.compress(LINES) + zstandard.compress(LINES))
    zipped(
        tmp_path / "a.zip", {"day/x.csv": LINES, "y.csv.gz": gzip.compress(LINES), ".z.csv": b""}
    )
    tarred(tmp_path / "b.tar", {"./x.csv": LINES, "readme.txt": b"-"}, "w")
    tarred(tmp_path / "c.tgz", {"x.csv": LINES})
    plain = io.BytesIO(tarred(tmp_path / "t", {"x.csv": LINES}, "w").read_bytes())
    (tmp_path / "d.tar.zst").write_bytes(zstandard.compress(plain.getvalue()))
    (tmp_path / "plain.csv").write_bytes(LINES)
    found = {}
    for path in sorted(tmp_path.glob("*.*")):
        taken, refused = told(path, tmp_path / f"out-{path.name.replace('.', '-')}")
        assert refused == []
        found |= {(path.name, name): content for name, content in taken.items()}
    twice = LINES + LINES
    assert found == {
        ("a.zip", "a.zip/day/x.csv"): LINES, ("a.zip", "a.zip/y.csv"): LINES,
        ("b.tar", "b.tar/x.csv"): LINES, ("c.tgz", "c.tgz/x.csv"): LINES,
        ("calls.csv.gz", "calls.csv"): twice, ("calls.csv.zst", "calls.csv"): twice,
        ("d.tar.zst", "d.tar.zst/x.csv"): LINES, ("plain.csv", "plain.csv"): LINES,
    }  # fmt: skip


def test_what_no_feed_takes_is_told_and_not_written(tmp_path: Path) -> None:
    content = content_of(zipped(tmp_path / "a.zip", {"x.doc": b"-"}), tmp_path / "out")
    assert content.unclaimed == ["a.zip/x.doc"]
    assert list((tmp_path / "out").iterdir()) == []


def _gz_bomb(path: Path) -> Path:
    path.write_bytes(bomb(40 * 1024 * 1024))
    return path


def _zst_bomb(path: Path) -> Path:
    path.write_bytes(zstandard.compress(bytes(40 * 1024 * 1024)))
    return path


def _cut_gz(path: Path) -> Path:
    path.write_bytes(gzip.compress(LINES)[:-20])
    return path


def _cut_zst(path: Path) -> Path:
    path.write_bytes(zstandard.compress(random.Random(3).randbytes(300_000))[:-20])
    return path


def _cut_tar(path: Path) -> Path:
    """Cut off exactly behind a member: only the end of the archive is missing."""
    path.write_bytes(tarred(path, {"good.csv": LINES}, "w").read_bytes()[:1536])
    return path


def _cut_tgz(path: Path) -> Path:
    noise = random.Random(3).randbytes(300_000)
    path.write_bytes(tarred(path, {"good.csv": LINES, "more.csv": noise}).read_bytes()[:-1000])
    return path


def _cut_zip(path: Path) -> Path:
    path.write_bytes(zipped(path, {"x.csv": LINES}).read_bytes()[:-30])
    return path


def _wrong_sum(path: Path) -> Path:
    data = bytearray(zipped(path, {"bad.csv": LINES, "good.csv": LINES}).read_bytes())
    data[14] ^= 1  # its header's, then its directory's
    data[data.find(b"PK\x01\x02") + 16] ^= 1
    path.write_bytes(data)
    return path


def _huge_zip(path: Path) -> Path:
    """A member that declares 100 GB, as zip64 does."""
    zipped(path, {"bad.csv": LINES, "good.csv": LINES})
    data = bytearray(path.read_bytes())
    at = data.find(b"PK\x01\x02")
    struct.pack_into("<L", data, at + 24, 0xFFFFFFF0)
    path.write_bytes(data)
    return path


def _many(path: Path) -> Path:
    return zipped(path, {f"{number}.csv": b"" for number in range(21)})


def _long_directory(path: Path) -> Path:
    """Its directory alone would fill the memory."""
    data = bytearray(zipped(path, {"x.csv": LINES}).read_bytes())
    struct.pack_into("<L", data, data.rfind(b"PK\x05\x06") + 12, 2 * GIB)
    path.write_bytes(data)
    return path


GOOD = {"good.csv": LINES}
REFUSED: list[tuple[str, Callable[[Path], Path], list[str], set[str]]] = [
    ("bomb.csv.gz", _gz_bomb, ["archive_bomb"], set()),
    ("bomb.csv.zst", _zst_bomb, ["archive_bomb"], set()),
    ("bomb.zip", lambda path: zipped(path, GOOD | {"x.csv": bytes(40 * 1024 * 1024)}),
     ["archive_bomb"], set()),
    ("bomb2.zip", lambda path: zipped(path, GOOD | {"x.csv.gz": bomb(40 * 1024 * 1024)}),
     ["archive_bomb"], set()),
    ("bomb.tgz", lambda path: tarred(path, GOOD | {"x.csv": bytes(40 * 1024 * 1024)}),
     ["archive_bomb"], set()),
    ("large.zip", _huge_zip, ["file_too_large"], {"good.csv"}),
    ("large.tar", lambda path: tar_declaring(path, tarfile.REGTYPE, 100 * GIB),
     ["file_too_large"], set()),
    ("ends.tar", lambda path: tar_declaring(path, tarfile.REGTYPE, 60 * 1024 * 1024),
     ["damaged"], set()),
    ("header.tar", lambda path: tar_declaring(path, tarfile.XHDTYPE, 5 * GIB),
     ["file_too_large"], set()),
    ("name.tar", lambda path: tar_declaring(path, tarfile.GNUTYPE_LONGNAME, 5 * GIB),
     ["file_too_large"], set()),
    ("many.zip", _many, ["too_many_members"], set()),
    ("directory.zip", _long_directory, ["too_many_members"], set()),
    ("up.zip", lambda path: zipped(path, GOOD | {"../../up.csv": LINES}),
     ["unsafe_name"], {"good.csv"}),
    ("root.zip", lambda path: zipped(path, GOOD | {"/etc/root.csv": LINES}),
     ["unsafe_name"], {"good.csv"}),
    ("drive.zip", lambda path: zipped(path, GOOD | {"C:\\drive.csv": LINES}),
     ["unsafe_name"], {"good.csv"}),
    ("up.tgz", lambda path: tarred(path, GOOD | {"a/../../up.csv": LINES}),
     ["unsafe_name"], {"good.csv"}),
    ("root.tgz", lambda path: tarred(path, GOOD | {"/root.csv": LINES}),
     ["unsafe_name"], {"good.csv"}),
    ("twice.tgz", lambda path: tarred(path, GOOD | {"./good.csv": b"other\n"}),
     ["name_twice"], {"good.csv"}),
    ("link.zip", zipped_link, ["link"], {"good.csv"}),
    ("soft.tgz", lambda path: tarred_with(path, tarfile.SYMTYPE, linkname="/etc/passwd"),
     ["link"], {"good.csv"}),
    ("hard.tgz", lambda path: tarred_with(path, tarfile.LNKTYPE, linkname="../x"),
     ["link"], {"good.csv"}),
    ("device.tgz", lambda path: tarred_with(path, tarfile.CHRTYPE, devmajor=1),
     ["special_file"], {"good.csv"}),
    ("pipe.tgz", lambda path: tarred_with(path, tarfile.FIFOTYPE), ["special_file"], {"good.csv"}),
    ("nested.zip", lambda path: zipped(path, GOOD | {"in.zip": b"PK", "in.tgz": b""}),
     ["nested_archive", "nested_archive"], {"good.csv"}),
    ("twice.csv.gz.gz", lambda path: path.write_bytes(bomb(9)) and path, ["nested_archive"], set()),
    ("secret.zip", zipped_encrypted, ["encrypted"], {"good.csv"}),
    ("cut.csv.gz", _cut_gz, ["damaged"], set()),
    ("cut.csv.zst", _cut_zst, ["damaged"], set()),
    ("cut.tar", _cut_tar, ["damaged"], set()),
    ("cut.tgz", _cut_tgz, ["damaged"], set()),
    ("cut.zip", _cut_zip, ["damaged"], set()),
    ("sum.zip", _wrong_sum, ["damaged"], {"good.csv"}),
    ("no.csv.gz", lambda path: path.write_bytes(b"no gz") and path, ["damaged"], set()),
    ("no.csv.zst", lambda path: path.write_bytes(b"no zst") and path, ["damaged"], set()),
    ("no.tar", lambda path: path.write_bytes(b"no tar" * 500) and path, ["damaged"], set()),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "make", "reasons", "others"), REFUSED, ids=[case[0] for case in REFUSED]
)
def test_a_refusal_has_its_code_and_other_members_go_on(
    tmp_path: Path, name: str, make: Callable[[Path], Path], reasons: list[str], others: set[str]
) -> None:
    taken, refused = told(make(tmp_path / name), tmp_path / "out")
    assert refused[:1] == reasons[:1]
    assert len(refused) <= len(reasons)
    assert taken == {f"{name}/{other}": LINES for other in others}
    assert {path.name for path in tmp_path.iterdir()} <= {name, "out"}


def test_every_refusal_is_shown_here_and_written_down() -> None:
    text = (ROOT / "docs/reference/refusals.md").read_text()
    shown = {reason for case in REFUSED for reason in case[2]} | {Refusal.UNSUPPORTED}
    assert shown == set(Refusal)
    for reason in Refusal:
        assert f"\n## `{reason.value}`\n" in text


def test_another_compression_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("x.csv", LINES)
    assert told(path, tmp_path / "out") == ({}, ["unsupported"])


def test_what_is_small_may_be_packed_as_tightly_as_it_likes(tmp_path: Path) -> None:
    path = tmp_path / "zeros.csv.gz"
    path.write_bytes(bomb(10 * 1024 * 1024))
    taken, refused = told(path, tmp_path / "out")
    assert (len(taken["zeros.csv"]), refused) == (10 * 1024 * 1024, [])


def test_a_file_larger_than_the_bound_is_not_even_opened(tmp_path: Path) -> None:
    path = tmp_path / "sparse.csv"
    with path.open("wb") as file:
        file.truncate(100 * GIB)
    assert told(path, tmp_path / "out") == ({}, ["file_too_large"])


@pytest.mark.parametrize("name", ["x", "a/b.csv", "./a", "ä.csv"])
def test_names_that_are_safe(name: str) -> None:
    assert not safe_name(name).startswith(("/", "."))


@given(st.text(max_size=30))
def test_a_safe_name_stays_in_its_folder(name: str) -> None:
    try:
        found = safe_name(name)
    except Refused:
        return
    assert Path("/in").joinpath(found).resolve().is_relative_to("/in")
    assert not Path(found).is_absolute()


_SEEDS: dict[str, Callable[[Path], Path]] = {
    "x.zip": lambda path: zipped(path, {"x.csv": LINES, "y.csv.gz": gzip.compress(LINES)}),
    "x.tar": lambda path: tarred(path, {"x.csv": LINES, "l" * 200 + ".csv": LINES}, "w"),
    "x.tgz": lambda path: tarred(path, {"x.csv": LINES}),
    "x.csv.gz": lambda path: path.write_bytes(gzip.compress(LINES)) and path,
    "x.csv.zst": lambda path: path.write_bytes(zstandard.compress(LINES)) and path,
}


@settings(max_examples=150)
@given(st.sampled_from(sorted(_SEEDS)), st.data())
def test_damage_is_a_refusal_never_a_crash(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("damage")
    whole = _SEEDS[name](folder / name).read_bytes()
    broken = bytearray(whole)
    for at, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=6)
    ):
        broken[at] = value
    cut = data.draw(st.integers(0, len(whole)))
    (folder / name).write_bytes(broken[:cut] if data.draw(st.booleans()) else broken)
    taken, refused = told(folder / name, folder / "out")
    assert packing(name)
    if bytes(broken) == whole and (folder / name).stat().st_size == len(whole):
        assert refused == []
        assert taken
