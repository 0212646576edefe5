"""A plain network of the snnTorch tutorials, trained on one's own samples, quantized and taught
with nothing but --data: it gains, whatever its loss saw of the readout."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.commands import answer, shown

import edge_dassdp as ed

torch = pytest.importorskip("torch")
snntorch = pytest.importorskip("snntorch")

N_STEPS, N_INPUTS, N_CLASSES = 25, 16, 6
Drawn = tuple[NDArray[np.float32], NDArray[np.int64]]


def _samples(n: int, seed: int) -> Drawn:
    """Clouds around a middle for each class."""
    middles = np.random.default_rng(0).normal(size=(N_CLASSES, N_INPUTS))
    rng = np.random.default_rng(seed)
    y = rng.integers(0, N_CLASSES, n)
    return (middles[y] + 0.8 * rng.normal(size=(n, N_INPUTS))).astype(np.float32), y


def _worn(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Gains, a quarter of the signs, and offsets."""
    rng = np.random.default_rng(11)
    gain = rng.uniform(0.4, 1.6, N_INPUTS) * np.where(rng.random(N_INPUTS) < 0.25, -1, 1)
    return (x * gain + rng.normal(0, 0.8, N_INPUTS)).astype(np.float32)


@cache
def _trained(reset: str) -> Any:
    """Cross-entropy on the mean membrane of Linear, Leaky, Linear, Leaky."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    x, y = (torch.tensor(part) for part in _samples(400, 1))
    net = torch.nn.Sequential(
        torch.nn.Linear(N_INPUTS, 48), snntorch.Leaky(0.9), torch.nn.Linear(48, N_CLASSES),
        snntorch.Leaky(0.9, reset_mechanism=reset))
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    for _ in range(10):
        for rows in torch.randperm(len(x)).split(64):
            hidden, out, seen = net[1].reset_mem(), net[3].reset_mem(), []
            for _ in range(N_STEPS):
                spikes, hidden = net[1](net[0](x[rows]), hidden)
                _, out = net[3](net[2](spikes), out)
                seen.append(out)
            loss = torch.nn.functional.cross_entropy(torch.stack(seen).mean(0), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return net


@pytest.fixture(params=["none", "subtract"])
def network(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    ed.save(ed.from_torch(_trained(request.param), n_steps=N_STEPS), tmp_path / "net.npz")
    for name, n, seed, seen in (("train", 400, 1, lambda x: x), ("stream", 300, 2, _worn),
                                ("test", 300, 3, _worn), ("before", 300, 3, lambda x: x)):
        _save(tmp_path / f"{name}.npz", *_samples(n, seed), seen)
    return request.param, tmp_path


def _save(path: Path, x: NDArray[np.float32], y: NDArray[np.int64],
          seen: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> None:
    np.savez(path, x=seen(x), y=y)


def _taught(folder: Path) -> tuple[float, float]:
    """Percent of the worn samples, before and after."""
    found = answer("learn", folder / "net.q.npz", "--data", folder / "stream.npz", "--test",
                   folder / "test.npz", "--snapshot", folder / "learned.npz")["data"]
    return 100 * found["before"], 100 * found["after"]


def test_it_gains_with_nothing_but_its_samples(network: tuple[str, Path]) -> None:
    reset, folder = network
    quantized = answer("quantize", folder / "net.npz", "-o", folder / "net.q.npz", "--data",
                       folder / "train.npz")["data"]
    sure, learning = quantized["temperature"], quantized["learning"]
    assert sure["error_after"] < 0.05 and sure["loss_after"] <= sure["loss_before"]
    assert 5 < sure["temperature"] < 100 if reset == "none" else sure["temperature"] > 1
    assert learning["schedule"]["samples"] == 120 and learning["rules"]["fc2"]["rule"] == "delta"
    assert learning["replay"] | {"policy": ""} == {
        "flash": 70, "ring_per_class": 3, "n_ring": 3, "n_flash": 1, "policy": ""}
    before, after = _taught(folder)
    assert after > before + 20, (before, after)
    kept = answer("run", folder / "net.q.npz", "--data", folder / "before.npz", "--restore",
                  folder / "learned.npz")["data"]["accuracy"]
    assert kept > 0.85


def test_what_was_stated_wrongly_is_mended_by_the_samples(network: tuple[str, Path]) -> None:
    """The loss saw the mean; who says that it saw the sum is put right, or told so."""
    reset, folder = network
    words = ("quantize", folder / "net.npz", "-o", folder / "net.q.npz", "--logits", "0.2")
    mended = shown(*words, "--data", folder / "train.npz")
    assert "0.2 before: loss" in mended.stdout and "warning" not in mended.stderr
    before, after = _taught(folder)
    assert after > before + 20, (before, after)
    told = shown(*words, "--data", folder / "train.npz", "--temperature", "stated")
    assert "--temperature fit" in told.stderr
    alone = shown(*words)
    assert "--data" in alone.stderr and "--logits mean" in alone.stderr
    assert "from flash" in alone.stdout
    assert reset and told.returncode == alone.returncode == 0
