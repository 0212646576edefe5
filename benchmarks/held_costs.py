"""Instructions of what a lesson does beside learning, by core: adds them to boards/costs.toml.

    python benchmarks/held_costs.py [--cpu cortex-m4 ...]

A gate, steps by the share of misses, and a sample stored in a ring take so little that they are not
seen beside rules and replay. Here networks are right of every sample, so that a gate that stays
closed lets nothing be learned; non-negative least squares prices what is left of instructions
counted in QEMU behind the operations that have a price.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np
from scipy.optimize import nnls

from edge_dassdp.base import assets
from edge_dassdp.build.board import Board, list_boards, load_board
from edge_dassdp.build.compile import build_firmware
from edge_dassdp.emit import emit
from edge_dassdp.figures.lesson import learning_work
from edge_dassdp.figures.prices import COSTS_FILE
from edge_dassdp.figures.work import OPERATIONS
from edge_dassdp.ir import Input, Network, Population, Projection, Readout
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.rules import CUSUM, ErrorScaled, ErrorSSDP, Learning, ReadoutDelta, Replay
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.qemu import COUNTER_BITS, Qemu

HELD = ("samples_gated", "misses_followed", "samples_stored", "bytes_stored")
SIZES, N_SAMPLES, N_STEPS = (20, 60, 150), 6, 10
Prices = Mapping[str, float]


def networks() -> Iterator[QNetwork]:
    """Of hidden populations of each size: a gate alone, with steps by misses, with a ring."""
    for size in SIZES:
        rng = np.random.default_rng(size)
        sizes = {"x": 16, "h1": size, "h2": 24, "out": 5}
        populations = (Population("h1", size, 0.9, 1.0), Population("h2", 24, 0.9, 1.0),
                       Population("out", 5, 0.5, 1.0, "none"))
        projections = tuple(
            Projection(f"{a}_{b}", a, b, rng.normal(0, 2 / sizes[a] ** 0.5, (sizes[a], sizes[b])))
            for a, b in pairwise(sizes))
        source = Network((Input("x", 16),), populations, projections,
                         Readout("out", "membrane_sum"), N_STEPS)
        rules = {"h1_h2": ErrorSSDP(), "h2_out": ReadoutDelta()}
        for schedule, replay in ((None, None), (ErrorScaled(), None), (None, Replay(0, 3, 1))):
            yield quantize(source, Learning(rules, gate=CUSUM(), schedule=schedule,
                                            replay=replay)).network


def samples(network: QNetwork) -> tuple[np.ndarray, np.ndarray]:
    """x, int8 (n, x_bytes), and what the network says of them, (n,)."""
    x = input_x(network, np.random.default_rng(1).normal(
        0, 1, (N_SAMPLES, network.inputs[0].n_values)).astype(np.float32))
    return x, Emulator(network).classify(x)


def prices(board: Board, known: Prices) -> Prices:
    """Of HELD, in instructions. known: prices of the other operations."""
    done, left = [], []
    for network in networks():
        x, labels = samples(network)
        with Qemu.start(network, build_firmware(emit(Plan.of(network)), board),
                        count=True) as device:
            ticks = [device.learn(sample, int(label)).learn_ticks
                     for sample, label in zip(x, labels, strict=True)]
        for work, counted in zip(learning_work(network, x, labels), ticks, strict=True):
            assert counted is not None and not work.updates
            done.append([getattr(work, name) for name in HELD])
            left.append(counted - sum(price * getattr(work, name)
                                      for name, price in known.items() if name not in HELD))
    found = nnls(np.array(done, np.float64), np.array(left, np.float64))[0]
    return dict(zip(HELD, map(float, found), strict=True))


def priced(text: str, cpu: str) -> Prices:
    """Prices of a core in a costs.toml."""
    found: Prices = tomllib.loads(text)[cpu]["instructions"]
    assert found.keys() <= set(OPERATIONS)
    return found


def lines(board: Board, known: Prices) -> list[str]:
    """As they stand behind the others of a core."""
    return [f"{name} = {price:.2f}" for name, price in prices(board, known).items()]


def main() -> None:
    counting = {board.cpu: board for board in map(load_board, list_boards())
                if board.qemu and board.counter[-1].bits == COUNTER_BITS}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cpu", nargs="+", choices=sorted(counting), default=sorted(counting))
    path = assets.folder("boards") / COSTS_FILE
    for cpu in parser.parse_args().cpu:
        text = path.read_text("utf-8")
        made = lines(counting[cpu], priced(text, cpu))
        head, _, tail = text.partition(f"[{cpu}.instructions]\n")
        own, gap, others = tail.partition("\n\n")
        kept = [line for line in own.splitlines() if line.partition(" ")[0] not in HELD]
        path.write_text(f"{head}[{cpu}.instructions]\n" + "\n".join([*kept, *made])
                        + (gap + others or "\n"), "utf-8")
        print(cpu, *made, flush=True)


if __name__ == "__main__":
    main()
