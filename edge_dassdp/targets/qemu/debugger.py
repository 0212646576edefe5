"""QEMU's stub for gdb: a machine's memory from outside, while it stands still."""

from __future__ import annotations

import re
import select
import socket

_CHUNK_BYTES = 1024
"""Of memory in one packet: QEMU takes 4096 bytes in all, two a byte."""
_ANSWER_S = 20.0
_PACKET = re.compile(rb"\$([^#]*)#..", re.DOTALL)
_BREAK = b"\x03"


class Debugger:
    """The machine at the other end of `ours`, by gdb's remote protocol; it stands still from the
    first question on.

    Every method raises OSError without QEMU, ValueError where it refuses.
    """

    def __init__(self, ours: socket.socket) -> None:
        self._socket = ours
        self._socket.settimeout(_ANSWER_S)
        self._received = b""
        self._is_running = False
        self.ask("QStartNoAckMode")
        self._socket.sendall(b"+")

    def ask(self, question: str) -> str:
        """The answer to one packet."""
        self.tell(question)
        return self.answer()

    def tell(self, question: str) -> None:
        """Send a packet."""
        data = question.encode()
        self._socket.sendall(b"$%b#%02x" % (data, sum(data) & 0xFF))

    def answer(self) -> str:
        """The next packet that it sends."""
        while not (found := _PACKET.search(self._received)):
            self._receive()
        self._received = self._received[found.end():]
        return found[1].decode()

    def run(self) -> None:
        """Let the machine run."""
        self.tell("c")
        self._is_running = True

    def stop(self) -> None:
        """Hold the machine, before its next instruction; harmless when repeated."""
        if self._is_running:
            self._socket.sendall(_BREAK)
            self.wait()

    def wait(self) -> str:
        """Until it stands still, of its own or by `stop`; where and why."""
        reason = self.answer()
        self._is_running = False
        return reason

    def stops_within(self, wait_s: float) -> bool:
        """Whether a machine that runs stands still by itself."""
        while not _PACKET.search(self._received):
            if not select.select([self._socket], [], [], wait_s)[0]:
                return False
            self._receive()
        return True

    def read(self, address: int, n_bytes: int) -> bytes:
        return b"".join(bytes.fromhex(self._good(f"m{at:x},{size:x}"))
                        for at, size in _chunks(address, n_bytes))

    def write(self, address: int, data: bytes) -> None:
        """RAM, or flash as if it had been made so."""
        for at, size in _chunks(address, len(data)):
            piece = data[at - address:][:size]
            self._good(f"M{at:x},{size:x}:{piece.hex()}")

    def monitor(self, command: str) -> None:
        """Carry out a command of QEMU's monitor."""
        answer = self.ask(f"qRcmd,{command.encode().hex()}")
        while answer.startswith("O") and answer != "OK":  # its words
            answer = self.answer()

    def _receive(self) -> None:
        data = self._socket.recv(1 << 16)
        if not data:
            raise ConnectionResetError("QEMU closed the debugger's line")
        self._received += data

    def _good(self, question: str) -> str:
        answer = self.ask(question)
        if answer.startswith("E"):
            raise ValueError(f"QEMU refuses {question[:40]}: {answer}")
        return answer


def _chunks(address: int, n_bytes: int) -> list[tuple[int, int]]:
    """Address and size of each packet."""
    end = address + n_bytes
    return [(at, min(_CHUNK_BYTES, end - at)) for at in range(address, end, _CHUNK_BYTES)]
