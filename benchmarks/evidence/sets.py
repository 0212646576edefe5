"""Further data sets: where they come from, the small networks for them, and their shifts.

Digits is shipped with its networks. The others come from packages and their networks are trained
here, once, and kept in the cache folder: JapaneseVowels (UEA archive) travels in sktime,
Fashion-MNIST is Debian's dataset-fashion-mnist.
"""

from __future__ import annotations

import gzip
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_dassdp import ir
from edge_dassdp.base import assets
from edge_dassdp.data.datasets import Samples, load_dataset
from edge_dassdp.data.shifts import WornSensor
from edge_dassdp.ir import Network
from edge_dassdp.storage.cache import kept

N_SEEDS = 3
SHIFTS = {"gain": "gains of 0.4 to 1.6, offsets normal with 1.2 standard deviations",
          "dead": "30 % of the inputs dead",
          "noise": "noise of 0.7 standard deviations",
          "none": "no shift"}
"""Drawn once per seed; inputs of frames are shifted channel by channel."""
DEAD_SHARE, NOISE_STD = 0.3, 0.7
HIDDEN, BETA = (128, 64), 0.75
FASHION_MNIST = Path(os.environ.get("FASHION_MNIST", "/usr/share/datasets/fashion-mnist"))


@dataclass(frozen=True, eq=False)
class Source:
    """Standardized samples. n_frames: of a sample, 1 for constant inputs. n_channels: as `Task`."""

    training: Samples
    stream: Samples
    test: Samples
    n_classes: int
    n_frames: int = 1
    n_channels: int | None = None


@dataclass(frozen=True, eq=False)
class Shifted:
    """As `Task`."""

    training: Samples
    stream: Samples
    test: Samples
    original: Samples
    n_channels: int | None


@cache
def _digits() -> Source:
    data = load_dataset(assets.folder("examples") / "digits" / "data.npz")
    return Source(data.train, data.stream, data.test, 10)


def _standardized(x: NDArray[Any], y: NDArray[Any], held: NDArray[Any], held_y: NDArray[Any],
                  n_stream: int, axes: tuple[int, ...]) -> dict[str, Any]:
    """Samples from training and held-out arrays (n, ...); a part of the latter is the stream."""
    mean, std = x.mean(axis=axes, keepdims=True), x.std(axis=axes, keepdims=True) + 1e-6
    order = np.random.default_rng(0).permutation(len(held))

    def samples(raw: NDArray[Any], labels: NDArray[Any]) -> Samples:
        flat = ((raw - mean) / std).reshape(len(raw), -1)
        return Samples(flat.astype(np.float32), labels.astype(np.int64))

    stream, test = order[:n_stream], order[n_stream:]
    return {"training": samples(x, y), "stream": samples(held[stream], held_y[stream]),
            "test": samples(held[test], held_y[test]), "n_classes": int(y.max()) + 1}


@cache
def _vowels() -> Source:
    """12 cepstral coefficients, 7 to 29 frames, the last one held to the end; 9 speakers."""
    from sktime.datasets import load_japanese_vowels

    parts: list[NDArray[Any]] = []
    for split in ("train", "test"):
        series, labels = load_japanese_vowels(split, return_X_y=True, return_type="df-list")
        frames = [np.pad(s.to_numpy(), ((0, 29 - len(s)), (0, 0)), mode="edge") for s in series]
        parts += [np.stack(frames), np.array([int(label) - 1 for label in labels])]
    return Source(**_standardized(*parts, n_stream=185, axes=(0, 1)), n_frames=29, n_channels=12)


@cache
def _fashion() -> Source:
    """14 x 14 means of four pixels, all at once; 10 kinds of clothes, 10,000 to train on."""
    parts: list[NDArray[Any]] = []
    for split, n in (("train", 10_000), ("t10k", 1500)):
        with gzip.open(FASHION_MNIST / f"{split}-images-idx3-ubyte.gz") as stream:
            images = np.frombuffer(stream.read(), np.uint8, offset=16).reshape(-1, 14, 2, 14, 2)
        with gzip.open(FASHION_MNIST / f"{split}-labels-idx1-ubyte.gz") as stream:
            labels = np.frombuffer(stream.read(), np.uint8, offset=8)
        parts += [images[:n].mean(axis=(2, 4)), labels[:n]]
    return Source(**_standardized(*parts, n_stream=500, axes=(0, 1, 2)))


