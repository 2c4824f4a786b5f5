"""What a broker was last told to keep for a feed: a small file that outlives the process."""

from pathlib import Path

import msgspec
import orjson

from dataflows.files import write_atomic


class Session(msgspec.Struct, frozen=True):
    """A session of ours at a broker, and what is subscribed in it."""

    broker: str
    client: str
    topic: str


def remembered(folder: Path, feed_id: str) -> Session | None:
    """Read what a feed's last subscription was; nothing where there was none."""
    try:
        return msgspec.json.decode((folder / f"{feed_id}.json").read_bytes(), type=Session)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def remember(folder: Path, feed_id: str, session: Session) -> None:
    """Write it down.

    Raises:
        OSError: If the home cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = orjson.dumps(msgspec.to_builtins(session))
    write_atomic(folder / f"{feed_id}.json", content, durable=True)
