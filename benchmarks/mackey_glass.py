"""Mackey-Glass on the device: trained on tau 17, the stream has tau 23, and the device follows.

    python benchmarks/mackey_glass.py --seeds 5 [--quick] [--target qemu:stm32f405]

The equation, its constants, its initial condition and its sampling are those of the task of the
NeuroBench package (`neurobench.datasets.MackeyGlass`: beta 0.2, gamma 0.1, n 10, constant past
0.7206597, 75 points a Lyapunov time of 197); the series is integrated here. A network of spiking
neurons is trained with snnTorch to tell the value some points ahead, quantized, and learns from a
stream of another tau, each sample once. Writes benchmarks/results/mackey_glass.json and the table
of docs/regression.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import snntorch as snn
import torch
from numpy.typing import NDArray
from snntorch import surrogate
from torch import nn

import edge_dassdp as ed
from edge_dassdp.base.values import nrmse
from edge_dassdp.rules import ErrorTouch, Learning, ReadoutDelta, Replay, Schedule
from edge_dassdp.twin.model import FloatModel

Floats = NDArray[np.float64]
RESULTS = Path(__file__).parent / "results" / "mackey_glass.json"
PAGE = Path(__file__).parent.parent / "docs" / "regression.md"
BETA_MG, GAMMA, N, PAST, STEP = 0.2, 0.1, 10, 0.7206597, 197 / 75
"""Of the task. STEP: time between two points."""
PER_UNIT = 10
"""Steps of the integrator in a unit of time."""
WINDOW, AHEAD, N_STEPS, LEAK = 12, 4, 20, 0.9
"""Points that the network is shown, how far ahead it tells, and steps of a sample."""
N_TRAIN, N_STREAM, N_TEST, TAU, SHIFTED = 3000, 1000, 600, 17.0, 23.0
RING = Replay(0, 64, n_ring=4, n_flash=0)
"""The last 64 samples of the stream are kept in RAM, 4 of them learned again behind each."""
ARMS = {
    "frozen": "frozen", "delta": "readout by the delta rule",
    "once": "touch below it, too, nothing replayed", "touch": "touch below it, too",
    "ridge": "ridge regression on the spike counts",
    "backprop": "backprop in float, both layers"}


def series(tau: float, n_points: int, *, offset: int = 0) -> Floats:
    """Points of the solution, (n_points,), from `offset` points on: Runge-Kutta of fourth order,
    the past between its steps by cubic Hermite splines."""
    h, n_past = 1.0 / PER_UNIT, round(tau * PER_UNIT)
    n = int((offset + n_points) * STEP * PER_UNIT) + 2
    x, d = np.full(n + n_past + 1, PAST), np.zeros(n + n_past + 1)

    def slope(now: float, past: float) -> float:
        return float(BETA_MG * past / (1.0 + past**N) - GAMMA * now)

    for i in range(n_past, n + n_past):
        before, after = x[i - n_past], x[i - n_past + 1]
        bend = h * (d[i - n_past] - d[i - n_past + 1]) / 8 if i >= 2 * n_past else 0.0
        middle = (before + after) / 2 + bend  # constant before the start, where the slope jumps
        k1 = slope(x[i], before)
        k2 = slope(x[i] + h / 2 * k1, middle)
        k3 = slope(x[i] + h / 2 * k2, middle)
        k4 = slope(x[i] + h * k3, after)
        d[i] = k1
        x[i + 1] = x[i] + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        d[i + 1] = slope(x[i + 1], after)
    at = (offset + np.arange(n_points)) * STEP * PER_UNIT + n_past
    i = at.astype(int)
    t = at - i
    return np.asarray((1 + 2 * t) * (1 - t) ** 2 * x[i] + t * (1 - t) ** 2 * h * d[i]
                      + t**2 * (3 - 2 * t) * x[i + 1] + t**2 * (t - 1) * h * d[i + 1])


@dataclass(frozen=True, eq=False)
class Task:
    """Windows x, float32 (n, WINDOW), standardized, and targets y (n, 1), AHEAD points behind."""

    x: NDArray[np.float32]
    y: Floats

    @classmethod
    def of(cls, tau: float, n: int, offset: int) -> Task:
        points = series(tau, n + WINDOW + AHEAD, offset=offset)
        windows = np.lib.stride_tricks.sliding_window_view(points, WINDOW)[:n]
        targets = points[WINDOW - 1 + AHEAD :][:n]
        return cls(((windows - 0.93) / 0.24).astype(np.float32), targets[:, None])


def trained(seed: int, task: Task, epochs: int) -> nn.Sequential:
    """WINDOW-64-64-1: two hidden layers of leaky neurons, the mean of the readout's membranes."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    gradient = surrogate.fast_sigmoid(slope=10)
    net = nn.Sequential(
        nn.Linear(WINDOW, 64), snn.Leaky(LEAK, spike_grad=gradient, init_hidden=True),
        nn.Linear(64, 64), snn.Leaky(LEAK, spike_grad=gradient, init_hidden=True),
        nn.Linear(64, 1), snn.Leaky(LEAK, reset_mechanism="none", init_hidden=True, output=True))
    x, y = torch.tensor(task.x), torch.tensor(task.y, dtype=torch.float32)
    optimizer = torch.optim.Adam(net.parameters(), 2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            loss = ((values_of(net, x[rows]) - y[rows]) ** 2).mean()
            loss.backward()
            optimizer.step()
        schedule.step()
    return net


def values_of(net: nn.Sequential, x: torch.Tensor) -> torch.Tensor:
    """(n, 1): the mean over the steps of the membrane of the readout."""
    for layer in net:
        if isinstance(layer, snn.Leaky):
            layer.reset_mem()
    return torch.stack([net(x)[1] for _ in range(N_STEPS)]).mean(dim=0)


def learning(hidden: bool, replay: Replay | None, seed: int) -> Learning:
    rules = {"fc3": ReadoutDelta(0.3)} | ({"fc2": ErrorTouch(2.0)} if hidden else {})
    return Learning(rules, skip_below=0.0, seed=seed + 1, schedule=Schedule(400, 0.1),
                    replay=replay)


def on_device(network: ed.Network, train: Task, stream: Task, tests: list[Task],
              made: Learning, target: str) -> tuple[list[float], str]:
    """NRMSE on the tests behind the stream, and the digest of what was learned."""
    model = ed.quantize(network, made, ed.Settings(values=True), x=train.x, y=train.y)
    with ed.open(model, target) as device:
        device.learn(stream.x, stream.y)
        return [error(device.predict(t.x), t) for t in tests], device.digest


def error(found: Floats, task: Task) -> float:
    return float(nrmse(found - task.y, task.y)[0])


def ridge(network: ed.Network, stream: Task, tests: list[Task]) -> list[float]:
    """On the spike counts of the last hidden layer, fitted to the whole stream at once; the factor
    of the penalty by a fifth of the stream that is left out."""
    model = FloatModel(network)

    def counts(task: Task) -> Floats:
        n = np.concatenate([model.run(task.x[i:i + 128]).spikes["lif2"].sum(axis=1)
                            for i in range(0, len(task.x), 128)])
        return np.concatenate([n, np.ones((len(n), 1))], axis=1).astype(np.float64)

    def fit(x: Floats, y: Floats, factor: float) -> Floats:
        return np.asarray(np.linalg.solve(x.T @ x + factor * np.eye(x.shape[1]), x.T @ y))

    x, y, cut = counts(stream), stream.y, len(stream.y) * 4 // 5
    factor = min(10.0 ** np.arange(-2, 5), key=lambda f: float(
        ((x[cut:] @ fit(x[:cut], y[:cut], f) - y[cut:]) ** 2).mean()))
    w = fit(x, y, factor)
    return [error(counts(t) @ w, t) for t in tests]


def backprop(net: nn.Sequential, stream: Task, tests: list[Task]) -> list[float]:
    """Adam on the last two layers, each sample of the stream once, in order, with as many of the
    last ones again as the device learns."""
    rng = np.random.default_rng(0)
    optimizer = torch.optim.Adam([*net[2].parameters(), *net[4].parameters()], 1e-3)
    x, y = torch.tensor(stream.x), torch.tensor(stream.y, dtype=torch.float32)
    for i in range(len(x)):
        again = rng.integers(max(0, i - RING.ring_per_class), i + 1, RING.n_ring)
        rows = torch.tensor([i, *again])
        optimizer.zero_grad()
        ((values_of(net, x[rows]) - y[rows]) ** 2).mean().backward()
        optimizer.step()
    with torch.no_grad():
        return [error(values_of(net, torch.tensor(t.x)).numpy().astype(np.float64), t)
                for t in tests]


def of_seed(seed: int, target: str, quick: bool) -> dict[str, list[float]]:
    """By arm: NRMSE under the shift, and on the training's tau."""
    share = 4 if quick else 1
    train = Task.of(TAU, N_TRAIN // share, 200)
    stream = Task.of(SHIFTED, N_STREAM // share, 200 + 700 * seed)
    tests = [Task.of(SHIFTED, N_TEST // share, 6000), Task.of(TAU, N_TEST // share, 6000)]
    net = trained(seed, train, 8 if quick else 30)
    network = ed.from_torch(net, n_steps=N_STEPS, logits="mean")

    def learned(hidden: bool, replay: Replay | None = RING) -> list[float]:
        return on_device(network, train, stream, tests, learning(hidden, replay, seed), target)[0]

    none = Task(stream.x[:0], stream.y[:0])
    arms: dict[str, Callable[[], list[float]]] = {
        "frozen": lambda: on_device(network, train, none, tests, learning(False, None, seed),
                                    target)[0],
        "delta": lambda: learned(False), "once": lambda: learned(True, None),
        "touch": lambda: learned(True),
        "ridge": lambda: ridge(network, stream, tests),
        "backprop": lambda: backprop(net, stream, tests)}
    return {name: arm() for name, arm in arms.items()}


def table(found: dict[str, Any]) -> list[str]:
    """Lines of Markdown."""
    lines = [f"| over {len(found['seeds'])} seeds | tau 23 (shifted) | tau 17 (original) |",
             "|---|---|---|"]
    for name, title in ARMS.items():
        rows = np.array([seed[name] for seed in found["seeds"]])
        told = [f"{mean:.2f} ± {spread:.2f}" for mean, spread in
                zip(rows.mean(axis=0), rows.std(axis=0, ddof=min(1, len(rows) - 1)), strict=True)]
        lines.append(f"| {title} | {' | '.join(told)} |")
    return lines


def seen_on(target: str, quick: bool) -> dict[str, str]:
    """The digest of what seed 0 learned with touch on the emulator and elsewhere: the same bits."""
    share = 16 if quick else 4
    train = Task.of(TAU, N_TRAIN // 4, 200)
    stream = Task.of(SHIFTED, N_STREAM // share, 200)
    network = ed.from_torch(trained(0, train, 8), n_steps=N_STEPS, logits="mean")
    tests = [Task(stream.x[:20], stream.y[:20])]
    return {place: on_device(network, train, stream, tests, learning(True, RING, 0), place)[1]
            for place in ("emulator", target)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a quarter of all, nothing is written")
    parser.add_argument("--target", default="emulator")
    parser.add_argument("--qemu", default="", help="also compare with this target, bit for bit")
    given = parser.parse_args()
    found: dict[str, Any] = {"seeds": []}
    for seed in range(given.seeds):
        found["seeds"].append(of_seed(seed, given.target, given.quick))
        print(seed, json.dumps(found["seeds"][-1]), flush=True)
    if given.qemu:
        found["digests"] = seen_on(given.qemu, given.quick)
        print(found["digests"])
    print("\n".join(table(found)))
    if given.quick:
        return
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    head, _, rest = PAGE.read_text("utf-8").partition("<!-- mackey-glass -->\n")
    _, _, behind = rest.partition("<!-- /mackey-glass -->")
    PAGE.write_text(f"{head}<!-- mackey-glass -->\n" + "\n".join(table(found))
                    + f"\n<!-- /mackey-glass -->{behind}", "utf-8")


if __name__ == "__main__":
    main()
