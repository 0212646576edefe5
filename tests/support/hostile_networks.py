"""Networks that nobody trained: every number may be at the end of what it may be.

`hostile(seed)` draws one; the same seed gives the same one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.ir import Input, Network, Population, Projection, Readout
from edge_dassdp.quantize import Settings
from edge_dassdp.rules import (
    CUSUM,
    DASSDP,
    EIHL,
    ErrorScaled,
    ErrorSSDP,
    ErrorTouch,
    Guard,
    Homeostasis,
    Learning,
    PairSTDP,
    ReadoutDelta,
    Replay,
    Rule,
    Schedule,
)

N_STEPS = [1, 2, 3, 5, 8, 25, 64, 255]
THRESHOLDS = [1e-30, 1e-20, 1e-12, 1e-6, 1e-4, 1e-2, np.pi, 1e2, 1e4, 1e8, 1e15, 1e30]
LEAKS = [0.0, 0.5, 0.9, 1.0, 1 - 2.0**-20, 0.99999, 5e-324, 1e-9]
BIASES = [0.0, 5e-324, 1e-30, -1e-3, 1e3, -1e9, 1e20, 1e30, -1e30]
BELOW = [0.0, -1e-30, -1e-3, -1e3, -1e6, -1e9, -1e30]
GAINS = [1.0, 1e-30, 1e30, 1e-6, 1e6, 0.3]
SIZES = [1, 1, 2, 3, 5, 8, 33]
AMPLITUDES = [1e-300, 1e-20, 1e-9, 1e-4, 0.01, 0.4, 8.0, 1e3, 1e9, 1e200]
NEURONS: dict[str, dict[str, Any]] = {
    "none": {"reset": "none"}, "delayed": {}, "now": {"reset_delay": False},
    "once": {"reset_delay": False, "looks_back": False}, "zero": {"reset": "zero"},
    "zero now": {"reset": "zero", "reset_delay": False},
    "cancels": {"reset": "zero", "cancels_input": True},
    "several": {"reset_delay": False, "looks_back": False, "strict": False, "max_spikes": 0},
    "up to two": {"reset_delay": False, "looks_back": False, "strict": False, "max_spikes": 2}}


@dataclass(frozen=True)
class Hostile:
    """What `quantize` is given."""

    network: Network
    learning: Learning | None
    settings: Settings
    calibration: NDArray[np.float32] | None


def hostile(seed: int) -> Hostile | None:
    """One of them; None where the numbers drawn make no network at all (E101)."""
    try:
        return _Draw(np.random.default_rng(seed)).all()
    except EdgeError as refused:
        assert refused.code == "E101", refused
        return None


class _Draw:
    """wild: the share of numbers that are extreme."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.wild = float(self.pick([0.0, 0.05, 0.3, 1.0]))
        self.n_steps = int(self.pick(N_STEPS)) if self.often(0.99) else 65535

    def pick(self, pool: Any) -> Any:
        return pool[self.rng.integers(len(pool))]

    def often(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def numbers(self, pool: list[float], plain: float, n: int) -> NDArray[np.float64]:
        """Of n neurons: one for all, or one each."""
        if not self.often(self.wild):
            return np.full(n, plain)
        if self.often(0.3):
            return np.array([self.pick(pool) for _ in range(n)])
        return np.full(n, float(self.pick(pool)))

    def all(self) -> Hostile:
        spikes = self.often(0.4)
        frames = self.n_steps if self.n_steps < 256 and self.often(0.3) else 1
        inputs = [Input("x", int(self.pick([1, 2, 7, 40])), frames, spikes)]
        inputs += [Input("z", 3, 1, not spikes)] * self.often(0.3)
        kind = self.pick(["spike_count", "membrane_sum"])
        n = int(self.rng.integers(1, 4))
        populations = [self.population(f"p{k}", kind == "membrane_sum" and k == n - 1)
                       for k in range(n)]
        network = Network(tuple(inputs), tuple(populations),
                          tuple(self.projections(inputs, populations)),
                          Readout(populations[-1].name, kind), self.n_steps)
        return Hostile(network, self.learning(network) if self.often(0.4) else None,
                       self.settings(network), self.calibration(network))

    def population(self, name: str, is_summed: bool) -> Population:
        n = int(self.pick(SIZES)) if self.n_steps < 256 else 1
        kind = "none" if is_summed else self.pick(sorted(NEURONS))
        made: dict[str, Any] = {
            "beta": np.full(n, self.pick(LEAKS)), "threshold": self.numbers(THRESHOLDS, 1.0, n),
            "strict": self.often(0.5), **NEURONS[kind]}
        for field, pool, plain, share in (
                ("alpha", [0.0, 1e-30, 0.5, 0.9, 1.0], 0.5, 0.3), ("gain", GAINS, 1.0, 0.2),
                ("bias", BIASES, 0.1, 0.3), ("v_init", [*BELOW, 1e-30, 1e-5, 0.3], -0.1, 0.3),
                ("v_min", BELOW, -1.0, 0.3)):
            if self.often(share):
                made[field] = self.numbers(pool, plain, n)
        if kind == "zero now" and self.often(0.4):
            made["v_reset"] = self.numbers(BELOW, -0.1, n)
        return Population(name, n, **made)

    def projections(self, inputs: list[Input],
                    populations: list[Population]) -> list[Projection]:
        names = [p.name for p in populations]
        sizes = {i.name: i.size for i in inputs} | {p.name: p.size for p in populations}
        edges = [(inputs[0].name, names[0]), *pairwise(names)]
        edges += [("z", self.pick(names))] * (len(inputs) > 1)
        edges += [(self.pick(list(sizes)), self.pick(names)) for _ in range(self.rng.integers(3))]
        return [self.projection(f"e{k}", *edge, sizes)
                for k, edge in enumerate(dict.fromkeys(edges))]

    def projection(self, name: str, pre: str, post: str, sizes: dict[str, int]) -> Projection:
        shape = sizes[pre], sizes[post]
        weight = self.rng.normal(0, 2 / np.sqrt(shape[0]), shape)
        if self.often(self.wild):
            weight = self.twisted(weight)
        bias = None
        if self.often(0.5):
            bias = self.rng.normal(0, 0.2, shape[1]) * self.numbers([1e-30, 1e6, 1e20, 1e29], 1.0,
                                                                   1)
        return Projection(name, pre, post, weight, bias)

    def twisted(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        kind = self.pick(["zero", "scaled", "denormal", "silent", "mixed", "outlier"])
        if kind == "silent":
            weight[:, 0] = 0
        if kind == "outlier":
            weight.flat[0] = self.pick([1e3, 1e9, 1e30])
        factor: Any = {
            "zero": 0.0, "denormal": 5e-324,
            "scaled": 10.0 ** self.pick([-100, -30, -20, -12, -9, -6, 3, 6, 9, 15, 20, 28]),
            "mixed": 10.0 ** self.rng.uniform(-20, 20, weight.shape)}.get(kind, 1.0)
        return np.asarray(np.clip(weight * factor, -1e30, 1e30))

    def learning(self, network: Network) -> Learning | None:
        family, rules = self.pick(["error", "touch", "eihl", "sync", "stdp", "homeostasis"]), {}
        for p in network.projections:
            rule = self.rule(family, p.post == network.readout.population)
            try:
                Learning({**rules, p.name: rule}).validate(network)
            except EdgeError:
                continue
            rules[p.name] = rule
        beside: dict[str, Any] = {}
        if self.often(0.2):
            beside["schedule"] = Schedule(int(self.pick([1, 120, 4096])), self.pick([0.05, 1.0]))
        elif self.often(0.2):
            beside["schedule"] = ErrorScaled(self.pick([0.25, 15.0]), self.pick([0.01, 1.0]),
                                             self.pick([0.0, 0.97]))
        if self.often(0.2):
            beside["gate"] = CUSUM(self.pick([0.5, 60.0]), self.pick([0.01, 0.9]))
        if self.often(0.2):
            beside["replay"] = Replay(flash=0)
        if self.often(0.2):
            beside["guard"] = Guard(True, 4)
        try:
            made = Learning(rules, self.pick([0.0, 0.05, 0.999]), **beside)
            made.validate(network)
        except EdgeError:
            return None
        return made

    def rule(self, family: str, into_readout: bool) -> Rule:
        a = float(self.pick(AMPLITUDES)) if self.often(self.wild) else None
        if family == "sync":
            return DASSDP(a or 0.02, (a or 0.01) * self.pick([1, -1, 0]),
                          sigma=self.pick([1e-3, 1.0, 1e6]), batch=2)
        if family == "stdp":
            return PairSTDP(a or 1e-2, (a or 1e-2) * self.pick([1, -1, 0]),
                            self.pick([4.0, 1e-300, 1e300, 0.1]))
        if family == "homeostasis":
            return Homeostasis(a or 0.1, self.pick([0.0, 3.0, 255.0]))
        if into_readout:
            return ReadoutDelta(a or 0.4)
        if family == "eihl":
            return EIHL(a or 8.0, growth=self.pick([2e-4, 1e-300, 1.0]))
        return ErrorTouch(a or 8.0) if family == "touch" else ErrorSSDP(a or 8.0)

    def settings(self, network: Network) -> Settings:
        currents = {i.name for i in network.inputs if not i.spikes}
        return Settings(
            weight_bits=int(self.pick([4, 8, 8])),
            bits_of={p.name: int(self.pick([4, 6, 8] + [16] * (p.pre not in currents)))
                     for p in network.projections if self.often(0.5)},
            per_neuron=self.often(0.3), headroom=self.pick([1.0, 2.0, 64.0]),
            threshold_bits=self.pick([None, None, 4, 7, 10, 14]),
            leak=self.pick(["auto", "q15", "shift"]), membrane_bits=self.pick([None, None, 16, 32]),
            x_frac_bits=self.pick([None, None, -8, 0, 7]))

    def calibration(self, network: Network) -> NDArray[np.float32] | None:
        if not self.often(0.3) or self.n_steps > 255:
            return None
        columns = [self.rng.random((4, i.n_values)) < 0.2 if i.spikes else
                   self.rng.normal(0, 1, (4, i.n_values)) * self.numbers([0.0, 1e-30, 1e6], 1.0, 1)
                   for i in network.inputs]
        return np.concatenate(columns, axis=1).astype(np.float32)
