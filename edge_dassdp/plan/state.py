"""The fields of the generated state struct: what a network keeps in RAM, and how it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.ir import Input
from edge_dassdp.plan.routes import Route, history
from edge_dassdp.plan.ruled import rule_state
from edge_dassdp.plan.scratch import Scratch
from edge_dassdp.qir import QNetwork, QPopulation, QProjection
from edge_dassdp.qir.packing import (
    CUSUM_DTYPE,
    GUARD_DTYPE,
    LEARNING_DTYPE,
    REPLAY_DTYPE,
    SENSOR_DTYPE,
    columns,
    n_profile,
    pack_planes,
    row_bytes,
    unpack_bits,
    unpack_planes,
    unpack_rows,
    unpack_weights,
    words,
)
from edge_dassdp.qir.stored import stored_words
from edge_dassdp.qir.tables import Group, Named, Reader, StateField, c_type
from edge_dassdp.sensor.front import QSensor
from edge_dassdp.sensor.monitor import DRIFT_DTYPE, RING

STREAM_WORDS = 9
"""Of dassdp_stream_state_t."""
_WORD = 4
NAME_BYTES = QUANTITIES["class_name_bytes"]
"""Kernels read arrays of membranes, sums and weights by words."""


def state_fields(network: QNetwork, routes: Mapping[str, Route],
                 scratch: Scratch) -> tuple[tuple[StateField, ...], int]:
    """Every field with its offset, those of a snapshot first, and where these end, in bytes.

    Fields never overlap and leave no gap unnamed.
    """
    ruled = [field for q in network.plastic for field in rule_state(network, q)]
    fields = [*_of_learning(network, ruled), *_of_weights(network),
              *(f for f in ruled if not f.is_persistent)]
    for p in network.populations:
        fields += _of_population(network, p)
    for i in network.inputs:
        fields += _of_coder(network, routes, i)
    fields += [_plain("logits", "int32_t", network.n_classes, "inference"),
               _hidden("scratch", "uint32_t", scratch.bytes // 4, "inference"),
               _hidden("progress", "uint32_t", 4, "inference"), *_of_work_on_classes(network),
               *_of_batch(network)]
    if network.values is not None:
        fields.append(_hidden("target", "int16_t", network.n_classes, "learning"))
    if network.hop:
        fields += [_hidden("stream", "uint32_t", STREAM_WORDS, "inference"),
                   _hidden("stream_sums", "uint32_t", network.n_classes * (1 + network.n_windows),
                           "inference")]
    if network.sensor is not None:
        fields += [_hidden("reading", "uint32_t", 4, "inference"), *_of_windows(network.sensor)]
    persistent, persist_end = _place([f for f in fields if f.is_persistent], 0)
    others = sorted((f for f in fields if not f.is_persistent), key=lambda f: -f.align)
    placed, end = _place(others, persist_end)
    padding = [_padding("padding_end", end, -end % 8)] if end % 8 else []
    return (*persistent, *placed, *padding), persist_end


def _of_learning(network: QNetwork, ruled: list[StateField]) -> list[StateField]:
    """What a snapshot holds beside the weights, in this order: docs/arithmetic.md."""
    fields = sorted((f for f in ruled if f.is_persistent), key=lambda f: -f.align)
    replay = network.replay
    if network.plastic:
        fields.append(StateField.record("learning", "dassdp_learning_t", LEARNING_DTYPE))
    if replay is not None:
        fields.append(StateField.record("replay", "dassdp_replay_t", REPLAY_DTYPE))
    if network.guard is not None and network.guard.margin:
        fields.append(StateField.record("guard", "dassdp_guard_t", GUARD_DTYPE))
    if network.cusum is not None:
        fields.append(StateField.record("cusum", "dassdp_cusum_t", CUSUM_DTYPE))
    fields += _of_sensor(network) + _of_classes(network)
    if replay is not None and replay.ring_per_class:
        n_slots = replay.ring_per_class * network.n_kinds
        fields += [_kept("ring", "uint32_t", n_slots * stored_words(network)),
                   _kept("ring_seen", "uint16_t", network.n_kinds)]
    return fields


def _of_classes(network: QNetwork) -> list[StateField]:
    """Class means and names of classes that were taught, in whole words, and side by side."""
    means, own = network.class_means, []
    if means is not None:
        n = network.n_classes
        own = [_kept("class_means", "uint8_t", whole(2 * n * means.means.shape[1])),
               _kept("class_seen", "uint8_t", whole(2 * n))]
        if network.spare_classes:
            own.append(_kept("class_limits", "int32_t", network.spare_classes))
    if network.spare_classes:
        own.append(_kept("class_names", "uint8_t", NAME_BYTES * network.spare_classes))
    return own


def _of_work_on_classes(network: QNetwork) -> list[StateField]:
    """What class means are compared with, and the copy of `_of_classes`."""
    means, own = network.class_means, []
    if means is not None:
        own = [_hidden("class_direction", "uint8_t", whole(means.means.shape[1]), "inference"),
               _hidden("class_distance", "uint32_t", network.n_classes, "inference"),
               _hidden("class_found", "uint32_t", 2, "inference")]
    kept = sum(f.bytes for f in _of_classes(network))
    if kept and network.guard is not None and network.guard.keeps_copy:
        own.append(_hidden("saved_classes", "uint8_t", kept, "learning"))
    return own


def whole(n_bytes: int) -> int:
    """Up to whole words."""
    return -(-n_bytes // _WORD) * _WORD


def _of_sensor(network: QNetwork) -> list[StateField]:
    """Which profile its sensor has, and what was observed, in whole words."""
    sensor = network.sensor
    if sensor is None:
        return []
    own = [replace(StateField.record("sensor", "dassdp_sensor_state_t", SENSOR_DTYPE), align=_WORD),
           _kept("sensor_profile", "int16_t", n_profile(sensor.n_channels))]
    if sensor.fits:
        n = network.n_classes
        own = [_kept("sensor_sums", "int32_t", 3 * n), *own,
               _kept("sensor_seen", "uint16_t", n + n % 2)]
    return own


def _of_windows(sensor: QSensor) -> list[StateField]:
    """Those compared under the profile in use, the one being read, and those kept for a search."""
    drift = sensor.drift
    if drift is None:
        return []
    return [StateField.record("drift", "dassdp_drift_state_t", DRIFT_DTYPE, is_persistent=False),
            _plain("drift_ring", "uint16_t", RING, "learning"),
            _hidden("drift_kept", "uint32_t", 1, "learning"),
            _hidden("drift_sums", "int32_t", drift.n_sums + drift.n_channels, "inference"),
            _hidden("drift_rows", "int16_t", (1 + drift.n_rows) * drift.row_length, "learning")]


def _of_batch(network: QNetwork) -> list[StateField]:
    """Losses and records of a batch: a snapshot holds them where samples wait for others."""
    fields = []
    if any(q.stage == "batch" for q in network.plastic):
        fields.append(_plain("losses", "uint16_t", network.n_batch, "learning"))
    for prefix in ("count", "latency"):
        fields += [_slots(network, prefix, p) for p in network.populations
                   if p.counts and (prefix == "count" or p.records != "none")]
    return [replace(f, is_persistent=network.n_batch > 1) for f in fields]


def _slots(network: QNetwork, prefix: str, p: QPopulation) -> StateField:
    """Counts or latencies in bit planes, one slot per sample of a batch.

    Behind the last latency stands silence, as soon as a sample was recorded.
    """
    bits, n = network.field_bits, p.n_recorded
    size = 4 * bits * words(n)
    silence = (1 << bits) - 1

    def read(raw: bytes) -> NDArray[Any]:
        return np.concatenate([unpack_planes(raw[at : at + size], n, bits)
                               for at in range(0, len(raw), size)])

    def write(named: Named) -> bytes:
        parts = []
        for counts, values in zip(*(named[f"{name}_{p.name}"].reshape(network.n_batch, n)
                                    for name in ("count", prefix)), strict=True):
            was_recorded = prefix == "latency" and bool(counts.any() or values.any())
            padded = np.full(32 * words(n), silence if was_recorded else 0)
            padded[:n] = values
            parts.append(pack_planes(padded, bits))
        return b"".join(parts)

    field = _field(f"{prefix}_{p.name}", "uint32_t", bits * words(n) * network.n_batch,
                   "learning", read)
    return replace(field, write=write)


def _of_weights(network: QNetwork) -> list[StateField]:
    """Images of plastic projections, and their copies."""
    fields = [_image(q, network.is_packed(q)) for q in network.plastic]
    if network.guard is not None and network.guard.keeps_copy:
        fields += [replace(f, name=f"saved_{f.name[2:]}", group="learning", read=None)
                   for f in fields]
        fields.append(_hidden("has_saved", "uint32_t", 1, "learning"))
    return fields


def _image(q: QProjection, is_packed: bool) -> StateField:
    ctype, n_bytes = ("int16_t", 2) if q.weight_bits == 16 else ("uint8_t", 1)
    return _field(f"w_{q.name}", ctype,
                  q.n_pre * row_bytes(q.n_post, q.weight_bits, is_packed) // n_bytes, "weights",
                  partial(unpack_weights, n_pre=q.n_pre, n_post=q.n_post,
                          weight_bits=q.weight_bits, is_packed=is_packed),
                  align=_WORD)


def _of_population(network: QNetwork, p: QPopulation) -> list[StateField]:
    fields = []
    if p.touch_width is not None:
        fields.append(_field(f"touch_{p.name}", "uint32_t", network.n_steps * words(p.size),
                             "learning", partial(unpack_rows, n=p.size)))
    membrane = f"int{p.membrane_bits}_t"
    fields += [_by_neuron(f"v_{p.name}", membrane, p.size, "inference"),
               _spikes(f"spk_{p.name}", p.size)]
    if p.analogue_bias is not None:
        fields.append(_by_neuron(f"base_{p.name}", membrane, p.size, "inference"))
    if p.has_error:
        fields.append(_by_neuron(f"error_{p.name}", "int16_t", p.size, "learning"))
    if p.dynamics is not None and p.dynamics.leak_i_q15 is not None:
        fields.append(_by_neuron(f"i_{p.name}", "int32_t", p.size, "inference"))
    if p.max_spikes > 1:
        fields.append(_numbers(p.name, p.size))
    if p.n_history:
        fields.append(_hidden(f"history_{p.name}", "uint32_t", p.n_history * words(p.size),
                              "inference"))
    return fields


def _of_coder(network: QNetwork, routes: Mapping[str, Route], i: Input) -> list[StateField]:
    """Of an input whose spikes are made on the device, and what its coder remembers."""
    if not i.is_coded:
        return []
    fields = [_spikes(f"coded_{i.name}", i.size)]
    if i.counts:
        fields.append(_numbers(i.name, i.size))
    if (i.n_events and not network.keeps_frame) or (i.encoder and i.encoder.kind == "rate"):
        fields.append(_hidden(f"coder_{i.name}", "uint32_t", 1, "inference"))
    elif i.encoder and i.encoder.kind == "delta":
        fields.append(_hidden(f"coder_{i.name}", "int16_t", i.n_raw, "inference", align=_WORD))
    depth = history(network, routes, i.name)
    if depth:
        fields.append(_hidden(f"history_{i.name}", "uint32_t", depth * words(i.size),
                              "inference"))
    return fields


def _field(name: str, ctype: str, count: int, group: Group, read: Reader | None, *,
           align: int = 0) -> StateField:
    dtype = c_type(ctype)
    return StateField(name, ctype, count, group, dtype, max(align, dtype.itemsize), read=read)


def _plain(name: str, ctype: str, count: int, group: Group) -> StateField:
    return StateField.plain(name, ctype, count, group)


def _kept(name: str, ctype: str, count: int) -> StateField:
    return StateField.plain(name, ctype, count, "learning", is_persistent=True)


def _hidden(name: str, ctype: str, count: int, group: Group, *, align: int = 0) -> StateField:
    """Not compared."""
    return _field(name, ctype, count, group, None, align=align)


def _by_neuron(name: str, ctype: str, n: int, group: Group) -> StateField:
    """One value a neuron, padded as kernels read it."""
    dtype = c_type(ctype)
    return _field(name, ctype, columns(n), group,
                  lambda raw: np.frombuffer(raw, dtype)[:n].astype(np.int64), align=_WORD)


def _spikes(name: str, n: int) -> StateField:
    return _field(name, "uint32_t", words(n), "inference", partial(unpack_bits, n=n))


def _numbers(owner: str, n: int) -> StateField:
    """Spikes of the last step of neurons that fire several times."""
    return _field(f"multi_{owner}", "uint8_t", -(-n // 4) * 4, "inference",
                  lambda raw: np.frombuffer(raw, np.uint8)[:n].astype(np.int64), align=_WORD)


def _padding(name: str, offset: int, n_bytes: int) -> StateField:
    return replace(_field(name, "uint8_t", n_bytes, "padding", None), offset=offset)


def _place(fields: list[StateField], start: int) -> tuple[list[StateField], int]:
    """Offsets in order; gaps become padding fields."""
    placed: list[StateField] = []
    at = start
    for field in fields:
        gap = -at % field.align
        if gap:
            placed.append(_padding(f"padding_{at}", at, gap))
            at += gap
        placed.append(replace(field, offset=at))
        at += field.bytes
    return placed, at
