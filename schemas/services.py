"""Services, directions and the base unit in which each service's quantity is counted."""

from enum import StrEnum


class Service(StrEnum):
    """What was used. Published: add, never rename."""

    VOICE = "voice"
    SMS = "sms"
    MMS = "mms"
    DATA = "data"
    ROAMING_VOICE = "roaming_voice"
    ROAMING_SMS = "roaming_sms"
    ROAMING_DATA = "roaming_data"
    IOT = "iot"
    IOT_AIRTIME = "iot_airtime"
    IOT_MESSAGE = "iot_message"
    API = "api"
    CLOUD = "cloud"
    INTERCONNECT = "interconnect"


class Partitioner(StrEnum):
    """How producers choose a topic's partition by a message's key, as they call it themselves."""

    MURMUR2 = "murmur2"
    CRC32 = "crc32"
    NONE = "none"


class Direction(StrEnum):
    """Which way the usage went, seen from the served party."""

    MO = "mo"
    MT = "mt"
    FORWARD = "forward"
    TRANSIT = "transit"


class Unit(StrEnum):
    """Base units of quantity; a quantity is always a whole number of them."""

    MICROSECOND = "microsecond"
    OCTET = "octet"
    COUNT = "count"


class Kind(StrEnum):
    """What part of a usage session a record is."""

    COMPLETE = "complete"
    START = "start"
    INTERIM = "interim"
    STOP = "stop"
    PARTIAL = "partial"
    DELTA = "delta"
    AGGREGATE = "aggregate"
    CORRECTION = "correction"
    CONTROL = "control"


UNIT_OF_SERVICE = {
    Service.VOICE: Unit.MICROSECOND,
    Service.SMS: Unit.COUNT,
    Service.MMS: Unit.COUNT,
    Service.DATA: Unit.OCTET,
    Service.ROAMING_VOICE: Unit.MICROSECOND,
    Service.ROAMING_SMS: Unit.COUNT,
    Service.ROAMING_DATA: Unit.OCTET,
    Service.IOT: Unit.OCTET,
    Service.IOT_AIRTIME: Unit.MICROSECOND,
    Service.IOT_MESSAGE: Unit.COUNT,
    Service.API: Unit.COUNT,
    Service.CLOUD: Unit.COUNT,
    Service.INTERCONNECT: Unit.MICROSECOND,
}

QUANTITY_LIMIT = 10**15
"""The largest quantity of one event, in base units; anything above is suspense."""
