"""Ctrl-C, SIGTERM and SIGHUP end the command with one line and status 128 + n at any moment, while
Python imports too.

`install` comes before anything else is imported: from then on they end the process at once. In a
verb, `interruptible`, they are raised, so that the verb clears up and says what is done. What must
not be torn apart is `held`. Who uses the package as a library never calls `install`.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager

TYPE_CHECKING = False  # what `typing` costs is not paid before `install`
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Any

STATUS = 128 + signal.SIGINT
LINE = "interrupted"
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP")
                 if hasattr(signal, name))
_UNTOUCHED = (signal.default_int_handler, signal.SIG_DFL)


class Ended(KeyboardInterrupt):
    """A signal that ends the command: its `number`, the `status` of the process, and a `line`."""

    def __init__(self, number: int, text: str = "") -> None:
        super().__init__(text)
        self.number = number
        self.status = 128 + number
        self.line = LINE if number == signal.SIGINT else \
            f"{LINE} by {signal.Signals(number).name}"

    @classmethod
    def of(cls, problem: BaseException) -> Ended:
        """Python's own KeyboardInterrupt is a Ctrl-C."""
        return problem if isinstance(problem, Ended) else Ended(signal.SIGINT)


def install() -> None:
    """The signals end this process; one that is ignored, as in the background, stays so."""
    for number in _SIGNALS:
        if signal.getsignal(number) in _UNTOUCHED:
            signal.signal(number, _leave)
    sys.unraisablehook = _unraisable


@contextmanager
def interruptible() -> Iterator[None]:
    """A signal is raised in the block as `Ended`, even where a library makes another exception of
    it. One more Ctrl-C ends the process; the others come in pairs, and change nothing more."""
    ended: Ended | None = None

    def press(number: int, _frame: FrameType | None) -> None:
        nonlocal ended
        ended = Ended(number)
        for other in tuple(handlers.ours):
            handlers.keep(other, _leave if other == signal.SIGINT else signal.SIG_IGN)
        raise ended

    handlers = _Handlers(press, lambda before: before is _leave)
    with handlers:
        try:
            yield
        except Exception as problem:
            if ended:
                raise ended from problem
            raise


@contextmanager
def held() -> Iterator[Callable[[], None]]:
    """A signal waits: the function that is given raises it where nothing is torn apart, else the
    end of the block does. One more Ctrl-C does not wait."""
    waiting: int | None = None

    def press(number: int, _frame: FrameType | None) -> None:
        nonlocal waiting
        waiting = number if waiting is None else waiting
        handlers.give_back(signal.SIGINT)

    def raise_if_pressed() -> None:
        nonlocal waiting
        if waiting is not None:
            number, waiting = waiting, None
            handlers.give_back(*_SIGNALS)
            handlers.before[number](number, None)

    handlers = _Handlers(press, callable)
    with handlers:
        yield raise_if_pressed
    raise_if_pressed()


class _Handlers:
    """`press` for the block in place of the handlers that `replaces` is true of, in the main
    thread."""

    def __init__(self, press: Callable[[int, FrameType | None], None],
                 replaces: Callable[[Any], bool]) -> None:
        self.before: dict[int, Any] = {n: signal.getsignal(n) for n in _SIGNALS}
        self.ours: set[int] = set()
        self._press, self._replaces = press, replaces

    def __enter__(self) -> None:
        for number, before in self.before.items():
            if self._replaces(before):
                try:
                    signal.signal(number, self._press)
                except ValueError:  # not the main thread
                    break
                self.ours.add(number)

    def __exit__(self, *_: object) -> None:
        self.give_back(*_SIGNALS)

    def keep(self, number: int, handler: Any) -> None:
        """`handler` from now on, after the block, too."""
        self.ours.discard(number)
        signal.signal(number, handler)

    def give_back(self, *numbers: int) -> None:
        """Harmless when repeated."""
        for number in self.ours.intersection(numbers):
            self.ours.discard(number)
            signal.signal(number, self.before[number])


def _leave(number: int, _frame: FrameType | None = None) -> None:
    ended = Ended(number)
    try:
        os.write(2, f"{ended.line}\n".encode())
    finally:
        os._exit(ended.status)


def _unraisable(what: sys.UnraisableHookArgs) -> None:
    """A signal that came where Python can raise nothing, in a destructor, is not lost."""
    if isinstance(what.exc_value, KeyboardInterrupt):
        _leave(Ended.of(what.exc_value).number)
    sys.__unraisablehook__(what)
