"""Published codes: why a file is not collected. Each has a heading in docs/reference."""

from enum import StrEnum


class Refusal(StrEnum):
    """Why a file, or a member of an archive, is not collected. Published: add, never rename."""

    ARCHIVE_BOMB = "archive_bomb"
    FILE_TOO_LARGE = "file_too_large"
    TOO_MANY_MEMBERS = "too_many_members"
    UNSAFE_NAME = "unsafe_name"
    NAME_TWICE = "name_twice"
    LINK = "link"
    SPECIAL_FILE = "special_file"
    NESTED_ARCHIVE = "nested_archive"
    ENCRYPTED = "encrypted"
    UNSUPPORTED = "unsupported"
    DAMAGED = "damaged"
