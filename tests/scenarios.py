"""THE list of scenarios: small networks, what they learn with, and what is done to them.

Every target must give the same bits as the reference in each of them. `test_targets.py` runs
them, `test_coverage.py` checks that together they reach every feature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.ir import Input, Network, Population, Projection, Readout, ReadoutKind
from edge_dassdp.qir import QNetwork
from edge_dassdp.quantize import Settings, quantize
from edge_dassdp.rules import DASSDP, SSDP, ErrorSSDP, Learning, ReadoutDelta
from edge_dassdp.samples import input_x
from edge_dassdp.target import NO_LABEL, OWN_LOSS, Outcome, Target

Op = Literal["infer", "warm_up", "fit_gate", "learn"]
RESETS: dict[str, tuple[Any, bool]] = {
    "none": ("none", True),
    "subtract_delayed": ("subtract", True), "subtract_now": ("subtract", False),
    "zero_delayed": ("zero", True), "zero_now": ("zero", False),
}


@dataclass(frozen=True)
class Phase:
    """n calls of one kind. labelled: with a label; loss_q8: the host's, or the device's own."""

    op: Op
    n: int = 1
    labelled: bool = True
    loss_q8: int = OWN_LOSS


@dataclass(frozen=True)
class Call:
    """One call of a target."""

    op: Op
    x: NDArray[np.int8]
    label: int = NO_LABEL
    loss_q8: int = OWN_LOSS

    def run(self, target: Target) -> Outcome | None:
        if self.op == "fit_gate":
            target.fit_gate()
            return None
        if self.op == "infer":
            return target.infer(self.x, digest=True)
        call = target.learn if self.op == "learn" else target.warm_up
        return call(self.x, self.label, loss_q8=self.loss_q8, digest=True)


@dataclass(frozen=True)
class Scenario:
    """A network with its learning, its settings, and the phases that it goes through."""

    name: str
    network: Network
    learning: Learning | None
    settings: Settings = field(default_factory=Settings)
    phases: tuple[Phase, ...] = (Phase("infer", 2), Phase("learn", 10), Phase("infer"))
    density: float = 0.3
    calibrates: bool = False

    @cached_property
    def quantized(self) -> QNetwork:
        rng = np.random.default_rng(77)
        calibration = np.stack([self.sample(rng) for _ in range(8)]) if self.calibrates else None
        return quantize(self.network, self.learning, self.settings, calibration).network

    def sample(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """Currents of unit variance, spikes of a share `density` of the neurons."""
        parts = [rng.random(i.n_values) < self.density if i.spikes else rng.normal(0, 1, i.n_values)
                 for i in self.network.inputs]
        return np.concatenate(parts).astype(np.float32)

    def calls(self) -> Iterator[Call]:
        """The same calls every time, labels at random."""
        rng = np.random.default_rng(1000 + len(self.name))
        for phase in self.phases:
            for i in range(phase.n):
                x = self.sample(rng)
                label = int(rng.integers(self.network.n_classes)) if phase.labelled else NO_LABEL
                loss_q8 = phase.loss_q8 + 37 * i if phase.loss_q8 >= 0 else OWN_LOSS
                yield Call(phase.op, input_x(self.quantized, x)[0], label, loss_q8)


def layers(
    sizes: tuple[int, ...] = (20, 40, 24, 6), *, n_steps: int = 8, beta: Any = 0.9,
    hidden: tuple[str, ...] = ("subtract_delayed",), readout: str = "none",
    readout_beta: float = 0.0, kind: ReadoutKind = "membrane_sum", gain: float = 3.0,
    strict: bool = True, seed: int = 0, spikes: bool = False, frames: bool = False,
) -> Network:
    """A chain x -> h1 -> ... -> out, projections fc1, fc2, ...; `hidden` resets taken in turn."""
    rng = np.random.default_rng(seed)
    populations, projections, pre = [], [], "x"
    for k, (n_pre, n_post) in enumerate(pairwise(sizes), 1):
        last = k == len(sizes) - 1
        name = "out" if last else f"h{k}"
        reset, delay = RESETS[readout if last else hidden[(k - 1) % len(hidden)]]
        populations.append(Population(name, n_post, readout_beta if last else beta, 1.0, reset,
                                      delay, strict))
        spread = (1.5 if k == 1 else gain) / np.sqrt(n_pre)
        projections.append(Projection(f"fc{k}", pre, name, rng.normal(0, spread, (n_pre, n_post)),
                                      rng.normal(0, 0.1, n_post)))
        pre = name
    source = Input("x", sizes[0], n_steps if frames else 1, spikes)
    return Network((source,), tuple(populations), tuple(projections), Readout("out", kind), n_steps)


def graph(*, frames: bool, kind: ReadoutKind) -> Network:
    """Two inputs (one joins spikes), a skip, recurrence from behind and onto itself, 6 steps."""
    rng = np.random.default_rng(3)

    def w(n_pre: int, n_post: int, gain: float) -> NDArray[np.float64]:
        return rng.normal(0, gain / np.sqrt(n_pre), (n_pre, n_post))

    is_sum = kind == "membrane_sum"
    populations = (
        Population("a", 37, rng.uniform(0.5, 0.95, 37), rng.uniform(0.8, 1.2, 37), "subtract",
                   False),
        Population("b", 21, 0.85, 1.0, "zero", True),
        Population("c", 18, 0.75, 0.9, "subtract", True, False),
        Population("out", 5, 0.5 if is_sum else 0.9, 1.0, "none" if is_sum else "subtract"),
    )
    projections = (
        Projection("xa", "x", "a", w(13, 37, 2.0), rng.normal(0, 0.1, 37)),
        Projection("zb", "z", "b", w(7, 21, 0.8)),
        Projection("ab", "a", "b", w(37, 21, 3.0)),
        Projection("ac", "a", "c", w(37, 18, 3.0)),
        Projection("bc", "b", "c", w(21, 18, 3.0), rng.normal(0, 0.1, 18)),
        Projection("co", "c", "out", w(18, 5, 3.0)),
        Projection("bo", "b", "out", w(21, 5, 3.0), rng.normal(0, 0.1, 5)),
        Projection("cb", "c", "b", w(18, 21, 1.0)),
        Projection("bb", "b", "b", w(21, 21, 1.0)),
    )
    return Network((Input("x", 13, 6 if frames else 1), Input("z", 7)), populations, projections,
                   Readout("out", kind), 6)


DEEP = {"ab": ErrorSSDP(), "ac": ErrorSSDP(), "bc": ErrorSSDP(), "bb": ErrorSSDP(),
        "co": ReadoutDelta(), "bo": ReadoutDelta()}
GATED = (Phase("warm_up", 8), Phase("fit_gate"), Phase("learn", 10))


def _resets() -> Iterator[Scenario]:
    """Every reset in the hidden populations before every readout."""
    sizes, hidden = (20, 19, 18, 17, 16, 24, 6), tuple(RESETS)
    rules = Learning({"fc6": ReadoutDelta(), "fc5": ErrorSSDP()})
    net = layers(sizes, hidden=hidden, gain=2.5)
    yield Scenario("resets_membrane_sum", net, rules)
    for reset in RESETS:
        net = layers(sizes, hidden=hidden, gain=2.5, readout=reset, readout_beta=0.8,
                     kind="spike_count", strict=reset != "zero_now")
        yield Scenario(f"resets_count_{reset}", net, rules)


def _widths() -> Iterator[Scenario]:
    """Weight bits, frozen and plastic, wide and saturating membranes, leaks, per-neuron values."""
    net = layers()
    both = Learning.default(net)
    yield Scenario("bits_4_5_6", net, both, Settings(bits_of={"fc1": 4, "fc2": 5, "fc3": 6}))
    yield Scenario("bits_8_7_4", net, both, Settings(bits_of={"fc1": 8, "fc2": 7, "fc3": 4}),
                   (Phase("learn", 40),))
    yield Scenario("bits_5_16_8", net, both, Settings(bits_of={"fc1": 5, "fc2": 16, "fc3": 8}))
    yield Scenario("clipped_weights", net, Learning({"fc2": ErrorSSDP(mu=4000.0),
                                                     "fc3": ReadoutDelta(mu=8.0)}, seed=1),
                   Settings(headroom=1.0, bits_of={"fc2": 4, "fc3": 8}),
                   (Phase("learn", 20),))
    yield Scenario("saturated", layers((20, 19, 18, 17, 16, 24, 6), beta=1.0, gain=8.0,
                                       n_steps=25, hidden=tuple(RESETS), readout="none",
                                       readout_beta=1.0, kind="spike_count", seed=5),
                   Learning({"fc6": ReadoutDelta(), "fc5": ErrorSSDP()}),
                   Settings(threshold_bits=9, membrane_bits=16))
    yield Scenario("wide_membranes", layers(beta=1.0, n_steps=25, hidden=("none", "zero_delayed"),
                                            readout_beta=1.0),
                   Learning({"fc2": ErrorSSDP(), "fc3": ReadoutDelta(mu=8.0)}, skip_below=0.0),
                   Settings(threshold_bits=14))
    yield Scenario("wide_resets", layers((20, 19, 18, 17, 16, 24, 6), hidden=tuple(RESETS),
                                         gain=2.5, readout="subtract_now", readout_beta=0.8,
                                         kind="spike_count"),
                   Learning({"fc6": ReadoutDelta()}), Settings(membrane_bits=32))
    rng = np.random.default_rng(8)
    pops = tuple(Population(p.name, p.size, rng.uniform(0.4, 1.0, p.size),
                            rng.uniform(0.7, 1.3, p.size), p.reset, p.reset_delay, False)
                 for p in layers().populations)
    varied = Network(net.inputs, pops, net.projections, net.readout, net.n_steps)
    yield Scenario("per_neuron", varied, Learning({"fc3": ReadoutDelta()}),
                   Settings(per_neuron=True, weight_bits=5))
    yield Scenario("leak_shift", layers(beta=0.75, readout_beta=0.5), both)
    yield Scenario("leak_nearest_shift", layers(beta=0.9, gain=4.0), both, Settings(leak="shift"))
    yield Scenario("frozen", layers((20, 70, 33, 6), beta=0.75), None, Settings(leak="q15"),
                   (Phase("infer", 6),))
    for n_steps in (1, 7, 25, 255):
        yield Scenario(f"steps_{n_steps}", layers((12, 22, 13, 5), n_steps=n_steps), both)
    yield Scenario("never_skip", layers(gain=6.0), Learning(both.rules, skip_below=0.0))
    yield Scenario("often_skip", layers(gain=6.0), Learning(both.rules, skip_below=0.9))


def _kernels() -> Iterator[Scenario]:
    """What SIMD kernels take: int16 membranes in pairs, narrow weights, lists of many rows, dense
    projections, small analogue sums; inputs of spikes."""
    sizes, narrow = (70, 45, 33, 24, 6), Settings(membrane_bits=16, threshold_bits=7)
    for reset in RESETS:
        net = layers(sizes, hidden=(reset,), gain=2.5, spikes=True, frames=reset != "none",
                     readout=reset, readout_beta=0.9, kind="spike_count")
        yield Scenario(f"pairs_{reset}", net, Learning.default(net), narrow)
    for bits in (5, 6, 7):
        net = layers((150, 70, 24, 6), gain=2.5, spikes=True, frames=True, seed=bits)
        yield Scenario(f"spikes_{bits}", net, Learning.default(net),
                       replace(narrow, weight_bits=bits), density=0.2)
    wide = layers((1100, 40, 6), n_steps=5, spikes=True, frames=True)
    even = np.random.default_rng(1).uniform(-0.08, 0.08, (1100, 40))  # larger sums than a normal's
    wide = replace(wide, projections=(replace(wide.projections[0], weight=even),
                                      wide.projections[1]))
    yield Scenario("wide_sums", wide, Learning({"fc2": ReadoutDelta()}), density=0.4)
    yield Scenario("dense_wide", wide, Learning({"fc2": ReadoutDelta()}), density=0.9,
                   calibrates=True)
    dense = layers((90, 40, 24, 6), spikes=True, frames=True)
    yield Scenario("dense", dense, Learning({"fc3": ReadoutDelta()}), narrow, density=0.8,
                   calibrates=True)
    few = layers((3, 40, 6), spikes=False)
    yield Scenario("small_analogue", few, Learning({"fc2": ReadoutDelta()}),
                   Settings(bits_of={"fc1": 6}))


def _graphs() -> Iterator[Scenario]:
    early = {"ab": ErrorSSDP(), "co": ReadoutDelta()}
    yield Scenario("graph", graph(frames=False, kind="membrane_sum"), Learning(DEEP))
    yield Scenario("graph_frames_count", graph(frames=True, kind="spike_count"), Learning(DEEP))
    yield Scenario("graph_16", graph(frames=True, kind="membrane_sum"),
                   Learning({n: DEEP[n] for n in ("ac", "bc", "co", "bo")}),
                   Settings(bits_of={"ac": 16, "bc": 16}))
    yield Scenario("two_hops", graph(frames=False, kind="membrane_sum"), Learning(early))
    yield Scenario("three_hops", layers((20, 24, 22, 18, 13, 4), gain=3.5),
                   Learning({"fc2": ErrorSSDP(), "fc4": ErrorSSDP(sigma=0.5),
                             "fc5": ReadoutDelta(mu=0.8)}))


def _sync(name: str, hidden: Any, readout: Any = None, network: Network | None = None,
          phases: tuple[Phase, ...] = GATED, **settings: Any) -> Scenario:
    rules = {"fc2": hidden} | ({"fc3": readout} if readout else {})
    return Scenario(name, network or layers((20, 33, 22, 6)), Learning(rules),
                    Settings(**settings), phases)


def _synchrony() -> Iterator[Scenario]:
    strong: dict[str, Any] = {"a_plus": 0.01, "a_base": 0.004}
    described, described_4 = DASSDP(**strong), DASSDP(batch=4, **strong)
    published = DASSDP(variant="published", **strong)
    published_4 = DASSDP(variant="published", batch=4, **strong)
    count = layers((20, 33, 22, 6), readout="subtract_delayed", readout_beta=0.8,
                   kind="spike_count")
    yield _sync("described", described, described)
    yield _sync("described_4", described_4, described_4)
    yield _sync("published", published, published)
    yield _sync("published_4", published_4, published_4)
    yield _sync("published_4_count", published_4, published_4, count)
    yield _sync("ssdp_described", SSDP(a_plus=0.01, a_base=0.004), phases=(Phase("learn", 8),))
    yield _sync("ssdp_published_4", SSDP(0.01, 0.004, variant="published", batch=4),
                SSDP(-0.004, -0.01, variant="published", batch=4), phases=(Phase("learn", 9),))
    yield _sync("mixed_16", DASSDP(batch=3, **strong), ReadoutDelta(), bits_of={"fc2": 16},
                membrane_bits=16, threshold_bits=8)
    yield Scenario("mixed_error_hidden", layers((20, 33, 22, 6)),
                   Learning({"fc2": ErrorSSDP(), "fc3": described_4}), Settings(), GATED)
    yield _sync("discards", described_4, ReadoutDelta(), phases=(
        Phase("warm_up", 6), Phase("learn", 3), Phase("infer"), Phase("warm_up", 5),
        Phase("fit_gate"), Phase("learn", 7), Phase("warm_up", 1), Phase("learn", 5)))
    yield _sync("host_losses", described, ReadoutDelta(), phases=(
        Phase("warm_up", 6, loss_q8=100), Phase("warm_up", 3, labelled=False, loss_q8=700),
        Phase("fit_gate"), Phase("learn", 4, labelled=False), Phase("learn", 4, loss_q8=0),
        Phase("learn", 2, labelled=False, loss_q8=32600)))


def _all() -> tuple[Scenario, ...]:
    groups: tuple[Callable[[], Iterator[Scenario]], ...] = (
        _resets, _widths, _kernels, _graphs, _synchrony)
    return tuple(scenario for group in groups for scenario in group())


SCENARIOS: dict[str, Scenario] = {s.name: s for s in _all()}
