"""The quantized network: integers only, every array with its Q-format. This is what runs.

A population lives in units of its own weight step: `unit` is the real value of one membrane
unit, kept for people and for the float comparison; no target uses it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import operator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.qformat import INT16_MAX, INT32_MAX, IntArray, QInputScale
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.base.table import columns, size_text
from edge_dassdp.base.values import ERROR_MAX_Q8, QValues
from edge_dassdp.data.labels import ClassNames
from edge_dassdp.ir import Encoder, Input, ReadoutKind, Sensor, Triad
from edge_dassdp.ir.credit import plastic_part
from edge_dassdp.ir.geometry import Conv, MaxPool, Pool
from edge_dassdp.qir.nodes import QDynamics, QPopulation, QProjection, QRule, Site
from edge_dassdp.qir.order import device_volume, natural_order
from edge_dassdp.qir.packing import words
from edge_dassdp.qir.ranges import Bound
from edge_dassdp.sensor.drift import QDrift
from edge_dassdp.sensor.front import QSensor
from edge_dassdp.sensor.window import QCodes

FORMAT = "edge_dassdp/quantized/4"
FEATURES_FORMAT = "edge_dassdp/quantized/5"
"""Of a network with x_features: others keep their bytes and their identity."""
SENSOR_FORMAT = "edge_dassdp/quantized/6"
"""Of one with a sensor, steps by error or a gate."""
NAMES_FORMAT = "edge_dassdp/quantized/7"
"""Of one with names of its classes."""
NEWEST_FORMAT = "edge_dassdp/quantized/8"
"""Of one with what only this version knows: streams, values in place of classes, class means,
spare classes."""
FORMATS = (FORMAT, FEATURES_FORMAT, SENSOR_FORMAT, NAMES_FORMAT, NEWEST_FORMAT)
SCHEDULE_SHIFT = QUANTITIES["schedule_shift"]
"""An entry of a schedule holds for 2^SCHEDULE_SHIFT labelled samples, the last one for ever."""


@dataclass(frozen=True, eq=False)
class QReplay:
    """Stored samples at the input of the plastic part (QNetwork.cut), and how they are replayed.

    labels: (n,); counts, first_spike_steps: (n, neurons of the cut), n_steps for silence.
    targets_q11: of values (n, n_outputs), labels are 0 then.
    """

    labels: IntArray
    counts: IntArray
    first_spike_steps: IntArray
    ring_per_class: int
    n_ring: int
    n_flash: int
    is_reservoir: bool
    targets_q11: IntArray | None = field(default=None, metadata={"is_filed_if_set": True})


@dataclass(frozen=True)
class QGuard:
    """rules.Guard, unchanged."""

    keeps_copy: bool
    margin: int
    window: int


@dataclass(frozen=True)
class QErrorStep:
    """rules.ErrorScaled: factors of the error rules' amplitudes, and the share it starts with."""

    gain_q4: int
    floor_q8: int
    start_q8: int


@dataclass(frozen=True)
class QCusum:
    """rules.CUSUM, a miss counts 2^10."""

    opens_q10: int
    allowed_q10: int
    closes: bool


@dataclass(frozen=True, eq=False)
class QExamples:
    """Training samples of the classes that are known, from which a new one is told.

    directions: (n, size) integers from 0 to 255, n from 1 to 128; away: (n,), the squared distance
    of each from the nearest class mean, below 2^31. spread: the mean squared distance of all from
    the mean of their own class, below 2^30.
    """

    directions: IntArray
    away: IntArray
    spread: int


@dataclass(frozen=True, eq=False)
class QClassMeans:
    """Means of the directions of hidden spike counts, 255 x / |x|.

    hidden: the population. means: (n_classes, size) integers from 0 to 255, of training samples;
    seen: (n_classes,), 8, or 0 where there was no sample. examples: of a network with spare
    classes, else None.
    """

    hidden: str
    means: IntArray
    seen: IntArray
    examples: QExamples | None = field(default=None, metadata={"is_filed_if_set": True})

    @property
    def grain(self) -> int:
        """Instructions at most of what follows a sample in one piece."""
        size: int = self.means.shape[1]
        n_values = 0 if self.examples is None else int(self.examples.directions.size)
        return QUANTITIES["grain_mean"] * size + QUANTITIES["grain_example"] * n_values + 1000


NODES: dict[str, type[Any]] = {node.__name__: node for node in (
    QReplay, QGuard, QErrorStep, QCusum, QClassMeans, QExamples, QDynamics, QInputScale, QSensor,
    QDrift, QCodes, Conv, Pool, MaxPool, Encoder, Sensor, Triad, ClassNames, QValues)}
