"""The networks of the examples and of the evidence: chains of snnTorch neurons, for training.

Needs the extra `torch`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import snntorch
import torch
from torch import nn

BATCH = 64


def build(sizes: Sequence[int], beta: float) -> nn.Sequential:
    """Linear and Leaky in turn, with snnTorch's default reset; the readout keeps its current of one
    step and does not reset. sizes: inputs, hidden layers, classes."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes[:-1]):
        layers += [nn.Linear(n_in, n_out), snntorch.Leaky(beta=beta)]
    readout = (nn.Linear(sizes[-2], sizes[-1]), snntorch.Leaky(0.0, reset_mechanism="none"))
    return nn.Sequential(*layers, *readout)


def initialize(model: nn.Sequential, gains: Sequence[float]) -> None:
    """Normal weights of std gain / sqrt(inputs), biases of 0. gains: of each Linear, in order."""
    layers = [module for module in model if isinstance(module, nn.Linear)]
    for layer, gain in zip(layers, gains, strict=True):
        nn.init.normal_(layer.weight, std=gain / layer.in_features**0.5)
        nn.init.zeros_(layer.bias)


def summed_membrane(model: nn.Sequential, x: torch.Tensor, n_steps: int) -> torch.Tensor:
    """Logits (n_samples, n_classes), the readout's membrane summed over all steps, of frames x
    (n_samples, n_frames, n_inputs); the last frame stays."""
    states = {place: module.reset_mem() for place, module in enumerate(model)
              if isinstance(module, snntorch.Leaky)}
    total = torch.zeros(())
    for t_step in range(n_steps):
        value = x[:, min(t_step, x.shape[1] - 1)]
        for place, module in enumerate(model):
            if place in states:
                value, states[place] = module(value, states[place])
            else:
                value = module(value)
        total = total + states[len(model) - 1]
    return total


def fit(model: nn.Sequential, x: torch.Tensor, y: torch.Tensor, optimizer: torch.optim.Optimizer, *,
        n_steps: int, epochs: int, noise: float,
        augment: Callable[[torch.Tensor], torch.Tensor] | None = None,
        after: Callable[[torch.Tensor], None] | None = None) -> None:
    """Cross-entropy on the summed membrane of frames x (n_samples, n_frames, n_inputs) and labels
    y (n_samples,): batches of BATCH, a cosine schedule, normal noise on the inputs. augment: what
    is made of the frames of a batch before that. after: told the losses of a batch, (n,), when its
    step is done.
    """
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for _ in range(epochs):
        order = torch.randperm(len(x))
        for begin in range(0, len(x), BATCH):
            rows = order[begin : begin + BATCH]
            frames = augment(x[rows]) if augment else x[rows]
            noisy = frames + noise * torch.randn(frames.shape)
            losses = nn.functional.cross_entropy(summed_membrane(model, noisy, n_steps), y[rows],
                                                 reduction="none")
            optimizer.zero_grad()
            torch.autograd.backward(losses.mean())
            optimizer.step()
            if after:
                after(losses)
        schedule.step()
