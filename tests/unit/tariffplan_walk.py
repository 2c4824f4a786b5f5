"""The charges of a tariff plan worked out step by step from its files, sharing nothing with it.

Plain and slow: at the beginning of each step it looks up which rate holds at that instant.
"""

import csv
import datetime as dt
import zoneinfo
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

Rows = list[list[str]]
_UNITS = {"s": 1, "m": 60}


class Walk:
    def __init__(self, folder: Path, zone: str) -> None:
        self.zone = zoneinfo.ZoneInfo(zone)
        self.timings, self.rates, self.destinations, self.plans, self.profiles, self.links = (
            self._rows(folder / f"{name}.csv")
            for name in (
                "Timings", "Rates", "Destinations", "RatingPlans", "RatingProfiles",
                "DestinationRates",
            )
        )  # fmt: skip

    @staticmethod
    def _rows(path: Path) -> Rows:
        with path.open(newline="") as lines:
            return [row for row in csv.reader(lines) if row and not row[0].startswith("#")]

    def charge(self, key: str, start: dt.datetime, dialled: str, seconds: int) -> Fraction | None:
        subject = key
        plan, fallback = self._plan(subject, start)
        destination = self._destination(plan, dialled)
        if destination is None and fallback:
            plan, _ = self._plan(fallback, start)
            destination = self._destination(plan, dialled)
        if destination is None:
            return None
        total, done, most = Fraction(0), 0, Fraction(0)
        while done < seconds:
            rate, cap = self._holding(plan, destination, start + dt.timedelta(seconds=done))
            most = Fraction(cap)
            rows = [row for row in self.rates if row[0] == rate]
            total += Fraction(rows[0][1]) if not done else 0
            row = max(
                (row for row in rows if self._seconds(row[5]) <= done),
                key=lambda one: self._seconds(one[5]),
            )
            step = self._seconds(row[4])
            total += Fraction(row[2]) * step / self._seconds(row[3])
            done += step
        return min(total, most) if most else total

    @staticmethod
    def _seconds(text: str) -> int:
        return int(text[:-1]) * _UNITS[text[-1]]

    def _plan(self, subject: str, start: dt.datetime) -> tuple[str, str]:
        rows = [row for row in self.profiles if row[1] == "call" and row[2] == subject]
        held = [row for row in rows if dt.datetime.fromisoformat(row[3]) <= start]
        return held[-1][4], held[-1][5]

    def _lines(self, plan: str) -> Iterator[tuple[str, str, Fraction, str, str]]:
        """Give (destination, timing, weight, rate, cap) of a plan."""
        for row in self.plans:
            for link in self.links:
                if row[0] == plan and link[0] == row[1]:
                    yield link[1], row[2], Fraction(row[3]), link[2], link[5]

    def _destination(self, plan: str, dialled: str) -> str | None:
        found = [
            (len(prefix.lstrip("+")), weight, name)
            for name, _, weight, _, _ in self._lines(plan)
            for tag, prefix in self.destinations
            if tag == name and dialled.startswith(prefix.lstrip("+"))
        ]
        return max(found)[2] if found else None

    def _holding(self, plan: str, destination: str, moment: dt.datetime) -> tuple[str, str]:
        local = moment.astimezone(self.zone)
        found = [
            (weight, self._start(timing), rate, cap)
            for name, timing, weight, rate, cap in self._lines(plan)
            if name == destination and self._holds(timing, local)
        ]
        best = max(found, key=lambda one: one[:2])
        return best[2], best[3]

    def _timing(self, name: str) -> list[str]:
        return next(
            (row for row in self.timings if row[0] == name), [name, *["*any"] * 4, "00:00:00"]
        )

    def _start(self, name: str) -> str:
        return self._timing(name)[5].split(";")[0]

    def _holds(self, name: str, local: dt.datetime) -> bool:
        _, years, months, days, week, clock = self._timing(name)
        first, _, last = clock.partition(";")
        now = f"{local:%H:%M:%S}"
        return (
            all(
                text == "*any" or str(value) in text.split(";")
                for text, value in (
                    (years, local.year), (months, local.month), (days, local.day),
                    (week, local.isoweekday()),
                )
            )
            and first <= now
            and (not last or now < last)
        )  # fmt: skip
