"""Signs, gains and offsets of channels, fitted from class means and standard deviations, in int32.

As `data.calibration` does in float, but for what correlations of channels tell. The host fits them,
and writes the profile into a device.
"""

from __future__ import annotations

from math import isqrt

import numpy as np

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.qformat import INT32_MAX, IntArray, round_divide, round_shift, saturate
from edge_dassdp.sensor.orientation import FIT_CLASSES, SENTENCES, Verdict
from edge_dassdp.sensor.profile import MOST_GAIN_Q12, ONE_Q12, QProfile

SIGN_CLASSES = 3
"""Classes below which no channel is reversed."""
SIGN_CLEARLY = 10
"""A share of full correlation, beyond which class means are reversed."""
LEAST_GAIN_Q12 = ONE_Q12 // 4
RATIO_BITS = 18
"""Of sums whose ratio is taken."""


def fit(then_mean: IntArray, then_std: IntArray, mean_sums: IntArray, std_sums: IntArray,
        n_seen: IntArray, *, with_gains: bool = True) -> QProfile:
    """The signs, gains and offsets under which the classes' statistics are the factory's.

    then_mean, then_std: int16 (n_classes, n_channels), the factory's, std of single readings.
    mean_sums, std_sums: int32 (n_classes, n_channels), sums of as many window means and standard
    deviations as n_seen says, uint16 (n_classes,); classes with 0 are left out.

    A channel is reversed, from SIGN_CLASSES on, if its class means correlate with the factory's
    below -1 / SIGN_CLEARLY, times how far these lie apart in standard deviations, at most 1. The
    gain is the ratio of the sums of standard deviations, 1/4 to 4, 1 without `with_gains` and for a
    channel that does not move in each class. The offset joins the means. Raises EdgeError E105
    from less than two classes.
    """
    seen = np.flatnonzero(n_seen)
    if len(seen) < FIT_CLASSES:
        raise EdgeError("E105", SENTENCES[Verdict.FEW].format(
            least=FIT_CLASSES, n=len(seen) or "none"),
            help="Observe labelled samples of other classes, too.")
    made = []
    for channel in range(then_mean.shape[1]):
        then, spread = (np.asarray(a, np.int64)[seen, channel] for a in (then_mean, then_std))
        now, spread_now = (np.array([round_divide(int(s), int(n)) for s, n in zip(
            a[seen, channel], n_seen[seen], strict=True)]) for a in (mean_sums, std_sums))
        moves = bool((spread > 0).all() and (spread_now > 0).all())
        gain = _ratio_q12(int(spread.sum()), int(spread_now.sum())) if (
            moves and with_gains) else ONE_Q12
        if moves and len(seen) >= SIGN_CLASSES and _is_reversed(then, now, spread):
            gain = -gain
        offset = _mean(then) - round_shift(gain * _mean(now), 12)
        made.append((gain, int(saturate(offset, 16))))
    return QProfile.channels([gain for gain, _ in made], [offset for _, offset in made])


def _mean(values: IntArray) -> int:
    return round_divide(int(values.sum()), len(values))


def _ratio_q12(num: int, den: int) -> int:
    shift = max(0, max(num, den).bit_length() - RATIO_BITS)
    ratio = round_divide((num >> shift) << 12, max(1, den >> shift))
    return min(max(ratio, LEAST_GAIN_Q12), MOST_GAIN_Q12)


def _is_reversed(then: IntArray, now: IntArray, spread: IntArray) -> bool:
    """Over classes, (n,) each: means of the factory and of now, standard deviations."""
    (a, shift), (b, _) = (_apart(values) for values in (then, now))
    root_a, root_b = isqrt(int(a @ a)), isqrt(int(b @ b))
    correlation_q8 = round_divide(int(a @ b), max(1, root_a * root_b >> 8))
    apart_q8 = isqrt(int(a @ a) // len(a)) << shift + 8
    share_q8 = min(1 << 8, apart_q8 // _mean(spread))
    return correlation_q8 * share_q8 < -((1 << 16) // SIGN_CLEARLY)


def _apart(values: IntArray) -> tuple[IntArray, int]:
    """Distances from their mean, shifted until the sum of their squares is below 2^30."""
    apart = values - _mean(values)
    most, shift = isqrt(INT32_MAX // (2 * len(values))), 0
    while (int(np.abs(apart).max()) >> shift) >= most:
        shift += 1
    return np.asarray(round_shift(apart, shift), np.int64), shift
