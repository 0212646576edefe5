"""Networks whose frames arrive while they run."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_dassdp.build.compile import build_emulator
from edge_dassdp.emit import emit
from edge_dassdp.ir import Input, Network, Population, Projection, Readout, Sensor
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import frames_of
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.rules import Learning
from edge_dassdp.targets.target import Decision, Target

N_STEPS, N_CLASSES = 7, 4
KINDS = ("currents", "spikes", "events", "counts", "sensor")


@cache
def streamed(kind: str = "currents", size: int = 12, hop: int = 3, *, learns: bool = False,
             n_steps: int = N_STEPS) -> QNetwork:
    """size: values of a frame."""
    rng = np.random.default_rng(size)
    source = Input("x", size, n_steps, kind not in ("currents", "sensor"),
                   n_events=max(size, 4) * n_steps if kind in ("events", "counts") else 0,
                   counts=kind == "counts")
    network = Network(
        (source,), (Population("h", 16, 0.9, 1.0), Population("out", N_CLASSES, 0.9, 1.0, "none")),
        (Projection("xh", "x", "h", rng.normal(0, 2 / size**0.5, (size, 16))),
         Projection("ho", "h", "out", rng.normal(0, 0.7, (16, N_CLASSES)))),
        Readout("out", "membrane_sum"), n_steps)
    if kind == "sensor":
        network = network.with_sensor(Sensor(6, 1 / 512, 0.1))  # type: ignore[arg-type]
    x = rng.normal(0, 1, (12, network.n_inputs)).astype(np.float32) if not source.spikes else None
    return quantize(network, Learning.default(network) if learns else None, Settings(hop=hop),
                    x, None if x is None else np.arange(12) % N_CLASSES).network


@cache
def library(network: QNetwork) -> Path:
    """The checked emulator, with the device's side of the link in it."""
    return build_emulator(emit(Plan.of(network)), checked=True)


def pushed(target: Target, network: QNetwork, samples: NDArray[np.int8],
           hop: int | None = None) -> list[Decision | None]:
    """What each push of these samples, one behind the other, decides."""
    target.open_stream(network.hop if hop is None else hop)
    found = [target.push(frame) for x in samples for frame in frames_of(network, x)]
    target.close_stream()
    return found


def told(decisions: list[Decision | None]) -> list[object]:
    return [None if d is None else (d.class_idx, d.logits.tolist()) for d in decisions]
