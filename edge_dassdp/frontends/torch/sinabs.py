"""Sinabs' neurons: IAF, LIF and ExpLeak, their squeezed and recurrent kinds, of sinabs 3.1.3
(layers/functional/lif.py), with MultiSpike, MaxSpike or SingleSpike.

i = alpha_syn (i + x) with tau_syn, else x; v = alpha v + i, or alpha v + (1 - alpha) i with
norm_input; spikes where v >= threshold, trunc(v / threshold) of them with MultiSpike, each of which
takes a threshold away in the same step (SingleSpike may reset to zero instead); then v is kept
above min_v_mem. State left in the layers by earlier runs is not taken over.

Beside them SumPool2d, and the containers Network and Repeat. NIR files (nir.py) hold tau in steps
and r = 1; a = exp(-1 / tau). Whether inputs are scaled by 1 - a (norm_input), they do not say; the
least membrane of an IF is minus its threshold unless `floor` says otherwise, as sinabs.nir builds
it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edge_dassdp.frontends.framework import (
    FLAT,
    TIME_SECOND,
    Call,
    Cells,
    Framework,
    Modules,
    NeuronSource,
    Profile,
    SourceProfile,
)
from edge_dassdp.frontends.nodes import NEVER
from edge_dassdp.frontends.profile import choices, firing, must_be, only, unsaid
from edge_dassdp.frontends.torch.layers import sum_pool
from edge_dassdp.frontends.torch.values import per_neuron, unsupported

_SPIKES = "sinabs.activation.spike_generation"
_RESETS = "sinabs.activation.reset_mechanism"


def _spiking(module: Any, at: str, shape: tuple[int, ...]) -> Cells:
    settings = _membrane(module, at, shape) | {
        "threshold": per_neuron(module.spike_threshold, shape, f"{at}: spike_threshold"),
        "reset_delay": False, "strict": False, "looks_back": False,
        "max_spikes": _max_spikes(module.spike_fn, at)}
    settings["reset"] = _reset(module, at, settings["max_spikes"])
    if module.min_v_mem is not None:
        settings["v_min"] = per_neuron(module.min_v_mem, shape, f"{at}: min_v_mem")
    feedback = getattr(module, "rec_connect", None)
    if feedback is None:
        return Cells(settings)
    for name, bias in feedback.named_parameters():
        if name.rpartition(".")[2] == "bias" and bias.detach().any():
            raise unsupported(at, f"has a rec_connect with a bias ({name}), which Sinabs leaves "
                              "out in the first step", "use bias=False there")
    return Cells(settings, recurrent=(feedback,))


def _leaking(module: Any, at: str, shape: tuple[int, ...]) -> Cells:
    if module.min_v_mem is not None:
        raise unsupported(at, "has a min_v_mem, which its output does not show",
                          "leave min_v_mem out of the ExpLeak")
    return Cells(_membrane(module, at, shape) | {"reset": "none", "threshold": NEVER}, fires=False)


def _membrane(module: Any, at: str, shape: tuple[int, ...]) -> dict[str, Any]:
    import torch

    with torch.no_grad():
        alpha, current = module.alpha_mem_calculated, module.alpha_syn_calculated
        share = 1 - alpha if module.norm_input else torch.ones(())
    settings: dict[str, Any] = {"beta": per_neuron(alpha, shape, f"{at}: tau_mem"),
                                "gain": per_neuron(share, shape, f"{at}: tau_mem")}
    if current is not None:
        syn = per_neuron(current, shape, f"{at}: tau_syn")
        settings |= {"alpha": syn, "gain": settings["gain"] * syn, "form": "current_first"}
    return settings


def _max_spikes(spike_fn: Any, at: str) -> int:
    """0 for no limit."""
    kind = spike_fn if isinstance(spike_fn, type) else type(spike_fn)
    name = f"{kind.__module__}.{kind.__qualname__}".removeprefix(f"{_SPIKES}.")
    if name in ("MultiSpike", "SingleSpike"):
        return int(name == "SingleSpike")
    if name != "MaxSpike":
        raise unsupported(at, "has a spike_fn other than MultiSpike, MaxSpike and SingleSpike",
                          "use one of these: spike_fn=sinabs.activation.SingleSpike")
    most = spike_fn.max_num_spikes_per_bin
    if most is not None and (most != int(most) or not 1 <= most <= 255):
        raise unsupported(at, f"has a MaxSpike of {most}", "use 1 to 255 spikes, or no limit")
    return int(most or 0)


def _reset(module: Any, at: str, max_spikes: int) -> str:
    reset = module.reset_fn
    name = f"{type(reset).__module__}.{type(reset).__qualname__}"
    if name == f"{_RESETS}.MembraneSubtract":
        amount = reset.subtract_value
        if amount is not None and not np.array_equal(
                np.float32(amount), np.float32(module.spike_threshold.detach().cpu())):
            raise unsupported(at, "subtracts something else than its threshold (subtract_value)",
                              "leave subtract_value out")
        return "subtract"
    if name != f"{_RESETS}.MembraneReset":
        raise unsupported(at, "has a reset_fn other than MembraneSubtract and MembraneReset",
                          "use one of these: reset_fn=sinabs.activation.MembraneSubtract()")
    if reset.reset_value != 0:
        raise unsupported(at, "has a reset_value, which Sinabs adds to every membrane in every "
                          "step", "use MembraneReset() or MembraneSubtract()")
    if max_spikes != 1:
        raise unsupported(at, "fires several times a step and resets to zero",
                          "use SingleSpike, or MembraneSubtract")
    return "zero"


def _stored(profile: SourceProfile, source: NeuronSource) -> dict[str, Any]:
    """IAF, LIF and ExpLeak."""
    only(profile, source, "IF", "LIF", "LI")
    must_be(1.0, profile, source, "r")
    must_be(0.0, profile, source, "v_leak", "v_reset")
    fired = firing(profile, source, profile.reset or "subtract", False, False)
    if source.fires:
        fired |= {"max_spikes": profile.max_spikes or 0}
    if source.kind == "IF":
        return {"beta": 1.0} | fired | _floored(profile, source, -1.0)
    if profile.norm_input is None:
        raise unsaid(source, "its norm_input", choices(profile, _CHOICES))
    a = np.exp(-1.0 / np.asarray(source.tau, np.float32)).astype(np.float32)
    gain = np.float32(1) - a if profile.norm_input else np.ones_like(a)
    return {"beta": a.astype(np.float64), "gain": gain.astype(np.float64)} | fired \
        | _floored(profile, source, np.nan)


def _floored(profile: SourceProfile, source: NeuronSource, default: float) -> dict[str, Any]:
    """The least membrane, of neurons that fire; nan stands for none."""
    floor = default if profile.floor is None else profile.floor
    if np.isnan(floor) or not source.fires:
        return {}
    return {"v_min": floor * source.number("v_threshold")}


def _run(module: Any, x: Any) -> tuple[Any, Any]:
    """All steps at once; squeezed kinds take samples and steps in one dimension. Recurrent kinds
    record their last membranes at every step, so those are left out."""
    n, n_steps, *shape = x.shape
    module.init_state_with_shape((n, *shape))
    module.record_states = not hasattr(module, "rec_connect")
    if hasattr(module, "squeeze_forward"):
        module.batch_size, module.num_timesteps = n, n_steps
        x = x.flatten(0, 1)
    output = module(x)
    return output.reshape(n, n_steps, *shape), module.recordings.get("v_mem")


def _call(module: Any) -> Call | None:
    """Squeezed kinds tell steps or samples by a number, -1 where the input tells it."""
    if type(module).__name__ == "Repeat":
        return Call(TIME_SECOND, within=FLAT)
    if not hasattr(module, "spike_fn") and not hasattr(module, "alpha_mem_calculated"):
        return None
    if not hasattr(module, "squeeze_forward"):
        return Call(TIME_SECOND)
    n_steps, n_samples = max(module.num_timesteps, 0), max(module.batch_size, 0)
    settings = [f"num_timesteps={n_steps}"] * (n_steps > 0) \
        + [f"batch_size={n_samples}"] * (n_samples > 0)
    return Call(FLAT, ", ".join(settings), n_steps=n_steps, n_samples=n_samples)


_CHOICES = ({"norm_input": True}, {"norm_input": False})
_SPIKING = ("iaf.IAF", "iaf.IAFSqueeze", "iaf.IAFRecurrent", "lif.LIF", "lif.LIFSqueeze",
            "lif.LIFRecurrent")
_LEAKING = ("exp_leak.ExpLeak", "exp_leak.ExpLeakSqueeze")
FRAMEWORK = Framework(
    "Sinabs",
    Modules(
        neurons={f"sinabs.layers.{name}": reader for names, reader in
                 ((_SPIKING, _spiking), (_LEAKING, _leaking)) for name in names},
        layers={"sinabs.layers.pool2d.SumPool2d": sum_pool},
        wrappers={"sinabs.layers.reshape.Repeat": "module",
                  "sinabs.network.Network": "spiking_model"},
        run=_run, watchers=("sinabs.hooks", "sinabs.synopcounter"), call=_call,
        same_steps="squeezed kinds alone, of the same batch_size or num_timesteps, or none of "
        "them"),
    Profile(_stored, choices=_CHOICES, settings=("norm_input", "max_spikes", "floor")))
