"""The float network: populations of neurons joined by projections.

A graph, not a list of layers: a skip or a recurrent connection is one more projection.
Populations are updated in the order given, once per time step. A projection from a population
that stands earlier carries the spikes of the same step; one from the same or a later
population carries the spikes of the step before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError, refuse_unless
from edge_dassdp.base.kinds import hold_fields
from edge_dassdp.base.numbers import is_int, is_real
from edge_dassdp.base.table import columns, size_text
from edge_dassdp.ir import geometry
from edge_dassdp.ir.fields import LARGEST, FloatArray, check_size, malformed
from edge_dassdp.ir.geometry import Conv, MaxPool, Pool
from edge_dassdp.ir.nodes import Encoder, Form, Input, Population, Projection, ReadoutKind, Reset
from edge_dassdp.ir.sensor import Sensor
from edge_dassdp.storage.foreign import reading
from edge_dassdp.storage.npz import read_npz, write_npz

__all__ = ["LARGEST", "Conv", "Encoder", "FloatArray", "Form", "Input", "MaxPool", "Network",
           "Pool", "Population", "Projection", "Readout", "ReadoutKind", "Reset", "load", "save"]

SPARE_MAX = 16
Part = TypeVar("Part", bound=Input | Population | Projection)


@dataclass(frozen=True, eq=False)
class Readout:
    """How classes are read: argmax of logits, the lowest index on a tie.

    - spike_count: logits_c = sum over steps of s_c
    - membrane_sum: logits_c = sum over steps of v_c; the population must not reset

    temperature: probabilities are softmax(logits / temperature), as the training loss saw them,
    1e-6 to 1e6: n_steps where it took the mean over steps (edge_dassdp.frontends.logits). Learning
    depends on it, no class does. spare_classes: the last so many outputs stand for classes that are
    taught on the device; nothing is read of them before (`Network.with_spare_classes`).
    """

    population: str
    kind: ReadoutKind
    temperature: float = 1.0
    spare_classes: int = 0

    def __post_init__(self) -> None:
        if not is_real(self.temperature) or not 1e-6 <= self.temperature <= 1e6:
            raise malformed(f"the temperature of the readout is {self.temperature}, expected "
                            "1e-6 to 1e6", "give what the logits are divided by before the softmax")
        if not is_int(self.spare_classes) or not 0 <= self.spare_classes <= SPARE_MAX:
            raise malformed(f"{self.spare_classes!r} spare classes of the readout, expected 0 to "
                            f"{SPARE_MAX}")


@dataclass(frozen=True, eq=False)
class Network:
    """A float network. Raises EdgeError E101 where names, shapes or values do not fit."""

    inputs: tuple[Input, ...]
    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]
    readout: Readout
    n_steps: int

    def __post_init__(self) -> None:
        hold_fields(self, "E101", "a network's ")
        self._check_names()
        self._check_projections()
        check_size(self.n_steps, "n_steps", "use fewer steps, each of a longer time")
        for source in self.inputs:
            if source.n_frames not in (1, self.n_steps):
                raise malformed(
                    f"input '{source.name}' has {source.n_frames} frames, expected 1 or "
                    f"n_steps = {self.n_steps}"
                )
            needs_frames = source.n_events or (source.encoder and source.encoder.kind == "delta")
            if needs_frames and source.n_frames != self.n_steps:
                raise malformed(f"input '{source.name}' needs n_frames = n_steps = {self.n_steps}")
            if source.encoder and source.encoder.kind != "delta" and source.n_frames != 1:
                raise malformed(f"input '{source.name}': a {source.encoder.kind} encoder takes "
                                 "one frame")
        if len(self.inputs) > 1 and any(i.sensor for i in self.inputs):
            raise malformed("a network with a sensor has several inputs, expected that one alone")
        if self.readout.kind not in ("spike_count", "membrane_sum"):
            raise malformed(f"readout kind '{self.readout.kind}' is not spike_count or "
                             "membrane_sum")
        if self.readout.population not in {p.name for p in self.populations}:
            raise malformed(f"readout names unknown population '{self.readout.population}'")
        resets = self.population(self.readout.population).reset != "none"
        if self.readout.kind == "membrane_sum" and resets:
            raise malformed(
                f"readout sums the membrane of '{self.readout.population}', which resets; use a "
                "population with reset 'none' or count its spikes",
                "choose spike_count, or neurons that do not reset"
            )

    def _check_names(self) -> None:
        if not self.inputs or not self.populations:
            raise malformed("a network needs at least one input and one population")
        names = [i.name for i in self.inputs] + [p.name for p in self.populations]
        names += [p.name for p in self.projections]
        for name in names:
            if not isinstance(name, str) or not name.isidentifier() or not name.isascii():
                raise malformed(f"'{name}' is not a name: use letters, digits and underscores")
            if names.count(name) > 1:
                raise malformed(f"the name '{name}' is used twice")

    def _check_projections(self) -> None:
        nodes = {n.name: n for n in self.nodes}
        targets = {p.name for p in self.populations}
        for projection in self.projections:
            where = f"projection '{projection.name}'"
            if projection.pre not in nodes:
                raise malformed(f"{where} starts at unknown '{projection.pre}'")
            if projection.post not in targets:
                raise malformed(f"{where} ends at '{projection.post}', which is no population")
            self._check_shapes(projection, nodes[projection.pre], nodes[projection.post], where)
        fed = {p.post for p in self.projections}
        for population in self.populations:
            if population.name not in fed:
                raise malformed(f"nothing projects into population '{population.name}'")

    @staticmethod
    def _check_shapes(q: Projection, pre: Input | Population, post: Input | Population,
                      where: str) -> None:
        is_current = isinstance(pre, Input) and not pre.spikes
        if is_current and (q.delay is not None or (q.pool and q.pool.kind == "max")):
            raise malformed(f"{where} delays currents or takes their largest; only spikes can be")
        if q.delay is not None and q.delay.size not in (1, pre.size):
            raise malformed(f"{where}: delay has shape {q.delay.shape}, expected a scalar or "
                             f"({pre.size},)")
        shape = geometry.volume(pre.shape)
        try:
            shape = q.pool.out(shape) if q.pool else shape
            out = q.conv.out(shape, q.weight.shape) if q.conv else None
            out = q.result_pool.out(out) if q.result_pool and out else out
        except EdgeError as problem:
            raise malformed(f"{where}: {problem.message}") from None
        if out is not None and out != geometry.volume(post.shape):
            raise malformed(f"{where} makes a volume {out}, but '{post.name}' is of shape "
                             f"{post.shape}")
        expected = (geometry.size(shape), post.size)
        if out is None and q.weight.shape != expected:
            raise malformed(f"{where}: weight has shape {q.weight.shape}, expected {expected}")

    def __repr__(self) -> str:
        return f"<Network {self._title}>"

    def __str__(self) -> str:
        """A line for every input, population and projection."""
        return columns(self._title, [
            *(("input", i.name, size_text(i.shape), "spikes" if i.spikes else "currents")
              for i in self.inputs),
            *(("population", p.name, size_text(p.shape), p.equation) for p in self.populations),
            *(("projection", q.name, f"{q.pre} -> {q.post}", size_text(q.weight.shape))
              for q in self.projections)])

    @property
    def _title(self) -> str:
        return (f"{self.n_inputs:,} inputs, {self.n_classes} classes by {self.readout.kind}, "
                f"{self.n_steps} steps")

    @property
    def nodes(self) -> tuple[Input | Population, ...]:
        """Where projections may start."""
        return (*self.inputs, *self.populations)

    def node(self, name: str) -> Input | Population:
        return _named("input or population", name, self.nodes)

    def population(self, name: str) -> Population:
        return _named("population", name, self.populations)

    def projection(self, name: str) -> Projection:
        return _named("projection", name, self.projections)

    def with_sensor(self, sensor: Sensor | None) -> Network:
        """The same network behind a sensor. Raises EdgeError E101 where its only input is none of
        that sensor's readings, E105 for what is no sensor."""
        if sensor is not None and not isinstance(sensor, Sensor):
            raise EdgeError("E105", f"with_sensor is given a {type(sensor).__name__}, expected a "
                            "Sensor", help="of a file: network.with_sensor(Sensor.load(path))")
        first, *others = self.inputs
        return replace(self, inputs=(replace(first, sensor=sensor), *others))

    def with_spare_classes(self, n: int) -> Network:
        """The same network with n more outputs, 1 to 16, for classes that are taught on the device:
        weights 0, and what else neurons have as the median of the others. Raises EdgeError E105 for
        another number, E203 where the readout cannot grow or has such outputs."""
        refuse_unless("E105", is_int(n) and 1 <= n <= SPARE_MAX, f"{n!r} spare classes, a readout "
                      f"takes 1 to {SPARE_MAX}", help="leave it out for none")
        out = self.population(self.readout.population)
        what, has = f"the readout '{out.name}' takes no spare classes", self.readout.spare_classes
        refuse_unless("E203", not has, what, cause=f"it has {has} already",
                      help="give the network as it was trained")
        refuse_unless("E203", out.size > 1, what, cause="it has one output, and so no classes",
                      help="leave out --spare-classes")
        grows = len(out.shape) == 1 and all(
            q.pre != out.name and (q.post != out.name or (
                q.conv is None and q.result_pool is None)) for q in self.projections)
        refuse_unless("E203", grows, what, cause="it is more than a vector behind matrices that "
                      "nothing listens to", help="leave out --spare-classes, or let the network "
                      "end in a matrix to its classes")
        vectors: dict[str, Any] = {
            f.name: _grown(getattr(out, f.name), n, f.name == "bias") for f in fields(out)
                   if isinstance(getattr(out, f.name), np.ndarray)}
        grown = replace(out, size=out.size + n, shape=(out.size + n,), **vectors)
        return replace(
            self, populations=tuple(grown if p.name == out.name else p for p in self.populations),
            projections=tuple(_with_columns(q, n) if q.post == out.name else q
                              for q in self.projections),
            readout=replace(self.readout, spare_classes=n))

    @property
    def n_known(self) -> int:
        """Classes that it was trained on: the others are spare."""
        return self.n_classes - self.readout.spare_classes

    @cached_property
    def n_inputs(self) -> int:
        """Values in one flattened sample."""
        return sum(i.n_values for i in self.inputs)

    @property
    def n_classes(self) -> int:
        return self.population(self.readout.population).size


