"""Instructions per operation of each core, fitted to firmware in QEMU: writes boards/costs.toml.

    python benchmarks/fit_costs.py [--networks 128] [--wired 160] [--cpu cortex-m4 ...]

Random networks (depth, widths, steps, inputs of currents or spikes, weight bits, membranes, resets,
skips, recurrence, frames, activity, rules), and wired ones (benchmarks/wired.py), are built for one
board of each cpu; every sample is classified and learned with counted instructions. Non-negative
least squares of the relative error prices the operations of edge_dassdp.figures.work. Every fourth
network of each kind and the digits network are held out and only tested on. What is too little to
be seen beside all that is priced by benchmarks/held_costs.py. With --cpu the entries of other cpus
stay as they are. Needs the extra `examples`, whose scikit-learn brings SciPy.
"""

from __future__ import annotations

import argparse
import functools
import re
import shlex
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, replace
from itertools import pairwise
from typing import Any

import held_costs
import numpy as np
import wired
from numpy.typing import NDArray
from scipy.optimize import nnls

from edge_dassdp import ir
from edge_dassdp.base import assets
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.board import Board, list_boards, load_board
from edge_dassdp.build.compile import Firmware, build_firmware
from edge_dassdp.data.datasets import load_dataset
from edge_dassdp.data.shifts import WornSensor
from edge_dassdp.demo import adaptation
from edge_dassdp.emit import emit
from edge_dassdp.figures.lesson import learning_work
from edge_dassdp.figures.prices import COSTS_FILE
from edge_dassdp.figures.work import OPERATIONS, Work, inference_work
from edge_dassdp.ir import Input, Network, Population, Projection, Readout
from edge_dassdp.plan import Plan
from edge_dassdp.plan.ledger import ram_ledger
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.rules import (
    DASSDP,
    SSDP,
    ErrorSSDP,
    ErrorTouch,
    Learning,
    ReadoutDelta,
    Replay,
    Rule,
)
from edge_dassdp.targets.qemu import COUNTER_BITS, Qemu

N_SAMPLES = 6
HELD_OUT = 4
SEED = 7
FloatArray = NDArray[np.float64]


@functools.cache
def boards() -> dict[str, Board]:
    """A board for each cpu whose instructions QEMU counts, on the first UART of its machine."""
    counting = [board for board in map(load_board, list_boards())
                if board.qemu and board.qemu.serial == 0
                and board.counter[-1].bits == COUNTER_BITS]
    return {board.cpu: board for board in counting}


@dataclass(frozen=True)
class Sampled:
    """A network, samples x, int8 (n, x_bytes), with labels y (n,), and the work that they are."""

    network: QNetwork
    x: NDArray[np.int8]
    y: NDArray[np.int64]
    inference: list[Work]
    learning: list[Work]

    @classmethod
    def of(cls, network: QNetwork, x: NDArray[np.int8], y: NDArray[np.int64]) -> Sampled:
        return cls(network, x, y, inference_work(network, x),
                   learning_work(network, x, y) if network.plastic else [])


@dataclass(frozen=True)
class Rows:
    """Operations (n, len(OPERATIONS)) and instructions (n,) of samples."""

    operations: FloatArray
    instructions: FloatArray

    @classmethod
    def of(cls, work: list[Work], instructions: list[int | None]) -> Rows:
        return cls(np.array([astuple(w) for w in work], np.float64).reshape(-1, len(OPERATIONS)),
                   np.array(instructions, np.float64))

    @classmethod
    def join(cls, parts: list[Rows]) -> Rows:
        return cls(np.concatenate([p.operations for p in parts]),
                   np.concatenate([p.instructions for p in parts]))


# ---- networks ------------------------------------------------------------------------------------

RESETS: list[tuple[Any, bool]] = [("none", True), ("subtract", True), ("subtract", False),
                                  ("zero", True), ("zero", False)]


