"""What went over a line, as a file of JSON lines: {"t_s", "to", "hex"}."""

from __future__ import annotations

import json
import time
from pathlib import Path

from edge_dassdp.base.errors import EdgeError

MOST_BYTES = 1 << 14
"""Received after one frame was sent; an answer has a hundred. What a line floods is counted."""


class LinkLog:
    """Every frame sent, and up to MOST_BYTES received behind each: a line with "left_out" then says
    how many more came. Raises EdgeError E103 where the file cannot be written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._start_s = time.monotonic()
        self._n_received = self._n_left_out = 0
        try:
            self._file = path.open("w", encoding="utf-8")
        except OSError as problem:
            raise self._refusal(problem) from None

    def sent(self, data: bytes) -> None:
        self._tell_left_out()
        self._n_received = 0
        self._write("device", data)

    def received(self, data: bytes) -> None:
        kept = data[:max(MOST_BYTES - self._n_received, 0)]
        self._n_received += len(data)
        self._n_left_out += len(data) - len(kept)
        if kept:
            self._write("host", kept)

    def close(self) -> None:
        """Harmless when repeated."""
        if not self._file.closed:
            try:
                self._tell_left_out()
            finally:
                self._file.close()

    def _tell_left_out(self) -> None:
        if self._n_left_out:
            self._write("host", b"", left_out=self._n_left_out)
            self._n_left_out = 0

    def _write(self, to: str, data: bytes, **more: int) -> None:
        t_s = round(time.monotonic() - self._start_s, 6)
        try:
            self._file.write(json.dumps({"t_s": t_s, "to": to, "hex": data.hex(), **more}) + "\n")
            self._file.flush()
        except OSError as problem:
            raise self._refusal(problem) from None

    def _refusal(self, problem: OSError) -> EdgeError:
        return EdgeError("E103", f"the log {self._path} cannot be written",
                         cause=problem.strerror or str(problem),
                         help="give --log a place with room, or leave it out")
