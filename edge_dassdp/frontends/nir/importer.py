"""NIR importer: a graph of `nir` 1.0.8 becomes a `Network`, and learned weights go back into it.

A file does not say which discrete neuron its parameters belong to; a source profile does
(edge_dassdp.frontends.profile). Subgraphs are flattened, their nodes called `subgraph.node`. An
edge from neurons to themselves, or back in the order of their update, carries the spikes of the
step before.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.kinds import held_to_kinds
from edge_dassdp.frontends.assemble import Assembly, EntrySettings, assembly
from edge_dassdp.frontends.folding import refuse
from edge_dassdp.frontends.framework import NeuronSource
from edge_dassdp.frontends.logits import Logits
from edge_dassdp.frontends.nir.nodes import READERS, numbers, stored
from edge_dassdp.frontends.nir.told import Profiles, Told
from edge_dassdp.frontends.nir.tree import library, read_graph
from edge_dassdp.frontends.nodes import Delay, Entry, Neurons, Node
from edge_dassdp.ir import Encoder, FloatArray, Network, ReadoutKind

PARAMETERS: dict[str, tuple[str, ...]] = {
    "IF": ("r", "v_threshold", "v_reset"),
    "LIF": ("tau", "r", "v_leak", "v_threshold", "v_reset"),
    "CubaLIF": ("tau_syn", "tau_mem", "r", "v_leak", "v_threshold", "v_reset", "w_in"),
    "LI": ("tau", "r", "v_leak"),
    "CubaLI": ("tau_syn", "tau_mem", "r", "v_leak", "w_in"),
    "I": ("r",),
    "Threshold": ("threshold",),
}
"""Nodes that become populations."""

Edge = tuple[str, str]


@held_to_kinds()
def from_nir(source: Any, *, n_steps: int, profile: Profiles = None, spikes: bool = True,
             frames: bool | None = None, n_events: int = 0, counts: bool = False,
             encoder: Encoder | None = None, readout: ReadoutKind | None = None,
             logits: Logits | None = None, dt: float | None = None) -> Network:
    """The network of a NIR file or a nir.NIRGraph.

    profile: where it comes from, as a `SourceProfile` or its text ("sinabs",
    "snntorch,reset=zero,reset_delay=false"), or one per node of neurons with "*" for the others.
    dt: a step in the unit of the file's times, of neurons and delays, instead of the profile's.
    spikes, frames, n_events, counts, encoder: as in `EntrySettings`, for all inputs; frames: None
    for one per step, unless an encoder takes one for all. readout: None for the membrane sum if the
    last neurons do not reset and the spike count otherwise. logits: as of `from_torch`.

    Raises EdgeError E101 for a graph that is not well formed, E102 for what is not supported, E103
    for a file that is none, E105 for a setting that the source does not have or that changes
    nothing in the file, E106 where nothing says how neurons run, E303 without `nir`.
    """
    nodes, edges = _listed(_graph(source))
    frames = True if frames is None and not encoder else frames
    entry = EntrySettings(spikes, frames, n_events, counts, encoder)
    told = Told.of(profile, dt)
    sources = {name: _source(name, node, edges, nodes) for name, node in nodes.items()
               if _kind(node) in PARAMETERS}
    made: dict[str, Node] = {
        name: Neurons(told.neurons(sources[name]), f"{name} ({_kind(node)})")
        if name in sources else _between(name, node, told) for name, node in nodes.items()}
    last = [nodes[pre] for pre, post in edges if _kind(nodes[post]) == "Output"]
    if readout is None and len(last) == 1 and _kind(last[0]) == "Threshold":
        readout = "spike_count"
    silent = [name for name, source in sources.items() if not source.fires]
    if readout == "spike_count" and len(last) == 1 and any(nodes[n] is last[0] for n in silent):
        raise EdgeError("E105", f"readout is spike_count, but a {_kind(last[0])} does not spike",
                        help="choose membrane_sum")
    network = assembly(made, edges, n_steps=n_steps, readout=readout, logits=logits, entries={
        n: entry for n, node in made.items() if isinstance(node, Entry)}).network
    told.check(sources, {n: node for n, node in nodes.items() if _kind(node) == "Delay"})
    return network


def node_of(source: Any) -> dict[str, str]:
    """The node whose weight each projection of `from_nir` has; those folded of several are left
    out."""
    return {name: origin.nodes[0] for name, origin in _bare(_graph(source)).origins.items()
            if len(origin.nodes) == 1}


def to_nir(source: Any, weights: Mapping[str, ArrayLike]) -> Any:
    """The nir.NIRGraph of a file or graph, with other weights of Linear, Affine and Conv nodes.

    weights: by projection of `from_nir`, as `ir.Projection.weight` has them. They are stored in
    the type that the node has; everything else stays.

    Raises EdgeError E104 for another shape, E105 for an unknown projection, E102 where a projection
    was folded of several nodes, or where several projections share a node and disagree or are not
    all given.
    """
    graph = copy.deepcopy(_graph(source))
    made = _bare(graph)
    nodes, _ = _listed(graph)
    written: dict[str, FloatArray] = {}
    for projection, weight in weights.items():
        made.network.projection(projection)
        name, own = made.weight_of(projection, np.asarray(weight, np.float64))
        if not np.isfinite(own).all():
            raise EdgeError("E104", f"the weight of '{projection}' holds a NaN or an infinity",
                            help="give finite numbers")
        if name in written and not np.array_equal(written[name], own):
            raise refuse(f"projections share the weight of node '{name}' and disagree",
                         "learn only one of them, or give each a node of its own")
        written[name] = own
        node = nodes[name]
        node.weight = own.reshape(np.shape(node.weight)).astype(stored(node.weight).dtype)
    for projection, origin in made.origins.items():
        if projection not in weights and written.keys() & set(origin.nodes):
            raise refuse(f"'{projection}' shares the weight of node '{origin.nodes[0]}'",
                         f"give the weight of '{projection}', too")
    return graph


# ---- the graph -----------------------------------------------------------------------------------


def _graph(source: Any) -> Any:
    if isinstance(source, str | Path):
        return read_graph(source)
    if not isinstance(source, library().NIRGraph):
        raise EdgeError("E103", f"a {type(source).__name__} is no NIR file or graph",
                        help="give a nir.NIRGraph, or the path of a file that nir.write wrote")
    return source


def _kind(node: Any) -> str:
    return type(node).__name__


def _listed(graph: Any) -> tuple[dict[str, Any], list[Edge]]:
    """Flattened, and in an order that a file's order of nodes and edges does not change."""
    nodes, edges = _flattened(graph)

    def place(name: str) -> list[Any]:
        return [(part.isdigit(), int(part) if part.isdigit() else 0, part)
                for part in re.split(r"(\d+)", name)]

    return ({name: nodes[name] for name in sorted(nodes, key=place)},
            sorted(edges, key=lambda edge: [place(end) for end in edge]))


