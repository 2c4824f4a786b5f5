"""The rules of TAP that decide money, as a receiver checks them: one table, in order of precedence.

A fatal rule is about a file, a severe one about an event, a warning changes nothing but is told.
Error codes are those that public implementations of TAP write for the very fault. Where none is
known for certain a rule has none, and the partners' agreement gives it (`error_codes` of the feed).

Source: GSMA TAP 3.12 and RAP 1.5, by their public ASN.1 and what is published of their use.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from schemas.reasons import Reason


class Level(StrEnum):
    """What a broken rule is of."""

    FATAL = "fatal"
    SEVERE = "severe"
    WARNING = "warning"


@dataclass(frozen=True)
class Rule:
    """A rule.

    Attributes:
        checks: What must hold, in words.
        source: Where the values come from, by the names of the grammar.
        reason: Why an event that breaks it is in suspense; none where no event is.
        code: Error code of a return; none where partners agree on one.
    """

    rule_id: str
    level: Level
    checks: str
    source: str
    reason: Reason | None = None
    code: int | None = None


_FATAL, _SEVERE, _WARNING = Level.FATAL, Level.SEVERE, Level.WARNING
_TABLE = (
    Rule("transfer_missing", _FATAL, "the file is a transfer batch or a notification",
         "outermost element"),
    Rule("batch_control_missing", _FATAL, "a batch says who sends it to whom",
         "BatchControlInfo", Reason.FIELD_MISSING, 30),
    Rule("party_missing", _FATAL, "sender and recipient are named",
         "Sender, Recipient of BatchControlInfo or Notification"),
    Rule("sequence_invalid", _FATAL, "the file has a number from 1 to 99999",
         "FileSequenceNumber", Reason.FIELD_MISSING),
    Rule("accounting_missing", _FATAL, "a batch that charges has accounting information",
         "AccountingInfo", Reason.FIELD_MISSING),
    Rule("currency_missing", _FATAL, "charges have a currency",
         "LocalCurrency, TapCurrency of AccountingInfo", Reason.FIELD_MISSING),
    Rule("decimals_invalid", _FATAL, "decimal places of charges are 0 to 9",
         "TapDecimalPlaces of AccountingInfo", Reason.NUMBER_INVALID),
    Rule("conversion_missing", _FATAL, "two currencies have exchange rates between them",
         "CurrencyConversion beside LocalCurrency and TapCurrency"),
    Rule("network_missing", _FATAL, "a batch with events explains its UTC offsets",
         "UtcTimeOffsetInfo of NetworkInfo"),
    Rule("events_missing", _FATAL, "a batch has events", "CallEventDetailList", code=35),
    Rule("audit_missing", _FATAL, "a batch ends with its audit", "AuditControlInfo", code=36),
    Rule("audit_count_differs", _FATAL, "as many events as the audit says",
         "CallEventDetailsCount"),
    Rule("audit_charge_differs", _FATAL, "total charges of all events are the audit's",
         "TotalCharge against Charge of charge type 00, and CamelInvocationFee"),
    Rule("audit_tax_differs", _FATAL, "taxes of all events are the audit's",
         "TotalTaxValue against TaxValue"),
    Rule("audit_discount_differs", _FATAL, "discounts of all events are the audit's",
         "TotalDiscountValue against Discount", code=100),
    Rule("audit_times_differ", _FATAL, "the first and the last event are the audit's",
         "EarliestCallTimeStamp, LatestCallTimeStamp"),
    Rule("offset_code_unknown", _SEVERE, "the file explains the code of the UTC offset",
         "UtcTimeOffsetCode against UtcTimeOffsetInfo", Reason.TIME_INVALID, 100),
    Rule("usage_missing", _SEVERE, "a call says how long, a session how much",
         "TotalCallEventDuration; DataVolumeIncoming, DataVolumeOutgoing", Reason.FIELD_MISSING),
    Rule("subscriber_missing", _SEVERE, "an event names the subscriber who is charged",
         "IMSI or MIN of ChargeableSubscriber", Reason.FIELD_MISSING, 30),
    Rule("subscriber_foreign", _SEVERE, "the subscriber is of the networks in `home_networks`",
         "first digits of the IMSI", Reason.SUBSCRIBER_FOREIGN),
    Rule("charge_missing", _SEVERE, "a call or session has charge information",
         "ChargeInformationList", Reason.FIELD_MISSING),
    Rule("charged_item_invalid", _SEVERE, "what is charged for is one letter",
         "ChargedItem", Reason.FIELD_MISSING),
    Rule("charge_total_missing", _SEVERE, "each piece of charge information has a total",
         "ChargeDetail of charge type 00", Reason.FIELD_MISSING),
    Rule("charge_negative", _SEVERE, "no charge is less than nothing",
         "Charge, CamelInvocationFee", Reason.CHARGE_NEGATIVE),
    Rule("charge_sum_differs", _SEVERE, "the total is the sum of its parts, where it has parts",
         "Charge of charge type 00 against the others", Reason.CHARGE_DIFFERS),
    Rule("rate_code_unknown", _SEVERE, "the file has the exchange rate of the code",
         "ExchangeRateCode against CurrencyConversion", Reason.CODE_UNDECLARED),
    Rule("tax_code_unknown", _SEVERE, "the file explains the code of the tax",
         "TaxCode against Taxation", Reason.CODE_UNDECLARED, 100),
    Rule("discount_code_unknown", _SEVERE, "the file explains the code of the discount",
         "DiscountCode against Discounting", Reason.CODE_UNDECLARED, 102),
    Rule("units_exceed_duration", _SEVERE, "no more time is charged for than the call took",
         "ChargeableUnits of charged item D against TotalCallEventDuration",
         Reason.DURATION_INCONSISTENT),
    Rule("units_exceed_volume", _SEVERE, "no more octets are charged for than went through",
         "ChargeableUnits of charged items X, V, W against the data volumes",
         Reason.CHARGE_DIFFERS),
    Rule("sent_too_late", _SEVERE, "the event is at most `oldest_days` older than its file",
         "LocalTimeStamp against FileAvailableTimeStamp", Reason.SENT_TOO_LATE),
    Rule("event_after_file", _WARNING, "the event is older than its file",
         "LocalTimeStamp against FileAvailableTimeStamp"),
    Rule("octets_after_file", _WARNING, "nothing follows the last element", "the file's end"),
)  # fmt: skip

RULES: Mapping[str, Rule] = {one.rule_id: one for one in _TABLE}
"""Rules by id, in order of precedence."""


def naming(rule_id: str, words: str | pl.Expr) -> pl.Expr:
    """Say which rule a record broke, ahead of the words for it."""
    rest = pl.lit(words) if isinstance(words, str) else words
    return pl.lit(f"{RULES[rule_id].rule_id}: ") + rest


def rule_in(detail: str) -> Rule | None:
    """Read the rule that a suspended record's detail names.

    >>> rule_in("tax_code_unknown: the file ...").code, rule_in("no rule: at all")
    (100, None)
    """
    return RULES.get(detail.partition(":")[0])
