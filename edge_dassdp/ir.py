"""The float network: populations of neurons joined by projections.

A graph, not a list of layers: a skip or a recurrent connection is one more projection.
Populations are updated in the order given, once per time step. A projection from a population
that stands earlier carries the spikes of the same step; one from the same or a later
population carries the spikes of the step before.
"""

from __future__ import annotations

import io
import json
import operator
import zipfile
import zlib
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.errors import EdgeError
from edge_dassdp.kinds import is_int

FloatArray = NDArray[np.float64]
Reset = Literal["subtract", "zero", "none"]
ReadoutKind = Literal["spike_count", "membrane_sum"]


def _malformed(message: str) -> EdgeError:
    return EdgeError("E101", message)


LARGEST = 1e30
"""Of any number in a network: float32 files hold it, and its square is still a float."""


def _size(value: Any, what: str) -> None:
    """uint16 in the runtime."""
    if not is_int(value) or not 1 <= value <= 65535:
        raise _malformed(f"{what} is {value!r}, expected an integer from 1 to 65,535")


def _numbers(value: Any, what: str) -> FloatArray:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise _malformed(f"{what} is no array of numbers") from None
    if not np.isfinite(array).all():
        raise _malformed(f"{what} holds a NaN or an infinity")
    if (np.abs(array) > LARGEST).any():
        raise _malformed(f"{what} holds a number beyond {LARGEST:g}")
    return array


def _vector(value: Any, size: int, what: str) -> FloatArray:
    """A scalar or an array of shape (size,) as a finite float64 vector of shape (size,)."""
    array = _numbers(value, what)
    if array.ndim == 0 or array.shape == (1,):
        array = np.full(size, float(array.reshape(())))
    if array.shape != (size,):
        raise _malformed(f"{what} has shape {array.shape}, expected a scalar or ({size},)")
    return array


@dataclass(frozen=True, eq=False)
class Input:
    """Analogue input currents x of shape (n_frames, size), or spikes: each value 0 or 1.

    n_frames = 1: the same at every step ("direct" input).
    n_frames = n_steps: one frame per step.
    """

    name: str
    size: int
    n_frames: int = 1
    spikes: bool = False

    def __post_init__(self) -> None:
        _size(self.size, f"input '{self.name}': its size")
        _size(self.n_frames, f"input '{self.name}': its number of frames")
        if not isinstance(self.spikes, bool):
            raise _malformed(f"input '{self.name}': spikes is {self.spikes!r}, no truth value")

    @property
    def n_values(self) -> int:
        """Values in a flattened sample."""
        return self.size * self.n_frames


@dataclass(frozen=True, eq=False)
class Population:
    """Leaky integrate-and-fire neurons; i_t is the summed current of all projections and biases.

    With r = [v_{t-1} > theta] (stored membrane of the step before, 0 at the start):

    - subtract, delayed:  v_t = beta v_{t-1} + i_t - r theta;            s_t = [v_t > theta]
    - zero, delayed:      v_t = beta (1 - r) v_{t-1} + i_t;              s_t = [v_t > theta]
    - subtract, at once:  the delayed form, then v_t -= (s_t - r) theta
    - zero, at once:      the delayed form, then v_t -= (s_t - r) v_t
    - none:               v_t = beta v_{t-1} + i_t;                      s_t = [v_t > theta]

    `strict` False replaces > by >=. The first five are snnTorch's Leaky with
    `reset_mechanism` and `reset_delay` (snntorch 1.0.0, _neurons/leaky.py).
    beta in [0, 1] and theta > 0, each a scalar or of shape (size,).
    """

    name: str
    size: int
    beta: FloatArray
    threshold: FloatArray
    reset: Reset = "subtract"
    reset_delay: bool = True
    strict: bool = True

    def __post_init__(self) -> None:
        where = f"population '{self.name}'"
        _size(self.size, f"{where}: its size")
        object.__setattr__(self, "beta", _vector(self.beta, self.size, f"{where}: beta"))
        object.__setattr__(
            self, "threshold", _vector(self.threshold, self.size, f"{where}: threshold")
        )
        if (self.beta < 0).any() or (self.beta > 1).any():
            raise _malformed(f"{where}: beta must lie in [0, 1]")
        if (self.threshold <= 0).any():
            raise _malformed(f"{where}: threshold must be positive")
        if self.reset not in ("subtract", "zero", "none"):
            raise _malformed(f"{where}: reset '{self.reset}' is not subtract, zero or none")

    @property
    def equation(self) -> str:
        """The resolved discrete equation, for people."""
        compare = ">" if self.strict else ">="
        beta = _range_text(self.beta)
        theta = _range_text(self.threshold)
        decayed = f"{beta}*v" if self.reset != "zero" else f"{beta}*(1-r)*v"
        delayed = f" - {theta}*r" if self.reset == "subtract" else ""
        at_once = ""
        if self.reset != "none" and not self.reset_delay:
            at_once = f"; v -= (s-r)*{theta if self.reset == 'subtract' else 'v'}"
        return f"v = {decayed} + i{delayed}; s = [v {compare} {theta}]{at_once}"


