"""The quantized network: integers only, every array with its Q-format. This is what runs.

A population lives in units of its own weight step: `unit` is the real value of one membrane
unit, kept for people and for the float comparison; no target uses it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.ir import Input, ReadoutKind, read_npz, write_npz
from edge_dassdp.qformat import IntArray

ResetMode = Literal[
    "none", "subtract_delayed", "subtract_now", "zero_delayed", "zero_now"
]
Records = Literal["none", "first", "last"]
FORMAT = "edge_dassdp/quantized/1"


@dataclass(frozen=True, eq=False)
class QPopulation:
    """LIF neurons in integers; docs/arithmetic.md gives the step operation by operation.

    leak_q15, fire_at, reset_by: shape (1,) where all neurons share the value, else (size,).
    leak_shift: 0, or k for v - round(v / 2^k). bias: (size,) membrane units per step.
    analogue_bias: (size,) in units of the analogue sum, None without analogue input.
    membrane_bits, acc_bits: 16 or 32. saturates: int16 membranes that may clip, as asked for.
    """

    name: str
    size: int
    reset: ResetMode
    leak_q15: IntArray
    leak_shift: int
    fire_at: IntArray
    reset_by: IntArray
    bias: IntArray
    analogue_bias: IntArray | None
    acc_lshift: int
    acc_rshift: int
    analogue_rshift: int
    membrane_bits: int
    acc_bits: int
    saturates: bool
    records: Records
    records_membrane: bool
    counts: bool
    has_error: bool
    unit: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class QErrorRule:
    """k_i = clip(round(err_i r / 2^k_rshift), +-k_max), r = min(amplitude // (1 + sum n^2), r_max);
    dw_q8 = round(k_i n_j g_q7[dt] / 2^row_rshift); g_q7 is None for the delta rule, g = 1."""

    amplitude: int
    r_max: int
    k_max: int
    k_rshift: int
    row_rshift: int
    g_q7: IntArray | None


@dataclass(frozen=True, eq=False)
class QSyncRule:
    """dw_q8 = round(sum_b gate_q12 delta[sync, dt] / 2^(12 + delta_rshift)).

    delta: (2, n_steps + 1), already divided by the batch.
    """

    delta: IntArray
    delta_rshift: int
    is_gated: bool
    silent_step: int
    repeat_loss: bool
    sync_rshift: int


@dataclass(frozen=True, eq=False)
class QProjection:
    """w: (n_pre, n_post) integers of `weight_bits` bits: 4 to 8, or 16 in Q8 of an 8-bit step.

    scale: real value of one (8-bit) weight step, (1,) or (n_post,).
    feedback_rshift, feedback_gain_q14: how an error passes back through it.
    """

    name: str
    pre: str
    post: str
    is_analogue: bool
    weight_bits: int
    w: NDArray[np.int16]
    scale: NDArray[np.float64]
    feedback_rshift: int = 0
    feedback_gain_q14: int = 1 << 14
    rule: QErrorRule | QSyncRule | None = None

    @property
    def n_pre(self) -> int:
        return int(self.w.shape[0])

    @property
    def n_post(self) -> int:
        return int(self.w.shape[1])

    @property
    def is_plastic(self) -> bool:
        return self.rule is not None


@dataclass(frozen=True, eq=False)
class QNetwork:
    """A whole quantized network. Projections are sorted by their postsynaptic population.

    x_frac_bits: fraction bits of each input's int8 values. n_batch: samples of a strict batch.
    softmax: z_q8 = difference * scale >> shift, 4096 from `softmax_limit` on.
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

    def population(self, name: str) -> QPopulation:
        return next(p for p in self.populations if p.name == name)

    def projection(self, name: str) -> QProjection:
        return next(p for p in self.projections if p.name == name)

    def into(self, population: str) -> tuple[QProjection, ...]:
        return tuple(p for p in self.projections if p.post == population)

    @property
    def plastic(self) -> tuple[QProjection, ...]:
        return tuple(p for p in self.projections if p.is_plastic)

    @property
    def n_classes(self) -> int:
        return self.population(self.readout).size

    @cached_property
    def x_bytes(self) -> int:
        return sum(i.size * i.n_frames for i in self.inputs)

    @property
    def field_bits(self) -> int:
        """Bits of a packed latency or count: ceil(log2(n_steps + 1))."""
        return self.n_steps.bit_length()

    @cached_property
    def sha256(self) -> str:
        """Identity of the model: over every integer and name, not over `unit` and `scale`."""
        header, arrays = _describe(self)
        digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
        for name in sorted(arrays):
            if not name.endswith((".unit", ".scale")):
                digest.update(name.encode())
                digest.update(np.ascontiguousarray(arrays[name]).astype("<i8").tobytes())
        return digest.hexdigest()


def _fields(node: Any, prefix: str, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """A dataclass as JSON values; its arrays go to `arrays` and leave their key behind."""
    header: dict[str, Any] = {}
    for field in dataclasses.fields(node):
        value = getattr(node, field.name)
        key = f"{prefix}.{field.name}"
        if isinstance(value, np.ndarray):
            arrays[key] = value
            value = {"array": key}
        elif isinstance(value, QErrorRule | QSyncRule):
            value = {"kind": type(value).__name__, **_fields(value, key, arrays)}
        header[field.name] = value
    return header


def _describe(network: QNetwork) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    arrays: dict[str, NDArray[Any]] = {}
    header: dict[str, Any] = {"format": FORMAT}
    for field in dataclasses.fields(network):
        value = getattr(network, field.name)
        if field.name in ("inputs", "populations", "projections"):
            value = [_fields(node, node.name, arrays) for node in value]
        elif field.name == "x_frac_bits":
            value = list(value)
        header[field.name] = value
    return header, arrays


def save(network: QNetwork, path: Path | str) -> None:
    """Write a quantized network as an .npz."""
    write_npz(path, *_describe(network))


def load(path: Path | str) -> QNetwork:
    """Read what `save` wrote. Raises EdgeError E103 for another kind of file."""
    header, arrays = read_npz(path, FORMAT)

    def node(values: dict[str, Any]) -> dict[str, Any]:
        fields = {}
        for name, value in values.items():
            if isinstance(value, dict) and "array" in value:
                value = arrays[value["array"]]
            elif isinstance(value, dict) and "kind" in value:
                rule = {"QErrorRule": QErrorRule, "QSyncRule": QSyncRule}[value.pop("kind")]
                value = rule(**node(value))
            fields[name] = value
        return fields

    header.pop("format")
    header["inputs"] = tuple(Input(**i) for i in header["inputs"])
    header["populations"] = tuple(QPopulation(**node(p)) for p in header["populations"])
    header["projections"] = tuple(QProjection(**node(p)) for p in header["projections"])
    header["x_frac_bits"] = tuple(header["x_frac_bits"])
    return QNetwork(**header)
