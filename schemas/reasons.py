"""Published reason codes: why a record was not rated. Each has a paragraph in docs/reference."""

from enum import StrEnum


class Fate(StrEnum):
    """Where an input record ended. `collected` is their sum, always."""

    RATED = "rated"
    DUPLICATE = "duplicate"
    SUSPENDED = "suspended"
    FILTERED = "filtered"
    MERGED = "merged"
    OPEN = "open"


class Reason(StrEnum):
    """Why a record is not rated. Published: add, never rename."""

    # decoding: the bytes are not a record of the format
    RECORD_UNREADABLE = "record_unreadable"
    RECORD_TOO_LONG = "record_too_long"
    RECORD_TRUNCATED = "record_truncated"
    ENCODING_INVALID = "encoding_invalid"
    FIELD_MISSING = "field_missing"
    FIELD_COUNT_WRONG = "field_count_wrong"
    NUMBER_INVALID = "number_invalid"
    TIME_INVALID = "time_invalid"
    RECORD_TYPE_UNKNOWN = "record_type_unknown"
    # the record is readable, its content contradicts itself or the world
    TIME_OUT_OF_RANGE = "time_out_of_range"
    TIME_IN_FUTURE = "time_in_future"
    EVENT_TOO_OLD = "event_too_old"
    DURATION_INCONSISTENT = "duration_inconsistent"
    QUANTITY_OUT_OF_RANGE = "quantity_out_of_range"
    NUMBER_UNPARSABLE = "number_unparsable"
    NUMBER_DAMAGED = "number_damaged"
    CHARGE_NEGATIVE = "charge_negative"
    CHARGE_DIFFERS = "charge_differs"
    CODE_UNDECLARED = "code_undeclared"
    SUBSCRIBER_FOREIGN = "subscriber_foreign"
    SENT_TOO_LATE = "sent_too_late"
    RESTATEMENT = "restatement"
    PARTIAL_INCOMPLETE = "partial_incomplete"
    SESSION_OPEN_TOO_LONG = "session_open_too_long"
    # reference data does not know it
    ACCOUNT_UNKNOWN = "account_unknown"
    SUBSCRIPTION_INACTIVE = "subscription_inactive"
    REFERENCE_MISSING = "reference_missing"
    SERVICE_UNKNOWN = "service_unknown"
    TARIFF_MISSING = "tariff_missing"
    ZONE_UNKNOWN = "zone_unknown"
    PRICE_NOT_EFFECTIVE = "price_not_effective"
    UNIT_MISMATCH = "unit_mismatch"
    ZONE_UNPRICED = "zone_unpriced"
    ATTRIBUTE_UNKNOWN = "attribute_unknown"
    AMOUNT_MISSING = "amount_missing"
    FX_RATE_MISSING = "fx_rate_missing"
    PARTY_AMBIGUOUS = "party_ambiguous"
    PERIOD_CLOSED = "period_closed"
    # not usage to be billed
    CONTROL_RECORD = "control_record"
    NOT_ANSWERED = "not_answered"
    NOT_BILLABLE = "not_billable"
    ZERO_USAGE = "zero_usage"
    FILTERED_BY_RULE = "filtered_by_rule"
    NOT_USAGE = "not_usage"
    RETURNED_RECORD = "returned_record"
    # counted once already, or counted with another record
    DUPLICATE_RECORD = "duplicate_record"
    DUPLICATE_FILE = "duplicate_file"
    PARTIAL_JOINED = "partial_joined"
    SESSION_OPENED = "session_opened"
    RESTATED = "restated"


_NOT_SUSPENDED = {
    Reason.CONTROL_RECORD: Fate.FILTERED,
    Reason.NOT_ANSWERED: Fate.FILTERED,
    Reason.NOT_BILLABLE: Fate.FILTERED,
    Reason.ZERO_USAGE: Fate.FILTERED,
    Reason.FILTERED_BY_RULE: Fate.FILTERED,
    Reason.NOT_USAGE: Fate.FILTERED,
    Reason.RETURNED_RECORD: Fate.FILTERED,
    Reason.DUPLICATE_RECORD: Fate.DUPLICATE,
    Reason.DUPLICATE_FILE: Fate.DUPLICATE,
    Reason.PARTIAL_JOINED: Fate.MERGED,
    Reason.SESSION_OPENED: Fate.MERGED,
    Reason.RESTATED: Fate.MERGED,
}

