"""Makes a `Network` of the nodes and edges that an importer has read.

Neurons become populations. Whatever stands on a path between two of them becomes one projection
(edge_dassdp.frontends.folding): sums are several projections, weights on the way are multiplied,
and a constant of a node that several paths share is added once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.notices import warn
from edge_dassdp.frontends import folding
from edge_dassdp.frontends.folding import Term, refuse
from edge_dassdp.frontends.graph import Graph, Path
from edge_dassdp.frontends.logits import Logits, doubt, with_logits
from edge_dassdp.frontends.nodes import Convolution, Entry, Linear, Neurons, Node, Pooling
from edge_dassdp.ir import (
    Encoder,
    FloatArray,
    Input,
    Network,
    Population,
    Projection,
    Readout,
    ReadoutKind,
    geometry,
)


@dataclass(frozen=True)
class EntrySettings:
    """How an input comes: fields of `ir.Input`. frames: one per step, or the same in all; None for
    what events or an encoder need, else the same in all. shape: where the first operation does not
    say it."""

    spikes: bool = False
    frames: bool | None = None
    n_events: int = 0
    counts: bool = False
    encoder: Encoder | None = None
    shape: tuple[int, ...] = ()

    def in_frames(self, name: str, n_steps: int) -> bool:
        """Raises EdgeError E105 where events or an encoder need what is not asked for."""
        if not self.encoder and not self.n_events:
            return bool(self.frames)
        needed = self.encoder.kind == "delta" if self.encoder else True
        if n_steps > 1 and self.frames not in (None, needed):
            how = f"a {self.encoder.kind} encoder" if self.encoder else "a list of events"
            raise EdgeError("E105", f"input '{name}' has {how}, which takes "
                            f"{'one frame a step' if needed else 'one frame for all steps'}",
                            help="leave the setting of frames out")
        return needed


@dataclass(frozen=True, eq=False)
class Origin:
    """Where a projection's weight comes from: `nodes` whose weights are multiplied in it. With one
    node and a factor, its weight = weight of the projection in the node's layout / factor."""

    nodes: tuple[str, ...]
    factor: FloatArray | None


@dataclass(frozen=True, eq=False)
class Assembly:
    """names: of populations and inputs by the node that they were."""

    network: Network
    names: Mapping[str, str]
    origins: Mapping[str, Origin]

    def weight_of(self, projection: str, weight: FloatArray) -> tuple[str, FloatArray]:
        """Node and weight in its layout, (n_out, n_in) or a convolution's, of a projection's
        weight. Raises EdgeError E102 where several nodes are in it or a factor is zero."""
        origin, q = self.origins[projection], self.network.projection(projection)
        if np.shape(weight) != q.weight.shape:
            raise EdgeError("E104", f"the weight of '{projection}' has shape {np.shape(weight)}, "
                            f"expected {q.weight.shape}", help="give it as projection("
                            f"'{projection}').weight of the network has it")
        if len(origin.nodes) != 1 or origin.factor is None or (origin.factor == 0).any():
            folded = " and ".join(f"'{n}'" for n in origin.nodes) or "no weights"
            raise refuse(f"projection '{projection}' was folded of {folded} with pooling or "
                         "scaling, so its weights do not tell theirs",
                         "put neurons between the operations, or keep this projection fixed")
        own = weight if q.conv else np.asarray(weight).T
        return origin.nodes[0], np.asarray(own, np.float64) / origin.factor


def assemble(nodes: Mapping[str, Node], edges: Sequence[tuple[str, str]], *, n_steps: int,
             entries: Mapping[str, EntrySettings] | None = None,
             readout: ReadoutKind | None = None, order: Sequence[str] = (),
             logits: Logits | None = None) -> Network:
    """The network of nodes joined by edges (from, to).

    entries: settings of `Entry` nodes by name. readout: None for the membrane sum if the population
    that is read does not reset and the spike count otherwise. logits: what the training loss saw of
    it (`frontends.logits`). order: all neurons in the order in which the source updates them;
    without it, neurons come behind all that lead to them, and in a loop those nearest to the inputs
    first. Spikes that go back in the order are those of the step before.

    Names are the nodes' own with other characters replaced by underscores; an only input is
    `input`, neurons added to read what ends without them are `out`, projections are called as the
    node with their weight, or `a_to_b`.

    Raises EdgeError E101 for a graph that is not well formed, E102 for what no network of
    populations can do, both naming the node; E105 for a setting out of range.
    """
    return assembly(nodes, edges, n_steps=n_steps, entries=entries, readout=readout,
                    order=order, logits=logits).network


