"""Feeds of 5G charging, Diameter, LoRaWAN, cloud bills and a communications platform, with files."""

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from tallywire.catalog import Snapshot
from tests.laws.diameter_messages import session

IMSI = "imsi-242011234567890"
GPSI = "msisdn-4790010002"


def container(number: int, **counts: Any) -> dict[str, Any]:
    """A container of used units."""
    return {"localSequenceNumber": number, **counts}


def nchf(
    number: int, *usages: tuple[int, list[dict[str, Any]]], minute: int, **more: Any
) -> dict[str, Any]:  # fmt: skip
    """A charging data request of a session."""
    return {
        "chargingDataRef": "chf-1-0001",
        "subscriberIdentifier": IMSI,
        "nfConsumerIdentification": {"nFName": "smf-1", "nodeFunctionality": "SMF"},
        "invocationTimeStamp": f"2026-10-24T10:{minute:02}:00Z",
        "invocationSequenceNumber": number,
        "multipleUnitUsage": [
            {"ratingGroup": group, "usedUnitContainer": containers} for group, containers in usages
        ],
        "pDUSessionChargingInformation": {
            "chargingId": 1001,
            "userInformation": {"servedGPSI": GPSI, "servedPEI": "imei-490154203237518"},
            "pduSessionInformation": {
                "pduSessionID": 5, "dnnId": "internet", "ratType": "NR",
                "networkSlicingInfo": {"sNSSAI": {"sst": 1, "sd": "0000AB"}},
                "servingCNPlmnId": {"mcc": "242", "mnc": "01"},
                "pduAddress": {"pduIPv4Address": "10.0.0.7"},
            },
        },
        **more,
    }  # fmt: skip


NCHF = [
    nchf(1, minute=0, operation="create"),
    nchf(2, (10, [container(1, totalVolume=3_000, uplinkVolume=1_000, downlinkVolume=2_000,
                            time=300, triggers=[{"triggerType": "VOLUME_LIMIT"}],
                            triggerTimestamp="2026-10-24T10:05:00Z")]),
         (20, [container(2, totalVolume=500, uplinkVolume=200, downlinkVolume=100)]),
         minute=6, operation="update"),
    nchf(2, (10, [container(1, totalVolume=3_000, uplinkVolume=1_000, downlinkVolume=2_000,
                            time=300, triggers=[{"triggerType": "VOLUME_LIMIT"}],
                            triggerTimestamp="2026-10-24T10:05:00Z")]),
         (20, [container(2, totalVolume=500, uplinkVolume=200, downlinkVolume=100)]),
         minute=6, operation="update", retransmissionIndicator=True),
    nchf(3, (10, [container(3, totalVolume="42"), container(4, time=7)]), minute=9,
         triggers=[{"triggerType": "FINAL", "triggerCategory": "IMMEDIATE_REPORT"}]),
    {"chargingDataRef": "chf-1-0002", "invocationSequenceNumber": 1},
]  # fmt: skip
"""A session of three requests, one sent twice, and a request without a time."""


def chirpstack(
    counter: int, *, frame: str, payload: bytes = b"0123456789", spreading: int = 7, **more: Any
) -> dict[str, Any]:
    """An uplink as ChirpStack 4 forwards it."""
    return {
        "deduplicationId": frame, "time": f"2026-10-24T10:{counter % 60:02}:00.123456789+00:00",
        "deviceInfo": {"tenantId": "t-1", "applicationId": "a-1", "devEui": "0004A30B001C0530"},
        "devAddr": "00bcb929", "adr": True, "dr": 12 - spreading, "fCnt": counter, "fPort": 2,
        "data": base64.b64encode(payload).decode(),
        "rxInfo": [{"gatewayId": "gw-1", "uplinkId": 4217106255, "rssi": -36, "snr": 10.5}],
        "txInfo": {"frequency": 868_500_000, "modulation": {"lora": {
            "bandwidth": 125_000, "spreadingFactor": spreading, "codeRate": "CR_4_5"}}},
        **more,
    }  # fmt: skip


_OTHER_GATEWAY = [{"gatewayId": "gw-2", "uplinkId": 99, "rssi": -90, "snr": -3.25}]
_JOIN = {name: value for name, value in chirpstack(0, frame="f-0").items()
         if name in {"deduplicationId", "time", "deviceInfo", "devAddr"}}  # fmt: skip
CHIRPSTACK = [
    _JOIN,
    chirpstack(0, frame="f-1"),
    chirpstack(1, frame="f-2", spreading=12),
    chirpstack(1, frame="f-2", spreading=12, rxInfo=_OTHER_GATEWAY,
               time="2026-10-24T10:01:00.2Z"),
    chirpstack(3, frame="f-3", payload=b""),
    chirpstack(4, frame="f-4", fCnt="many"),
    {"deduplicationId": "f-5", "deviceInfo": {"devEui": "0004A30B001C0530"}, "margin": 10},
]  # fmt: skip
"""A join, four frames of which one was heard twice and one between is lost, a status."""

