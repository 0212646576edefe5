"""What each population has to remember of a sample for the rules that learn from it."""

from __future__ import annotations

from collections.abc import Mapping

from edge_dassdp.ir import Network, Projection
from edge_dassdp.ir.credit import has_error
from edge_dassdp.qir import Records
from edge_dassdp.rules.base import Rule, Side, require


def with_error(network: Network, rules: Mapping[str, Rule]) -> set[str]:
    """Populations that an error-driven rule writes into, and those further along the way."""
    reached = {network.projection(name).post for name, rule in rules.items() if rule.needs.error}
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
        projection, needs = network.projection(name), rule.needs
        if population in (projection.pre, projection.post):
            kinds |= {needs.latency} if needs.latency else set()
            counts |= population in _sides(projection, needs.counts)
    membrane = bool(kinds) and network.population(population).reset == "none" and is_readout \
        and network.readout.kind == "membrane_sum"
    return (kinds.pop() if kinds else "none"), membrane, counts


def heard(network: Network, rules: Mapping[str, Rule]) -> set[str]:
    """Populations whose spikes of every step are kept until the sample is learned."""
    return {name for p, rule in rules.items()
            for name in _sides(network.projection(p), rule.needs.rasters)}


def touch_width(network: Network, rules: Mapping[str, Rule], population: str) -> float | None:
    """The share of the threshold within which membranes touch it, None where no rule asks.

    Raises EdgeError E203 where rules differ.
    """
    widths = {rule.needs.touch for name, rule in rules.items()
              if rule.needs.touch is not None and network.projection(name).post == population}
    require(len(widths) <= 1, f"touch rules into '{population}' have widths "
            f"{sorted(w for w in widths if w)}", help="give all of them the same width")
    return widths.pop() if widths else None


def batch_of(rules: Mapping[str, Rule]) -> int:
    """Samples of a batch, 1 where no rule learns from several. Raises E203 where rules differ."""
    sizes = {rule.needs.batch for rule in rules.values() if rule.needs.batch is not None}
    require(len(sizes) <= 1, f"synchrony rules have batches of {sorted(sizes)}",
            help="give all of them the same batch")
    return sizes.pop() if sizes else 1


def _sides(projection: Projection, side: Side) -> tuple[str, ...]:
    """The populations of a projection on that side."""
    return {"none": (), "pre": (projection.pre,), "both": (projection.pre, projection.post)}[side]


def require_no_classes(rules: Mapping[str, Rule], *, falls_back: bool, is_gated: bool,
                       follows_errors: bool, keeps_classes: bool) -> None:
    """E203 where something learns from classes alone, for outputs that are values. falls_back: a
    guard does; is_gated: a CUSUM gate decides; follows_errors: step sizes do; keeps_classes: class
    means or spare classes are asked for."""
    require(not keeps_classes, "class means and spare classes are of classes, and the outputs are "
            "values", help="leave out --class-means and --spare-classes, or --values")
    for name, rule in rules.items():
        require(rule.needs.batch is None, f"{type(rule).__name__} on '{name}' learns from batches, "
                "whose losses are of classes, and the outputs are values",
                help="choose ErrorTouch, ErrorSSDP or ReadoutDelta")
    require(not falls_back, "the guard counts right classes, and the outputs are values",
            help="give --guard 0 for the copy alone, or leave it out")
    require(not is_gated, "the CUSUM gate counts wrong classes, and the outputs are values",
            help="leave out --gate")
    require(not follows_errors, "steps by errors count wrong classes, and the outputs are values",
            help="give --schedule SAMPLES,FLOOR, or none")