def random_network(rng: np.random.Generator) -> Network:
    """A chain of 2 to 4 populations with skips and recurrence at random."""
    n_steps = int(rng.choice([4, 8, 10, 16, 25]))
    spikes = bool(rng.random() < 0.5)
    sizes = [int(n) for n in np.exp(rng.uniform(np.log(8), np.log(100), rng.integers(1, 4)))]
    sizes = [int(rng.integers(6, 200 if spikes else 80)), *sizes, int(rng.integers(2, 13))]
    names = ["x", *(f"h{i}" for i in range(1, len(sizes) - 1)), "out"]
    is_sum = bool(rng.random() < 0.7)
    projections = _projections(rng, sizes, names, spikes)
    populations = []
    for size, name in zip(sizes[1:], names[1:], strict=True):
        reset, delay = RESETS[rng.integers(5)] if name != "out" or not is_sum else RESETS[0]
        beta = float(rng.choice([0.5, 0.75, 0.85, 0.9, 0.97]))
        populations.append(Population(name, size, beta, 1.0, reset, delay,
                                      reset != "zero" or delay))
    frames = n_steps if rng.random() < (0.8 if spikes else 0.2) else 1
    return Network((Input("x", sizes[0], frames, spikes),), tuple(populations), projections,
                   Readout("out", "membrane_sum" if is_sum else "spike_count"), n_steps)


def _projections(rng: np.random.Generator, sizes: list[int], names: list[str],
                 spikes: bool) -> tuple[Projection, ...]:
    gain, made = float(rng.uniform(2.0, 6.0)), []

    def project(pre: int, post: int, scale: float) -> None:
        w = rng.normal(0, scale / np.sqrt(sizes[pre]), (sizes[pre], sizes[post]))
        made.append(Projection(f"p{pre}_{post}", names[pre], names[post], w,
                               rng.normal(0, 0.1, sizes[post])))

    for pre, post in pairwise(range(len(sizes))):
        project(pre, post, 1.5 if pre == 0 and not spikes else gain)
    if len(sizes) > 3 and rng.random() < 0.4:
        project(1, 3, gain)
    if rng.random() < 0.3:
        project(1, 1, 1.0)
    return tuple(made)


def random_learning(network: Network, rng: np.random.Generator) -> Learning | None:
    """Error rules alone (mostly), with a synchrony rule below the delta rule, or nothing; touch in
    place of latencies, and replay, in a part of the networks each."""
    spiking = {p.name for p in network.populations}
    plastic = [p for p in network.projections if p.pre in spiking]
    if not plastic or rng.random() < 0.1:
        return None
    batch = int(rng.choice([1, 1, 2, 4]))
    sync = (DASSDP if rng.random() < 0.5 else SSDP)(0.01, 0.004, batch=batch)
    with_sync = rng.random() < 0.3
    hidden: Rule = ErrorSSDP()
    if rng.random() < 0.4:
        hidden = ErrorTouch(columns=int(rng.choice([8, 16, 64])))
    rules: dict[str, Rule] = {}
    for p in plastic:
        if p.post == "out":
            rules[p.name] = ReadoutDelta(mu=2.0)
        elif with_sync:
            rules[p.name] = sync
        elif p.pre != p.post or rng.random() < 0.5:
            rules[p.name] = hidden
    replay = Replay(4, 1, n_ring=int(rng.integers(1, 3))) if rng.random() < 0.3 else None
    return Learning(rules, skip_below=0.0 if rng.random() < 0.7 else 0.3, replay=replay)


def random_settings(learning: Learning | None, rng: np.random.Generator) -> Settings:
    """Weights of 4 to 8 bits, plastic ones also of 16; membranes as narrow as they can be, or
    wide."""
    plastic = learning.rules if learning else {}
    return Settings(weight_bits=int(rng.choice([4, 5, 6, 7, 8, 8, 8])),
                    bits_of={name: 16 for name in plastic if rng.random() < 0.2},
                    threshold_bits=[None, None, None, 8, 13][rng.integers(5)],
                    leak=str(rng.choice(["auto", "q15"])),
                    membrane_bits=[None, None, None, 32][rng.integers(4)])


def random_x(network: Network, rng: np.random.Generator, most: float) -> NDArray[np.float32]:
    """Noise of growing activity: currents, or a share of spikes of up to `most`."""
    shape = (N_SAMPLES, network.n_inputs)
    if network.inputs[0].spikes:
        return (rng.random(shape) < np.linspace(0.03, most, N_SAMPLES)[:, None]).astype(np.float32)
    return rng.normal(0, np.geomspace(0.2, 2.0, N_SAMPLES)[:, None], shape).astype(np.float32)