def _grown(values: FloatArray, n: int, is_zero: bool) -> FloatArray:
    """n values more."""
    return np.concatenate([values, np.full(n, 0.0 if is_zero else np.median(values))])


def _with_columns(q: Projection, n: int) -> Projection:
    """n columns of zeros more."""
    bias = None if q.bias is None else _grown(q.bias, n, is_zero=True)
    return replace(q, weight=np.pad(q.weight, ((0, 0), (0, n))), bias=bias)


def save(network: Network, path: Path | str) -> None:
    """Write a network as an .npz of float arrays (float32 where that is exact, else float64) and a
    JSON header; what has its default is left out."""
    arrays: dict[str, NDArray[Any]] = {}
    header: dict[str, Any] = {
        "format": "edge_dassdp/network/1",
        "n_steps": network.n_steps,
        "inputs": [_described(i, arrays) for i in network.inputs],
        "populations": [_described(p, arrays) for p in network.populations],
        "projections": [_described(p, arrays) | {"has_bias": p.bias is not None}
                        for p in network.projections],
        "readout": _readout(network.readout),
    }
    write_npz(path, header, arrays)


def _readout(readout: Readout) -> dict[str, Any]:
    values = asdict(readout)
    defaults = {"temperature": Readout.temperature, "spare_classes": Readout.spare_classes}
    return {name: value for name, value in values.items() if defaults.get(name) != value}


