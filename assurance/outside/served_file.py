"""The network's list of whom it serves, as CSV: a file for each day, whose name says the day."""

import re
from collections.abc import Mapping
from datetime import date

from assurance.outside.reading import ListWrongError, Row, read_rows
from assurance.outside.served import Served

COLUMNS = ("subscription_id", "account_id", "offer_id", "identifier_type", "identifier")
_DAY = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})")


def day_in(name: str) -> date:
    """Read the day that the name of a file says.

    Raises:
        ListWrongError: If it says none.

    >>> day_in("served-2026-10-12.csv"), day_in("hlr_20261013.csv")
    (datetime.date(2026, 10, 12), datetime.date(2026, 10, 13))
    """
    found = _DAY.search(name)
    try:
        if found:
            return date(*(int(part) for part in found.groups()))
    except ValueError:
        pass
    msg = f"{name}: its name says no day; call it for example served-2026-10-12.csv"
    raise ListWrongError(msg)


def read_served(
    name: str, text: str, names: Mapping[str, str], offers: Mapping[str, str]
) -> list[Served]:
    """Read a day's list.

    Args:
        names: Column to what it is called in the file.
        offers: What the network calls an offer, to the catalogue's id.

    Raises:
        ListWrongError: If something of it cannot be read, or it is empty.
    """

    def made(row: Row) -> Served:
        return _served(row, offers)

    found = read_rows(name, text, COLUMNS, names, made)
    if not found:
        msg = f"{name} lists nobody: if the network serves somebody, it is cut short"
        raise ListWrongError(msg)
    return found


def _served(row: Row, offers: Mapping[str, str]) -> Served:
    if not (row["identifier_type"] and row["identifier"]):
        msg = "identifier_type and identifier must be given"
        raise ValueError(msg)
    return Served(
        row["subscription_id"], row["account_id"], offers.get(row["offer_id"], row["offer_id"]),
        (row["identifier_type"], row["identifier"]),
    )  # fmt: skip
