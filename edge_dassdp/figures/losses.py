"""What a quantization lost, or was refused for, that a user should know, each with the option that
helps."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.numbers import sample_array
from edge_dassdp.data.clipping import MOST_NAMED, Clipping, clipping, input_values, too_small
from edge_dassdp.figures.fidelity import Fidelity, vanished
from edge_dassdp.figures.numbering import training_labels
from edge_dassdp.ir import Network
from edge_dassdp.qir import QNetwork, QProjection
from edge_dassdp.qir.samples import random_samples
from edge_dassdp.quantize import Quantized
from edge_dassdp.quantize.settings import Settings, alternatives
from edge_dassdp.reference.confidence import ONE_CLASS, Confidence, logits, of_random
from edge_dassdp.rules import Rule

MOST_VANISHED = 0.25
"""Of the weights of a projection."""
MOST_OFF = 0.1
"""Of the values read out where there are no classes: their error, as a share of their spread."""
LEAST_AGREEMENT = 0.9
"""Share of samples that integers give the class of float."""
ALMOST = 0.9
"""Of random samples, or of counts: almost everywhere."""
FAR_OFF = 2.0
"""Times what labels have a temperature be, or a part of it."""
_CALIBRATION = "calibration: "
N_RANDOM = 32
"""Samples on which a network without any is asked how sure it is."""
MOST_UNEQUAL = 32.0
"""The largest weight of a feature, as a multiple of that of another."""
Quantize = Callable[[Settings], Quantized]
"""The network quantized anew with other settings."""


def attempt(settings: Settings, anew: Quantize) -> Quantized:
    """anew(settings). The help of a refusal begins with the first option under which there is none.
    """
    try:
        return anew(settings)
    except EdgeError as problem:
        if problem.code in ("E201", "E202"):
            for option in _curing(settings, anew):
                problem.help = f"give {option}, with which it can be quantized; or {problem.help}"
                break
        raise


def _curing(settings: Settings, anew: Quantize) -> Iterator[str]:
    for option, changed in alternatives(settings):
        with suppress(EdgeError):
            anew(changed)
            yield option


def losses(network: Network, model: QNetwork, fidelity: Fidelity, settings: Settings,
           anew: Quantize, calibration: NDArray[np.float32] | None,
           sure: Confidence | None = None,
           labels: NDArray[Any] | None = None) -> tuple[str, ...]:
    """Sentences for people. anew: tried for what it would help. calibration: (n_samples, n_inputs),
    None for a model that is not calibrated. sure: on its labelled samples. labels: int64
    (n_samples,) from 0 to n_classes - 1, or None."""
    told: list[str] = []
    lost: set[str] = set()
    if calibration is None:
        inputs = [*_unequal(network, model)]
    else:
        found = clipping(model.inputs, model.x_scales, calibration)
        lost = {f.input for f in found.small if f.n_steps == 0}
        inputs = [*_left_out(model, settings, calibration, found)]
        if labels is not None and model.values is None:
            told += training_labels(network, model, calibration, labels, fidelity.integer_accuracy)
        told += _counts(network, calibration)
    again = [text for text in _clipping(fidelity) if f"{_CALIBRATION}{text}" not in inputs]
    return (*told, *_weights(network, fidelity, settings, anew, model, lost),
            *_values(fidelity), *_agreement(fidelity), *again, *inputs, *_classless(model),
            *_idle(model), *_gate(model, fidelity), *_confidence(network, model, sure))


def _gate(model: QNetwork, fidelity: Fidelity) -> Iterator[str]:
    """A gate that allows no more misses than there are without a shift opens on nothing."""
    if model.cusum is None or fidelity.integer_accuracy is None:
        return
    allowed, misses = model.cusum.allowed_q10 / 1024, 1 - fidelity.integer_accuracy
    if misses >= allowed:
        yield (f"the gate allows {100 * allowed:.1f} % wrong classes and the network has "
               f"{100 * misses:.1f} % on these samples; if nothing is shifted in these, it opens "
               f"on nothing: give --gate cusum:{model.cusum.opens_q10 / 1024:.3g},"
               f"{min(misses + 0.05, 0.9):.2f}")


def _weights(network: Network, fidelity: Fidelity, settings: Settings, anew: Quantize,
             model: QNetwork, lost: Collection[str]) -> Iterator[str]:
    """lost: inputs of which no step is left; what becomes of their weights follows from that."""
    for p in fidelity.populations:
        for q in p.projections:
            if q.vanished > MOST_VANISHED and model.projection(q.name).pre not in lost:
                option = _helping(network, model.projection(q.name), settings, anew, q.vanished)
                yield (f"{100 * q.vanished:.1f} % of the weights of '{q.name}' became 0: they are "
                       f"less than half a step, which follows the largest; {option}")


def _helping(network: Network, q: QProjection, settings: Settings, anew: Quantize,
             share: float) -> str:
    """The first option that leaves no more than half as many of q's weights 0."""
    choices = []
    if q.is_analogue and settings.input_scale != "feature":
        choices.append(("--input-scale feature", replace(settings, input_scale="feature")))
    choices += [] if q.weight_bits >= 8 else [(f"--bits {q.name}=8", _bits(settings, q.name, 8))]
    if not settings.per_neuron:
        choices.append(("--per-neuron", replace(settings, per_neuron=True)))
    if not q.is_analogue and q.weight_bits != 16:
        choices.append((f"--bits {q.name}=16", _bits(settings, q.name, 16)))
    for option, changed in choices:
        try:
            found = vanished(network, anew(changed).network)[q.name]
        except EdgeError:
            continue
        if found < share / 2:
            return f"with {option} it is {100 * found:.1f} %"
    return "clip the few that are far larger than the others, and train on"


