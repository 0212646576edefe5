"""What class means and spare classes ask of what learns."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from edge_dassdp.ir import Network
from edge_dassdp.rules.base import Rule, require


def hidden_of(network: Any, plastic: Collection[str]) -> str:
    """The population whose counts have class means: the only one of several neurons that a plastic
    projection leads from into the readout. network: float or quantized. Raises EdgeError E203."""
    readout = network.readout if isinstance(network.readout, str) else network.readout.population
    sources = {q.pre for q in network.projections if q.name in plastic and q.post == readout
               and any(p.name == q.pre and p.size > 1 for p in network.populations)}
    require(len(sources) == 1, f"class means: {len(sources)} populations lead into the readout by "
            "what learns, expected one", help="let the projection from the last hidden population "
            "into the readout learn, or leave out class means")
    return str(sources.pop())


def check_classes(network: Network, rules: Mapping[str, Rule], *, class_means: bool,
                  falls_back: bool) -> None:
    """EdgeError E203 where means or spare classes cannot be learned."""
    n_spare = network.readout.spare_classes
    if not class_means and not n_spare:
        return
    what = "class means" if class_means else "spare classes"
    require(not falls_back, f"{what} beside a guard that falls back to factory weights, which know "
            "neither", help="give --guard 0, a copy alone")
    if class_means:
        require(network.n_classes > 1, "class means: the network has one output",
                help="leave out --class-means")
        hidden_of(network, rules)
    into = {name: rule for name, rule in rules.items()
            if network.projection(name).post == network.readout.population}
    require(not n_spare or (bool(into) and all(r.needs.error for r in into.values())),
            "spare classes: nothing learns into the readout from labels, or something from "
            "elsewhere", help="let the readout learn by the delta rule alone")
