"""Numbers and times of files: series in names, wrapping, grace, schedules, what each is worth."""

import orjson
import pytest

from assurance.file_numbers import FilesMemory, numbered, rule_of, take_file
from assurance.schedule import ScheduleMemory, expected_between, overdue_since, take_time
from assurance.usual import ANY_HOUR, HOUR_US, SAME_HOUR, Counting, Each, Usual
from dataflows.outcomes import LaneWork
from schemas.alerts import Alert
from schemas.feeds import FeedFile
from tallywire.catalog.compile_expect import FILES_OF_FORMAT
from tallywire.catalog.expect import Expect, Numbers
from tallywire.catalog.snapshot import BandRule, Calendar
from tests.laws.feeds import SNAPSHOT

MONDAY = 1_792_972_800_000_000  # 2026-10-26, midnight UTC
MINUTE = 60_000_000
DAY = 24 * HOUR_US
TAP = Expect(
    name="(?P<kind>[CT])D(?P<sender>[A-Z]{5})(?P<recipient>[A-Z]{5})(?P<number>[0-9]{5})",
    files=Numbers(first=1, wraps_at=99_999, wraps_to=1),
)  # fmt: skip


def file(name: str, minute: int | None = None, last: int | None = None, **more: object) -> FeedFile:
    times = {} if minute is None else {
        "first_event_time": MONDAY + minute * MINUTE,
        "last_event_time": MONDAY + (minute if last is None else last) * MINUTE,
    }  # fmt: skip
    content = {
        "feed_id": "tap", "lane": "tap", "file_id": f"id {name} {more}", "file_name": name,
        "status": "complete", "collected_at": MONDAY, **times, **more,
    }  # fmt: skip
    return FeedFile.model_validate(content)


class Watched:
    """Files of a feed, watched one by one, the memory written down and read between."""

    def __init__(self, expect: Expect) -> None:
        self.expect, self.rule = expect, rule_of(expect, 35 * DAY)
        self.memory = FilesMemory()
        self.watermark = 0

    def take(self, *files: FeedFile) -> list[Alert]:
        found = []
        for one in files:
            self.watermark = max(self.watermark, one.last_event_time or 0)
            found += take_file(
                self.memory, one, self.expect, self.rule, self.watermark,
                lambda _: Each(120, 6_000_000_000, "EUR", SAME_HOUR),
            )  # fmt: skip
            self.memory = FilesMemory.load(orjson.loads(orjson.dumps(self.memory.dump())))
        return found


def told(alerts: list[Alert]) -> list[tuple[str, str]]:
    return [(one.pattern, one.explanation.split(";")[0]) for one in alerts]


@pytest.mark.parametrize(
    ("name", "header", "expect", "found"),
    [
        ("a/CDDEUAANORAA00042.dat", -1, TAP, ("C/DEUAA/NORAA", 42)),
        ("other.dat", 7, TAP, ("", 7)),
        ("x_007.csv", 9, Expect(name="_([0-9]+)"), ("", 7)),
        ("oslo_x.csv", 9, Expect(name="(?P<site>[a-z]+)_"), ("oslo", 9)),
        ("a1-b2.csv", 9, Expect(name="([a-z])1-([a-z])2"), ("a/b", 9)),
        ("x_" + "9" * 30 + ".csv", 9, Expect(name="_([0-9]+)"), ("", -1)),
    ],
)
def test_where_numbers_stand(
    name: str, header: int, expect: Expect, found: tuple[str, int]
) -> None:
    assert numbered(name, header, expect) == found


def test_roaming_files_of_two_partners_and_test_files_are_numbered_apart() -> None:
    watched = Watched(TAP)
    names = [
        "CDDEUAANORAA99998", "CDSWEAANORAA00007", "TDDEUAANORAA00500", "CDDEUAANORAA99999",
        "CDDEUAANORAA00001", "CDSWEAANORAA00008", "CDDEUAANORAA00002",
    ]  # fmt: skip
    assert watched.take(*(file(name, minute) for minute, name in enumerate(names))) == []
    found = watched.take(file("CDDEUAANORAA00004", 60), file("TDDEUAANORAA00502", 61))
    assert told(found) == [
        ("file_sequence_gap", "File 3 of feed tap/C/DEUAA/NORAA is missing"),
        ("file_sequence_gap", "File 501 of feed tap/T/DEUAA/NORAA is missing"),
    ]
    assert str(found[0].money_at_risk) == "6.000000000"
    assert "usually holds 120 records" in found[0].explanation


