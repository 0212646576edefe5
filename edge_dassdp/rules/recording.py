"""What each population has to remember of a sample for the rules that learn from it."""

from __future__ import annotations

from collections.abc import Mapping

from edge_dassdp.ir import Network
from edge_dassdp.ir.credit import has_error
from edge_dassdp.qir import Records
from edge_dassdp.rules.local import PairSTDP
from edge_dassdp.rules.specification import ReadoutDelta, Rule, latency_kind, needs_error


def with_error(network: Network, rules: Mapping[str, Rule]) -> set[str]:
    """Populations that an error-driven rule writes into, and those further along the way."""
    reached = {network.projection(name).post for name, rule in rules.items() if needs_error(rule)}
    order = [p.name for p in network.populations]
    for name in order:
        if name in reached:
            reached |= {p.post for p in network.projections
                        if p.pre == name and order.index(p.post) > order.index(name)
                        and has_error(network, p.post)}
    return reached


def recorded(network: Network, rules: Mapping[str, Rule],
             population: str) -> tuple[Records, bool, bool]:
    """Which spike to remember, whether its membrane stands for spikes, whether to count."""
    is_readout = population == network.readout.population
    counts = population in with_error(network, rules) and not is_readout
    kinds = set()
    for name, rule in rules.items():
        projection = network.projection(name)
        if population in (projection.pre, projection.post) and not isinstance(rule, PairSTDP):
            kind = latency_kind(rule)
            kinds |= {kind} if kind else set()
            counts |= projection.pre == population or not isinstance(rule, ReadoutDelta)
    membrane = bool(kinds) and network.population(population).reset == "none" and is_readout \
        and network.readout.kind == "membrane_sum"
    return (kinds.pop() if kinds else "none"), membrane, counts
