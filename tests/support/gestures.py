"""A network of four gestures that two more can be taught, and samples of all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import edge_dassdp as ed
from edge_dassdp.ir import Population, Projection, Readout

N_KNOWN, N_INPUTS = 4, 12
CENTRES = np.random.default_rng(5).normal(0, 1.6, (N_KNOWN + 2, N_INPUTS))


def samples(labels: NDArray[Any] | list[int], seed: int = 1) -> NDArray[np.float32]:
    """Around the centre of each class."""
    noise = np.random.default_rng(seed).normal(0, 0.4, (len(labels), N_INPUTS))
    return (CENTRES[np.asarray(labels)] + noise).astype(np.float32)


def network() -> ed.Network:
    """A reservoir whose readout is drawn, of the classes that it knows."""
    rng = np.random.default_rng(2)
    w1, w2 = rng.normal(0, 0.6, (N_INPUTS, 32)), rng.normal(0.05, 0.4, (32, 24))
    return ed.Network(
        (ed.ir.Input("x", N_INPUTS),),
        (Population("h1", 32, 0.9, 1.0), Population("h2", 24, 0.9, 1.0),
         Population("out", N_KNOWN, 0.9, 1.0, reset="none")),
        (Projection("fc1", "x", "h1", w1), Projection("fc2", "h1", "h2", w2),
         Projection("fc3", "h2", "out", rng.normal(0, 0.3, (24, N_KNOWN)))),
        Readout("out", "membrane_sum"), 12)


Y = np.arange(80) % N_KNOWN
RULES = {"fc2": ed.ErrorTouch(32.0), "fc3": ed.ReadoutDelta(0.4)}


def model(means: bool = True, spare: int = 2, replay: ed.Replay | None = None,
          names: tuple[str, ...] = ("sit", "walk", "run", "jump"), **more: Any) -> ed.QNetwork:
    learning = ed.Learning(RULES, replay=replay or ed.Replay(40, 3, 3), class_means=means, **more)
    return ed.quantize(network(), learning, x=samples(Y), y=Y, classes=names, spare_classes=spare)
