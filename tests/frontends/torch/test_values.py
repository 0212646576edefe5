"""Tensors that hold no dense real numbers are refused with the name of their module."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import snntorch
import torch
from torch import nn

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.frontends.torch import from_torch

KINDS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "is not dense (torch.sparse_coo)": lambda t: t.to_sparse(),
    "is not dense (torch.sparse_csr)": lambda t: t.to_sparse_csr(),
    "is complex (torch.complex64)": lambda t: t.to(torch.complex64),
    "is on the meta device": lambda t: t.to("meta"),
    "is quantized by torch (torch.qint8)": lambda t: torch.quantize_per_tensor(
        t, 0.1, 0, torch.qint8),
}


@pytest.mark.filterwarnings("ignore:Sparse")
@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("word", KINDS)
def test_a_weight_of_another_kind_is_refused(word: str, check: bool) -> None:
    model = nn.Sequential(nn.Linear(4, 3), snntorch.Leaky(0.9))
    model[0].weight = nn.Parameter(KINDS[word](model[0].weight.detach()), requires_grad=False)
    with pytest.raises(EdgeError) as caught:
        from_torch(model, n_steps=4, check=check)
    assert caught.value.code == "E102" and caught.value.help
    assert f"module 0 (Linear): weight {word}" in caught.value.message


@pytest.mark.parametrize("word", ["is complex", "is on the meta device"])
def test_constants_of_neurons_are_too(word: str) -> None:
    kind = next(k for k in KINDS if k.startswith(word))
    model = nn.Sequential(nn.Linear(4, 3), snntorch.Leaky(KINDS[kind](torch.full((3,), 0.9))))
    with pytest.raises(EdgeError) as caught:
        from_torch(model, n_steps=4)
    assert caught.value.code == "E102" and f"module 1 (Leaky): beta {word}" in caught.value.message
