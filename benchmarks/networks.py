"""Whole networks on every core: a step, an inference, a learning step, beside the peers' layers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from counting import Outcome, Record
from device import Device, runtime_flash
from kernels import MODEL, accumulate_layer
from workload import N_STEPS, SIZES, quantized

from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.reference import Reference

SETTLED = 5
"""Steps before one that is counted."""


def record(name: str, core: str, what: str, outcome: Outcome, per: str = "call",
           work: float = 1) -> Record:
    return Record(name, core, what, outcome.instructions, per, work, outcome.cycles,
                  None if outcome.cycles is None else MODEL)


def step(core: str, activity: float, bits: int) -> Record:
    """One time step of the benchmark network, its bits checked against the reference."""
    network, x = quantized(activity, bits)
    device, reference = Device(network, core), Reference(network)
    sample, last_step = _typical(network, x, activity)
    device.begin(x[sample])
    reference.begin(x[sample : sample + 1])
    for t_step in range(last_step + 1):
        device.step()
        reference.step(t_step)
    last = device.run()[-1]
    same_bits(device.state(last), reference, network)
    active = [round(activity * SIZES[0])]
    active += [int(s[0].sum()) for s in reference.spikes.values()]
    return record(f"step_{bits}_{round(100 * activity)}", core,
                  f"{'-'.join(map(str, SIZES))}, one step, {bits}-bit weights, active "
                  f"{'-'.join(map(str, active))}", last)


def _typical(network: QNetwork, x: np.ndarray, activity: float) -> tuple[int, int]:
    """Sample and step in which the hidden layers are most nearly as active as asked for."""
    reference, off = Reference(network), {}
    reference.begin(x)
    for t_step in range(network.n_steps):
        reference.step(t_step)
        hidden = [s for name, s in reference.spikes.items() if name != network.readout]
        away = sum(np.abs(s.sum(axis=1) - activity * s.shape[1]) for s in hidden)
        if t_step >= SETTLED:
            off |= {(sample, t_step): float(n) for sample, n in enumerate(away)}
    return min(off, key=lambda at: off[at])


def same_bits(state: dict[str, np.ndarray], reference: Reference, network: QNetwork) -> None:
    """Membranes, and who spikes. Raises AssertionError."""
    for p in network.populations:
        assert (state[f"v_{p.name}"] == reference.v[p.name][0]).all(), p.name
        assert (state[f"spk_{p.name}"] == (reference.spikes[p.name][0] != 0)).all(), p.name


def learning(core: str, n_samples: int = 4) -> Iterator[Record]:
    """An inference and a labelled learning step that wrote both deeper projections: means."""
    network, x = quantized(0.2, 8, learns=True)
    device, reference = Device(network, core), Reference(network)
    written = []
    for i in range(n_samples):
        device.note(x[i])
        device.infer(x[i])
        device.learn(i % network.n_classes)
        written.append(reference.learn(x[i], i % network.n_classes).is_updated)
    outcomes = device.run()
    state, expected = device.state(outcomes[-1]), reference.named_state()
    assert all((state[name] == expected[name]).all() for name in expected), core
    assert all(written)
    forward, lesson = (mean(outcomes[k::3]) for k in (1, 2))
    what = f"{'-'.join(map(str, SIZES))}, {N_STEPS} steps, 20 % active, 8-bit weights"
    yield record("inference", core, what, forward)
    yield record("learning", core, f"{what}: error and update of two projections", lesson)


def mean(outcomes: list[Outcome]) -> Outcome:
    """Of instructions and cycles, rounded."""
    cycles = [o.cycles for o in outcomes]
    return Outcome("mean", round(np.mean([o.instructions for o in outcomes])),
                   None if None in cycles else round(np.mean(cycles)), 0, ())


def layer(core: str) -> Iterator[Record]:
    """One layer 256 to 128 at 20 % activity: listing and accumulating, as CMSIS-NN's dense one."""
    for bits in (8, 6):
        outcome = accumulate_layer(core, bits)
        yield record(f"layer_{bits}", core, f"layer 256 to 128, 51 active, {bits}-bit weights",
                     outcome)


def sizes(core: str) -> Iterator[Record]:
    """Flash of the runtime, and RAM of the benchmark network beyond its weights."""
    frozen, plastic = quantized(0.2, 8)[0], quantized(0.2, 8, learns=True)[0]
    for program, network in (("inference", frozen), ("learning", plastic), ("firmware", plastic)):
        n_bytes = runtime_flash(network, core, program)
        yield Record(f"flash_{program}", core, f"runtime flash without the model: {program}", 0,
                     bytes=n_bytes)
    layout = Plan.of(plastic).layout
    yield Record("ram", core, "RAM beyond weights, both deeper projections plastic", 0,
                 bytes=layout.state_bytes - layout.bytes_of("weights"))


def slopes(core: str) -> Iterator[Record]:
    """One layer 256 to n, 1 to 100 % of it active: instructions of a step, all over."""
    for width in (32, 128, 512, 1024):
        for percent in (1, 5, 20, 50, 100):
            network, x = quantized(percent / 100, 8, sizes=(256, width))
            device = Device(network, core)
            device.begin(x[0])
            device.step()
            n_active = round(256 * percent / 100)
            yield record(f"slope_{width}_{percent}", core,
                         f"layer 256 to {width}, {percent} % active, a step", device.run()[-1],
                         "synaptic operation", n_active * width)
