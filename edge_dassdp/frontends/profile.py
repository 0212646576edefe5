"""What a NIR file does not say: which discrete neuron its numbers belong to.

A file holds neither the framework it comes from, nor its time step, nor whether a reset subtracts
or sets, at once or in the next step, nor > against >=. A `SourceProfile` says it; `resolve` turns
the parameters of a node into settings of `ir.Population` by the way in which that framework writes
them (snntorch 1.0.0 export_nir.py, norse 1.1.0 export_nir.py, sinabs 3.1.3 nir.py, spikingjelly
2.0.0 nir_exchange/to_nir.py, rockpool 3.1.0 nn/modules/torch/nir.py):

    framework      tau in the file           r in the file            the step
    snntorch       1e-4 / (1 - beta)         tau / 1e-4               v = beta v + x
    norse          dt / tau_mem_inv          1                        c = dt / tau
    sinabs         in steps                  1                        a = exp(-1 / tau)
    spikingjelly   tau 1e-4                  1 (decay_input) or tau   tau = tau / 1e-4
    rockpool       in seconds                tau exp(-dt / tau) / dt  a = exp(-dt / tau)
    nir            its own definition        resistance               a = exp(-dt / tau), exact for
                                                                      inputs constant in a step

What is missing is refused with E106, which lists the choices and the equation that each gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.torch.values import NEVER
from edge_dassdp.ir import FloatArray, Population, Reset

WRITERS_DT = 1e-4
"""Seconds of a step in files of snnTorch and SpikingJelly."""

Numbers = NDArray[Any]


@dataclass(frozen=True)
class SourceProfile:
    """Where a NIR file comes from. framework: one of FRAMEWORKS. None leaves a field as the
    framework writes it, if that is one way only.

    - reset, reset_delay: as in `ir.Population`
    - strict: > against >=
    - dt: a step in the unit of the file's time constants
    - norm_input: Sinabs' LIF, whether inputs are scaled by 1 - a
    - max_spikes: most of a neuron in a step, 0 for no limit
    - floor: least membrane as a multiple of the threshold; Sinabs' IF has -1, as sinabs.nir builds
      it, and nan stands for none
    """

    framework: str
    reset: Reset | None = None
    reset_delay: bool | None = None
    strict: bool | None = None
    dt: float | None = None
    norm_input: bool | None = None
    max_spikes: int | None = None
    floor: float | None = None

    def __post_init__(self) -> None:
        if self.framework not in FRAMEWORKS:
            raise EdgeError("E105", f"'{self.framework}' is no known source of NIR files",
                            help=f"choose one of {', '.join(FRAMEWORKS)}")
        if self.reset not in (None, *get_args(Reset)):
            raise EdgeError("E105", f"reset '{self.reset}' is not subtract, zero or none")
        for name, used_by in _OWN.items():
            if getattr(self, name) is not None and self.framework not in used_by:
                raise EdgeError("E105", f"{name} is no setting of {self.framework}")
        if self.dt is not None and not (np.isfinite(self.dt) and self.dt > 0):
            raise EdgeError("E105", f"dt is {self.dt!r}, expected a positive number")

    @classmethod
    def parse(cls, text: str) -> SourceProfile:
        """Of "framework,field=value,...", as `str` writes it. Raises EdgeError E105."""
        framework, *rest = (part.strip() for part in text.split(","))
        values: dict[str, Any] = {}
        for part in rest:
            name, _, value = part.partition("=")
            if name not in {f.name for f in fields(cls)} - {"framework"}:
                raise EdgeError("E105", f"'{part}' is no setting of a source profile",
                                help="fields are " + ", ".join(f.name for f in fields(cls)[1:]))
            values[name] = _parsed(name, value)
        return cls(framework, **values)

    def __str__(self) -> str:
        given = {f.name: getattr(self, f.name) for f in fields(self)[1:]}
        return ",".join([self.framework, *(f"{name}={str(value).lower()}"
                                           for name, value in given.items() if value is not None)])


@dataclass(frozen=True, eq=False)
class NeuronSource:
    """A neuron node as it is stored. kind: the name of its NIR type. values: its parameters.
    is_recurrent: it leads back to itself without other neurons."""

    name: str
    kind: str
    values: Mapping[str, Numbers]
    is_recurrent: bool = False

    @property
    def fires(self) -> bool:
        """Its output is spikes, not its membrane."""
        return self.kind not in ("LI", "CubaLI", "I")

    @property
    def is_current(self) -> bool:
        return self.kind in ("CubaLIF", "CubaLI")

    @property
    def tau(self) -> Numbers:
        tau = self.values["tau_mem" if self.is_current else "tau"]
        return tau if tau.dtype.kind == "f" else tau.astype(np.float64)

    def number(self, name: str, default: float = 0.0) -> FloatArray:
        return np.asarray(self.values.get(name, default), np.float64)


def resolve(profile: SourceProfile | None, source: NeuronSource) -> dict[str, Any]:
    """Fields of `ir.Population` but for name, size and shape.

    Raises EdgeError E101 for values out of range, E102 for what the framework does not write, E106
    where neither the file nor the profile says how the neurons run.
    """
    _check(source)
    if source.kind == "Threshold":
        return {"beta": 0.0, "threshold": source.number("threshold"), "reset": "none"}
    if profile is None:
        raise _unsaid(source, "where it comes from", [
            *(SourceProfile("norse", dt=dt) for dt in (1e-3, 1e-6)), SourceProfile("rockpool"),
            *(SourceProfile("sinabs", norm_input=norm) for norm in (True, False)),
            *_snntorch_choices(), SourceProfile("spikingjelly"),
            SourceProfile("nir", dt=WRITERS_DT)])
    settings = _READERS[profile.framework](profile, source)
    return settings if source.fires else settings | {"reset": "none", "threshold": NEVER}


def equation(settings: Mapping[str, Any]) -> str:
    """The discrete equation of settings, for people."""
    flat: dict[str, Any] = {key: np.ravel(value) if isinstance(value, np.ndarray) else value
            for key, value in settings.items()}
    size = max((v.size for v in flat.values() if isinstance(v, np.ndarray)), default=1)
    return Population("neurons", max(size, 1), **flat).equation


# ---- the frameworks ------------------------------------------------------------------------------


def _snntorch(profile: SourceProfile, source: NeuronSource) -> dict[str, Any]:
    """Leaky and Synaptic; RLeaky and RSynaptic where recurrent. A reset to zero in the next step
    cancels that step's input, too, in all but Leaky."""
    _only(source, "snntorch", "LIF", "CubaLIF")
    _must_be(0.0, source, "snntorch", "v_leak", "v_reset")
    if profile.reset is None:
        raise _unsaid(source, "how its neurons reset", _snntorch_choices(profile))
    if profile.reset != "none" and profile.reset_delay is None:
        raise _unsaid(source, "whether its neurons reset at once",
                      [replace(profile, reset_delay=late) for late in (True, False)])
    dt = profile.dt or WRITERS_DT
    settings: dict[str, Any] = {"beta": _decay(source.tau, dt)}
    gain = source.number("r") * dt / np.asarray(source.tau, np.float64)
    if source.is_current:
        settings["alpha"] = _decay(source.values["tau_syn"], dt)
        gain = gain * source.number("w_in") * dt / source.number("tau_syn")
    late = profile.reset != "none" and bool(profile.reset_delay)
    cancels = profile.reset == "zero" and late and (source.is_current or source.is_recurrent)
    return settings | {"gain": _unit(gain), "cancels_input": cancels} \
        | _firing(profile, source, profile.reset, late, True)


