"""Every refusal of the way back into PyTorch modules, and what its help says, done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import snntorch
import torch
from support.helps import FRONTENDS, Help, unprovoked
from torch import nn
from torch.nn.utils import parametrize

from edge_dassdp.frontends.torch import back, from_torch

torch.set_num_threads(1)
L = nn.Linear


def lif() -> Any:
    return snntorch.Leaky(0.9)


def norm() -> Any:
    return nn.BatchNorm1d(3).eval()


def learned(model: Any, part: str = "weight", only: str = "", **how: Any) -> Callable[[], Any]:
    """Everything, or one projection, twice as large, back into the model."""
    network = from_torch(model, n_steps=4, **how)

    def load() -> None:
        made = replace(network, projections=tuple(
            replace(p, **{part: np.ones(p.n_columns) if part == "bias" else 2.0 * p.weight + 1e-3})
            if only in ("", p.name) else p for p in network.projections))
        back.load_into(model, made)
    return load


def inside(*projections: str) -> Callable[[], Any]:
    """A recurrent module whose own weights learn, or not."""
    model = [L(4, 3), snntorch.RLeaky(0.9, all_to_all=False)]
    network = from_torch(model, n_steps=4)
    made = replace(network, projections=tuple(
        replace(p, weight=2.0 * p.weight) if p.name in projections else p
        for p in network.projections))
    return lambda: back.load_into(model, made)


TIED = L(3, 3)


class Squares(nn.Module):
    def forward(self, w: torch.Tensor) -> torch.Tensor:
        return w * w


def squared(permanent: bool) -> Any:
    made = L(4, 3)
    parametrize.register_parametrization(made, "weight", Squares())
    if permanent:
        parametrize.remove_parametrizations(made, "weight")
    return made


BACK: dict[str, Help] = {
    "state_dict": Help(lambda: back.to_state_dict([L(4, 3)], from_torch([L(4, 3)], n_steps=4)),
                       "use load_into with the modules", learned([L(4, 3), lif()])),
    "tied": Help(learned([TIED, lif(), TIED, lif()], only="fc1"), "use a module for each",
                 learned([L(3, 3), lif(), L(3, 3), lif()], only="fc1")),
    "inside": Help(inside("rec1"), "let another projection learn", inside("fc1")),
    "no bias": Help(learned([L(4, 3, bias=False), lif()], "bias"), "build it with bias=True",
                    learned([L(4, 3, bias=True), lif()], "bias")),
    "folded bias": Help(learned([L(4, 3), norm(), lif()], "bias"), "let its biases stay",
                        learned([L(4, 3), norm(), lif()])),
    "coarse": Help(learned([L(4, 3).to(torch.bfloat16), lif()], check=False), "use float32",
                   learned([L(4, 3), lif()])),
    "squared": Help(learned([squared(False), lif()]), "remove_parametrizations",
                    learned([squared(True), lif()])),
    "another": Help(lambda: back.load_into([L(4, 3), lif()], from_torch([L(4, 2)], n_steps=4)),
                    "give the module that from_torch made this network of",
                    learned([L(4, 3), lif()])),
    "inputs": Help(lambda: _two_inputs(), "give the network that from_torch made of the model",
                   learned([L(4, 3), lif()])),
}


def _two_inputs() -> None:
    network = from_torch([L(4, 3), lif()], n_steps=4)
    other = replace(network.inputs[0], name="other")
    first = network.projections[0]
    back.load_into([L(4, 3), lif()], replace(
        network, inputs=(*network.inputs, other),
        projections=(first, replace(first, name="more", pre="other"))))


@pytest.mark.parametrize("name", BACK)
def test_what_the_help_says_works(name: str) -> None:
    BACK[name].check()


def test_every_refusal_has_an_entry() -> None:
    assert unprovoked([FRONTENDS / "torch" / f"{n}.py" for n in ("back", "writing")], BACK) == []
