"""Places that a command is started from: terminals, pipes, services, streams that fail."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.commands import ROOT

ENCODINGS = ("ascii", "latin-1", "cp1252", "cp437", "shift_jis", "koi8-r", "utf-16-le")
_START = [sys.executable, "-m", "edge_dassdp"]
_TIMEOUT_S = 300


@dataclass(frozen=True)
class Done:
    """Exit status, and what came out; of a terminal stdout and stderr are one."""

    status: int
    out: bytes
    err: bytes = b""


def _env(**more: str) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)} | more


def piped(arguments: Sequence[str], cwd: Path, **env: str) -> Done:
    """Both streams read."""
    done = subprocess.run([*_START, *arguments], cwd=cwd, env=_env(**env), capture_output=True,
                          timeout=_TIMEOUT_S, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


def bare(arguments: Sequence[str], cwd: Path) -> Done:
    """As cron and systemd start it: no variable, nothing on stdin."""
    kept = {name: os.environ[name] for name in ("EDGE_DASSDP_CACHE",) if name in os.environ}
    done = subprocess.run([*_START, *arguments], cwd=cwd, env=kept | {"PYTHONPATH": str(ROOT)},
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT_S,
                          check=False)
    return Done(done.returncode, done.stdout, done.stderr)


def redirected(redirections: str) -> Callable[[Sequence[str], Path], Done]:
    """Started by a shell with these behind it."""

    def start(arguments: Sequence[str], cwd: Path) -> Done:
        done = subprocess.run(["sh", "-c", f'exec "$@" {redirections}', "sh", *_START, *arguments],
                              cwd=cwd, env=_env(), capture_output=True, timeout=_TIMEOUT_S,
                              check=False)
        return Done(done.returncode, done.stdout, done.stderr)

    return start


def unread(arguments: Sequence[str], cwd: Path) -> Done:
    """Into a pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run([*_START, *arguments], cwd=cwd, env=_env(), stdout=writer,
                              stderr=subprocess.PIPE, timeout=_TIMEOUT_S, check=False)
    finally:
        os.close(writer)
    return Done(done.returncode, b"", done.stderr)


def on_terminal(**env: str) -> Callable[[Sequence[str], Path], Done]:
    """On a terminal of its own."""

    def start(arguments: Sequence[str], cwd: Path) -> Done:
        ours, theirs = pty.openpty()
        with subprocess.Popen([*_START, *arguments], cwd=cwd, env=_env(**env), stdin=theirs,
                              stdout=theirs, stderr=theirs) as process:
            os.close(theirs)
            found = b""
            with contextlib.suppress(OSError), open(ours, "rb", buffering=0) as screen:
                while part := screen.read(1 << 16):
                    found += part
            return Done(process.wait(_TIMEOUT_S), found)

    return start


SERVICES: dict[str, Callable[[Sequence[str], Path], Done]] = {
    "bare": bare, "unread": unread, "full": redirected(">/dev/full"),
    "stderr full": redirected("2>/dev/full"), "no stdin": redirected("<&-"),
    "no stdout": redirected(">&-"), "no stderr": redirected("2>&-"),
    "nothing": redirected("<&- >&- 2>&-"), "read only": redirected("1</dev/null"),
    "terminal": on_terminal(TERM="xterm", COLUMNS="90"), "no TERM": on_terminal(TERM=""),
    "dumb": on_terminal(TERM="dumb", COLUMNS="0"), "tiny": on_terminal(TERM="xterm", COLUMNS="3"),
    "no colour": on_terminal(TERM="xterm", NO_COLOR="1", COLUMNS="x"),
}
