"""What is called and with which memory: one list serves Unicorn and QEMU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Struct:
    """A C struct passed by address.

    A field is an int (32 bits), a NumPy scalar (its own width and alignment), or an array or a
    Struct (a pointer to it).
    """

    fields: tuple[Value, ...]

    def layout(self) -> list[tuple[int, Value]]:
        """Byte offset of each field, as AAPCS lays it out."""
        placed, offset = [], 0
        for field in self.fields:
            width = field.itemsize if isinstance(field, np.generic) else 4
            offset = -(-offset // width) * width
            placed.append((offset, field))
            offset += width
        return placed

    def size(self) -> int:
        """Bytes, rounded up to a whole word."""
        offset, last = self.layout()[-1]
        width = last.itemsize if isinstance(last, np.generic) else 4
        return -(-(offset + width) // 4) * 4


Value = int | np.generic | Array | Struct


@dataclass(frozen=True)
class Case:
    """One call of `function`. An argument is an int (32 bits), or an array or Struct (its address).

    An array object passed to several cases of a list is one buffer that keeps its contents
    between them, as static variables of the program do; its values are loaded once, before the
    first case. A read-only array (`flags.writeable` false) is not read back.
    """

    name: str
    function: str
    args: tuple[int | Array | Struct, ...] = ()

    def arrays(self) -> list[Array]:
        """Arrays reachable from the arguments, each once, in order."""
        return unique_arrays(self.args)


@dataclass(frozen=True)
class Outcome:
    """A finished call.

    instructions: from the function's first to its return, both counted, exact.
    cycles: modelled (see counting.cycles), None where the core has no model.
    result: r0 as an unsigned 32-bit number. arrays: writable arrays of the case, as left by it.
    """

    name: str
    instructions: int
    cycles: int | None
    result: int
    arrays: tuple[Array, ...]


def unique_arrays(values: tuple[Value, ...]) -> list[Array]:
    """Arrays reachable from `values`, each once, in order."""
    return list({id(a): a for a in _walk(values) if isinstance(a, np.ndarray)}.values())


def unique_structs(values: tuple[Value, ...]) -> list[Struct]:
    """Structs reachable from `values`, each once, in order."""
    return list({id(s): s for s in _walk(values) if isinstance(s, Struct)}.values())


def _walk(values: tuple[Value, ...]) -> Iterator[Value]:
    for value in values:
        yield value
        if isinstance(value, Struct):
            yield from _walk(value.fields)


def scalar_bytes(value: int | np.generic) -> bytes:
    """Little-endian bytes of an int (32 bits, -2**31 to 2**32 - 1) or of a NumPy scalar."""
    if isinstance(value, np.generic):
        return value.tobytes()
    return (int(value) & 0xFFFFFFFF).to_bytes(4, "little")
