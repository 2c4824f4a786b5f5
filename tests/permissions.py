"""Commands that are bound by permissions even where the tests run as root."""

import os
import shutil

import pytest


def bound_by_permissions(*command: object) -> list[str]:
    """Give a command that may read and write only what its user was permitted."""
    words = [str(word) for word in command]
    if os.geteuid() != 0:
        return words
    tool = shutil.which("setpriv")
    if tool is None:
        pytest.skip("root may read everything, and there is no setpriv to take that away")
    dropped = "-dac_override,-dac_read_search"
    return [tool, f"--bounding-set={dropped}", f"--inh-caps={dropped}", *words]
