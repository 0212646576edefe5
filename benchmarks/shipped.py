"""Networks that people have, beside the benchmark's own: the two demonstrations with what they
learn by, and two that others published (examples/nir). Bits are compared with the reference before
a count is believed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
from counting import Outcome, Record
from device import Device
from networks import mean, record, same_bits
from numpy.typing import NDArray

from edge_dassdp import ir
from edge_dassdp.base import assets
from edge_dassdp.data import watch
from edge_dassdp.data.datasets import Samples, load_dataset
from edge_dassdp.data.shifts import WornSensor
from edge_dassdp.demo import adaptation
from edge_dassdp.demo.watch_learning import REPLAY, TOUCH, WIDE, learning, quantized
from edge_dassdp.frontends.nir import from_nir
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.reference import Reference
from edge_dassdp.rules import ErrorTouch

CORES = ("M0", "M4")
N_LESSONS, SETTLED, N_STEPS, SEED = 6, 12, 4, 1
"""Lessons of a mean; steps before those that are counted, and how many."""

Given = tuple[QNetwork, NDArray[np.int8], NDArray[np.int64]]


@cache
def digits() -> Given:
    """64-96-64-10, two projections learn: the first samples of a worn sensor's stream."""
    folder = assets.folder("examples") / "digits"
    data = load_dataset(folder / "data.npz")
    network = ir.load(folder / "digits_seed0.npz")
    made = quantize(network, adaptation.ours(network), Settings(), data.train.x).network
    shift = WornSensor.draw(data.train.x.shape[1], 0, dark=data.dark)
    return _first(made, adaptation.Task(network, data, shift, 0).stream)


@cache
def wrist() -> Given:
    """24-128-64-7, touch and replay, three of the ring after each lesson, as on the STM32F405, but
    for the gate, behind which the first lessons would do nothing."""
    folder = assets.folder("examples") / "watch"
    scenario = watch.scenario("Ap", 0, watch.load_watch(folder / "data.npz"))
    network = ir.load(folder / "watch_seed0.npz").with_sensor(scenario.scale.sensor)
    touch = ErrorTouch(TOUCH.mu, columns=WIDE)
    how = replace(learning(network, touch, REPLAY), gate=None)
    made = quantized(network, how, scenario.replay)
    return _first(made, scenario.stream)


@cache
def nmnist() -> Given:
    """Sinabs' convolutional network on random events, 1 % of its inputs a step."""
    network = from_nir(assets.folder("examples/nir") / "cnn_sinabs.nir", profile="sinabs",
                       n_steps=SETTLED + N_STEPS, n_events=10_000, counts=True)
    return _random(quantize(network).network, network, 0.01)


@cache
def braille() -> Given:
    """snnTorch's recurrent reader with 16-bit weights on random spikes, 15 % a step."""
    network = from_nir(assets.folder("examples/nir") / "braille_noDelay_bias_zero.nir",
                       profile="snntorch,reset=zero,reset_delay=false", n_steps=SETTLED + N_STEPS)
    made = quantize(network, settings=Settings(weight_bits=16, threshold_bits=14)).network
    return _random(made, network, 0.15)


ALL = (digits, wrist, nmnist, braille)


def _first(network: QNetwork, samples: Samples) -> Given:
    return (network, input_x(network, samples.x[:N_LESSONS]),
            np.asarray(samples.y[:N_LESSONS], np.int64))


def _random(made: QNetwork, network: ir.Network, share: float) -> Given:
    n = network.n_steps * network.inputs[0].size
    x = (np.random.default_rng(SEED).random((1, n)) < share).astype(np.float32)
    return made, input_x(made, x), np.zeros(1, np.int64)


def measure(core: str) -> Iterator[Record]:
    """Inference and lesson of the demonstrations, a step of the others."""
    if core in CORES:
        yield from _lessons(core, "digits", "digits 64-96-64-10, 8 steps", digits())
        yield from _lessons(core, "watch", "watch 24-128-64-7, 25 steps, touch, K = 3", wrist())
        yield _step(core, "nmnist_step", "N-MNIST CNN, a step, 1 % active", nmnist())
        yield _step(core, "braille_step", "Braille 12-38-7, 16-bit weights, a step, 15 % active",
                    braille())


def _lessons(core: str, name: str, what: str, given: Given) -> Iterator[Record]:
    """Means over the lessons that wrote weights, and over all inferences."""
    network, x, y = given
    device, reference = Device(network, core), Reference(network)
    wrote, n_read = [], 0
    for sample, label in zip(x, y, strict=True):
        is_read = network.sensor is not None
        n_read = device.read(sample) if is_read else 0
        device.note(None if is_read else sample)
        device.infer(None if is_read else sample)
        device.learn(int(label))
        wrote.append(reference.learn(sample, int(label)).is_updated)
    outcomes = device.run()
    state, expected = device.state(outcomes[-1]), reference.named_state()
    assert all((state[n] == expected[n]).all() for n in expected), (name, core)
    each = n_read + 3
    lessons = [o for o, is_written in zip(outcomes[n_read + 2::each], wrote, strict=True)
               if is_written]
    yield record(f"{name}_inference", core, f"{what}: an inference",
                 mean(outcomes[n_read + 1::each]))
    yield record(f"{name}_lesson", core, f"{what}: a lesson that writes", mean(lessons))


def _step(core: str, name: str, what: str, given: Given) -> Record:
    network, x, _ = given
    device, reference = Device(network, core), Reference(network)
    device.begin(x[0])
    reference.begin(x)
    for t_step in range(network.n_steps):
        device.step()
        reference.step(t_step)
    outcomes: list[Outcome] = device.run()
    same_bits(device.state(outcomes[-1]), reference, network)
    return record(name, core, what, mean(outcomes[-N_STEPS:]))
