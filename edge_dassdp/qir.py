"""The quantized network: integers only, every array with its Q-format. This is what runs.

A population lives in units of its own weight step: `unit` is the real value of one membrane
unit, kept for people and for the float comparison; no target uses it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import operator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.credit import plastic_part
from edge_dassdp.errors import EdgeError
from edge_dassdp.ir import Encoder, Input, ReadoutKind
from edge_dassdp.kinds import is_real
from edge_dassdp.npz import read_npz, write_npz
from edge_dassdp.order import device_volume, natural_order
from edge_dassdp.packing import words
from edge_dassdp.qchecks import (
    check_geometry,
    check_replay,
    check_rule,
    entries,
    real,
    require,
    weight_shape,
    within,
)
from edge_dassdp.qformat import INT32_MAX, IntArray
from edge_dassdp.qnodes import (
    QEIHL,
    QSTDP,
    QDynamics,
    QErrorRule,
    QGuard,
    QHomeostasis,
    QPopulation,
    QProjection,
    QReplay,
    QRule,
    QSyncRule,
    Records,
    ResetMode,
)
from edge_dassdp.quantities import QUANTITIES
from edge_dassdp.wiring import Conv, Pool

__all__ = ["FORMAT", "QEIHL", "QSTDP", "QDynamics", "QErrorRule", "QGuard", "QHomeostasis",
           "QNetwork", "QPopulation", "QProjection", "QReplay", "QRule", "QSyncRule", "Records",
           "ResetMode", "frame_bytes", "input_bytes", "load", "save", "validate"]
FORMAT = "edge_dassdp/quantized/4"
SCHEDULE_SHIFT = QUANTITIES["schedule_shift"]
"""An entry of a schedule holds for 2^SCHEDULE_SHIFT labelled samples, the last one for ever."""
_NODES: dict[str, type[Any]] = {node.__name__: node for node in (
    QErrorRule, QHomeostasis, QEIHL, QSTDP, QSyncRule, QReplay, QGuard, QDynamics, Conv, Pool,
    Encoder)}


@dataclass(frozen=True, eq=False)
class QNetwork:
    """A whole quantized network. Projections are sorted by their postsynaptic population.

    x_frac_bits: fraction bits of each input's int8 values. n_batch: samples of a strict batch.
    softmax: z_q8 = difference * scale >> shift, 4096 from `softmax_limit` on. schedule_q8: factors
    of the error rules' amplitudes, (n,), entry n_labelled >> SCHEDULE_SHIFT, or None.
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

    def population(self, name: str) -> QPopulation:
        return next(p for p in self.populations if p.name == name)

    def projection(self, name: str) -> QProjection:
        return next(p for p in self.projections if p.name == name)

    def into(self, population: str) -> tuple[QProjection, ...]:
        return tuple(p for p in self.projections if p.post == population)

    @property
    def plastic(self) -> tuple[QProjection, ...]:
        return tuple(p for p in self.projections if p.is_plastic)

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

    @cached_property
    def x_bytes(self) -> int:
        return sum(map(input_bytes, self.inputs))

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
    def input_order(self) -> dict[str, IntArray]:
        """The natural index of each value of an input's frame as it lies on the device."""
        return {i.name: natural_order(i.raw_shape, device_volume(i.raw_shape, pads=False))
                for i in self.inputs}

    def max_spikes(self, source: str) -> int:
        """Of a neuron of a population or an input of spikes, in one step."""
        for i in self.inputs:
            if i.name == source:
                return 255 if i.counts else 1
        return self.population(source).max_spikes

    @property
    def field_bits(self) -> int:
        """Bit planes of a latency or count: ceil(log2(n_steps + 1))."""
        return self.n_steps.bit_length()

    @cached_property
    def sha256(self) -> str:
        """Identity of the model: over every integer and name, not over `unit` and `scale`."""
        header, arrays = _describe(self)
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