@dataclass(frozen=True)
class Set:
    """title: as printed. needs: Python modules and folders that must be there. network: of a seed.
    shifted: what it learns from, by scenario and seed."""

    title: str
    needs: tuple[str | Path, ...]
    scenarios: tuple[str, ...]
    network: Callable[[int], Network]
    shifted: Callable[[str, int], Shifted]

    @property
    def missing(self) -> list[str]:
        """Of what it needs."""
        return [str(n) for n in self.needs
                if not (n.is_dir() if isinstance(n, Path) else find_spec(n))]


def network(name: str, load: Callable[[], Source], n_steps: int, epochs: int, seed: int) -> Network:
    """From the cache folder, where it is trained first."""
    def train(folder: Path) -> None:
        ir.save(trained(load(), seed, n_steps=n_steps, epochs=epochs), folder / "network.npz")

    return ir.load(kept(f"evidence/{name}_seed{seed}", train) / "network.npz")


def trained(data: Source, seed: int, *, n_steps: int, epochs: int) -> Network:
    """AdamW, a little noise."""
    import torch

    from edge_dassdp.frontends.torch import from_torch

    sys.path.append(str(assets.folder("examples")))
    from chain import build, fit

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    n_inputs = data.training.x.shape[1] // data.n_frames
    model = build((n_inputs, *HIDDEN, data.n_classes), BETA)
    x = torch.tensor(data.training.x).reshape(-1, data.n_frames, n_inputs)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    fit(model, x, torch.tensor(data.training.y), optimizer, n_steps=n_steps, epochs=epochs,
        noise=0.1)
    return from_torch(model, n_steps=n_steps, input_frames=data.n_frames, logits="sum")


def shifted(load: Callable[[], Source], shift: str, seed: int) -> Shifted:
    """The set under a shift of SHIFTS drawn from `seed`, its stream in an order drawn from it."""
    data = load()
    n_inputs = data.n_channels or data.training.x.shape[1]
    rng = np.random.default_rng((seed, list(SHIFTS).index(shift)))
    sensor = WornSensor.draw(
        n_inputs, seed, gain_spread=0.6 if shift == "gain" else 0.0,
        offset_std=1.2 if shift == "gain" else 0.0,
        dead_share=DEAD_SHARE if shift == "dead" else 0.0, dark=0.0)

    def worn(samples: Samples) -> Samples:
        x = sensor.apply(samples.x.reshape(-1, n_inputs)).reshape(samples.x.shape)
        if shift == "noise":
            x = x + NOISE_STD * rng.normal(size=x.shape).astype(np.float32)
        return Samples(x.astype(np.float32), samples.y)

    order = rng.permutation(len(data.stream))
    stream = worn(Samples(data.stream.x[order], data.stream.y[order]))
    return Shifted(data.training, stream, worn(data.test), data.test, data.n_channels)


def _shipped(seed: int) -> Network:
    return ir.load(assets.folder("examples") / "digits" / f"digits_seed{seed}.npz")


def _worn(title: str, load: Callable[[], Source], network: Callable[[int], Network],
          *needs: str | Path) -> Set:
    return Set(title, needs, tuple(SHIFTS), cache(network), partial(shifted, load))


SETS = {
    "digits": _worn("digits", _digits, _shipped),
    "vowels": _worn("JapaneseVowels", _vowels, partial(network, "vowels", _vowels, 29, 60),
                    "sktime"),
    "fashion": _worn("Fashion-MNIST", _fashion, partial(network, "fashion", _fashion, 8, 8),
                     FASHION_MNIST),
}
"""Those under a shift of SHIFTS."""
