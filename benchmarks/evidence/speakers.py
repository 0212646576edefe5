"""Deterding's vowels: a shift that nobody computed, from speakers a network knows to a new one.

15 speakers, 11 vowels, six repetitions of each, nine features a sample. Per seed five speakers are
new: the network is trained on the first four repetitions of the other ten. A new speaker's first
three repetitions are the stream, the last three the test; of the known ones, and of the original
accuracy, the fifth and the sixth. No constant was ever chosen on them. The recordings are those of
mlbench (Debian's r-cran-mlbench), which rdata reads.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.data.datasets import Samples
from edge_dassdp.ir import Network
from evidence import sets
from evidence.sets import Set, Shifted, Source

MLBENCH = Path(os.environ.get("MLBENCH", "/usr/lib/R/site-library/mlbench/data"))
N_SPEAKERS, N_NEW, N_CLASSES, N_FEATURES = 15, 5, 11, 9
N_STEPS, EPOCHS = 16, 60
KNOWN = "known speakers"
NEW = tuple(f"new speaker {k + 1}" for k in range(N_NEW))
TRAINING, STREAM, TEST = (0, 4), (0, 3), (3, 6)
KNOWN_STREAM, KNOWN_TEST = (4, 5), (5, 6)
"""Repetitions, from the first to behind the last."""


@cache
def recordings() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """(speaker, repetition, vowel, feature) and the classes of the vowels."""
    import rdata

    table = rdata.read_rda(MLBENCH / "Vowel.rda")["Vowel"]
    y = table["Class"].cat.codes.to_numpy(np.int64).reshape(N_SPEAKERS, -1, N_CLASSES)
    assert (np.diff(table["V1"].astype(int)) >= 0).all() and (y == y[0, 0]).all()
    x = table[[f"V{k + 2}" for k in range(N_FEATURES)]].to_numpy(np.float32)
    return x.reshape(*y.shape, N_FEATURES), y[0, 0]


def new_speakers(seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).choice(N_SPEAKERS, N_NEW, replace=False)


def _source(seed: int) -> tuple[Source, NDArray[np.float32], NDArray[np.float32]]:
    """What the network is trained on, and mean and std of its features."""
    known = np.setdiff1d(np.arange(N_SPEAKERS), new_speakers(seed))
    raw = _samples(known, TRAINING)
    mean, std = raw.x.mean(axis=0), raw.x.std(axis=0)
    nothing = Samples(raw.x[:0], raw.y[:0])
    return (Source(Samples((raw.x - mean) / std, raw.y), nothing, nothing, N_CLASSES), mean, std)


def _samples(speakers: NDArray[np.int64], repetitions: tuple[int, int]) -> Samples:
    x, y = recordings()
    chosen = x[speakers, slice(*repetitions)].reshape(-1, N_CLASSES, N_FEATURES)
    return Samples(chosen.reshape(-1, N_FEATURES), np.tile(y, len(chosen)))


def shifted(scenario: str, seed: int) -> Shifted:
    """One new speaker of NEW, or the KNOWN ones where nothing shifts; the stream in an order drawn
    from `seed`."""
    source, mean, std = _source(seed)
    new = new_speakers(seed)
    known = np.setdiff1d(np.arange(N_SPEAKERS), new)

    def samples(speakers: NDArray[np.int64], repetitions: tuple[int, int]) -> Samples:
        raw = _samples(speakers, repetitions)
        return Samples((raw.x - mean) / std, raw.y)

    original = samples(known, KNOWN_TEST)
    if scenario == KNOWN:
        stream, test = samples(known, KNOWN_STREAM), original
    else:
        who = new[[NEW.index(scenario)]]
        stream, test = samples(who, STREAM), samples(who, TEST)
    rows = np.random.default_rng((seed, (*NEW, KNOWN).index(scenario))).permutation(len(stream))
    return Shifted(source.training, Samples(stream.x[rows], stream.y[rows]), test, original, None)


@cache
def network(seed: int) -> Network:
    return sets.network("deterding", lambda: _source(seed)[0], N_STEPS, EPOCHS, seed)


SET = Set("Deterding's vowels", ("rdata", MLBENCH), (*NEW, KNOWN), network, shifted)
