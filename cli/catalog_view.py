"""A catalogue as rows for a table."""

from tallywire.catalog import Snapshot
from tallywire.catalog.fitness import offer_reasons, tariff_reasons
from tallywire.catalog.prose import (
    calendar_words,
    once,
    prefix_words,
    tariff_words,
    validity_words,
)
from tallywire.catalog.prose_terms import offer_terms, other_terms, zone_prices
from tallywire.catalog.snapshot import Offer, Tariff

Rows = list[tuple[str, ...]]


def _offer(offer: Offer) -> str:
    uses = ", ".join(f"{' '.join(use)} at {name}" for use, name in sorted(offer.tariffs.items()))
    terms = [f"{name}: {words}" for (_, name), words in offer_terms(offer).items()]
    return "; ".join([uses, *terms])


def _one_by_one(snapshot: Snapshot) -> Rows:
    """Say what is rated by the rulebook, event by event, and why."""
    tariffs = {name: tariff_reasons(one) for name, one in sorted(snapshot.tariffs.items())}
    offers = {n: offer_reasons(one, snapshot.tariffs) for n, one in sorted(snapshot.offers.items())}
    return [
        ("one by one", f"{kind} {name}", "; ".join(reasons))
        for kind, found in (("tariff", tariffs), ("offer", offers))
        for name, reasons in found.items()
        if reasons
    ]


def _accounts(snapshot: Snapshot) -> Rows:
    held = snapshot.identifiers
    counts = (
        ("accounts", held["account_id"].n_unique()),
        ("subscriptions", held["subscription_id"].n_unique()),
        ("identifiers", held.select("identifier_type", "identifier").n_unique()),
        ("hierarchies", held["routing_id"].n_unique()),
    )
    return [("accounts", name, str(count)) for name, count in counts]


def overview(snapshot: Snapshot) -> Rows:
    """Give (kind, id, what) of everything but single prices and accounts."""
    who = f"{snapshot.legal_entity}, {snapshot.currency}, {snapshot.time_zone}"
    rows: Rows = [("catalogue", snapshot.hash, who)]
    rows += [
        ("feed", name, f"{feed.service} as {feed.format} from {feed.inputs}")
        for name, feed in sorted(snapshot.feeds.items())
    ]
    rows += [("calendar", n, calendar_words(one)) for n, one in sorted(snapshot.calendars.items())]
    rows += [("tariff", name, tariff_words(one)) for name, one in sorted(snapshot.tariffs.items())]
    rows += [("offer", name, _offer(one)) for name, one in sorted(snapshot.offers.items())]
    rows += [
        (kind.replace("_", " "), name, words)
        for kind, found in other_terms(snapshot).items()
        for name, words in sorted(found.items())
    ]
    return [*rows, *_one_by_one(snapshot), *_accounts(snapshot)]


def tariff_rows(tariff: Tariff) -> Rows:
    """Give (zone, price, validity, prefixes) of a tariff."""
    zone = tariff.calendar.time_zone
    return [
        (
            name or "all",
            once(words for words, _ in prices.values()),
            once(validity_words(start, end, zone) for _, end in prices.values()),
            prefix_words(prices),
        )
        for (name, start), prices in sorted(zone_prices(tariff).items())
    ]
