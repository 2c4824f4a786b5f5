"""The process that delivers: its name in lock, log and figures, and whether there is one."""

from dataflows.kafka.names import ALERTS
from dataflows.settings import Settings

DELIVER = "deliver"


def publishes(settings: Settings) -> bool:
    """Tell whether findings go to the topic of Kafka."""
    return bool(settings.kafka) and ALERTS in settings.publish


def delivers(settings: Settings) -> bool:
    """Tell whether there is anybody who is told of findings."""
    return bool(settings.webhooks or settings.channels) or publishes(settings)
