"""BatchNorm1d first, over raw features: what users train on tables, as far as int8."""

from __future__ import annotations

import numpy as np
import snntorch as snn
import torch
from sklearn.datasets import load_wine
from snntorch import utils
from torch import nn

from edge_dassdp.frontends.torch import from_torch
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.reference import Reference
from edge_dassdp.twin.model import FloatModel

N_STEPS = 4


def test_wine_keeps_its_accuracy_from_raw_features() -> None:
    """Thirteen measurements, from tenths to a thousand and a half."""
    x, y = load_wine(return_X_y=True)
    x = x.astype(np.float32)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = nn.Sequential(nn.BatchNorm1d(13), nn.Linear(13, 24), snn.Leaky(0.9, init_hidden=True),
                          nn.Linear(24, 3), snn.Leaky(0.9, init_hidden=True))
    rows = np.random.default_rng(0).permutation(len(y))
    train, test = rows[:89], rows[89:]
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(30):
        optimizer.zero_grad()
        utils.reset(model)
        out = sum(model(torch.tensor(x[train])) for _ in range(N_STEPS))
        nn.functional.cross_entropy(out, torch.tensor(y[train])).backward()
        optimizer.step()
    network = from_torch(model.eval(), n_steps=N_STEPS, input_shape=(13,))
    floats = float((FloatModel(network).run(x[test]).classes == y[test]).mean())

    def integers(settings: Settings) -> float:
        made = quantize(network, None, settings, x[train]).network
        return float((Reference(made).classify(input_x(made, x[test])) == y[test]).mean())

    assert floats > 0.9
    assert integers(Settings()) >= floats - 1.5 / len(test)
    assert integers(Settings(input_scale="uniform")) < floats - 0.3