def validate(network: QNetwork) -> None:
    """Constants that every target can run: no shift, index or table out of range.

    Raises EdgeError E101. Sums are not proven again: `load` compares the file's SHA-256 instead.
    """
    _check_network(network)
    for p in network.populations:
        _check_population(network, p)
    for q in network.projections:
        _check_projection(network, q)
        check_rule(network, q)
    if network.replay is not None:
        check_replay(network, network.replay)
    if network.guard is not None:
        guard = network.guard
        require(isinstance(guard.keeps_copy, bool), "the guard's copy is no truth value")
        within(guard.window, 1, 32, "the guard's window")
        within(guard.margin, 0, 32, "the guard's margin")


def _check_network(n: QNetwork) -> None:
    within(n.n_steps, 1, 255 if n.plastic else 65535, "n_steps")
    within(n.n_batch, 1, 64, "n_batch")
    if n.schedule_q8 is not None:
        require(n.schedule_q8.ndim == 1 and n.schedule_q8.size > 0, "schedule_q8 is no table")
        entries(n.schedule_q8, (n.schedule_q8.shape,), 1, 256, "schedule_q8")
    within(n.seed, 1, 2**32 - 1, "seed")
    within(n.skip_below_q8, 0, 256, "skip_below_q8")
    within(n.softmax_shift, 0, 18, "softmax_shift")
    within(n.softmax_scale, 1, 2**15 - 1, "softmax_scale")
    most = (QUANTITIES["softmax_max_q8"] << n.softmax_shift) // n.softmax_scale
    within(n.softmax_limit, 1, max(1, most), "softmax_limit")
    sizes = [p.name for p in n.populations]
    names = [i.name for i in n.inputs] + sizes + [p.name for p in n.projections]
    require(all(name.isidentifier() and name.isascii() for name in names)
            and len(set(names)) == len(names), "a name is no identifier or is used twice")
    require(n.readout in sizes and n.readout_kind in ("spike_count", "membrane_sum"),
            f"readout '{n.readout}' of kind '{n.readout_kind}' is unknown")
    require(len(n.x_frac_bits) == len(n.inputs) > 0, "x_frac_bits needs a value for each input")
    for source in n.inputs:
        require(source.n_frames in (1, n.n_steps),
                f"input '{source.name}' has {source.n_frames} frames")
    order = [p.post for p in n.projections]
    require(order == [name for name in sizes for _ in range(order.count(name))]
            and set(order) == set(sizes), "projections do not follow the order of populations")


def _check_population(n: QNetwork, p: QPopulation) -> None:
    where = f"population '{p.name}': "
    within(p.size, 1, 65535, where + "size")
    check_geometry(n, p)
    require(p.reset in get_args(ResetMode) and p.records in get_args(Records)
            and all(isinstance(flag, bool) for flag in (p.saturates, p.current_fits, p.counts,
                                                         p.records_membrane, p.has_error)),
             where + "its reset, its record or a flag is unknown")
    require(all(bits in (16, 32) for bits in (p.membrane_bits, p.acc_bits, p.analogue_bits)),
            where + "a width is unknown")
    for name in ("leak_shift", "acc_lshift", "acc_rshift", "analogue_rshift"):
        within(getattr(p, name), 0, 30, where + name)
    real(p.unit, p.size, where + "unit")
    limit = (1 << (p.membrane_bits - 1)) - 1
    shapes = ((1,), (p.size,))
    entries(p.leak_q15, shapes, 0, 32768, where + "leak_q15")
    entries(p.fire_at, shapes, 1, limit, where + "fire_at")
    entries(p.reset_by, (p.fire_at.shape,), 0, limit, where + "reset_by")
    if p.touch_width is not None:
        entries(p.touch_width, (p.fire_at.shape,), 1, limit, where + "touch_width")
    entries(p.bias, ((p.size,),), -limit, limit, where + "bias")
    inputs = {i.name for i in n.inputs if not i.spikes}
    has_analogue = any(q.pre in inputs for q in n.into(p.name))
    require((p.analogue_bias is not None) == has_analogue, where + "analogue_bias is out of place")
    if p.analogue_bias is not None:
        entries(p.analogue_bias, ((p.size,),), -INT32_MAX, INT32_MAX, where + "analogue_bias")
    wide = any(q.weight_bits == 16 for q in n.into(p.name))
    require(p.acc_bits == 32 or not wide, where + "16-bit weights need 32-bit sums")


