"""Names of the product's own topics."""

from dataflows.settings import Settings

USAGE, OUTCOMES, LANES = "usage", "outcomes", "lanes"
RATED, SUSPENSE, ALERTS = "rated", "suspense", "alerts"


def topic_of(settings: Settings, name: str) -> str:
    """Give the whole name of one of the product's topics."""
    return f"{settings.topic_prefix}{name}"
