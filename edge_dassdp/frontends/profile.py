"""What a NIR file does not say: which discrete neuron its numbers belong to.

A file holds neither the framework it comes from, nor its time step, nor whether a reset subtracts
or sets, at once or in the next step, nor > against >=. A `SourceProfile` says it; `resolve` turns
the parameters of a node into settings of `ir.Population` by the way in which that framework writes
them, which its file in frontends/torch states. NIR's own definition stands here:

    tau in seconds, r a resistance; a = exp(-dt / tau), exact for inputs constant in a step

What is missing is refused with E106, which lists the choices and the equation that each gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.framework import NeuronSource, SourceProfile, framework
from edge_dassdp.frontends.known import NIR, frameworks
from edge_dassdp.frontends.nodes import NEVER
from edge_dassdp.ir import CLAMP, LEAST, FloatArray, Population, Reset, require_each

WRITERS_DT = 1e-4
"""Seconds of a step in files of writers that do not ask for it."""


def resolve(profile: SourceProfile | None, source: NeuronSource) -> dict[str, Any]:
    """Fields of `ir.Population` but for name, size and shape.

    Raises EdgeError E101 for values out of range, E102 for what the framework does not write, E106
    where neither the file nor the profile says how the neurons run.
    """
    _check(source)
    if source.kind == "Threshold":
        return {"beta": 0.0, "threshold": source.number("threshold"), "reset": "none"}
    if profile is None:
        raise unsaid(source, "where it comes from", _all_choices())
    read = _defined if profile.framework == NIR else framework(profile.framework).profile.read
    settings = read(profile, source)
    return settings if source.fires else settings | {"reset": "none", "threshold": NEVER}


def equation(settings: Mapping[str, Any]) -> str:
    """The discrete equation of settings, for people."""
    flat: dict[str, Any] = {key: np.ravel(value) if isinstance(value, np.ndarray) else value
            for key, value in settings.items()}
    size = max((v.size for v in flat.values() if isinstance(v, np.ndarray)), default=1)
    return Population("neurons", max(size, 1), **flat).equation


def _all_choices() -> Iterator[SourceProfile]:
    for name in frameworks():
        yield from choices(SourceProfile(name), framework(name).profile.choices)
    yield SourceProfile(NIR, dt=WRITERS_DT)


def _defined(profile: SourceProfile, source: NeuronSource) -> dict[str, Any]:
    """NIR's own definition, with currents and inputs that stay for a step."""
    if profile.dt is None:
        raise unsaid(source, "its dt", [replace(profile, dt=dt) for dt in (1e-3, WRITERS_DT)])
    fired = firing(profile, source, profile.reset or "zero", bool(profile.reset_delay), True)
    if source.kind in ("IF", "I"):
        return {"beta": 1.0, "gain": unit(source.number("r") * profile.dt)} | fired
    a = np.exp(-profile.dt / np.asarray(source.tau, np.float64))
    settings: dict[str, Any] = {"beta": a, "bias": (1.0 - a) * source.number("v_leak")}
    gain = (1.0 - a) * source.number("r")
    if source.is_current:
        settings["alpha"] = np.exp(-profile.dt / source.number("tau_syn"))
        gain = gain * source.number("w_in") * (1.0 - settings["alpha"])
    return settings | {"gain": unit(gain)} | fired


# ---- what the frameworks' readers share ----------------------------------------------------------


def firing(profile: SourceProfile, source: NeuronSource, reset: Reset, delay: bool, strict: bool,
           looks_back: bool = False) -> dict[str, Any]:
    """What is decided at the threshold; delay and strict unless the profile says otherwise."""
    if not source.fires:
        return {}
    late = delay if profile.reset_delay is None else profile.reset_delay and reset != "none"
    at_once = reset == "zero" and not late
    v_reset = source.number("v_reset")
    if v_reset.any() and not at_once:
        raise EdgeError("E102", f"node '{source.name}' has a v_reset of {v_reset.min():g} to "
                        f"{v_reset.max():g}, but '{profile}' does not reset to it at once",
                        help="give reset=zero,reset_delay=false if it does, else write the file "
                        "with v_reset 0")
    return {"threshold": source.number("v_threshold"), "reset": reset, "reset_delay": late,
            "strict": strict if profile.strict is None else profile.strict,
            "v_reset": v_reset if at_once else 0.0, "looks_back": looks_back}


def unit(gain: FloatArray) -> FloatArray:
    """Factors that were 1 before they were written in float32."""
    return np.where(np.isclose(gain, 1.0, rtol=1e-5), 1.0, gain)


def choices(profile: SourceProfile, ways: Iterable[Mapping[str, Any]]) -> list[SourceProfile]:
    """A profile with the fields of each way."""
    return [replace(profile, **way) for way in ways]


# ---- refusals ------------------------------------------------------------------------------------


def _check(source: NeuronSource) -> None:
    at = f"node '{source.name}'"
    for name, value in source.values.items():
        if not np.isfinite(value).all():
            raise EdgeError("E101", f"{at}: {name} holds a NaN or an infinity",
                            help="train again with finite numbers (gradients may have exploded), "
                            "and export that")
        if name.startswith("tau"):
            require_each(np.ravel(value) > 0, np.ravel(value), f"{at}: {name} must be positive",
                         "give time constants above 0, or use an IF or I node, which does not leak")
    if source.kind in ("IF", "LIF", "CubaLIF"):
        threshold, reset = np.broadcast_arrays(source.number("v_threshold"),
                                               source.number("v_reset"))
        require_each(np.ravel(threshold) >= LEAST, np.ravel(threshold),
                     f"{at}: v_threshold must be positive", CLAMP)
        require_each(np.ravel(reset < threshold), np.ravel(reset),
                     f"{at}: v_reset must lie below v_threshold",
                     "lower v_reset or raise v_threshold: neurons reset above it fire on and on")


def only(profile: SourceProfile, source: NeuronSource, *kinds: str) -> None:
    """E102 unless a node is of one of the kinds that the framework writes."""
    if source.kind not in kinds:
        raise unwritten(profile, source, "another kind of node")


def must_be(value: float, profile: SourceProfile, source: NeuronSource, *names: str) -> None:
    """E102 unless parameters have the only value that the framework writes."""
    for name in names:
        if not np.allclose(source.number(name, value), value, rtol=1e-5, atol=0.0):
            raise unwritten(profile, source, f"{name} other than {value:g}")


def unwritten(profile: SourceProfile, source: NeuronSource, what: str) -> EdgeError:
    return EdgeError("E102", f"node '{source.name}' does not come from {profile.framework}, which "
                     f"writes no such {source.kind}", cause=f"it has {what}",
                     help="choose the framework that wrote the file, or 'nir' with a dt for NIR's "
                     "own definition")


def unsaid(source: NeuronSource, what: str, ways: Iterable[SourceProfile]) -> EdgeError:
    """Lists what every way would make of the neurons; those that do not fit are left out."""
    said: dict[tuple[str, str], SourceProfile] = {}
    for way in ways:
        with suppress(EdgeError):
            said.setdefault((way.framework, equation(resolve(way, source))), way)
    lines = [f"{way}: {text}" for (_, text), way in said.items()]
    return EdgeError("E106", f"node '{source.name}' ({source.kind}): the file does not say {what}",
                     cause="a NIR file holds parameters, not the discrete neuron that they belong "
                     "to",
                     help="give a source profile, one of\n  " + "\n  ".join(lines))
