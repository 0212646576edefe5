"""The bytes of a device's state as named integer arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.plan.layout import Layout, StateField
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.packing import (
    GUARD_DTYPE,
    LEARNING_DTYPE,
    REPLAY_DTYPE,
    unpack_bits,
    unpack_planes,
    unpack_rows,
    unpack_weights,
    words,
)
from edge_dassdp.rules.eihl import EIHL_DTYPE
from edge_dassdp.rules.gate import GATE_DTYPE

_RECORDS = {"dassdp_gate_t": GATE_DTYPE, "dassdp_learning_t": LEARNING_DTYPE,
            "dassdp_replay_t": REPLAY_DTYPE, "dassdp_guard_t": GUARD_DTYPE,
            "dassdp_eihl_t": EIHL_DTYPE}


def decode(layout: Layout, state: bytes) -> dict[str, NDArray[Any]]:
    """The state's bytes by name, as `Reference.named_state` has them: what a target may be compared
    by. Scratch, padding, the copy of saved weights, histories and what coders remember are left
    out.

    Raises EdgeError E104 for another number of bytes.
    """
    if len(state) != layout.state_bytes:
        raise EdgeError("E104", f"a state of {len(state)} bytes, expected {layout.state_bytes}")
    named: dict[str, NDArray[Any]] = {}
    for field in layout.fields:
        raw = state[field.offset : field.offset + field.bytes]
        kind, _, owner = field.name.partition("_")
        if field.ctype in _RECORDS:
            record = np.frombuffer(raw, _RECORDS[field.ctype])
            named |= {f"{field.name}.{name}": record[name] for name in record.dtype.names or ()
                      if name != "reserved"}
        elif kind in _DECODERS:
            named[field.name] = _DECODERS[kind](layout.network, field, owner, raw)
    return named


def _padded(net: QNetwork, field: StateField, owner: str, raw: bytes) -> NDArray[Any]:
    return _plain(net, field, owner, raw)[: net.population(owner).size]


def _plain(net: QNetwork, field: StateField, owner: str, raw: bytes) -> NDArray[Any]:
    return np.frombuffer(raw, field.ctype[:-2]).astype(np.int64)


def _spikes(net: QNetwork, field: StateField, owner: str, raw: bytes) -> NDArray[Any]:
    return unpack_bits(raw, net.population(owner).size)


def _coded(net: QNetwork, field: StateField, owner: str, raw: bytes) -> NDArray[Any]:
    return unpack_bits(raw, _source_size(net, owner))


def _numbers(net: QNetwork, field: StateField, owner: str, raw: bytes) -> NDArray[Any]:
    return _plain(net, field, owner, raw)[: _source_size(net, owner)]


def _source_size(net: QNetwork, name: str) -> int:
    """Neurons of an input or a population."""
    sizes = {i.name: i.size for i in net.inputs} | {p.name: p.size for p in net.populations}
    return sizes[name]


def _touches(net: QNetwork, field: StateField, owner: str, raw: bytes) -> NDArray[Any]:
    return unpack_rows(raw, net.population(owner).size)


def _weights(net: QNetwork, field: StateField, owner: str, raw: bytes) -> NDArray[Any]:
    p = net.projection(owner)
    return unpack_weights(raw, p.n_pre, p.n_post, p.weight_bits)


def _slots(net: QNetwork, field: StateField, owner: str, raw: bytes) -> NDArray[Any]:
    """Slots of a batch, one behind the other."""
    p, bits = net.population(owner), net.field_bits
    size = 4 * bits * words(p.n_recorded)
    return np.concatenate([unpack_planes(raw[at : at + size], p.n_recorded, bits)
                           for at in range(0, len(raw), size)])


_DECODERS: dict[str, Callable[[QNetwork, StateField, str, bytes], NDArray[Any]]] = {
    "v": _padded, "base": _padded, "error": _padded, "spk": _spikes, "touch": _touches,
    "count": _slots, "latency": _slots, "w": _weights, "logits": _plain, "ring": _plain,
    "stdp": _plain, "i": _padded, "multi": _numbers, "coded": _coded,
}
