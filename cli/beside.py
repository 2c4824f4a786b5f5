"""Which processes stand beside the workers of a run that follows its inputs."""

from cli.recycle.follow import RECYCLER
from cli.rerate.follow import FOLLOWER
from dataflows.beside import Beside
from dataflows.settings import Settings


def beside_of(settings: Settings) -> list[Beside]:
    """Give those that the settings ask for."""
    asked = ((FOLLOWER, settings.late_usage_s), (RECYCLER, settings.recycle_s))
    return [one for one, seconds in asked if seconds]
