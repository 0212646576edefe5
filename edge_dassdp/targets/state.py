"""The bytes of a device's state as named integer arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.plan.layout import Layout, StateField
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.packing import (
    EIHL_DTYPE,
    GATE_DTYPE,
    GUARD_DTYPE,
    LEARNING_DTYPE,
    REPLAY_DTYPE,
    pack_planes,
    unpack_bits,
    unpack_planes,
    unpack_rows,
    unpack_weights,
    words,
)

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


def encode(layout: Layout, named: Mapping[str, NDArray[Any]]) -> bytes:
    """The persistent part of the state, as a device holds it: the reverse of `decode`."""
    data = bytearray(layout.persist_end)
    for field in layout.fields:
        if field.offset >= layout.persist_end or field.group == "padding":
            continue
        data[field.offset : field.offset + field.bytes] = _encoded(layout.network, field, named)
    return bytes(data[layout.persist_begin :])


def _encoded(net: QNetwork, field: StateField, named: Mapping[str, NDArray[Any]]) -> bytes:
    """The bytes of one persistent field."""
    if field.ctype in _RECORDS:
        record = np.zeros((), _RECORDS[field.ctype])
        for name in set(record.dtype.names or ()) - {"reserved"}:
            record[name] = named[f"{field.name}.{name}"][0]
        return record.tobytes()
    kind, _, owner = field.name.partition("_")
    if kind not in ("count", "latency"):
        return named[field.name].astype(field.ctype[:-2]).tobytes()
    slots = (named[f"{name}_{owner}"].reshape(net.n_batch, -1) for name in ("count", kind))
    return b"".join(_slot(net, *slot, is_latency=kind == "latency")
                    for slot in zip(*slots, strict=True))


def _slot(net: QNetwork, counts: NDArray[Any], values: NDArray[Any], *, is_latency: bool) -> bytes:
    """Bit planes of counts or latencies of one sample; behind the last latency stands silence, as
    soon as a sample was recorded."""
    was_recorded = is_latency and bool(counts.any() or values.any())
    planes = np.full(32 * words(values.size), (1 << net.field_bits) - 1 if was_recorded else 0)
    planes[: values.size] = values
    return pack_planes(planes, net.field_bits)


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
    "count": _slots, "latency": _slots, "losses": _plain, "w": _weights, "logits": _plain,
    "ring": _plain, "stdp": _plain, "i": _padded, "multi": _numbers, "coded": _coded,
}