def random_samples(rng: np.random.Generator) -> Sampled:
    """A quantized network that fits every board, and noise with random labels."""
    while True:
        network = random_network(rng)
        learning = random_learning(network, rng)
        settings = random_settings(learning, rng)
        is_dense = rng.random() < 0.15
        x = random_x(network, rng, 0.95 if is_dense else 0.5)
        y = rng.integers(network.n_classes, size=N_SAMPLES)
        calibration = x[-2:] if is_dense else x if learning and learning.replay else None
        try:
            made = quantize(network, learning, settings, calibration, y).network
            if fits(made):
                return Sampled.of(made, input_x(made, x), y)
        except EdgeError:  # it does not fit in numbers, or in RAM
            continue


def fits(network: QNetwork) -> bool:
    """Into the flash of every board. Raises EdgeError E402 if it does not into its RAM."""
    return all(ram_ledger(Plan.of(network), board).flash_bound <= board.flash.bytes
               for board in boards().values())


def wired_samples(rng: np.random.Generator) -> Sampled:
    """A network of benchmarks/wired.py in the same way."""
    while True:
        try:
            network = wired.random_network(rng)
            learning = wired.random_learning(network, rng)
            x = wired.random_x(network, rng, N_SAMPLES)
            y = rng.integers(network.n_classes, size=N_SAMPLES)
            settings = random_settings(learning, rng)
            if not network.inputs[0].spikes and rng.random() < 0.5:  # int16 sums of currents
                settings = replace(settings, weight_bits=4)
            made = quantize(network, learning, settings, x, y).network
            if fits(made):
                return Sampled.of(made, input_x(made, x), y)
        except EdgeError:  # a window, a number or RAM that does not fit
            continue


def digits_samples() -> Sampled:
    """The demo's network on its worn sensor."""
    folder = assets.folder("examples") / "digits"
    data = load_dataset(folder / "data.npz")
    network = ir.load(folder / "digits_seed0.npz")
    made = quantize(network, adaptation.ours(network), Settings(), data.train.x).network
    task = adaptation.Task(network, data, WornSensor.draw(made.x_bytes, 0, dark=data.dark), 0)
    return Sampled.of(made, input_x(made, task.stream.x[:40]), task.stream.y[:40])


# ---- counting and fitting ------------------------------------------------------------------------

def count(sampled: Sampled, board: Board) -> tuple[Rows, Rows, Firmware]:
    """Inference and learning of every sample, on the reference and in QEMU."""
    firmware = build_firmware(emit(Plan.of(sampled.network)), board)
    learned = []
    with Qemu.start(sampled.network, firmware, count=True) as device:
        inferred = [device.infer(x).forward_ticks for x in sampled.x]
        if sampled.learning:
            learned = [device.learn(x, int(label)).learn_ticks
                       for x, label in zip(sampled.x, sampled.y, strict=True)]
    return Rows.of(sampled.inference, inferred), Rows.of(sampled.learning, learned), firmware


def fit(parts: list[Rows]) -> FloatArray:
    """Prices (len(OPERATIONS),) of least relative error, none negative."""
    rows = Rows.join(parts)
    scale = rows.instructions[:, None]
    return np.asarray(nnls(rows.operations / scale, np.ones(len(scale)))[0])


def summary(parts: list[Rows], prices: FloatArray) -> tuple[float, float]:
    """Mean and largest |error| of a network's total, in percent."""
    totals = [abs(float((p.operations @ prices).sum() / p.instructions.sum() - 1))
              for p in parts if len(p.instructions)]
    return 100 * float(np.mean(totals)), 100 * max(totals)


Pairs = list[tuple[Rows, Rows]]
"""Inference and learning of networks."""


@dataclass(frozen=True)
class Counted:
    """All networks on one board: fitted or held out, wired ones and digits apart."""

    fitted: Pairs
    held_out: Pairs
    wired_fitted: Pairs
    wired_held_out: Pairs
    digits: Pairs
    firmware: Firmware