def _bits(settings: Settings, name: str, bits: int) -> Settings:
    return replace(settings, bits_of={**settings.bits_of, name: bits})


def _agreement(fidelity: Fidelity) -> list[str]:
    if fidelity.agreement is None or fidelity.agreement >= LEAST_AGREEMENT:
        return []
    return [f"integers give the class of float in {100 * fidelity.agreement:.1f} % of the samples "
            "alone: try --input-scale feature, more bits (--bits NAME=16) or --per-neuron, and for "
            "inputs of very unequal size their logarithm"]


def _clipping(fidelity: Fidelity) -> list[str]:
    found = fidelity.clipping
    return [found.warning] if found is not None and found.warning else []


def _left_out(model: QNetwork, settings: Settings, calibration: NDArray[np.float32],
              found: Clipping) -> Iterator[str]:
    """Values that currents were calibrated on and that their steps do not hold, or not tell apart.
    """
    for i in input_values(model.inputs, model.x_scales, calibration):
        n_cut = i.n_cut
        if any(f.input == i.source.name for f in found.small):
            yield _CALIBRATION + too_small(found, i) if settings.x_frac_bits is None else (
                "calibration values use hardly any of the 127 steps of int8 with "
                f"x_frac_bits={settings.x_frac_bits}; give more, or none")
        if i.source.encoder or not n_cut.any():
            continue
        worst = np.argsort(-n_cut, kind="stable")[: min(MOST_NAMED, np.count_nonzero(n_cut))]
        features = ", ".join(f"{i.source.name}[{k}] {n_cut[k]:,}" for k in worst)
        why = "they lie many times farther out than the others, as glitches do; if they count, " \
              "give --input-range all (input_range='all' in Python)"
        if settings.x_frac_bits is not None:
            why = f"x_frac_bits={settings.x_frac_bits} does not hold them; give fewer, or none"
        elif i.is_coarsest:
            why = "no step of int8 is so coarse; scale them down"
        yield (f"{n_cut.sum():,} of {i.values.size:,} calibration values are left out and clipped "
               f"({features}, of {len(i.values):,} each): {why}")


