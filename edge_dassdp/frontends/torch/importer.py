"""PyTorch importer: live modules in the order they run become a `Network`.

- neurons: of each framework that has a file beside this one, which states their equations;
  `Population.equation` says what became of a module
- between them: torch.nn Linear, Conv1d, Conv2d, BatchNorm1d, BatchNorm2d, Flatten, AvgPool,
  MaxPool and AdaptiveAvgPool (1d, 2d), and layers of the frameworks; Identity and Dropout are
  ignored
- containers: nn.Sequential, lists and tuples, and those of the frameworks

Modules are known by the full name of their exact class, so that no framework is imported that the
model does not come from; a subclass may compute something else and is refused. What differs in the
forward pass is refused by name (`forward`), so is a module that takes other steps in a call than
the rest (`steps`), and every module runs beside the network (`running`). The networks start a
sample from reset states.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.kinds import held_to_kinds
from edge_dassdp.frontends.assemble import EntrySettings, assemble
from edge_dassdp.frontends.framework import Cells, Reader
from edge_dassdp.frontends.logits import Logits
from edge_dassdp.frontends.nodes import (
    Convolution,
    Entry,
    Exit,
    Flatten,
    Linear,
    Neurons,
    Node,
    Pooling,
    Scale,
)
from edge_dassdp.frontends.torch import forward, running
from edge_dassdp.frontends.torch.classes import is_container, known
from edge_dassdp.frontends.torch.instead import given, instead
from edge_dassdp.frontends.torch.layers import behind
from edge_dassdp.frontends.torch.running import Stage
from edge_dassdp.frontends.torch.steps import Steps
from edge_dassdp.frontends.torch.values import registered, supported, unsupported
from edge_dassdp.ir import Encoder, Network, Population, ReadoutKind, geometry
from edge_dassdp.ir.fields import check_size


@held_to_kinds()
def from_torch(
    model: Any,
    *,
    n_steps: int,
    input_shape: Sequence[int] | None = None,
    spikes: bool = False,
    input_frames: int | None = None,
    n_events: int = 0,
    counts: bool = False,
    encoder: Encoder | None = None,
    readout: ReadoutKind | None = None,
    logits: Logits | None = None,
    check: bool = True,
) -> Network:
    """The network of a sequential module, or of a list or tuple of modules in the order they run.

    n_steps: time steps per sample. input_shape: without batch and time, (n,), (channels,
    length) or (channels, height, width); needed unless the first layer is an nn.Linear. spikes,
    n_events, counts, encoder: as in `ir.Input`; events and encoders make spikes. input_frames: 1
    for the same input at every step, or n_steps; None for n_steps where events or a delta encoder
    ask for it, else 1. readout: 'spike_count', 'membrane_sum', or None for the membrane sum if the
    last neurons do not reset and the spike count otherwise. A model that ends with a Linear is read
    by its currents. logits: what the training loss saw of the readout's steps, "sum", "mean",
    "last", "max", or the number that it divided the sum by; None for the mean of membranes and the
    sum of spikes. check: whether the model runs beside the network on a few random samples, in
    eval mode; it is left as it was, and so is all randomness.

    Names: input `input`; projections `fc1`, `fc2`, ... (convolutions `conv1`, ...; recurrent ones
    `rec1`, ...), numbered as the populations `lif1`, `lif2`, ... that they lead to; a last one that
    does not reset is `out`.

    Raises EdgeError E102 for a module or an option that is not supported or that takes other steps
    in a call than the rest, E101 for bad sizes, values or steps (both name the module), E105 for an
    unknown readout or logits, E107 where the model does not compute what its modules say,
    E303 without torch.
    """
    try:
        import torch  # noqa: F401
    except ImportError as problem:
        raise EdgeError("E303", "the PyTorch importer needs torch", cause=str(problem),
                        help="pip install 'edge-dassdp[torch]'") from None
    spikes = spikes or n_events > 0 or encoder is not None
    shape = () if input_shape is None else tuple(input_shape)
    for side in shape:
        check_size(side, f"input_shape is {shape}: a side of it")
    chain = Chain(shape, spikes)
    for at, module in modules_of(model, n_steps):
        chain.add(at, module)
    chain.close(readout)
    in_frames = _in_frames(input_frames, n_steps, n_events > 0 or (
        encoder is not None and encoder.kind == "delta"))
    settings = EntrySettings(spikes, in_frames, n_events, counts, encoder, chain.entry)
    network = assemble(chain.nodes, chain.edges, n_steps=n_steps, entries={"input": settings},
                       readout=readout, logits=logits,
                       order=[n for n, node in chain.nodes.items() if isinstance(node, Neurons)])
    if check:
        running.check(network, chain.stages)
    return network


def _in_frames(input_frames: int | None, n_steps: int, needed: bool) -> bool:
    """Whether a sample has a frame for each step. needed: by itself. Raises EdgeError E101 for
    another number of frames than 1 and n_steps."""
    if input_frames is None:
        return needed and n_steps != 1
    if input_frames not in (1, n_steps):
        raise EdgeError("E101", f"input_frames is {input_frames!r}, expected 1 or n_steps = "
                        f"{n_steps}", help="give 1 for the same input at every step, n_steps for "
                        "one of each")
    return input_frames != 1


def modules_of(model: Any, n_steps: int = 0) -> Iterator[tuple[str, Any]]:
    """(place for messages, module) in the order they run; containers are opened. n_steps: of a
    sample, 0 for any. Raises EdgeError E102 where one does more than its class or takes steps
    otherwise than others, E101 where its steps are not `n_steps`."""
    forward.refuse_global_hooks()
    steps = Steps(n_steps).meet(f"the model ({type(model).__name__})", model, known(model)[1])
    yield from _opened(model, "", steps)


def _opened(model: Any, prefix: str, steps: Steps) -> Iterator[tuple[str, Any]]:
    for name, module in _children(model, prefix):
        place = f"module {prefix}{name}"
        within = steps.meet(_named(place, module), module, known(module)[1])
        module = _unwrapped(module, place)
        at = _named(place, module)
        if is_container(module):
            yield from _opened(module, f"{prefix}{name}.", within)
        else:
            forward.refuse_altered(at, module)
            yield at, module


def _named(place: str, module: Any) -> str:
    return f"{place} ({known(module)[0].rpartition('.')[2]})"


def _unwrapped(module: Any, at: str) -> Any:
    name, its = known(module)
    if name not in its.wrappers:
        return module
    forward.refuse_altered(f"{at} ({type(module).__name__})", module, inner=False)
    return [getattr(module, its.wrappers[name])]


def _children(model: Any, prefix: str) -> Sequence[tuple[str, Any]]:
    at = f"module {prefix.rstrip('.')}" if prefix else "the model"
    model = _unwrapped(model, at)
    if not is_container(model):
        raise unsupported(type(model).__name__, "is not an nn.Sequential or a list of modules",
                          given(model))
    forward.refuse_altered(f"{at} ({type(model).__name__})", model, inner=False)
    if isinstance(model, Sequence):
        return [(str(index), module) for index, module in enumerate(model)]
    name, its = known(model)
    return its.containers.get(name, registered)(model)


class Chain:
    """Nodes one behind the other, and what leads back to neurons.

    shape: behind the last node, () while it is unknown. carries: what comes out there: "spikes"
    (also counts), "currents", "maxima" of currents, or "membranes". stages: all modules, as
    `running` needs them."""

    def __init__(self, shape: tuple[int, ...], spikes: bool) -> None:
        self.entry = self.shape = shape
        self.nodes: dict[str, Node] = {"input": Entry(shape)}
        self.edges: list[tuple[str, str]] = []
        self.last = "input"
        self.carries = "spikes" if spikes else "currents"
        self.at_last = ""
        self.n_populations = 0
        self.holders: set[int] = set()
        self.stages: list[Stage] = []

    def add(self, at: str, module: Any) -> None:
        """One module behind the last. Raises EdgeError E101 or E102, which name it."""
        kind, its = known(module)
        if kind in its.ignored:
            self.stages.append(Stage(at, module, its, self.shape))
            return
        if self.carries == "membranes":
            raise unsupported(at, f"stands behind {self.at_last}, whose output is its membrane",
                              "only the last neurons can be read by their membrane")
        if kind in its.neurons:
            with forward.as_it_runs(at, module):
                self._neurons(at, module, its.neurons[kind])
            self.stages.append(Stage(at, module, its, self.shape,
                                     "spikes" if self.carries == "spikes" else "membranes"))
            return
        node = self._layer(at, module)
        self._check_maxima(at, node)
        self.shape = self._append(_NAMES[type(node)], node, at)
        self.stages.append(Stage(at, module, its, self.shape))
        if isinstance(node, Pooling) and node.kind == "max":
            self.carries = "spikes" if self.carries == "spikes" else "maxima"
        elif not isinstance(node, Flatten) and self.carries != "maxima":
            self.carries = "currents"
        self.at_last = at if self.carries == "maxima" else self.at_last

    def close(self, readout: ReadoutKind | None) -> None:
        """Reads the last node."""
        if len(self.nodes) - sum(isinstance(n, Entry | Flatten) for n in self.nodes.values()) == 0:
            raise EdgeError("E102", "the model holds no layers", help=supported())
        if self.carries == "membranes" and readout == "spike_count":
            raise EdgeError("E105", f"readout is spike_count, but {self.at_last} does not spike",
                            help="choose membrane_sum")
        last = self.nodes[self.last]
        if isinstance(last, Neurons) and last.settings["reset"] == "none":
            names = {self.last: "out"}
            self.nodes = {names.get(n, n): node for n, node in self.nodes.items()}
            self.edges = [(names.get(a, a), names.get(b, b)) for a, b in self.edges]
            self.last = "out"
        self.nodes["output"] = Exit()
        self.edges.append((self.last, "output"))

    def _neurons(self, at: str, module: Any, reader: Reader) -> None:
        if not self.shape:
            raise unsupported(at, "comes first", "give input_shape, as in input_shape=(64,)")
        check_size(geometry.size(self.shape), f"{at}: the number of its neurons")
        cells = reader(module, at, self.shape)
        self._check(at, cells)
        if cells.keeps and id(module) in self.holders:
            raise unsupported(at, "stands in the model twice and would share its state",
                              "give every place a module of its own")
        self.holders.add(id(module))
        self.n_populations += 1
        name = f"lif{self.n_populations}"
        self.nodes[name] = Neurons(cells.settings, at, geometry.size(self.shape))
        self.edges.append((self.last, name))
        self.last, self.at_last = name, at
        self.carries = "spikes" if cells.fires else "membranes"
        self._feed_back(at, name, cells)

    def _check_maxima(self, at: str, node: Node) -> None:
        """What may stand before and behind max pooling."""
        if self.carries == "maxima" and not isinstance(node, Scale | Flatten):
            raise unsupported(at, "stands behind max pooling of currents, without neurons between "
                              "them", "put neurons behind the max pooling, or use average pooling")
        if isinstance(node, Pooling) and self.carries == "spikes" and (
                node.dilation != (1, 1) or node.ceil_mode):
            raise unsupported(at, "pools spikes with a dilation, or with ceil_mode past the end",
                              "use dilation=1, and ceil_mode=False or sizes that windows divide")

    def _check(self, at: str, cells: Cells) -> None:
        """Refuses values that no population has, and names the module."""
        try:
            Population("neurons", geometry.size(self.shape), **cells.settings)
        except EdgeError as problem:
            message = problem.message.removeprefix("population 'neurons': ")
            raise EdgeError(problem.code, f"{at}: {message}", cause=problem.cause,
                            help=problem.help) from None

    def _feed_back(self, at: str, name: str, cells: Cells) -> None:
        """The way of the spikes of `name` back to it."""
        if not cells.recurrent:
            return
        shape = self.shape
        for place, module in _on_the_way_back(at, cells.recurrent):
            kind, its = known(module)
            if kind in its.ignored:
                continue
            node = module if isinstance(module, Node) else self._layer(place, module)
            stem = "rec" if isinstance(node, Linear | Convolution) else "rec_flatten"
            self.shape = self._append(stem, node, place, self.n_populations)
        if geometry.size(self.shape) != geometry.size(shape):
            raise EdgeError("E101", f"{at}: its recurrent connection makes values of shape "
                            f"{self.shape} of {shape}", help="let it make as many values as "
                            f"there are neurons, {geometry.size(shape)}")
        self.edges.append((self.last, name))
        self.last, self.shape = name, shape

    def _layer(self, at: str, module: Any) -> Node:
        kind, its = known(module)
        if kind not in its.layers:
            raise unsupported(at, "is of a kind that is not supported", instead(module))
        with forward.as_it_runs(at, module):
            node = its.layers[kind](module, at, self.shape)
        if not self.shape and isinstance(node, Linear):
            self.entry = self.shape = node.weight.shape[1:]
        return node

    def _append(self, stem: str, node: Node, at: str, number: int = 0) -> tuple[int, ...]:
        """The shape behind it."""
        name = wanted = f"{stem}{number or self.n_populations + 1}"
        again = 1
        while name in self.nodes:
            again += 1
            name = f"{wanted}_{again}"
        self.nodes[name] = node
        self.edges.append((self.last, name))
        self.last = name
        try:
            return behind(node, self.shape) if self.shape else ()
        except EdgeError as problem:
            raise EdgeError(problem.code, f"{at}: {problem.message}", cause=problem.cause,
                            help=problem.help) from None


_NAMES: dict[type, str] = {Linear: "fc", Convolution: "conv", Pooling: "pool", Scale: "bn",
                           Flatten: "flatten"}


def _on_the_way_back(at: str, modules: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """With what messages call them."""
    for module in modules:
        if not isinstance(module, Node) and is_container(module):
            yield from ((f"{at}: its recurrent {place}", held)
                        for place, held in modules_of(module))
        else:
            yield at, module
