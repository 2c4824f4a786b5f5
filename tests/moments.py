"""Zones and instants at which something changes: the clock, the month, the week, the year."""

import datetime as dt

from tallywire.catalog.terms import FOREVER_US

SECOND = 1_000_000
ZONES = (
    "Europe/Oslo", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC",
    "Asia/Beirut", "America/Sao_Paulo",
)  # fmt: skip


def _us(*when: int) -> int:
    moment = dt.datetime(*when, tzinfo=dt.UTC)
    return int(moment.timestamp()) * SECOND


MOMENTS = (
    _us(2026, 3, 29, 0, 59, 30), _us(2026, 3, 29, 1, 0), _us(2026, 10, 25, 0, 30),
    _us(2026, 10, 25, 1, 0), _us(2026, 10, 25, 2, 29, 59), _us(2026, 3, 8, 6, 59),
    _us(2026, 11, 1, 5, 30), _us(2026, 4, 4, 14, 45), _us(2026, 10, 3, 15, 20),
    _us(2026, 3, 28, 21, 59), _us(2018, 11, 4, 2, 59), _us(2026, 1, 31, 22, 59, 59),
    _us(2026, 2, 28, 23, 30), _us(2026, 12, 24, 7, 59, 59), _us(2026, 6, 1, 17, 59, 30),
    _us(2026, 6, 1), _us(2025, 12, 31, 23, 0), _us(2027, 1, 3, 23, 59, 59),
)  # fmt: skip
EDGES = (0, _us(2026, 3, 29, 1, 0), _us(2026, 6, 1), _us(2026, 10, 25, 1, 0), FOREVER_US)
