"""The modules of a model, run beside the network that was made of them.

Every module is called as the model would call it, in eval mode and from its start, and what it
brings goes to the next; a network's populations hear the same spikes (`compare`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.compare import N_SAMPLES, N_STEPS, Did, compare, different
from edge_dassdp.frontends.framework import Modules
from edge_dassdp.frontends.torch.forward import without_monitors
from edge_dassdp.frontends.torch.state import unchanged
from edge_dassdp.ir import ROUNDING, Network
from edge_dassdp.ir.cells import Float32Array


@dataclass(frozen=True, eq=False)
class Stage:
    """A module in the order they run. at: what messages call it. its: what its package computes.
    shape: of a value behind it, () where it is not known. shows: of neurons, what their output
    is."""

    at: str
    module: Any
    its: Modules
    shape: tuple[int, ...]
    shows: Literal["", "spikes", "membranes"] = ""


def check(network: Network, stages: Sequence[Stage]) -> None:
    """E107 where the modules do not compute what the network does, or fail where they run."""
    modules = [stage.module for stage in stages]
    with unchanged(*modules):
        for module in modules:
            _prepare(module)
        rounding = max([ROUNDING, *map(_rounding, modules)])
        compare(network, lambda x: _run(network, stages, x), rounding)


def _prepare(module: Any) -> None:
    """In eval mode, not compiled, and without monitors, which would record it."""
    from torch import nn

    for inner in nn.Module.modules(module):
        inner.training = False
        inner._compiled_call_impl = None
        without_monitors(inner)


def _run(network: Network, stages: Sequence[Stage],
         x: Mapping[str, Float32Array]) -> dict[str, Did]:
    """What every population did: those of the modules in their order, and one that was added to
    read what the last module brings."""
    import torch

    shape = network.inputs[0].shape
    value = torch.tensor(x[network.inputs[0].name])
    populations = iter(network.populations)
    did: dict[str, Did] = {}
    for stage in stages:
        value = value.reshape(N_SAMPLES, N_STEPS, *shape)
        value, membranes = _called(stage, value)
        shape = stage.shape or (-1,)
        if stage.shows:
            spikes = value if stage.shows == "spikes" else None
            did[next(populations).name] = Did(_array(spikes), _array(membranes), stage.at)
    for last in populations:
        did[last.name] = Did(None, _array(value), stages[-1].at)
    return did


def _called(stage: Stage, value: Any) -> tuple[Any, Any]:
    """Output and, of neurons, membranes of a module for all steps of all samples."""
    import torch

    module, its = stage.module, stage.its
    try:
        with torch.autocast("cpu", enabled=False):
            value = value.to(**_kind(module, value))
            if stage.shows:
                assert its.run is not None, "a framework with neurons states how they run"
                return its.run(module, value)
            rows = its.apply(module, value.flatten(0, 1))
            return rows[0] if isinstance(rows, tuple) else rows, None
    except EdgeError:
        raise
    except Exception as problem:  # whatever code of others raises
        reason = str(problem).partition("\n")[0]
        raise different(f"{stage.at} fails where it is run to be compared",
                        f"{type(problem).__name__}: {reason}",
                        "mend what its forward pass cannot take") from problem


def _floats(module: Any) -> list[Any]:
    from torch import nn

    held = [*nn.Module.parameters(module), *nn.Module.buffers(module)]
    return [t for t in held if t.is_floating_point()]


def _kind(module: Any, value: Any) -> dict[str, Any]:
    """Device and type of its numbers, which inputs must have."""
    first = next(iter(_floats(module)), value)
    return {"device": first.device, "dtype": first.dtype}


def _rounding(module: Any) -> float:
    import torch

    return max((8 * torch.finfo(t.dtype).eps for t in _floats(module)), default=0.0)


def _array(value: Any) -> NDArray[np.float64] | None:
    """(N_SAMPLES, N_STEPS, size)."""
    if value is None:
        return None
    flat: NDArray[np.float64] = value.detach().cpu().double().numpy()
    return flat.reshape(N_SAMPLES, N_STEPS, -1)
