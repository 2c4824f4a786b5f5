"""Cells of dialling codes: `46`, `4670, 4673`, `46760-46765`, area codes after a country code."""

import re
from collections.abc import Iterator, Sequence

MOST_CODES = 2_000
"""Prefixes that one cell may mean."""

_CODE = re.compile(r"[1-9][0-9]{0,17}")
_AREA = re.compile(r"[0-9]{1,17}")
_SHORTEST_IN_RANGE = 4
_RANGE = re.compile(r"([0-9]+)-([0-9]+)")
_SCIENTIFIC = re.compile(r"[0-9][.,]?[0-9]*[eE]\+?[0-9]+")
_MONTH = re.compile(
    r"(?i)[0-9]{0,4}[-. /]*(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[-. /]*[0-9]{0,4}"
)
_DATE = re.compile(r"[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4}")
_SHEET = "a spreadsheet has changed it: make the column text, correct the cell, export again"


class CodeFault(ValueError):  # noqa: N818  it says what is the case
    """A cell that is no code: what it is and what to do."""


def _damaged(text: str) -> bool:
    return any(one.fullmatch(text) for one in (_SCIENTIFIC, _MONTH, _DATE))


def _fault(text: str) -> CodeFault:
    if text.startswith("#"):
        return CodeFault(f"{text!r} is an error of a spreadsheet: correct the cell")
    if _damaged(text):
        return CodeFault(f"{text!r} is no code; {_SHEET}")
    if re.fullmatch(r"[0-9]+[.,][0-9]+", text):
        return CodeFault(f"{text!r} has a decimal point; {_SHEET}")
    if re.search(r"[0-9]\s+[0-9]", text):
        return CodeFault(f"{text!r} has a space: write one code, or put commas between codes")
    if re.fullmatch(r"0[0-9]*", text):
        return CodeFault(
            f"{text!r} begins with 0: write the code with its country, without 00 or 0"
        )
    return CodeFault(f"{text!r} is no code: write at most 18 digits")


def _range(low: str, high: str, *, national: bool) -> Iterator[str]:
    text = f"{low}-{high}"
    if len(low) != len(high) or int(low) > int(high):
        msg = f"{text!r} is no range: write two codes of one length, the lower first"
        raise CodeFault(msg)
    if not national and len(low) < _SHORTEST_IN_RANGE:
        msg = f"{text!r} may be a range, or a country and an area: write the codes out"
        raise CodeFault(msg)
    if int(high) - int(low) >= MOST_CODES:
        msg = f"{text!r} means more than {MOST_CODES} codes: write shorter codes"
        raise CodeFault(msg)
    for code in range(int(low), int(high) + 1):
        yield f"{code}".rjust(len(low), "0")


def _parts(text: str, *, national: bool) -> Iterator[str]:
    """Give the codes of a cell one by one, ranges written out."""
    joined = re.sub(r"\s*-\s*", "-", text)
    for part in re.split(r"[,;/\n]", joined):
        one = part.strip()
        found = _RANGE.fullmatch(one)
        if found:
            yield from _range(found[1], found[2], national=national)
        elif one:
            yield one if national else one.removeprefix("+")


def _one_country(codes: Sequence[str]) -> None:
    """Refuse `4670, 73`: the second may be short for 4673, or another country."""
    for code in codes:
        length = 1 if codes[0][0] in "17" else 2
        if code[:length] != codes[0][: len(code)][:length]:
            msg = (
                f"{codes[0]!r} and {code!r} begin differently: write each code with its country, "
                "and countries in rows of their own"
            )
            raise CodeFault(msg)


def codes_of(text: str, country: str | None = None) -> tuple[str, ...]:
    """Read a cell of codes.

    Args:
        text: The cell.
        country: Country code; the cell then holds area codes, or nothing for the whole country.

    Returns:
        Prefixes, each once, in the order written.

    Raises:
        CodeFault: If it cannot be read; nothing is guessed.

    >>> codes_of("4670, 4673, 46760-46762"), codes_of("70 / 73", "46"), codes_of("", "46")
    (('4670', '4673', '46760', '46761', '46762'), ('4670', '4673'), ('46',))
    """
    plain = text.strip()
    if _damaged(plain):
        raise _fault(plain)
    if country is None:
        found = list(_parts(plain, national=False))
        wrong = [part for part in found if not _CODE.fullmatch(part)]
    else:
        root = country.strip().removeprefix("+")
        if not _CODE.fullmatch(root):
            raise _fault(country.strip()) if root else CodeFault("the country code is empty")
        areas = list(_parts(plain, national=True))
        wrong = [area for area in areas if not _AREA.fullmatch(area)]
        found = [root + area for area in areas] if areas else [root]
        wrong += [code for code in found if not wrong and not _CODE.fullmatch(code)]
    if wrong:
        raise _fault(wrong[0])
    if not found:
        msg = "the code is empty: write it in every row"
        raise CodeFault(msg)
    if len(found) > MOST_CODES:
        msg = f"more than {MOST_CODES} codes in one cell: write several rows"
        raise CodeFault(msg)
    _one_country(found)
    return tuple(dict.fromkeys(found))
