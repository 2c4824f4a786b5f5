"""Families of controls: which leakage each watches, where it measures, by which measure, for whom.

Vocabulary of TM Forum GB941 (leakage areas, measurement points, measures) and GB922 (control,
violation). A control is one pattern of a family; its documentation stands under its name in
docs/reference/controls.md.
"""

from dataclasses import dataclass
from enum import StrEnum


class Area(StrEnum):
    """Areas of leakage (GB941-D)."""

    PRODUCT = "product_and_offer"
    PROVISIONING = "order_and_provisioning"
    USAGE = "network_and_usage"
    RATING = "rating_and_billing"
    RECEIVABLES = "receivables"
    FINANCE = "finance"
    CUSTOMER = "customer"
    PARTNER = "partner_management"


class Schedule(StrEnum):
    """When a control runs."""

    BATCH = "with every batch that is collected"
    STREAM = "with every batch that was rated, seconds later"
    OFTEN = "every fifteen seconds"
    HOURLY = "every hour"
    CHANGE = "with every change of the catalogue"
    LIST = "with every list of others: by hand, or by a scheduler"


@dataclass(frozen=True)
class Family:
    """What controls of one number have in common.

    Attributes:
        family_id: C0 to C20.
        points: Measurement points that are compared, from the source on.
        measure: What is measured, as a ratio where it is one.
        thresholds: What warns and what is critical, in words.
        owner: Role that answers for it.
    """

    family_id: str
    title: str
    area: Area
    points: tuple[str, ...]
    measure: str
    thresholds: str
    owner: str
    schedule: Schedule


_FOUND = (
    Family("C0", "The controls themselves", Area.USAGE, ("store", "controls"),
           "usage stored and not looked at", "two hours behind what was stored; a failed run",
           "revenue assurance", Schedule.HOURLY),
    Family("C1", "Completeness of files", Area.USAGE, ("sender", "collection"),
           "files received / files expected",
           "warns at the first gap behind the grace; a feed says `grace` and `every`",
           "mediation", Schedule.BATCH),
    Family("C2", "Gaps in the numbers of records", Area.USAGE, ("network element", "collection"),
           "missing numbers / expected numbers", "any gap behind the grace",
           "mediation", Schedule.BATCH),
    Family("C3", "Trailers and totals", Area.USAGE, ("sender", "collection"),
           "files whose totals differ / files", "any difference: totals are compared exactly",
           "mediation", Schedule.BATCH),
    Family("C4", "Silence and shift of volume", Area.USAGE, ("network element", "rating"),
           "|usage - usual usage| / usual usage",
           "so much less than a fifth in hours that follow each other that chance gives it once "
           "in a thousand days; none where usual are 30; lastingly a twentieth less",
           "network operations", Schedule.STREAM),
    Family("C5", "Conservation from stage to stage", Area.USAGE,
           ("ranges of sources", "collection", "usage log", "rating", "store"),
           "records without a fate / records collected; sums of a stage - sums of the next one",
           "any difference that stands for ten minutes in an hour that is past",
           "revenue assurance", Schedule.HOURLY),
    Family("C6", "Exact copies", Area.USAGE, ("sender", "collection"),
           "duplicates / records", "a replayed file at once; copies for each file",
           "mediation", Schedule.BATCH),
    Family("C7", "Near copies and overlaps", Area.USAGE, ("collection", "rating"),
           "seconds charged twice / seconds charged",
           "starts within 2 s and durations within 1 s, of one caller and one called number",
           "revenue assurance", Schedule.STREAM),
    Family("C8", "Chains of partial records", Area.USAGE, ("network element", "collection"),
           "incomplete chains / chains",
           "any missing number or report; an end that did not come in time; any wrap assumed",
           "mediation", Schedule.BATCH),
    Family("C9", "Rating again by other rules of arithmetic", Area.RATING, ("rating", "shadow"),
           "sum of |differences| / sum of charges", "any difference: both are exact",
           "revenue assurance", Schedule.STREAM),
    Family("C10", "Free, negative and extreme charges", Area.RATING, ("rating", "usual price"),
           "usage that became free / usage of its destination",
           "half of a destination that was paid for; a price a fifth or five times the usual one",
           "pricing", Schedule.STREAM),
    Family("C11", "Drift by rounding", Area.RATING, ("exact charge", "rounded charge"),
           "sum of rounding / sum of charges", "a thousandth of at least 1,000 charges",
           "finance", Schedule.STREAM),
    Family("C12", "Prices against the price book of record", Area.PRODUCT,
           ("price book of record", "catalogue", "rating"),
           "calls charged otherwise / calls charged", "any difference: both are exact",
           "pricing", Schedule.CHANGE),
    Family("C13", "Suspense", Area.RATING, ("collection", "rating"),
           "suspended / collected", "any; by reason and missing reference",
           "mediation", Schedule.BATCH),
    Family("C14", "Subscriptions against whom the network serves", Area.PROVISIONING,
           ("network's list", "catalogue", "rating"),
           "subscriptions that differ / subscriptions",
           "any difference of a whole day; what is under way for 4 hours is none",
           "provisioning", Schedule.LIST),
    Family("C15", "Timeliness and clocks", Area.USAGE, ("network element", "collection"),
           "records behind their usual delay / records",
           "half of an hour's records eight times as late as usual, and a quarter of an hour at "
           "least; a clock beyond its tolerance",
           "network operations", Schedule.STREAM),
    Family("C16", "Negative margin", Area.PARTNER, ("retail charge", "partner's cost"),
           "(revenue - cost) / revenue", "a loss over at least 50 events of a day and route",
           "wholesale", Schedule.STREAM),
    Family("C17", "Our records against the partner's", Area.PARTNER,
           ("our usage", "partner's records"),
           "money in question / money of the day",
           "starts within 2 s, durations within 1 s, or exact where nearly all agree exactly; any "
           "call beyond it, or shares of a day that are given",
           "wholesale", Schedule.LIST),
    Family("C18", "Canaries and test calls", Area.USAGE,
           ("known usage", "collection", "rating", "store"),
           "known usage that did not arrive once, in time, at its price / known usage",
           "any: missing or late beyond its own time, twice, another quantity or another charge",
           "revenue assurance", Schedule.OFTEN),
    Family("C19", "Conservation of prepaid money", Area.RATING, ("top-ups", "charges"),
           "paid by balances - top-ups", "any more than top-ups gave; any less than nothing",
           "finance", Schedule.HOURLY),
    Family("C20", "Resold usage against the provider's bill", Area.PARTNER,
           ("provider's bill", "rating"),
           "|billed quantity - rated quantity| / billed quantity",
           "any difference warns; critical above 0.5 % of the bill's cost",
           "cloud resale", Schedule.LIST),
)  # fmt: skip

FAMILIES = {one.family_id: one for one in _FOUND}
"""By number."""
