"""A check at work: its sides read, compared, and what it finds stored."""

from pathlib import Path

from assurance.checks.compare import Compared, compare
from assurance.checks.findings import alerts_of
from assurance.checks.models import Check
from cli.checks.sources import rows_of
from dashboards.queries import rows
from dataflows.catalogs import CatalogStore, tenant_of
from dataflows.controls.put import put_alerts
from dataflows.settings import Home, Settings
from dataflows.wall_clock import now_us
from warehouse.client import Client, opened


def compared(check: Check, folder: Path, client: Client | None) -> Compared:
    """Read both sides and compare them.

    Args:
        folder: Where its files lie.

    Raises:
        CheckMisuse: If a side cannot be read.
        CheckWrongError: If a side lacks a column.
        StoreError: If the store cannot be asked, or refuses.
    """
    left, right = (rows_of(one, folder, client) for one in (check.left, check.right))
    return compare(check, left, right)


def store(settings: Settings, check: Check, made: Compared) -> int:
    """Store alerts; give how many. Those that would close what is not open say nothing."""
    tenant, at = tenant_of(CatalogStore(Home(settings.home).catalogs)), now_us()
    where = (settings.store_url, Home(settings.home).store)
    with opened(*where, database=settings.database) as client:
        there = {row["alert_id"] for row in rows(client, "alerts_of_check")}
        alerts = [
            one for one in alerts_of(check, made, tenant, at)
            if one.state == "open" or one.alert_id in there
        ]  # fmt: skip
        put_alerts(client, alerts, at)
    return len(alerts)
