"""Every site of the training hook against METHODS' equations in plain loops, sample by sample,
position by position: matrices, convolutions, the classifier, spikes and real numbers.

The equations: arXiv 2512.07194 and 2505.14841 as their texts say ('described') and as their codes
do ('published'): last steps; silent neurons at T, but at 0 before a hidden site of DA-SSDP; the
classifier's flags from means.
"""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from support.spiking_models import MultiStepLIF
from torch import nn

from edge_dassdp.rules import DASSDP, SSDP
from edge_dassdp.twin.hook import DASSDPHook

torch.set_num_threads(1)
LAYERS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "linear": (lambda i, o: nn.Linear(i, o, bias=False), ()),
    "conv1d": (lambda i, o: nn.Conv1d(i, o, 1), (3,)),
    "conv2d": (lambda i, o: nn.Conv2d(i, o, 1, bias=False), (3, 2)),
    "same": (lambda i, o: nn.Conv2d(i, o, 1, padding="same"), (2, 2)),
}


def neuron(values: np.ndarray, rule: DASSDP, readout: bool) -> tuple[int, bool]:
    """(latency, flag) of one neuron or channel, values (T, positions)."""
    n_steps, published = len(values), rule.variant == "published"
    silent = 0 if published and not readout and type(rule) is DASSDP else n_steps
    steps = []
    for t, places in enumerate(values):
        mean = sum(places) / len(places)
        if mean > 0 if published and readout else any(v > 0 for v in places):
            steps.append(t)
    flag = bool(steps)
    if published and readout:
        flag = sum(sum(places) for places in values) / values.size > 0
    return (steps[-1 if published else 0] if steps else silent), flag


def sample(pre: np.ndarray, post: np.ndarray, rule: DASSDP,
           readout: bool) -> tuple[np.ndarray, float, list[tuple[int, int, bool]]]:
    """Delta (n_post, n_pre), S, and (t_j, t_i, sync) of every pair; pre, post (T, n, positions)."""
    delta, keys = np.zeros((post.shape[1], pre.shape[1])), []
    for i, j in product(range(post.shape[1]), range(pre.shape[1])):
        (t_i, q), (t_j, p) = (neuron(v, rule, readout) for v in (post[:, i], pre[:, j]))
        g = math.exp(-((t_i - t_j) ** 2) / (2 * rule.sigma**2))
        delta[i, j] = rule.a_plus * g if p and q else -rule.a_base * g
        keys.append((t_j, t_i, p and q))
    return delta, sum(sync for *_, sync in keys) / len(keys), keys


def gate_of(records: list[tuple[float, float]]) -> Any:
    s, loss = np.array(records).T
    if np.ptp(s) == 0 or np.ptp(loss) == 0:
        return lambda value: 1.0
    k = -np.mean((s - s.mean()) * (loss - loss.mean())) / (s.std() * loss.std())
    return lambda value: min(2.0, max(0.0, 1 + k * (value - s.mean()) / s.std()))


def trains(rng: np.random.Generator, shape: tuple[int, ...], real: bool) -> np.ndarray:
    rate = rng.uniform(0.05, 0.5, (1, shape[1], *(1,) * (len(shape) - 2)))
    if real:  # zeros and means of exactly 0 among them, which do not fire
        values = np.round(4 * rng.normal(rate - 0.6, 0.7, shape)) / 4
        return np.where(rng.random(shape) < 0.3, 0.0, values)
    return (rng.random(shape) < rate / max(1, math.prod(shape[3:]))) * 1.0


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("readout", [False, True])
@pytest.mark.parametrize("real", [False, True])
@pytest.mark.parametrize("rule", [
    DASSDP(0.3, 0.1), DASSDP(0.3, 0.1, 1.7, variant="published"), SSDP(0.3, 0.1, 0.8),
    SSDP(0.3, 0.1, variant="published")], ids=lambda r: f"{type(r).__name__}_{r.variant}")
