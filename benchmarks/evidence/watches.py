"""The watch with other networks: over all ten wearers, and trained on turned or mirrored windows.

Folds. Network k of ten never saw two wearers, B's, and of two validation wearers it saw one. The
ten stand in a circle drawn once; the first five networks leave out its pairs, the other five the
pairs that begin one place later, and the next pair is for validation. So each wearer is new to two
networks and the new validation wearer of one.

Networks are trained here, once, by examples/train_watch.py and kept in the cache folder.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from edge_dassdp import ir
from edge_dassdp.base import assets
from edge_dassdp.data import watch
from edge_dassdp.data.watch import Scale, WatchData, Wearers
from edge_dassdp.ir import Network
from edge_dassdp.storage.cache import kept

if TYPE_CHECKING:
    import torch

Augmented = Literal["plain", "turned", "mirrored"]
N_PAIRS = 5
EPOCHS: dict[Augmented, int] = {"plain": 16, "mirrored": 32, "turned": 48}
"""Passes over the training windows; more where every pass shows others."""
TURNED_SHARE, MIRRORED_SHARE = 2 / 3, 1 / 2
"""Of the windows of a batch; half of those turned are mirrored, too."""


@cache
def recordings() -> WatchData:
    return watch.load_watch(assets.folder("examples") / "watch" / "data.npz")


def fold(k: int, data: WatchData) -> Wearers:
    """Who is where for network k, 0 to 9."""
    half, place = divmod(k, N_PAIRS)
    circle = np.random.default_rng(0).permutation(np.unique(data.wearer))
    pairs = np.roll(circle, -half).reshape(N_PAIRS, 2)
    new, validation = pairs[place], pairs[(place + 1) % N_PAIRS]
    known = np.setdiff1d(circle, [*new, *validation])
    groups = (known, np.sort(new), validation[1:], validation[:1])
    return Wearers(*(tuple(int(w) for w in group) for group in groups))


def augmentation(kind: Augmented, scale: Scale) -> Callable[[torch.Tensor], torch.Tensor] | None:
    """Of frames (n, n_frames, 24) of a batch: each window by itself, in physical units."""
    import torch

    if kind == "plain":
        return None
    mean, std = (torch.tensor(v, dtype=torch.float32) for v in (scale.mean, scale.std))

    def augment(x: torch.Tensor) -> torch.Tensor:
        windows = x.reshape(len(x), watch.WINDOW, -1) * std + mean
        matrices = (_turns if kind == "turned" else _mirrors)(len(x))
        moved = torch.einsum("nij,ntj->nti", matrices, windows)
        return ((moved - mean) / std).reshape(x.shape)

    return augment


def _turns(n: int) -> torch.Tensor:
    """(n, 6, 6): a rotation uniform over all, mirrored or not, or no change."""
    import torch

    q = torch.nn.functional.normalize(torch.randn(n, 4), dim=1)
    w, v = q[:, 0, None, None], q[:, 1:]
    cross = torch.zeros(n, 3, 3)
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        cross[:, i, j], cross[:, j, i] = -v[:, k], v[:, k]
    turn = torch.eye(3) + 2 * w * cross + 2 * cross @ cross
    is_mirrored = (torch.rand(n) < MIRRORED_SHARE)[:, None, None]
    made = torch.zeros(n, 6, 6)
    made[:, :3, :3], made[:, 3:, 3:] = torch.where(is_mirrored, -turn, turn), turn
    return torch.where((torch.rand(n) < TURNED_SHARE)[:, None, None], made, torch.eye(6))


def _mirrors(n: int) -> torch.Tensor:
    """(n, 6, 6): as the other wrist gives it, or no change."""
    import torch

    mirror = torch.diag(torch.tensor(watch.MIRROR, dtype=torch.float32))
    return torch.where((torch.rand(n) < MIRRORED_SHARE)[:, None, None], mirror, torch.eye(6))


def network(seed: int, kind: Augmented = "plain", *, folds: bool = False) -> Network:
    """From the cache folder, where it is trained first. folds: on the wearers of a fold."""
    name = f"evidence/watch_{'fold' if folds else kind}{seed}_{EPOCHS[kind]}"
    return ir.load(kept(name, partial(_train, seed, kind, folds)) / "network.npz")


def _train(seed: int, kind: Augmented, folds: bool, folder: object) -> None:
    import torch

    from edge_dassdp.frontends.torch import from_torch

    sys.path.append(str(assets.folder("examples")))
    from train_watch import TRAIN_HOP, train

    torch.set_num_threads(1)
    wearers = fold(seed, recordings()) if folds else None
    samples, scale = watch.training(seed, recordings(), TRAIN_HOP, wearers=wearers)
    model = train(samples, seed, EPOCHS[kind], augmentation(kind, scale))
    made = from_torch(model, n_steps=watch.N_FRAMES, input_frames=watch.N_FRAMES, logits="sum")
    ir.save(made.with_sensor(scale.sensor), f"{folder}/network.npz")
