"""What must hold of any usage: tried with cases that Hypothesis makes.

`LAWS=20 pytest tests/laws` tries twenty times as many of each law about formats.
"""

import os

from hypothesis import HealthCheck, settings

_TIMES = int(os.environ.get("LAWS", "1"))


def cases(count: int) -> settings:
    """Settings of a law that is tried for every format: its cases cost tens of milliseconds."""
    return settings(
        max_examples=count * _TIMES, deadline=None, suppress_health_check=list(HealthCheck)
    )
