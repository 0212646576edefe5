"""What ends other processes when this one ends, however it ends."""

from __future__ import annotations

import subprocess

_WATCH = "read -r _; kill -KILL 0"
"""Nothing is ever written: `read` returns when no process holds the other end any more."""


class Lifeline:
    """`group`: a process group that ends, children of its members too, when this one is closed or
    this process ends: by itself, by SIGKILL, or as the computer pleases."""

    def __init__(self) -> None:
        self._watch = subprocess.Popen(["/bin/sh", "-c", _WATCH], stdin=subprocess.PIPE,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                       process_group=0)
        self.group = self._watch.pid

    def close(self) -> None:
        """End the group; harmless when repeated."""
        assert self._watch.stdin is not None
        self._watch.stdin.close()
        self._watch.wait()
