"""What a process that works batches is told by its environment, before its libraries load.

Every batch needs the memory that the batch before let go. Each allocator by itself soon gives such
memory back to the system, which clears every page anew: up to half of the CPU time of rating.
"""

import os
from collections.abc import Mapping

_KEPT_BYTES = 1024**3
_GROWN_BYTES = 64 * 1024**2
_KEPT_MS = 30_000
_SAID = {
    "POLARS_MAX_THREADS": "2",
    "MALLOC_MMAP_THRESHOLD_": str(_KEPT_BYTES),
    "MALLOC_TRIM_THRESHOLD_": str(_KEPT_BYTES),
    "MALLOC_TOP_PAD_": str(_GROWN_BYTES),
    "_RJEM_MALLOC_CONF": f"dirty_decay_ms:{_KEPT_MS},muzzy_decay_ms:{_KEPT_MS}",
    "MIMALLOC_PURGE_DELAY": str(_KEPT_MS),
}
"""For polars (its threads, its jemalloc), for glibc, for pyarrow's mimalloc."""
_OF_POLARS = {"_RJEM_MALLOC_CONF": "dirty_decay_ms:500,muzzy_decay_ms:1000"}
"""What polars itself puts into the environment of the process that loads it."""


def worker_environment() -> Mapping[str, str]:
    """Give what is added to the environment of a worker; what an operator set stays."""
    return {
        name: value
        for name, value in _SAID.items()
        if os.environ.get(name) in {None, _OF_POLARS.get(name)}
    }