def _counts(network: Network, calibration: NDArray[np.float32]) -> Iterator[str]:
    """Of a sensor whose counts say hardly anything."""
    source = network.inputs[0]
    if source.sensor is None:
        return
    exact = source.sensor.exact(source.readings(sample_array(calibration)))
    error = exact - np.floor(exact + 0.5)
    few = float((np.abs(exact) < 1.5).mean())
    if few >= ALMOST and error.std() > MOST_OFF * exact.std():
        yield (f"{100 * few:.0f} % of the sensor's counts are 0, 1 or -1, and values between them "
               "are lost: in its description scale is the value of one count, and too large")


def _values(fidelity: Fidelity) -> Iterator[str]:
    found = fidelity.values
    if found is None or fidelity.agreement is not None or found.relative is None:
        return
    if found.relative > MOST_OFF:
        yield (f"the value read out is off by {100 * found.relative:.0f} % of its spread; more "
               "bits help: --weight-bits 8, --bits NAME=16 or --threshold-bits")


def _unequal(network: Network, model: QNetwork) -> Iterator[str]:
    """Without samples: weights tell of features in units of their own."""
    for source in network.inputs:
        rows = [np.abs(p.weight).max(axis=1) for p in network.projections
                if p.pre == source.name and p.conv is None and not source.spikes]
        heard = np.concatenate(rows) if rows else np.zeros(0)
        heard = heard[heard > 0]
        if heard.size and heard.max() > MOST_UNEQUAL * np.median(heard):
            yield (f"features of input '{source.name}' have weights of very unequal size, as raw "
                   "values have: one step for all loses some; give training samples with --data, "
                   "and each has its own")


def _classless(model: QNetwork) -> Iterator[str]:
    learners = [q.name for q in model.plastic if model.population(q.post).has_error]
    if model.n_classes == 1 and learners and model.values is None:
        yield (f"there is one output, so labels bring no error and {', '.join(learners)} will not "
               "learn from them; give --frozen, or a rule without labels")


def _confidence(network: Network, model: QNetwork, sure: Confidence | None) -> Iterator[str]:
    """Where labels teach hardly what they should: all is certain, or nothing."""
    if model.n_classes == 1 or model.values is not None or not any(
            model.population(q.post).has_error for q in model.plastic):
        return
    if sure is None:
        values = logits(model, random_samples(model, N_RANDOM))
        sure = of_random(values, network.readout.temperature)
    at = f"at a temperature of {sure.temperature:.4g}"
    if sure.best is not None and not 1 / FAR_OFF < sure.temperature / sure.best < FAR_OFF:
        yield (f"{at} the softmax is {'surer' if sure.temperature < sure.best else 'less sure'} "
               f"than labels allow, which would have it {sure.best:.3g}: give --temperature fit "
               "(temperature='fit' in Python)")
    elif sure.why == ONE_CLASS:
        yield (f"the temperature of the softmax stays {sure.temperature:.4g}: {sure.why}; give "
               "samples of all classes")
    elif not sure.has_labels and max(sure.certain, sure.flat) >= ALMOST:
        what, seen = ("0 or 1", "mean") if sure.certain > sure.flat else ("all alike", "sum")
        yield (f"{at} probabilities are {what} in {100 * max(sure.certain, sure.flat):.0f} % of "
               f"{sure.n_samples} random samples, and labels would teach hardly what they should: "
               "give training samples with --data, to which it is fitted, or say what the loss saw "
               f"of the readout's steps, --logits {seen}")


def _idle(model: QNetwork) -> Iterator[str]:
    """Of rules whose step shrinks with the spikes of a sample: nothing is left of it."""
    for q in model.plastic:
        if q.rule is None or not q.activity:
            continue
        counts = np.full(q.n_pre, max(1, round(q.activity * model.n_steps)))
        if q.rule.reach(counts, model.site(q)) == 0:
            word, size = q.rule.word, Rule.known[q.rule.word].size
            yield (f"'{q.name}' will hardly learn: where {100 * q.activity:.0f} % of the neurons "
                   f"before it fire in each of {model.n_steps:,} steps, {q.rule.title} moves no "
                   f"weight by a quarter of the largest error; try --rule {q.name}={word}:{size}="
                   f"... with a larger {size}, or fewer steps")
