"""Programs of others: found, run and, when they fail, quoted. Nobody else starts a compiler.

A failure is the tool's, E302, until its own words prove that it is ours.
"""

from __future__ import annotations

import functools
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from edge_dassdp.base.errors import EdgeError

ARM_PREFIX = "arm-none-eabi-"
ARM_HELP = ("On Debian: apt install gcc-arm-none-eabi libnewlib-arm-none-eabi. GCC 10 or newer is "
            "needed.")
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
            directory: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a tool in `directory`, where its temporary files go, too; nothing can be typed into it.

    Raises EdgeError E302 if it cannot be started.
    """
    env = {**os.environ, "LC_ALL": "C"} | ({"TMPDIR": str(directory)} if directory else {})
    if Path(command[0]).name.startswith(ARM_PREFIX):
        env = {name: value for name, value in env.items() if name not in _ELSEWHERE}
    try:
        return subprocess.run(command, cwd=directory, env=env, stdin=subprocess.DEVNULL,
                              capture_output=True, encoding="utf-8", errors="replace", check=False)
    except OSError as problem:
        raise failed(command, f"it cannot be started: {problem.strerror or problem}",
                     help) from None


def run(command: Sequence[str], help: str, directory: Path | None = None, *,
        makes: str = "") -> str:
    """What a tool says on stdout. makes: the file in `directory` that it must leave.

    Raises EdgeError E302 with the tool's words, the command and `help` if it fails.
    """
    done = attempt(command, help, directory)
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
    return run([*command, "--version"], help).partition("\n")[0].strip()


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
