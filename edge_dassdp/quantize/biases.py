"""Plastic biases: weights of one more neuron, which fires in every step."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.ir import Network, Population, Projection
from edge_dassdp.rules import Learning, Rule

ALWAYS = "always"
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
    made: list[Projection] = []
    for p in network.projections:
        rule = learning.rules.get(p.name)
        slower = None if rule is None else rule.of_bias(SHARE)
        if slower is None:
            made.append(p)
            continue
        rules[f"{p.name}_bias"] = slower
        made += _apart(p)
    if not rules:
        raise EdgeError("E203", "no rule that learns from an error stands beside a bias",
                        help="plastic biases go with ReadoutDelta, ErrorSSDP or ErrorTouch")
    return _with_always(network, made), replace(learning, rules={**learning.rules, **rules})


def with_biases_apart(network: Network, names: Collection[str]) -> Network:
    """The same network with the biases of these projections as `with_plastic_biases` puts them."""
    return _with_always(network, [made for p in network.projections
                                  for made in (_apart(p) if p.name in names else [p])])


def _apart(p: Projection) -> list[Projection]:
    """A projection without its bias, and the bias as one of its own."""
    bias = np.zeros(p.weight.shape[1]) if p.bias is None else p.bias
    return [replace(p, bias=None), Projection(f"{p.name}_bias", ALWAYS, p.post, bias[None, :])]


def _with_always(network: Network, projections: list[Projection]) -> Network:
    """With a neuron that fires in every step."""
    always = Population(ALWAYS, 1, 0.0, 1.0, reset="none")  # type: ignore[arg-type]
    itself = Projection(f"{ALWAYS}_on", ALWAYS, ALWAYS, np.zeros((1, 1)), np.full(1, 2.0))
    return replace(network, populations=(always, *network.populations),
                   projections=(itself, *projections))
