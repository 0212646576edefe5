"""Small spiking networks in PyTorch, in the two forms that training loops have."""

from __future__ import annotations

import snntorch
import torch
from torch import nn

N_STEPS = 6


def single(n_pre: int, n_post: int, dtype=torch.float64) -> nn.Sequential:
    return nn.Sequential(nn.Linear(n_pre, n_post, dtype=dtype))


class StepByStep(nn.Module):
    """snnTorch's usual form: modules called once a step; keeps its trains for the test."""

    def __init__(self, n_steps: int = N_STEPS) -> None:
        super().__init__()
        self.n_steps = n_steps
        self.fc1, self.lif1 = nn.Linear(8, 12), snntorch.Leaky(0.9)
        self.fc2, self.lif2 = nn.Linear(12, 9), snntorch.Leaky(0.9)
        self.fc3 = nn.Linear(9, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mem1, mem2 = self.lif1.reset_mem(), self.lif2.reset_mem()
        trains = []
        for _ in range(self.n_steps):
            spk1, mem1 = self.lif1(self.fc1(x), mem1)
            spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
            trains.append((spk1, spk2, self.fc3(spk2)))
        self.trains = [torch.stack(train).detach().double().numpy()
                       for train in zip(*trains, strict=True)]
        return sum(out for _, _, out in trains)


class MultiStepLIF(nn.Module):
    """(T, B, n) in one call, as SpikingJelly's step_mode='m' has it."""

    def forward(self, current: torch.Tensor) -> torch.Tensor:
        v, spikes = torch.zeros_like(current[0]), []
        for x in current:
            v = 0.9 * v + x
            spikes.append(v.gt(1.0).to(v.dtype) + 0.2 * (v - v.detach()))
            v = v - spikes[-1].detach()
        return torch.stack(spikes)


class StepLIF(MultiStepLIF):
    """The same neuron, called once a step."""

    v: torch.Tensor | float = 0.0

    def forward(self, current: torch.Tensor) -> torch.Tensor:
        self.v = 0.9 * self.v + current
        spikes = self.v.gt(1.0).to(self.v.dtype) + 0.2 * (self.v - self.v.detach())
        self.v = self.v - spikes.detach()
        return spikes
