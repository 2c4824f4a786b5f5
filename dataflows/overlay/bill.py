"""Lines of a bill, read piece by piece by the product's own reader of delimited files."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path

import numpy as np
import polars as pl

from assurance.overlay.frames import BILLED
from dataflows.overlay.bill_map import BillMap, BillMapWrong, Field_, default_map
from dataflows.trial import pieces
from schemas.reasons import Reason
from schemas.services import UNIT_OF_SERVICE, Service, Unit
from tallywire.catalog.snapshot import Feed, Snapshot
from tallywire.mediation import values
from tallywire.mediation.decoders import DECODERS
from tallywire.mediation.dialled import numbers
from tallywire.mediation.resolve import SEPARATOR, IdentifierIndex

_SLOTS: Mapping[Field_, str] = {
    "key": "session_key", "account": "customer", "calling": "a_raw", "called": "b_raw",
    "service": "usage_type", "quantity": "cell_id", "unit": "rat", "amount": "cause",
    "currency": "source_currency", "invoice": "linked_id",
}  # fmt: skip
"""Texts of a decoded record that hold what a line says; this module gives them their meaning."""

_UNITS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), "seconds"),
    **dict.fromkeys(("min", "minute", "minutes"), "minutes"),
    **dict.fromkeys(("h", "hour", "hours"), "hours"),
    **dict.fromkeys(("ms", "milliseconds"), "milliseconds"),
    **dict.fromkeys(("us", "microseconds"), "microseconds"),
    **dict.fromkeys(("b", "byte", "bytes", "octet", "octets"), "octets"),
    **dict.fromkeys(("kb", "kilooctets"), "kilooctets"),
    **dict.fromkeys(("mb", "megaoctets"), "megaoctets"),
    **dict.fromkeys(("gb", "gigaoctets"), "gigaoctets"),
    **dict.fromkeys(("kib", "kibioctets"), "kibioctets"),
    **dict.fromkeys(("mib", "mebioctets"), "mebioctets"),
    **dict.fromkeys(("gib", "gibioctets"), "gibioctets"),
    **dict.fromkeys(("", "piece", "pieces", "count", "sms", "event", "events"), "count"),
}  # fmt: skip
_OF_UNIT = {Unit.MICROSECOND: "seconds", Unit.OCTET: "octets", Unit.COUNT: "count"}
_NEWLINE = ord("\n")
_NO_START = "the fields of the feed's `key` are empty"
"""What the reader says of a record without its key, which of a bill's line is its start."""
_SAID = pl.col("detail").str.replace(_NO_START, "it says no start", literal=True)
PROBLEM = pl.Schema({"file": pl.String(), "line": pl.Int64(), "problem": pl.String()})


@dataclass(frozen=True)
class Lines:
    """Some lines of a bill.

    Attributes:
        billed: Rows of BILLED.
        problems: Lines that cannot be read: rows of PROBLEM.
    """

    billed: pl.DataFrame
    problems: pl.DataFrame