def _norse(profile: SourceProfile, source: NeuronSource) -> dict[str, Any]:
    """LIFBoxCell, LIFCell, LIBoxCell and IAFCell."""
    _only(source, "norse", "LIF", "CubaLIF", "LI", "IF")
    _must_be(1.0, source, "norse", "r", "w_in")
    firing = _firing(profile, source, profile.reset or "zero", False, True)
    if source.kind == "IF":
        return {"beta": 1.0} | firing
    if profile.dt is None:
        raise _unsaid(source, "its dt (1e-3 of a file by norse's to_nir(dt=1.0), 1e-6 of one with "
                      "its default dt)", [replace(profile, dt=dt) for dt in (1e-3, 1e-6)])
    rate = _share(source, source.tau, profile.dt)
    leak = source.number("v_leak")
    settings = {"beta": 1.0 - rate, "gain": rate, "bias": rate * leak, "v_init": leak,
                "form": "toward" if source.kind == "LIF" else "toward_leak"}
    if source.is_current:
        settings["alpha"] = 1.0 - _share(source, source.values["tau_syn"], profile.dt)
    return settings | firing


def _sinabs(profile: SourceProfile, source: NeuronSource) -> dict[str, Any]:
    """IAF, LIF and ExpLeak."""
    _only(source, "sinabs", "IF", "LIF", "LI")
    _must_be(1.0, source, "sinabs", "r")
    _must_be(0.0, source, "sinabs", "v_leak", "v_reset")
    firing = _firing(profile, source, profile.reset or "subtract", False, False)
    most = 0 if profile.max_spikes is None else profile.max_spikes
    if source.fires:
        firing |= {"max_spikes": most}
    if source.kind == "IF":
        floor = -1.0 if profile.floor is None else profile.floor
        return {"beta": 1.0} | firing | _floored(floor, source)
    if profile.norm_input is None:
        raise _unsaid(source, "its norm_input",
                      [replace(profile, norm_input=norm) for norm in (True, False)])
    a = np.exp(-1.0 / np.asarray(source.tau, np.float32)).astype(np.float32)
    gain = np.float32(1) - a if profile.norm_input else np.ones_like(a)
    floor = np.nan if profile.floor is None else profile.floor
    return {"beta": a.astype(np.float64), "gain": gain.astype(np.float64)} | firing \
        | (_floored(floor, source) if source.fires else {})