"""What a file names beside populations, projections and rules."""


@dataclass(frozen=True, eq=False)
class QNetwork:
    """A whole quantized network. Projections are sorted by their postsynaptic population.

    x_frac_bits: fraction bits of each input's int8 values, the fewest where its values have steps
    of their own. x_features: these steps, by input, None for one of a single step; None where all
    are. n_batch: samples of a strict batch.
    softmax: z_q8 = difference * scale >> shift, 4096 from `softmax_limit` on. schedule_q8: factors
    of the error rules' amplitudes, (n,), entry n_labelled >> SCHEDULE_SHIFT, or None. error_step:
    these factors from the share of misses instead; cusum: whether it learns. sensor: integers of
    the sensor of its only input, or None. class_names: of its outputs, None where nobody said any.
    values: what its outputs are in place of classes, None for classes. hop: the least number of
    frames from decision to decision that streams of it may have, 0 for none.
    class_means: whose score decides beside the logits, or None. spare_classes: the last so many
    outputs stand for classes that are taught on the device.
    proofs: what was proven of it when it was quantized; neither in files nor in `sha256`.
    """

    inputs: tuple[Input, ...]
    populations: tuple[QPopulation, ...]
    projections: tuple[QProjection, ...]
    readout: str
    readout_kind: ReadoutKind
    n_steps: int
    x_frac_bits: tuple[int, ...]
    softmax_scale: int
    softmax_shift: int
    softmax_limit: int
    skip_below_q8: int
    seed: int
    n_batch: int
    schedule_q8: IntArray | None = None
    replay: QReplay | None = None
    guard: QGuard | None = None
    proofs: tuple[Bound, ...] = field(default=(), metadata={"is_filed": False})
    x_features: tuple[QInputScale | None, ...] | None = field(
        default=None, metadata={"is_filed_if_set": True})
    sensor: QSensor | None = field(default=None, metadata={"is_filed_if_set": True})
    error_step: QErrorStep | None = field(default=None, metadata={"is_filed_if_set": True})
    cusum: QCusum | None = field(default=None, metadata={"is_filed_if_set": True})
    class_names: ClassNames | None = field(default=None, metadata={"is_filed_if_set": True})
    values: QValues | None = field(default=None, metadata={"is_filed_if_set": True})
    hop: int = field(default=0, metadata={"is_filed_if_set": True})
    class_means: QClassMeans | None = field(default=None, metadata={"is_filed_if_set": True})
    spare_classes: int = field(default=0, metadata={"is_filed_if_set": True})

    def __repr__(self) -> str:
        return f"<QNetwork {self.sha256[:12]}>"

    def __str__(self) -> str:
        """A line for every input, population and projection, with its bits and its rule."""
        outputs = "classes" if self.values is None else "values"
        title = (f"model {self.sha256[:12]}, {self.n_classes} {outputs} by {self.readout_kind}, "
                 f"{self.n_steps} steps")
        return columns(title, [
            *(("input", i.name, size_text(i.shape), "spikes" if i.spikes else "currents", "")
              for i in self.inputs),
            *(("population", p.name, p.size, f"membrane int{p.membrane_bits}", "")
              for p in self.populations),
            *(("projection", q.name, f"{q.pre} -> {q.post}",
               f"{size_text(q.w.shape)} of {q.weight_bits} bits",
               f"learns by {q.rule.word}" if q.rule else "")
              for q in self.projections)])

    def population(self, name: str) -> QPopulation:
        return next(p for p in self.populations if p.name == name)

    def projection(self, name: str) -> QProjection:
        return next(p for p in self.projections if p.name == name)

    def into(self, population: str) -> tuple[QProjection, ...]:
        return tuple(p for p in self.projections if p.post == population)

    @property
    def plastic(self) -> tuple[QProjection, ...]:
        return tuple(p for p in self.projections if p.is_plastic)

    def passes_error(self, q: QProjection) -> bool:
        """The errors of its columns may flow back through it, to its rows."""
        return self.population(q.post).has_error and q.pre in {
            p.name for p in self.populations if p.has_error}

    def is_packed(self, q: QProjection) -> bool:
        """Its image holds two weights to a byte: 4-bit rows that spikes add up, but for those that
        errors flow back through, and convolutions."""
        return (q.weight_bits == 4 and not q.is_analogue and q.conv is None
                and not self.passes_error(q))

    @property
    def watches(self) -> bool:
        """A device of it compares samples of its sensor with those of the training, without
        labels."""
        return self.sensor is not None and self.sensor.drift is not None

    @property
    def remembers(self) -> bool:
        """A device of it has something that a snapshot holds."""
        return bool(self.plastic) or self.sensor is not None

    def site(self, q: QProjection) -> Site:
        """What the rule of q may ask of the network."""
        return Site(q.name, q.n_pre, q.n_post, q.weight_bits, self.population(q.pre),
                    self.population(q.post), self.n_steps, self.n_batch, self.field_bits,
                    q.post == self.readout, self.error_peak(q.post))

    def error_peak(self, population: str) -> int:
        """The largest error of a population, 0 without one: 256 at the readout of classes, 1,024
        at one of values, else an int16, and of fewer bits where it is wide and passes its error on,
        so that the next dot product fits an int32 twice."""
        order, p = [q.name for q in self.populations], self.population(population)
        if population == self.readout or not p.has_error:
            return (256 if self.values is None else ERROR_MAX_Q8) * p.has_error
        bits = [q.weight_bits for q in self.into(population) if q.pre in order
                and order.index(q.pre) < order.index(population)
                and self.population(q.pre).has_error]
        widest = p.size << (max(bits) - 1) if bits else 1
        room = max(INT32_MAX // 2 // widest, 2)
        return min(INT16_MAX, (1 << (room.bit_length() - 1)) - 1)

    @property
    def error_total(self) -> int:
        """The largest sum of the errors of the readout's outputs, without their signs."""
        return 512 + self.n_classes if self.values is None else ERROR_MAX_Q8 * self.n_classes

    @property
    def n_kinds(self) -> int:
        """Classes that stored samples are told apart by; of values there is one."""
        return self.n_classes if self.values is None else 1

    @property
    def target_bytes(self) -> int:
        """Of the targets behind a sample of values."""
        return 0 if self.values is None else 2 * self.n_classes

    @cached_property
    def plastic_part(self) -> tuple[str, ...]:
        """Populations that change as the network learns: what replay runs again."""
        return plastic_part(self, {p.name for p in self.plastic})

    @cached_property
    def cut(self) -> tuple[QPopulation, ...]:
        """Populations whose spikes enter the plastic part from outside, in order."""
        part = self.plastic_part
        entering = {p.pre for p in self.projections if p.post in part} - set(part)
        return tuple(p for p in self.populations if p.name in entering)

    @property
    def reruns(self) -> bool:
        """The plastic part is run again from the spikes that entered it."""
        return self.replay is not None or (self.guard is not None and self.guard.margin > 0)

    @property
    def n_classes(self) -> int:
        return self.population(self.readout).size

    @property
    def n_known(self) -> int:
        """Classes that it was trained on; behind them stand those that are taught."""
        return self.n_classes - self.spare_classes

    @property
    def keeps_classes(self) -> bool:
        """A device of it learns about classes beside its weights: means, or names of new ones."""
        return self.class_means is not None or self.spare_classes > 0

    def is_by_mean(self, label: int) -> bool:
        """Whether a class is known by its mean alone: no weight learns it."""
        return self.class_means is not None and label >= self.n_known

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes 0, 1 and so on that it was trained on; empty where it knows none."""
        return () if self.class_names is None else self.class_names.names

    @property
    def logit_unit(self) -> float:
        """The real value of 1 in a logit, in units of the float network."""
        if self.readout_kind == "spike_count":
            return 1.0
        return float(self.population(self.readout).unit[0])

    @cached_property
    def code_bytes(self) -> int:
        """Of a sample as the device runs it."""
        return sum(map(input_bytes, self.inputs))

    @property
    def keeps_frame(self) -> bool:
        """A device of it holds one frame of a sample, for they arrive while it runs; with a sensor
        it holds the readings of a window."""
        return self.hop > 0 and self.sensor is None

    @property
    def n_windows(self) -> int:
        """Windows of a stream that are under way at once, 0 without streams."""
        return -(-self.n_steps // self.hop) if self.hop else 0

    @property
    def x_bytes(self) -> int:
        """Of a sample as a target takes it: int16 counts where there is a sensor, with int16
        targets behind it where its outputs are values, else the same."""
        return self.code_bytes * (1 if self.sensor is None else 2) + self.target_bytes

    @property
    def n_readings(self) -> int:
        """Of a sample, 0 without a sensor."""
        return 0 if self.sensor is None else self.code_bytes // self.sensor.n_channels

    @cached_property
    def x_offsets(self) -> dict[str, int]:
        """Where each input lies in a sample: words of spikes first, then lists of events, then
        bytes of currents and of what is encoded."""
        offsets, at = {}, 0
        for i in sorted(self.inputs, key=lambda i: (not i.spikes or i.encoder is not None,
                                                    i.n_events > 0)):
            offsets[i.name] = at
            at += input_bytes(i)
        return offsets

    @cached_property
    def values_offset(self) -> int:
        """From where on a sample holds int8 currents and codes of encoders; code_bytes: none."""
        return min((self.x_offsets[i.name] for i in self.inputs
                    if not i.spikes or i.encoder is not None), default=self.code_bytes)

    @cached_property
    def input_order(self) -> dict[str, IntArray]:
        """The natural index of each value of an input's frame as it lies on the device."""
        return {i.name: natural_order(i.raw_shape, device_volume(i.raw_shape, pads=False))
                for i in self.inputs}

    @cached_property
    def x_scales(self) -> tuple[QInputScale, ...]:
        """What the codes of each input stand for; of spikes without an encoder, nothing."""
        own = self.x_features or (None,) * len(self.inputs)
        return tuple(scale or QInputScale.uniform(bits)
                     for scale, bits in zip(own, self.x_frac_bits, strict=True))

    def max_spikes(self, source: str) -> int:
        """Of a neuron of a population or an input of spikes, in one step."""
        for i in self.inputs:
            if i.name == source:
                return 255 if i.counts else 1
        return self.population(source).max_spikes

    @property
    def field_bits(self) -> int:
        """Bit planes of a latency or count: ceil(log2(n + 1)), n the steps, or the most spikes of
        a sample where records count all of a step."""
        most = max((p.recorded_a_step for p in self.populations if p.counts), default=1)
        return (self.n_steps * most).bit_length()

    @cached_property
    def sha256(self) -> str:
        """Identity of the model: over every integer and name, not over `unit` and `scale`."""
        header, arrays = describe(self)
        digest = hashlib.sha256(json.dumps(header, sort_keys=True, default=operator.index).encode())
        for name in sorted(arrays):
            if not name.endswith((".unit", ".scale")):
                digest.update(name.encode())
                digest.update(np.ascontiguousarray(arrays[name]).astype("<i8").tobytes())
        return digest.hexdigest()


def frame_bytes(source: Input) -> int:
    """Bytes of one frame: int8 currents or raw codes, or spikes packed into words of 32."""
    is_packed = source.spikes and source.encoder is None
    return 4 * words(source.size) if is_packed else source.n_raw


def input_bytes(source: Input) -> int:
    """Bytes of a sample: frames, or a list of 16-bit addresses in which 0xFFFF ends a step."""
    if source.n_events:
        return 4 * -(-(source.n_frames + source.n_events) // 2)
    return frame_bytes(source) * source.n_frames


def _fields(node: Any, prefix: str, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """A dataclass as JSON values; its arrays go to `arrays` and leave their key behind."""
    return {field.name: _value(getattr(node, field.name), f"{prefix}.{field.name}", arrays)
            for field in dataclasses.fields(node) if field.metadata.get("is_filed", True)
            and not (field.metadata.get("is_filed_if_set")
                     and _is_unset(getattr(node, field.name)))}


def _is_unset(value: Any) -> bool:
    return not isinstance(value, np.ndarray) and not value


def _value(value: Any, key: str, arrays: dict[str, NDArray[Any]]) -> Any:
    if isinstance(value, np.ndarray):
        arrays[key] = value
        return {"array": key}
    if isinstance(value, QRule):
        return {"node": value.node(), **{name: _value(part, f"{key}.{name}", arrays)
                                         for name, part in value.filed().items()}}
    if type(value).__name__ in NODES:
        return {"node": type(value).__name__, **_fields(value, key, arrays)}
    if isinstance(value, tuple):
        return [_fields(node, node.name, arrays)
                if isinstance(node, Input | QPopulation | QProjection)
                else _value(node, f"{key}.{index}", arrays) for index, node in enumerate(value)]
    return value


def describe(network: QNetwork) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The header of its file, JSON values, and the arrays that it names."""
    arrays: dict[str, NDArray[Any]] = {}
    kind = FORMAT if network.x_features is None else FEATURES_FORMAT
    if network.error_step is not None or network.cusum is not None or network.sensor is not None:
        kind = SENSOR_FORMAT
    if network.class_names is not None:
        kind = NAMES_FORMAT
    if network.values is not None or network.hop or network.keeps_classes:
        kind = NEWEST_FORMAT
    return {"format": kind, **_fields(network, "network", arrays)}, arrays
