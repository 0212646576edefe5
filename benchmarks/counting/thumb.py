"""What Unicorn's code hook leaves out: instructions that an IT block skips.

They are fetched, take a cycle and count as instructions (QEMU's -icount counts them), but the
hook is called behind the condition. They are put back from the encodings.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Read = Callable[[int, int], bytes]


def size_of(halfword: int) -> int:
    """Bytes, 2 or 4, of the instruction that begins with a halfword."""
    return 4 if halfword >> 11 in (0b11101, 0b11110, 0b11111) else 2


def fill_skipped(trace: NDArray[np.uint32], read: Read
                 ) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
    """The trace (n,) with skipped instructions inserted, and a mask of those; Thumb-2 code."""
    following = _inside_it(np.unique(trace), read)
    if not following:
        return trace, np.zeros(len(trace), np.bool_)
    inside = np.isin(trace[:-1], np.fromiter(following, np.uint32))
    at = np.flatnonzero(inside)
    where: list[int] = []
    values: list[int] = []
    for position, address, then in zip(at.tolist(), trace[at].tolist(), trace[at + 1].tolist(),
                                       strict=True):
        address = following[address]
        while address != then and address in following:
            where.append(position + 1)
            values.append(address)
            address = following[address]
    filled = np.insert(trace, where, np.array(values, np.uint32))
    skipped = np.zeros(len(filled), np.bool_)
    skipped[np.array(where, np.int64) + np.arange(len(where))] = True
    return filled, skipped


def _inside_it(addresses: NDArray[np.uint32], read: Read) -> dict[int, int]:
    """Address of the next instruction for each IT and each instruction it governs."""
    following: dict[int, int] = {}
    for address in addresses.tolist():
        halfword = _halfword(read, address)
        if halfword >> 8 == 0xBF and halfword & 15:
            at = address
            for _ in range(5 - ((halfword & -halfword).bit_length() - 1)):
                following[at] = at + size_of(_halfword(read, at))
                at = following[at]
    return following


def _halfword(read: Read, address: int) -> int:
    return int.from_bytes(read(address, 2), "little")
