"""A board on a serial port: the device's own C in a process of its own, behind a pseudo terminal.

What it has learned outlives the commands that speak to it, as on a board. Run as a module it is
that process: it takes a model and the path of its port, and obeys lines of stdin.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tty
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[2]


class Board:
    """`port`: a link to the terminal, the same after the plug was pulled and put back."""

    def __init__(self, model: Path, folder: Path) -> None:
        self.port = folder / "ttyBOARD"
        path = os.pathsep.join([str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.board", str(model), str(self.port)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": path})
        self._hear("plugged")

    @property
    def target(self) -> str:
        return f"serial:{self.port}"

    def cut(self, n_frames: int, *, is_answered: bool) -> None:
        """The plug goes when so many more frames have come; is_answered: the device still carries
        the last one out, but its answer is lost."""
        self._say(f"cut {n_frames} {int(is_answered)}")

    def plug(self) -> None:
        """Put the plug back."""
        self._say("plug")
        self._hear("plugged")

    def reboot(self) -> None:
        """Cut the power for a moment."""
        self._say("reboot")
        self._hear("booted")

    def _say(self, words: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(words + "\n")
        self._process.stdin.flush()

    def _hear(self, words: str) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() == words

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()


class _Served:
    def __init__(self, model: Path, port: Path) -> None:
        from edge_dassdp import qir
        from edge_dassdp.build.compile import build_emulator
        from edge_dassdp.emit import emit
        from edge_dassdp.plan import Plan
        from edge_dassdp.targets.loopback import LoopbackStream

        self.device = LoopbackStream(build_emulator(emit(Plan.of(qir.load(model)))))
        self.port = port
        self.terminal: tuple[int, int] | None = None
        self.n_left = -1
        self.is_answered = False

    def plug(self) -> None:
        self.unplug()
        self.terminal = os.openpty()
        tty.setraw(self.terminal[1])
        self.port.unlink(missing_ok=True)
        self.port.symlink_to(os.ttyname(self.terminal[1]))

    def unplug(self) -> None:
        for end in self.terminal or ():
            os.close(end)
        self.terminal = None

    def obey(self, words: list[str]) -> None:
        if words[0] == "cut":
            self.n_left, self.is_answered = int(words[1]), bool(int(words[2]))
        elif words[0] == "plug":
            self.plug()
            print("plugged", flush=True)
        elif words[0] == "reboot":
            self.device.reboot()
            print("booted", flush=True)

    def pass_on(self, data: bytes) -> None:
        """Frames to the device, and its answers back."""
        for piece in data.split(b"\0"):
            self.n_left -= bool(piece)
            if self.n_left == 0 and piece and not self.is_answered:
                self.unplug()
                return
            self.device.write(piece + b"\0")
            answer = self.device.read(1 << 19)
            if self.n_left == 0 and piece:
                self.unplug()
                return
            assert self.terminal is not None
            while answer:
                answer = answer[os.write(self.terminal[0], answer):]

    def serve(self) -> None:
        self.plug()
        print("plugged", flush=True)
        pending = b""
        while True:
            ends = [0, *([self.terminal[0]] if self.terminal else [])]
            ready, _, _ = select.select(ends, [], [])
            if 0 in ready:
                pending += os.read(0, 1 << 16)
                *lines, pending = pending.split(b"\n")
                for line in lines:
                    self.obey(line.decode().split())
            elif ready:
                self._take()

    def _take(self) -> None:
        """Whole frames of one read; the host waits for the answer to each."""
        assert self.terminal is not None
        data = os.read(self.terminal[0], 1 << 16)
        while not data.endswith(b"\0"):
            data += os.read(self.terminal[0], 1 << 16)
        self.pass_on(data)


if __name__ == "__main__":
    _Served(Path(sys.argv[1]), Path(sys.argv[2])).serve()
