"""What a report of charging counted: octets, time, units, and which of them a service bills."""

from dataclasses import dataclass

from pydantic import BaseModel

from schemas.reasons import Reason
from schemas.services import UNIT_OF_SERVICE, Service, Unit
from tallywire.catalog.snapshot import Feed
from tallywire.mediation.items import Item, Unreadable
from tallywire.mediation.patience import OfSessions

_SECOND_US = 1_000_000


class ByRatingGroup(OfSessions, BaseModel):
    """Options of feeds whose usage is reported by rating group.

    Attributes:
        services: Service of a rating group's usage, where it is not the feed's.
    """

    services: dict[str, Service] = {}

    def service_of(self, rating_group: str, feed: Feed) -> str:
        """Give the service of a rating group's usage."""
        found = self.services.get(rating_group)
        return found.value if found else feed.service


@dataclass(frozen=True)
class Metered:
    """What a report counted since the one before; nothing where it does not count it."""

    total: int | None = None
    up: int | None = None
    down: int | None = None
    seconds: int | None = None
    units: int | None = None

    @property
    def octets(self) -> int | None:
        """Octets both ways."""
        if self.total is None and self.up is None and self.down is None:
            return None
        return (self.up or 0) + (self.down or 0) if self.total is None else self.total

    @property
    def total_differs(self) -> bool:
        """Whether the total is not what went up and what went down."""
        both = self.up is not None and self.down is not None
        return both and self.total is not None and self.octets != (self.up or 0) + (self.down or 0)

    def columns(self, service: str) -> Item:
        """Give quantity, unit and counts of usage of a service.

        Raises:
            Unreadable: If the report does not count what the service bills.
        """
        unit = UNIT_OF_SERVICE[Service(service)]
        micros = None if self.seconds is None else self.seconds * _SECOND_US
        found = {Unit.OCTET: self.octets, Unit.MICROSECOND: micros, Unit.COUNT: self.units}
        quantity = found[unit]
        if quantity is None:
            detail = f"usage of {service} is counted in {unit.value}s, and the report holds none"
            raise Unreadable(Reason.FIELD_MISSING, detail)
        return {
            "quantity": quantity, "unit": unit.value, "duration_us": micros or 0,
            "up_octets": self.up or 0, "down_octets": self.down or 0,
        }  # fmt: skip
