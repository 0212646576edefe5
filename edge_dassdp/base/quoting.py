"""Words for those who take a line apart: POSIX shells, make, and Tcl, which OpenOCD speaks."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

_TCL = re.compile(r'[\s\\{}\[\]$";#]')


def command(*words: str | Path, encoding: str = "utf-8") -> str:
    """A command that a shell runs when it is pasted; a path is one even where it begins with a
    dash. encoding: of the place where it is read."""
    given = (f"./{word}" if isinstance(word, Path) and str(word).startswith("-") else str(word)
             for word in words)
    return " ".join(shell(word, encoding) for word in given)


def shell(word: str, encoding: str = "utf-8") -> str:
    """One word of a POSIX shell; byte by byte, as bash, zsh and ksh take it, where it holds what
    cannot be seen or shown."""
    try:
        word.encode(encoding)
    except UnicodeEncodeError:
        is_shown = False
    else:
        is_shown = word.isprintable()
    if is_shown:
        return shlex.quote(word)
    letters = (chr(b) if 0x20 <= b < 0x7F and chr(b) not in "'\\" else f"\\x{b:02x}"
               for b in os.fsencode(word))
    return f"$'{''.join(letters)}'"


def make(line: str) -> str:
    """A line of a Makefile's recipe that its shell gets as it stands."""
    return line.replace("$", "$$")


def tcl(word: str) -> str:
    """One word of Tcl: in braces, or with backslashes where these do not hold it."""
    if not _TCL.search(word):
        return word
    if not re.search(r"[\\{}\n]", word):
        return f"{{{word}}}"
    return _TCL.sub(lambda found: "\\n" if found[0] == "\n" else f"\\{found[0]}", word)
