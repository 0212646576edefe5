"""A stored sample: spike counts and first-spike latencies of the cut, in bit planes, as the device
keeps them in flash and in its ring (docs/arithmetic.md, 13).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.qformat import IntArray
from edge_dassdp.qir.network import QNetwork
from edge_dassdp.qir.packing import pack_planes, unpack_planes, words


def stored_words(network: QNetwork) -> int:
    """uint32 words of one stored sample."""
    planes = sum(2 * network.field_bits * words(p.size) for p in network.cut)
    return planes + -(-network.target_bytes // 4)


def pack(network: QNetwork, counts: IntArray, latencies: IntArray,
         target_q11: IntArray | None = None) -> bytes:
    """counts, latencies: (neurons of the cut,); a latency of a neuron without spikes is ignored.
    target_q11: (n_outputs,) of a model of values.

    By population: planes of the counts, then of the latencies, silence and the tail all ones.
    Behind them the targets, in whole words.
    """
    parts, begin, bits = [], 0, network.field_bits
    for p in network.cut:
        n = counts[begin : begin + p.size]
        latency = np.full(32 * words(p.size), (1 << bits) - 1)
        latency[: p.size] = np.where(n > 0, latencies[begin : begin + p.size], latency[: p.size])
        parts += [pack_planes(n, bits), pack_planes(latency, bits)]
        begin += p.size
    if target_q11 is not None:
        parts.append(target_q11.astype("<i2").tobytes().ljust(-(-network.target_bytes // 4) * 4,
                                                              b"\0"))
    return b"".join(parts)


def target_of(network: QNetwork, sample: bytes) -> IntArray | None:
    """The targets of a stored sample, (n_outputs,), None of a model of classes."""
    if network.values is None:
        return None
    at = 4 * (stored_words(network) - -(-network.target_bytes // 4))
    return np.frombuffer(sample, "<i2", network.n_classes, at).astype(np.int64)


def unpack(network: QNetwork, sample: bytes) -> dict[str, tuple[IntArray, IntArray]]:
    """(counts, latencies) by population of the cut, each (size,); -1 for silence."""
    fields, begin, bits = {}, 0, network.field_bits
    for p in network.cut:
        n_bytes = 4 * bits * words(p.size)
        counts, latencies = (unpack_planes(sample[at : at + n_bytes], p.size, bits)
                             for at in (begin, begin + n_bytes))
        fields[p.name] = counts, np.where(latencies == (1 << bits) - 1, -1, latencies)
        begin += 2 * n_bytes
    return fields


def rebuild(counts: IntArray, latencies: IntArray, n_steps: int) -> NDArray[np.bool_]:
    """A raster (n_steps, size) with n spikes at t + (k (n_steps - t)) // n, k = 0 .. n - 1.

    counts, latencies: (size,), n at most n_steps - t.
    """
    raster = np.zeros((n_steps, counts.size), bool)
    for k in range(int(counts.max(initial=0))):
        neurons = np.flatnonzero(counts > k)
        t, n = latencies[neurons], counts[neurons]
        raster[t + k * (n_steps - t) // n, neurons] = True
    return raster