def test_a_file_says_itself_whose_number_it_carries() -> None:
    assert numbered("x.dat", 7, Expect(), "NORAA/NORBB") == ("NORAA/NORBB", 7)
    assert numbered("a/CDDEUAANORAA00042.dat", 7, TAP, "X/Y") == ("C/DEUAA/NORAA", 42)
    assert numbered("x_007.csv", 9, Expect(name="_([0-9]+)"), "X/Y") == ("X/Y", 7)
    expect, memory = Expect(files=FILES_OF_FORMAT["tap"]), FilesMemory()
    rule = rule_of(expect, 35 * DAY)
    found: list[Alert] = []
    arrivals = [("A/Z", 99_998), ("B/Z", 3), ("A/Z", 1), ("T/A/Z", 7), ("B/Z", 5), ("T/A/Z", 8)]
    for minute, (series, number) in enumerate(arrivals):
        one = file(f"{minute}.dat", minute, sequence=number)
        found += take_file(
            memory, one, expect, rule, MONDAY + minute * MINUTE,
            lambda _: Each(120, 6_000_000_000, "EUR", SAME_HOUR), series,
        )  # fmt: skip
    assert told(found) == [
        ("file_sequence_gap", "File 99999 of feed tap/A/Z is missing"),
        ("file_sequence_gap", "File 4 of feed tap/B/Z is missing"),
    ]


def test_files_lost_where_numbers_wrap() -> None:
    watched = Watched(TAP)
    names = ("CDDEUAANORAA99998", "CDDEUAANORAA00002", "CDDEUAANORAA00001")
    found = watched.take(*(file(name, minute) for minute, name in enumerate(names)))
    assert [(one.pattern, one.state, orjson.loads(one.features)[1]["value"])
            for one in found if one.pattern == "file_sequence_gap"] == [
        ("file_sequence_gap", "open", 99_999), ("file_sequence_gap", "open", 1),
        ("file_sequence_gap", "auto_closed", 1),
    ]  # fmt: skip
    (outside,) = watched.take(file("CDDEUAANORAA00000", 9))
    assert outside.pattern == "file_sequence_jump"


def test_a_sender_that_begins_anew_is_no_gap_of_thousands() -> None:
    watched = Watched(Expect(files=Numbers(first=1)))
    files = [
        file(f"f{number}", at, sequence=number) for at, number in enumerate((8_000, 8_001, 1, 2))
    ]
    (anew,) = watched.take(*files)
    assert (anew.pattern, anew.state) == ("file_sequence_restarted", "auto_closed")
    (again,) = watched.take(file("g2", 1, sequence=2))  # an old file under another name
    assert again.pattern == "file_sequence_repeated"


def test_a_file_sent_again_with_other_content_is_one_finding() -> None:
    watched = Watched(Expect())
    watched.take(file("f7", 0, sequence=7), file("f8", 1, sequence=8))
    (again,) = watched.take(file("f8", 1, sequence=8, records=5, duplicates=4))
    assert told([again]) == [
        (
            "resent_file",
            "f8 came again with other content: 4 of its 5 records had been seen before.",
        )
    ]


def test_a_gap_is_told_when_the_feeds_time_has_passed_it_by_the_grace() -> None:
    watched = Watched(Expect(grace_us=30 * MINUTE))
    early = [file("f1", 0, sequence=1), file("f3", 30, sequence=3), file("f4", 59, sequence=4)]
    assert watched.take(*early) == []
    (late,) = watched.take(file("f5", 60, sequence=5))
    assert told([late]) == [("file_sequence_gap", "File 2 of feed tap is missing")]
    assert (late.window_start, late.window_end) == (MONDAY, MONDAY + 30 * MINUTE)
    came = watched.take(file("f2", 15, sequence=2))
    assert [(one.pattern, one.state) for one in came] == [
        ("file_sequence_gap", "auto_closed"), ("file_out_of_order", "auto_closed"),
    ]  # fmt: skip


def test_what_was_remembered_before_files_had_series_goes_on() -> None:
    memory = FilesMemory.before([7, 10, 100_000], [8, 9])
    rule = rule_of(Expect(), 35 * DAY)
    (closed, late) = take_file(
        memory, file("f9", 0, sequence=9), Expect(), rule, 0, lambda _: Each()
    )
    assert (closed.pattern, closed.state) == ("file_sequence_gap", "auto_closed")
    (opened,) = Watched(Expect()).take(file("f8", 0, sequence=8), file("f10", 1, sequence=10))
    assert closed.alert_id == opened.alert_id  # as it was named then
    assert late.pattern == "file_out_of_order"
    assert (
        list(take_file(memory, file("n", 2, sequence=100_001), Expect(), rule, 0, lambda _: Each()))
        == []
    )


