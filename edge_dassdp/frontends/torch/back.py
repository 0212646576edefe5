"""Learned weights into the PyTorch modules that a network came from.

    network = from_torch(model, n_steps=8)
    ...
    load_into(model, dequantize(network, quantized, learned))

The importer makes a projection's weight of a module's by factors that stand beside it (BatchNorm,
the divisors of average pooling); these are divided out again. A weight that several modules share
in, as two Linear without neurons between them, tells neither, and is refused by name.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.assemble import Assembly, EntrySettings, assembly
from edge_dassdp.frontends.nodes import Neurons, Node
from edge_dassdp.frontends.torch.classes import known
from edge_dassdp.frontends.torch.forward import as_it_runs
from edge_dassdp.frontends.torch.importer import Chain, modules_of
from edge_dassdp.frontends.torch.values import numbers, unsupported
from edge_dassdp.frontends.torch.writing import Changes, made_of, write
from edge_dassdp.ir import ROUNDING, FloatArray, Network, Projection

Modules = dict[str, tuple[str, Any]]
"""(what messages call it, module) by the node that was read from it."""


def load_into(model: Any, network: Network) -> None:
    """Write what differs in `network` into the modules of `model`.

    model: what was given to `from_torch`, with the weights of then or others that it learned.
    network: what `from_torch` made of it, with other weights or biases (`wayback.dequantize`).
    The model is read again; where that does not give `network`, it is left as it was.

    Raises EdgeError E102 where a projection does not tell the weights of its module, where others
    would change with it or its module has no bias, E104 where the modules' numbers are too coarse,
    E105 where `network` is of another model.
    """
    changes = _changes(model, network)
    before = [(parameter, parameter.detach().clone()) for parameter, _ in changes]
    write(changes)
    try:
        _check(_reread(model, network)[0].network, network)
    except EdgeError:
        write(before)
        raise


def to_state_dict(model: Any, network: Network) -> dict[str, Any]:
    """A copy of the state_dict of `model`, an nn.Module, that `load_into` would leave; the model
    stays as it is."""
    if not hasattr(model, "state_dict"):
        raise EdgeError("E105", f"a {type(model).__name__} has no state_dict",
                        help="use load_into with the modules, and state_dict of what holds them")
    before = [(parameter, parameter.detach().clone()) for parameter, _ in _changes(model, network)]
    load_into(model, network)
    state = {name: value.detach().clone() for name, value in model.state_dict().items()}
    write(before)
    return state


def _check(found: Network, wanted: Network) -> None:
    """E102 unless the weights and biases of `found` are those wanted but for rounding."""
    for p, q in zip(found.projections, wanted.projections, strict=True):
        for a, b in ((p.weight, q.weight), (_bias(p), _bias(q))):
            if (np.abs(a - b) > ROUNDING * np.abs(b)).any():
                raise unsupported(f"projection '{p.name}'", "would change with weights that were "
                                  "learned: its module or one before it is in them, too",
                                  "use a module for each, with neurons between them")


class _TracedChain(Chain):
    """Knows which module a node was read from."""

    def __init__(self, shape: tuple[int, ...], spikes: bool) -> None:
        super().__init__(shape, spikes)
        self._read: list[tuple[Node, str, Any]] = []

    def _layer(self, at: str, module: Any) -> Node:
        node = super()._layer(at, module)
        self._read.append((node, at, module))
        return node

    @property
    def modules(self) -> Modules:
        return {name: (at, module) for name, node in self.nodes.items()
                for made, at, module in self._read if made is node}


def _changes(model: Any, network: Network) -> Changes:
    made, modules = _reread(model, network)
    return [change for p in network.projections for change in _wanted(made, modules, p)]


def _made(at: str, module: Any, name: str, values: FloatArray) -> Changes:
    with as_it_runs(at, module):
        like = getattr(module, name).detach().clone()
    return made_of(at, module, name, _tensor(like, values.reshape(tuple(like.shape))))


def _bias(p: Projection) -> FloatArray:
    return np.zeros(p.n_columns) if p.bias is None else p.bias


def _reread(model: Any, network: Network) -> tuple[Assembly, Modules]:
    """What the importer makes of the model now, and the modules of its nodes."""
    if len(network.inputs) != 1:
        raise EdgeError("E105", "the network is not of this model: it has "
                        f"{len(network.inputs)} inputs", help="give the network that from_torch "
                        "made of the model")
    x = network.inputs[0]
    chain = _TracedChain(x.shape, x.spikes)
    for at, module in modules_of(model):
        chain.add(at, module)
    chain.close(None)
    entry = EntrySettings(x.spikes, x.n_frames != 1, x.n_events, x.counts, x.encoder, x.shape)
    made = assembly(chain.nodes, chain.edges, n_steps=network.n_steps, entries={"input": entry},
                    order=[n for n, node in chain.nodes.items() if isinstance(node, Neurons)])
    if _wiring(made.network) != _wiring(network):
        raise EdgeError("E105", "the network is not of this model: names, sizes or wiring differ",
                        help="give the module that from_torch made this network of")
    return made, chain.modules


def _wiring(network: Network) -> tuple[Any, ...]:
    return ([(p.name, p.shape) for p in network.populations],
            [(q.name, q.pre, q.post, q.weight.shape, q.conv, q.pool, q.result_pool)
             for q in network.projections])


def _wanted(made: Assembly, modules: Modules, p: Projection) -> Changes:
    """Parameters of the module of a projection that it wants other than they are."""
    now = made.network.projection(p.name)
    has_weight = not np.array_equal(p.weight, now.weight)
    has_bias = not np.array_equal(_bias(p), _bias(now))
    if not has_weight and not has_bias:
        return []
    node, weight = made.weight_of(p.name, p.weight)
    if node not in modules:
        raise unsupported(f"projection '{p.name}'", "has weights that a module of neurons holds "
                          "itself", "let another projection learn")
    at, module = modules[node]
    found: Changes = []
    if has_weight:
        kind, its = known(module)
        own = weight.T if kind in its.transposed else weight
        found += _made(at, module, "weight", own)
    if has_bias:
        factor = made.origins[p.name].factor
        if module.bias is None or factor is None or (factor != 1).any():
            raise unsupported(at, "learned a bias, but " + (
                "has none" if module.bias is None else "other operations are folded into it"),
                "build it with bias=True" if module.bias is None else "let its biases stay")
        with as_it_runs(at, module):
            bias = numbers(module.bias, f"{at}: bias")
        found += _made(at, module, "bias", bias + (_bias(p) - _bias(now)))
    return found


def _tensor(parameter: Any, values: FloatArray) -> Any:
    """As the parameter holds them. Raises EdgeError E104 where that is too coarse."""
    import torch

    made = torch.as_tensor(values).to(parameter)
    held = numbers(made, "a weight that was learned")
    if (np.abs(held - values) > ROUNDING * np.abs(values)).any():
        raise EdgeError("E104", f"{parameter.dtype} cannot hold the learned weights",
                        cause="they would come back as other integers", help="use float32")
    return made
