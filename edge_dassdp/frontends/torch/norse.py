"""Norse's neurons: LIFBoxCell, LIFCell, LICell and the sequence modules LIF and LI of norse 1.1.0
(torch/functional/).

With c = dt tau_mem_inv, membranes starting at v_leak, and spikes where v > v_th:

- LIFBox: v += c ((x + v_leak) - v), then to v_reset, or minus v_th (reset_subtract)
- LIF:    i += x; v += c ((v_leak - v) + i); i -= dt tau_syn_inv i; then to v_reset
- LI:     as LIF without spikes; its membrane is its output, so it stands last

Beside them the containers SequentialState and Lift. NIR files (export_nir.py) hold tau =
dt / tau_mem_inv and r = 1; c = dt / tau.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.framework import (
    ONE_STEP,
    TIME_FIRST,
    Call,
    Cells,
    Framework,
    Modules,
    NeuronSource,
    Numbers,
    Profile,
    SourceProfile,
)
from edge_dassdp.frontends.nodes import NEVER
from edge_dassdp.frontends.profile import choices, firing, must_be, only, unsaid
from edge_dassdp.frontends.torch.values import numbers, per_neuron, registered, unsupported
from edge_dassdp.ir import FloatArray

_STEPS = ("super", "heaviside", "triangle", "tanh", "circ", "heavi_erfc")
"""Surrogates whose forward pass is the step function."""
_RESETS = {"norse.torch.functional.reset.reset_value": "zero",
           "norse.torch.functional.reset.reset_subtract": "subtract"}


def _lif_box(module: Any, at: str, shape: tuple[int, ...]) -> Cells:
    method = module.p.reset_method
    reset = _RESETS.get(f"{method.__module__}.{method.__qualname__}")
    if reset is None:
        raise unsupported(at, "has a reset_method of its own",
                          "use reset_value or reset_subtract of norse.torch.functional.reset")
    settings = _membrane(module, at, shape) | _firing(module, at, shape, reset)
    return Cells(settings | {"form": "toward"}, keeps=False)


def _lif(module: Any, at: str, shape: tuple[int, ...]) -> Cells:
    settings = _membrane(module, at, shape) | _firing(module, at, shape, "zero")
    return Cells(settings | _current(module, at, shape), keeps=False)


def _li(module: Any, at: str, shape: tuple[int, ...]) -> Cells:
    settings = _membrane(module, at, shape) | _current(module, at, shape)
    return Cells(settings | {"reset": "none", "threshold": NEVER}, fires=False, keeps=False)


def _membrane(module: Any, at: str, shape: tuple[int, ...]) -> dict[str, Any]:
    gain = _rate(module, "tau_mem_inv", at, shape)
    v_leak = per_neuron(module.p.v_leak, shape, f"{at}: v_leak")
    return {"beta": 1.0 - gain, "gain": gain, "bias": gain * v_leak, "v_init": v_leak}


def _current(module: Any, at: str, shape: tuple[int, ...]) -> dict[str, Any]:
    return {"alpha": 1.0 - _rate(module, "tau_syn_inv", at, shape), "form": "toward_leak"}


def _firing(module: Any, at: str, shape: tuple[int, ...], reset: str) -> dict[str, Any]:
    if module.p.method not in _STEPS:
        raise unsupported(at, f"has the method '{module.p.method}', which is no step function",
                          f"use one of {', '.join(_STEPS)}")
    v_reset = per_neuron(module.p.v_reset, shape, f"{at}: v_reset")
    return {"threshold": per_neuron(module.p.v_th, shape, f"{at}: v_th"), "reset": reset,
            "reset_delay": False, "looks_back": False,
            "v_reset": v_reset if reset == "zero" else 0.0}


def _rate(module: Any, name: str, at: str, shape: tuple[int, ...]) -> FloatArray:
    """dt times an inverse time constant, rounded as the forward pass does."""
    value = module.dt * getattr(module.p, name)
    what = f"{at}: dt {name}"
    rate = per_neuron(np.float32(numbers(value, what)), shape, what)
    if (rate <= 0).any() or (rate > 1).any():
        raise unsupported(at, f"has a dt {name} of {rate.min():g} to {rate.max():g}",
                          "it must lie above 0 and not above 1: dt must not exceed the time "
                          "constant, both in seconds")
    return rate


def _stored(profile: SourceProfile, source: NeuronSource) -> dict[str, Any]:
    """LIFBoxCell, LIFCell, LIBoxCell and IAFCell."""
    only(profile, source, "LIF", "CubaLIF", "LI", "IF")
    must_be(1.0, profile, source, "r", "w_in")
    fired = firing(profile, source, profile.reset or "zero", False, True)
    if source.kind == "IF":
        return {"beta": 1.0} | fired
    if profile.dt is None:
        raise unsaid(source, "its dt (1e-3 of a file by norse's to_nir(dt=1.0), 1e-6 of one with "
                     "its default dt)", choices(profile, _CHOICES))
    rate = _share(source, source.tau, profile.dt)
    leak = source.number("v_leak")
    settings = {"beta": 1.0 - rate, "gain": rate, "bias": rate * leak, "v_init": leak,
                "form": "toward" if source.kind == "LIF" else "toward_leak"}
    if source.is_current:
        settings["alpha"] = 1.0 - _share(source, source.values["tau_syn"], profile.dt)
    return settings | fired


def _share(source: NeuronSource, tau: Numbers, dt: float) -> FloatArray:
    """dt / tau, as float32 has it."""
    rate = np.asarray(dt / np.asarray(tau, np.float64), np.float32).astype(np.float64)
    if (rate > 1).any():
        raise EdgeError("E101", f"node '{source.name}': dt = {dt:g} is longer than its time "
                        f"constant {np.min(tau):g}", help="give the dt of the file: for norse 1e-6 "
                        "where to_nir was called without dt")
    return rate


def _run(module: Any, x: Any) -> tuple[Any, Any]:
    """Cells step by step, sequence modules at once."""
    import torch

    if hasattr(module, "record_states"):
        module.record_states = True
        output, states = module(x.transpose(0, 1))
        return output.transpose(0, 1), states.v.transpose(0, 1)
    state, outputs, membranes = None, [], []
    for value in x.unbind(1):
        output, state = module(value, state)
        outputs.append(output)
        membranes.append(state.v)
    return torch.stack(outputs, 1), torch.stack(membranes, 1)


def _call(module: Any) -> Call | None:
    kind = type(module).__name__
    if kind == "Lift":
        return Call(TIME_FIRST, within=ONE_STEP)
    if not hasattr(module, "dt"):
        return None
    return Call(TIME_FIRST if hasattr(module, "record_states") else ONE_STEP)


_CHOICES = ({"dt": 1e-3}, {"dt": 1e-6})
_PREFIX = "norse.torch.module"
FRAMEWORK = Framework(
    "Norse",
    Modules(
        neurons={f"{_PREFIX}.lif_box.LIFBoxCell": _lif_box,
                 f"{_PREFIX}.lif.LIFCell": _lif,
                 f"{_PREFIX}.lif.LIF": _lif,
                 f"{_PREFIX}.leaky_integrator.LICell": _li,
                 f"{_PREFIX}.leaky_integrator.LI": _li},
        containers={f"{_PREFIX}.sequential.SequentialState": registered},
        wrappers={f"{_PREFIX}.lift.Lift": "lifted_module"},
        run=_run, call=_call,
        same_steps="cells (LIFCell, LICell) alone, or LIF, LI and norse.torch.Lift(...) alone"),
    Profile(_stored, choices=_CHOICES, settings=("dt",)))
