"""What every target says of learned state in the same words: counters, weights, samples checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.qformat import IntArray
from edge_dassdp.qir import QNetwork, QProjection
from edge_dassdp.targets.target import Statistics


def learned_statistics(network: QNetwork, state: Mapping[str, NDArray[Any]]) -> Statistics:
    """Counters of a named state, and its plastic weights at an end of their range."""
    n_saturated = 0
    for p in network.plastic:
        bound = 1 << (p.weight_bits - 1)
        w = state[f"w_{p.name}"]
        n_saturated += int(((w == -bound) | (w == bound - 1)).sum())

    def count(name: str) -> int:
        return int(state[name][0]) if name in state else 0

    return Statistics(
        n_saturated=n_saturated,
        **{n: count(f"learning.{n}") for n in ("n_labelled", "n_skipped", "n_updates",
                                               "n_vanished")},
        **{n: count(f"replay.{n}") for n in ("n_replayed", "n_replay_skipped")},
        n_fallbacks=count("guard.n_fallbacks"), hits=count("guard.hits_bits").bit_count(),
        factory_hits=count("guard.factory_hits_bits").bit_count())


def members(prefix: str, record: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Fields of a structured scalar by the names that they have in a named state."""
    names = record.dtype.names or ()
    return {f"{prefix}.{n}": np.atleast_1d(record[n]) for n in names if n != "reserved"}


def known_projection(network: QNetwork, projection: str) -> QProjection:
    """The projection of that name, or EdgeError E105."""
    for p in network.projections:
        if p.name == projection:
            return p
    raise EdgeError("E105", f"there is no projection '{projection}'",
                    help="choose one of " + ", ".join(p.name for p in network.projections))


def checked_weights(network: QNetwork, projection: str, w: NDArray[Any]) -> IntArray:
    """w as int64 (n_pre, n_post); EdgeError E503 if frozen or out of range, E104 for its shape."""
    p = known_projection(network, projection)
    if not p.is_plastic:
        raise EdgeError("E503", "the projection is not plastic", cause=f"'{projection}' is frozen")
    given = np.asarray(w)
    if given.dtype.kind not in "iu":
        raise EdgeError("E104", f"weights of '{projection}' are {given.dtype}, expected integers")
    values = given.astype(np.int64)
    if values.shape != p.w.shape:
        raise EdgeError("E104", f"weights of '{projection}' have shape {values.shape}, expected "
                        f"{p.w.shape}")
    bound = 1 << (p.weight_bits - 1)
    if (values < -bound).any() or (values >= bound).any():
        raise EdgeError("E503", "value out of range",
                        cause=f"weights of '{projection}' lie in {-bound} to {bound - 1}")
    return values


def checked_sample(network: QNetwork, x: NDArray[Any]) -> NDArray[np.int8]:
    """x as int8 (x_bytes,), or EdgeError E104."""
    sample = np.asarray(x)
    if sample.dtype != np.int8 or sample.shape != (network.x_bytes,):
        raise EdgeError("E104", f"a sample is {sample.dtype} of shape {sample.shape}, expected "
                        f"int8 of shape ({network.x_bytes},)")
    return sample
