"""The feeds that docs/reference/formats.md shows work as they are written."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from schemas.reasons import Reason
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.decoders import DECODERS
from tests.laws.cloud_feeds import lines
from tests.laws.feeds import SNAPSHOT
from tests.unit.decoding import decoded, mediated

TEXT = (Path(__file__).parents[2] / "docs/reference/formats.md").read_text()


def _feed(name: str) -> Feed:
    shown = re.findall(rf"```yaml\n(id: {name}\n.*?)```", TEXT, re.DOTALL)
    assert len(shown) == 1
    content: dict[str, Any] = yaml.safe_load(shown[0])
    options = content["options"]
    DECODERS[content["format"]].options_model.model_validate(options)
    served = tuple((one["identifier"], one["field"]) for one in content["served"])
    return replace(
        SNAPSHOT.feeds["platform"], feed_id=name, format=content["format"], options=options,
        service=content["service"], served=served, time_zone="UTC",
    )  # fmt: skip


SEATS = b"""\
day,customer,product,seats
2026-10-23,customer-1,editor,3
2026-10-24,customer-1,editor,5
2026-10-24,customer-1,viewer,2
2026-10-24,customer-1,editor,5
2026-10-24,customer-1,editor,4
"""


def test_a_seat_is_used_each_day_it_is_held() -> None:
    found = decoded(_feed("seats"), SEATS)
    usage = found.filter(found["reason"].is_null())
    assert usage.select("usage_type", "quantity").rows()[:3] == [
        ("editor", 3), ("editor", 5), ("viewer", 2),
    ]  # fmt: skip
    assert usage["unit"].unique().to_list() == ["count"]


def test_a_snapshot_sent_again_is_a_copy_and_a_corrected_one_waits() -> None:
    made = mediated(_feed("seats"), SEATS)
    assert made.set_aside["reason"].to_list() == [Reason.CONTROL_RECORD, Reason.DUPLICATE_RECORD]
    assert Reason.RESTATEMENT in made.suspense["reason"].to_list()


def test_joins_are_events() -> None:
    event = {"specversion": "1.0", "id": "1", "source": "shop", "type": "seat.joined",
             "subject": "customer-1", "time": "2026-10-24T10:00:00Z",
             "data": {"seats": 2, "product": "editor"}}  # fmt: skip
    found = decoded(_feed("joins"), lines([event]))
    assert found.select("customer", "usage_type", "quantity", "reason").rows() == [
        ("customer-1", "editor", 2, None),
    ]  # fmt: skip


def test_a_device_is_known_by_what_forwarded_it() -> None:
    payload = {"3": {"0": {"3": "1.4.2"}}, "7": {"0": {"2": 4096, "3": 1}}}
    message = {"message": 17, "topic": "lwm2m/490154203237518/report", "payload": payload,
               "endpoint": "490154203237518", "received": "2026-10-24T10:00:00.250Z"}  # fmt: skip
    found = decoded(_feed("meters"), lines([message, {**message, "message": 18}]))
    assert found.select("imei", "quantity", "service", "attributes").row(0) == (
        "490154203237518", 4_096, "iot", '{"firmware":"1.4.2"}',
    )  # fmt: skip
    assert found["natural_key"].to_list()[0] == "lwm2m/490154203237518/report\x1f17"
