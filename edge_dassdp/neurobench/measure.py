"""NeuroBench's metrics, counted as its package does: neurobench 2.3.0, metrics/static/footprint.py
and connection_sparsity.py, metrics/workload/activation_sparsity.py, synaptic_operations.py and
membrane_updates.py. docs/neurobench.md has them in words, and where ours differ on purpose."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.base.numbers import array_of
from edge_dassdp.harness import sample_rows
from edge_dassdp.ir import Network
from edge_dassdp.neurobench.layers import Layer, layers_of
from edge_dassdp.neurobench.run import Run, run
from edge_dassdp.plan import Plan
from edge_dassdp.plan.ledger import constant_bytes
from edge_dassdp.qir import QNetwork, QPopulation

_CHUNK = 64
"""Samples that run at a time: memory alone depends on it."""


@dataclass(frozen=True)
class Metrics:
    """Of a network on n_samples.

    footprint: bytes of weights, biases and constants of neurons; float32 in a float network, their
    own bits in a quantized one. connection_sparsity: share of weights that are 0, 0 to 1.
    activation_sparsity: share of neuron-steps without a spike, 0 to 1. A sample, mean: dense:
    synaptic operations if no weight and no value were 0; effective_macs, effective_acs: those with
    neither 0, of steps in which a layer hears numbers, and of those in which it hears 0, 1 and -1
    alone; membrane_updates: membranes that a step changes. flash_bytes, ram_bytes: of a quantized
    network, its constants in flash and its state in RAM, tables, code and stack left out; None of a
    float one.
    """

    n_samples: int
    footprint: int
    connection_sparsity: float
    activation_sparsity: float
    dense: float
    effective_macs: float
    effective_acs: float
    membrane_updates: float
    flash_bytes: int | None = None
    ram_bytes: int | None = None

    def row(self) -> dict[str, Any]:
        """By name, for a table; without what a float network has not."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def metrics(model: Network | QNetwork, x: ArrayLike) -> Metrics:
    """Of a float network, or of a quantized one as it runs on the device, with factory weights.

    x: samples as `Device` takes them. Raises EdgeError E104 where there is none, for samples of
    another shape and for values that no network takes.
    """
    samples = _samples(model, x)
    layers = layers_of(model)
    counted = [q for q in layers if not q.is_one_to_one]
    tally = _Tally(model.n_steps, counted)
    for start in range(0, len(samples), _CHUNK):
        tally.add(run(model, samples[start : start + _CHUNK]))
    n, zeros = len(samples), sum(int((q.weight == 0).sum()) for q in counted)
    is_spiking = tally.is_spiking
    held = (None, None) if isinstance(model, Network) else _on_device(model)
    return Metrics(
        n, _footprint(model, layers), zeros / max(1, sum(q.weight.size for q in counted)),
        1 - tally.n_spiked / tally.n_neuron_steps,
        float(sum(int(q.fan_out(np.ones(q.weight.shape, bool)).sum()) for q in counted)
              * model.n_steps),
        int(tally.operations[~is_spiking].sum()) / n, int(tally.operations[is_spiking].sum()) / n,
        tally.n_updates / n, *held)


class _Tally:
    """What chunks of samples add up to. operations: (n_layers, n_steps), effective ones.
    is_spiking: the same, whether all that a layer heard in a step was 0, 1 or -1, in all samples.
    """

    def __init__(self, n_steps: int, layers: list[Layer]) -> None:
        self.n_spiked = self.n_neuron_steps = self.n_updates = 0
        self.operations = np.zeros((len(layers), n_steps), np.int64)
        self.is_spiking = np.ones((len(layers), n_steps), bool)
        self._layers = [(q, q.fan_out(q.weight != 0)) for q in layers]

    def add(self, made: Run) -> None:
        n_steps = self.operations.shape[1]
        rasters = made.inputs | made.spikes
        for at, (q, fan_out) in enumerate(self._layers):
            heard = q.heard(rasters[q.pre], n_steps)
            self.operations[at] += np.count_nonzero(heard, axis=0) @ fan_out
            self.is_spiking[at] &= ((heard == 0) | (np.abs(heard) == 1)).all(axis=(0, 2))
        for spikes in made.spikes.values():
            self.n_spiked += int(np.count_nonzero(spikes))
            self.n_neuron_steps += spikes.size
        for v in made.membranes.values():
            self.n_updates += v[:, 0].size + int((v[:, 1:] != v[:, :-1]).sum())


def _samples(model: Network | QNetwork, x: ArrayLike) -> NDArray[np.float32]:
    if not array_of(x, "samples").size:
        raise EdgeError("E104", "there is no sample to run the network on",
                        help="give one or more: activity, operations and updates are counted on "
                        "them")
    with np.errstate(over="ignore"):
        samples = sample_rows(model.inputs, x)
    if not np.isfinite(samples).all():
        raise EdgeError("E104", "a sample holds a number beyond float32",
                        help="scale the samples as those that the network was trained on")
    return samples


def _footprint(model: Network | QNetwork, layers: tuple[Layer, ...]) -> int:
    if isinstance(model, QNetwork):
        bits = sum(q.weight.size * q.weight_bits for q in layers)
        return -(-bits // 8) + sum(map(_constant_bytes, model.populations))
    n = sum(q.n_weights + q.n_biases for q in layers)
    return 4 * (n + sum(p.n_constants for p in model.populations))


def _constant_bytes(p: QPopulation) -> int:
    """Of its integers as tables hold them; one that all neurons share is there once."""
    bits = p.membrane_bits
    values = [(p.leak_q15, 16), (p.fire_at, bits), (p.reset_by, bits), (p.bias, bits),
              (p.analogue_bias, 32)]
    values += [(t.values, 32 if "32" in t.ctype else 16) for t in p.terms]
    return sum((1 if (v == v[0]).all() else v.size) * b // 8 for v, b in values if v is not None)


def _on_device(model: QNetwork) -> tuple[int, int]:
    plan = Plan.of(model)
    return constant_bytes(plan), plan.layout.state_bytes
