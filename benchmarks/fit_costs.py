"""Instructions per operation of each core, fitted to firmware in QEMU: writes boards/costs.toml.

    python benchmarks/fit_costs.py [--networks 96]

Random networks (depth, widths, steps, weight bits, resets, skips, recurrence, frames, activity,
rules) are built for each board; every sample is classified and learned with counted
instructions. Non-negative least squares of the relative error prices the operations of
edge_dassdp.work. Every fourth network and the digits network are held out and only tested on.
Needs the extra `examples`, whose scikit-learn brings SciPy.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from edge_dassdp import adaptation, assets, ir
from edge_dassdp.board import Board, load_board
from edge_dassdp.build import Firmware, build_firmware
from edge_dassdp.datasets import load_dataset
from edge_dassdp.emit import emit
from edge_dassdp.errors import EdgeError
from edge_dassdp.ir import Input, Network, Population, Projection, Readout
from edge_dassdp.plan import ram_ledger
from edge_dassdp.qir import QNetwork
from edge_dassdp.quantize import Settings, input_x, quantize
from edge_dassdp.rules import DASSDP, SSDP, ErrorSSDP, Learning, ReadoutDelta, Rule
from edge_dassdp.shifts import WornSensor
from edge_dassdp.targets.qemu import Qemu
from edge_dassdp.work import COSTS_FILE, OPERATIONS, Work, inference_work, learning_work

BOARDS = ("stm32f405", "microbit")
N_SAMPLES = 6
HELD_OUT = 4
Sampled = tuple[QNetwork, NDArray[np.int8], NDArray[np.int64]]


@dataclass(frozen=True)
class Rows:
    """Operations (n, len(OPERATIONS)) and instructions (n,) of samples."""

    operations: NDArray[np.float64]
    instructions: NDArray[np.float64]

    @classmethod
    def of(cls, work: list[Work], instructions: list[int | None]) -> Rows:
        return cls(np.array([astuple(w) for w in work], np.float64).reshape(-1, len(OPERATIONS)),
                   np.array(instructions, np.float64))

    @classmethod
    def join(cls, parts: list[Rows]) -> Rows:
        return cls(np.concatenate([p.operations for p in parts]),
                   np.concatenate([p.instructions for p in parts]))


# ---- networks ------------------------------------------------------------------------------------

def random_network(rng: np.random.Generator) -> Network:
    """A chain of 2 to 4 populations with skips and recurrence at random."""
    resets: list[tuple[Any, bool]] = [("none", True), ("subtract", True), ("subtract", False),
                                      ("zero", True), ("zero", False)]
    n_steps = int(rng.choice([4, 8, 10, 16, 25]))
    sizes = [int(n) for n in np.exp(rng.uniform(np.log(8), np.log(90), rng.integers(1, 4)))]
    sizes = [int(rng.integers(6, 80)), *sizes, int(rng.integers(2, 13))]
    gain, names = float(rng.uniform(2.0, 6.0)), ["x", *(f"h{i}" for i in range(1, len(sizes) - 1)),
                                                  "out"]
    is_sum = bool(rng.random() < 0.7)
    populations, projections = [], []

    def project(pre: int, post: int, scale: float) -> None:
        w = rng.normal(0, scale / np.sqrt(sizes[pre]), (sizes[pre], sizes[post]))
        projections.append(Projection(f"p{pre}_{post}", names[pre], names[post], w,
                                      rng.normal(0, 0.1, sizes[post])))

    for post, name in enumerate(names[1:], 1):
        reset, delay = resets[rng.integers(5)] if name != "out" or not is_sum else ("none", True)
        beta = float(rng.choice([0.5, 0.75, 0.9, 0.97]))
        populations.append(Population(name, sizes[post], beta, 1.0, reset, delay,
                                      reset != "zero" or delay))
    for pre, post in pairwise(range(len(sizes))):
        project(pre, post, 1.5 if pre == 0 else gain)
    if len(sizes) > 3 and rng.random() < 0.4:
        project(1, 3, gain)
    if rng.random() < 0.3:
        project(1, 1, 1.0)
    frames = n_steps if rng.random() < 0.2 and n_steps * sizes[0] < 400 else 1
    return Network((Input("x", sizes[0], frames),), tuple(populations), tuple(projections),
                   Readout("out", "membrane_sum" if is_sum else "spike_count"), n_steps)


def random_learning(network: Network, rng: np.random.Generator) -> Learning | None:
    """Error rules alone (mostly), with a synchrony rule below the delta rule, or nothing."""
    spiking = {p.name for p in network.populations}
    plastic = [p for p in network.projections if p.pre in spiking]
    if not plastic or rng.random() < 0.1:
        return None
    batch = int(rng.choice([1, 1, 2, 4]))
    sync = (DASSDP if rng.random() < 0.5 else SSDP)(0.01, 0.004, batch=batch)
    with_sync = rng.random() < 0.3
    rules: dict[str, Rule] = {}
    for p in plastic:
        if p.post == "out":
            rules[p.name] = ReadoutDelta(mu=2.0)
        elif with_sync:
            rules[p.name] = sync
        elif p.pre != p.post or rng.random() < 0.5:
            rules[p.name] = ErrorSSDP()
    return Learning(rules, skip_below=0.0 if rng.random() < 0.7 else 0.3)


def random_samples(rng: np.random.Generator) -> Sampled:
    """A quantized network that fits every board, and noise with random labels."""
    while True:
        network = random_network(rng)
        learning = random_learning(network, rng)
        plastic = learning.rules if learning else {}
        settings = Settings(bits_of={name: int(rng.choice([4, 8, 8, 8, 16])) for name in plastic},
                            threshold_bits=int(rng.choice([8, 10, 10, 13])),
                            leak=str(rng.choice(["auto", "auto", "q15"])))
        try:
            made = quantize(network, learning, settings).network
            for name in BOARDS:
                ram_ledger(made, load_board(name))
        except EdgeError:  # it does not fit in numbers, or in RAM
            continue
        x = rng.normal(0, np.geomspace(0.2, 2.0, N_SAMPLES)[:, None],
                       (N_SAMPLES, network.n_inputs)).astype(np.float32)
        return made, input_x(made, x), rng.integers(network.n_classes, size=N_SAMPLES)


def digits_samples() -> Sampled:
    """The demo's network on its worn sensor."""
    folder = assets.folder("examples") / "digits"
    data = load_dataset(folder / "data.npz")
    network = ir.load(folder / "digits_seed0.npz")
    made = quantize(network, adaptation.ours(network), Settings(), data.train.x).network
    task = adaptation.Task(network, data, WornSensor.draw(made.x_bytes, 0, dark=data.dark), 0)
    return made, input_x(made, task.stream.x[:40]), task.stream.y[:40]


