"""What was learned is not lost where its place fails, nor while a board runs something else."""

from __future__ import annotations

import io
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.harness.expected import digest_text, factory_digest, unfinished
from edge_dassdp.harness.snapshot import learned_of, load_snapshot, save_snapshot
from edge_dassdp.harness.stream import UNKNOWN, Stream, here, learn_stream
from edge_dassdp.learned.portable import Learned, n_bytes
from edge_dassdp.qir import QNetwork
from edge_dassdp.storage.files import room_for, write_bytes
from edge_dassdp.storage.state import made, state_folder
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
    copy: Learned | None = None
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


def _copy(target: Target, network: QNetwork) -> Learned | None:
    """The copy that the device keeps of its weights, and of the classes that it was taught; None
    where it keeps none. It is what the device has learned afterwards."""
    if network.guard is None or not network.guard.keeps_copy:
        return None
    target.rollback()
    return learned_of(target, network)


def _put_back(target: Target, network: QNetwork, copy: Learned | None, path: Path) -> None:
    target.reset()
    if copy is not None:
        target.restore(copy.weights, copy.learning)
        target.save()
    if network.remembers:
        load_snapshot(target, network, path)


def _require(target: Target, before: int) -> None:
    found = target.statistics().learned_digest
    if found != before:
        raise EdgeError("E507", f"{target.name} could not be put back as it was",
                        cause=f"digest {digest_text(found)}, before {digest_text(before)}")


class Rescue:
    """A snapshot that is to be written to `path`, or nowhere; a context manager that keeps room for
    it. place: where it lies since, None before. problem: why that is not `path`.

    Raises EdgeError E103 where `path` has no room or cannot be written.
    """

    def __init__(self, network: QNetwork, path: Path | None) -> None:
        self.path = path
        self.place: Path | None = None
        self.problem: EdgeError | None = None
        self._network = network
        self._begin: Callable[[Target], None] | None = None
        self._room = None if path is None else room_for(path, n_bytes(network))

    def begins(self, target: Target) -> None:
        """Remember what a target has learned before a stream, for `follow`. Raises what reading it
        raises."""
        if self.path is None or (self._network.watches and target.drift().is_allowed):
            return  # windows that a search for profiles keeps cannot be read
        self._begin = lambda twin: None
        if target.statistics().learned_digest != factory_digest(self._network):
            before = learned_of(target, self._network)
            self._begin = lambda twin: twin.restore(before.weights, before.learning)

    def follow(self, stream: Stream, x: NDArray[np.int8], *, looks: bool = False) -> None:
        """Write what a target learned that cannot be asked any more, as far as it is certain: this
        computer learns the same. stream: what it told of samples x, int8 (n, x_bytes). looks: it
        observed each before. Nothing is written where the beginning is not known, or the target
        gave any other class or logit. Raises EdgeError E103 where no place takes it."""
        if self._begin is None:
            return
        twin = here(self._network)
        self._begin(twin)
        again = learn_stream(twin, x, stream.labels, looks=looks)
        is_told = stream.predicted != UNKNOWN
        answers = (again.predicted, stream.predicted), (again.logits, stream.logits)
        if all((mine[is_told] == theirs[is_told]).all() for mine, theirs in answers
               if mine is not None and theirs is not None):
            self.write(twin)

    def write(self, target: Target) -> None:
        """Raises EdgeError E103 where no place takes it, and what reading the target raises."""
        if self.path is None:
            return
        whole = io.BytesIO()
        save_snapshot(target, self._network, whole)
        self._close()
        try:
            write_bytes(self.path, whole.getvalue())
            self.place = self.path
        except EdgeError as problem:
            self.place = _elsewhere(self.path, whole.getvalue())
            if self.place is None:
                raise
            self.problem = EdgeError(
                problem.code, f"{problem.message}: what was learned is in {self.place}",
                cause=problem.cause, help="move it from there, or give it to --restore")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._close()

    def _close(self) -> None:
        if self._room is not None:
            self._room.close()


def _elsewhere(path: Path, data: bytes) -> Path | None:
    """A new file in the state folder, or else among temporary ones; None where neither takes it."""
    places: tuple[Callable[[], Path], ...] = (lambda: state_folder() / "snapshots",
                                              lambda: Path(tempfile.gettempdir()))
    for place in places:
        with suppress(EdgeError, OSError):
            folder = place()
            folder.mkdir(parents=True, exist_ok=True)
            file = folder / f"{path.stem}-{secrets.token_hex(4)}{path.suffix}"
            write_bytes(file, data)
            return file
    return None
