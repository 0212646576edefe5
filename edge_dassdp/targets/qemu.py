"""Firmware in QEMU: the very ELF file of the board, reached over the board's own UART.

QEMU executes instructions, it does not model a chip's cycles: with `count` every figure is a
number of instructions; without it there is no figure at all.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board, QemuMachine, list_boards, load_board
from edge_dassdp.build.compile import Firmware
from edge_dassdp.build.lifeline import Lifeline
from edge_dassdp.build.tools import ASKED_S, failed, find_tool, run, version
from edge_dassdp.qir import QNetwork
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.target import Outcome

QEMU = "qemu-system-arm"
QEMU_HELP = "On Debian: apt install qemu-system-arm"
OLDEST = "7.2"
_NEWER_HELP = ("Debian 13 has it; on Debian 12, with bookworm-backports among apt's sources: apt "
               "install -t bookworm-backports qemu-system-arm. It may stand anywhere on PATH, an "
               "older one beside it; `make tools` of the source tree puts it into .tools/qemu.")
_CRASHES = (signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGSEGV, signal.SIGSYS)
_QUIT_S = 5.0
_ENDING_S = 0.2
_STALLS = {"b-l475e-iot01a"}
"""Machines whose UART, once full, is given the next byte only when something else wakes QEMU."""
_WAKE_S = 0.0005
_RECEIVED_BYTES = 1 << 16
COUNTER_BITS = 32


class Uart:
    """The board's UART as QEMU offers it: our end of a pair of sockets; closed at once.

    wake: called again and again while nothing comes.
    """

    def __init__(self, ours: socket.socket, wake: Callable[[], None] | None = None) -> None:
        self._socket = ours
        self._wake = wake
        self._received = bytearray()
        self.timeout: float | None = None

    @property
    def in_waiting(self) -> int:
        """Bytes that `read` can give at once."""
        self._receive(0.0)
        return len(self._received)

    def read(self, size: int = 1, /) -> bytes:
        """Fewer bytes than `size` only after `timeout` seconds. Raises OSError without QEMU."""
        end_s = None if self.timeout is None else time.monotonic() + self.timeout
        while len(self._received) < size:
            if not self._receive(None if end_s is None else max(end_s - time.monotonic(), 0.0)):
                break
        data = bytes(self._received[:size])
        del self._received[:size]
        return data

    def write(self, data: bytes, /) -> int:
        self._socket.settimeout(self.timeout)
        self._socket.sendall(data)
        return len(data)

    def close(self) -> None:
        self._socket.close()

    def _receive(self, wait_s: float | None) -> bool:
        """Take what has come or comes within `wait_s` (None: for ever); whether anything did."""
        while self._wake and (wait_s is None or wait_s > _WAKE_S):
            self._wake()
            if select.select([self._socket], [], [], _WAKE_S)[0]:
                break
            wait_s = None if wait_s is None else wait_s - _WAKE_S
        self._socket.settimeout(wait_s)
        try:
            data = self._socket.recv(_RECEIVED_BYTES)
        except (BlockingIOError, TimeoutError):
            return False
        if not data:
            raise ConnectionResetError("QEMU closed the UART")
        self._received += data
        return True


def find_qemu(needed: str) -> str:
    """The first program on PATH, or of the version `needed` (such as 9.1, "" for any) or newer.

    Raises EdgeError E301 if there is none.
    """
    first = find_tool(QEMU, QEMU_HELP)
    if not needed:
        return first
    found = {path: version((path,), QEMU_HELP) for path in programs()}
    for path, told in found.items():
        if _number(told) >= _number(f"version {needed}"):
            return path
    raise EdgeError("E301", f"{QEMU} {needed} or newer is not installed",
                    cause=f"on PATH is {', '.join(found.values())}", help=_NEWER_HELP)


def programs() -> list[str]:
    """Every qemu-system-arm on PATH, in its order, each file once."""
    paths = (shutil.which(QEMU, path=folder) for folder in os.get_exec_path())
    return list({os.path.realpath(path): path for path in paths if path}.values())


def _number(told: str) -> tuple[int, int]:
    found = re.search(r"version (\d+)\.(\d+)", told)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def boards_by_version() -> dict[str, list[Board]]:
    """The boards that come with the package and have a machine, by the QEMU that they need."""
    found: dict[str, list[Board]] = {}
    for board in map(load_board, list_boards()):
        if board.qemu:
            found.setdefault(board.qemu.version, []).append(board)
    return found


def check_machines(needed: str = "") -> None:
    """Of the boards that need QEMU `needed`. Raises EdgeError E301 without such a one, E302 if it
    fails or has no machine of a board."""
    command = [find_qemu(needed), "-M", "help"]
    known = {line.partition(" ")[0] for line in run(
        command, QEMU_HELP, most_s=ASKED_S).splitlines()}
    absent = sorted({b.qemu.machine for b in boards_by_version()[needed] if b.qemu} - known)
    if absent:
        raise failed(command, f"it has no machine {', '.join(absent)}", QEMU_HELP)


def machine_of(board: Board) -> QemuMachine:
    """The machine that QEMU has of a board. Raises EdgeError E401 without one."""
    if board.qemu is None:
        raise EdgeError("E401", f"board {board.name} has no QEMU machine",
                        help="Pick a board with a [qemu] table.")
    return board.qemu


class QemuProcess:
    """One running QEMU. It ends with this process, whatever ends that; Ctrl-C at a terminal does
    not reach it.

    uart: the line to it, closed with it.

    Raises EdgeError E301 without QEMU or one that is new enough, E302 if it cannot be started, E401
    if the board has no machine.
    """

    def __init__(self, elf: Path, board: Board, *, count: bool = False) -> None:
        self.machine = machine = machine_of(board)
        self.count = count
        program = find_qemu(machine.version)
        self._log = _log_file()
        self._lifeline = Lifeline()
        ours, theirs = socket.socketpair()  # no port that others of this computer could take
        self.uart = Uart(ours, self._wake if machine.machine in _STALLS else None)
        with theirs:
            self._command = [
                program, "-M", machine.machine, "-kernel", str(elf), "-display", "none",
                "-monitor", "stdio",
                "-chardev", f"socket,id=uart,fd={theirs.fileno()}",
                *("-serial", "null") * machine.serial, "-serial", "chardev:uart",
                *self._counting()]
            try:
                self._process = subprocess.Popen(
                    self._command, pass_fds=[theirs.fileno()], stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL, stderr=self._log,
                    process_group=self._lifeline.group)
            except OSError as problem:
                self.uart.close()
                self._lifeline.close()
                self._log.close()
                raise failed(self._command, f"it cannot be started: {problem.strerror}",
                             QEMU_HELP) from None
        _keep_on_one_core(self._process.pid)

    @property
    def pid(self) -> int:
        return self._process.pid

    def _counting(self) -> list[str]:
        return ["-icount", f"shift={self.machine.icount_shift},sleep=off"] if self.count else []

    def instructions(self, ticks: int) -> int | None:
        """Instructions executed during `ticks` of the firmware's counter; None if not counting."""
        if not self.count:
            return None
        return round(ticks * self.machine.tick_ns / (1 << self.machine.icount_shift))

    def reset(self) -> None:
        """Press the board's reset button: RAM keeps its bytes, the firmware starts again."""
        self.check()
        assert self._process.stdin is not None
        self._process.stdin.write(b"system_reset\n")
        self._process.stdin.flush()

    def _wake(self) -> None:
        """An empty line to the monitor, if it takes one: it has QEMU look at all it serves."""
        monitor = self._process.stdin
        if monitor and not monitor.closed and select.select([], [monitor], [], 0.0)[1]:
            with suppress(BrokenPipeError):
                os.write(monitor.fileno(), b"\n")

    def check(self, wait_s: float = 0.0) -> None:
        """Raises EdgeError with QEMU's own words if it is no longer running: E302 if it gave up,
        E502 if somebody ended it. wait_s: for an end that is under way."""
        try:
            status = self._process.wait(wait_s)
        except subprocess.TimeoutExpired:
            return
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").splitlines()
        words = "\n".join(line for line in lines if ": info: " not in line) or (
            f"it said nothing, status {status}")
        if status > 0 or -status in _CRASHES:
            raise failed(self._command, words,
                         f"`{QEMU} -M help` must list {self.machine.machine}; "
                         f"{self.machine.version or OLDEST} does.")
        raise EdgeError("E502", f"{QEMU} ended with status {status}", cause=words)

    def close(self) -> None:
        """End QEMU; harmless when repeated."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_QUIT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()
        self.uart.close()
        self._lifeline.close()
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _keep_on_one_core(pid: int) -> None:
    """Its threads hand a lock to and fro with each byte of the UART: several times faster on one
    core of this computer than on two."""
    with suppress(AttributeError, OSError):  # not on every system
        cores = sorted(os.sched_getaffinity(pid))
        os.sched_setaffinity(pid, {cores[pid % len(cores)]})


def _log_file() -> BinaryIO:
    """Where QEMU's words go; nowhere without room for temporary files."""
    try:
        return tempfile.TemporaryFile()
    except OSError:
        return open(os.devnull, "w+b")


