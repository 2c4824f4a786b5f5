"""Feeds in BER, with files: 3GPP, TAP, NRTRDE, RAP."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from tallywire.catalog import Snapshot
from tests.ber import cdrs, taps

PACKETS = [
    cdrs.pgw(5, 1, [cdrs.service_data(10, 20), cdrs.service_data(1, 2, group=8)], cause=16),
    cdrs.pgw(5, 2, [], cause=18, local=2),
    cdrs.pgw(6, 1, [cdrs.traffic(1, 2, "261024120500+0200")], tag=78),
    cdrs.pgw(5, 3, [cdrs.service_data(2**40, 7)], local=3),
    cdrs.pgw(7, None, [cdrs.service_data(-1, 7)], local=4),
]
SWITCHED = [
    cdrs.call("mo", 1, 600),
    cdrs.call("mo", 3, 1800, cause=1, sequence=1, released="261024123000+0200"),
    cdrs.call("mo", 3, 100, sequence=2, released="261024123140+0200"),
    cdrs.call("mo", 4, 100, cause=1, sequence=2), cdrs.sms("mo", 3),
    cdrs.ims("s1"), cdrs.ims("s2", role=1, answered=False), cdrs.made(11, cdrs.field(0, 11)),
]  # fmt: skip
EVENTS = [
    taps.call(153, [taps.charge(2300, tax=230)], direction="mt"),
    taps.call(213, [taps.charge(1000, units=200), taps.charge(1300, units=13)], fee=5),
    taps.call(0, [taps.charge(70)], tele="22"),
    taps.gprs(1_200_000_000, 2_200_000_000, [taps.charge(66600, item="X", discount=3)]),
    taps.gprs(-2, 7, [taps.charge(1, item="X")]), taps.supplementary(),
    taps.supplementary(500), taps.call(10, [taps.charge(1)], code=9),
]  # fmt: skip
REPORTS = [taps.report(), taps.report(4, seconds=0, tele="21"), taps.report(5, down=42)]
RETURNS = [
    taps.severe(EVENTS[0]), taps.missing("00003", "00005"), taps.fatal("00009"),
    taps.severe(EVENTS[3], code=33),
]  # fmt: skip


FILES: Mapping[str, Callable[[int], bytes]] = {
    "3gpp_cdr": lambda n: b"".join(PACKETS[:2] + SWITCHED) * n,
    "3gpp_cdr in files": lambda n: cdrs.in_file(PACKETS * n),
    "tap": lambda n: taps.batch(EVENTS * n, taps.audit(len(EVENTS) * n, 71476 * n)),
    "nrtrde": lambda n: taps.nrtrde(REPORTS * n),
    "rap": lambda n: taps.rap(RETURNS * n, total=68900 * n),
}
"""Files with their records so many times: they cannot be put behind themselves."""
_OPTIONS: Mapping[str, dict[str, object]] = {
    "3gpp_cdr in files": {"file_header": True, "records": ["pgw", "sgw"]},
    "nrtrde": {"usage": True},
}


def with_feeds(snapshot: Snapshot) -> Snapshot:
    """Add the feeds."""
    served = (("msisdn", "customer"), ("msisdn", "a_number"))
    more = {
        name: replace(
            snapshot.feeds["platform"], feed_id=name, format=name.partition(" ")[0], served=served,
            options=_OPTIONS.get(name, {}),
        )
        for name in FILES
    }  # fmt: skip
    return replace(snapshot, feeds={**snapshot.feeds, **more})
