"""SpikingJelly's neurons: IFNode, LIFNode and ParametricLIFNode of spikingjelly 2.0.0
(activation_based/neuron/, _ops/*/reference.py), either step mode.

They compare with >= and reset in the same step: by subtraction where v_reset is None, else to
v_reset, from where the membrane also starts. With h the membrane before the reset:

- IF:   h = v + x
- LIF:  h = v + (x - (v - v_reset)) / tau, without decay_input h = v - (v - v_reset) / tau + x
- ParametricLIF: the same with a factor sigmoid(w) instead of a division by tau
"""

from __future__ import annotations

from typing import Any

from edge_dassdp.frontends.torch.values import Cells, Reader, is_step, unsupported
from edge_dassdp.ir import Form


def _if(module: Any, at: str, shape: tuple[int, ...]) -> Cells:
    return Cells(_settings(module, at) | {"beta": 1.0})


def _lif(module: Any, at: str, shape: tuple[int, ...]) -> Cells:
    return _leaking(module, at, 1.0 / float(module.tau), ("divide", "leak_divide"))


def _plif(module: Any, at: str, shape: tuple[int, ...]) -> Cells:
    import torch

    with torch.no_grad():
        share = float(module.w.sigmoid())
    return _leaking(module, at, share, ("scale", "leak_scale"))


def _leaking(module: Any, at: str, share: float, forms: tuple[Form, Form]) -> Cells:
    """share: of the distance to v_reset that is lost in a step, and of the input if that decays."""
    settings = _settings(module, at)
    settings |= {"beta": 1.0 - share, "form": forms[0 if module.decay_input else 1],
                 "gain": share if module.decay_input else 1.0,
                 "bias": share * float(settings["v_reset"])}
    return Cells(settings)


def _settings(module: Any, at: str) -> dict[str, Any]:
    spikes = module.surrogate_function
    if not getattr(spikes, "spiking", True) or not is_step(spikes, at_zero=True):
        raise unsupported(at, "has a surrogate_function that is not the step v >= v_threshold in "
                          "its forward pass")
    if module._neuron_precision is not None:
        raise unsupported(at, "computes in another precision than float32")
    is_soft = module.v_reset is None
    start = 0.0 if is_soft else float(module.v_reset)
    return {"threshold": float(module.v_threshold), "reset": "subtract" if is_soft else "zero",
            "reset_delay": False, "strict": False, "looks_back": False, "v_reset": start,
            "v_init": start}


_PREFIX = "spikingjelly.activation_based.neuron"
READERS: dict[str, Reader] = {
    f"{_PREFIX}.integrate_and_fire.IFNode": _if,
    f"{_PREFIX}.lif.LIFNode": _lif,
    f"{_PREFIX}.plif.ParametricLIFNode": _plif,
}
