"""Where canaries that were sent lie: an input folder of every run of the home."""

from pathlib import Path

from dataflows.settings import Home


def inbox(home: Home) -> Path:
    """Give the folder of canaries that were sent."""
    return home.canaries / "inbox"


def canary_inputs(home: Home, *, follow: bool) -> list[Path]:
    """Give the folder as an input; one that follows waits for canaries that may come later."""
    folder = inbox(home)
    if follow:
        folder.mkdir(parents=True, exist_ok=True)
    return [folder.resolve()] if folder.is_dir() else []