def test_weights_follow_the_equations_at_every_site(layer, readout, real, rule):
    make, places = LAYERS[layer]
    seen: set[str] = set()
    for seed in range(4):
        rng = np.random.default_rng(seed)
        n_steps, n_batch, n_pre, n_post = (int(rng.integers(*low_high)) for low_high in
                                           ((2, 6), (1, 5), (2, 5), (2, 4)))
        model = nn.Sequential(make(n_pre, n_post)).double()
        hook = DASSDPHook({"0": rule}, model, n_steps=n_steps, warm_up_steps=5,
                          readout="0" if readout else None)
        expected = model[0].weight.detach().numpy().reshape(n_post, n_pre).copy()
        records: list[tuple[float, float]] = []
        for step in range(8):
            pre, post = (trains(rng, (n_steps, n_batch, n, *places), real)
                         for n in (n_pre, n_post))
            losses = rng.uniform(0.1, 3, n_batch)
            hook.record("0", torch.tensor(pre), torch.tensor(post))
            hook.step(torch.tensor(losses))
            flat = [v.reshape(*v.shape[:3], -1) for v in (pre, post)]
            made = [sample(flat[0][:, b], flat[1][:, b], rule, readout) for b in range(n_batch)]
            seen |= {name for *_, keys in made for key in keys for name in kinds(key, n_steps)}
            if step < 5:
                shared = [losses.mean()] * n_batch if rule.variant == "published" else losses
                records += [(s, float(loss)) for (_, s, _), loss in zip(made, shared, strict=True)]
                continue
            gate = gate_of(records) if rule.gated else lambda s: 1.0
            change = sum(gate(s) * delta for delta, s, _ in made) / n_batch
            expected += np.clip(change, -1, 1)
        got = model[0].weight.detach().numpy().reshape(n_post, n_pre)
        np.testing.assert_allclose(got, expected, atol=1e-12)
    assert {"tie", "sync", "apart"} <= seen
    if readout and real and rule.variant == "published":
        assert {"silent but flagged or heard but not"} <= seen


def kinds(key: tuple[int, int, bool], n_steps: int) -> list[str]:
    t_j, t_i, sync = key
    found = ["sync" if sync else "apart"]
    found += ["tie"] if t_i == t_j else []
    heard = max(t_i, t_j) < n_steps
    return found + (["silent but flagged or heard but not"] if heard != sync else [])


def published_projection(x_in: torch.Tensor, x_out: torch.Tensor) -> torch.Tensor:
    """Of DA-SSDP's training script: the change at its block's convolution, gate 1."""
    n_steps, n_batch, n = x_in.shape[:3]
    pre_seq = (x_in.reshape(n_steps, n_batch, n, -1) > 0).any(-1).double()
    post_seq = (x_out.reshape(n_steps, n_batch, n, -1) > 0).any(-1).double()
    t_pre, t_post = pre_seq.cumsum(0).argmax(0).double(), post_seq.cumsum(0).argmax(0).double()
    dt = (t_post.unsqueeze(2) - t_pre.unsqueeze(1)).abs()
    pre, post = (pre_seq.sum(0) > 0).double(), (post_seq.sum(0) > 0).double()
    sync, gauss = post.unsqueeze(-1) * pre.unsqueeze(1), torch.exp(-(dt**2) / 2)
    return (1.5e-3 * sync * gauss - 5e-4 * (1 - sync) * gauss).mean(0).clamp(-1, 1)


class Block(nn.Module):
    """The second site's surroundings: neurons, a 1 x 1 convolution, a normalization, a way around;
    whole trains at a time."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.lif = MultiStepLIF()
        self.project = nn.Conv2d(n, n, 1, bias=False)
        self.norm = nn.BatchNorm2d(n)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        spikes = self.lif(x)
        return torch.stack([self.norm(self.project(s)) for s in spikes]) + x


def test_the_second_site_of_the_paper_in_a_training_loop():
    """Real numbers go into the block and come out of it; both ends of the site are the block's."""
    torch.manual_seed(1)
    model = nn.ModuleDict({"attn": Block(5), "head": nn.Linear(5, 3)}).double()
    rule = DASSDP(variant="published")
    hook = DASSDPHook({"attn.project": rule, "head": rule}, model, n_steps=4, warm_up_steps=0,
                      neurons={"attn.project": "attn"}, inputs={"attn.project": "attn"},
                      readout="head")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(3):
        x_in = torch.randn(4, 6, 5, 3, 3, dtype=torch.float64) - 2.2
        x_out = model["attn"](x_in)
        loss = model["head"](x_out.mean((3, 4))).mean(0).square().mean(1)
        optimizer.zero_grad()
        loss.mean().backward()
        optimizer.step()
        before = model["attn"].project.weight.detach().clone()
        hook.step(loss)
        change = model["attn"].project.weight.detach() - before
        expected = published_projection(x_in, x_out.detach())
        torch.testing.assert_close(change[..., 0, 0], expected, atol=1e-15, rtol=1e-9)
        assert (x_in <= 0).flatten(3).all(3).all(0).any() and float(expected.abs().max()) > 1e-4


def test_a_convolution_is_heard_step_by_step_as_in_whole_trains():
    x, weights = torch.rand(4, 2, 6, 3, 3, dtype=torch.float64).round(), []
    for gives in (False, True):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(6, 5, 1), nn.Hardtanh(0, 1), nn.Threshold(0.999, 0.0))
        hook = DASSDPHook({"0": DASSDP(0.1, 0.05)}, model.double(), n_steps=4, warm_up_steps=0,
                          neurons={"0": "2"})
        outputs = torch.stack([model(step) for step in x])
        if gives:
            hook.record("0", x, outputs)
        hook.step()
        weights.append(model[0].weight.detach())
    assert torch.equal(*weights)
