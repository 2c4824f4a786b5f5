"""Bills of cloud providers as CSV: FOCUS 1.0, and AWS Cost and Usage Reports.

A line that is usage of a period is usage; taxes, credits, purchases and adjustments are set aside.
Columns are found by the names in the file's first line. Whatever a provider publishes again has the
same key: with the same quantity and cost it is a copy, with others a restatement.

Source: FinOps FOCUS 1.0 (columns, charge categories, half-open periods in UTC), AWS Data Exports
User Guide (legacy CUR columns; a line item id is no key of a line).
"""

from typing import Annotated, ClassVar, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from schemas.reasons import Reason
from schemas.services import Unit
from tallywire.catalog.snapshot import Feed
from tallywire.mediation import values
from tallywire.mediation.decimals import decimals_of
from tallywire.mediation.decoded import Decoded, Frames, check_world, complete, in_prologue, refuse
from tallywire.mediation.framing import Framing, Lines
from tallywire.mediation.headed import headed_frame

_ABSENT = ("", "NULL")
_UTC_WALL = "%Y-%m-%d %H:%M:%S"
_PRICE_PLACES, _COST_PLACES = 12, 24
_LARGEST_PRICE, _LARGEST_QUANTITY, _LARGEST_COST = 10**18, 10**20, 10**38
_TOLERATED = 10**18  # a millionth of the currency, in 10^-24
_AttributeName = Annotated[str, Field(pattern=values.ATTRIBUTE_NAME)]
_Field = Literal[
    "a_raw", "user_name", "customer", "account_code", "partner", "usage_type", "session_key",
    "cell_id", "serving_plmn", "apn", "ip",
]  # fmt: skip


class BillOptions(BaseModel):
    """Options of a feed of a provider's bills; the defaults are columns of the report's standard.

    Attributes:
        key: Columns that together name a line within one version of the report.
        quantity: Column of the quantity.
        scale: Decimals that are counted: a quantity is a whole number of 10^-scale.
        finer: What becomes of a quantity with more decimals: `refuse`, or `round_up`.
        amount: Column of the cost that is carried as the source's own amount.
        fields: Canonical field to column.
        attributes: Further attributes by name, for prices that depend on them, to column.
    """

    model_config = ConfigDict(extra="forbid")

    key: list[str] = Field(min_length=1)
    quantity: str
    scale: int = Field(default=9, ge=0, le=15)
    finer: Literal["refuse", "round_up"] = "refuse"
    amount: str
    fields: dict[_Field, str]
    attributes: dict[_AttributeName, str]

    begins: ClassVar[str]
    ends: ClassVar[str]
    category: ClassVar[str]
    usage: ClassVar[frozenset[str]]
    currency: ClassVar[str]
    unit_price: ClassVar[str]
    priced: ClassVar[str]
    cost: ClassVar[str]

    def columns(self) -> list[str]:
        """Name every column that is read."""
        own = [self.begins, self.ends, self.category, self.currency]
        checked = [self.unit_price, self.priced, self.cost]
        chosen = [*self.key, self.quantity, self.amount]
        return sorted({*own, *checked, *chosen, *self.fields.values(), *self.attributes.values()})


class FocusOptions(BillOptions):
    """Options of a FOCUS 1.0 feed."""

    key: list[str] = Field(
        default=[
            "BillingAccountId", "SubAccountId", "ProviderName", "ServiceName", "ResourceId",
            "SkuId", "SkuPriceId", "RegionId", "ChargeCategory", "ChargeDescription",
            "ChargePeriodStart", "ChargePeriodEnd", "PricingCategory",
        ],
        min_length=1,
    )  # fmt: skip
    quantity: str = "PricingQuantity"
    amount: str = "BilledCost"
    fields: dict[_Field, str] = {
        "customer": "SubAccountId", "account_code": "BillingAccountId", "partner": "ProviderName",
        "usage_type": "ServiceName", "session_key": "ResourceId",
    }  # fmt: skip
    attributes: dict[_AttributeName, str] = {
        "region": "RegionId", "sku": "SkuId", "unit": "PricingUnit",
    }  # fmt: skip

    begins: ClassVar[str] = "ChargePeriodStart"
    ends: ClassVar[str] = "ChargePeriodEnd"
    category: ClassVar[str] = "ChargeCategory"
    usage: ClassVar[frozenset[str]] = frozenset({"Usage"})
    currency: ClassVar[str] = "BillingCurrency"
    unit_price: ClassVar[str] = "ListUnitPrice"
    priced: ClassVar[str] = "PricingQuantity"
    cost: ClassVar[str] = "ListCost"


