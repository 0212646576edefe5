"""Programs of others: found, run and, when they fail, quoted. Nobody else starts a compiler.

A failure is the tool's, E302, until its own words prove that it is ours.
"""

from __future__ import annotations

import functools
import os
import re
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from edge_dassdp.base.errors import EdgeError

ARM_PREFIX = "arm-none-eabi-"
ARM_HELP = ("On Debian: apt install gcc-arm-none-eabi libnewlib-arm-none-eabi. GCC 10 or newer is "
            "needed.")
TIME_VARIABLE = "EDGE_DASSDP_TOOL_S"
MOST_S, ASKED_S = 900.0, 60.0
"""Seconds that a tool may take, and one that is asked about itself, unless TIME_VARIABLE says
otherwise: all take a hundredth of it."""
_MAX_WORDS = 4000
_NO_ROOM = re.compile("No space left|quota exceeded|File too large", re.IGNORECASE)
_ELSEWHERE = ("CPATH", "C_INCLUDE_PATH", "LIBRARY_PATH")
"""Search paths that an environment sets for this computer's compiler, and no other."""


def find_tool(name: str, help: str) -> str:
    """The path of an executable. Raises EdgeError E301 with `help`."""
    path = shutil.which(name)
    if path is None:
        raise EdgeError("E301", f"{name} is not installed", cause="it is not on PATH", help=help)
    return path


def attempt(command: Sequence[str], help: str,
            directory: Path | None = None, *,
            most_s: float = MOST_S) -> subprocess.CompletedProcess[str]:
    """Run a tool in `directory`, where its temporary files go, too; nothing can be typed into it.

    Raises EdgeError E302 if it cannot be started or does not come to an end, E105 for a limit of
    its time that is none.
    """
    seconds = _own_limit() or most_s
    env = {**os.environ, "LC_ALL": "C"} | ({"TMPDIR": str(directory)} if directory else {})
    if Path(command[0]).name.startswith(ARM_PREFIX):
        env = {name: value for name, value in env.items() if name not in _ELSEWHERE}
    try:
        return _ended(command, seconds, cwd=directory, env=env)
    except subprocess.TimeoutExpired:
        raise failed(command, f"it did not come to an end within {seconds:g} s, and was ended",
                     f"{help} {TIME_VARIABLE} gives tools of a slow computer more seconds.".strip()
                     ) from None
    except OSError as problem:
        raise failed(command, f"it cannot be started: {problem.strerror or problem}",
                     help) from None


def _ended(command: Sequence[str], seconds: float,
           **how: Any) -> subprocess.CompletedProcess[str]:
    """What a tool said, and its status; whatever it started ends with it when its time is over or
    this process is interrupted."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, encoding="utf-8", errors="replace",
                          process_group=0, **how) as tool:
        _running.add(tool.pid)
        try:
            said = tool.communicate(timeout=seconds)
        except BaseException:
            _end(tool.pid)
            raise
        finally:
            _running.discard(tool.pid)
    return subprocess.CompletedProcess(command, tool.returncode, *said)


_running: set[int] = set()
"""Tools of all threads, each the first of its process group."""


def end_all() -> None:
    """Whatever tool runs now ends, with what it started."""
    for pid in tuple(_running):
        _end(pid)


def _end(group: int) -> None:
    with suppress(ProcessLookupError):
        if hasattr(os, "killpg"):
            os.killpg(group, signal.SIGKILL)
        else:  # Windows: the tool alone
            os.kill(group, signal.SIGTERM)


def _own_limit() -> float | None:
    given = os.environ.get(TIME_VARIABLE)
    if not given:
        return None
    try:
        seconds = float(given)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= threading.TIMEOUT_MAX:
        raise EdgeError("E105", f"{TIME_VARIABLE} is '{given}', expected seconds above 0")
    return seconds


def run(command: Sequence[str], help: str, directory: Path | None = None, *,
        makes: str = "", most_s: float = MOST_S) -> str:
    """What a tool says on stdout. makes: the file in `directory` that it must leave. most_s: that
    it may take.

    Raises EdgeError E302 with the tool's words, the command and `help` if it fails.
    """
    done = attempt(command, help, directory, most_s=most_s)
    if done.returncode != 0:
        raise failed(command, words(done), help)
    if makes and not _is_filled((directory or Path()) / makes):
        raise failed(command, f"it ended well and left no {makes}: {words(done)}", help)
    return done.stdout


def words(done: subprocess.CompletedProcess[str]) -> str:
    """What a tool said, or how it ended."""
    said = done.stderr.strip() or done.stdout.strip()
    if len(said) > _MAX_WORDS:
        said = f"{said[:_MAX_WORDS]} ..."
    ended = (f"ended by signal {-done.returncode}" if done.returncode < 0
             else f"exit status {done.returncode}")
    return said or f"it said nothing, {ended}"


def failed(command: Sequence[str], cause: str, help: str) -> EdgeError:
    """The refusal of a tool that failed."""
    tool = Path(command[0]).name
    if _NO_ROOM.search(cause):
        help = "Make room on the disk, or set EDGE_DASSDP_CACHE to a folder on another."
    return EdgeError("E302", f"{tool} failed", cause=cause,
                     help=f"{help} The command was: {shlex.join([tool, *command[1:]])}".strip())


@functools.cache
def version(command: tuple[str, ...], help: str) -> str:
    """The first line that a tool says of itself. Raises EdgeError E302 if it cannot."""
    return run([*command, "--version"], help, most_s=ASKED_S).partition("\n")[0].strip()


_DIAGNOSTIC = re.compile(r"^(?:\./)?([^:\n]+):\d+(?::\d+)?: error: ", re.MULTILINE)
_GENERATED = re.compile(r"\A/\*.*\bGenerated\b")


def proves_defect(command: Sequence[str], said: str, texts: Mapping[str, str]) -> bool:
    """Whether a compiler's words put an error into a text of ours: `texts` by relative path.

    Not so where a rule from outside is among them or somebody gave the compiler options.
    """
    with_rules = any(path.startswith("generated/") and path.endswith((".c", ".h", ".S"))
                     and not _GENERATED.match(text) for path, text in texts.items())
    return not with_rules and len(command) == 1 and any(
        path in texts for path in _DIAGNOSTIC.findall(said))


def _is_filled(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0
