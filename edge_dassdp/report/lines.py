"""Lines for the screens: on inputs, what int8 clips of them, and values read out."""

from __future__ import annotations

import numpy as np

from edge_dassdp.base.qformat import QInputScale
from edge_dassdp.data.clipping import Clipping
from edge_dassdp.figures.fidelity import Values
from edge_dassdp.harness.stream import Stream
from edge_dassdp.ir import Input

NONE = "–"


def percent(share: float, digits: int) -> str:
    """A share, 0 to 1."""
    return f"{100 * share:.{digits}f} %"


def input_text(source: Input, scale: QInputScale | None = None) -> str:
    """One line on an input: what a sample holds for it. scale: of currents, if known."""
    of = "x".join(f"{n:,}" for n in source.raw_shape)
    frames = f"{source.n_frames:,} frames of " if source.n_frames > 1 else ""
    fraction = "" if scale is None else f" with {_bits_text(scale)}"
    if source.n_events:
        times = "up to 255 times" if source.counts else "at most once"
        what = (f"lists of up to {source.n_events:,} spikes of {of}, each {times} in one of "
                f"{source.n_frames:,} steps")
    elif source.encoder is not None:
        what = (f"{frames}{of} values, int8 with {source.encoder.frac_bits} fraction bits, made "
                f"spikes by a {source.encoder.kind} encoder")
    elif source.spikes:
        what = f"{frames}{of} spikes, each 0 or 1"
    else:
        what = f"{frames}{of} currents, int8{fraction}"
    sensor = source.sensor
    if sensor is not None:
        what += f", from counts of {sensor.n_channels} channels, {len(sensor.triads)} triads"
    return f"input {source.name}: {what}"


def _bits_text(scale: QInputScale) -> str:
    low, high = int(scale.frac_bits.min()), int(scale.frac_bits.max())
    if scale.is_uniform:
        return f"{low} fraction bits"
    moved = int(np.count_nonzero(scale.zero))
    return f"{low} to {high} fraction bits by feature, {moved:,} with a zero of their own"


def gate_text(stream: Stream, is_open: bool) -> str:
    """One line on what a device's gate held back of a stream."""
    n, errors = int(stream.is_held.sum()), stream.held_errors
    share = "" if errors is None else f", error share {percent(errors, 1)}"
    if not is_open:
        return f"gate closed: nothing learned of {n:,} samples{share}"
    return f"gate open: {n:,} samples held back before{share}"


def values_text(values: Values) -> str:
    """One line on what is read out, in integers against float."""
    share = NONE if values.relative is None else percent(values.relative, 1)
    correlation = NONE if values.correlation is None else f"{values.correlation:.4f}"
    return (f"values read out: error rms {values.rms:.4g}, {share} of their spread of "
            f"{values.spread:.4g}, largest {values.largest:.4g}; correlation {correlation} E")


def clipping_text(found: Clipping) -> str:
    """One line on input values that their int8 codes clip."""
    worst = ", ".join(f"{f.input}[{f.feature}] {percent(f.share, 1)}" for f in found.worst)
    return (f"input values clipped: {found.n_clipped:,} of {found.n_values:,}, "
            f"{percent(found.share, 2)}{f'; most of {worst}' * bool(worst)}")