def assembly(nodes: Mapping[str, Node], edges: Sequence[tuple[str, str]], *, n_steps: int,
             entries: Mapping[str, EntrySettings] | None = None,
             readout: ReadoutKind | None = None, order: Sequence[str] = (),
             logits: Logits | None = None) -> Assembly:
    """`assemble`, with what leads back from the network to the nodes."""
    if readout not in (None, "spike_count", "membrane_sum"):
        raise EdgeError("E105", f"readout '{readout}' is not known",
                        help="choose spike_count or membrane_sum")
    graph = Graph(nodes, edges)
    if readout == "spike_count" and graph.read not in nodes:
        raise EdgeError("E105", "readout is spike_count, but the network ends in currents, which "
                        "do not spike", help="choose membrane_sum")
    settings = dict(entries or {})
    for name in settings:
        if not isinstance(graph.nodes.get(name), Entry):
            raise EdgeError("E105", f"settings are given for an input '{name}', which is none",
                            help="choose one of " + ", ".join(
                                n for n, node in graph.nodes.items() if isinstance(node, Entry)))
    maker = _Maker(graph, n_steps, settings, order)
    projections = maker.projections()
    read = maker.populations[graph.read]
    kind = readout or ("membrane_sum" if read.reset == "none" else "spike_count")
    network = Network(tuple(maker.inputs.values()), tuple(maker.populations.values()), projections,
                      Readout(read.name, kind), n_steps)
    if readout is None and (doubted := doubt(network, logits)):
        warn(doubted)
    return Assembly(with_logits(network, logits), maker.names, maker.origins)


