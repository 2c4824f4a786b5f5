"""Where calls go: prefixes, what carrying a minute there costs about, and how often it is called."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A destination: its prefix, a minute's cost in ten-thousandths, its share, digits in all."""

    prefix: str
    name: str
    cost: int
    weight: int
    digits: int = 11


ON_NET = "4790"

PLACES = (
    Place(ON_NET, "own network", 0, 260, 10),
    Place("474", "Norway mobile", 95, 190, 10),
    Place("479", "Norway mobile, other", 105, 190, 10),
    Place("472", "Norway fixed, Oslo", 30, 60, 10),
    Place("473", "Norway fixed, south", 32, 40, 10),
    Place("475", "Norway fixed, west", 32, 40, 10),
    Place("476", "Norway fixed, east", 33, 25, 10),
    Place("47829", "Norway premium", 4200, 4, 10),
    Place("46", "Sweden fixed", 40, 22),
    Place("467", "Sweden mobile", 180, 30),
    Place("45", "Denmark fixed", 42, 18, 10),
    Place("452", "Denmark mobile", 175, 16, 10),
    Place("358", "Finland fixed", 260, 10, 12),
    Place("3584", "Finland mobile", 390, 10, 12),
    Place("354", "Iceland", 310, 3, 10),
    Place("49", "Germany fixed", 45, 16, 12),
    Place("4915", "Germany mobile", 220, 14, 13),
    Place("4917", "Germany mobile, other", 225, 10, 13),
    Place("44", "United Kingdom fixed", 38, 18, 12),
    Place("447", "United Kingdom mobile", 190, 20, 12),
    Place("4470", "United Kingdom personal", 2300, 1, 12),
    Place("33", "France fixed", 46, 8),
    Place("336", "France mobile", 210, 8),
    Place("34", "Spain fixed", 44, 9),
    Place("346", "Spain mobile", 205, 9),
    Place("39", "Italy fixed", 48, 6, 12),
    Place("393", "Italy mobile", 240, 6, 12),
    Place("48", "Poland fixed", 60, 14),
    Place("485", "Poland mobile", 185, 14),
    Place("370", "Lithuania fixed", 310, 6),
    Place("3706", "Lithuania mobile", 420, 6),
    Place("371", "Latvia", 680, 3),
    Place("7", "Russia fixed", 420, 3),
    Place("79", "Russia mobile", 980, 3),
    Place("380", "Ukraine fixed", 1150, 5, 12),
    Place("38067", "Ukraine mobile", 1600, 5, 12),
    Place("1", "United States and Canada", 55, 14),
    Place("1876", "Jamaica", 1890, 1),
    Place("1809", "Dominican Republic", 710, 1),
    Place("52", "Mexico", 220, 1, 12),
    Place("91", "India", 170, 5, 12),
    Place("92", "Pakistan fixed", 820, 4, 12),
    Place("923", "Pakistan mobile", 960, 6, 12),
    Place("63", "Philippines fixed", 1150, 2, 12),
    Place("639", "Philippines mobile", 1330, 3, 12),
    Place("66", "Thailand", 310, 2),
    Place("84", "Viet Nam", 720, 2),
    Place("90", "Turkey fixed", 390, 2, 12),
    Place("905", "Turkey mobile", 1480, 2, 12),
    Place("252", "Somalia", 5400, 3, 12),
    Place("251", "Ethiopia", 2300, 2, 12),
    Place("254", "Kenya", 1220, 1, 12),
    Place("27", "South Africa", 640, 1),
    Place("61", "Australia fixed", 90, 2),
    Place("614", "Australia mobile", 380, 2),
)

BY_PREFIX = {place.prefix: place for place in PLACES}


def longest(number: str, prefixes: dict[str, object] | frozenset[str]) -> str:
    """Find the longest of some prefixes that a number begins with, or nothing."""
    for length in range(len(number), 0, -1):
        if number[:length] in prefixes:
            return number[:length]
    return ""


def children_of(prefix: str) -> tuple[str, ...]:
    """Name the prefixes within a prefix."""
    return tuple(other for other in BY_PREFIX if other != prefix and other.startswith(prefix))
