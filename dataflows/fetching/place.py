"""A place that files are fetched from: one look at it, and what is new handed over."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from dataflows.fetching.bringing import Stopped, brought, forget
from dataflows.fetching.fetched import Fetched
from dataflows.fetching.inbox import Inbox, refusal_file
from dataflows.fetching.names import beside, is_archive, packing, unpacked_name
from dataflows.fetching.refused import Limits, Refused
from dataflows.fetching.source import FileChanged, Listed, Source
from dataflows.fetching.unpack import Content, OwnerOf, PlainFile, sha256_of, unpacked
from dataflows.sources.folder import hidden
from dataflows.stop import stopping
from dataflows.wall_clock import now_us

_MOST_TOLD = 50
Tell = Callable[[str], None]


@dataclass
class Look:
    """What one look came to.

    Attributes:
        taken: Files that were handed over, or refused.
        waiting: New files that are not finished yet.
    """

    taken: int = 0
    waiting: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Rules:
    """Which files of a place are taken, and how.

    Attributes:
        owner_of: Names the feed that takes a plain file, given its name.
        fallback: The feed that is told of what is wrong with a file that no feed takes by name.
        marker: Ending of files that mark others as finished; empty to wait until they are settled.
        after: `keep`, `archive` or `delete`.
    """

    owner_of: OwnerOf
    limits: Limits
    fallback: str = ""
    marker: str = ""
    after: str = "keep"


class Place:
    """A place, its inbox, and what the last look saw.

    Args:
        held: The lock of the inbox, kept as long as the place.
    """

    def __init__(
        self, source: Source, inbox: Inbox, rules: Rules, tell: Tell, held: object = None
    ) -> None:
        self._held = held
        self._source, self._inbox, self._rules, self._tell = source, inbox, rules, tell
        self._before: dict[str, Listed] = {}

    @property
    def address(self) -> str:
        """Say where it is."""
        return self._source.address

    def counts(self) -> tuple[int, int]:
        """Tell how many files were fetched, and of how many something was refused."""
        return self._inbox.list.counts()

    def look(self) -> Look:
        """Look once, and hand over what is new and finished.

        Raises:
            Away: If the place cannot be reached.
            Stopped: If the process shall stop.
            OSError: If the home cannot be written.
        """
        found, markers = self._new()
        look, seen = Look(), {}
        for listed in sorted(found, key=lambda one: (one.name, one.key)):
            if stopping():
                raise Stopped(listed.name)
            seen[listed.key] = listed
            marks = self._marks(listed, markers)
            if not self._finished(listed, marks):
                look.waiting.append(listed.name)
                continue
            try:
                self._take(listed, marks)
            except FileChanged:
                look.waiting.append(listed.name)
                seen.pop(listed.key)
            else:
                look.taken += 1
        self._before = seen
        return look

    def _new(self) -> tuple[list[Listed], set[str]]:
        """List what is new; and the markers, where there are some."""
        marker = self._rules.marker
        found, markers = [], set()
        for listed in self._source.look():
            if marker and listed.name.endswith(marker):
                markers.add(listed.name)
            elif not hidden(listed.name) and self._takes(listed.name) and self._is_new(listed):
                found.append(listed)
        return found, markers

    def _takes(self, name: str) -> bool:
        """Tell whether a file may hold something for a feed; of an archive nobody knows before."""
        return is_archive(name) or bool(self._rules.owner_of(unpacked_name(name)))

    def _is_new(self, listed: Listed) -> bool:
        known = self._inbox.list.get(listed.key)
        if known is None or known.version != listed.version or not known.cleared:
            return True
        if known.refused and known.limits != self._bounds():
            return True
        return any(map(self._owner_in(listed), known.unclaimed))

    def _bounds(self) -> list[int]:
        limits = self._rules.limits
        return [limits.bytes, limits.ratio, limits.members]

    def _marks(self, listed: Listed, markers: set[str]) -> list[str]:
        marker = self._rules.marker
        stem = str(PurePosixPath(listed.name).with_suffix(marker)) if marker else ""
        return [name for name in (listed.name + marker, stem) if marker and name in markers]

    def _finished(self, listed: Listed, marks: list[str]) -> bool:
        if self._rules.marker:
            return bool(marks)
        return self._source.atomic or self._before.get(listed.key) == listed

    def _take(self, listed: Listed, marks: Iterable[str]) -> None:
        known = self._inbox.list.get(listed.key)
        if known is None or known.version != listed.version or known.cleared:
            known = self._fetch(listed, known)
        if not known.cleared:
            self._source.clear(listed, known.sha256, marks)
            self._inbox.list.add(replace(known, cleared=True))

    def _fetch(self, listed: Listed, known: Fetched | None) -> Fetched:
        folder, content, sha256, plain = self._inbox.draft(), Content(), "", []
        whole: Refused | None = None
        try:
            path = self._source.here(listed)
            before = path.stat() if path else None
            path = path or brought(self._source, listed, self._inbox.parts, self._rules.limits)
            sha256 = sha256_of(path)
            again = known is not None and known.sha256 == sha256 and not known.refused
            if not (again and known and not known.unclaimed):
                content = self._content(listed, path, folder, sha256)
                plain = list(content.files)
            self._unchanged(listed, path, before)
        except Refused as refused:
            folder, whole, content = self._inbox.draft(), refused, Content()
        except FileNotFoundError as error:
            raise FileChanged(listed.name) from error
        told = self._refusal(listed, sha256, content, whole)
        if told:
            plain += self._told(folder, listed, content, told)
        cleared = bool(told) or self._rules.after == "keep"
        one = Fetched(
            number=self._inbox.list.last + 1, key=listed.key, name=listed.name,
            version=listed.version, sha256=sha256, size=listed.size, at_us=now_us(),
            files=len(content.files), refused=str(told["reason"]) if told else "",
            unclaimed=content.unclaimed[:_MOST_TOLD], limits=self._bounds() if told else [],
            cleared=cleared,
        )  # fmt: skip
        self._inbox.hand_over(one, plain)
        forget(self._inbox.parts, listed)
        for name in content.unclaimed[:_MOST_TOLD]:
            self._tell(f"no feed takes {name}: give a feed a `path` that matches it")
        return one

    def _content(self, listed: Listed, path: Path, folder: Path, sha256: str) -> Content:
        """Unpack a file; one that is not packed is only moved."""
        if packing(listed.name) or not path.is_relative_to(self._inbox.parts):
            limits, owner_of = self._rules.limits, self._owner_in(listed)
            return unpacked(path, listed.name, folder, limits, owner_of)
        place, size = "000000", path.stat().st_size
        path.rename(folder / place)
        owner = self._rules.owner_of(listed.name)
        return Content([PlainFile(listed.name, owner, place, sha256, size)])

    def _owner_in(self, listed: Listed) -> OwnerOf:
        """A member is taken by its name, by that without its archive's, or with its archive."""
        owner_of = self._rules.owner_of
        whole = owner_of(listed.name)
        return lambda name: owner_of(name) or owner_of(beside(listed.name, name)) or whole

    @staticmethod
    def _unchanged(listed: Listed, path: Path, before: Any) -> None:  # noqa: ANN401  os.stat_result or nothing
        if before is None:
            return
        after = path.stat()
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise FileChanged(listed.name)

    def _refusal(
        self, listed: Listed, sha256: str, content: Content, whole: Refused | None
    ) -> dict[str, Any]:
        """Say what is wrong with a file, once for each content; empty where nothing is."""
        members = [
            {"name": name, "reason": reason.value, "text": text}
            for name, reason, text in content.refused[:_MOST_TOLD]
        ]
        if whole is None and not members:
            return {}
        return {
            "reason": whole.reason.value if whole else members[0]["reason"],
            "text": whole.text if whole else "",
            "members": members,
            "members_refused": len(content.refused),
            "sha256": sha256,
            "size": listed.size,
            "version": "" if sha256 else listed.version,
            "address": self._source.address,
        }

    def _told(
        self, folder: Path, listed: Listed, content: Content, told: dict[str, Any]
    ) -> list[PlainFile]:
        """Tell the operator, and the lane of the feed that the file is of."""
        self._tell(problem_of(listed.name, self._source.address, told))
        owner = (
            self._rules.owner_of(unpacked_name(listed.name))
            or next((one.feed for one in content.files), "")
            or next(filter(None, (self._owner_in(listed)(one[0]) for one in content.refused)), "")
            or self._rules.fallback
        )
        return [refusal_file(folder, owner, listed.name, told)] if owner else []


def problem_of(name: str, address: str, told: dict[str, Any]) -> str:
    """Say in one line what was refused and why."""
    members = told["members"]
    if not members:
        return f"{name} of {address} cannot be read: {told['text']} ({told['reason']})"
    first, more = members[0], told["members_refused"] - 1
    others = f", and {more} more of its members" if more else ""
    return (
        f"{first['name']} of {address} cannot be read: {first['text']} ({first['reason']}){others}"
    )