FOCUS = b"""\
"BillingAccountId","SubAccountId","ProviderName","ServiceName","ResourceId","SkuId","SkuPriceId","RegionId","ChargeCategory","ChargeDescription","ChargePeriodStart","ChargePeriodEnd","PricingCategory","PricingQuantity","PricingUnit","BilledCost","BillingCurrency","ListUnitPrice","ListCost"
"1","customer-1","Cloud","Queue","q-1","s1","p1","north","Usage","Requests, tier 1","2026-10-24 10:00:00","2026-10-24 11:00:00","Standard",2.00000000000,"Requests",0.00000080000,"EUR","0.0000004",0.00000080000
"1","customer-1","Cloud","Balancer","b-1","s2","p2","north","Usage","Hours","2026-10-24T10:00:00Z","2026-10-24T11:00:00Z","Standard",0.002007490,"LCU-Hours",0.00001605990,"EUR","0.008",0.00001605992
"1","customer-1","Cloud","Disk","d-1","s3","p3","north","Usage","In blocks of ten","2026-10-24 10:00:00","2026-10-24 11:00:00","Standard",30,"GB",0.3,"EUR","0.1",0.3
"1","customer-1","Cloud","Support",NULL,"s4","p4","north","Tax","Tax","2026-10-24 10:00:00","2026-10-24 11:00:00",NULL,NULL,NULL,0.02,"EUR",NULL,NULL
"1","customer-1","Cloud","Disk","d-1","s3","p3","north","Usage","Refund","2026-10-24 10:00:00","2026-10-24 11:00:00","Standard",-3,"GB",-0.3,"EUR","0.1",-0.3
"1","customer-1","Cloud","Disk","d-1","s3","p3","north","Usage","Too fine","2026-10-24 10:00:00","2026-10-24 11:00:00","Standard",0.123456789012345,"GB",0.1,"EUR","0.1",0.0123456789
"1","customer-1","Cloud","Disk","d-1","s3","p3","north","Usage","In blocks of ten","2026-10-24 10:00:00","2026-10-24 11:00:00","Standard",40,"GB",0.4,"EUR","0.01",0.4
"1","customer-1"
"""
"""Lines of a bill: usage, one priced in blocks, a tax, a credit, a restatement, one cut off."""

CUR = b"""\
identity/LineItemId,identity/TimeInterval,bill/PayerAccountId,bill/BillingEntity,lineItem/UsageAccountId,lineItem/LineItemType,lineItem/UsageStartDate,lineItem/UsageEndDate,lineItem/ProductCode,lineItem/UsageType,lineItem/Operation,lineItem/UsageAmount,lineItem/CurrencyCode,lineItem/UnblendedRate,lineItem/UnblendedCost,product/sku,pricing/unit
one,2026-10-24T00:00:00Z/2026-10-25T00:00:00Z,1,AWS,customer-1,Usage,2026-10-24T00:00:00.000Z,2026-10-25T00:00:00.000Z,AmazonS3,Requests-Tier1,PutObject,41.0,EUR,4.4E-7,0.00001804,S1,Requests
one,2026-10-24T00:00:00Z/2026-10-25T00:00:00Z,1,AWS,customer-1,Usage,2026-10-24T00:00:00.000Z,2026-10-25T00:00:00.000Z,AmazonS3,Requests-Tier2,GetObject,9.984E-7,EUR,0.0,0.0,S2,Requests
two,2026-10-24T00:00:00Z/2026-10-25T00:00:00Z,1,AWS,customer-1,Tax,2026-10-24T00:00:00.000Z,2026-11-01T00:00:00.000Z,AmazonS3,,,1.0,EUR,,0.5,,
"""
"""Lines of a Cost and Usage Report that share an id."""


def call(sid: str, **more: Any) -> dict[str, Any]:
    """A call that has ended and has no price yet."""
    return {
        "sid": sid, "account_sid": "customer-1", "direction": "outbound-api", "status": "completed",
        "from": "+4790010002", "to": "+4670123456", "duration": "61", "price": None,
        "price_unit": "USD", "start_time": "Sat, 24 Oct 2026 10:00:00 +0000",
        "end_time": "Sat, 24 Oct 2026 10:01:01 +0000", "parent_call_sid": None, **more,
    }  # fmt: skip


CALLS = [
    call("CA1"),
    call("CA1", price="-0.0130"),
    call("CA2", status="busy", duration="0"),
    call("CA3", status="in-progress", duration=None, end_time=None),
    call("CA4", price="-0.0130", start_time="soon"),
    {"category": "calls", "as_of": "2026-10-25T00:00:00+00:00", "count": "4", "price": "0.03"},
]
"""A call, the same with its price, a busy one, one that goes on, a broken one, an aggregate."""


def lines(objects: list[dict[str, Any]]) -> bytes:
    """Write objects as JSON lines."""
    return b"".join(orjson.dumps(one) + b"\n" for one in objects)


NUMBER, CUSTOMER, DEVICE = (
    (("msisdn", "a_number"),), (("customer", "customer"),), (("user_name", "user_name"),)
)  # fmt: skip
FEEDS: Mapping[str, dict[str, Any]] = {
    "charging": {"format": "nchf", "service": "data", "served": NUMBER, "options": {}},
    "gy": {"format": "diameter", "service": "data", "served": NUMBER, "options": {}},
    "sensors": {"format": "lorawan", "service": "iot_airtime", "served": DEVICE,
                "options": {"network": "chirpstack"}},
    "bills": {"format": "focus", "service": "cloud", "served": CUSTOMER, "options": {}},
    "aws": {"format": "aws_cur", "service": "cloud", "served": CUSTOMER,
            "options": {"scale": 11}},
    "calls": {"format": "twilio", "service": "voice", "served": NUMBER,
              "options": {"layout": "lines"}},
}  # fmt: skip
FILES: Mapping[str, tuple[str, bytes]] = {
    "nchf": ("charging", lines(NCHF)),
    "diameter": ("gy", session()),
    "lorawan": ("sensors", lines(CHIRPSTACK)),
    "focus": ("bills", FOCUS),
    "aws_cur": ("aws", CUR),
    "twilio": ("calls", lines(CALLS)),
}
"""A file of each format: its feed and its bytes."""


def with_feeds(snapshot: Snapshot) -> Snapshot:
    """Add the feeds."""
    like = snapshot.feeds["platform"]
    found = {name: replace(like, feed_id=name, **feed) for name, feed in FEEDS.items()}
    return replace(snapshot, feeds={**snapshot.feeds, **found})
