"""Board files with one mistake each: a bit of a number flipped, a store left out, a wait that is
none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from edge_dassdp.build.description import Board, Store

Made = Callable[[Any], Board]
_NOT = {"name", "title", "cpu", "cflags", "kernels", "program", "qemu", "image", "stack_bytes",
        "rx_ring_bytes"}
"""Fields that say nothing about the chip's registers and memory."""


def mutants(board: Board) -> Iterator[tuple[str, Board]]:
    """Each mistake in words, and the board that has it."""
    for field in fields(board):
        if field.name not in _NOT:
            yield from _of(field.name, getattr(board, field.name),
                           lambda new, at=field.name: replace(board, **{at: new}))


def _of(where: str, value: Any, made: Made) -> Iterator[tuple[str, Board]]:
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _of(f"{where}.{field.name}", getattr(value, field.name),
                           lambda new, at=field.name: made(replace(value, **{at: new})))
    elif isinstance(value, tuple):
        for i, one in enumerate(value):
            if isinstance(one, Store):
                yield f"{where}[{i}] left out", made((*value[:i], *value[i + 1:]))
            yield from _of(f"{where}[{i}]", one,
                           lambda new, i=i: made((*value[:i], new, *value[i + 1:])))
    elif isinstance(value, bool):
        yield f"{where} is {not value}", made(not value)
    elif isinstance(value, int):
        for bit in range(32):
            yield f"bit {bit} of {where}", made(value ^ 1 << bit)


def is_harmless(right: Board, wrong: Board) -> bool:
    """Whether a mistake is none: the divider makes a baud rate that is right within 1 %."""
    a, b = right.uart.baud_register, wrong.uart.baud_register
    return a != b and abs(a / max(1, b) - 1) < 0.01