class AwsCurOptions(BillOptions):
    """Options of a feed of AWS Cost and Usage Reports with legacy columns."""

    key: list[str] = Field(
        default=[
            "identity/LineItemId", "identity/TimeInterval", "product/sku", "lineItem/UsageType",
            "lineItem/Operation",
        ],
        min_length=1,
    )  # fmt: skip
    quantity: str = "lineItem/UsageAmount"
    amount: str = "lineItem/UnblendedCost"
    fields: dict[_Field, str] = {
        "customer": "lineItem/UsageAccountId", "account_code": "bill/PayerAccountId",
        "partner": "bill/BillingEntity", "usage_type": "lineItem/UsageType",
    }  # fmt: skip
    attributes: dict[_AttributeName, str] = {
        "operation": "lineItem/Operation", "product": "lineItem/ProductCode",
        "sku": "product/sku", "unit": "pricing/unit",
    }  # fmt: skip

    begins: ClassVar[str] = "lineItem/UsageStartDate"
    ends: ClassVar[str] = "lineItem/UsageEndDate"
    category: ClassVar[str] = "lineItem/LineItemType"
    usage: ClassVar[frozenset[str]] = frozenset(
        {"Usage", "DiscountedUsage", "SavingsPlanCoveredUsage"}
    )
    currency: ClassVar[str] = "lineItem/CurrencyCode"
    unit_price: ClassVar[str] = "lineItem/UnblendedRate"
    priced: ClassVar[str] = "lineItem/UsageAmount"
    cost: ClassVar[str] = "lineItem/UnblendedCost"


def _instant(name: str) -> pl.Expr:
    """Read a time: RFC 3339, or a wall time, which is of UTC."""
    text = pl.col(name)
    wall = values.from_wall(values.wall_time(text, _UTC_WALL), "UTC")
    return pl.coalesce(values.instant(text), wall)


def _numbers(frame: pl.DataFrame, options: BillOptions) -> pl.DataFrame:
    """Read the decimals of every line: the quantity, the amount, and whether its cost is right."""
    quantity = decimals_of(frame[options.quantity])
    read = quantity.exact(options.scale)
    found = read if options.finer == "refuse" else quantity.rounded_up(options.scale)
    amount = decimals_of(frame[options.amount])
    price = decimals_of(frame[options.unit_price]).exact(_PRICE_PLACES)
    priced = decimals_of(frame[options.priced]).exact(_PRICE_PLACES)
    cost = decimals_of(frame[options.cost]).exact(_COST_PLACES)
    frame = frame.with_columns(
        found.cast(pl.Int64, strict=False).alias("quantity"),
        amount.money().alias("source_amount"),
        price.alias("b.price"), priced.alias("b.priced"), cost.alias("b.cost"),
        (read.is_null() & found.is_not_null()).alias("b.quantity_rounded"),
        amount.exact(9).is_null().alias("b.amount_rounded"),
    )  # fmt: skip
    # numbers whose product a column could not hold are left out
    held = (
        (pl.col("b.price").abs() < _LARGEST_PRICE)
        & (pl.col("b.priced").abs() < _LARGEST_QUANTITY)
        & (pl.col("b.cost").abs() < _LARGEST_COST)
    )
    gap = pl.when(held).then(pl.col("b.price") * pl.col("b.priced") - pl.col("b.cost"))
    return frame.with_columns((gap.abs() > _TOLERATED).fill_null(value=False).alias("b.differs"))


