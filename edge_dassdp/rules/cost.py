"""What reading records and writing rows costs, by operation of figures.work: for `QRule.count`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.qformat import IntArray
from edge_dassdp.qir.packing import by_word, columns


def planes_read(values: NDArray[Any], value: Any, n_bits: int, among: Any = True) -> IntArray:
    """Bit planes of values (words, 32) compared with `value`, lowest first, while neurons `among`
    them may hold it: `dassdp_planes_equal` of state.h, (words,)."""
    differ = values ^ value
    lowest = np.log2(np.maximum(differ & -differ, 1)).astype(np.int64) + 1
    return np.asarray(np.where(among, np.where(differ == 0, n_bits, lowest), 0).max(axis=1))


def planes_of_fired(count: IntArray, n_bits: int) -> IntArray:
    """Of `dassdp_fired`, (words,), from counts (neurons,)."""
    return planes_read(by_word(count[None])[0], 0, n_bits)


def popcounts(count: IntArray, n_bits: int) -> int:
    """Of every plane of counts, and of each pair of it with a lower one where it is not empty."""
    planes = (by_word(count[None])[0][:, None] >> np.arange(n_bits)[:, None]) & 1
    return int((1 + planes.any(axis=2) * np.arange(n_bits)).sum())


def count_rows(n_rows: int, n_columns: int, weight_bits: int, tally: dict[str, int]) -> None:
    """Rows of an update that are written: those that are not all 0."""
    bits = weight_bits if weight_bits >= 8 else 4
    tally["rows_written"] += n_rows
    tally[f"columns_{bits}"] += n_rows * columns(n_columns)
