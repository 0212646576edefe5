"""What constants are tried on: streams to learn from under a shift, and samples to judge by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.numbers import spread_rows
from edge_dassdp.data.datasets import Samples
from edge_dassdp.data.shifts import WornSensor
from edge_dassdp.ir import Input, Network

MOST = 400
"""Samples of a stream, and of a judgement."""
LEAST = 4
"""Training samples of a class: some are learned, others judged, and others stored on the device."""


@dataclass(frozen=True, eq=False)
class Task:
    """One shift: samples to learn in order, and others under the same shift to judge by."""

    stream: Samples
    judged: Samples


@dataclass(frozen=True, eq=False)
class Tasks:
    """train: what a network is quantized with. original: held out of it, without a shift, to judge
    what learning leaves of the accuracy before. told: how they came about, a sentence each. whole:
    all training samples, those held out among them: what `quantize` will have."""

    train: Samples
    original: Samples
    shifted: tuple[Task, ...]
    told: tuple[str, ...]
    whole: Samples


def tasks(network: Network, train: Samples, validation: Samples | None, *, n_shifts: int,
          is_worn: bool) -> Tasks:
    """Of training samples, and of validation samples where there are such.

    Without them a half of each class is held out of the training samples: a quarter to learn from,
    a quarter to judge by. With them a quarter is held out to judge what is left, and of each class
    the first half of the validation samples is learned, the second judged. is_worn: they reach the
    network through n_shifts worn sensors, else as they stand. Raises EdgeError E105 where there are
    too few of a class, or one class alone.
    """
    if network.n_classes < 2:
        raise EdgeError("E105", "one output has no classes, by which constants could be chosen")
    _require_classes(train, "training", LEAST)
    order = np.random.default_rng(0)
    quarters = _dealt(train.y, (2, 1, 1), order)
    kept, learned, judged = (train.at(rows) for rows in quarters)
    original = _some(judged)
    if validation is None:
        told = (f"no validation samples: {len(learned) + len(judged):,} of {len(train):,} training "
                "samples are held out, a quarter to learn from, a quarter to judge by",)
    else:
        _require_classes(validation, "validation", 2)
        kept = train.at(np.sort(np.concatenate(quarters[:2])))
        first = _first_half(validation.y)
        learned, judged = validation.at(first), validation.at(~first)
        told = (f"{len(learned):,} validation samples to learn from, the first half of each class, "
                f"{len(judged):,} to judge by; {len(original):,} training samples are held out to "
                "judge what is left",)
    learned, judged = _some(learned), _some(judged)
    if not is_worn:
        return Tasks(kept, original, (Task(learned, judged),),
                     (*told, "shift: none but their own, validation samples as they stand"), train)
    sensors = [_Worn(network.inputs, kept.x, seed) for seed in range(n_shifts)]
    worn_by = "a worn sensor, seed 0" if n_shifts == 1 else \
        f"{n_shifts} worn sensors, seeds 0 to {n_shifts - 1}"
    return Tasks(kept, original, tuple(
        Task(replace(learned, x=worn(learned.x)), replace(judged, x=worn(judged.x)))
        for worn in sensors), (*told, f"shift: {worn_by}: {_said(network.inputs)}"), train)


def _require_classes(samples: Samples, what: str, least: int) -> None:
    classes, counts = np.unique(samples.y, return_counts=True)
    if len(classes) < 2:
        raise EdgeError("E105", f"all {what} samples are of class {classes[0]}", cause="whatever "
                        "is learned from them, that class is right", help="give samples of all "
                        "classes")
    if counts.min() < least:
        k = int(counts.argmin())
        raise EdgeError("E105", f"class {classes[k]} has {counts[k]} {what} samples, fewer than "
                        f"{least}", cause="some are learned, others are judged by",
                        help="give more of them, or validation samples with --validation"
                        if what == "training" else "give more of them")


def _dealt(y: NDArray[np.int64], shares: Sequence[int],
           rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Rows in hands, of each class by these shares, ascending in the first and mixed in others."""
    turns = np.repeat(np.arange(len(shares)), shares)
    hand = np.empty(len(y), np.int64)
    for label in np.unique(y):
        members = rng.permutation(np.flatnonzero(y == label))
        hand[members] = turns[np.arange(members.size) % turns.size]
    hands = [np.flatnonzero(hand == k) for k in range(len(shares))]
    return [hands[0], *(rng.permutation(rows) for rows in hands[1:])]


def _first_half(y: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Of each class, in their order."""
    first = np.zeros(len(y), np.bool_)
    for label in np.unique(y):
        members = np.flatnonzero(y == label)
        first[members[: members.size // 2]] = True
    return first


def _some(samples: Samples) -> Samples:
    """At most MOST, spread over all of them, in their order."""
    return samples.at(spread_rows(len(samples), MOST))


# ---- shifts --------------------------------------------------------------------------------------


class _Worn:
    """A worn sensor of each input (data.shifts), in the units of each of its features: gains about
    its mean, offsets in its standard deviations, dead ones at their mean. Spikes know dead inputs
    alone. All frames have one sensor."""

    def __init__(self, inputs: Sequence[Input], x: NDArray[np.float32], seed: int) -> None:
        self._parts = []
        start = 0
        for place, source in enumerate(inputs):
            values = x[:, start : start + source.n_values].reshape(-1, source.n_raw).astype(float)
            sensor = WornSensor.draw(source.n_raw, seed + 1000 * place, dark=0.0)
            self._parts.append((source, sensor, values.mean(axis=0), values.std(axis=0)))
            start += source.n_values

    def __call__(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """x: (n, values of all inputs), the same shape out."""
        out, start = [], 0
        for source, sensor, mean, std in self._parts:
            values = x[:, start : start + source.n_values].reshape(-1, source.n_raw)
            start += source.n_values
            if _is_spikes(source):
                made = np.where(sensor.dead, np.float32(0), values)
            else:
                unit = (values - mean) / np.where(std > 0, std, 1)
                made = mean + std * sensor.apply(unit)
            out.append(made.reshape(len(x), -1))
        return np.concatenate(out, axis=1).astype(np.float32)


def _is_spikes(source: Input) -> bool:
    return source.spikes and source.encoder is None


def _said(inputs: Sequence[Input]) -> str:
    if all(map(_is_spikes, inputs)):
        return "a fifth of the inputs dead"
    return "gains of 0.4 to 1.6, offsets of 1.2 standard deviations, a fifth of the inputs dead"
