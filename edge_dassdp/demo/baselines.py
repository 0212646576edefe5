"""What the device rules are compared with on the host: pair-based STDP and what it would cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.ir import FloatArray, Network
from edge_dassdp.rules import Learning, PairSTDP, ReadoutDelta, Rule
from edge_dassdp.twin.learner import FloatLearner, Sample

TRACE_BYTES = 2  # int16 on a device


@dataclass(frozen=True)
class STDPCost:
    """What PairSTDP needs on a device.

    trace_bytes: RAM of the traces, one int16 per pre- and postsynaptic neuron.
    trace_updates: traces decayed per sample. weight_updates: read-modify-writes of weights in
    the samples counted: n_post for each presynaptic and n_pre for each postsynaptic spike.
    """

    trace_bytes: int
    trace_updates: int
    weight_updates: int


def pair_stdp_change(
    pre: NDArray[np.bool_], post: NDArray[np.bool_], rule: PairSTDP
) -> FloatArray:
    """dW / scale of one sample; pre (n_steps, n_pre), post (n_steps, n_post) spike rasters."""
    x, y = np.zeros(pre.shape[1]), np.zeros(post.shape[1])
    change = np.zeros((pre.shape[1], post.shape[1]))
    keep_x, keep_y = math.exp(-1 / rule.tau_plus), math.exp(-1 / rule.tau_minus)
    for s_pre, s_post in zip(pre.astype(np.float64), post.astype(np.float64), strict=True):
        x = x * keep_x + s_pre
        y = y * keep_y
        change += rule.a_plus * np.outer(x, s_post) - rule.a_minus * np.outer(s_pre, y)
        y = y + s_post
    return change


def pair_stdp_cost(pre: NDArray[np.bool_], post: NDArray[np.bool_]) -> STDPCost:
    """Cost of one sample; the same rasters as `pair_stdp_change`."""
    (n_steps, n_pre), n_post = pre.shape, post.shape[1]
    return STDPCost(
        trace_bytes=TRACE_BYTES * (n_pre + n_post),
        trace_updates=n_steps * (n_pre + n_post),
        weight_updates=int(pre.sum()) * n_post + int(post.sum()) * n_pre,
    )


class PairSTDPLearner(FloatLearner):
    """A `FloatLearner` whose `stdp` projections also follow `PairSTDP`.

    stdp: projection name -> rule, beside the rules of `learning`; a projection has one rule.
    `costs` holds one STDPCost per projection, its weight_updates summed over all samples learned.
    """

    def __init__(
        self,
        network: Network,
        learning: Learning | Mapping[str, Rule],
        stdp: Mapping[str, PairSTDP],
    ) -> None:
        super().__init__(network, learning)
        spiking = {p.name for p in network.populations}
        for name in stdp:
            if network.projection(name).pre not in spiking or name in self.learning.rules:
                raise EdgeError("E203", f"PairSTDP on '{name}': it starts at an input or has "
                                "another rule")
        self.stdp = dict(stdp)
        self.n_learned = 0
        self.costs: dict[str, STDPCost] = {}

    @classmethod
    def beside_delta(cls, network: Network, rule: PairSTDP | None = None) -> PairSTDPLearner:
        """ReadoutDelta on the readout, PairSTDP where `Learning.default` has ErrorSSDP."""
        rules = Learning.default(network).rules
        delta = {name: r for name, r in rules.items() if isinstance(r, ReadoutDelta)}
        hidden = {name: rule or PairSTDP() for name in rules if name not in delta}
        return cls(network, delta, hidden)

    def adapt(self, sample: Sample, label: int | None) -> None:
        """The rules of `learning`, then STDP; every sample is written, however sure it is."""
        super().adapt(sample, label)
        self.n_learned += 1
        for name, rule in self.stdp.items():
            projection = self.network.projection(name)
            pre, post = (sample.trace.spikes[p][0] for p in (projection.pre, projection.post))
            scale = float(np.abs(projection.weight).max())
            self.add(name, scale * pair_stdp_change(pre, post, rule))
            self._account(name, pair_stdp_cost(pre, post))

    def _account(self, name: str, cost: STDPCost) -> None:
        before = self.costs.get(name)
        updates = cost.weight_updates + (before.weight_updates if before else 0)
        self.costs[name] = STDPCost(cost.trace_bytes, cost.trace_updates, updates)
