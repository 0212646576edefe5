"""Ctrl-C ends the command with one line and status 130 at any moment, while Python imports too.

`install` comes before anything else is imported: from then on Ctrl-C ends the process at once. In a
verb, `interruptible`, it is raised, so that the verb clears up and says what is done. What must not
be torn apart is `held`. Who uses the package as a library never calls `install`.
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

STATUS = 130
LINE = "interrupted"


def install() -> None:
    """Ctrl-C ends this process; where it is ignored, as in the background, it stays so."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
        sys.unraisablehook = _unraisable


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C is raised in the block as KeyboardInterrupt, even where a library makes another
    exception of it; one more ends the process."""
    was_pressed = False

    def press(_number: int, _frame: FrameType | None) -> None:
        nonlocal was_pressed
        was_pressed = True
        signal.signal(signal.SIGINT, _leave)
        raise KeyboardInterrupt

    with _handler(press, instead_of=(_leave,)):
        try:
            yield
        except Exception as problem:
            if was_pressed:
                raise KeyboardInterrupt from problem
            raise


@contextmanager
def held() -> Iterator[Callable[[], None]]:
    """Ctrl-C waits: the function that is given raises it where nothing is torn apart, else the end
    of the block does. One more does not wait."""
    was_pressed = False
    before = signal.getsignal(signal.SIGINT)

    def press(_number: int, _frame: FrameType | None) -> None:
        nonlocal was_pressed
        was_pressed = True
        signal.signal(signal.SIGINT, before)

    def raise_if_pressed() -> None:
        if was_pressed:
            raise KeyboardInterrupt

    with _handler(press, instead_of=(before,) if callable(before) else ()):
        yield raise_if_pressed
    raise_if_pressed()


@contextmanager
def _handler(handler: Any, instead_of: tuple[Any, ...]) -> Iterator[None]:
    """`handler` for the block where one of `instead_of` is set, in the main thread."""
    before = signal.getsignal(signal.SIGINT)
    try:
        is_ours = before in instead_of and signal.signal(signal.SIGINT, handler) is not None
    except ValueError:  # not the main thread
        is_ours = False
    try:
        yield
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, before)


def _leave(_number: int = 0, _frame: FrameType | None = None) -> None:
    try:
        os.write(2, f"{LINE}\n".encode())
    finally:
        os._exit(STATUS)


def _unraisable(what: sys.UnraisableHookArgs) -> None:
    """A Ctrl-C that came where Python can raise nothing, in a destructor, is not lost."""
    if what.exc_type is KeyboardInterrupt:
        _leave()
    sys.__unraisablehook__(what)
