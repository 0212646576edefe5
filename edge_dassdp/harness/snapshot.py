"""Snapshots: what a target has learned, as a file, and back."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.qformat import IntArray
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.checks import checked_weights
from edge_dassdp.storage.foreign import reading
from edge_dassdp.storage.npz import Arrays, read_npz, write_npz
from edge_dassdp.targets.learning import checked_learning
from edge_dassdp.targets.target import Target

SNAPSHOT = "edge_dassdp/snapshot/1"


def save_snapshot(target: Target, network: QNetwork, path: Path | str | IO[bytes]) -> None:
    """Write a target's plastic weights and learning state to an .npz."""
    write_npz(path, {"format": SNAPSHOT, "model": network.sha256}, snapshot_arrays(target, network))


def snapshot_arrays(target: Target, network: QNetwork) -> dict[str, NDArray[Any]]:
    """What a target has learned, by the names of a snapshot."""
    arrays: dict[str, NDArray[Any]] = {f"w_{p.name}": target.read_weights(p.name)
                                       for p in network.plastic}
    arrays["learning"] = np.frombuffer(target.read_learning(), np.uint8)
    return arrays


def load_snapshot(target: Target, network: QNetwork, path: Path | str) -> None:
    """Put a snapshot back, all of it or nothing. Raises EdgeError as `read_snapshot` does, and
    E503 where the target refuses it."""
    weights, learning = _snapshot(network, path)
    target.restore({name: w.astype(np.int16) for name, w in weights.items()}, learning)


def read_snapshot(network: QNetwork, path: Path | str) -> dict[str, IntArray]:
    """The learned weights of a snapshot, by plastic projection, shaped as `QProjection.w`.

    Raises EdgeError E103 for another or a damaged file, E504 for another model's.
    """
    return _snapshot(network, path)[0]


def _snapshot(network: QNetwork, path: Path | str) -> tuple[dict[str, IntArray], bytes]:
    """Weights and learning state."""
    header, arrays = read_npz(path, SNAPSHOT)
    if header.get("model") != network.sha256:
        raise EdgeError("E504", f"{path} is a snapshot of another model",
                        cause=f"snapshot {str(header.get('model'))[:12]}, "
                              f"model {network.sha256[:12]}",
                        help="give the model, or the firmware, that it was taken from")
    with reading(path, "snapshot"):
        return _values(network, path, arrays)


def _values(network: QNetwork, path: Path | str,
            arrays: Arrays) -> tuple[dict[str, IntArray], bytes]:
    missing = {"learning", *(f"w_{p.name}" for p in network.plastic)} - set(arrays)
    if missing:
        raise EdgeError("E103", f"{path} is damaged: it lacks {', '.join(sorted(missing))}")
    learning = arrays["learning"]
    if learning.dtype != np.uint8 or learning.ndim != 1:
        raise ValueError(f"its learning state is {learning.dtype} of shape {learning.shape}")
    try:
        weights = {p.name: checked_weights(network, p.name, arrays[f"w_{p.name}"])
                   for p in network.plastic}
        if network.remembers:
            checked_learning(network, learning.tobytes())
    except EdgeError as problem:
        raise EdgeError("E103", f"{path} is damaged: no device learns what it holds",
                        cause=": ".join(filter(None, (problem.message, problem.cause))),
                        help="nothing of it was put back; take another snapshot") from None
    return weights, learning.tobytes()