class _Maker:
    """Inputs and populations by the names of their nodes, then projections."""

    def __init__(self, graph: Graph, n_steps: int, settings: Mapping[str, EntrySettings],
                 order: Sequence[str]) -> None:
        self.graph = graph
        self.n_steps = n_steps
        self.paths = graph.paths()
        self.order = graph.order(self.paths, order)
        self.inputs: dict[str, Input] = {}
        self.populations: dict[str, Population] = {}
        self.origins: dict[str, Origin] = {}
        self._taken: set[str] = set()
        entries = [n for n, node in graph.nodes.items() if isinstance(node, Entry)]
        self.names = {n: self._named("input" if len(entries) == 1 else n, "in") for n in entries}
        self.names |= {n: self._named(n, "pop") for n in self.order}
        for name in entries:
            self.inputs[name] = self._input(name, settings.get(name, EntrySettings()))
        for name in graph.order(self.paths):
            self.populations[name] = self._population(name)
        self.populations = {name: self.populations[name] for name in self.order}

    def projections(self) -> tuple[Projection, ...]:
        terms = [(path, self._term(path)) for name in self.order for path in self.paths[name]]
        called = [self._called(path, term) for path, term in terms]
        made = []
        for (path, term), name in zip(terms, called, strict=True):
            alike = [p for (p, _), other in zip(terms, called, strict=True) if other == name]
            pre, post = self.names[path[0]], self.names[path[-1]]
            if len({p[0] for p in alike}) > 1:
                name = f"{name}_from_{pre}"
            if len({p[-1] for p in alike}) > 1:
                name = f"{name}_to_{post}"
            name = self._named(name, "fc" if term.conv is None else "conv")
            try:
                folded = folding.finish(term, geometry.volume(self.populations[path[-1]].shape))
                made.append(Projection(name, pre, post, folded.weight, folded.bias, folded.conv,
                                       folded.pool, folded.delay, folded.largest))
            except EdgeError as problem:
                raise _at(path[-1], problem) from None
            self.origins[name] = Origin(term.origins, folded.factor)
        return tuple(made)

    def _called(self, path: Path, term: Term) -> str:
        if term.origins:
            return term.origins[-1]
        return f"{self.names[path[0]]}_to_{self.names[path[-1]]}"

    def _named(self, name: str, kind: str) -> str:
        """An identifier that is not taken yet."""
        plain = re.sub(r"\W", "_", name, flags=re.ASCII).strip("_")
        plain = plain if plain and not plain[0].isdigit() else f"{kind}{plain}"
        unique, number = plain, 1
        while unique in self._taken:
            number += 1
            unique = f"{plain}_{number}"
        self._taken.add(unique)
        return unique

    def _input(self, name: str, settings: EntrySettings) -> Input:
        node = self.graph.nodes[name]
        assert isinstance(node, Entry)
        shape = tuple(settings.shape) or node.shape or self._first_shape(name)
        n_frames = self.n_steps if settings.in_frames(self.names[name], self.n_steps) else 1
        return Input(self.names[name], geometry.size(shape), n_frames, settings.spikes, shape,
                     settings.n_events, settings.counts, settings.encoder)

    def _first_shape(self, name: str) -> tuple[int, ...]:
        """Of an input, by what stands first behind it."""
        for path in (p for paths in self.paths.values() for p in paths if p[0] == name):
            for step in path[1:]:
                node = self.graph.nodes[step]
                if isinstance(node, Linear):
                    return (node.weight.shape[1],)
                if isinstance(node, Neurons) and node.size:
                    return (node.size,)
                if isinstance(node, Convolution | Neurons):
                    break
        raise EdgeError("E101", f"nothing says the shape of input '{name}'",
                        help="give it as the shape of the input: (channels, height, width), "
                        "(channels, length) or (n,)")

    def _population(self, name: str) -> Population:
        """Its shape is that of what leads there forward, a volume where there is one."""
        node = self.graph.nodes[name]
        assert isinstance(node, Neurons)
        terms = [self._term(path) for path in self.paths[name]
                 if path[0] in self.inputs or path[0] in self.populations]
        shaped = next((t for t in terms if t.rows is None), terms[0])
        space = shaped.space
        shape = shaped.shape if geometry.volume(shaped.shape) == space else space
        at = node.at or name
        if node.size not in (0, geometry.size(space)):
            raise EdgeError("E101", f"node '{at}' has {node.size} neurons, but "
                            f"{geometry.size(space)} values of shape {shape} lead there",
                            help=f"make it of {geometry.size(space)} neurons, or let the layer "
                            f"before it have {node.size} outputs")
        try:
            values: dict[str, Any] = {key: folding.spread(value, shape, space, key)
                      if _is_number(value) else value for key, value in node.settings.items()}
            return Population(self.names[name], geometry.size(space), shape=shape, **values)
        except EdgeError as problem:
            raise _at(at, problem) from None

    def _term(self, path: Path) -> Term:
        """What a path brings. The constant of a node is left to the first of all paths into the
        same neurons that go on alike from there."""
        source = self.inputs.get(path[0]) or self.populations[path[0]]
        is_spikes = isinstance(source, Population) or source.spikes
        term = folding.start(path[0], source.shape, is_spikes)
        for place, name in enumerate(path[1:-1], start=1):
            rest = path[place:]
            alike = [p for p in self.paths[path[-1]] if p[-len(rest):] == rest]
            node = self.graph.nodes[name]
            if len(alike) > 1 and isinstance(node, Pooling) and node.kind == "max":
                raise _at(name, refuse("it takes the largest of a sum, which is no sum of largest "
                                       "values", "pool each term alone, or put neurons before it"))
            term = folding.extend(term, name, node, path is alike[0])
        return term


def _is_number(value: Any) -> bool:
    return isinstance(value, float | np.ndarray | np.floating)


def _at(node: str, problem: EdgeError) -> EdgeError:
    return EdgeError(problem.code, f"node '{node}': {problem.message}", cause=problem.cause,
                     help=problem.help)
