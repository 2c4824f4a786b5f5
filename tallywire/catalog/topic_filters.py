"""Topic filters of MQTT: what is one, which topics it takes, whether two take one topic.

Source: MQTT 5.0, 4.7 (topic names and filters), 4.8.2 (shared subscriptions).
"""

_SHARE = "$share/"
_LONGEST = 65_535
"""Octets of a text in MQTT."""


def group_of(topic: str) -> str:
    """Give the group of a shared subscription; empty where it is none.

    >>> group_of("$share/rating/meters/+/up")
    'rating'
    """
    return topic.split("/", 2)[1] if topic.startswith(_SHARE) else ""


def filter_of(topic: str) -> str:
    """Give the filter of a subscription, without the group that shares it.

    >>> filter_of("$share/rating/meters/+/up")
    'meters/+/up'
    """
    return topic.split("/", 2)[-1] if topic.startswith(_SHARE) else topic


def wrong_filter(topic: str) -> str:
    """Say what is wrong with a subscription; empty where nothing is.

    >>> wrong_filter("meters/#/up")
    '# stands for all further levels: it can only be the last one'
    """
    if topic.startswith(_SHARE) and topic.count("/") < 2:
        return "a shared subscription is written $share/GROUP/FILTER"
    if topic.startswith(_SHARE) and (not group_of(topic) or set(group_of(topic)) & set("+#")):
        return "the group of a shared subscription is a name without + and #"
    levels = filter_of(topic).split("/")
    if levels == [""] or "\x00" in topic or len(topic.encode()) > _LONGEST:
        return "a topic filter has 1 to 65535 octets, none of them zero"
    if any("#" in level for level in levels[:-1]):
        return "# stands for all further levels: it can only be the last one"
    if any(len(level) > 1 and set(level) & set("+#") for level in levels):
        return "+ and # stand for whole levels: write a/+/b, not a/x+/b"
    return ""


def overlap(one: str, other: str) -> bool:
    """Tell whether two filters, without groups, may take the same topic.

    >>> overlap("a/+/up", "a/7/#"), overlap("a/+/up", "a/7/down")
    (True, False)
    """
    return _meet(one.split("/"), other.split("/"), first=True)


def _meet(one: list[str], other: list[str], *, first: bool) -> bool:
    if not one or not other:
        rest = one or other
        return not rest or rest == ["#"]  # a/# takes a, too
    wild, name = (one, other) if one[0] in {"#", "+"} else (other, one)
    if first and wild[0] in {"#", "+"} and name[0].startswith("$"):
        return False  # topics of the broker's own are not for wildcards
    if "#" in {one[0], other[0]}:
        return True
    if one[0] != other[0] and wild[0] != "+":
        return False
    return _meet(one[1:], other[1:], first=False)
