"""The canonical usage event: one shape for every kind of usage, after mediation."""

import json
import uuid

from pydantic import Field, field_validator

from schemas.columns import (
    Hash64,
    Instant,
    Label,
    MaybeInstant,
    MaybeMoney,
    Record,
    Small,
    Text,
    Uuid,
    Whole,
)

NO_EVENT = uuid.UUID(int=0)


class Origin(Record):
    """Where an input record came from; shared by every record derived from it.

    `event_id` is the 128-bit xxh3 hash of (tenant, feed source, natural key); a restatement keeps
    it and takes the next `restatement_no`; a recycled record keeps both and takes the next
    `attempt`. A record that holds several usages is counted once for each, and they are numbered by
    `item_no` from 0. `collected_at` is the ledger time of the collection batch.
    """

    tenant_id: Label = "default"
    event_id: Uuid = NO_EVENT
    restatement_no: Small = 0
    attempt: Small = 0
    lane: Label = ""
    feed_id: Label = ""
    format: Label = ""
    file_id: Label = ""
    file_name: Label = ""
    record_no: Whole = 0
    item_no: Small = 0
    byte_offset: Whole = 0
    byte_length: Small = 0
    raw_hash: Hash64 = 0
    collected_at: Instant = 0


class UsageEvent(Origin):
    """One rateable piece of usage.

    Attributes:
        quantity: Chargeable usage in whole base units of `unit`, 0 to 10**15.
        start_time: Instant that decides the price (for calls: the answer), microseconds UTC.
        utc_offset_minutes: Offset the source wrote or its zone had at `start_time`.
        clock_quality: `explicit_zone`, `derived` or `assumed`.
        routing_id: Root of everything that may share a counter with this event.
        served_identifier: Whose usage it is, as `type:value`, for example `msisdn:4790010001`.
        attributes: JSON object of further usage attributes, all texts, keys sorted.
        quality_flags: Comma-separated remarks on the record, sorted.
        runs: Legs to be priced, joined by `+`; empty for every leg there is.
    """

    service: Label
    direction: Label = "mo"
    usage_type: Label = ""
    kind: Label = "complete"
    session_id: Text = ""
    linked_id: Text = ""
    partial_no: Small = 0
    input_records: Small = 1
    account_id: Text = ""
    subscription_id: Text = ""
    offer_id: Label = ""
    routing_id: Text = ""
    partner_id: Label = ""
    a_number: Text = ""
    a_number_raw: Text = ""
    b_number: Text = ""
    b_number_raw: Text = ""
    c_number: Text = ""
    served_identifier: Text = ""
    imsi: Text = ""
    imei: Text = ""
    start_time: Instant
    end_time: MaybeInstant = None
    setup_time: MaybeInstant = None
    utc_offset_minutes: Small = 0
    clock_quality: Label = "explicit_zone"
    quantity: Whole = Field(ge=0)
    unit: Label = ""
    duration_us: Whole = 0
    up_octets: Whole = 0
    down_octets: Whole = 0
    cause: Label = ""
    cause_q850: Small = 0
    serving_plmn: Label = ""
    home_plmn: Label = ""
    cell_id: Label = ""
    apn: Label = ""
    rat: Label = ""
    trunk_in: Label = ""
    trunk_out: Label = ""
    source_amount: MaybeMoney = None
    source_currency: Label = ""
    attributes: Text = ""
    quality_flags: Label = ""
    runs: Label = ""
    schema_version: Small = 1

    @field_validator("attributes", mode="before")
    @classmethod
    def _object_of_texts(cls, value: object) -> object:
        """Take an object as well as its JSON text; its values are texts.

        Raises:
            ValueError: If it is neither.
        """
        if not value:
            return ""
        held = json.loads(value) if isinstance(value, str) else value
        if not isinstance(held, dict) or not all(isinstance(one, str) for one in held.values()):
            msg = 'write an object of texts, such as {"region": "north"}'
            raise ValueError(msg)
        return json.dumps(held, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
