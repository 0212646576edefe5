"""Snapshots: what a target has learned, as a file, and back; the bytes of dassdp_export."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.qformat import IntArray
from edge_dassdp.learned.portable import Learned, another_model, checked, decode, encode
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.packing import LEARNING_DTYPE
from edge_dassdp.storage.files import write_bytes
from edge_dassdp.storage.foreign import reading, unread, what_is
from edge_dassdp.storage.npz import Arrays, read_npz
from edge_dassdp.targets.target import Target

SNAPSHOT = "edge_dassdp/snapshot/1"
"""Version 1, an .npz, which is still read."""
MOST_BYTES = 1 << 28
_BEFORE_LESSONS = LEARNING_DTYPE.fields["n_lessons"][1] if LEARNING_DTYPE.fields else 0
"""Bytes of dassdp_learning_t in version 1."""


def save_snapshot(target: Target, network: QNetwork, path: Path | str | IO[bytes]) -> None:
    """Write a target's plastic weights and learning state."""
    data = encode(network, learned_of(target, network))
    if isinstance(path, str | Path):
        write_bytes(path, data)
    else:
        path.write(data)


def learned_of(target: Target, network: QNetwork) -> Learned:
    """What a target has learned."""
    return Learned({p.name: target.read_weights(p.name) for p in network.plastic},
                   target.read_learning())


def load_snapshot(target: Target, network: QNetwork, path: Path | str) -> None:
    """Put a snapshot back, all of it or nothing. Raises EdgeError as `read_learned` does, and
    E503 where the target refuses it."""
    learned = read_learned(network, path)
    target.restore(learned.weights, learned.learning)


def read_snapshot(network: QNetwork, path: Path | str) -> dict[str, IntArray]:
    """The learned weights of a snapshot, by plastic projection, shaped as `QProjection.w`.

    Raises EdgeError as `read_learned` does.
    """
    weights = read_learned(network, path).weights
    return {name: w.astype(np.int64) for name, w in weights.items()}


def read_learned(network: QNetwork, path: Path | str) -> Learned:
    """What a snapshot holds. Raises EdgeError E103 for another or a damaged file, E504 for another
    model's."""
    found = what_is(path)
    if found is None or found.kind != "snapshot":
        raise unread(path, "snapshot")
    with reading(path, "snapshot"), Path(path).open("rb") as file:
        data = file.read(MOST_BYTES)
        if not data.startswith(b"PK"):
            return decode(network, data, str(path))
    header, arrays = read_npz(path, SNAPSHOT)
    if header.get("model") != network.sha256:
        raise another_model(str(path), str(header.get("model")), network)
    with reading(path, "snapshot"):
        return _of_version_1(network, path, arrays)


def _of_version_1(network: QNetwork, path: Path | str, arrays: Arrays) -> Learned:
    missing = {"learning", *(f"w_{p.name}" for p in network.plastic)} - set(arrays)
    if missing:
        raise EdgeError("E103", f"{path} is damaged: it lacks {', '.join(sorted(missing))}")
    learning = arrays["learning"]
    if learning.dtype != np.uint8 or learning.ndim != 1:
        raise ValueError(f"its learning state is {learning.dtype} of shape {learning.shape}")
    return checked(network, Learned(
        {p.name: arrays[f"w_{p.name}"] for p in network.plastic},
        _with_lessons(network, learning.tobytes())), str(path))


def _with_lessons(network: QNetwork, learning: bytes) -> bytes:
    """No lessons were counted in version 1."""
    layout = Plan.of(network).layout
    n_new = LEARNING_DTYPE.itemsize - _BEFORE_LESSONS
    if not network.plastic or len(learning) != layout.persist_end - layout.persist_begin - n_new:
        return learning
    at = layout.offset("learning") - layout.persist_begin + _BEFORE_LESSONS
    return learning[:at] + bytes(n_new) + learning[at:]