def _spikingjelly(profile: SourceProfile, source: NeuronSource) -> dict[str, Any]:
    """IFNode, LIFNode and ParametricLIFNode, CUBALIFNode."""
    _only(source, "spikingjelly", "IF", "LIF", "CubaLIF")
    dt = profile.dt or WRITERS_DT
    reset = source.number("v_reset")
    firing = _firing(profile, source, profile.reset or "zero", False, False)
    if firing["reset"] == "zero":
        firing["v_init"] = reset
    if source.kind == "IF":
        if not np.allclose(source.number("r") * dt, 1.0, rtol=1e-5):
            raise _unwritten(source, "spikingjelly", "r other than 1 / dt")
        return {"beta": 1.0} | firing
    tau = np.asarray(source.tau, np.float64) / dt
    if source.is_current:
        syn = source.number("tau_syn") / dt
        gain = source.number("r") / tau * source.number("w_in") / syn
        _must_be(0.0, source, "spikingjelly", "v_leak")
        return {"beta": 1.0 - 1.0 / tau, "alpha": 1.0 - 1.0 / syn, "gain": _unit(gain)} | firing
    if not np.allclose(source.number("v_leak"), reset):
        raise _unwritten(source, "spikingjelly", "v_leak other than v_reset")
    decays = bool(np.allclose(source.number("r"), 1.0, rtol=1e-5))
    if not decays and not np.allclose(source.number("r"), tau, rtol=1e-5):
        raise _unwritten(source, "spikingjelly", "r other than 1 or tau")
    return {"beta": 1.0 - 1.0 / tau, "gain": 1.0 / tau if decays else 1.0, "bias": reset / tau,
            "form": "divide" if decays else "leak_divide"} | firing