@dataclass(frozen=True, eq=False)
class Projection:
    """i_post += x_pre @ weight + bias: weight (n_pre, n_post), bias (n_post,) per time step.

    `pre` names an input (x is its current) or a population (x is its spikes, 0 or 1).
    """

    name: str
    pre: str
    post: str
    weight: FloatArray
    bias: FloatArray | None = None

    def __post_init__(self) -> None:
        weight = _numbers(self.weight, f"projection '{self.name}': weight")
        if weight.ndim != 2:
            raise _malformed(
                f"projection '{self.name}': weight has shape {weight.shape}, expected "
                "(n_pre, n_post)"
            )
        object.__setattr__(self, "weight", weight)
        if self.bias is not None:
            bias = _vector(self.bias, weight.shape[1], f"projection '{self.name}': bias")
            object.__setattr__(self, "bias", bias)


@dataclass(frozen=True, eq=False)
class Readout:
    """How classes are read: argmax of logits, the lowest index on a tie.

    - spike_count: logits_c = sum over steps of s_c
    - membrane_sum: logits_c = sum over steps of v_c; the population must not reset
    """

    population: str
    kind: ReadoutKind


@dataclass(frozen=True, eq=False)
class Network:
    """A float network. Raises EdgeError E101 where names, shapes or values do not fit."""

    inputs: tuple[Input, ...]
    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]
    readout: Readout
    n_steps: int

    def __post_init__(self) -> None:
        self._check_names()
        self._check_projections()
        if not is_int(self.n_steps) or not 1 <= self.n_steps <= 255:
            raise _malformed(f"n_steps is {self.n_steps!r}, expected an integer from 1 to 255")
        for source in self.inputs:
            if source.n_frames not in (1, self.n_steps):
                raise _malformed(
                    f"input '{source.name}' has {source.n_frames} frames, expected 1 or "
                    f"n_steps = {self.n_steps}"
                )
        if self.readout.kind not in ("spike_count", "membrane_sum"):
            raise _malformed(f"readout kind '{self.readout.kind}' is not spike_count or "
                             "membrane_sum")
        if self.readout.population not in {p.name for p in self.populations}:
            raise _malformed(f"readout names unknown population '{self.readout.population}'")
        resets = self.population(self.readout.population).reset != "none"
        if self.readout.kind == "membrane_sum" and resets:
            raise _malformed(
                f"readout sums the membrane of '{self.readout.population}', which resets; use a "
                "population with reset 'none' or count its spikes"
            )

    def _check_names(self) -> None:
        if not self.inputs or not self.populations:
            raise _malformed("a network needs at least one input and one population")
        names = [i.name for i in self.inputs] + [p.name for p in self.populations]
        names += [p.name for p in self.projections]
        for name in names:
            if not isinstance(name, str) or not name.isidentifier() or not name.isascii():
                raise _malformed(f"'{name}' is not a name: use letters, digits and underscores")
            if names.count(name) > 1:
                raise _malformed(f"the name '{name}' is used twice")

    def _check_projections(self) -> None:
        sizes = {i.name: i.size for i in self.inputs} | {p.name: p.size for p in self.populations}
        targets = {p.name for p in self.populations}
        for projection in self.projections:
            where = f"projection '{projection.name}'"
            if projection.pre not in sizes:
                raise _malformed(f"{where} starts at unknown '{projection.pre}'")
            if projection.post not in targets:
                raise _malformed(f"{where} ends at '{projection.post}', which is no population")
            expected = (sizes[projection.pre], sizes[projection.post])
            if projection.weight.shape != expected:
                raise _malformed(
                    f"{where}: weight has shape {projection.weight.shape}, expected {expected}"
                )
        fed = {p.post for p in self.projections}
        for population in self.populations:
            if population.name not in fed:
                raise _malformed(f"nothing projects into population '{population.name}'")

    def population(self, name: str) -> Population:
        return next(p for p in self.populations if p.name == name)

    def projection(self, name: str) -> Projection:
        for projection in self.projections:
            if projection.name == name:
                return projection
        known = ", ".join(p.name for p in self.projections)
        raise EdgeError("E105", f"there is no projection '{name}'", help=f"choose one of {known}")

    @cached_property
    def n_inputs(self) -> int:
        """Values in one flattened sample."""
        return sum(i.n_values for i in self.inputs)

    @property
    def n_classes(self) -> int:
        return self.population(self.readout.population).size


