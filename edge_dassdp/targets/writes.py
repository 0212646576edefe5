"""The requests that write a snapshot into a device, chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.qir import QNetwork
from edge_dassdp.targets.learning import check_counts
from edge_dassdp.wire.info import ProjectionInfo
from edge_dassdp.wire.messages import CHUNK_BYTES

Requests = list[tuple[str, dict[str, Any]]]


def of_weights(idx: int, info: ProjectionInfo, w: NDArray[np.int16]) -> Requests:
    """Of a projection, the idx-th: integers (n_pre, n_post). Raises EdgeError E104 for another
    shape or type, E503 for a value out of range."""
    values, bound = np.asarray(w), 1 << (info.weight_bits - 1)
    if values.shape != (info.n_pre, info.n_post) or values.dtype.kind not in "iu":
        raise EdgeError("E104", f"the weights of {info.name} have the wrong shape or type",
                        cause=f"{values.shape} {values.dtype}, expected integers of "
                              f"({info.n_pre}, {info.n_post})")
    if values.size and not -bound <= values.min() <= values.max() < bound:
        raise EdgeError("E503", "value out of range",
                        cause=f"weights of '{info.name}' lie in {-bound} to {bound - 1}")
    data = values.astype(info.dtype).tobytes()
    return [("WRITE_WEIGHTS", {"projection": idx, "first": begin // info.dtype.itemsize,
                               "data": data[begin:end]}) for begin, end in chunks(len(data))]


def of_learning(persist_bytes: int, network: QNetwork | None, data: bytes) -> Requests:
    """Of a learning state. network: what its counters are held to, if it is known. Raises EdgeError
    E104 for another size, E503 where nothing learns or counters contradict each other."""
    if len(data) != persist_bytes:
        raise EdgeError("E104", "the learning state has the wrong size",
                        cause=f"{len(data)} bytes, this model has {persist_bytes}")
    if not data:
        raise EdgeError("E503", "the projection is not plastic",
                        cause="nothing in this network learns")
    if network is not None:
        check_counts(network, data)
    return [("WRITE_LEARNING", {"offset": begin, "data": data[begin:end]})
            for begin, end in chunks(len(data))]


def replace(ask: Callable[..., object], what: str, new: Requests, old: Requests | None) -> None:
    """Write `new` and let the device run again; the same part of `old` where it refuses. ask: sends
    one request. what: is written, for people."""
    n_written, subject = 0, f"{what[0].upper()}{what[1:]}"
    try:
        for name, fields in new:
            ask(name, **fields)
            n_written += 1
        ask("RELEASE")
    except EdgeError as problem:
        if problem.code == "E503" and old is not None:
            replace(ask, what, old[:n_written], None)
            raise _with_help(problem, f"{subject} are as before.") from None
        if problem.code in ("E502", "E503"):
            raise _with_help(problem, f"{subject} may be written in part: the device then runs "
                             "nothing until a snapshot is restored or it is reset. "
                             f"{problem.help}") from None
        raise


def _with_help(problem: EdgeError, help: str) -> EdgeError:
    """The same error with another help."""
    return EdgeError(problem.code, problem.message, cause=problem.cause, help=help)


def chunks(n_bytes: int, size: int = CHUNK_BYTES) -> Iterator[tuple[int, int]]:
    """Begin and end of each piece of at most `size` bytes."""
    for begin in range(0, n_bytes, size):
        yield begin, min(begin + size, n_bytes)