CURED_BY_CATALOGUE = (
    Reason.ACCOUNT_UNKNOWN, Reason.SUBSCRIPTION_INACTIVE, Reason.SERVICE_UNKNOWN,
    Reason.TARIFF_MISSING, Reason.ZONE_UNKNOWN, Reason.PRICE_NOT_EFFECTIVE, Reason.UNIT_MISMATCH,
    Reason.ZONE_UNPRICED, Reason.ATTRIBUTE_UNKNOWN, Reason.AMOUNT_MISSING, Reason.FX_RATE_MISSING,
    Reason.PARTY_AMBIGUOUS, Reason.RECORD_TYPE_UNKNOWN, Reason.TIME_INVALID, Reason.TIME_IN_FUTURE,
    Reason.FIELD_MISSING, Reason.FIELD_COUNT_WRONG, Reason.NUMBER_INVALID, Reason.ENCODING_INVALID,
    Reason.NUMBER_UNPARSABLE, Reason.EVENT_TOO_OLD, Reason.REFERENCE_MISSING,
    Reason.CHARGE_NEGATIVE, Reason.CHARGE_DIFFERS, Reason.CODE_UNDECLARED,
    Reason.SUBSCRIBER_FOREIGN, Reason.SENT_TOO_LATE,
)  # fmt: skip
"""Reasons that a change of the catalogue may cure: tried again by itself under each new one."""

ORDER = (
    ("the file", (Reason.DUPLICATE_FILE,)),
    ("decoding", (
        Reason.CONTROL_RECORD, Reason.RECORD_TOO_LONG, Reason.RECORD_TRUNCATED,
        Reason.ENCODING_INVALID, Reason.RECORD_UNREADABLE, Reason.FIELD_COUNT_WRONG,
        Reason.RECORD_TYPE_UNKNOWN, Reason.RETURNED_RECORD, Reason.SESSION_OPENED,
        Reason.FIELD_MISSING, Reason.NUMBER_INVALID, Reason.TIME_INVALID,
        Reason.DURATION_INCONSISTENT, Reason.NOT_ANSWERED, Reason.NOT_USAGE, Reason.NOT_BILLABLE,
        Reason.ZERO_USAGE, Reason.TIME_OUT_OF_RANGE, Reason.QUANTITY_OUT_OF_RANGE,
        Reason.SUBSCRIBER_FOREIGN, Reason.CHARGE_NEGATIVE, Reason.CHARGE_DIFFERS,
        Reason.CODE_UNDECLARED, Reason.SENT_TOO_LATE,
    )),
    ("the clock", (Reason.TIME_IN_FUTURE,)),
    ("deduplication", (Reason.DUPLICATE_RECORD, Reason.RESTATEMENT, Reason.EVENT_TOO_OLD)),
    ("sessions", (
        Reason.PARTIAL_JOINED, Reason.PARTIAL_INCOMPLETE, Reason.SESSION_OPEN_TOO_LONG,
    )),
    ("filters", (Reason.FILTERED_BY_RULE,)),
    ("normalising", (
        Reason.SERVICE_UNKNOWN, Reason.UNIT_MISMATCH, Reason.NUMBER_UNPARSABLE,
        Reason.NUMBER_DAMAGED, Reason.REFERENCE_MISSING, Reason.SUBSCRIPTION_INACTIVE,
        Reason.ACCOUNT_UNKNOWN,
    )),
    ("rating", (
        Reason.PERIOD_CLOSED, Reason.PARTY_AMBIGUOUS, Reason.TARIFF_MISSING,
        Reason.PRICE_NOT_EFFECTIVE, Reason.ZONE_UNKNOWN, Reason.ZONE_UNPRICED,
        Reason.ATTRIBUTE_UNKNOWN, Reason.AMOUNT_MISSING, Reason.FX_RATE_MISSING,
    )),
    ("a decision", (Reason.RESTATED,)),
)  # fmt: skip
"""Steps that a record goes through, and what each may say: of several steps the first decides.

Within decoding it is the format that decides which of two faults is told; there the reasons are
listed as most formats look for them.
"""

FATE_OF_REASON = {reason: _NOT_SUSPENDED.get(reason, Fate.SUSPENDED) for reason in Reason}
"""The fate that a reason leads to."""
