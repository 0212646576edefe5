"""The power goes: what a board knows then, without a save to flash and behind one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from rich.console import RenderableType

from edge_dassdp import harness
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.datasets import Samples
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.report import screens
from edge_dassdp.targets.qemu import Qemu

_TITLES = {"factory": "as it came", "learned": "it has learned",
           "cut_unsaved": "power cut, nothing saved",
           "cut_saved": "learned again, saved, power cut"}


@dataclass(frozen=True)
class Knows:
    """What a device knows at a moment, asked of itself. accuracy: 0 to 1 of the test samples.
    learned_digest: of weights and learning state. in_flash: what it says of its slots."""

    accuracy: float
    n_labelled: int
    learned_digest: int
    in_flash: str


@dataclass(frozen=True)
class PowerCuts:
    """What happened to a device, in this order. cut_saved: it learned the same again before."""

    factory: Knows
    learned: Knows
    cut_unsaved: Knows
    cut_saved: Knows
    n_saves: int
    n_test: int

    def require(self) -> None:
        """Raises EdgeError E404 where what came back is not what was there."""
        for what, found, expected in (("learned", self.cut_saved, self.learned),
                                      ("there from the factory", self.cut_unsaved, self.factory)):
            if (found.learned_digest, found.accuracy) != (expected.learned_digest,
                                                          expected.accuracy):
                raise EdgeError("E404", f"after a power cut the device has not what was {what}",
                                cause=f"its digest is {harness.digest_text(found.learned_digest)}, "
                                      f"expected {harness.digest_text(expected.learned_digest)}")

    def results(self) -> dict[str, Any]:
        """For results.json; accuracies in percent."""
        return {"unit": "percent of the worn test samples", "n_test": self.n_test,
                "n_saves": self.n_saves,
                **{name: asdict(knows) | {"accuracy": round(100 * knows.accuracy, 3)}
                   for name, knows in self._moments()}}

    def screen(self) -> RenderableType:
        return screens.listing(
            ("the device", "accuracy, %", "lessons", "digest", "it says"),
            [(_TITLES[name], f"{100 * knows.accuracy:.1f}", f"{knows.n_labelled:,}",
              harness.digest_text(knows.learned_digest), knows.in_flash)
             for name, knows in self._moments()])

    def _moments(self) -> list[tuple[str, Knows]]:
        return [(name, getattr(self, name)) for name in _TITLES]


def cut_power(device: Qemu, network: QNetwork, stream: Samples, test: Samples) -> PowerCuts:
    """Let a device at factory weights learn the stream, and cut its power: before it saved to
    flash, and behind a save. Raises EdgeError E404 where what comes back is not what was there."""
    x, test_x = input_x(network, stream.x), input_x(network, test.x)

    def knows() -> Knows:
        found = device.statistics()
        return Knows(harness.accuracy(device, test_x, test.y), found.n_labelled,
                     found.learned_digest, str(device.in_flash))

    factory = knows()
    harness.learn_stream(device, x, stream.y)
    learned = knows()
    _cut(device)
    cut_unsaved = knows()
    harness.learn_stream(device, x, stream.y)
    n_saves = device.store().n_saves
    _cut(device)
    done = PowerCuts(factory, learned, cut_unsaved, knows(), n_saves, len(test))
    done.require()
    return done


def _cut(device: Qemu) -> None:
    """The first request finds the session gone; the next one begins another."""
    device.cut_power()
    try:
        device.statistics()
    except EdgeError as problem:
        if problem.code != "E505":
            raise
