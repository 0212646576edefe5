"""Rockpool's neurons: LIFTorch with one synapse per neuron, and LIFNeuronTorch, of rockpool 3.1.0
(nn/modules/torch/).

- LIFTorch:       i = beta (i + x); v = alpha v + i + bias
- LIFNeuronTorch: v = alpha v + x + bias

Spikes where v >= threshold, floor(v / threshold) of them up to max_spikes_per_dt, each of which
takes a threshold away in the same step. The default limit of 65,536 a step counts as none. State
left in the modules by earlier runs is not taken over.

Beside them LinearTorch, and Sequential as a container. NIR files (nn/modules/torch/nir.py) hold tau
in seconds and r = tau exp(-dt / tau) / dt, which tells the dt; a = exp(-dt / tau).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edge_dassdp.frontends.framework import (
    TIME_SECOND,
    Call,
    Cells,
    Framework,
    Modules,
    NeuronSource,
    Profile,
    Shape,
    SourceProfile,
)
from edge_dassdp.frontends.nodes import Linear, Node
from edge_dassdp.frontends.profile import firing, must_be, only
from edge_dassdp.frontends.torch.layers import apply, matrix
from edge_dassdp.frontends.torch.values import numbers, per_neuron, unsupported
from edge_dassdp.ir import FloatArray

_NO_LIMIT = 2.0**16


def _lif(module: Any, at: str, shape: tuple[int, ...]) -> Cells:
    if module.n_synapses != 1:
        raise unsupported(at, f"has {module.n_synapses} synapses per neuron, each with a current "
                          "of its own", "give it one: LIFTorch(n)")
    syn = per_neuron(module.beta.reshape(-1), shape, f"{at}: tau_syn")
    settings = _settings(module, at, shape) | {
        "beta": per_neuron(module.alpha, shape, f"{at}: tau_mem"),
        "alpha": syn, "gain": syn, "form": "current_first"}
    w_rec = numbers(module.w_rec, f"{at}: w_rec")
    recurrent: tuple[Node, ...] = (Linear(w_rec.T),) if w_rec.any() else ()
    return Cells(settings, recurrent=recurrent)


def _lif_neuron(module: Any, at: str, shape: tuple[int, ...]) -> Cells:
    import torch

    with torch.no_grad():
        alpha = torch.exp(-module.dt / module.tau_mem)
    return Cells(_settings(module, at, shape)
                 | {"beta": per_neuron(alpha, shape, f"{at}: tau_mem")})


def _settings(module: Any, at: str, shape: tuple[int, ...]) -> dict[str, Any]:
    if numbers(module.noise_std, at) != 0:
        raise unsupported(at, "adds noise to its membrane (noise_std)", "set noise_std=0")
    most = float(numbers(module.max_spikes_per_dt, at))
    if most != int(most) or not (1 <= most <= 255 or most >= _NO_LIMIT):
        raise unsupported(at, f"has a max_spikes_per_dt of {most:g}",
                          "use 1 to 255, or leave it out for no limit")
    if not _counts_thresholds(module.spike_generation_fn):
        raise unsupported(at, "has a spike_generation_fn that is not floor(v / threshold)",
                          "use StepPWL or PeriodicExponential")
    return {"threshold": per_neuron(module.threshold, shape, f"{at}: threshold"),
            "bias": per_neuron(module.bias, shape, f"{at}: bias"), "reset": "subtract",
            "reset_delay": False, "strict": False, "looks_back": False,
            "max_spikes": 0 if most >= _NO_LIMIT else int(most)}


def _counts_thresholds(function: Any) -> bool:
    import torch

    values = np.array([-3.0, 0.0, 0.25, 0.5, 0.75, 1.0, 1.9, 4.25], np.float32)
    with torch.no_grad():
        counts = function(torch.tensor(values), torch.tensor(0.5), torch.tensor(0.5),
                          torch.tensor(3.0))
    return bool((counts.numpy() == np.clip(np.floor(values / 0.5), 0, 3)).all())


def _linear(module: Any, at: str, shape: Shape) -> Node:
    return matrix(module.weight.T, module.bias, at, shape)


def _submodules(module: Any) -> list[tuple[str, Any]]:
    return [(name, getattr(module, name)) for name in module._submodulenames]


def _unpatched(kind: type) -> type:
    """Rockpool's patch of another class counts as that."""
    return kind.__bases__[0] if kind.__qualname__.endswith(".TorchModulePatch") else kind


def _stored(profile: SourceProfile, source: NeuronSource) -> dict[str, Any]:
    """LIFTorch and LIFNeuronTorch, whose biases are not in the file. Without a dt, r tells it."""
    only(profile, source, "LIF", "CubaLIF")
    must_be(0.0, profile, source, "v_leak", "v_reset")
    tau = np.asarray(source.tau, np.float64)
    dt = _omega(1.0 / source.number("r")) * tau if profile.dt is None else profile.dt
    settings: dict[str, Any] = {"beta": np.exp(-dt / tau)}
    if source.is_current:
        alpha = np.exp(-dt / source.number("tau_syn"))
        settings |= {"alpha": alpha, "gain": alpha, "form": "current_first"}
    fired = firing(profile, source, profile.reset or "subtract", False, False)
    return settings | fired | {"max_spikes": profile.max_spikes or 0}


def _run(module: Any, x: Any) -> tuple[Any, Any]:
    """All steps at once."""
    import torch

    for name in ("vmem", "isyn", "spikes"):
        if name in module._buffers:
            setattr(module, name, torch.zeros_like(getattr(module, name)))
    output, _, record = module.evolve(x, record=True)
    return output, record["vmem"]


def _apply(module: Any, rows: Any) -> Any:
    """Rockpool's own layers take samples, steps and neurons."""
    is_own = _unpatched(type(module)).__module__.startswith("rockpool.")
    return module(rows[None]) if is_own else apply(module, rows)


def _omega(y: FloatArray) -> FloatArray:
    """x with x exp(x) = y, for y > 0: Newton's method, which converges from log(1 + y)."""
    x = np.log1p(y)
    for _ in range(50):
        x = x - (x - y * np.exp(-x)) / (1.0 + x)
    return x


_PREFIX = "rockpool.nn.modules.torch"
_LINEAR = f"{_PREFIX}.linear_torch.LinearTorch"
FRAMEWORK = Framework(
    "Rockpool",
    Modules(
        neurons={f"{_PREFIX}.lif_torch.LIFTorch": _lif,
                 f"{_PREFIX}.lif_neuron_torch.LIFNeuronTorch": _lif_neuron},
        layers={_LINEAR: _linear},
        ignored=[f"{_PREFIX}.dropout.{name}" for name in ("UnitDropout", "TimeStepDropout")],
        containers={"rockpool.nn.combinators.sequential.TorchSequential": _submodules},
        transposed=(_LINEAR,),
        counts_as=_unpatched,
        run=_run, apply=_apply,
        call=lambda module: Call(TIME_SECOND) if hasattr(module, "spike_generation_fn") else None),
    Profile(_stored, settings=("dt", "max_spikes")))