_WRITTEN = ("reset", "reset_delay", "strict", "n_frames", "spikes")
"""Fields that are written even where they have their default."""


def _described(node: Input | Population | Projection,
               arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """A node as JSON values; its arrays go to `arrays`, "name.field"."""
    described: dict[str, Any] = {}
    for member in fields(node):
        value = getattr(node, member.name)
        if member.name == "shape":
            value = () if value == (getattr(node, "size", None),) else value
        if isinstance(value, np.ndarray):
            is_default = member.default_factory is not MISSING \
                and bool((value == member.default_factory()).all())
            if not is_default:
                single = value.astype(np.float32)
                is_exact = bool((single == value).all())
                arrays[f"{node.name}.{member.name}"] = single if is_exact else value
        elif isinstance(value, Encoder | Sensor | Conv | Pool | MaxPool):
            described[member.name] = asdict(value)
        elif member.name in _WRITTEN or value != member.default:
            described[member.name] = value
    return described


_RECORDS: dict[str, type[Any]] = {"encoder": Encoder, "sensor": Sensor, "conv": Conv, "pool": Pool,
                                  "result_pool": MaxPool}


def _node(kind: type[Any], header: dict[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Any:
    """What `_described` wrote."""
    values: dict[str, Any] = {}
    for name, value in header.items():
        if name in _RECORDS and value is not None:
            value = _RECORDS[name](**{k: tuple(v) if isinstance(v, list) else v
                                      for k, v in value.items()})
        values[name] = tuple(value) if isinstance(value, list) else value
    prefix, bare = f"{header['name']}.", values.pop("has_bias", True) is False
    own = {k.removeprefix(prefix): arrays[k] for k in arrays
           if k.startswith(prefix) and not (bare and k == f"{prefix}bias")}
    if "delay" in own:
        own["delay"] = own["delay"].astype(np.int64)
    return kind(**values, **own)


def load(path: Path | str) -> Network:
    """Read what `save` wrote. Raises EdgeError E103 for another kind of file, E101 for bad data."""
    header, arrays = read_npz(path, "edge_dassdp/network/1")
    with reading(path, "network"):
        return Network(
            inputs=tuple(_node(Input, i, arrays) for i in header["inputs"]),
            populations=tuple(_node(Population, p, arrays) for p in header["populations"]),
            projections=tuple(_node(Projection, p, arrays) for p in header["projections"]),
            readout=Readout(**header["readout"]),
            n_steps=header["n_steps"],
        )


def _named(kind: str, name: str, among: Sequence[Part]) -> Part:
    for part in among:
        if part.name == name:
            return part
    raise EdgeError("E105", f"there is no {kind} '{name}'",
                    help=f"choose one of {', '.join(p.name for p in among)}")
