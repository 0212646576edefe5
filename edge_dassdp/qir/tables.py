"""What of a network becomes bytes: fields of its state in RAM, constants in flash, as values.

Rules and the plan make them, emit prints them, the ledger adds them up, decode reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.qformat import IntArray

Group = Literal["weights", "inference", "learning", "padding"]
Raw = bytes
Named = Mapping[str, NDArray[Any]]
"""A state as integer arrays by name: `Reference.named_state`."""
Reader = Callable[[Raw], NDArray[Any]]
"""The bytes of a field as the integers that the reference has under its name."""
Writer = Callable[[Named], Raw]


def c_type(ctype: str) -> np.dtype[Any]:
    """The little-endian dtype of a C type of <stdint.h>: int16_t and the like."""
    return np.dtype(ctype.removesuffix("_t")).newbyteorder("<")


@dataclass(frozen=True, eq=False)
class Term:
    """Constants of neurons beyond the plain step: (1,) or (size,) values of a C type, None where
    they have none of it.

    name: in generated code, as here. what: for people. low, high: what values must lie in.
    """

    name: str
    what: str
    ctype: str
    values: IntArray | None
    low: int
    high: int
    is_optional: bool = False

    @property
    def is_q15(self) -> bool:
        """A factor; others count in membrane units and are as wide as membranes."""
        return self.name.endswith("_q15")

    @property
    def stride(self) -> tuple[str, int]:
        """Its field in generated code; 0: one value for all neurons, 1: one each."""
        is_each = self.values is not None and self.values.size > 1
        return f"{self.name.removesuffix('_q15')}_stride", int(is_each)

    @property
    def bytes(self) -> int:
        """In flash."""
        n = 0 if self.values is None else self.values.size
        return n * np.dtype(self.ctype.removesuffix("_t")).itemsize


@dataclass(frozen=True, eq=False)
class StateField:
    """One member of the generated state struct: `count` elements of `ctype`.

    dtype: an element as NumPy reads it, a structured one for a C struct. group: for whom it is
    there. align: bytes, of the element or more. is_persistent: a snapshot holds it. read: None
    where it is not compared (scratch, padding, copies, histories). write: its bytes of a named
    state, where they are not just its values in `dtype`. offset: bytes from the start of
    the state, once it is placed.
    """

    name: str
    ctype: str
    count: int
    group: Group
    dtype: np.dtype[Any]
    align: int
    is_persistent: bool = False
    read: Reader | None = None
    write: Writer | None = None
    offset: int = 0

    @property
    def bytes(self) -> int:
        return self.count * self.dtype.itemsize

    def written(self, named: Named) -> Raw:
        """The reverse of `read`."""
        if self.write is not None:
            return self.write(named)
        if self.dtype.names is None:
            return named[self.name].astype(self.dtype).tobytes()
        record = np.zeros((), self.dtype)
        for member in set(self.dtype.names) - {"reserved"}:
            record[member] = named[f"{self.name}.{member}"][0]
        return record.tobytes()

    @classmethod
    def plain(cls, name: str, ctype: str, count: int, group: Group, *, align: int = 0,
              is_persistent: bool = False) -> StateField:
        """Integers of a C type, read as they are."""
        dtype = c_type(ctype)
        return cls(name, ctype, count, group, dtype, max(align, dtype.itemsize), is_persistent,
                   lambda raw: np.frombuffer(raw, dtype).astype(np.int64))

    @classmethod
    def record(cls, name: str, ctype: str, dtype: np.dtype[Any], *,
               is_persistent: bool = True) -> StateField:
        """One C struct of the learning state; its members are compared as <name>.<member>."""
        align = max(member[0].alignment for member in (dtype.fields or {}).values())
        return cls(name, ctype, 1, "learning", dtype, align, is_persistent,
                   lambda raw: np.frombuffer(raw, dtype))


@dataclass(frozen=True, eq=False)
class Array:
    """A constant array of integers in flash."""

    ctype: str
    name: str
    values: NDArray[Any]

    @property
    def bytes(self) -> int:
        return int(self.values.size) * c_type(self.ctype).itemsize


@dataclass(frozen=True, eq=False)
class Table:
    """A constant struct in flash, by field; what it points to comes with it. header: that declares
    `ctype`, where it is not dassdp_tables.h."""

    ctype: str
    name: str
    fields: tuple[tuple[str, Value], ...]
    header: str = ""


@dataclass(frozen=True, eq=False)
class Rows:
    """A constant array of structs in flash, each by field or, without names, in order."""

    ctype: str
    name: str
    rows: tuple[tuple[tuple[str, Value], ...], ...]


Value = int | str | Array | Table | Rows | None
"""A number, C text as it stands, the name of an array, the address of a struct, or NULL."""


def printed(value: Value) -> str:
    """A value as the initializer of its field."""
    if value is None:
        return "0"
    if isinstance(value, Table):
        return f"&{value.name}"
    return value.name if isinstance(value, Array | Rows) else str(value)


def pointed_to(value: Value) -> Iterator[Array | Table | Rows]:
    """Every array and struct that a value brings along, itself last: each before who names it."""
    if isinstance(value, Table):
        for _, part in value.fields:
            yield from pointed_to(part)
    elif isinstance(value, Rows):
        for row in value.rows:
            for _, part in row:
                yield from pointed_to(part)
    if isinstance(value, Array | Table | Rows):
        yield value
