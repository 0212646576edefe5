"""A snapshot that is not lost where its place fails: room is kept for it, and there are others."""

from __future__ import annotations

import io
import secrets
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.harness.snapshot import save_snapshot
from edge_dassdp.learned.portable import n_bytes
from edge_dassdp.qir import QNetwork
from edge_dassdp.storage.files import room_for, write_bytes
from edge_dassdp.storage.state import state_folder
from edge_dassdp.targets.target import Target


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
        self._room = None if path is None else room_for(path, n_bytes(network))

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
