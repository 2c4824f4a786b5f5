"""The embedded store's process: `python -m warehouse.serve HOME HTTP TCP MEMORY DATABASE`."""

import sys
from pathlib import Path

from warehouse.configuration import ServerPlan
from warehouse.errors import StoreError
from warehouse.parent import end_with_parent
from warehouse.server import serve


def main(arguments: list[str]) -> int:
    """Serve; give the exit code."""
    end_with_parent()
    home, http_port, tcp_port, memory, database = arguments
    plan = ServerPlan(
        Path(home), int(http_port), int(tcp_port), memory_bytes=int(memory), database=database
    )
    try:
        serve(plan)
    except StoreError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