# ---- counting and fitting ------------------------------------------------------------------------

def count(sampled: Sampled, board: Board) -> tuple[Rows, Rows, Firmware]:
    """Inference and learning of every sample, on the reference and in QEMU."""
    network, x, y = sampled
    firmware = build_firmware(emit(network), board)
    learned = []
    with Qemu.start(network, firmware, count=True) as device:
        inferred = [device.infer(sample).forward_ticks for sample in x]
        if network.plastic:
            learned = [device.learn(sample, int(label)).learn_ticks
                       for sample, label in zip(x, y, strict=True)]
    return (Rows.of(inference_work(network, x), inferred),
            Rows.of(learning_work(network, x, y) if network.plastic else [], learned), firmware)


def fit(rows: Rows) -> NDArray[np.float64]:
    """Prices (len(OPERATIONS),) of least relative error, none negative."""
    scale = rows.instructions[:, None]
    return np.asarray(nnls(rows.operations / scale, np.ones(len(scale)))[0])


def errors(rows: Rows, prices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Relative errors (n,) of the prediction."""
    return rows.operations @ prices / rows.instructions - 1


def summary(parts: list[Rows], prices: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and largest |error| of a network's total, in percent."""
    totals = [abs(float((p.operations @ prices).sum() / p.instructions.sum() - 1))
              for p in parts if len(p.instructions)]
    return 100 * float(np.mean(totals)), 100 * max(totals)


@dataclass(frozen=True)
class Counted:
    """All networks on one board: inference and learning, fitted or held out, digits apart."""

    fitted: list[tuple[Rows, Rows]]
    held_out: list[tuple[Rows, Rows]]
    digits: tuple[Rows, Rows]
    firmware: Firmware


def count_all(networks: list[Sampled], digits: Sampled, board: Board) -> Counted:
    fitted, held_out = [], []
    for i, sampled in enumerate(networks):
        inference, learning, _ = count(sampled, board)
        (fitted if i % HELD_OUT else held_out).append((inference, learning))
        print(f"\r{board.name}: {i + 1} of {len(networks)} networks", end="", flush=True)
    print()
    *rows, firmware = count(digits, board)
    return Counted(fitted, held_out, (rows[0], rows[1]), firmware)


def fit_all(counted: Counted) -> NDArray[np.float64]:
    """Inference and learning share no operation: each is fitted to its own instructions."""
    return np.sum([fit(Rows.join([parts[kind] for parts in counted.fitted])) for kind in (0, 1)],
                  axis=0)


def table(counted: Counted, prices: NDArray[np.float64]) -> Iterator[str]:
    """The lines of costs.toml for one core."""
    firmware, board = counted.firmware, counted.firmware.board
    flags = [f for f in firmware.flags if f.startswith(("-std", "-m", "-O", "-f"))]
    kernels = sorted({path.parent.name for path in (firmware.directory / "kernels").glob("*/*.c")})
    yield f"[{board.cpu}]"
    yield f'compiler = "{firmware.compiler}"'
    yield f'flags = "{shlex.join(flags)}"'
    yield f"kernels = {kernels}".replace("'", '"')
    for kind, what in enumerate(("inference", "learning")):
        groups = {"fitted": counted.fitted, "held_out": counted.held_out,
                  "digits": [counted.digits]}
        for name, parts in groups.items():
            mean, largest = summary([p[kind] for p in parts], prices)
            n = sum(bool(len(p[kind].instructions)) for p in parts)
            yield (f"error_{what}_{name} = {{ networks = {n}, mean_percent = {mean:.1f}, "
                   f"largest_percent = {largest:.1f} }}")
    yield f"\n[{board.cpu}.instructions]"
    for operation, price in zip(OPERATIONS, prices, strict=True):
        yield f"{operation} = {price:.2f}"
    yield ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=96)
    rng = np.random.default_rng(7)
    networks = [random_samples(rng) for _ in range(parser.parse_args().networks)]
    digits = digits_samples()
    lines = ["# Instructions per operation of edge_dassdp.work, by cpu. Not a board. Written by",
             "# benchmarks/fit_costs.py from instructions counted in QEMU, for the compiler, flags",
             "# and kernel folders named; errors are of a network's total, held-out networks and",
             "# digits were not fitted.", ""]
    for name in BOARDS:
        counted = count_all(networks, digits, load_board(name))
        made = list(table(counted, fit_all(counted)))
        print("\n".join(line for line in made if line.startswith("error_")))
        lines += made
    path = assets.folder("boards") / COSTS_FILE
    path.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