class Qemu(LinkTarget):
    """A firmware running in QEMU as a Target: `Qemu.start(network, firmware)`.

    Ticks of its outcomes are instructions if it counts, else None.
    """

    def __init__(self, *args: Any, process: QemuProcess, **options: Any) -> None:
        self._process = process
        try:
            super().__init__(*args, **options)
        except BaseException:
            with process:
                process.check(_ENDING_S)
            raise
        self.name = f"qemu:{process.machine.machine}"

    @classmethod
    def start(cls, network: QNetwork, firmware: Firmware, *, count: bool = False,
              **options: Any) -> Self:
        """Start `firmware`, which was built from `network`; options as for LinkTarget.

        Raises EdgeError E103 if the firmware was damaged, E301 without QEMU, E302 if it refuses
        to start, E401 if the board has no machine, E502 if nothing answers, E504 if the firmware
        is of another network.
        """
        firmware.check()
        process = QemuProcess(firmware.elf, firmware.board, count=count)
        return cls.of(network, process.uart, build_hash=firmware.build_hash, process=process,
                      **options)

    def _run(self, name: str, x: NDArray[np.int8], digest: bool, **fields: Any) -> Outcome:
        outcome = super()._run(name, x, digest, **fields)
        return replace(outcome, forward_ticks=self._instructions(outcome.forward_ticks),
                       learn_ticks=self._instructions(outcome.learn_ticks))

    def _instructions(self, ticks: int | None) -> int | None:
        """None, too, where QEMU offers the board only a counter that wraps within a sample."""
        if ticks is None or self.info.tick_bits < COUNTER_BITS:
            return None
        return self._process.instructions(ticks)

    def press_reset(self) -> None:
        """Restart the firmware: learned weights are lost, the next request raises E505."""
        self._process.reset()

    def close(self) -> None:
        super().close()
        self._process.close()
