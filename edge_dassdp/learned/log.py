"""A log of lessons, JSON lines: what was done to a device, as it was done (docs/state.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.numbers import is_int
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.packing import n_profile
from edge_dassdp.reference.classes import name_bytes
from edge_dassdp.reference.outcome import NO_LABEL, OWN_LOSS
from edge_dassdp.storage.files import hold
from edge_dassdp.storage.foreign import reading, unread

FORMAT = "edge_dassdp/lessons/1"
LESSONS = ("learn", "warm_up")
"""What is counted, and has a digest."""
WITH_SAMPLE = (*LESSONS, "observe")
KINDS = {"learn": "", "warm_up": "", "observe": "", "fit_gate": "", "rollback": "", "save": "",
         "fit_profile": "", "idle": "n", "select_profile": "n", "allow_profile": "n",
         "write_profile": "n", "new_class": "name", "forget_class": "name"}
"""What is done -> the field that it needs beside a sample."""
MOST_IDLE = 1 << 16
"""Stored samples learned again that one line may tell of."""
_ROOM = 4096
"""Bytes of a line beside its sample."""


@dataclass(frozen=True)
class Head:
    """What a log says first. model: SHA-256 of the quantized network in hexadecimal. learned:
    digest of what the device had learned; n_lessons, lessons: its count of lessons and their
    digest."""

    model: str
    learned: int
    n_lessons: int
    lessons: int

    @property
    def line(self) -> dict[str, Any]:
        return {"format": FORMAT, "model": self.model, "learned": f"{self.learned:08x}",
                "n_lessons": self.n_lessons, "lessons": f"{self.lessons:08x}"}


@dataclass(frozen=True)
class Event:
    """One thing that was done. do: a word of KINDS. x: the sample as the device was sent it. n: of
    idle the stored samples learned again, of select_profile and write_profile the kind, of
    allow_profile 0 or 1. name: of a class that was taught or forgotten. profile: the numbers of one
    that was written, `qir.packing`. class_idx, digest: what the device answered, and its digest of
    lessons, None where that was lost. line: of the log, from 1 on."""

    do: str
    x: bytes = b""
    label: int = NO_LABEL
    loss_q8: int = OWN_LOSS
    n: int = 0
    profile: tuple[int, ...] = ()
    name: str = ""
    class_idx: int | None = None
    digest: int | None = None
    line: int = 0

    @property
    def values(self) -> dict[str, Any]:
        """Of its line."""
        made: dict[str, Any] = {"do": self.do}
        if self.do in WITH_SAMPLE:
            made |= {"label": self.label} if self.label != NO_LABEL else {}
            made |= {"loss_q8": self.loss_q8} if self.loss_q8 != OWN_LOSS else {}
            made |= {"class": self.class_idx} if self.class_idx is not None else {}
            made["x"] = self.x.hex()
        if KINDS[self.do]:
            made[KINDS[self.do]] = self.name if KINDS[self.do] == "name" else self.n
        made |= {"profile": list(self.profile)} if self.profile else {}
        return made | ({"digest": f"{self.digest:08x}"} if self.digest is not None else {})


class LessonLog:
    """A log that is being written, a line as soon as something was done: what a killed process
    leaves is whole but for its last line. Raises EdgeError E103 where it cannot be written, or
    another process writes to it."""

    def __init__(self, path: Path, begin: Head | int) -> None:
        """begin: of a new log its head, of one that goes on how many of its bytes stay."""
        self._path = path
        self.n_written = 0
        try:
            self._file = path.open("ab", buffering=0)
            self._be_alone()
            if path.is_file():
                self._file.truncate(begin if isinstance(begin, int) else 0)
            if isinstance(begin, int):
                self._end_line()
        except OSError as problem:
            raise self._refusal(problem) from None
        if isinstance(begin, Head):
            self._write(begin.line)

    def write(self, event: Event) -> None:
        self._write(event.values)
        self.n_written += 1

    @property
    def is_closed(self) -> bool:
        return self._file.closed

    def close(self) -> None:
        """Harmless when repeated."""
        self._file.close()

    def __enter__(self) -> LessonLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _be_alone(self) -> None:
        """Lines of two processes in one log prove nothing."""
        try:
            hold(self._file.fileno(), self._path, "file")
        except EdgeError:
            self._file.close()
            raise

    def _end_line(self) -> None:
        with self._path.open("rb") as whole:
            whole.seek(-1, 2)
            if whole.read(1) != b"\n":
                self._file.write(b"\n")

    def _write(self, values: dict[str, Any]) -> None:
        line = json.dumps(values).encode() + b"\n"
        try:
            while line:  # a disk that fills up takes a part, and then refuses
                line = line[self._file.write(line):]
        except OSError as problem:
            raise self._refusal(problem) from None

    def _refusal(self, problem: OSError) -> EdgeError:
        return EdgeError("E103", f"the log of lessons {self._path} cannot be written",
                         cause=problem.strerror or str(problem),
                         help="give --lessons a place with room, or leave it out")


class ReadLog:
    """A log of this network, line by line. head: its first line. is_cut: whether the last line read
    was cut off as it was written; what it was is not known. n_whole_bytes: of the lines before it.

    Raises EdgeError E103 for what is no log, and for a line that is damaged or longer than any of
    this network, naming it; E504 for a log of another model. A context manager.
    """

    def __init__(self, network: QNetwork, path: Path) -> None:
        self._network, self._path = network, path
        self._most = 2 * network.x_bytes + _ROOM
        self.is_cut = False
        self.n_whole_bytes = 0
        self._n_lines = 0
        with reading(path, "lessons"):
            self._file: BinaryIO = path.open("rb")
        try:
            self.head = self._read_head()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> ReadLog:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def events(self) -> Iterator[Event]:
        """All of them; the file is closed behind the last."""
        with closing(self._file):
            while (found := self._next()) is not None:
                yield self._event(found)

    def undone(self, event: Event, problem: EdgeError) -> EdgeError:
        """The refusal of a line that this model cannot have done."""
        return EdgeError("E103", f"{self._path} is damaged: line {event.line}",
                         cause=f"no device of this model did that, {event.do}: "
                               + ": ".join(filter(None, (problem.message, problem.cause))),
                         help="docs/state.md has the format of such a log")

    def _read_head(self) -> Head:
        found = self._next()
        if found is None:
            raise unread(self._path, "lessons")
        if found.get("format") != FORMAT:
            raise EdgeError("E103", f"{self._path} is not a log of lessons",
                            cause=f"its first line has the format {found.get('format')!r}, "
                                  f"expected {FORMAT!r}",
                            help="docs/state.md has the format of such a log")
        head = Head(str(found.get("model")), self._digest(found, "learned"),
                    self._number(found, "n_lessons", 0, (1 << 32) - 1),
                    self._digest(found, "lessons"))
        if head.model != self._network.sha256:
            raise EdgeError("E504", f"{self._path} is a log of another model",
                            cause=f"it is of {head.model[:12]}, the model is "
                                  f"{self._network.sha256[:12]}",
                            help="give the model that these lessons were given")
        return head

    def _next(self) -> dict[str, Any] | None:
        """The next line, None behind the last."""
        raw = self._file.readline(self._most + 1)
        self._n_lines += 1
        if not raw:
            return None
        if len(raw) > self._most:
            raise self._damaged(f"it is longer than the {self._most:,} bytes that one of this "
                                "model may have")
        try:
            found = json.loads(raw)
        except (ValueError, RecursionError):
            if not raw.endswith(b"\n") and self._n_lines > 1:
                self.is_cut = True
                return None
            if self._n_lines == 1:
                raise unread(self._path, "lessons") from None
            raise self._damaged("it is no JSON") from None
        if not isinstance(found, dict):
            raise self._damaged("it is no object of JSON")
        self.n_whole_bytes += len(raw)
        return found

    def _event(self, found: dict[str, Any]) -> Event:
        do = found.get("do")
        if not isinstance(do, str) or do not in KINDS:
            raise self._damaged(f"'do' is {do!r}: {', '.join(KINDS)} are known")
        n_classes = self._network.n_classes
        return Event(
            do, self._sample(found) if do in WITH_SAMPLE else b"",
            self._number(found, "label", NO_LABEL, n_classes - 1, NO_LABEL),
            self._number(found, "loss_q8", OWN_LOSS, (1 << 15) - 1, OWN_LOSS),
            self._number(found, "n", 0, MOST_IDLE if do == "idle" else 3,
                         None if KINDS[do] == "n" else 0),
            self._profile(found) if do == "write_profile" else (),
            self._name(found) if KINDS[do] == "name" else "",
            self._number(found, "class", 0, n_classes - 1, 0) if "class" in found else None,
            self._digest(found, "digest") if found.get("digest") is not None else None,
            self._n_lines)

    def _sample(self, found: dict[str, Any]) -> bytes:
        text = found.get("x")
        try:
            x = bytes.fromhex(text) if isinstance(text, str) else b""
        except ValueError:
            x = b""
        if len(x) != self._network.x_bytes:
            raise self._damaged(f"'x' is not the {self._network.x_bytes:,} bytes of a sample in "
                                "hexadecimal digits")
        return x

    def _profile(self, found: dict[str, Any]) -> tuple[int, ...]:
        sensor, numbers = self._network.sensor, found.get("profile")
        n = n_profile(sensor.n_channels) if sensor else 0
        if not isinstance(numbers, list) or len(numbers) != n or not all(
                is_int(v) and -(1 << 15) <= v < 1 << 15 for v in numbers):
            raise self._damaged(f"'profile' is not the {n} numbers of a profile, 16 bits each")
        return tuple(numbers)

    def _name(self, found: dict[str, Any]) -> str:
        name = found.get("name")
        try:
            name_bytes(name)
        except EdgeError:
            raise self._damaged(f"'name' is {name!r:.60}, which is no name of a class") from None
        return str(name)

    def _digest(self, found: dict[str, Any], name: str) -> int:
        text = found.get(name)
        try:
            value = int(text, 16) if isinstance(text, str) and len(text) == 8 else -1
        except ValueError:
            value = -1
        if value < 0:
            raise self._damaged(f"'{name}' is {text!r}, expected 8 hexadecimal digits")
        return value

    def _number(self, found: dict[str, Any], name: str, low: int, high: int,
                default: int | None = None) -> int:
        value = found.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self._damaged(f"'{name}' is {value!r}, expected {low} to {high}")
        return value

    def _damaged(self, cause: str) -> EdgeError:
        return EdgeError("E103", f"{self._path} is damaged: line {self._n_lines}", cause=cause,
                         help="docs/state.md has the format of such a log")