def _range_text(values: FloatArray) -> str:
    low, high = float(values.min()), float(values.max())
    return f"{low:.4g}" if low == high else f"[{low:.3g}..{high:.3g}]"


def save(network: Network, path: Path | str) -> None:
    """Write a network as an .npz of float32 arrays and a JSON header."""
    header: dict[str, Any] = {
        "format": "edge_dassdp/network/1",
        "n_steps": network.n_steps,
        "inputs": [asdict(i) for i in network.inputs],
        "populations": [{"name": p.name, "size": p.size, "reset": p.reset,
                         "reset_delay": p.reset_delay, "strict": p.strict}
                        for p in network.populations],
        "projections": [{"name": p.name, "pre": p.pre, "post": p.post,
                         "has_bias": p.bias is not None} for p in network.projections],
        "readout": {"population": network.readout.population, "kind": network.readout.kind},
    }
    arrays: dict[str, NDArray[Any]] = {}
    for population in network.populations:
        arrays[f"{population.name}.beta"] = population.beta.astype(np.float32)
        arrays[f"{population.name}.threshold"] = population.threshold.astype(np.float32)
    for projection in network.projections:
        arrays[f"{projection.name}.weight"] = projection.weight.astype(np.float32)
        if projection.bias is not None:
            arrays[f"{projection.name}.bias"] = projection.bias.astype(np.float32)
    write_npz(path, header, arrays)


def load(path: Path | str) -> Network:
    """Read what `save` wrote. Raises EdgeError E103 for another kind of file, E101 for bad data."""
    header, arrays = read_npz(path, "edge_dassdp/network/1")
    try:
        return Network(
            inputs=tuple(Input(**i) for i in header["inputs"]),
            populations=tuple(
                Population(beta=arrays[f"{p['name']}.beta"],
                           threshold=arrays[f"{p['name']}.threshold"], **p)
                for p in header["populations"]
            ),
            projections=tuple(
                Projection(p["name"], p["pre"], p["post"], arrays[f"{p['name']}.weight"],
                           arrays[f"{p['name']}.bias"] if p["has_bias"] else None)
                for p in header["projections"]
            ),
            readout=Readout(**header["readout"]),
            n_steps=header["n_steps"],
        )
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise EdgeError("E103", f"{path} is damaged", cause=repr(problem)) from None


def write_npz(path: Path | str, header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
    """A deterministic .npz: fixed timestamps, sorted members, the header as JSON in `header`."""
    text = json.dumps(header, sort_keys=True, default=operator.index)
    members = {"header": np.frombuffer(text.encode(), dtype=np.uint8), **arrays}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(members):
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(members[name]))
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), buffer.getvalue(),
                             zipfile.ZIP_DEFLATED)


def _member(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    data = io.BytesIO(archive.read(name))
    return np.asarray(np.lib.format.read_array(data, allow_pickle=False))


def read_npz(path: Path | str, kind: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Header and arrays of a file written by `write_npz`; EdgeError E103 if it is not of `kind`."""
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = {name.removesuffix(".npy"): _member(archive, name)
                      for name in archive.namelist()}
        header = json.loads(arrays.pop("header").tobytes().decode())
    except FileNotFoundError:
        raise EdgeError("E103", f"{path} does not exist") from None
    except (OSError, KeyError, ValueError, EOFError, NotImplementedError, RuntimeError,
            RecursionError, MemoryError, OverflowError, zipfile.BadZipFile, zlib.error) as problem:
        raise EdgeError("E103", f"{path} is not a file of kind {kind}",
                        cause=str(problem)) from None
    found = header.get("format") if isinstance(header, dict) else None
    if found != kind:
        raise EdgeError("E103", f"{path} is of kind {found}, expected {kind}")
    return header, arrays