def test_a_lane_of_before_is_continued() -> None:
    work = LaneWork("tap", 1)
    work.restore_files(b'{"files": {}, "memory": {"sequences": [7, 10], "missing": [8, 9]}}')
    kept = orjson.loads(work.dump_files())["memory"]["files"]["series"][""]
    assert kept["segments"] == [[7, 10]]
    assert [gap["holes"] for gap in kept["gaps"]] == [[[8, 8]], [[9, 9]]]


OFFICE = Calendar(
    "office", "UTC", ("closed", "open"), (BandRule(1, frozenset(range(5)), 8 * 60, 18 * 60),)
)
EVERY = Expect(every_us=15 * MINUTE, grace_us=5 * MINUTE)
HOURS = Expect(every_us=HOUR_US, calendar="office", bands=("open",))


def _schedule(memory: ScheduleMemory, expect: Expect, *files: FeedFile) -> list[Alert]:
    value = Each(100, 2_000_000_000, "EUR", SAME_HOUR)
    return [
        alert for one in files
        for alert in take_time(memory, one, expect, None, lambda _: value, numbered=False)
    ]  # fmt: skip


def test_time_that_no_file_covers() -> None:
    memory = ScheduleMemory()
    assert _schedule(memory, EVERY, file("a", 0, 14), file("b", 16, 29), file("c", 45, 59)) == []
    (lost,) = _schedule(memory, EVERY, file("d", 105, 119))
    assert (lost.pattern, lost.expected, lost.observed, lost.unit) == (
        "file_schedule_gap", 3, 0, "files",
    )  # fmt: skip
    assert str(lost.money_at_risk) == "6.000000000"
    memory = ScheduleMemory.load(orjson.loads(orjson.dumps(memory.dump())))
    later = _schedule(memory, EVERY, file("e", 61, 70), file("f", 75, 88), file("g", 90, 104))
    assert [(one.alert_id == lost.alert_id, one.observed, one.state) for one in later] == [
        (True, 1, "open"), (True, 2, "open"), (True, 3, "auto_closed"),
    ]  # fmt: skip


def test_a_file_without_records_stands_for_its_time() -> None:
    memory = ScheduleMemory()
    assert _schedule(memory, EVERY, file("a", 0, 14), file("b"), file("c"), file("d", 46, 59)) == []


@pytest.mark.parametrize(
    ("last_hour", "now_hour", "since_hour"),
    [
        (9, 10, None),
        (9, 12, 10),
        (17, 23, None),
        (17, 24 + 9, 24 + 8),
        (4 * 24 + 17, 7 * 24 + 1, None),
    ],
)
def test_what_is_overdue_by_the_clock(
    last_hour: int, now_hour: int, since_hour: int | None
) -> None:
    last, now = MONDAY + last_hour * HOUR_US, MONDAY + now_hour * HOUR_US
    since = overdue_since(last, now, HOURS, OFFICE)
    assert since == (None if since_hour is None else MONDAY + since_hour * HOUR_US)


def test_files_are_expected_in_the_bands_of_a_calendar() -> None:
    assert (
        expected_between(MONDAY + 17 * HOUR_US, MONDAY + 34 * HOUR_US, HOURS, OFFICE) == 2
    )  # 8, 9
    assert expected_between(MONDAY, MONDAY + 10**6 * HOUR_US, HOURS, None) == 1_000


def test_what_is_missing_is_worth_the_median_of_its_hour_of_the_week() -> None:
    feed = SNAPSHOT.feeds["nordvik"]  # its wall clock is Oslo's
    rate, currency = SNAPSHOT.typical_rates[feed.service]
    usual = Usual()
    assert usual.each(MONDAY, feed, SNAPSHOT) == Each()
    hours = (8 - 7 * 24, 9, 9 + 7 * 24)  # ten o'clock on three Mondays; the clock went back once
    for hour, records in zip(hours, (10, 400, 20), strict=True):
        counted = Counting(records, {feed.service: records * 10**6})
        usual.observe(counted, MONDAY + hour * HOUR_US, feed, SNAPSHOT)
    usual = Usual.load(orjson.loads(orjson.dumps(usual.dump())))
    found = usual.each(MONDAY + 14 * DAY + 9 * HOUR_US, feed, SNAPSHOT)
    assert (found.records, found.method, found.currency) == (20, SAME_HOUR, currency)
    assert found.nano == int(20 * 10**6 * rate * 10**9)
    one = usual.record(MONDAY + 12 * HOUR_US, feed, SNAPSHOT)
    assert (one.records, one.nano, one.method) == (1, found.nano // 20, ANY_HOUR)