def _check_projection(n: QNetwork, q: QProjection) -> None:
    where = f"projection '{q.name}': "
    require(q.weight_bits in (4, 5, 6, 7, 8, 16), where + f"{q.weight_bits!r} weight bits")
    inputs = {i.name: i for i in n.inputs}
    currents = {i.name for i in n.inputs if not i.spikes}
    require((q.pre in inputs or q.pre in {p.name for p in n.populations})
            and q.is_analogue is (q.pre in currents), where + "its origin is unknown")
    limit = 1 << (q.weight_bits - 1)
    entries(q.w, (weight_shape(n, q),), -limit, limit - 1, where + "w")
    real(q.scale, q.n_post, where + "scale")
    within(q.feedback_rshift, 0, 30, where + "feedback_rshift")
    within(q.feedback_gain_q14, 0, 1 << 14, where + "feedback_gain_q14")
    require(q.pre not in inputs or q.rule is None, where + "its origin is an input: no rule")
    require(not q.is_analogue or q.weight_bits != 16, where + "16-bit weights of currents")
    require(q.activity is None or (is_real(q.activity) and 0 <= q.activity <= 1),
            where + "its activity is no share")


def _fields(node: Any, prefix: str, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """A dataclass as JSON values; its arrays go to `arrays` and leave their key behind."""
    return {field.name: _value(getattr(node, field.name), f"{prefix}.{field.name}", arrays)
            for field in dataclasses.fields(node)}


def _value(value: Any, key: str, arrays: dict[str, NDArray[Any]]) -> Any:
    if isinstance(value, np.ndarray):
        arrays[key] = value
        return {"array": key}
    if type(value).__name__ in _NODES:
        return {"node": type(value).__name__, **_fields(value, key, arrays)}
    if isinstance(value, tuple):
        return [_fields(node, node.name, arrays)
                if isinstance(node, Input | QPopulation | QProjection) else node for node in value]
    return value


def _describe(network: QNetwork) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    arrays: dict[str, NDArray[Any]] = {}
    return {"format": FORMAT, **_fields(network, "network", arrays)}, arrays


def save(network: QNetwork, path: Path | str) -> None:
    """Write a quantized network as an .npz."""
    header, arrays = _describe(network)
    write_npz(path, {**header, "sha256": network.sha256}, arrays)


def load(path: Path | str) -> QNetwork:
    """Read what `save` wrote. Raises EdgeError E103 for another kind of file or one that was
    changed after it was quantized, E101 for constants that no target could run."""
    header, arrays = read_npz(path, FORMAT)
    try:
        sha256 = header.pop("sha256")
        network = _network(header, arrays)
        validate(network)
        is_whole = network.sha256 == sha256
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as problem:
        raise EdgeError("E103", f"{path} is damaged", cause=repr(problem)) from None
    if not is_whole:
        raise EdgeError("E103", f"{path} was changed after it was quantized",
                        cause="its SHA-256 is that of other constants",
                        help="quantize the float network again")
    return network


def _network(header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> QNetwork:
    def node(values: dict[str, Any]) -> dict[str, Any]:
        fields = {}
        for name, value in values.items():
            if isinstance(value, dict) and "array" in value:
                value = arrays[value["array"]]
            elif isinstance(value, dict) and "node" in value:
                made = _NODES[value.pop("node")]
                value = made(**node(value))
            fields[name] = tuple(value) if isinstance(value, list) else value
        return fields

    header.pop("format")
    header["inputs"] = tuple(Input(**node(i)) for i in header["inputs"])
    header["populations"] = tuple(QPopulation(**node(p)) for p in header["populations"])
    header["projections"] = tuple(QProjection(**node(p)) for p in header["projections"])
    header["x_frac_bits"] = tuple(header["x_frac_bits"])
    return QNetwork(**node(header))
