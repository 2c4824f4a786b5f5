"""What is promised before the engine runs: that seed, parameters and this source were these."""

import hashlib
from pathlib import Path

from benchmarks.simulator.parameters import Parameters


def source_hash() -> str:
    """Hash the simulator's own files, by name and content."""
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".py", ".toml"}:
            for part in (path.relative_to(folder).as_posix().encode(), path.read_bytes()):
                digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def commitment(seed: int, parameters: Parameters) -> str:
    """Hash seed, parameters and source into what is published."""
    text = f"{seed}\n{parameters.text}\n{source_hash()}\n"
    return hashlib.sha256(text.encode()).hexdigest()
