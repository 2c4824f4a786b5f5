"""Small files that are never half written, and locks that die with their process."""

import fcntl
import os
import stat
from pathlib import Path
from typing import IO


class LaneTaken(RuntimeError):  # noqa: N818  it says what is the case
    """Another process owns the lane."""


def write_atomic(
    path: Path, content: bytes, *, durable: bool = False, private: bool = False
) -> None:
    """Replace a file so that a reader sees the old content or the new, never a mixture.

    Args:
        durable: It outlives a power cut from now on.
        private: Only this user may read it.

    Raises:
        OSError: If the folder is missing, full or not writable.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("wb") as file:
        if private:
            os.fchmod(file.fileno(), stat.S_IRUSR | stat.S_IWUSR)
        file.write(content)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    draft.replace(path)
    if durable:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def lock(folder: Path, what: str) -> IO[bytes]:
    """Take the exclusive lock of a folder; it is released when the process ends.

    Raises:
        LaneTaken: If another process holds it.
        OSError: If the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / "lock").open("a+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        owner = file.read(20).decode(errors="replace").strip() or "unknown"
        file.close()
        msg = f"{what} is already being worked by process {owner} ({folder}); stop that one first"
        raise LaneTaken(msg) from None
    file.seek(0)
    file.truncate()
    file.write(str(os.getpid()).encode())
    file.flush()
    return file
