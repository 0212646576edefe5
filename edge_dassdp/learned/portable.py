"""What was learned as bytes, the same as `dassdp_export` gives and a snapshot file holds."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork, QProjection
from edge_dassdp.qir.checks import checked_weights
from edge_dassdp.targets.learning import checked_learning

MAGIC, VERSION = b"dssp", 2
HEAD = struct.Struct("<4sI32sII")
"""Magic, version, SHA-256 of the model, bytes of the body, and of its learning state."""
CRC = struct.Struct("<I")


@dataclass(frozen=True)
class Learned:
    """What a device has learned. weights: integers (n_pre, n_post) of every plastic projection;
    learning: the learning state as it lies on the device, `Target.read_learning`."""

    weights: Mapping[str, NDArray[np.int16]]
    learning: bytes


def n_bytes(network: QNetwork) -> int:
    """Of every export of this model."""
    return HEAD.size + _learning_bytes(network) + _weight_bytes(network) + CRC.size


def encode(network: QNetwork, learned: Learned) -> bytes:
    """An export. Raises EdgeError E104 for another shape, E503 for a weight out of range."""
    weights = [checked_weights(network, p.name, learned.weights[p.name]).astype(_dtype(p))
               for p in network.plastic]
    body = learned.learning + b"".join(w.tobytes() for w in weights)
    head = HEAD.pack(MAGIC, VERSION, bytes.fromhex(network.sha256), len(body),
                     len(learned.learning))
    return head + body + CRC.pack(zlib.crc32(head + body))


def decode(network: QNetwork, data: bytes, where: str = "the export") -> Learned:
    """The reverse. where: what these bytes are, for people.

    Raises EdgeError E103 for what is no export, is of another version, cut short or damaged, or
    holds what no device learns; E504 for one of another model.
    """
    sha256 = model_of(data, where)
    if sha256 != network.sha256:
        raise another_model(where, sha256, network)
    *_, learning_bytes = HEAD.unpack_from(data)
    if len(data) != n_bytes(network) or learning_bytes != _learning_bytes(network):
        raise _damaged(where, f"{len(data):,} bytes, this model has {n_bytes(network):,}")
    at = HEAD.size + learning_bytes
    learned, weights = data[HEAD.size:at], {}
    for p in network.plastic:
        values = np.frombuffer(data, _dtype(p), p.n_pre * p.n_post, at)
        weights[p.name] = values.reshape(p.n_pre, p.n_post).astype(np.int16)
        at += values.nbytes
    return checked(network, Learned(weights, learned), where)


def checked(network: QNetwork, learned: Learned, where: str) -> Learned:
    """The same, weights as int16; EdgeError E103 where it holds what no device learns."""
    try:
        weights = {name: checked_weights(network, name, w).astype(np.int16)
                   for name, w in learned.weights.items()}
        if network.remembers:
            checked_learning(network, learned.learning)
    except EdgeError as problem:
        raise EdgeError("E103", f"{where} is damaged: no device learns what it holds",
                        cause=": ".join(filter(None, (problem.message, problem.cause))),
                        help="nothing of it was put back; take another snapshot") from None
    return Learned(weights, learned.learning)


def another_model(where: str, sha256: str, network: QNetwork) -> EdgeError:
    """The refusal of what was taken from the model of that hash."""
    return EdgeError("E504", f"{where} is of another model",
                     cause=f"it is of {sha256[:12]}, the model is {network.sha256[:12]}",
                     help="give the model, or the firmware, that it was taken from")


def model_of(data: bytes, where: str = "the export") -> str:
    """SHA-256 of the model that an export is of. Raises EdgeError E103 for what is no export, is of
    another version, cut short or damaged."""
    if data[:len(MAGIC)] != MAGIC[:len(data)] or not data:
        raise EdgeError("E103", f"{where} is no snapshot",
                        help="give what --snapshot, `Device.save` or dassdp_export wrote")
    if len(data) < HEAD.size + CRC.size:
        raise _damaged(where, f"it ends after {len(data)} bytes")
    _, version, sha256, n_body, n_learning = HEAD.unpack_from(data)
    if version != VERSION:
        raise EdgeError("E103", f"{where} is a snapshot of version {version}",
                        cause=f"this tool reads version {VERSION}",
                        help="read it with the edge_dassdp that wrote it")
    expected = HEAD.size + n_body + CRC.size
    if len(data) != expected or n_learning > n_body:
        raise _damaged(where, f"{len(data):,} bytes, its head says {expected:,}")
    if CRC.unpack(data[-CRC.size:]) != (zlib.crc32(data[:-CRC.size]),):
        raise _damaged(where, "its CRC-32 does not fit")
    return str(sha256.hex())


def _damaged(where: str, cause: str) -> EdgeError:
    return EdgeError("E103", f"{where} is damaged", cause=cause,
                     help="copy it again; nothing of it was put back")


def _learning_bytes(network: QNetwork) -> int:
    layout = Plan.of(network).layout
    return layout.persist_end - layout.persist_begin


def _weight_bytes(network: QNetwork) -> int:
    return sum(p.n_pre * p.n_post * _dtype(p).itemsize for p in network.plastic)


def _dtype(p: QProjection) -> np.dtype[np.int8] | np.dtype[np.int16]:
    return np.dtype("<i2") if p.weight_bits == 16 else np.dtype("i1")