def count_all(networks: list[Sampled], wired_networks: list[Sampled], digits: Sampled,
              board: Board) -> Counted:
    """Two at a time: counts do not depend on the computer's load."""
    with ThreadPoolExecutor(2) as pool:
        counted = list(pool.map(lambda sampled: count(sampled, board),
                                [*networks, *wired_networks, digits]))
    parts = [(inference, learning) for inference, learning, _ in counted]
    n = len(networks)
    return Counted(*_split(parts[:n]), *_split(parts[n:-1]), parts[-1:], counted[-1][2])


def _split(parts: Pairs) -> tuple[Pairs, Pairs]:
    """Those that are fitted, and those held out."""
    return [p for i, p in enumerate(parts) if i % HELD_OUT], parts[::HELD_OUT]


def table(counted: Counted, prices: FloatArray) -> Iterator[str]:
    """The lines of costs.toml for one core."""
    firmware, board = counted.firmware, counted.firmware.board
    flags = [f for f in firmware.flags if f.startswith(("-std", "-m", "-O", "-f"))]
    kernels = sorted({path.parent.name
                      for path in (firmware.directory / "kernels").glob("*/*.[cS]")})
    yield f"[{board.cpu}]"
    yield f'compiler = "{firmware.compiler}"'
    yield f'flags = "{shlex.join(flags)}"'
    yield f"kernels = {kernels}".replace("'", '"')
    for kind, what in enumerate(("inference", "learning")):
        groups = {"fitted": counted.fitted, "held_out": counted.held_out,
                  "wired_fitted": counted.wired_fitted,
                  "wired_held_out": counted.wired_held_out, "digits": counted.digits}
        for name, parts in groups.items():
            if not any(len(p[kind].instructions) for p in parts):
                continue  # of --wired 0
            mean, largest = summary([p[kind] for p in parts], prices)
            n = sum(bool(len(p[kind].instructions)) for p in parts)
            yield (f"error_{what}_{name} = {{ networks = {n}, mean_percent = {mean:.1f}, "
                   f"largest_percent = {largest:.1f} }}")
    yield f"\n[{board.cpu}.instructions]"
    for operation, price in zip(OPERATIONS, prices, strict=True):
        if operation != "unpriced" and operation not in held_costs.HELD:
            yield f"{operation} = {price:.2f}"


HEADER = """\
# Instructions per operation of edge_dassdp.figures.work, by cpu. Not a board. Written by
# benchmarks/fit_costs.py and held_costs.py from instructions counted in QEMU, for the compiler,
# flags and kernel folders named; errors are of a network's total, held-out networks and
# digits were not fitted."""


def entries(text: str) -> dict[str, str]:
    """{cpu: its lines} of a costs.toml."""
    blocks = re.split(r"^(?=\[[^.\]]+\]$)", text, flags=re.MULTILINE)[1:]
    return {block[1 : block.index("]")]: block.strip() for block in blocks}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=128)
    parser.add_argument("--wired", type=int, default=160)
    parser.add_argument("--cpu", nargs="+", choices=sorted(boards()), default=sorted(boards()))
    arguments = parser.parse_args()
    rng = np.random.default_rng(SEED)
    networks = [random_samples(rng) for _ in range(arguments.networks)]
    wired_networks = [wired_samples(rng) for _ in range(arguments.wired)]
    digits = digits_samples()
    path = assets.folder("boards") / COSTS_FILE
    for cpu in arguments.cpu:
        begin = time.monotonic()
        counted = count_all(networks, wired_networks, digits, boards()[cpu])
        fitted = [*counted.fitted, *counted.wired_fitted]
        lines = list(table(counted, fit([rows for pair in fitted for rows in pair])))
        lines += held_costs.lines(boards()[cpu], held_costs.priced("\n".join(lines), cpu))
        print(f"{cpu}, {time.monotonic() - begin:.0f} s", flush=True)
        print("\n".join(line for line in lines if line.startswith("error_")), flush=True)
        made = entries(path.read_text(encoding="utf-8")) | {cpu: "\n".join(lines)}
        kept = [made[name] for name in sorted(made) if name in boards()]
        path.write_text("\n\n".join([HEADER, *kept]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
