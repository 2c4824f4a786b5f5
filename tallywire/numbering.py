"""Numbers, scalar: E.164 from what was dialled, and the longest prefix with its dates."""

from collections.abc import Iterable
from dataclasses import dataclass, field

_LONGEST_E164 = 15
_NOISE = str.maketrans("", "", " -().")


def normalise(
    raw: str, *, home_country: str, trunk_prefix: str, international_prefixes: Iterable[str]
) -> str | None:
    """Turn a number as it was dialled into E.164 digits without the plus sign.

    Args:
        raw: Digits with an optional plus sign or dialling prefix; spaces, dashes, dots and
            brackets are passed over.
        home_country: Country code of the node that wrote it.
        trunk_prefix: National prefix, dropped before the country code is put in front.
        international_prefixes: Dialled before a country code, for example 00.

    Returns:
        1 to 15 digits, or `None` when it is no number. A number that carries neither prefix and
        begins with the home country code is taken as international already.

    >>> [normalise(raw, home_country="47", trunk_prefix="0", international_prefixes=["00"])
    ...  for raw in ("+4922", "004922", "022", "22", "4722", "abc", "")]
    ['4922', '4922', '4722', '4722', '4722', None, None]
    """
    text = raw.translate(_NOISE)
    if text.startswith("+"):
        text = text[1:]
    else:
        for prefix in international_prefixes:
            if prefix and text.startswith(prefix):
                text = text[len(prefix) :]
                break
        else:
            text = _national(text, home_country, trunk_prefix)
    good = text.isascii() and text.isdigit() and len(text) <= _LONGEST_E164
    return text if good else None


def _national(text: str, home_country: str, trunk_prefix: str) -> str:
    if trunk_prefix and text.startswith(trunk_prefix):
        return home_country + text[len(trunk_prefix) :]
    if text.startswith(home_country) or not text:
        return text
    return home_country + text


@dataclass(frozen=True)
class Dated:
    """A priced prefix and when it holds, microseconds UTC, the end excluded."""

    prefix: str
    zone_id: str
    price_no: int
    revision: int
    valid_from_us: int
    valid_to_us: int


@dataclass
class PrefixBook:
    """Prefixes by their digits; the longest that holds at an instant wins."""

    entries: dict[str, list[Dated]] = field(default_factory=dict)
    longest: int = 0

    def add(self, entry: Dated) -> None:
        """Add an entry."""
        self.entries.setdefault(entry.prefix, []).append(entry)
        self.longest = max(self.longest, len(entry.prefix))

    def find(self, digits: str, moment_us: int) -> tuple[Dated | None, bool]:
        """Look a number up.

        Returns:
            The entry, and whether any prefix matches at some other time.
        """
        digits = digits if digits.isascii() and digits.isdigit() else ""
        known = False
        for length in range(min(self.longest, len(digits)), -1, -1):
            for entry in self.entries.get(digits[:length], ()):
                known = True
                if entry.valid_from_us <= moment_us < entry.valid_to_us:
                    return entry, True
        return None, known
