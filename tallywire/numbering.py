"""Numbers, scalar: E.164 from what was dialled, and the longest prefix with its dates."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_LONGEST_E164 = 15
SHORTEST_FULL = 10
"""A bare number this long that begins with the home country's code carries that code."""
_NOISE = str.maketrans("", "", " -().")

NULLS = ("null", "(null)", "<null>", "none", "nil", "n/a", "\\n")
"""Texts, in small letters, by which programs say that they have no value."""
WITHHELD = ("anonymous", "unavailable", "restricted", "unknown", "private", "withheld", "blocked")
"""Texts, in small letters, that stand for a number that the caller keeps to himself."""
DAMAGED = (
    r"\+?[0-9]+[.,][0-9]+[eE]\+?[0-9]+|\+?[0-9]+[eE]\+[0-9]+|[0-9]{7,}\.0|#{3,}"
    r"|\+?[0-9]{5,}[fF]+[0-9]+"
)
"""What a spreadsheet (9.12678E+11, 4790010001.0, #####) or a wrong reading of TBCD leaves."""
FILLED = r"([0-9*#a-cA-C]+)[fF]+"
"""TBCD: the filler of an odd number of digits is no digit."""
_URI = r"(?i)(sips?|tel):"
_CONTEXT = r"(?i);phone-context=(\+[^;]*)"
_ESCAPES = (("%2b", "+"), ("%2B", "+"), ("%23", "#"), ("%2a", "*"), ("%2A", "*"), ("%20", " "))


def _without_uri(text: str, home_country: str) -> str | None:
    """Take the number out of a SIP or tel URI, or of user@host; none where it is of elsewhere."""
    angle = re.search(r"<([^>]*)>", text)
    text = angle[1] if angle else text
    scheme = re.match(_URI, text)
    user, at, _ = text[scheme.end() if scheme else 0 :].partition("@")
    if not (scheme or at):
        return text.partition(";")[0]
    if scheme and not at and scheme[1].lower() != "tel":
        return ""  # a host without a user
    context = re.search(_CONTEXT, user)
    number = re.split("[;:?]", user, maxsplit=1)[0]
    for escape, character in _ESCAPES:
        number = number.replace(escape, character)
    local = context and not number.startswith("+")
    if local and context and context[1].translate(_NOISE) != f"+{home_country}":
        return None
    return number


def written(raw: str, *, home_country: str) -> tuple[str, str]:
    """Take the number out of how it was written.

    Args:
        raw: A number, a SIP or tel URI with parameters, user@host, or a word for no number.
        home_country: Country code of the node that wrote it.

    Returns:
        The number as dialled, and a mark: empty, `null`, `withheld`, `damaged`, or `local` for a
        number that is only good within another country. What has a mark has no number: none is
        ever guessed.

    Source: RFC 3261 19.1, RFC 3966; 3GPP TS 29.002 (TBCD).

    >>> written("<sip:+4790010001;npdi@10.0.0.1;user=phone>", home_country="47")
    ('+4790010001', '')
    >>> [written(raw, home_country="47") for raw in ("9.12678E+11", "sip:anonymous@x", "NULL")]
    [('', 'damaged'), ('', 'withheld'), ('', 'null')]
    >>> written("tel:7042;phone-context=+44", home_country="47")
    ('', 'local')
    """
    text = raw.strip(" \t")
    if text.lower() in NULLS:
        return "", "null"
    number = _without_uri(text, home_country)
    if number is None:
        return "", "local"
    if number.lower() in WITHHELD:
        return "", "withheld"
    if re.fullmatch(DAMAGED, number):
        return "", "damaged"
    filled = re.fullmatch(FILLED, number)
    return (filled[1] if filled else number), ""