class Bill:
    """A file of billed lines.

    Args:
        path: The file.
        given: How it is written; by the product's own names without.
        snapshot: The catalogue: its accounts, its zone, its currency.
        dialled: A feed whose dialling rules its numbers follow.

    Raises:
        BillMapWrong: If map and file do not go together.
        OSError: If the file cannot be read.
    """

    def __init__(
        self, path: Path, given: BillMap | None, snapshot: Snapshot, dialled: Feed
    ) -> None:
        self.path = path
        header = _header(path, given.separator if given else ",", given)
        try:
            self.map = given or default_map(header)
        except BillMapWrong as error:
            text = f"{path}: {error}"
            raise BillMapWrong(text) from error
        _check_columns(path, self.map, header)
        self._snapshot = snapshot
        self._feed = _feed_of(self.map, len(header), snapshot, dialled)
        self._accounts = snapshot.identifiers["account_id"].unique()
        self._index = IdentifierIndex(snapshot.identifiers)

    def read(self) -> Iterator[Lines]:
        """Read it piece by piece.

        Raises:
            OSError: If it cannot be read.
        """
        decoder, before = DECODERS["declared"], 0
        for frames in pieces(self.path, self._feed):
            decoded = decoder.decode(frames, self._feed).frame
            ends = np.flatnonzero(np.frombuffer(frames.data, np.uint8) == _NEWLINE)
            # Empty lines are no records: those count that the file has, as an editor shows them.
            lines = before + np.searchsorted(ends, frames.starts) + 1
            before += len(ends)
            yield self._lines(decoded.with_columns(pl.Series("line", lines, dtype=pl.Int64)))

    def _lines(self, decoded: pl.DataFrame) -> Lines:
        rows = decoded.filter(pl.col("reason").fill_null("") != Reason.CONTROL_RECORD.value)
        rows = rows.with_columns(
            *self._constants(),
            pl.when(pl.col("reason").is_not_null())
            .then(pl.format("{}; correct the line or leave it out", _SAID))
            .alias("problem"),
        )  # fmt: skip
        rows = self._measured(self._priced(self._served(rows)))
        file = pl.lit(self.path.name).alias("file")
        good = rows.filter(pl.col("problem").is_null())
        return Lines(
            good.select(file, "line", *list(BILLED)[2:]).cast(BILLED),
            rows.filter(pl.col("problem").is_not_null())
            .select(file, "line", "problem")
            .cast(PROBLEM),
        )

    def _constants(self) -> Iterator[pl.Expr]:
        for field, text in self.map.constants.items():
            if field in _SLOTS:
                yield pl.lit(text).alias(_SLOTS[field])

    def _served(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Read parties, called number and service."""
        calling, called = self._numbers(rows["a_raw"]), self._numbers(rows["b_raw"])
        account = rows["customer"]
        if self.map.account_identifier:
            texts = pl.select(pl.lit(self.map.account_identifier + SEPARATOR) + account).to_series()
            found, _ = self._index.find(texts, rows["start_us"].fill_null(0).to_numpy())
            account = self._index.columns(found)["account_id"]
        names = {one.value: one.value for one in Service} | {
            text: one.value for text, one in self.map.services.items()
        }
        service = pl.col("usage_type").replace_strict(names, default=None, return_dtype=pl.String)
        rows = rows.with_columns(
            account.alias("account"), called.alias("called"),
            account.is_in(self._accounts.implode()).alias("account_known"),
            (account if self.map.party == "account" else calling).alias("party"),
            (service if self.map.has("service") else pl.lit("")).alias("service"),
            pl.col("session_key").alias("key"), pl.col("linked_id").alias("invoice"),
            pl.col("start_us").alias("start_time"),
        )  # fmt: skip
        return _wrong(
            rows, pl.col("service").is_null(),
            pl.format("service {} is not known; say under `services` what it is", "usage_type"),
        )  # fmt: skip

    def _numbers(self, texts: pl.Series) -> pl.Series:
        """Read numbers as digits of E.164; what is no number becomes empty text."""
        if self.map.numbers == "dialled":
            return numbers(texts, self._feed).digits
        plain = pl.col("text").str.replace_all(r"[ \-().]", "").str.replace(r"^(\+|00)", "")
        digits = pl.when(plain.str.contains("^[0-9]+$")).then(plain).otherwise(pl.lit(""))
        return texts.to_frame("text").select(digits).to_series()

    def _priced(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Read amount and currency."""
        text = pl.col("cause")
        if self.map.decimal == ",":
            text = text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
        currency = pl.col("source_currency").str.to_uppercase()
        given = self.map.has("currency")
        rows = rows.with_columns(
            values.amount(text).alias("amount"),
            (currency if given else pl.lit(self._snapshot.currency)).alias("currency"),
        )
        rows = _wrong(
            rows, pl.col("amount").is_null(),
            pl.format(
                "amount {} is no number with nine decimals at most; correct it, or say with "
                "`decimal` how numbers are written", "cause",
            ),
        )  # fmt: skip
        return _wrong(
            rows, ~pl.col("currency").str.contains("^[A-Z]{3}$"),
            pl.format("currency {} is no code of three letters, such as EUR", "source_currency"),
        )  # fmt: skip

    def _measured(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Read quantities as whole base units; null where the bill says none."""
        if not self.map.has("quantity"):
            return rows.with_columns(pl.lit(None, dtype=pl.Int64).alias("quantity"))
        text = pl.col("cell_id")
        if self.map.decimal == ",":
            text = text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
        rows = rows.with_columns(self._unit().alias("measure"))
        known = sorted({one for one in rows["measure"].to_list() if one})
        read = reduce(
            lambda so_far, one: pl.when(pl.col("measure") == one)
            .then(values.measured(text, one)).otherwise(so_far),
            known, pl.lit(None, dtype=pl.Int64),
        )  # fmt: skip
        rows = rows.with_columns(read.alias("quantity"))
        given = pl.col("cell_id") != ""
        rows = _wrong(
            rows, given & pl.col("measure").is_null(),
            pl.format("unit {} is not known; say under `units` what it is", "rat"),
        )  # fmt: skip
        return _wrong(
            rows, given & pl.col("quantity").is_null(),
            pl.format("quantity {} does not make whole base units of {}; correct it", "cell_id",
                      pl.col("measure").fill_null("its unit")),
        )  # fmt: skip

    def _unit(self) -> pl.Expr:
        """Name the unit of each quantity."""
        of_service = {
            one.value: self.map.units_by_service.get(one, _OF_UNIT[unit])
            for one, unit in UNIT_OF_SERVICE.items()
        }
        by_service = pl.col("service").replace_strict(
            of_service, default=None, return_dtype=pl.String
        )
        if not self.map.has("unit"):
            return by_service
        names = {**_UNITS, **{text.lower(): unit for text, unit in self.map.units.items()}}
        named = pl.col("rat").str.to_lowercase().replace_strict(
            names, default=None, return_dtype=pl.String
        )  # fmt: skip
        return pl.when(pl.col("rat") == "").then(by_service).otherwise(named)


def _wrong(rows: pl.DataFrame, wrong: pl.Expr, problem: pl.Expr) -> pl.DataFrame:
    """Name a problem of rows that have none yet."""
    hit = pl.col("problem").is_null() & wrong.fill_null(value=True)
    return rows.with_columns(
        pl.when(hit).then(problem.fill_null("a field is missing")).otherwise("problem")
        .alias("problem")
    )  # fmt: skip


def _header(path: Path, separator: str, given: BillMap | None) -> list[str]:
    with path.open(encoding=given.encoding if given else "utf-8", errors="replace") as file:
        line = file.readline(1 << 20).removeprefix("\ufeff").rstrip("\r\n")
    names = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
    return [name.strip() for name in names]


def _check_columns(path: Path, given: BillMap, header: list[str]) -> None:
    """Refuse a bill that lacks a column, or says quantities in no unit.

    Raises:
        BillMapWrong: If it does.
    """
    lacking = sorted({name for name in given.columns.values() if name not in header})
    if lacking:
        text = (
            f"{path}: its first line names no column {', '.join(lacking)}; it names "
            f"{', '.join(header)}: correct `columns` of the map"
        )
        raise BillMapWrong(text)
    if given.has("quantity") and not (given.has("unit") or given.has("service")):
        text = (
            f"{path}: nothing says in which unit quantities are; give the map "
            "`constants: {unit: seconds}`, or a column `unit` or `service`"
        )
        raise BillMapWrong(text)


def _feed_of(given: BillMap, width: int, snapshot: Snapshot, dialled: Feed) -> Feed:
    """Describe the bill as a declared feed: its columns become texts of a decoded record."""
    columns = given.columns
    texts = {
        _SLOTS[field]: {"name": column} for field, column in columns.items() if field in _SLOTS
    }
    start = {"name": columns["start"], "pattern": given.start}
    options = {
        "layout": "delimited", "separator": given.separator, "quoted": True, "header_lines": 1,
        "columns": width,
        "encoding": given.encoding, "key": [{"name": columns["start"]}], "start": start,
        "texts": texts,
    }  # fmt: skip
    return replace(
        dialled, feed_id="bill", format="declared", growing=False, options=options,
        time_zone=given.zone or snapshot.time_zone, service=Service.VOICE.value, nodes=(),
        copies=(), enrichments=(), filters=(),
    )  # fmt: skip
