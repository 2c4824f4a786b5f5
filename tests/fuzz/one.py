"""One target in a process of its own: the fuzzer ends the process that it runs in.

`--replay FILE` gives the target a file that was kept, without the fuzzer. Branches guide the fuzzer,
comparisons do not: watching them, atheris keeps every value that was compared.
"""

import argparse
import hashlib
import json
import resource
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import atheris
from atheris.import_hook import HookManager

from tests.fuzz.pieces import packed, smallest, unpacked

if TYPE_CHECKING:  # it is imported where its imports are watched
    from tests.fuzz.targets import Target

TIMEOUT_S = 120
"""A run that takes longer hangs: 256 records take a tenth of a second."""
MOST_MB = 2_000
MOST_GROWTH_MB = 300
"""From a quarter of the inputs, when caches are warm, to the last."""
_LONGEST = 1_500
_LOOK_TWICE, _FIRST_TWICE = 4, 2
_TELL_S = 1.0


class Fuzzing:
    """A target that counts what it was given, and keeps the smallest input that breaks a law."""

    def __init__(self, target: "Target", inputs: int, folder: Path) -> None:
        self.target, self.wanted, self.folder = target, inputs, folder
        self.inputs = self.runs = 0
        self.warm_mb = 0.0
        self.begun, self.told = time.monotonic(), 0.0

    def pieces(self, data: bytes) -> list[bytes]:
        """Give the inputs that a run of the fuzzer holds."""
        return unpacked(data) if self.target.many > 1 else [data]

    def __call__(self, data: bytes) -> None:
        pieces = self.pieces(data)
        again = self.runs % _LOOK_TWICE == _FIRST_TWICE
        try:
            self.target.check(pieces, again)
        except Exception:
            self.keep(pieces)
            raise
        self.runs += 1
        self.inputs += max(0, len(pieces) - (self.target.many > 1))
        self.tell()

    def keep(self, pieces: Sequence[bytes]) -> None:
        """Write the smallest part of a run that fails into the folder."""
        left = smallest(pieces, self.fails) if self.target.many > 1 else pieces
        data = packed(left) if self.target.many > 1 else left[0]
        path = self.folder / f"found-{hashlib.sha256(data).hexdigest()[:12]}"
        path.write_bytes(data)
        sys.stderr.write(f"{len(left)} pieces break a law, kept in {path}: {left!r:.2000}\n")

    def fails(self, pieces: Sequence[bytes]) -> bool:
        """Tell whether inputs break a law."""
        try:
            self.target.check(pieces, True)
        except Exception:  # noqa: BLE001  whatever it is, it is what is looked for
            return True
        return False

    def tell(self) -> None:
        """Write the figures, once a second and when all inputs were given."""
        now = time.monotonic()
        if not self.warm_mb and self.inputs >= self.wanted / 4:
            self.warm_mb = _resident_mb()
        if now - self.told < _TELL_S and self.inputs < self.wanted:
            return
        self.told = now
        figures = {
            "inputs": self.inputs, "runs": self.runs, "seconds": now - self.begun,
            "cpu_s": time.process_time(), "warm_mb": self.warm_mb, "now_mb": _resident_mb(),
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }  # fmt: skip
        (self.folder / "figures.json").write_text(json.dumps(figures))


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


class Mutation:
    """How the fuzzer makes the next input: by the target's own changes, or blindly."""

    def __init__(self, target: "Target") -> None:
        self.target = target

    def __call__(self, data: bytes, most: int, seed: int) -> bytes:
        chance = Random(seed)
        if self.target.many == 1:
            return self.changed(data or chance.choice(self.target.seeds), most, chance)
        head, *records = unpacked(data) or [b""]
        first, *seeds = self.target.seeds
        if chance.random() < 0.1:
            head = self.changed(first, _LONGEST, chance)
        elif chance.random() < 0.2:
            head = first
        pool = records or seeds
        room = most // (self.target.many + 1) - 3
        made = [
            self.changed(chance.choice(pool if chance.random() < 0.7 else seeds), room, chance)
            for _ in range(self.target.many)
        ]
        return packed([head[:room], *made])

    def changed(self, data: bytes, most: int, chance: Random) -> bytes:
        """Change an input."""
        blind = chance.random() < 0.4
        made = (
            atheris.Mutate(data, min(most, len(data) + 64))
            if blind
            else self.target.mutate(data, chance)
        )
        return bytes(made[:most])


def fuzz(target: "Target", inputs: int, folder: Path, *more: str) -> None:
    """Give a target so many inputs; does not return.

    Args:
        folder: Where corpus, figures and what breaks a law are kept.
        more: Options of the fuzzer.
    """
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    seeds = [packed(target.seeds)] if target.many > 1 else target.seeds
    for number, seed in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    runs = -(-inputs // target.many) + len(list(corpus.iterdir())) + 2
    longest = (_LONGEST + 3) * (target.many + 1) if target.many > 1 else 2 * _LONGEST
    options = [
        f"-runs={runs}", f"-max_len={longest}", f"-timeout={TIMEOUT_S}",
        f"-rss_limit_mb={MOST_MB}", f"-artifact_prefix={folder}/", "-reload=0", *more, str(corpus),
    ]  # fmt: skip
    counted = Fuzzing(target, inputs, folder)
    atheris.Setup([sys.argv[0], *options], counted, custom_mutator=Mutation(target))
    atheris.Fuzz()


def _replay(target: "Target", path: Path) -> int:
    data = path.read_bytes()
    try:
        target.check(unpacked(data) if target.many > 1 else [data], True)
    except Exception:  # noqa: BLE001  it is printed
        traceback.print_exc()
        return 1
    return 0


def main() -> int:
    """Fuzz one target, or replay a file."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.one", description=__doc__)
    parser.add_argument("--target", required=True)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1, help="of chance")
    parser.add_argument("--replay", type=Path, help="a file that was kept")
    wanted = parser.parse_args()
    with HookManager({"tallywire"}, set(), enable_loader_override=True, trace_dataflow=False):
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415  its imports are watched
    target = TARGETS[wanted.target]
    if wanted.replay:
        return _replay(target, wanted.replay)
    fuzz(target, wanted.inputs, wanted.folder, f"-seed={wanted.seed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
