"""Formats: usage written as network elements write it, one file for each kind of feed."""

from benchmarks.simulator.emitters.access import Access
from benchmarks.simulator.emitters.emitter import Emitter
from benchmarks.simulator.emitters.mobile import Mobile
from benchmarks.simulator.emitters.pbx import Pbx
from benchmarks.simulator.emitters.platform import Platform
from benchmarks.simulator.emitters.switch import Switch

EMITTERS: dict[str, Emitter] = {
    "switch": Switch(), "pbx": Pbx(), "mobile": Mobile(), "access": Access(), "platform": Platform(),
}  # fmt: skip

__all__ = ["EMITTERS", "Emitter"]
