"""Trains wrist.npz: shoulder exercises by an accelerometer alone, 12-64-32-7, 25 time steps.

    pip install 'edge-dassdp[torch]'
    python train_wrist.py

The watch's recordings without their gyroscope; the wearers and the split of its seed 0.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))

from chain import build, fit, initialize  # noqa: E402
from wrist import N_CHANNELS, accelerations, sensor  # noqa: E402

from edge_dassdp import ir  # noqa: E402
from edge_dassdp.data.watch import N_FRAMES, load_watch, training  # noqa: E402
from edge_dassdp.frontends.torch import from_torch  # noqa: E402

SIZES, BETA, GAINS = (4 * N_CHANNELS, 64, 32, 7), 0.75, (1.0, 1.2, 0.5)
SEED, TRAIN_HOP = 0, 15


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    samples, scale = training(SEED, load_watch(HERE.parent / "watch" / "data.npz"), TRAIN_HOP)
    x = torch.tensor(accelerations(samples.x)).reshape(-1, N_FRAMES, SIZES[0])
    model = build(SIZES, BETA)
    initialize(model, GAINS)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    fit(model, x, torch.tensor(np.asarray(samples.y)), optimizer, n_steps=N_FRAMES, epochs=16,
        noise=0.1)
    network = from_torch(model, n_steps=N_FRAMES, input_frames=N_FRAMES, logits="sum")
    ir.save(network.with_sensor(sensor(scale)), HERE / "wrist.npz")


if __name__ == "__main__":
    main()