def _flattened(graph: Any, prefix: str = "") -> tuple[dict[str, Any], list[Edge]]:
    """Nodes by full name and edges, each once; ends of subgraphs are passed through."""
    for edge in graph.edges:
        for end in edge:
            if end not in graph.nodes:
                raise EdgeError("E101", f"the edge {prefix}{edge[0]} -> {prefix}{edge[1]} names "
                                f"'{end}', which is no node",
                                help="name one of its nodes: " + ", ".join(graph.nodes))
    nodes: dict[str, Any] = {}
    edges = [(f"{prefix}{a}", f"{prefix}{b}") for a, b in graph.edges]
    for key, node in graph.nodes.items():
        name = f"{prefix}{key}"
        if _kind(node) != "NIRGraph":
            nodes[name] = node
            continue
        inner, inner_edges = _flattened(node, f"{name}.")
        first, final = (_end(name, node, kind) for kind in ("Input", "Output"))
        edges = [(final if a == name else a, first if b == name else b) for a, b in edges]
        edges += inner_edges
        for end in (first, final):
            edges = _bypassed(edges, end)
            del inner[end]
        nodes |= inner
    return nodes, list(dict.fromkeys(edges))


def _end(name: str, graph: Any, kind: str) -> str:
    ends = [key for key, node in graph.nodes.items() if _kind(node) == kind]
    if len(ends) != 1:
        raise refuse(f"subgraph '{name}' has {len(ends)} nodes {kind}", "give it exactly one")
    return f"{name}.{ends[0]}"


def _bypassed(edges: list[Edge], name: str) -> list[Edge]:
    """Edges with a node left out."""
    posts = [b for a, b in edges if a == name]
    out: list[Edge] = []
    for a, b in edges:
        if b == name:
            out += [(a, post) for post in posts]
        elif a != name:
            out.append((a, b))
    return out


def _bare(graph: Any) -> Assembly:
    """The projections alone: neurons are placeholders."""
    nodes, edges = _listed(graph)
    made: dict[str, Node] = {}
    for name, node in nodes.items():
        if _kind(node) in PARAMETERS:
            made[name] = Neurons({"beta": 1.0, "threshold": 1.0})
        elif _kind(node) == "Delay":
            made[name] = Delay(np.zeros(1, np.int64))
        else:
            made[name] = _between(name, node, Told({}))
    return assembly(made, edges, n_steps=1)


# ---- the nodes -----------------------------------------------------------------------------------


def _between(name: str, node: Any, told: Told) -> Node:
    """A node that is no neurons."""
    kind = _kind(node)
    if kind == "Delay":
        return told.delay(name, node)
    if kind not in READERS:
        raise refuse(f"node '{name}' is a {kind}, which is not supported",
                     "supported are " + ", ".join([*READERS, "Delay", *PARAMETERS]))
    return READERS[kind](name, node)


def _source(name: str, node: Any, edges: list[Edge], nodes: Mapping[str, Any]) -> NeuronSource:
    kind = _kind(node)
    values = {key: numbers(name, key, getattr(node, key)) for key in PARAMETERS[kind]}
    source = NeuronSource(name, kind, values, name in _reached(name, edges, nodes))
    if not source.fires:
        behind = [n for n in _behind(name, edges, nodes) if _kind(nodes[n]) != "Output"]
        if behind:
            raise refuse(f"node '{name}' is a {kind}, whose output is its membrane, and leads to "
                         f"'{behind[0]}'", "only the last neurons may pass on their membrane")
    return source


def _behind(name: str, edges: list[Edge], nodes: Mapping[str, Any]) -> list[str]:
    """Where a node leads, past nodes that change the shape alone."""
    found, passed, left = [], {name}, [name]
    while left:
        at = left.pop()
        posts = [b for a, b in edges if a == at]
        found += [post for post in posts if _kind(nodes[post]) != "Flatten"]
        left += [post for post in posts if _kind(nodes[post]) == "Flatten" and post not in passed]
        passed |= set(posts)
    return found


def _reached(name: str, edges: list[Edge], nodes: Mapping[str, Any]) -> set[str]:
    """Nodes that a node leads to, up to the next neurons."""
    reached: set[str] = set()
    left = [name]
    while left:
        at = left.pop()
        for post in (b for a, b in edges if a == at):
            if post not in reached:
                reached.add(post)
                if _kind(nodes[post]) not in PARAMETERS:
                    left.append(post)
    return reached
