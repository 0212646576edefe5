"""Plastic biases: weights of one more neuron, which fires in every step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.ir import Network, Population, Projection
from edge_dassdp.rules import ErrorSSDP, ErrorTouch, Learning, ReadoutDelta, Rule

ALWAYS = "always"
EVER = 1e6
"""A sigma, in steps, under which all latencies are synchronous: such a neuron has no first spike
that would mean something."""


SHARE = 0.1
"""Of the weights' mu: every spike of a projection shares its step, a bias has it alone."""


def with_plastic_biases(network: Network, learning: Learning) -> tuple[Network, Learning]:
    """The same network with the biases of all error-driven projections learned, too.

    A population `always` of one neuron is put first; each such projection p passes its bias on to a
    projection `p_bias` from it, (1, n_post), which learns by p's rule with SHARE of its mu and
    without latencies, as a weight behind a neuron of n_steps spikes. A projection without a bias
    begins at 0.
    Raises EdgeError E203 if no rule is error-driven, E101 if a name is taken.
    """
    rules: dict[str, Rule] = {}
    made: list[Projection] = [Projection(f"{ALWAYS}_on", ALWAYS, ALWAYS, np.zeros((1, 1)),
                                         np.full(1, 2.0))]
    for p in network.projections:
        rule = learning.rules.get(p.name)
        if not isinstance(rule, ReadoutDelta | ErrorSSDP | ErrorTouch):
            made.append(p)
            continue
        bias = np.zeros(p.weight.shape[1]) if p.bias is None else p.bias
        name = f"{p.name}_bias"
        slower = replace(rule, mu=SHARE * rule.mu)
        rules[name] = replace(slower, sigma=EVER) if isinstance(slower, ErrorSSDP) else slower
        made += [replace(p, bias=None), Projection(name, ALWAYS, p.post, bias[None, :])]
    if not rules:
        raise EdgeError("E203", "no rule that learns from an error stands beside a bias",
                        help="plastic biases go with ReadoutDelta, ErrorSSDP or ErrorTouch")
    always = Population(ALWAYS, 1, 0.0, 1.0, reset="none")  # type: ignore[arg-type]
    grown = replace(network, populations=(always, *network.populations), projections=tuple(made))
    return grown, replace(learning, rules={**learning.rules, **rules})
