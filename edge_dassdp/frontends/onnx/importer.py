"""ONNX importer: one time step of a network of snnTorch neurons, exported by PyTorch.

    class Step(torch.nn.Module):
        def forward(self, x, mem1, mem2):
            spikes, mem1 = self.lif1(self.fc1(x), mem1)
            spikes, mem2 = self.lif2(self.fc2(spikes), mem2)
            return spikes, mem1, mem2

    torch.onnx.export(Step().eval(), (x, mem1, mem2), "step.onnx", dynamo=True)

Both exporters are read (dynamo=True, opset 20; dynamo=False, opset 17), and what onnxruntime (basic
and extended), onnxsim and onnxslim make of their files. Names and the order of nodes play no part:
neurons are found by what they compute (`neurons`), and with them the output of each state input.
Neurons are updated behind those that lead to them in the step; what comes by an input that is fed
an output of the step before (snnTorch's RLeaky and RSynaptic) is a step late. Only who runs the
file knows which input that is: `feedback` says it. A reset within the step (reset_delay=False)
leaves PyTorch by dynamo=False alone. A file holds no initial state, which is zero here as in
snnTorch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.kinds import held_to_kinds
from edge_dassdp.frontends.assemble import Assembly, EntrySettings, assembly
from edge_dassdp.frontends.logits import Logits
from edge_dassdp.frontends.nodes import Delay, Entry, Exit, Flatten, Neurons, Node, Scale
from edge_dassdp.frontends.onnx import wiring
from edge_dassdp.frontends.onnx.check import Wiring
from edge_dassdp.frontends.onnx.check import check as compare
from edge_dassdp.frontends.onnx.graph import Operation, StepGraph, read, refuse
from edge_dassdp.frontends.onnx.neurons import Found, find
from edge_dassdp.ir import Encoder, Network, ReadoutKind, geometry


@held_to_kinds()
def from_onnx(path: Path | str, *, n_steps: int, spikes: bool = False,
              frames: bool | None = None, n_events: int = 0, counts: bool = False,
              encoder: Encoder | None = None,
              entries: Mapping[str, EntrySettings] | None = None, output: str | None = None,
              feedback: Mapping[str, str] | None = None,
              readout: ReadoutKind | None = None, logits: Logits | None = None,
              check: bool = True) -> Network:
    """The network whose time step a file holds.

    spikes, frames, n_events, counts, encoder: how the input comes, as in `EntrySettings`. entries:
    the same by input name, needed where samples hold several inputs. output: name of the output
    that is read out, needed where several could be. feedback: input -> output by name, for inputs
    that are given the spikes of the step before; states of neurons need no mention. logits: as of
    `from_torch`. check: whether
    the network is compared with the file, run by onnxruntime where it is installed, on a few random
    samples.

    Raises EdgeError E103 for a file that is no ONNX, E102 for what is not supported, by name and
    with what to do, E101 for values and shapes that do not fit, E105 for names that do not exist
    and settings that are given twice, E106 for inputs of which nothing says what they are given,
    E107 where the file computes something else, E303 without the package onnx.
    """
    common = EntrySettings(spikes, frames, n_events, counts, encoder)
    if entries is not None and common != EntrySettings():
        raise EdgeError("E105", "spikes, frames, n_events, counts and encoder belong to the only "
                        "input, and entries are given", help="give them in entries")
    graph = read(path)
    found = find(graph, {*(entries or ()), *(feedback or ())})
    if not found:
        raise refuse("no neurons were found", cause="of the inputs "
                     f"{', '.join(graph.inputs)} none comes back as a state",
                     help="pass every state into forward and return it (init_hidden=False)")
    built = _Builder(graph, found, feedback or {}, entries)
    built.build(output, readout)
    settings = entries
    if settings is None:
        settings = {n: common for n, node in built.nodes.items() if isinstance(node, Entry)}
    made = assembly(built.nodes, built.edges, n_steps=n_steps, entries=settings, readout=readout,
                    order=built.order, logits=logits)
    if check:
        compare(graph, made.network, built.wiring(made))
    return made.network


@dataclass
class _Builder:
    """sources: nodes whose sum a value is. inside: the neurons that make a value. order: nodes of
    `found`. end: the value that is read."""

    graph: StepGraph
    found: list[Found]
    feedback: Mapping[str, str]
    entries: Collection[str] | None
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)
    sources: dict[str, list[str]] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    end: str = ""

    def __post_init__(self) -> None:
        self.inside = {o.output: f for f in self.found for o in f.piece.operations}
        self.consumers = self.graph.consumers()

    def build(self, output: str | None, readout: ReadoutKind | None) -> None:
        end = self.end = self._read(output)
        self._name_neurons(self.inside.get(end), readout)
        self._enter()
        needed = self._needed(end)
        for operation in self.graph.operations:
            if operation.output in needed:
                self._wire(operation)
        for f, key in zip(self.found, self.order, strict=True):
            for current in f.piece.currents:
                self._join(current, key)
        self.nodes["exit"] = Exit()
        if end in self.inside:
            self.edges.append((self._key_of(self.inside[end]), "exit"))
        else:
            self._join(end, "exit")

    def wiring(self, made: Assembly) -> Wiring:
        """Where values of the network are in the file."""
        populations = {made.names[key]: f for key, f in zip(self.order, self.found, strict=True)}
        read, end = made.network.readout.population, self.end
        currents = {} if read in populations else {
            read: next(n for n, value in self.graph.outputs.items() if value == end)}
        inputs = {made.names[n]: n for n, node in self.nodes.items() if isinstance(node, Entry)}
        return Wiring(inputs, populations, currents, self.feedback)

    def _key_of(self, found: Found) -> str:
        return self.order[self.found.index(found)]

    def _add(self, stem: str, node: Node, number: int = 0) -> str:
        """Its name: the stem and a number, unlike all inputs."""
        number = number or 1 + sum(name.rstrip("0123456789") == stem for name in self.nodes)
        key = f"{stem}{number}"
        while key in self.nodes or key in self.graph.inputs:
            key += "_"
        self.nodes[key] = node
        return key

    # ---- ends ------------------------------------------------------------------------------------

    def _read(self, output: str | None) -> str:
        """The value that is read out."""
        outputs = self.graph.outputs
        if output is not None:
            if output not in outputs:
                raise EdgeError("E105", f"there is no output '{output}'",
                                help=f"choose one of {', '.join(outputs)}")
            return outputs[output]
        ends = [f.piece.operations[-1].output for f in self.found if not f.piece.leaving]
        ends += [v for v in dict.fromkeys(outputs.values())
                 if v not in self.inside and v not in self.graph.inputs and v not in self.consumers]
        if len(ends) != 1:
            raise refuse(f"{len(ends)} values could be what the network is read by",
                         help=f"name it: output= one of {', '.join(outputs)}")
        return ends[0]

    def _name_neurons(self, last: Found | None, readout: ReadoutKind | None) -> None:
        """Nodes of the neurons; their spikes become sources."""
        for number, f in enumerate(self.found, start=1):
            is_out = f is last and f.settings["reset"] == "none"
            if f is last and not f.spikes and (readout == "spike_count" or not is_out):
                raise refuse(f"the spikes of the neurons at {f.piece.at} are to be counted, but "
                             "they are not returned", help="return them from forward")
            node = Neurons(dict(f.settings), f.piece.at, geometry.size(f.shape))
            key = "out" if is_out and "out" not in self.graph.inputs else ""
            if key:
                self.nodes[key] = node
            self.order.append(key or self._add("lif", node, number))
            self.sources |= {value: [self.order[-1]] for value in f.spikes}

    def _enter(self) -> None:
        """Inputs that are no states: entries, or spikes of the step before."""
        graph = self.graph
        states = {s for f in self.found for s in f.states}
        free = [n for n in graph.inputs if n not in states and n in self.consumers]
        for name in (*self.feedback, *(self.entries or ())):
            if name not in free:
                what = f"nothing takes input '{name}'" if name in graph.inputs else \
                    f"there is no input '{name}'"
                raise EdgeError("E105", f"{what}, to feed back to, or with samples",
                                help=f"choose one of {', '.join(free)}")
        open_inputs = [n for n in free if n not in self.feedback
                       and n not in (self.entries or ())]
        if len(open_inputs) > (self.entries is None):
            raise self._unsaid(open_inputs)
        for name in free:
            self.nodes[name] = self._fed_back(name) if name in self.feedback else \
                Entry(graph.inputs[name])
            self.sources[name] = [name]

    def _unsaid(self, names: Collection[str]) -> EdgeError:
        """Inputs that are no states of neurons: a sample or an output of the step before."""
        possible = {name: [out for out, value in self.graph.outputs.items()
                           for f in self.found if value in f.spikes
                           and f.shape == self.graph.inputs[name]] for name in names}
        told = [f"'{name}'" + f" (perhaps by {' or '.join(some)})" * bool(some)
                for name, some in possible.items()]
        name, out = next(((n, some[0]) for n, some in possible.items() if some), ("in", "out"))
        return EdgeError(
            "E106", f"nothing says what is fed to {' and '.join(told)}",
            cause="no output holds a new state for it: what is left is given by the sample, or is "
            "an output of the step before",
            help="return its new value from forward if it is a state; else name the outputs that "
            f"come back, feedback={{'{name}': '{out}'}} or on the "
            f"command line --feedback {name}={out}; and the inputs that samples hold, in entries "
            "or with --entry, where there are several")

    def _fed_back(self, name: str) -> Node:
        """Spikes of the step before: an edge back is a step late by itself, one forward is not."""
        value = self.graph.outputs.get(self.feedback[name], "")
        source = self.inside.get(value)
        if source is None or value not in source.spikes:
            raise EdgeError("E105", f"output '{self.feedback[name]}' holds no spikes to feed back",
                            help=f"choose one of {', '.join(self.graph.outputs)}")
        self.edges.append((self._key_of(source), name))
        place = self.found.index(source)
        late = {n > place for n, f in enumerate(self.found)
                if self._reaches(name, set(f.piece.currents))}
        if len(late) == 2:
            raise refuse(f"input '{name}' leads to earlier and to later neurons than it comes from",
                         help="give each its own input")
        return Delay(np.full(1, int(late == {True}), np.int64))

    def _needed(self, end: str) -> set[str]:
        """Values between neurons that the read one and currents are made of."""
        makers = {o.output: o for o in self.graph.operations if o.output not in self.inside}
        ahead = [end, *(v for f in self.found for v in f.piece.currents)]
        needed: set[str] = set()
        while ahead:
            value = ahead.pop()
            if value in makers and value not in needed:
                needed.add(value)
                ahead += makers[value].inputs
        return needed

    def _reaches(self, value: str, ends: set[str]) -> bool:
        """By wiring alone."""
        seen, ahead = {value}, [value]
        while ahead:
            taking = self.consumers.get(ahead.pop(), [])
            new = {o.output for o in taking if o.output not in self.inside} - seen
            seen |= new
            ahead += sorted(new)
        return bool(seen & ends)

    # ---- between ---------------------------------------------------------------------------------

    def _join(self, value: str, key: str) -> None:
        self.edges += [(source, key) for source in self._sources(value)]

    def _sources(self, value: str) -> list[str]:
        if value not in self.sources:
            raise refuse(f"state input '{value}' leads on, and is neither spikes nor a current",
                         help="read or pass on the spikes instead")
        return self.sources[value]

    def _wire(self, operation: Operation) -> None:
        """The value of an operation between neurons."""
        graph = self.graph
        if operation.kind in _SUMS and not any(v in graph.constants for v in operation.inputs):
            self.sources[operation.output] = self._sum(operation)
            return
        stem, node = wiring.node(graph, operation)
        value = next(v for v in operation.inputs if v not in graph.constants)
        before = self._sources(value)
        entry = self.nodes[before[0]]
        if isinstance(node, Flatten) and isinstance(entry, Entry) and len(before) == 1 \
                and len(self.consumers[value]) == 1:
            self.nodes[before[0]] = Entry(graph.shapes[operation.output])
            self.sources[operation.output] = before
            return
        key = self._add(stem, node)
        self._join(value, key)
        self.sources[operation.output] = [key]

    def _sum(self, operation: Operation) -> list[str]:
        """Sources of a sum or a difference; one that comes twice comes by a node of its own."""
        total: list[str] = []
        for place, value in enumerate(operation.inputs):
            if self.graph.shape(value, operation) != self.graph.shape(operation.output, operation):
                raise refuse(f"{operation.at} adds values of different shapes",
                             help="add values of one shape")
            sign = -1.0 if operation.kind == "Sub" and place else 1.0
            sources = self._sources(value)
            if sign < 0 or set(sources) & set(total):
                key = self._add("scale", Scale(np.full(1, sign)))
                self._join(value, key)
                sources = [key]
            total = total + sources
        return total


_SUMS = ("Add", "Sub", "Sum")
