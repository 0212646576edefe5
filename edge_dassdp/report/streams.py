"""stdin, stdout and stderr of a process, whatever it was started with.

Text goes out in any encoding, plain letters in place of those it lacks. A stream that was closed
leads nowhere, and no file takes its place. What stderr cannot take is dropped; where stdout cannot
be written the process ends: quietly, with the status of what it did, if nobody reads on, else it
says why.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import select
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

from edge_dassdp.base.errors import EXIT_OK, EdgeError
from edge_dassdp.base.text import escaped

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

PLAIN = {"→": "->", "…": "...", "–": "-", "·": "-", "±": "+/-", "µ": "u", "μ": "u", "✓": "+",
         "✗": "x", "×": "x",
         "─": "-", "━": "-", "╸": "-", "╺": "-", "▁": "_", "▂": ".", "▃": ":", "▄": "-",
         "▅": "=", "▆": "+", "▇": "*", "█": "#"}
"""Letters of the screens that an encoding may lack."""
_HANDLER = "edge_dassdp.plain"


class StdoutLostError(Exception):
    """stdout cannot be written. done: the status of what the command did by then."""

    def __init__(self, problem: OSError) -> None:
        super().__init__(problem.strerror or str(problem))
        self.done = EXIT_OK
        self.is_pipe = problem.errno == errno.EPIPE
        self.error = EdgeError("E103", "the standard output cannot be written", cause=str(self),
                               help="what the command did is done; give its output another place")


def run(command: Callable[[], object]) -> None:
    """Call `command` with streams that do not fail, then exit with its status."""
    guard()
    ended: Any = None
    try:
        try:
            command()
        except SystemExit as end:
            ended = end.code
            raise
        finally:
            sys.stdout.flush()
    except StdoutLostError as lost:
        if lost.is_pipe:
            sys.exit(ended or lost.done)
        print(lost.error, file=sys.stderr)
        sys.exit(lost.error.exit_status)


def guard() -> None:
    """Put guarded streams in place of stdout and stderr, and something where there is none.

    Without PATH the system finds programs in the usual places, which compilers do not know of
    their own parts: they are told.
    """
    os.environ.setdefault("PATH", os.defpath)
    codecs.register_error(_HANDLER, plain)
    for fd in range(3):
        _open(fd)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = _guarded(sys.stdout, 1, must=True)
    sys.stderr = _guarded(sys.stderr, 2, must=False)


def _open(fd: int) -> None:
    """A descriptor that was closed would be given to the next file, which prints would write to."""
    try:
        os.fstat(fd)
    except OSError:
        null = os.open(os.devnull, os.O_RDWR)
        if null != fd:
            os.dup2(null, fd)
            os.close(null)
        os.set_inheritable(fd, True)


def _guarded(stream: TextIO | None, fd: int, *, must: bool) -> TextIO:
    """The stream through `_Raw`. must: what cannot be written ends the process."""
    if stream is not None and not isinstance(stream, io.TextIOWrapper):
        return stream
    raw: Any = io.FileIO(fd, "w", closefd=False) if stream is None else \
        getattr(stream.buffer, "raw", stream.buffer)
    return io.TextIOWrapper(
        io.BufferedWriter(_Raw(raw, must)), encoding=stream.encoding if stream else "utf-8",
        errors=_HANDLER, line_buffering=not must or bool(stream and stream.line_buffering))


class _Raw(io.RawIOBase):
    """Bytes to a stream; after it was lost, to nowhere."""

    def __init__(self, raw: io.RawIOBase, must: bool) -> None:
        self._raw = raw
        self._must = must

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            while (written := self._raw.write(data)) is None:  # it does not block, and is full
                select.select([], [self.fileno()], [])
            return written
        except OSError as problem:
            if self._must:
                self._must = False
                raise StdoutLostError(problem) from None
            return memoryview(data).nbytes

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._raw.fileno()

    def isatty(self) -> bool:
        return self._raw.isatty()


def plain(problem: UnicodeError) -> tuple[str, int]:
    """Error handler of codecs: a plain letter, or the number of one that has none. A byte that is
    no text, in a file name, is told as \\xff."""
    if not isinstance(problem, UnicodeEncodeError):
        raise problem
    text = problem.object[problem.start : problem.end]
    return "".join(PLAIN.get(c) or escaped(c) for c in text), problem.end
