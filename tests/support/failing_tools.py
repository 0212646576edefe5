"""Tools that fail: scripts in the place of each, and all the ways in which they are known to."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from edge_dassdp.base.errors import CODES
from edge_dassdp.storage.cache import VARIABLE

ARM = "arm-none-eabi-"
GCC, OBJCOPY, OBJDUMP, QEMU = (f"{ARM}gcc", f"{ARM}objcopy", f"{ARM}objdump", "qemu-system-arm")


def fake(folder: Path, name: str, script: str) -> Path:
    """A tool before all others on PATH; {real} stands for the one that it hides."""
    path = folder / "bin" / name
    path.parent.mkdir(exist_ok=True)
    others = [at for at in os.environ["PATH"].split(os.pathsep) if at != str(path.parent)]
    real = shutil.which(name, path=os.pathsep.join(others))
    path.write_text(script.replace("{real}", real or ""))
    path.chmod(0o755)
    return path


def with_fake(folder: Path, name: str, script: str) -> str:
    """The PATH with it."""
    return f"{fake(folder, name, script).parent}:{os.environ['PATH']}"


@dataclass(frozen=True)
class Failure:
    """How a tool fails, the code it is refused with and words that a person then reads."""

    script: str
    code: str
    words: tuple[str, ...]


def sh(*lines: str) -> str:
    return "\n".join(["#!/bin/sh", *lines, ""])


PASSES_ON = sh('exec {real} "$@"')
"""A tool in another's name."""


def says(words: str, status: int = 1) -> str:
    """A compiler that knows its version, and no more."""
    return sh('case "$*" in *--version*) exec {real} "$@";; esac', f"echo '{words}' >&2",
              f"exit {status}")


ANY = {
    "says nothing": Failure(sh("exit 3"), "E302", ("it said nothing, exit status 3",)),
    "speaks on stdout": Failure(sh("echo out of order; exit 1"), "E302", ("out of order",)),
    "no text": Failure(sh(r"printf '\377\376 broken\n' >&2; exit 1"), "E302", ("broken",)),
    "killed": Failure(sh("kill -9 $$"), "E302", ("signal 9",)),
    "crashes": Failure(sh("kill -11 $$"), "E302", ("signal 11",)),
    "a library is missing": Failure(
        sh("echo 'error while loading shared libraries: libmpc.so.3' >&2; exit 127"), "E302",
        ("libmpc.so.3",)),
    "of another machine": Failure("\x7fELF of another machine", "E302", ("cannot be started",)),
    "of no interpreter": Failure("#!/nowhere/python\n", "E302", ("cannot be started",)),
}
COMPILER = ANY | {
    "leaves nothing": Failure(says("all well", 0), "E302", ("left no obj/", "all well")),
    "without its library": Failure(sh('exec {real} -nostdinc "$@"'), "E302", ("stdint.h",)),
    "header missing": Failure(
        says("src/core/step.c:3:10: fatal error: string.h: No such file or directory"), "E302",
        ("string.h", "libnewlib-arm-none-eabi")),
    "too old": Failure(says("gcc: error: unrecognized command line option -fcallgraph-info=su"),
                       "E302", ("-fcallgraph-info", "GCC 10")),
    "breaks down": Failure(
        says("src/core/step.c:9:1: internal compiler error: Segmentation fault"), "E302",
        ("internal compiler error",)),
    "no room": Failure(
        says("src/core/step.c:9:1: fatal error: error writing to x.s: No space left on device"),
        "E302", ("No space left", "Make room", VARIABLE)),
    "an error of ours": Failure(says("generated/dassdp_model.c:9:1: error: no such thing"), "E304",
                                ("no such thing", "report it")),
}


def check(failure: Failure, told: str, tool: str) -> None:
    for words in failure.words:
        assert words in told
    assert ("defect" in told) == (failure.code == "E304")
    assert CODES[failure.code].exit == (101 if failure.code == "E304" else 3)
    assert "The command was: " in told and tool in told


def leaves_nothing(folder: Path) -> bool:
    """Nothing of a build that failed is there, half or whole."""
    return not [*folder.glob("firmware-*"), *folder.glob("emulator-*"),
                *folder.glob("unfinished-*")]
