"""An importer's nodes and edges, checked: which paths lead from neurons to neurons, in which order
neurons are updated, and what is read out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.folding import refuse
from edge_dassdp.frontends.nodes import Entry, Exit, Flatten, Neurons, Node

MAX_PATHS = 64
"""Without neurons on them, into one population."""

Path = tuple[str, ...]
"""Names from an entry or neurons to neurons, what stands between them included."""


class Graph:
    """nodes and edges, with neurons `out` added where the exit follows none. read: the neurons that
    are read out. Raises EdgeError E101 or E102."""

    def __init__(self, nodes: Mapping[str, Node], edges: Sequence[tuple[str, str]]) -> None:
        self.nodes = dict(nodes)
        self.edges = list(edges)
        self._check_edges()
        self.read = self._read()
        self._pre: dict[str, list[str]] = {name: [] for name in self.nodes}
        for pre, post in self.edges:
            self._pre[post].append(pre)
        self._check_ends()
        self._check_loops()

    def paths(self) -> dict[str, list[Path]]:
        """Into every population, in the order of the edges."""
        return {name: self._into(name) for name, node in self.nodes.items()
                if isinstance(node, Neurons)}

    def order(self, paths: Mapping[str, list[Path]], given: Sequence[str] = ()) -> list[str]:
        """Populations in the order of their update: behind all that lead to them; in a loop those
        first to which the fewest neurons lead, then as the nodes stand."""
        if given:
            added = [n for n in paths if n not in given]
            if len(set(given)) != len(given) or set(given) - set(paths) or set(added) - {self.read}:
                raise EdgeError("E105", "the order given does not name all neurons once",
                                help=f"name each of {', '.join(paths)} once, or give no order")
            return [*given, *added]
        pre = {name: {p[0] for p in into} - {name} for name, into in paths.items()}
        done = {n for n, node in self.nodes.items() if isinstance(node, Entry)}
        depths = _depths(pre, done)
        left = list(paths)
        order: list[str] = []
        while left:
            ready = [n for n in left if pre[n] and pre[n] <= done]
            begun = [n for n in left if pre[n] & done]
            if not ready and not begun:
                raise EdgeError("E101", f"no input leads to the neurons '{left[0]}'",
                                help="add an edge that leads there, or leave them out")
            chosen = ready[0] if ready else min(begun, key=depths.__getitem__)
            order.append(chosen)
            done.add(chosen)
            left.remove(chosen)
        return order

    def _check_edges(self) -> None:
        for pre, post in self.edges:
            at = f"the edge {pre} -> {post}"
            for name in (pre, post):
                if name not in self.nodes:
                    raise EdgeError("E101", f"{at} names '{name}', which is no node",
                                    help="name one of its nodes: " + ", ".join(self.nodes))
            if isinstance(self.nodes[pre], Exit) or isinstance(self.nodes[post], Entry):
                raise EdgeError("E101", f"{at} leads into an input or out of an output",
                                help="leave it out, or let it lead the other way")
            if self.edges.count((pre, post)) > 1:
                raise refuse(f"{at} stands twice", "double the weights instead")

    def _read(self) -> str:
        exits = [n for n, node in self.nodes.items() if isinstance(node, Exit)]
        if not exits:
            raise refuse("the network has no output", "add a node Output, and an edge to it from "
                         "the node that is to be read")
        if len(exits) > 1:
            raise refuse(f"the network has {len(exits)} outputs"
                         + "".join(f", '{n}'" for n in exits), "keep the one that is to be read")
        last = [pre for pre, post in self.edges if post == exits[0]]
        if len(last) != 1:
            listed = " and ".join(f"'{n}'" for n in last) or "nothing"
            raise refuse(f"{listed} leads to the output '{exits[0]}'; exactly one node must",
                         "let one node lead there: the neurons that are to be read, or a node "
                         "that sums")
        at = last[0]
        while isinstance(self.nodes[at], Flatten):
            before = [pre for pre, post in self.edges if post == at]
            if len(before) != 1:
                break
            at = before[0]
        if isinstance(self.nodes[at], Neurons):
            return at
        out = "out"
        while out in self.nodes:
            out += "_"
        self.nodes[out] = Neurons({"beta": 0.0, "threshold": 1.0, "reset": "none"})
        self.edges.remove((last[0], exits[0]))
        self.edges += [(last[0], out), (out, exits[0])]
        return out

    def _check_ends(self) -> None:
        leading = {pre for pre, _ in self.edges}
        for name, node in self.nodes.items():
            if not self._pre[name] and not isinstance(node, Entry):
                raise EdgeError("E101", f"nothing leads into node '{name}'",
                                help="add an edge that leads there, or leave the node out")
            if name not in leading and not isinstance(node, Exit | Neurons):
                raise EdgeError("E101", f"node '{name}' leads nowhere",
                                help="add an edge from it, or leave the node out")

    def _check_loops(self) -> None:
        between = {n: node for n, node in self.nodes.items() if not isinstance(node, Neurons)}
        within = {name: [p for p in self._pre[name] if p in between] for name in between}
        try:
            TopologicalSorter(within).prepare()
        except CycleError as problem:
            loop = " -> ".join(problem.args[1])
            raise refuse(f"the loop {loop} has no neurons in it",
                         "put neurons into it: their spikes come back in the next step") from None

    def _into(self, target: str) -> list[Path]:
        found: list[Path] = []
        for path in self._back((target,)):
            found.append(path)
            if len(found) > MAX_PATHS:
                raise refuse(f"more than {MAX_PATHS} paths without neurons lead into '{target}'",
                             "put neurons between them, or multiply the weights of parallel ways "
                             "out into one")
        return found

    def _back(self, tail: Path) -> Iterator[Path]:
        for pre in self._pre[tail[0]]:
            path = (pre, *tail)
            if isinstance(self.nodes[pre], Entry | Neurons):
                yield path
            else:
                yield from self._back(path)


def _depths(pre: Mapping[str, set[str]], entries: set[str]) -> dict[str, float]:
    """Neurons on the shortest way from an input."""
    depths: dict[str, float] = dict.fromkeys(pre, np.inf) | dict.fromkeys(entries, 0.0)
    for _ in pre:
        for name, sources in pre.items():
            depths[name] = min(depths[name], 1 + min((depths[s] for s in sources), default=np.inf))
    return depths
