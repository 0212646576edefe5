"""SpikingJelly's neurons: IFNode, LIFNode and ParametricLIFNode of spikingjelly 2.0.0
(activation_based/neuron/, _ops/*/reference.py), either step mode throughout a model.

They compare with >= and reset in the same step: by subtraction where v_reset is None, else to
v_reset, from where the membrane also starts. With h the membrane before the reset:

- IF:   h = v + x
- LIF:  h = v + (x - (v - v_reset)) / tau, without decay_input h = v - (v - v_reset) / tau + x
- ParametricLIF: the same with a factor sigmoid(w) instead of a division by tau

Beside them its layers of the names of torch.nn, and the containers SeqToANNContainer,
MultiStepContainer and StepModeContainer. NIR files (nir_exchange/to_nir.py) hold tau 1e-4 and r = 1
(decay_input) or tau; tau = tau / 1e-4.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edge_dassdp.frontends.framework import (
    NO_STEPS,
    ONE_STEP,
    ROWS,
    TIME_FIRST,
    Call,
    Cells,
    Framework,
    Modules,
    NeuronSource,
    Profile,
    SourceProfile,
)
from edge_dassdp.frontends.profile import WRITERS_DT, firing, must_be, only, unit, unwritten
from edge_dassdp.frontends.torch.layers import LAYERS, apply
from edge_dassdp.frontends.torch.values import is_step, per_neuron, registered, unsupported
from edge_dassdp.ir import FloatArray, Form


def _if(module: Any, at: str, shape: tuple[int, ...]) -> Cells:
    return Cells(_settings(module, at, shape) | {"beta": 1.0})


def _lif(module: Any, at: str, shape: tuple[int, ...]) -> Cells:
    share = 1.0 / per_neuron(module.tau, shape, f"{at}: tau")
    return _leaking(module, at, shape, share, ("divide", "leak_divide"))


def _plif(module: Any, at: str, shape: tuple[int, ...]) -> Cells:
    import torch

    with torch.no_grad():
        share = per_neuron(module.w.sigmoid(), shape, f"{at}: w")
    return _leaking(module, at, shape, share, ("scale", "leak_scale"))


def _leaking(module: Any, at: str, shape: tuple[int, ...], share: FloatArray,
             forms: tuple[Form, Form]) -> Cells:
    """share: of the distance to v_reset that is lost in a step, and of the input if that decays,
    per neuron."""
    settings = _settings(module, at, shape)
    settings |= {"beta": 1.0 - share, "form": forms[0 if module.decay_input else 1],
                 "gain": share if module.decay_input else 1.0,
                 "bias": share * settings["v_reset"]}
    return Cells(settings)


def _settings(module: Any, at: str, shape: tuple[int, ...]) -> dict[str, Any]:
    spikes = module.surrogate_function
    if not getattr(spikes, "spiking", True) or not is_step(spikes, at_zero=True):
        raise unsupported(at, "has a surrogate_function that is not the step v >= v_threshold in "
                          "its forward pass", "use one of surrogate with spiking=True, as "
                          "surrogate.Sigmoid()")
    if module._neuron_precision is not None:
        raise unsupported(at, "computes in another precision than float32",
                          "set its neuron_precision back to None")
    is_soft = module.v_reset is None
    start = 0.0 if is_soft else per_neuron(module.v_reset, shape, f"{at}: v_reset")
    threshold = per_neuron(module.v_threshold, shape, f"{at}: v_threshold")
    return {"threshold": threshold, "reset": "subtract" if is_soft else "zero",
            "reset_delay": False, "strict": False, "looks_back": False, "v_reset": start,
            "v_init": start}


def _stored(profile: SourceProfile, source: NeuronSource) -> dict[str, Any]:
    """IFNode, LIFNode and ParametricLIFNode, CUBALIFNode."""
    only(profile, source, "IF", "LIF", "CubaLIF")
    dt = profile.dt or WRITERS_DT
    reset = source.number("v_reset")
    fired = firing(profile, source, profile.reset or "zero", False, False)
    if fired["reset"] == "zero":
        fired["v_init"] = reset
    if source.kind == "IF":
        if not np.allclose(source.number("r") * dt, 1.0, rtol=1e-5):
            raise unwritten(profile, source, "r other than 1 / dt")
        return {"beta": 1.0} | fired
    tau = np.asarray(source.tau, np.float64) / dt
    if source.is_current:
        syn = source.number("tau_syn") / dt
        gain = source.number("r") / tau * source.number("w_in") / syn
        must_be(0.0, profile, source, "v_leak")
        return {"beta": 1.0 - 1.0 / tau, "alpha": 1.0 - 1.0 / syn, "gain": unit(gain)} | fired
    if not np.allclose(source.number("v_leak"), reset):
        raise unwritten(profile, source, "v_leak other than v_reset")
    decays = bool(np.allclose(source.number("r"), 1.0, rtol=1e-5))
    if not decays and not np.allclose(source.number("r"), tau, rtol=1e-5):
        raise unwritten(profile, source, "r other than 1 or tau")
    return {"beta": 1.0 - 1.0 / tau, "gain": 1.0 / tau if decays else 1.0, "bias": reset / tau,
            "form": "divide" if decays else "leak_divide"} | fired


def _run(module: Any, x: Any) -> tuple[Any, Any]:
    """In either step mode, a step at a time."""
    import torch

    module.reset()
    outputs, membranes = [], []
    for value in x.unbind(1):
        outputs.append(module(value) if module.step_mode == "s" else module(value[None])[0])
        membranes.append(module.v)
    return torch.stack(outputs, 1), torch.stack(membranes, 1)


def _apply(module: Any, rows: Any) -> Any:
    if getattr(module, "step_mode", "s") == "s":
        return apply(module, rows)
    return module(rows[:, None])


def _call(module: Any) -> Call | None:
    """By its step mode. A Linear of single steps does the same to several, a Dropout nothing."""
    from spikingjelly.activation_based.base import StepModule
    from torch import nn

    kind, mode = type(module).__name__, getattr(module, "step_mode", "m")
    setting = f"step_mode='{mode}'" * hasattr(module, "step_mode")
    if not isinstance(module, StepModule) or kind.startswith("Dropout") or (
            mode == "s" and isinstance(module, nn.Linear | nn.Sequential)):
        return None
    if isinstance(module, nn.Sequential):
        keeps = kind == "MultiStepContainer" or getattr(module, "stateful", False)
        return Call(TIME_FIRST, setting, ONE_STEP if keeps else ROWS)
    if mode == "m":
        return Call(TIME_FIRST, setting)
    return Call(ONE_STEP if hasattr(module, "v_threshold") else NO_STEPS, setting)


def _wrapped(name: str) -> str:
    """The class of a layer that torch.nn calls `name`."""
    file, _, kind = name.partition(".")
    return f"{_BASE}.layer.{'bn' if file == 'batchnorm' else 'stateless_wrapper'}.{kind}"


_BASE = "spikingjelly.activation_based"
FRAMEWORK = Framework(
    "SpikingJelly",
    Modules(
        neurons={f"{_BASE}.neuron.integrate_and_fire.IFNode": _if,
                 f"{_BASE}.neuron.lif.LIFNode": _lif,
                 f"{_BASE}.neuron.plif.ParametricLIFNode": _plif},
        layers={_wrapped(name): read for name, read in LAYERS.items()},
        ignored=[f"{_BASE}.layer.dropout.{name}" for name in ("Dropout", "Dropout2d")],
        containers={f"{_BASE}.layer.container.{name}": registered
                    for name in ("SeqToANNContainer", "MultiStepContainer", "StepModeContainer")},
        run=_run, apply=_apply, watchers=(f"{_BASE}.monitor",), call=_call,
        same_steps="spikingjelly.activation_based.functional.set_step_mode(model, 'm'), or 's' in "
        "containers of several steps"),
    Profile(_stored, settings=("dt",)))