def normalise(
    raw: str, *, home_country: str, trunk_prefix: str, international_prefixes: Iterable[str]
) -> str | None:
    """Turn a number as it was dialled into E.164 digits without the plus sign.

    Args:
        raw: Digits with an optional plus sign or dialling prefix; spaces, dashes, dots and
            brackets are passed over. It may stand in a URI: see `written`.
        home_country: Country code of the node that wrote it.
        trunk_prefix: National prefix, dropped before the country code is put in front; empty
            where the country has none.
        international_prefixes: Dialled before a country code, for example 00; the longest that
            fits is taken.

    Returns:
        1 to 15 digits, or `None` when it is no number. A bare number (no plus sign, no prefix) is
        national, except one that begins with the home country's code where a national number
        would carry a trunk prefix, or that is at least ten digits long: it is taken as it stands.
        Norway's 47 12 34 56 is a national number, 47 22 33 44 55 is a full one.

    >>> [normalise(raw, home_country="47", trunk_prefix="0", international_prefixes=["00"])
    ...  for raw in ("+4922", "004922", "022", "22", "4722", "abc", "")]
    ['4922', '4922', '4722', '4722', '4722', None, None]
    >>> [normalise(raw, home_country="47", trunk_prefix="", international_prefixes=["00"])
    ...  for raw in ("47123456", "4722334455")]
    ['4747123456', '4722334455']
    """
    text = written(raw, home_country=home_country)[0].translate(_NOISE)
    full = _without_prefix(text, international_prefixes)
    if full is None:
        full = _from_national(text, home_country, trunk_prefix)
    good = full.isascii() and full.isdigit() and len(full) <= _LONGEST_E164
    return full if good and not full.startswith("0") else None  # no country code begins with 0


def _without_prefix(text: str, international_prefixes: Iterable[str]) -> str | None:
    if text.startswith("+"):
        return text[1:]
    for prefix in sorted(international_prefixes, key=len, reverse=True):
        if prefix and text.startswith(prefix):
            return text[len(prefix) :]
    return None


def _from_national(text: str, home_country: str, trunk_prefix: str) -> str:
    if not text:
        return text
    if trunk_prefix and text.startswith(trunk_prefix):
        return home_country + text[len(trunk_prefix) :]
    if text.startswith(home_country) and (trunk_prefix or len(text) >= SHORTEST_FULL):
        return text
    return home_country + text


@dataclass(frozen=True, slots=True)
class Dated:
    """A priced prefix and when it holds, microseconds UTC, the end excluded."""

    prefix: str
    zone_id: str
    price_no: int
    revision: int
    valid_from_us: int
    valid_to_us: int


class PrefixBook:
    """Prefixes by their digits; the longest that holds at an instant wins.

    Args:
        entries: For one prefix, spans that do not overlap.
    """

    def __init__(self, entries: Iterable[Dated]) -> None:
        self._entries: dict[str, list[Dated]] = {}
        for entry in entries:
            self._entries.setdefault(entry.prefix, []).append(entry)
        self._lengths = sorted({len(prefix) for prefix in self._entries}, reverse=True)

    def find(self, digits: str, moment_us: int) -> tuple[Dated | None, bool]:
        """Look a number up.

        Args:
            digits: Number without a plus sign; anything else than digits matches only the empty
                prefix.
            moment_us: Instant, microseconds UTC.

        Returns:
            The entry, or `None` where none holds; and whether some prefix matches, now or at
            another time.

        >>> book = PrefixBook([Dated("4", "z4", 0, 1, 0, 99), Dated("47", "z47", 1, 1, 50, 99)])
        >>> [book.find("4790", moment)[0].zone_id for moment in (10, 60)]
        ['z4', 'z47']
        >>> book.find("4790", 99), book.find("1", 60)
        ((None, True), (None, False))
        """
        if not (digits.isascii() and digits.isdigit()):
            digits = ""
        known = False
        for length in self._lengths:
            if length > len(digits):
                continue
            for entry in self._entries.get(digits[:length], ()):
                known = True
                if entry.valid_from_us <= moment_us < entry.valid_to_us:
                    return entry, True
        return None, known