def _rockpool(profile: SourceProfile, source: NeuronSource) -> dict[str, Any]:
    """LIFTorch and LIFNeuronTorch, whose biases are not in the file. Without a dt, r tells it."""
    _only(source, "rockpool", "LIF", "CubaLIF")
    _must_be(0.0, source, "rockpool", "v_leak", "v_reset")
    tau = np.asarray(source.tau, np.float64)
    dt = _omega(1.0 / source.number("r")) * tau if profile.dt is None else profile.dt
    settings: dict[str, Any] = {"beta": np.exp(-dt / tau)}
    if source.is_current:
        alpha = np.exp(-dt / source.number("tau_syn"))
        settings |= {"alpha": alpha, "gain": alpha, "form": "current_first"}
    firing = _firing(profile, source, profile.reset or "subtract", False, False)
    return settings | firing | {"max_spikes": profile.max_spikes or 0}


def _nir(profile: SourceProfile, source: NeuronSource) -> dict[str, Any]:
    """Its own definition, with currents and inputs that stay for a step."""
    if profile.dt is None:
        raise _unsaid(source, "its dt", [replace(profile, dt=dt) for dt in (1e-3, WRITERS_DT)])
    firing = _firing(profile, source, profile.reset or "zero", bool(profile.reset_delay), True)
    if source.kind in ("IF", "I"):
        return {"beta": 1.0, "gain": _unit(source.number("r") * profile.dt)} | firing
    a = np.exp(-profile.dt / np.asarray(source.tau, np.float64))
    settings: dict[str, Any] = {"beta": a, "bias": (1.0 - a) * source.number("v_leak")}
    gain = (1.0 - a) * source.number("r")
    if source.is_current:
        settings["alpha"] = np.exp(-profile.dt / source.number("tau_syn"))
        gain = gain * source.number("w_in") * (1.0 - settings["alpha"])
    return settings | {"gain": _unit(gain)} | firing


_READERS: dict[str, Callable[[SourceProfile, NeuronSource], dict[str, Any]]] = {
    "norse": _norse, "rockpool": _rockpool, "sinabs": _sinabs, "snntorch": _snntorch,
    "spikingjelly": _spikingjelly, "nir": _nir,
}
FRAMEWORKS = tuple(_READERS)
_OWN = {"norm_input": ("sinabs",), "floor": ("sinabs",), "max_spikes": ("sinabs", "rockpool")}
"""Settings of some frameworks alone."""


# ---- numbers -------------------------------------------------------------------------------------


def _firing(profile: SourceProfile, source: NeuronSource, reset: Reset, delay: bool,
            strict: bool) -> dict[str, Any]:
    """What is decided at the threshold; delay and strict unless the profile says otherwise."""
    if not source.fires:
        return {}
    late = delay if profile.reset_delay is None else profile.reset_delay and reset != "none"
    at_once = reset == "zero" and not late
    v_reset = source.number("v_reset")
    if v_reset.any() and not at_once:
        raise EdgeError("E102", f"node '{source.name}' has a v_reset of {v_reset.min():g} to "
                        f"{v_reset.max():g}, but '{profile}' does not reset to it at once",
                        help="use reset=zero,reset_delay=false, or a file with v_reset 0")
    return {"threshold": source.number("v_threshold"), "reset": reset, "reset_delay": late,
            "strict": strict if profile.strict is None else profile.strict,
            "v_reset": v_reset if at_once else 0.0, "looks_back": profile.framework == "snntorch"}


def _decay(tau: Numbers, dt: float) -> FloatArray:
    """beta of tau = dt / (1 - beta), the round one where float32 leaves several."""
    beta = 1 - dt / tau
    rounded = np.round(beta, 6).astype(np.float32).astype(tau.dtype)
    with np.errstate(divide="ignore"):
        is_it = dt / (1 - rounded) == tau
    return np.asarray(np.where(is_it, rounded, beta), np.float64)


