"""The error of a label or of targets, in integers: at the readout, and fed back."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.qformat import IntArray, round_shift, to_int
from edge_dassdp.base.quantities import QUANTITIES
from edge_dassdp.base.values import ERROR_MAX_Q8, FRAC_BITS, QValues
from edge_dassdp.qir import SCHEDULE_SHIFT, QNetwork
from edge_dassdp.reference.memory import error_step_q8

EXP2_Q15 = to_int(32768 * 2.0 ** (-np.arange(32) / 32))
SOFTMAX_MAX_Q8 = QUANTITIES["softmax_max_q8"]


def log2_q8(x: int) -> int:
    """log2(x / 32768) in Q8 for 32768 <= x < 2^31, by repeated squaring."""
    result = 0
    while x >= 65536:
        x >>= 1
        result += 256
    for bit in range(7, -1, -1):
        x = (x * x) >> 15
        if x >= 65536:
            x >>= 1
            result += 1 << bit
    return result


def softmax_z_q8(network: QNetwork, logits: IntArray) -> IntArray:
    """log2(e) (max - logit) / temperature in Q8, 0 to 4096, along the last axis."""
    difference = logits.max(axis=-1, keepdims=True) - logits
    return np.asarray(np.where(difference >= network.softmax_limit, SOFTMAX_MAX_Q8,
                               (difference * network.softmax_scale) >> network.softmax_shift))


def exp2_q15(z_q8: IntArray) -> IntArray:
    """32768 2^-z, 0 from 4096 on."""
    return np.where(z_q8 >= SOFTMAX_MAX_Q8, 0,
                    EXP2_Q15[(z_q8 >> 3) & 31] >> np.minimum(z_q8 >> 8, 15))


def softmax_error(network: QNetwork, logits: IntArray, label: int) -> tuple[IntArray, int]:
    """(onehot(label) - softmax) in Q8, (n_classes,), and the loss -log2 p(label) in Q8."""
    z_q8 = softmax_z_q8(network, logits)
    p = exp2_q15(z_q8)
    total = int(p.sum())
    err_q8 = -((256 * p + (total >> 1)) // total)
    err_q8[label] += 256
    return err_q8, int(z_q8[label]) + log2_q8(total)


def value_error(values: QValues, logits: IntArray, target_q11: IntArray) -> tuple[IntArray, int]:
    """Target less value in Q8 of the scale, (n_outputs,), and the loss, the mean of its squares, in
    Q8."""
    error = round_shift(target_q11 - values.value_q11(logits), FRAC_BITS - 8)
    err_q8 = np.clip(error, -ERROR_MAX_Q8, ERROR_MAX_Q8)
    return err_q8, int((err_q8**2).sum()) // err_q8.size >> 8


def feed_back(network: QNetwork, w: Mapping[str, IntArray], error: dict[str, IntArray],
              active: Mapping[str, NDArray[np.bool_]]) -> None:
    """Errors of hidden populations from those behind them, last first; 0 where not active, (size,):
    silent, or under a touch rule never near its threshold."""
    order = [p.name for p in network.populations]
    for name in reversed(order):
        if name == network.readout or name not in error:
            continue
        total = np.zeros_like(error[name])
        for p in network.projections:
            forward = not p.is_analogue and p.pre == name and p.post in error \
                and order.index(p.post) > order.index(name)
            if forward:
                dot = w[p.name] @ error[p.post]
                total += round_shift(round_shift(dot, p.feedback_rshift) * p.feedback_gain_q14, 14)
        error[name] = np.where(active[name], total, 0)


def step_size_q8(network: QNetwork, learning: NDArray[np.void]) -> int:
    """The factor of step sizes in Q8, 256 where nothing scales them. learning: LEARNING_DTYPE."""
    if network.error_step is not None:
        return error_step_q8(network.error_step, int(learning["miss_share_q8"]))
    table, entry = network.schedule_q8, int(learning["n_labelled"]) >> SCHEDULE_SHIFT
    return 256 if table is None else int(table[min(entry, table.size - 1)])
