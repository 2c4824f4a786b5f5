"""What is not collected and why, and the bounds beyond which nothing is."""

from dataclasses import dataclass

from schemas.refusals import Refusal

RATIO_FROM_BYTES = 16 * 1024 * 1024
"""What unpacks to less is no danger, whatever its ratio."""


class Refused(Exception):  # noqa: N818  it says what is the case
    """A file, or a member of an archive, is not taken.

    Attributes:
        reason: The published code.
        text: The same in words, with the figures.
    """

    def __init__(self, reason: Refusal, text: str) -> None:
        super().__init__(text)
        self.reason, self.text = reason, text


@dataclass(frozen=True)
class Limits:
    """Bounds of one file that is fetched or unpacked.

    Attributes:
        bytes: Most bytes of a file, and of all members of an archive together.
        ratio: Most bytes that one packed byte may become.
        members: Most members of an archive.
    """

    bytes: int
    ratio: int
    members: int


class Meter:
    """Counts what comes out of a packed file, and stops it where it is too much.

    Args:
        packed: Bytes of the packed file.
    """

    def __init__(self, limits: Limits, packed: int) -> None:
        self._limits, self._packed, self._out, self._members = limits, max(1, packed), 0, 0

    def add(self, length: int) -> None:
        """Count bytes that came out.

        Raises:
            Refused: If they are too many, for the packed file or at all.
        """
        self._out += length
        if self._out > self._limits.bytes:
            text = f"it unpacks to more than {self._limits.bytes} bytes"
            raise Refused(Refusal.FILE_TOO_LARGE, text)
        if self._out > max(RATIO_FROM_BYTES, self._limits.ratio * self._packed):
            text = (
                f"its {self._packed} bytes unpack to more than {self._out - length} bytes, over "
                f"{self._limits.ratio} times as much"
            )
            raise Refused(Refusal.ARCHIVE_BOMB, text)

    def member(self) -> None:
        """Count a member.

        Raises:
            Refused: If there are too many.
        """
        self._members += 1
        if self._members > self._limits.members:
            text = f"it has more than {self._limits.members} members"
            raise Refused(Refusal.TOO_MANY_MEMBERS, text)

    def declared(self, length: int) -> None:
        """Look at a length that is declared, before anything is read.

        Raises:
            Refused: If it is beyond what a file may have.
        """
        check_size(length, self._limits)


def check_size(length: int, limits: Limits) -> None:
    """Look at a length that is declared.

    Raises:
        Refused: If it is beyond what a file may have.
    """
    if length > limits.bytes:
        text = f"it declares {length} bytes, more than the {limits.bytes} that a file may have"
        raise Refused(Refusal.FILE_TOO_LARGE, text)
