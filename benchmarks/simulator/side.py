"""What others say: the price book, subscriptions, carriers' records, bills. Reconciliations need it."""

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal

from benchmarks.simulator.book import Book
from benchmarks.simulator.catalogue_folder import DECK_COLUMNS, table
from benchmarks.simulator.clock import local
from benchmarks.simulator.flat import provider_prices
from benchmarks.simulator.money import TENTHS, written
from benchmarks.simulator.records import COPIES
from benchmarks.simulator.world import World

COLUMNS = {
    "partner_calls": ("call_id", "start", "caller", "called", "seconds"),
    "subscriptions": ("subscription_id", "account_id", "offer_id", "identifier_type", "identifier"),
}
BOOK_COLUMNS = ("tariff", "rounding_mode", "rounding_decimals", *DECK_COLUMNS)
FLAT_COLUMNS = ("tariff", "usage_type", "rate", "per")
BILL_COLUMNS = ("day", "customer", "sku", "hours", "hour_price", "cost")
LINE_COLUMNS = ("account_id", "month", "service", "amount")
CENT = Decimal("0.01")


def tables(world: World) -> dict[str, str]:
    """Give each table of the side data by its path."""
    made = {
        name: table(COLUMNS[name.partition("/")[0]], rows)
        for name, rows in world.side.items()
        if "/" in name
    }
    made["provider_bill.csv"] = _provider_bill(world)
    made["price_book.csv"] = table(BOOK_COLUMNS, _book(world.book, "{}_voice"))
    made["price_book_flat.csv"] = table(FLAT_COLUMNS, _flat(world))
    made["wholesale_cost.csv"] = table(BOOK_COLUMNS, _book(world.costs, "cost_{}"))
    made["billed_lines.csv"] = table(LINE_COLUMNS, _billed(world))
    return made


def _provider_bill(world: World) -> str:
    prices = provider_prices()
    rows = [
        [*row, written(prices[row[2]]), f"{Decimal(prices[row[2]] * int(row[3])) / TENTHS:.4f}"]
        for row in world.side["provider_bill.csv"]
    ]
    return table(BILL_COLUMNS, rows)


def _book(book: Book, name: str) -> list[list[str]]:
    return [
        [
            name.format(row.owner), book.roundings[row.owner].mode, str(book.roundings[row.owner].scale),
            row.prefix, row.name, written(row.terms.rate), written(row.terms.fee),
            str(row.terms.first_s), str(row.terms.next_s),
            row.valid_from.isoformat() if row.valid_from else "", row.valid_to.isoformat() if row.valid_to else "",
        ]
        for row in book.rows
    ]  # fmt: skip


def _flat(world: World) -> list[list[str]]:
    rows = []
    for plan, flat in world.flat.items():
        rows += [
            [f"{plan}_sms", "", written(flat.message), "1"],
            [f"{plan}_data", "", f"0.{flat.data_mb:03d}", "1 MB"],
            [f"{plan}_iot", "", written(flat.reading_mb), "1 MB"],
            [f"{plan}_api", "", written(flat.calls_1000), "1000"],
        ]
        rows += [
            [f"{plan}_cloud", sku, written(price), "1"] for sku, price in flat.resources.items()
        ]
    return rows


def _billed(world: World) -> list[list[str]]:
    """Add up what was charged to each account, by month and service, to whole cents."""
    sums: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for usage in world.usages:
        if usage.written and usage.fate not in COPIES:
            month = local(usage.start_us + usage.skew_us).strftime("%Y-%m")
            sums[usage.subscriber.account, month, usage.service] += usage.charged
    return [[*key, f"{sums[key].quantize(CENT, ROUND_HALF_UP):f}"] for key in sorted(sums)]
