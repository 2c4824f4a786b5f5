"""Usage of the operator in `catalogue`: UsageEvent rows, the same for one shape and seed."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.catalogue import (
    FIRST_MSISDN,
    NETWORKS,
    SEED,
    ZONES,
    Shape,
    account_names,
    account_of,
    deck_prefixes,
    offer_names,
    offer_numbers,
    subscription_names,
    top_of,
    trunk,
)
from schemas.columns import conform
from schemas.services import UNIT_OF_SERVICE, Service
from schemas.usage import UsageEvent
from tallywire.hashes import to_bytes

Ints = npt.NDArray[np.int64]

DAY_US = 1_792_648_800_000_000  # Thursday, 22 October 2026, 06:00 UTC
SPAN_US = 14 * 3_600_000_000
MONTH = "2026-10"


@dataclass(frozen=True)
class Mix:
    """Services and how many of a hundred events are theirs."""

    voice: int = 45
    sms: int = 15
    data: int = 30
    roaming_voice: int = 5
    roaming_data: int = 5

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(vars(self))

    @property
    def shares(self) -> tuple[int, ...]:
        return tuple(vars(self).values())


def _picked(names: list[str], chosen: Ints) -> pl.Series:
    return pl.Series(names, dtype=pl.String).gather(chosen)


def _called(chance: np.random.Generator, prefixes: list[str], count: int) -> pl.Series:
    """Numbers of twelve digits that begin with a prefix."""
    begun = _picked(prefixes, chance.integers(0, len(prefixes), count))
    rest = pl.Series(chance.integers(10**9, 10**10, count)).cast(pl.String)
    return (begun + rest).str.slice(0, 12)


def _home_biased() -> list[str]:
    """Six calls of ten stay in the country."""
    abroad = [prefix for zone, begun in ZONES[3:] for prefix in begun.split()]
    return ["47", "4790", "4791", "47900", "474", "479"] * (len(abroad) // 4) + abroad


def _quantities(chance: np.random.Generator, service: pl.Series) -> Ints:
    """Seconds of calls, octets of sessions, one of each message."""
    count = len(service)
    seconds = chance.integers(1, 600, count) * 1_000_000
    octets = chance.integers(1_000, 30_000_000, count)
    units = service.replace_strict({one.value: UNIT_OF_SERVICE[one].value for one in Service})
    return np.select(
        [(units == "microsecond").to_numpy(), (units == "octet").to_numpy()], [seconds, octets], 1
    )


def usage(shape: Shape, count: int, *, mix: Mix | None = None, seed: int = SEED) -> pl.DataFrame:
    """Make events in the order of their time, as rating receives them.

    A third of the calls go to numbers that a carrier's deck tells apart.
    """
    mix = mix or Mix()
    chance = np.random.default_rng(seed)
    subscriber = chance.integers(0, shape.subscribers, count)
    drawn = chance.choice(len(mix.shares), count, p=np.array(mix.shares) / sum(mix.shares))
    service = _picked(list(mix.services), drawn)
    zones = _called(chance, _home_biased(), count)
    far = _called(chance, deck_prefixes(shape.prefixes), count)
    called = pl.select(pl.when(pl.Series(chance.random(count) < 1 / 3)).then(far).otherwise(zones))
    networks = [network for _, begun in NETWORKS for network in begun.split()]
    plmn = _picked(networks, chance.integers(0, len(networks), count)) + "01"
    trunks = [trunk(carrier) for carrier in range(shape.carriers)] or [""]
    account = account_of(shape, subscriber)
    hi, lo = chance.integers(0, 2**63, (2, count), dtype=np.uint64)
    frame = pl.DataFrame(
        {
            "event_id": to_bytes(hi, lo),
            "lane": pl.repeat("events", count, eager=True),
            "service": service,
            "account_id": account_names(account),
            "routing_id": account_names(top_of(account)),
            "subscription_id": subscription_names(subscriber),
            "offer_id": _picked(offer_names(shape), offer_numbers(shape, subscriber)),
            "a_number": pl.Series(subscriber + FIRST_MSISDN).cast(pl.String),
            "start_time": np.sort(chance.integers(0, SPAN_US, count)) + DAY_US,
            "quantity": _quantities(chance, service),
            "unit": service.replace_strict(
                {one.value: UNIT_OF_SERVICE[one].value for one in Service}
            ),
        }
    ).with_columns(
        trunk_out=_picked(trunks, chance.integers(0, len(trunks), count)),
        b_number=pl.when(pl.col("service") == "voice").then(called.to_series()).otherwise(pl.lit("")),
        serving_plmn=pl.when(pl.col("service").str.starts_with("roaming"))
        .then(plmn).otherwise(pl.lit("24299")),
    )  # fmt: skip
    return conform(frame, UsageEvent)