def _share(source: NeuronSource, tau: Numbers, dt: float) -> FloatArray:
    """dt / tau, as float32 has it."""
    rate = np.asarray(dt / np.asarray(tau, np.float64), np.float32).astype(np.float64)
    if (rate > 1).any():
        raise EdgeError("E101", f"node '{source.name}': dt = {dt:g} is longer than its time "
                        f"constant {np.min(tau):g}", help="give the dt of the file: for norse 1e-6 "
                        "where to_nir was called without dt")
    return rate


def _omega(y: FloatArray) -> FloatArray:
    """x with x exp(x) = y, for y > 0: Newton's method, which converges from log(1 + y)."""
    x = np.log1p(y)
    for _ in range(50):
        x = x - (x - y * np.exp(-x)) / (1.0 + x)
    return x


def _unit(gain: FloatArray) -> FloatArray:
    """Factors that were 1 before they were written in float32."""
    return np.where(np.isclose(gain, 1.0, rtol=1e-5), 1.0, gain)


def _floored(floor: float, source: NeuronSource) -> dict[str, Any]:
    return {} if np.isnan(floor) else {"v_min": floor * source.number("v_threshold")}


# ---- refusals ------------------------------------------------------------------------------------


def _check(source: NeuronSource) -> None:
    for name, value in source.values.items():
        if not np.isfinite(value).all():
            raise EdgeError("E101", f"node '{source.name}': {name} holds a NaN or an infinity")
        if name.startswith("tau") and (value <= 0).any():
            raise EdgeError("E101", f"node '{source.name}': {name} must be positive")
    if source.kind in ("IF", "LIF", "CubaLIF"):
        if (source.number("v_threshold") <= 0).any():
            raise EdgeError("E101", f"node '{source.name}': v_threshold must be positive")
        if (source.number("v_reset") >= source.number("v_threshold")).any():
            raise EdgeError("E101", f"node '{source.name}': v_reset must lie below v_threshold")


def _only(source: NeuronSource, framework: str, *kinds: str) -> None:
    if source.kind not in kinds:
        raise _unwritten(source, framework, "another kind of node")


def _must_be(value: float, source: NeuronSource, framework: str, *names: str) -> None:
    for name in names:
        if not np.allclose(source.number(name, value), value, rtol=1e-5, atol=0.0):
            raise _unwritten(source, framework, f"{name} other than {value:g}")


def _unwritten(source: NeuronSource, framework: str, what: str) -> EdgeError:
    return EdgeError("E102", f"node '{source.name}' does not come from {framework}, which writes "
                     f"no such {source.kind}", cause=f"it has {what}",
                     help="choose the framework that wrote the file, or 'nir' with a dt for NIR's "
                     "own definition")


def _snntorch_choices(profile: SourceProfile | None = None) -> list[SourceProfile]:
    base = profile or SourceProfile("snntorch")
    resets: tuple[Reset, ...] = ("subtract", "zero")
    return [*(replace(base, reset=reset, reset_delay=late)
              for reset in resets for late in (True, False)), replace(base, reset="none")]


def _unsaid(source: NeuronSource, what: str, choices: list[SourceProfile]) -> EdgeError:
    """Lists what every choice would make of the neurons; choices that do not fit are left out."""
    said: dict[tuple[str, str], SourceProfile] = {}
    for choice in choices:
        with suppress(EdgeError):
            said.setdefault((choice.framework, equation(resolve(choice, source))), choice)
    lines = [f"{choice}: {text}" for (_, text), choice in said.items()]
    return EdgeError("E106", f"node '{source.name}' ({source.kind}): the file does not say {what}",
                     cause="a NIR file holds parameters, not the discrete neuron that they belong "
                     "to",
                     help="give a source profile, one of\n  " + "\n  ".join(lines))


def _parsed(name: str, value: str) -> Any:
    if name == "reset":
        return value
    try:
        if name in ("dt", "floor"):
            return float(value)
        return int(value) if name == "max_spikes" else {"true": True, "false": False}[value.lower()]
    except (ValueError, KeyError):
        raise EdgeError("E105", f"'{value}' is no value of {name}") from None
