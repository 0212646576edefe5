"""How sure a network is, how far that is from how often it is right, and the temperature of its
softmax that brings the two together.

Temperature scaling (Guo et al., ICML 2017) of logits that are exact in integers: the temperature of
the least negative log-likelihood, on samples that the network was trained on. Of those most are
right, so one sample more counts as of any class (Laplace's rule): a network that is right in all
of n samples is no surer than 1 - 1 / n.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.qir import QNetwork
from edge_dassdp.reference.model import IntegerModel

Reals = NDArray[np.float64]
N_BINS = 15
"""Of the expected calibration error: confidences in equal steps."""
REFUTED = 1.92
"""A gain of so many nats over all samples refutes a temperature: half of the 95 % point of
chi-squared with one degree of freedom."""
CERTAIN = 2.0**-9
"""Less than this, and the largest probability is 1 in 8 bits: a label that agrees teaches nothing.
"""
HARDLY = 0.1
"""Above 1 / n_classes by this share of it, and no more: the largest probability is that of chance.
"""
LEAST = 0.05
"""Of the nats of chance: labels that classes follow less have nothing to do with them."""
ONE_CLASS = "the labels are of one class alone"
BISECTIONS = 60
_CHUNK = 128


@dataclass(frozen=True)
class Confidence:
    """Of a network on samples, n_samples of them, labelled or random.

    temperature: what its softmax divides logits by. stated: what it came with, or was given.
    best: what the labels would have it be, None where they tell none. why: why `temperature` is not
    that, "" where it is. error_, loss_before, after: expected calibration error, 0 to 1, and mean
    negative log-likelihood in nats, at `stated` and at `temperature`, None without labels.
    certain: share of samples whose largest probability is 1 in 8 bits; flat: share of those in
    which it is hardly that of chance.
    """

    n_samples: int
    temperature: float
    stated: float
    best: float | None
    why: str
    error_before: float | None
    error_after: float | None
    loss_before: float | None
    loss_after: float | None
    certain: float
    flat: float

    @property
    def has_labels(self) -> bool:
        return self.error_before is not None


def logits(network: QNetwork, x: NDArray[np.int8]) -> Reals:
    """(n, n_classes) in units of the float network, of samples x, int8 (n, x_bytes)."""
    model, found = IntegerModel(network), []
    for first in range(0, len(x), _CHUNK):
        model.begin(x[first : first + _CHUNK])
        for t_step in range(network.n_steps):
            model.step(t_step)
        found.append(model.sums.copy())
    return np.asarray(np.concatenate(found)[:, : network.n_known] * network.logit_unit)


def probabilities(values: Reals, temperature: float) -> Reals:
    """Softmax of logits (n, n_classes)."""
    scaled = (values - values.max(axis=1, keepdims=True)) / temperature
    powers = np.exp(scaled)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def calibration_error(p: Reals, labels: NDArray[np.int64]) -> float:
    """Expected calibration error, 0 to 1: how far confidence and accuracy are apart, the mean over
    samples of the differences in N_BINS equal steps of confidence."""
    sure, right = p.max(axis=1), p.argmax(axis=1) == labels
    place = np.minimum((sure * N_BINS).astype(np.int64), N_BINS - 1)
    gaps = np.bincount(place, sure - right, N_BINS)
    return float(np.abs(gaps).sum() / len(labels))


def fit(values: Reals, labels: NDArray[np.int64]) -> float:
    """The temperature of logits (n, n_classes) under which labels (n,) are likeliest, from 1e-6 to
    1e6."""
    n, n_classes = values.shape
    target = np.full(values.shape, 1.0 / (n + 1) / n_classes)
    target[np.arange(n), labels] += n / (n + 1)
    wanted = float((target * values).sum(axis=1).mean())
    low, high = math.log(1e-6), math.log(1e6)  # of 1 / temperature: the likelihood is concave in it
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        p = probabilities(values, math.exp(-middle))
        if float((p * values).sum(axis=1).mean()) > wanted:
            high = middle
        else:
            low = middle
    return math.exp(-low)


def likelihood_loss(values: Reals, labels: NDArray[np.int64], temperature: float) -> float:
    """Negative log-likelihood of a sample in nats, the mean, with the sample more."""
    scaled = (values - values.max(axis=1, keepdims=True)) / temperature
    log_p = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
    n = len(labels)
    return float(-(log_p[np.arange(n), labels] * n + log_p.mean(axis=1)).mean() / (n + 1))


def of_random(values: Reals, stated: float) -> Confidence:
    """Of logits (n, n_classes) of samples without labels."""
    return Confidence(len(values), stated, stated, None, "there are no labelled samples",
                      None, None, None, None, *_ends(values, stated))


def of_labelled(values: Reals, labels: NDArray[np.int64], stated: float,
                keep: str = "") -> Confidence:
    """Of logits (n, n_classes) and labels (n,); the temperature is fitted where these refute the
    one stated. keep: why it is not, whatever they say."""
    best, why = _best(values, labels, stated)
    why = why or keep
    temperature = stated if why or best is None else best
    error_before, error_after = (calibration_error(probabilities(values, t), labels)
                                 for t in (stated, temperature))
    loss_before, loss_after = (likelihood_loss(values, labels, t) for t in (stated, temperature))
    return Confidence(len(values), temperature, stated, best, why, error_before, error_after,
                      loss_before, loss_after, *_ends(values, temperature))


def _ends(values: Reals, temperature: float) -> tuple[float, float]:
    """Shares of samples that are certain, and flat."""
    sure = probabilities(values, temperature).max(axis=1)
    return (float((sure > 1 - CERTAIN).mean()),
            float((sure < (1 + HARDLY) / values.shape[1]).mean()))


def _best(values: Reals, labels: NDArray[np.int64], stated: float) -> tuple[float | None, str]:
    """The temperature that labels have, and why it is not taken."""
    n, chance = len(labels), math.log(values.shape[1])
    if len(np.unique(labels)) == 1:
        return None, ONE_CLASS
    found = fit(values, labels)
    gain = n * (chance - likelihood_loss(values, labels, found))
    if gain < max(REFUTED, LEAST * n * chance):
        return None, "its classes have nothing to do with the labels"
    if n * (likelihood_loss(values, labels, stated) - likelihood_loss(values, labels, found)) \
            < REFUTED:
        return found, "the samples agree with it"
    return found, ""
