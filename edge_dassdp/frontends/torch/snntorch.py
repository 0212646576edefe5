"""snnTorch's neurons: Leaky, Synaptic, RLeaky, RSynaptic and Lapicque of snntorch 1.0.0
(_neurons/*.py), every reset mechanism, with and without reset delay.

They compare with >, and look at the stored membrane for the reset of a step. Trained leaks are
clamped to [0, 1], as their forward passes do. RLeaky, RSynaptic, Synaptic and Lapicque cancel the
new input, too, where they reset to zero with delay; RLeaky and RSynaptic add the recurrent term
after the leak, the executor before it, so membranes may differ in the last bit.

NIR files (export_nir.py) hold tau = 1e-4 / (1 - beta) and r = tau / 1e-4, and do not say how the
neurons reset.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from edge_dassdp.frontends.framework import (
    ONE_STEP,
    Call,
    Cells,
    Framework,
    Modules,
    NeuronSource,
    Numbers,
    Profile,
    SourceProfile,
)
from edge_dassdp.frontends.nodes import Convolution, Flatten, Linear, Node
from edge_dassdp.frontends.profile import WRITERS_DT, choices, firing, must_be, only, unit, unsaid
from edge_dassdp.frontends.torch.values import is_step, numbers, per_neuron, unsupported
from edge_dassdp.ir import FloatArray, Reset
from edge_dassdp.ir.geometry import Conv

_RESETS: tuple[Reset, ...] = ("subtract", "zero", "none")
_STATE_FUNCTIONS = ("_base_sub", "_base_zero", "_base_int")


def _leaky(module: Any, at: str, shape: tuple[int, ...]) -> Cells:
    return Cells(_settings(module, at, shape), keeps=module.init_hidden)


def _synaptic(module: Any, at: str, shape: tuple[int, ...]) -> Cells:
    settings = _settings(module, at, shape) | _current(module, at, shape)
    return Cells(_cancelling(settings), keeps=module.init_hidden)


def _rleaky(module: Any, at: str, shape: tuple[int, ...]) -> Cells:
    return Cells(_cancelling(_settings(module, at, shape)), recurrent=_feedback(module, at, shape),
                 keeps=module.init_hidden)


def _rsynaptic(module: Any, at: str, shape: tuple[int, ...]) -> Cells:
    settings = _settings(module, at, shape) | _current(module, at, shape)
    if not settings["reset_delay"]:
        raise unsupported(at, "has reset_delay=False, which snnTorch's RSynaptic leaves undone or "
                          "fails at", "build it with reset_delay=True, which computes the same")
    return Cells(_cancelling(settings), recurrent=_feedback(module, at, shape),
                 keeps=module.init_hidden)


def _lapicque(module: Any, at: str, shape: tuple[int, ...]) -> Cells:
    """v = x R (1 / (R C)) dt + (1 - dt / (R C)) v; where R and dt are powers of two, one rounding
    of the input remains and a gain does the same."""
    import torch

    for name in ("R", "time_step"):
        values = numbers(getattr(module, name), f"{at}: {name}")
        if (np.frexp(values)[0] != 0.5).any():
            raise unsupported(at, f"has {'a' if name == 'time_step' else 'an'} {name} that is no "
                              "power of two, so its input is rounded several times",
                              "use R=1 and time_step=1 with beta, or snntorch.Leaky")
    with torch.no_grad():
        tau = module.R * module.C
        gain = (1 / tau).double() * module.R * module.time_step
        beta = 1 - module.time_step / tau
    settings = _settings(module, at, shape) | {
        "beta": per_neuron(beta, shape, f"{at}: beta"),
        "gain": per_neuron(gain, shape, f"{at}: R and C"), "reset_delay": True}
    return Cells(_cancelling(settings), keeps=module.init_hidden)


def _settings(module: Any, at: str, shape: tuple[int, ...]) -> dict[str, Any]:
    """Of Leaky; raises EdgeError for every option that changes the forward pass."""
    reset = int(module.reset_mechanism_val)
    if not (numbers(module.graded_spikes_factor, at) == 1).all():
        raise unsupported(at, "has a graded_spikes_factor other than 1", "build it with "
                          "graded_spikes_factor=1, and multiply the weights behind it by the "
                          "factor")
    if module.state_quant:
        raise unsupported(at, "quantizes its state (state_quant)", "build it with "
                          "state_quant=False; edge-dassdp quantizes the state itself")
    if module.inhibition:
        raise unsupported(at, "lets only the neuron that is highest fire (inhibition)", "build it "
                          "with inhibition=False, and train again")
    if module.state_function.__name__ != _STATE_FUNCTIONS[reset]:
        raise unsupported(at, "was built with another reset_mechanism than its loaded state has",
                          f"build it with reset_mechanism='{_RESETS[reset]}'")
    if not is_step(module.spike_grad, at_zero=False):
        raise unsupported(at, "has a spike_grad that is not the step function v > threshold",
                          "use one of snntorch.surrogate, as fast_sigmoid(), or none")
    beta = per_neuron(module.beta, shape, f"{at}: beta")
    return {"beta": np.clip(beta, 0.0, 1.0), "reset": _RESETS[reset],
            "threshold": per_neuron(module.threshold, shape, f"{at}: threshold"),
            "reset_delay": bool(getattr(module, "reset_delay", True))}


def _current(module: Any, at: str, shape: tuple[int, ...]) -> dict[str, Any]:
    return {"alpha": np.clip(per_neuron(module.alpha, shape, f"{at}: alpha"), 0.0, 1.0)}


def _cancelling(settings: dict[str, Any]) -> dict[str, Any]:
    cancels = settings["reset"] == "zero" and settings["reset_delay"]
    return settings | {"cancels_input": cancels}


def _feedback(module: Any, at: str, shape: tuple[int, ...]) -> tuple[Any | Node, ...]:
    """A Linear, a Conv2d, or one number per neuron (all_to_all=False)."""
    if module.all_to_all:
        return (module.recurrent,)
    own = per_neuron(module.recurrent.V, shape, f"{at}: V").reshape(shape[0], math.prod(shape[1:]))
    if (own == own[:, :1]).all():
        return (Convolution(own[:, 0].reshape(-1, 1, 1, 1), conv=Conv(groups=shape[0])),)
    return Flatten(), Linear(np.diag(own.reshape(-1)))


def _stored(profile: SourceProfile, source: NeuronSource) -> dict[str, Any]:
    """Leaky and Synaptic; RLeaky and RSynaptic where recurrent. A reset to zero in the next step
    cancels that step's input, too, in all but Leaky."""
    only(profile, source, "LIF", "CubaLIF")
    must_be(0.0, profile, source, "v_leak", "v_reset")
    if profile.reset is None:
        raise unsaid(source, "how its neurons reset", choices(profile, _CHOICES))
    if profile.reset != "none" and profile.reset_delay is None:
        raise unsaid(source, "whether its neurons reset at once",
                     choices(profile, ({"reset_delay": late} for late in (True, False))))
    dt = profile.dt or WRITERS_DT
    settings: dict[str, Any] = {"beta": _decay(source.tau, dt)}
    gain = source.number("r") * dt / np.asarray(source.tau, np.float64)
    if source.is_current:
        settings["alpha"] = _decay(source.values["tau_syn"], dt)
        gain = gain * source.number("w_in") * dt / source.number("tau_syn")
    late = profile.reset != "none" and bool(profile.reset_delay)
    cancels = profile.reset == "zero" and late and (source.is_current or source.is_recurrent)
    return settings | {"gain": unit(gain), "cancels_input": cancels} \
        | firing(profile, source, profile.reset, late, True, looks_back=True)


