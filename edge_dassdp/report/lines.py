"""Lines for the screens: on inputs, what int8 clips of them, and values read out."""

from __future__ import annotations

import numpy as np

from edge_dassdp.base.qformat import QInputScale
from edge_dassdp.data.clipping import Clipping
from edge_dassdp.figures.fidelity import Values
from edge_dassdp.harness.stream import Stream
from edge_dassdp.ir import Input
from edge_dassdp.qir import QNetwork
from edge_dassdp.reference.confidence import Confidence
from edge_dassdp.rules import Guard, Learning, Rule, Schedule
from edge_dassdp.rules.beside import Beside, Shrinking
from edge_dassdp.sensor.front import QSensor

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
    """One line on what a device's CUSUM gate held back of a stream."""
    n, errors = int(stream.is_held.sum()), stream.held_errors
    share = "" if errors is None else f", error share {percent(errors, 1)}"
    if not is_open:
        return f"gate closed: nothing learned of {n:,} samples{share}"
    return f"gate open: {n:,} samples held back before{share}"


def learning_text(learning: Learning | None, *, are_values: bool = False) -> str:
    """What learns, by which rules, and with what beside them. are_values: the ring is one then."""
    if learning is None:
        return "learns: nothing"
    rules = "learns: " + ", ".join(f"{name} by {_rule_text(rule)}"
                                   for name, rule in learning.rules.items())
    return "; ".join([rules, *beside_texts(learning, are_values=are_values)])


def beside_texts(learning: Learning | Beside, *, are_values: bool = False) -> list[str]:
    """Schedule, replay, gate and guard, as far as there are such."""
    parts: list[str] = []
    if isinstance(learning.schedule, Schedule | Shrinking):
        parts.append(f"steps shrink to {learning.schedule.floor:.2g} in "
                     f"{learning.schedule.ends_at:,} labelled samples")
    elif learning.schedule is not None:
        parts.append("steps follow the share of wrong classes")
    if (replay := learning.replay) is not None:
        where = "" if are_values else "of each class "
        stores = [(f"{replay.flash:,} training samples in flash", replay.n_flash, replay.flash),
                  (f"{replay.ring_per_class} {where}in RAM", replay.n_ring,
                   replay.ring_per_class)]
        kept = [(place, n) for place, n, stored in stores if stored]
        parts.append(f"replays {' and '.join(str(n) for _, n in kept)} after each, of "
                     f"{' and '.join(place for place, _ in kept)}")
    if (gate := learning.gate) is not None:
        parts.append(f"CUSUM gate: learns once wrong classes are {gate.opens_at:g} more than "
                     f"{percent(gate.allowed, 0)} of the samples, "
                     + ("until they are no more" if gate.closes else "and from then on"))
    if learning.guard is not None:
        parts.append(_guard_text(learning.guard))
    return parts


def _rule_text(rule: Rule) -> str:
    name = type(rule).__name__
    return f"{name} behind a dopamine gate that --warm-up fits" if rule.needs.warm_up else name


def _guard_text(guard: Guard) -> str:
    kept = ["keeps a copy of its weights"] * guard.keeps_copy
    kept += [f"falls back to factory weights that have {guard.margin} hits more in "
             f"{guard.window} samples"] * (guard.margin > 0)
    return "guard: " + ", ".join(kept)


def sensor_text(sensor: QSensor) -> str:
    """One line on what a device makes of its sensor: profiles, and what it tells without labels."""
    fits = "the device fits an orientation from labelled samples" if sensor.fits else \
        "no orientation is fitted, " + (
            "for want of labelled samples (--data)" if sensor.triads else "no triads are declared")
    watched = "windows are compared with nothing, so no drift is told"
    if sensor.drift is not None:
        watched = "drift is told without labels" + (
            ", and a profile found in up to "
            f"{sensor.drift.n_rows} windows where that is allowed" if sensor.drift.n_rows else "")
    return f"sensor: {fits}; {watched}"


def confidence_text(sure: Confidence) -> str:
    """One line on the temperature of the softmax, and on how far confidence is from accuracy."""
    if sure.error_before is None or sure.error_after is None:
        return f"temperature of the softmax {sure.temperature:.4g}: {sure.why}"
    of = f"on {sure.n_samples:,} training samples"
    before = percent(sure.error_before, 1)
    if sure.why:
        return (f"temperature of the softmax {sure.temperature:.4g}, kept: {sure.why}; how sure it "
                f"is and how often it is right are {before} apart {of} E")
    rises = " (told in a few steps of confidence, which no fit follows)" \
        if sure.error_after > sure.error_before else ""
    return (f"temperature of the softmax {sure.temperature:.4g}, fitted to the least loss, "
            f"{sure.stated:.4g} before: loss {sure.loss_before:.3g} before, {sure.loss_after:.3g} "
            f"after; how sure it is and how often it is right {before} apart before, "
            f"{percent(sure.error_after, 1)} after{rises}, {of} E")


def classes_text(network: QNetwork) -> str:
    """One line on spare classes and class means; empty where a network has neither."""
    parts = [f"spare classes: {network.spare_classes}, taught by learn --new-class"] \
        if network.spare_classes else []
    if (means := network.class_means) is not None:
        kept = f", with {len(means.examples.directions):,} training samples as examples in flash" \
            if means.examples else ""
        parts.append(f"class means of '{means.hidden}' decide beside the readout{kept}")
    elif parts:
        parts.append("no class means")
    return "; ".join(parts)


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
