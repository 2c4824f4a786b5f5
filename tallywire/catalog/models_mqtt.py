"""Which messages of an MQTT broker are the usage of a feed, as it is written."""

from typing import Literal

from schemas.services import Unit
from tallywire.catalog.models_terms import Entry
from tallywire.catalog.values import Amount, Size, Whole, Words, YesNo


class MqttEntry(Entry):
    """A subscription to a broker: what is published there becomes usage of the feed."""

    broker: Words
    topic: Words
    qos: Whole = 1
    version: Literal["5", "3.1.1"] = "5"
    session: Size = Amount(604_800_000_000, Unit.MICROSECOND)
    with_topic: YesNo = False
    unencrypted: YesNo = False
