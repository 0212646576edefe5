"""A QEMU that runs the very ELF file of a board: its life, its buttons, its power.

QEMU executes instructions, it does not model a chip's cycles: with `count` every figure is a
number of instructions; without it there is no figure at all.
"""

from __future__ import annotations

import os
import random
import select
import signal
import socket
import subprocess
import tempfile
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Self

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board
from edge_dassdp.build.lifeline import Lifeline
from edge_dassdp.build.tools import failed
from edge_dassdp.targets.qemu.debugger import Debugger
from edge_dassdp.targets.qemu.programs import OLDEST, QEMU, QEMU_HELP, find_qemu, machine_of
from edge_dassdp.targets.qemu.uart import Uart

_CRASHES = tuple(getattr(signal, name) for name in ("SIGABRT", "SIGBUS", "SIGILL", "SIGSEGV",
                                                    "SIGSYS") if hasattr(signal, name))
_QUIT_S = 5.0
ENDING_S = 0.2
_STALLS = {"b-l475e-iot01a"}
"""Machines whose UART, once full, is given the next byte only when something else wakes QEMU."""


class QemuProcess:
    """One running QEMU. It ends with this process, whatever ends that; Ctrl-C at a terminal does
    not reach it.

    uart: the line to it, closed with it.

    Raises EdgeError E301 without QEMU or one that is new enough, E302 if it cannot be started, E401
    if the board has no machine.
    """

    def __init__(self, elf: Path, board: Board, *, count: bool = False) -> None:
        self.elf = elf
        self.board = board
        self.machine = machine = machine_of(board)
        self.count = count
        program = find_qemu(machine.version)
        self._log = _log_file()
        self._lifeline = Lifeline()
        ours, theirs = socket.socketpair()  # no port that others of this computer could take
        self.uart = Uart(ours, self._wake if machine.machine in _STALLS else None)
        self._stub, stub = socket.socketpair()
        with theirs, stub:
            self._command = [
                program, "-M", machine.machine, "-kernel", str(elf), "-display", "none",
                "-monitor", "stdio",
                "-chardev", f"socket,id=uart,fd={theirs.fileno()}",
                *("-serial", "null") * machine.serial, "-serial", "chardev:uart",
                "-chardev", f"socket,id=stub,fd={stub.fileno()}", *self._counting()]
            try:
                self._process = subprocess.Popen(
                    self._command, pass_fds=[theirs.fileno(), stub.fileno()],
                    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._log,
                    process_group=self._lifeline.group)
            except OSError as problem:
                self.uart.close()
                self._stub.close()
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
        self._monitor("system_reset")

    def cut_power(self, seed: int = 0) -> None:
        """Cut the power, wherever the firmware is, and give it back: flash keeps its bytes, RAM
        comes up with random ones. Raises EdgeError E502 without QEMU."""
        rng = random.Random(seed)
        try:
            self.debugger.stop()
            for address, n_bytes in self._forgets():
                self.debugger.write(address, rng.randbytes(n_bytes))
            self.debugger.monitor("system_reset")
            self.debugger.run()
        except OSError as problem:
            self.check(ENDING_S)
            raise EdgeError("E502", f"{QEMU} does not do as it is told",
                            cause=str(problem)) from None

    def _forgets(self) -> list[tuple[int, int]]:
        """Address and size of what has no power of its own: RAM, and where slots are RAM, too, the
        first unit of each, without which it is none."""
        ram, slots = self.board.ram, self.board.store
        found = [(ram.origin, ram.bytes)]
        if slots and not slots.lasts:
            found += [(slots.origin + n * slots.slot_bytes, slots.erase_bytes) for n in (0, 1)]
        return found

    @cached_property
    def debugger(self) -> Debugger:
        """The machine's memory from outside; the firmware runs on until it is stopped."""
        self.check()
        self._monitor("gdbserver chardev:stub")
        debugger = Debugger(self._stub)
        debugger.run()
        return debugger

    def _monitor(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(command.encode() + b"\n")
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
        self._stub.close()
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
