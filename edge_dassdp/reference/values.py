"""The error of a readout of values, in integers (docs/arithmetic.md, 4)."""

from __future__ import annotations

import numpy as np

from edge_dassdp.base.qformat import IntArray, round_shift
from edge_dassdp.qir.values import ERROR_MAX_Q8, FRAC_BITS, QValues


def value_error(values: QValues, logits: IntArray, target_q11: IntArray) -> tuple[IntArray, int]:
    """Target less value in Q8 of the scale, (n_outputs,), and the loss, the mean of its squares, in
    Q8."""
    error = round_shift(target_q11 - values.value_q11(logits), FRAC_BITS - 8)
    err_q8 = np.clip(error, -ERROR_MAX_Q8, ERROR_MAX_Q8)
    return err_q8, int((err_q8**2).sum()) // err_q8.size >> 8