def _decay(tau: Numbers, dt: float) -> FloatArray:
    """beta of tau = dt / (1 - beta), the round one where float32 leaves several."""
    beta = 1 - dt / tau
    rounded = np.round(beta, 6).astype(np.float32).astype(tau.dtype)
    with np.errstate(divide="ignore"):
        is_it = dt / (1 - rounded) == tau
    return np.asarray(np.where(is_it, rounded, beta), np.float64)


def _run(module: Any, x: Any) -> tuple[Any, Any]:
    """Neurons that are given no state go on from the one that they hold."""
    import torch

    for name in ("spk", "syn", "mem"):
        if name in module._buffers:
            setattr(module, name, torch.zeros(0).to(x))
    outputs, membranes = [], []
    for value in x.unbind(1):
        output = module(value)
        outputs.append(output[0] if isinstance(output, tuple) else output)
        membranes.append(module.mem)
    return torch.stack(outputs, 1), torch.stack(membranes, 1)


_CHOICES: tuple[Mapping[str, Any], ...] = (
    *({"reset": reset, "reset_delay": late}
      for reset in ("subtract", "zero") for late in (True, False)), {"reset": "none"})
_PREFIX = "snntorch._neurons"
FRAMEWORK = Framework(
    "snnTorch",
    Modules(neurons={f"{_PREFIX}.leaky.Leaky": _leaky,
                     f"{_PREFIX}.synaptic.Synaptic": _synaptic,
                     f"{_PREFIX}.rleaky.RLeaky": _rleaky,
                     f"{_PREFIX}.rsynaptic.RSynaptic": _rsynaptic,
                     f"{_PREFIX}.lapicque.Lapicque": _lapicque},
            run=_run, watchers=("snntorch.functional.probe",),
            call=lambda module: Call(ONE_STEP) if hasattr(module, "reset_mechanism_val") else None),
    Profile(_stored, choices=_CHOICES, settings=("dt",)))
