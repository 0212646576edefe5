"""What the misses of the device decide (docs/arithmetic.md, 12 and 14): step sizes, and the CUSUM
gate."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.qformat import round_shift
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.qir import QCusum, QErrorStep
from edge_dassdp.qir.packing import CUSUM_DTYPE

CATCH_UP = QUANTITIES["catch_up"]
SHARE_SHIFT = QUANTITIES["share_shift"]


def error_step_q8(step: QErrorStep, share_q8: int) -> int:
    """The factor of step sizes at a share of misses."""
    return min(256, max(step.floor_q8, share_q8 * step.gain_q4 >> 4))


def count_miss(learning: NDArray[Any], is_miss: bool) -> None:
    """The running share in `learning`, LEARNING_DTYPE, after a labelled sample: 249 at most."""
    share_q8 = int(learning["miss_share_q8"])
    learning["miss_share_q8"] = share_q8 + round_shift(256 * is_miss - share_q8, SHARE_SHIFT)


class Gate:
    """Whether one device learns. state: CUSUM_DTYPE."""

    def __init__(self, rule: QCusum) -> None:
        self.rule = rule
        self.state = np.zeros((), CUSUM_DTYPE)

    @property
    def is_open(self) -> bool:
        return bool(self.state["is_open"])

    def judge(self, is_miss: bool, n_stored: int) -> None:
        """Counts a labelled sample. n_stored: samples in the ring, which are due where it opens."""
        state, rule = self.state, self.rule
        total = int(state["sum_q10"]) + 1024 * is_miss - rule.allowed_q10
        state["sum_q10"] = total = min(rule.opens_q10, max(0, total))
        if not state["is_open"] and total == rule.opens_q10:
            state["is_open"], state["n_due"] = 1, n_stored
        elif rule.closes and total == 0:
            state["is_open"] = 0
        state["n_held"] += int(not state["is_open"])

    def take_due(self) -> int:
        """How many of the samples that are due are learned again now."""
        n = min(int(self.state["n_due"]), CATCH_UP)
        self.state["n_due"] -= n
        return n
