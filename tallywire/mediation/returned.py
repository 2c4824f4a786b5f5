"""RAP 1.5 out: events of TAP files that are returned to their sender, and files as a whole.

Source: GSMA RAP 1.5, by its public ASN.1. Error codes are those that partners agreed on; without
an agreement, those of the rules of TAP that have one.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.outcomes import SuspenseEvent
from tallywire.mediation.ber import Octets, spans
from tallywire.mediation.ber.encode import element, integer
from tallywire.mediation.ber.reader import read
from tallywire.mediation.decoders.tap import tags
from tallywire.mediation.decoders.tap.events import READ
from tallywire.mediation.decoders.tap.head import Head, head_of
from tallywire.mediation.decoders.tap.rules import Rule, rule_in
from tallywire.mediation.framing.ber import Broken, Unfinished, end_of, header

_TAP_VERSION, _RAP_VERSION = (3, 12), (1, 5)
MOST_NUMBER = 99_999
"""After this number files are numbered from 1 again."""


@dataclass(frozen=True)
class Return:
    """What is returned.

    Attributes:
        file: Number of the TAP file.
        event: The event as it was, a whole element; empty where the file is returned as a whole.
        error: Why.
    """

    file: int
    event: bytes
    error: int


@dataclass(frozen=True)
class Route:
    """Who returns to whom, in which money: that of the TAP files."""

    sender: str
    recipient: str
    currency: str
    decimals: int
    test: bool = False


def route_of(head: Head) -> Route:
    """Give the way back of a TAP file."""
    return Route(head.recipient, head.sender, head.currency, head.decimals or 0, head.test)


def code_of(rule: Rule | None, reason: str, codes: Mapping[str, int]) -> int | None:
    """Give the error code of a return: that agreed for the rule, for the reason, the rule's own.

    >>> from tallywire.mediation.decoders.tap.rules import RULES
    >>> rule = RULES["tax_code_unknown"]
    >>> [code_of(rule, "code_undeclared", codes)
    ...  for codes in ({}, {"code_undeclared": 7}, {"code_undeclared": 7, "tax_code_unknown": 8})]
    [100, 7, 8]
    """
    named = codes.get(rule.rule_id) if rule else None
    if named is not None:
        return named
    return codes.get(reason, rule.code if rule else None)


def returned_of(
    held: SuspenseEvent, codes: Mapping[str, int]
) -> tuple[Route | None, Return | None, str]:
    """Make the return of a suspended event.

    Args:
        codes: Error code by rule or reason.

    Returns:
        Way and return; or neither, and why it cannot be returned.
    """
    head = head_of(held.file_head)
    if not (head.sender and head.recipient and head.sequence):
        return None, None, "the head of its file does not say whose it is"
    rule = rule_in(held.detail)
    code = code_of(rule, held.reason, codes)
    if code is None:
        wanted = f"{rule.rule_id} or {held.reason}" if rule else held.reason
        return None, None, f"the feed's `error_codes` has no code for {wanted}"
    try:
        tag = int.from_bytes(header(held.raw, 0)[0])
        whole = end_of(held.raw, 0) == len(held.raw)
    except (Broken, Unfinished):
        tag, whole = 0, False
    if tag not in READ or not whole:
        return None, None, "its bytes are no event of TAP 3.12; return its file as a whole"
    return route_of(head), Return(head.sequence, held.raw, code), ""


def worth(event: bytes) -> tuple[int, int]:
    """Give charge and tax of an event, in the file's smallest unit."""
    tag, place, _ = header(event, 0)
    octets = Octets(event)
    reader = read(octets, spans([place], [end_of(event, 0) - place]))
    rows = READ[int.from_bytes(tag)](reader, Head()).charged.rows
    return sum(rows["charge"].to_list()), sum(rows["tax"].to_list())


def _digits(number: int) -> bytes:
    return f"{number:05}".encode()


def _moment(tag: int, at: datetime.datetime) -> bytes:
    return element(
        tag, element(tags.LOCAL_TIME, at.strftime("%Y%m%d%H%M%S").encode()),
        element(tags.OFFSET, at.strftime("%z")[:5].encode()),
    )  # fmt: skip


def _errors(code: int) -> bytes:
    error = element(tags.ERROR, element(tags.ERROR_CODE, integer(code)))
    return element(tags.ERROR_LIST, error)


def _detail(one: Return) -> bytes:
    number = element(tags.FILE_SEQUENCE, _digits(one.file))
    if one.event:
        return element(tags.SEVERE_RETURN, number, one.event, _errors(one.error))
    return element(tags.FATAL_RETURN, number, element(tags.BATCH_ERROR, _errors(one.error)))


def rap_file(route: Route, number: int, returns: Sequence[Return], at: datetime.datetime) -> bytes:
    """Write a RAP file.

    Args:
        number: Its number, 1 to MOST_NUMBER, of the files from this sender to this recipient.
        at: When it is made, with an offset.

    Raises:
        ValueError: If the number is out of range or the time has no offset.
    """
    if not 1 <= number <= MOST_NUMBER or at.utcoffset() is None:
        msg = f"no RAP file {number} of {at}"
        raise ValueError(msg)
    spec, release = _TAP_VERSION
    rap_spec, rap_release = _RAP_VERSION
    control = element(
        tags.RAP_CONTROL,
        element(tags.SENDER, route.sender.encode()),
        element(tags.RECIPIENT, route.recipient.encode()),
        element(tags.RAP_SEQUENCE, _digits(number)),
        _moment(tags.RAP_CREATED, at), _moment(tags.RAP_AVAILABLE, at),
        element(tags.SPECIFICATION, integer(spec)), element(tags.RELEASE, integer(release)),
        element(tags.RAP_SPECIFICATION, integer(rap_spec)),
        element(tags.RAP_RELEASE, integer(rap_release)),
        element(tags.FILE_TYPE, b"T") if route.test else b"",
        element(tags.DECIMALS, integer(route.decimals)),
        element(tags.TAP_CURRENCY, route.currency.encode()),
    )  # fmt: skip
    worths = [worth(one.event) for one in returns if one.event]
    tax = sum(tax for _, tax in worths)
    audit = element(
        tags.RAP_AUDIT,
        element(tags.RETURNED_VALUE, integer(sum(charge for charge, _ in worths))),
        element(tags.RETURN_COUNT, integer(len(returns))),
        element(tags.RETURNED_TAX, integer(tax)) if tax else b"",
    )
    details = element(tags.RETURN_LIST, *(_detail(one) for one in returns))
    return element(tags.RETURN_BATCH, control, details, audit)


def file_name(route: Route, number: int) -> str:
    """Name a RAP file: what it is, from whom, to whom, its number."""
    return f"{'RT' if route.test else 'RC'}{route.sender}{route.recipient}{number:05}"
