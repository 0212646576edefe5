"""What a board has learned, kept while something else runs on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.harness.expected import digest_text, unfinished
from edge_dassdp.harness.snapshot import load_snapshot, save_snapshot
from edge_dassdp.qir import QNetwork
from edge_dassdp.storage.state import made
from edge_dassdp.targets.target import Target


@contextmanager
def keeping(target: Target, network: QNetwork, path: Path) -> Iterator[None]:
    """Whatever the block does, the target has afterwards learned what it had before, its own copy
    of the weights included; input values counted at an end of int8 begin at 0. What counts in flash
    stays, but where a device saves by itself what the block teaches it: then it is what it had
    learned before.

    path: of a snapshot that is there until all is put back. Raises what putting back raises, and
    EdgeError E507 where it gives another digest, or where the snapshot of a block that did not end
    is there; all name the snapshot.
    """
    if path.exists():
        raise unfinished(target, path)
    before, saved = target.statistics().learned_digest, target.in_flash
    made(path.parent)
    save_snapshot(target, network, path)
    copy: dict[str, NDArray[np.int16]] = {}
    try:
        copy = _copy(target, network)
        yield
    finally:
        try:
            _put_back(target, network, copy, path)
            _require(target, before)
            if target.in_flash != saved:  # it saved by itself what the block taught it
                target.store()
        except EdgeError as problem:
            raise EdgeError(problem.code, problem.message, cause=problem.cause, help=(
                f"What it had learned is in {path}: put it back with --restore. "
                f"{problem.help}")) from None
        path.unlink()


def _copy(target: Target, network: QNetwork) -> dict[str, NDArray[np.int16]]:
    """The copy that the device keeps of its weights, by projection; nothing where it keeps none.
    Weights are the copy afterwards."""
    if network.guard is None or not network.guard.keeps_copy:
        return {}
    target.rollback()
    return {p.name: target.read_weights(p.name) for p in network.plastic}


def _put_back(target: Target, network: QNetwork, copy: dict[str, NDArray[np.int16]],
              path: Path) -> None:
    target.reset()
    for name, w in copy.items():
        target.write_weights(name, w)
    if copy:
        target.save()
    if network.remembers:
        load_snapshot(target, network, path)


def _require(target: Target, before: int) -> None:
    found = target.statistics().learned_digest
    if found != before:
        raise EdgeError("E507", f"{target.name} could not be put back as it was",
                        cause=f"digest {digest_text(found)}, before {digest_text(before)}")