def _columns(options: BillOptions, feed: Feed) -> list[pl.Expr]:
    return [
        *(pl.col(column).alias(name) for name, column in options.fields.items()),
        values.attributes({name: pl.col(column) for name, column in options.attributes.items()})
        .alias("attributes"),
        pl.concat_str(options.key, separator="\x1f").alias("natural_key"),
        pl.concat_str(
            options.quantity, options.amount, options.currency, separator="\x1f"
        ).alias("content"),
        _instant(options.begins).alias("start_us"),
        _instant(options.ends).alias("end_us"),
        pl.when(values.instant(pl.col(options.begins)).is_null()).then(pl.lit("derived"))
        .otherwise(pl.lit("explicit_zone")).alias("clock_quality"),
        pl.lit(feed.service).alias("service"),
        pl.lit("mo").alias("direction"),
        pl.lit(Unit.COUNT.value).alias("unit"),
        pl.col(options.currency).alias("source_currency"),
        _flags().alias("quality_flags"),
    ]  # fmt: skip


def _flags() -> pl.Expr:
    told = {"amount_rounded": "b.amount_rounded", "cost_differs": "b.differs",
            "quantity_rounded": "b.quantity_rounded"}  # fmt: skip
    nothing = pl.lit(None, dtype=pl.String)
    flags = [
        pl.when(pl.col(column)).then(pl.lit(name)).otherwise(nothing)
        for name, column in told.items()
    ]
    return pl.concat_str(flags, separator=",", ignore_nulls=True)


def _checked(frame: pl.DataFrame, options: BillOptions) -> pl.DataFrame:
    category = pl.col(options.category)
    frame = refuse(
        frame, ~category.is_in(list(options.usage)), Reason.NOT_USAGE,
        pl.format("{} of {} {}", category, options.amount, options.currency),
    )  # fmt: skip
    frame = refuse(
        frame, pl.col("start_us").is_null() | pl.col("end_us").is_null(), Reason.TIME_INVALID,
        pl.format("period {} to {} is not written in UTC", options.begins, options.ends),
    )  # fmt: skip
    frame = refuse(
        frame, pl.col("end_us") <= pl.col("start_us"), Reason.DURATION_INCONSISTENT,
        pl.format("period {} to {} ends before it has begun", options.begins, options.ends),
    )  # fmt: skip
    frame = refuse(
        frame, pl.col("source_amount").is_null(), Reason.NUMBER_INVALID,
        pl.format("cost {} is no decimal number", options.amount),
    )  # fmt: skip
    credit = (pl.col("source_amount") < 0) | pl.col(options.quantity).str.starts_with("-")
    frame = refuse(
        frame, credit, Reason.NOT_USAGE,
        pl.format("credit of {} {} for usage", options.amount, options.currency),
    )  # fmt: skip
    return refuse(
        frame, pl.col("quantity").is_null(), Reason.NUMBER_INVALID,
        pl.format(f"quantity {{}} is no decimal with at most {options.scale} places",
                  options.quantity),
    )  # fmt: skip


def _decode(frames: Frames, feed: Feed, options: BillOptions) -> Decoded:
    frame, header = headed_frame(frames)
    frame = refuse(
        frame, in_prologue(frames) | pl.col("is_header"), Reason.CONTROL_RECORD,
        pl.lit("header line"),
    )  # fmt: skip
    missing = [name for name in options.columns() if name not in header]
    frame = refuse(
        frame, pl.lit(bool(missing)), Reason.FIELD_MISSING,
        pl.lit(f"the file's first line names no column {', '.join(missing[:5])}"),
    )  # fmt: skip
    frame = frame.with_columns(pl.lit("").alias(name) for name in missing)
    read = pl.col(options.columns()).fill_null("").str.strip_chars(" ")
    frame = frame.with_columns(read).with_columns(
        pl.when(pl.col(options.columns()).is_in(_ABSENT)).then(pl.lit(""))
        .otherwise(pl.col(options.columns())).name.keep()
    )  # fmt: skip
    frame = _numbers(frame, options).with_columns(_columns(options, feed))
    return Decoded(check_world(complete(_checked(frame, options))))


def framing(_feed: Feed) -> Framing:
    """A record is a line; the first names the columns."""
    return Lines(header_lines=1)


def decode_focus(frames: Frames, feed: Feed) -> Decoded:
    """Decode lines of FOCUS 1.0."""
    return _decode(frames, feed, FocusOptions.model_validate(feed.options))


def decode_aws_cur(frames: Frames, feed: Feed) -> Decoded:
    """Decode lines of a Cost and Usage Report."""
    return _decode(frames, feed, AwsCurOptions.model_validate(feed.options))
