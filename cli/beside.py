"""Which processes stand beside the workers of a run that follows its inputs."""

from dataclasses import replace

from cli.canary.follow import CANARIES
from cli.checks.follow import CHECKS
from cli.controls.follow import CONTROLS
from cli.recycle.follow import RECYCLER
from cli.rerate.follow import FOLLOWER
from dataflows.beside import Beside
from dataflows.catalogs import CatalogStore
from dataflows.controls.thresholds import read_thresholds
from dataflows.settings import Home, Settings


def beside_of(settings: Settings) -> list[Beside]:
    """Give those that the settings ask for; nothing is cured while there was one catalogue only.

    Raises:
        ThresholdsWrong: If controls could not start by what their file says.
    """
    read_thresholds(settings)
    archive = CatalogStore(Home(settings.home).catalogs)
    recycler = replace(RECYCLER, needed=lambda _snapshot: len(archive.known()) > 1)
    asked = (
        (FOLLOWER, settings.late_usage_s),
        (recycler, settings.recycle_s),
        (CONTROLS, settings.controls_s),
        (CHECKS, settings.checks),
        (CANARIES, settings.canaries_s),
    )
    return [one for one, wanted in asked if wanted]
