"""The compiler of this computer: which one it is, which flags it takes, and that what it makes runs
here.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import shlex
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build import tools
from edge_dassdp.storage import cache

_TRIAL = "int dassdp_trial(int a);\nint dassdp_trial(int a) { return a + 1; }\n"
_TAKEN = "flags.txt"
_IS_NOEXEC = "failed to map segment"
_NOEXEC = (f"Nothing may be run from that disk (noexec): set {cache.VARIABLE} to a folder on "
           "another.")


def host_compiler() -> list[str]:
    """The command that compiles for this computer: CC, or cc, gcc or clang. Raises EdgeError E301.
    """
    given = os.environ.get("CC", "").strip()
    if not given:
        name = next(filter(shutil.which, ("cc", "gcc", "clang")), "cc")
        return [tools.find_tool(name, host_help())]
    if whole := shutil.which(given):  # a path with a space
        return [whole]
    try:
        first, *others = shlex.split(given)
    except ValueError as problem:
        raise EdgeError("E301", f"CC is {given}, which is no command", cause=str(problem),
                        help=host_help()) from None
    return [tools.find_tool(first, host_help()), *others]


def host_help() -> str:
    """What to do about a compiler of this computer that is not there or fails."""
    given = os.environ.get("CC", "").strip()
    if given:
        return (f"CC is {given}: unset it, or set it to a C compiler for this computer (GCC or "
                "Clang).")
    return "Install a C compiler (Debian: apt install gcc) or set CC."


def host_identity(compiler: Sequence[str]) -> str:
    """What a compiler is, and what -march=native stands for: a cache may travel to another
    computer. Raises EdgeError E302 if it does not even say its version."""
    return f"{compiler} {tools.version(tuple(compiler), host_help())} {_macros(tuple(compiler))}"


def flags_taken(compiler: Sequence[str], flags: Sequence[str]) -> frozenset[str]:
    """Those of `flags`, one by one, with which a compiler makes what can be loaded here.

    Raises EdgeError E302 if it does not even without flags.
    """
    key = hashlib.sha256("\0".join((host_identity(compiler), *flags)).encode()).hexdigest()[:24]

    def find_out(directory: Path) -> None:
        with tempfile.TemporaryDirectory(dir=directory) as trial:
            taken = _taken(compiler, flags, Path(trial))
        (directory / _TAKEN).write_text("\n".join(taken), "utf-8")

    return frozenset((cache.kept(f"flags-{key}", find_out) / _TAKEN).read_text("utf-8").split())


def try_compiler() -> None:
    """Raises EdgeError E301 or E302 unless a compiler is there and what it makes can be loaded."""
    with tempfile.TemporaryDirectory() as directory:
        _taken(host_compiler(), (), Path(directory))


def load_here(library: Path, symbol: str, compiler: Sequence[str]) -> None:
    """Raises EdgeError E302 if what a compiler linked cannot be loaded by this Python, or lacks a
    symbol."""
    try:
        getattr(ctypes.CDLL(str(library)), symbol)
    except (OSError, AttributeError) as problem:
        raise EdgeError("E302", f"what {Path(compiler[0]).name} makes cannot be loaded here",
                        cause=str(problem), help=_NOEXEC if _IS_NOEXEC in str(problem) else
                        host_help()) from None


def _taken(compiler: Sequence[str], flags: Sequence[str], directory: Path) -> list[str]:
    (directory / "trial.c").write_text(_TRIAL, "utf-8")

    def attempt(name: str, *tried: str) -> None:
        library = f"{name}.so"
        tools.run([*compiler, "-Werror", *tried, "-fPIC", "-shared", "trial.c", "-o", library],
                  host_help(), directory, makes=library)
        load_here(directory / library, "dassdp_trial", compiler)

    def takes(name: str, *tried: str) -> bool:
        try:
            attempt(name, *tried)
        except EdgeError:
            return False
        return True

    if takes("all", *flags):
        return list(flags)
    attempt("none")
    return [flag for i, flag in enumerate(flags) if takes(f"flag{i}", flag)]


@functools.cache
def _macros(compiler: tuple[str, ...]) -> str:
    done = tools.attempt([*compiler, "-march=native", "-dM", "-E", "-x", "c", os.devnull],
                         host_help())
    return hashlib.sha256("\n".join(sorted(done.stdout.splitlines())).encode()).hexdigest()
