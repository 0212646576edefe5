"""A board on a serial port of this computer: the loopback device behind a pseudo terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from edge_dassdp.targets.loopback import LoopbackStream


class Board:
    """`port` is what --target serial:PORT takes. It runs until it is pulled out."""

    def __init__(self, device: LoopbackStream) -> None:
        self.device = device
        self._lock = threading.Lock()
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def between(self, act: Callable[[LoopbackStream], object]) -> None:
        """Something happens to the device while nobody talks to it."""
        with self._lock:
            act(self.device)

    def pull(self) -> None:
        self._stop.set()
        self._thread.join()
        os.close(self._master)
        os.close(self._slave)

    def _serve(self) -> None:
        while not self._stop.is_set():
            if not select.select([self._master], [], [], 0.02)[0]:
                continue
            data = os.read(self._master, 4096)
            with self._lock:
                self.device.write(data)
                answer = self.device.read(1 << 19)
            while answer:
                answer = answer[os.write(self._master, answer):]


@contextmanager
def plugged(device: LoopbackStream) -> Iterator[Board]:
    board = Board(device)
    try:
        yield board
    finally:
        board.pull()


def on(board: Board, work: Path, verb: str, *more: str | Path) -> tuple[str | Path, ...]:
    data = work / ("data.npz" if verb == "learn" else "test.npz")
    return (verb, work / "model.q.npz", "--data", data, "--target", f"serial:{board.port}",
            "--limit", "20", *more)


def told(done: CompletedProcess[str]) -> dict[str, Any]:
    """The envelope of a verb that succeeds."""
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def digest(done: CompletedProcess[str]) -> str:
    found: str = told(done)["data"]["digest"]
    return found
