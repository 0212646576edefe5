"""The key of a locked build: its file, and the tags that are made with it.

Who has it may change what a board has learned; who has not may read. docs/security.md says what
that is worth.
"""

from __future__ import annotations

import hmac
import os
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.quoting import command
from edge_dassdp.wire.messages import KEY_BYTES, TAG_BYTES

VARIABLE = "EDGE_DASSDP_LOCK"
_MAKE = ("edge-dassdp key KEYFILE makes one, as does: (umask 077; head -c "
         f"{KEY_BYTES} /dev/urandom > KEYFILE)")
_LEAST_DISTINCT = KEY_BYTES // 2
"""Random bytes have nearly twice as many different ones, and differences."""


@dataclass(frozen=True)
class Lock:
    """A key of KEY_BYTES random bytes. What is printed of it does not tell it."""

    key: bytes = field(repr=False)

    def tag(self, body: bytes, nonce: bytes = b"") -> bytes:
        """TAG_BYTES bytes that stand behind a request. body: header and payload. nonce: what the
        device drew for the session, none of an OPEN."""
        return hmac.digest(self.key, body + nonce, "sha256")[:TAG_BYTES]

    @classmethod
    def read(cls, path: Path | str) -> Lock:
        """The key in a file. Raises EdgeError E103 where there is none, it is another kind of file,
        its bytes could be guessed, or other users may read it."""
        try:
            _require_own(path)
            with open(path, "rb") as file:
                key = file.read(KEY_BYTES + 1)
        except OSError as problem:
            raise EdgeError("E103", f"the key {path} cannot be read",
                            cause=problem.strerror or str(problem), help=_MAKE) from None
        if found := _not_random(key):
            raise EdgeError("E103", f"{path} is no key: {found}",
                            cause=f"a key is {KEY_BYTES} random bytes: a word, or what is made of "
                                  "one, could be guessed from what a board says of its build",
                            help=_MAKE)
        return cls(key)


def lock_of(path: Path | str | None) -> Lock | None:
    """The key in the file that was named, or else in that of EDGE_DASSDP_LOCK; None where neither
    is. Raises EdgeError E103 as `Lock.read`."""
    named = path or os.environ.get(VARIABLE)
    return Lock.read(named) if named else None


def make_key(path: Path | str) -> None:
    """Write a new key to a file that only this user may read. Raises EdgeError E103 where it cannot
    be written, or something is there: a key that is lost locks its boards for good."""
    key = secrets.token_bytes(KEY_BYTES)
    while _not_random(key):
        key = secrets.token_bytes(KEY_BYTES)
    try:
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise EdgeError("E103", f"{path} is there already",
                        help="name a file that is not: boards may be locked with what it holds"
                        ) from None
    except OSError as problem:
        raise _unwritten(path, problem) from None
    try:
        with open(made, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(made)
    except OSError as problem:
        with suppress(OSError):
            os.unlink(path)
        raise _unwritten(path, problem) from None


def _unwritten(path: Path | str, problem: OSError) -> EdgeError:
    return EdgeError("E103", f"the key {path} cannot be written",
                     cause=problem.strerror or str(problem))


def _require_own(path: Path | str) -> None:
    """E103 for what is no regular file, or one of this user's that others may read or write."""
    info = os.stat(path)
    if not stat.S_ISREG(info.st_mode):
        raise EdgeError("E103", f"{path} is no key: it is no regular file", help=_MAKE)
    if os.name == "posix" and info.st_uid == os.geteuid() and info.st_mode & 0o077:
        raise EdgeError("E103", f"others may read the key {path}",
                        cause=f"its mode is {stat.filemode(info.st_mode)}",
                        help=f"{command('chmod', '600', path)}; if it was seen, make another one "
                             "and flash the boards again")


def _not_random(key: bytes) -> str:
    """Why these are no random bytes, "" where they may be."""
    if len(key) != KEY_BYTES:
        n = f"more than {KEY_BYTES}" if len(key) > KEY_BYTES else str(len(key))
        return f"it has {n} bytes"
    with suppress(UnicodeDecodeError):
        key.decode("utf-8")
        return "it is text"
    steps = {(b - a) % 256 for a, b in pairwise(key)}
    if min(len(set(key)), len(steps)) < _LEAST_DISTINCT:
        return "its bytes repeat"
    return ""
