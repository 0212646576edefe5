"""What this computer last saw of a board: a file for each, kept from command to command.

Where none can be written boards are met anew each time, with a warning.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.storage.files import write_text
from edge_dassdp.storage.state import made, state_folder

_FORMAT = "edge_dassdp/board/1"
_HARMLESS = {"INFER", "PUT_SAMPLE", "READ_LEARNING", "READ_STATE", "READ_WEIGHTS", "SAVE",
             "STATISTICS"}


@dataclass(frozen=True)
class Seen:
    """A board as it was left.

    model, build: their hashes, in hexadecimal. n_boots: its count of starts. digest: CRC-32 over
    what it had learned, None where a command that taught it did not end. n_labelled: samples that
    it had learned from. n_taught: commands from here that taught it. port_s: when the port's file
    was made, None if the board is known by a number of its own or the port has no file.
    """

    model: str
    build: str
    n_boots: int
    digest: int | None
    n_labelled: int
    n_taught: int
    port_s: float | None


class Memory:
    """Of the board at `place`: the number of its adapter, or the port it is reached by.

    last: how it was left, None if it is met for the first time. A board is first `accept`ed; from
    then on what is done to it is written down. is_behind: what it was taught since is not, yet.
    problem: why nothing can be, "" if it can.
    """

    def __init__(self, place: str, port: Path | None = None) -> None:
        word = re.sub(r"[^A-Za-z0-9.-]+", "_", place).strip("_")[-40:]
        key = hashlib.sha256(place.encode()).hexdigest()[:12]
        self.name = f"{word}-{key}"
        self.port_s = None
        with contextlib.suppress(OSError):
            self.port_s = None if port is None else port.stat().st_ctime
        self.last = self._read()
        self.problem = ""
        self.is_behind = False
        self._now: Seen | None = None
        self._factory = 0
        self._teaches = False

    @property
    def is_same_port(self) -> bool:
        """Whether the port's file is still the one of last time: another board may be behind a new
        one."""
        return self.last is not None and self.last.port_s == self.port_s

    def accept(self, seen: Seen, factory: int) -> None:
        """The board is as it should be. factory: the digest of having learned nothing."""
        self._factory = factory
        self._keep(replace(seen, port_s=self.port_s))

    def done(self, request: str) -> None:
        """A request was carried out; of the first that teaches the file knows before it ends."""
        if self._now is None or request in _HARMLESS:
            return
        self.is_behind = True
        self.teach()
        digest = self._factory if request == "RESET" else None
        if digest != self._now.digest:
            self._keep(replace(self._now, digest=digest))

    @property
    def n_taught(self) -> int:
        """Commands from here that taught the board until now."""
        now = self._now or self.last
        return now.n_taught if now else 0

    def teach(self) -> int:
        """This command teaches the board; how many from here did, this one included."""
        now = self._now or self.last
        if now is None:
            return 0
        if not self._teaches:
            self._teaches = True
            now = replace(now, n_taught=now.n_taught + 1)
            self._keep(now)
        return now.n_taught

    def leave(self, digest: int, n_labelled: int) -> None:
        """What the board has learned as it is left."""
        self.is_behind = False
        if self._now is not None:
            self._keep(replace(self._now, digest=digest, n_labelled=n_labelled))

    @property
    def snapshot(self) -> Path:
        """Where a snapshot of the board can lie for a while. Raises EdgeError E103."""
        return _folder() / f"{self.name}.state"

    @property
    def kept(self) -> Path | None:
        """That snapshot, where a comparison ended before the board had it back."""
        with contextlib.suppress(EdgeError):
            if self.snapshot.is_file():
                return self.snapshot
        return None

    def set_aside(self) -> Path | None:
        """Where it lies from now on, as the board goes on from something else."""
        if (kept := self.kept) is None:
            return None
        return kept.rename(kept.with_name(f"{kept.stem}-{kept.stat().st_mtime_ns}.state"))

    @property
    def _path(self) -> Path:
        return _folder() / f"{self.name}.json"

    def forget(self) -> None:
        """The board was written anew."""
        with contextlib.suppress(OSError, EdgeError):
            self._path.unlink(missing_ok=True)
        self.last = None

    def _keep(self, seen: Seen) -> None:
        if seen == (self._now or self.last):
            self._now = seen
            return
        self._now = seen
        try:
            made(self._path.parent)
            write_text(self._path,
                       json.dumps({"format": _FORMAT, **asdict(seen)}, indent=1) + "\n")
        except (OSError, EdgeError) as problem:
            self.problem = getattr(problem, "message", str(problem))

    def _read(self) -> Seen | None:
        """None, too, for a file that somebody else wrote or damaged."""
        try:
            fields = json.loads(self._path.read_text("utf-8"))
            if fields.pop("format") != _FORMAT:
                return None
            return Seen(str(fields["model"]), str(fields["build"]), int(fields["n_boots"]),
                        None if fields["digest"] is None else int(fields["digest"]),
                        int(fields["n_labelled"]), int(fields["n_taught"]),
                        None if fields["port_s"] is None else float(fields["port_s"]))
        except (OSError, EdgeError, ValueError, KeyError, TypeError, AttributeError,
                OverflowError, RecursionError):
            return None


def _folder() -> Path:
    return state_folder() / "boards"
