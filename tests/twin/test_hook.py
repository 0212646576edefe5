"""The training hook against METHODS' equations in plain loops, and inside real training loops.

The equations: arXiv 2512.07194 as the text says ('described') and as its code does ('published').
"""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.lanes import often
from support.spiking_models import N_STEPS, MultiStepLIF, StepByStep, StepLIF, single
from torch import nn
from torch.nn.functional import cross_entropy

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.rules import DASSDP, SSDP
from edge_dassdp.twin.hook import DASSDPHook

torch.set_num_threads(1)
VARIANTS = ("described", "published")


# --- the rule, neuron by neuron ------------------------------------------------------------------

def plain_side(values: np.ndarray, rule: DASSDP, readout: bool) -> list[tuple[int, bool]]:
    """(latency, flag) of each neuron of one sample, values (T, n)."""
    n_steps, side = len(values), []
    for neuron in values.T:
        fired = [t for t, v in enumerate(neuron) if v > 0]
        if rule.variant == "described":
            side.append((fired[0] if fired else n_steps, bool(fired)))
        else:
            silent = n_steps if readout else 0
            side.append((fired[-1] if fired else silent, sum(neuron) / n_steps > 0))
    return side


def plain_sample(pre, post, rule: DASSDP, readout: bool) -> tuple[np.ndarray, float]:
    """Delta (n_post, n_pre) and S of one sample."""
    before, behind = plain_side(pre, rule, readout), plain_side(post, rule, readout)
    delta, n_sync = np.zeros((len(behind), len(before))), 0
    for i, (t_i, q) in enumerate(behind):
        for j, (t_j, p) in enumerate(before):
            g = math.exp(-((t_i - t_j) ** 2) / (2 * rule.sigma**2))
            delta[i, j] = rule.a_plus * g if p and q else -rule.a_base * g
            n_sync += p and q
    return delta, n_sync / delta.size


def plain_gate(records: list[tuple[float, float]]):
    s, loss = zip(*records, strict=True) if records else ((), ())
    if len(set(s)) < 2 or len(set(loss)) < 2:
        return lambda value: 1.0
    mean, mean_loss = sum(s) / len(s), sum(loss) / len(loss)
    std = math.sqrt(sum((v - mean) ** 2 for v in s) / len(s))
    std_loss = math.sqrt(sum((v - mean_loss) ** 2 for v in loss) / len(s))
    k = -sum((a - mean) * (b - mean_loss) for a, b in records) / len(s) / (std * std_loss)
    return lambda value: min(2.0, max(0.0, 1.0 + k * (value - mean) / std))


class Plain:
    """What the hook has to do to a weight (n_post, n_pre), batch after batch."""

    def __init__(self, rule: DASSDP, warm_up_steps: int, readout: bool) -> None:
        self.rule, self.warm_up, self.readout = rule, warm_up_steps, readout
        self.records: list[tuple[float, float]] = []
        self.gate: Any = None

    def change(self, pre, post, losses) -> np.ndarray:
        """pre, post (T, B, n), losses (B,)."""
        samples = [plain_sample(pre[:, b], post[:, b], self.rule, self.readout)
                   for b in range(pre.shape[1])]
        if self.warm_up > 0:
            self.warm_up -= 1
            if self.rule.variant == "published":
                losses = [sum(losses) / len(losses)] * len(losses)
            self.records += [(s, loss) for (_, s), loss in zip(samples, losses, strict=True)]
            return np.zeros_like(samples[0][0])
        if self.gate is None:
            self.gate = plain_gate(self.records) if self.rule.gated else lambda value: 1.0
        return np.clip(sum(self.gate(s) * d for d, s in samples) / len(samples), -1.0, 1.0)


# --- record() against it -------------------------------------------------------------------------

def batches(rng, n: int, shape: tuple[int, int, int, int], real: bool):
    """n batches of trains (T, B, n) and losses; the activity varies from sample to sample."""
    n_steps, size, n_pre, n_post = shape
    for _ in range(n):
        rate = rng.uniform(0, 0.6, (1, size, 1))
        pre = rng.random((n_steps, size, n_pre)) < rate
        post = rng.random((n_steps, size, n_post)) < rate
        if real:
            pre, post = rng.normal(rate - 0.5, 0.6, pre.shape), rng.normal(0, 1, post.shape)
        yield (pre * 1.0, post * 1.0, (2 * rate + rng.random(rate.shape)).ravel())


@settings(max_examples=often(60), deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), variant=st.sampled_from(VARIANTS), gated=st.booleans(),
    a_plus=st.sampled_from([0.4, 3.0]),
    readout=st.booleans(), sigma=st.floats(0.2, 5.0), warm_up_steps=st.integers(0, 4),
    shape=st.tuples(st.integers(1, 7), st.integers(1, 5), st.integers(1, 6), st.integers(1, 5)),
)
def test_weights_follow_the_equations(
    seed, variant, gated, a_plus, readout, sigma, warm_up_steps, shape
):
    rng = np.random.default_rng(seed)
    rule = DASSDP(a_plus, 0.15, sigma, gated=gated, variant=variant)
    model = single(*shape[2:])
    hook = DASSDPHook({"0": rule}, model, n_steps=shape[0], warm_up_steps=warm_up_steps,
                      readout="0" if readout else None)
    plain = Plain(rule, warm_up_steps, readout)
    expected = model[0].weight.detach().numpy().copy()
    for pre, post, losses in batches(rng, 7, shape, readout and variant == "published"):
        hook.record("0", torch.tensor(pre), torch.tensor(post))
        hook.step(torch.tensor(losses))
        expected += plain.change(pre, post, losses)
        np.testing.assert_allclose(model[0].weight.detach().numpy(), expected, atol=1e-9)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_gate_scales_the_change_and_reports_its_fit(variant):
    """A long warm-up with S and L correlated: k is far from 0 and the samples' gates differ."""
    rng, shape = np.random.default_rng(4), (N_STEPS, 8, 10, 7)
    rule, model = DASSDP(variant=variant), single(10, 7)
    hook = DASSDPHook({"0": rule}, model, n_steps=N_STEPS, warm_up_steps=20)
    plain, s, loss = Plain(rule, 20, False), [], []
    for pre, post, losses in batches(rng, 20, shape, False):
        hook.record("0", torch.tensor(pre), torch.tensor(post))
        hook.step(torch.tensor(losses if variant == "described" else losses.mean()))
        plain.change(pre, post, losses)
        s += [plain_sample(pre[:, b], post[:, b], rule, False)[1] for b in range(8)]
        loss += list(losses if variant == "described" else [losses.mean()] * 8)
    before = model[0].weight.detach().numpy().copy()
    (pre, post, losses), = batches(rng, 1, shape, False)
    hook.record("0", torch.tensor(pre), torch.tensor(post))
    hook.step()
    gate = hook.gates["0"]
    assert gate.k == pytest.approx(-np.corrcoef(s, loss)[0, 1]) and abs(gate.k) > 0.1
    assert (gate.mean / 70, gate.std / 70) == (pytest.approx(np.mean(s)), pytest.approx(np.std(s)))
    change = model[0].weight.detach().numpy() - before
    np.testing.assert_allclose(change, plain.change(pre, post, losses), atol=1e-12)
    ungated = sum(plain_sample(pre[:, b], post[:, b], rule, False)[0] for b in range(8)) / 8
    assert np.abs(change - ungated).max() > 0.05 * np.abs(ungated).max()


def test_the_warm_up_changes_no_weight_and_no_records_mean_gate_one():
    rng, shape = np.random.default_rng(1), (N_STEPS, 4, 5, 3)
    gated, plain = single(5, 3), single(5, 3)
    plain.load_state_dict(gated.state_dict())
    hooks = [DASSDPHook({"0": DASSDP(0.01, 0.004)}, gated, n_steps=N_STEPS, warm_up_steps=0),
             DASSDPHook({"0": SSDP(0.01, 0.004)}, plain, n_steps=N_STEPS, warm_up_steps=3)]
    trains = [[torch.tensor(v) for v in batch] for batch in batches(rng, 6, shape, False)]
    factory = plain[0].weight.clone()
    for pre, post, _ in trains[:3]:
        hooks[1].record("0", pre, post)
        hooks[1].step()
    assert torch.equal(plain[0].weight, factory)
    for pre, post, losses in trains[3:]:
        for hook in hooks:
            hook.record("0", pre, post)
            hook.step(losses)
    assert torch.equal(plain[0].weight, gated[0].weight)
    assert not torch.equal(gated[0].weight, factory)


def test_a_constant_synchrony_leaves_the_gate_at_one():
    """S is 1/3 in every sample: its deviation is 0, not the rounding of a sum of thirds."""
    model = single(3, 1)
    hook = DASSDPHook({"0": DASSDP(0.3, 0.1)}, model, n_steps=1, warm_up_steps=9)
    pre, post = torch.tensor([[[1.0, 0.0, 0.0]]]), torch.ones(1, 1, 1)
    for step in range(9):
        hook.record("0", pre, post)
        hook.step(torch.tensor([0.1 * step]))
    before = model[0].weight.clone()
    hook.record("0", torch.ones(1, 1, 3), post)
    hook.step()
    assert hook.gates["0"].k == 0.0
    torch.testing.assert_close(model[0].weight - before, torch.full((1, 3), 0.3).double())


def test_published_latencies_and_flags_of_a_classifier_with_real_outputs():
    """Last step above 0 as cumsum().argmax() has it; the flag is the sign of the mean."""
    v = torch.tensor(np.random.default_rng(0).normal(-0.4, 1, (N_STEPS, 1, 50)))
    model = single(1, 50)
    rule = DASSDP(0.5, 0.25, 1.0, variant="published")
    hook = DASSDPHook({"0": rule}, model, n_steps=N_STEPS, warm_up_steps=0, readout="0")
    before = model[0].weight.clone()
    pre = torch.zeros(N_STEPS, 1, 1).double()
    pre[2] = 1.0
    hook.record("0", pre, v)
    hook.step()
    t = (v[:, 0] > 0).float().cumsum(0).argmax(0).double()
    t[~(v[:, 0] > 0).any(0)] = N_STEPS
    sync = v[:, 0].mean(0) > 0
    expected = torch.where(sync, 0.5, -0.25) * torch.exp(-((t - 2) ** 2) / 2)
    torch.testing.assert_close((model[0].weight - before)[:, 0], expected)
    assert ((v[:, 0] > 0).any(0) != sync).any()


def test_no_tensor_of_samples_times_pairs_is_built():
    class Largest(torch.utils._python_dispatch.TorchDispatchMode):
        numel = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            out = func(*args, **(kwargs or {}))
            if isinstance(out, torch.Tensor):
                self.numel = max(self.numel, out.numel())
            return out

    model = single(40, 30, torch.float32)
    hook = DASSDPHook({"0": DASSDP()}, model, n_steps=3, warm_up_steps=0)
    hook.record("0", torch.ones(3, 64, 40), torch.ones(3, 64, 30))
    with Largest() as largest:
        hook.step()
    assert 0 < largest.numel <= 3 * 64 * 40 < 64 * 30 * 40


# --- forward hooks in real loops -----------------------------------------------------------------

def blobs(n: int = 48) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    y = torch.arange(n) % 3
    centres = torch.randn(3, 8, generator=generator)
    return 1.5 * centres[y] + 0.5 * torch.randn(n, 8, generator=generator), y


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_snntorch_loop_gets_exactly_the_changes_of_the_equations(variant):
    torch.manual_seed(0)
    model, rule = StepByStep(), DASSDP(0.02, 0.006, variant=variant)
    hook = DASSDPHook({"fc2": rule, "fc3": rule}, model, n_steps=N_STEPS, warm_up_steps=3,
                      neurons={"fc2": "lif2"}, readout="fc3")
    plain = {"fc2": Plain(rule, 3, False), "fc3": Plain(rule, 3, True)}
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    x, y = blobs()
    for _ in range(2):
        for rows in torch.arange(len(x)).split(16):
            loss = cross_entropy(model(x[rows]), y[rows], reduction="none")
            optimizer.zero_grad()
            loss.mean().backward()
            optimizer.step()
            trains, after = model.trains, {n: getattr(model, n).weight.clone() for n in plain}
            hook.step(loss)
            model.eval()
            model(x[:5])
            model.train()
            with torch.no_grad():
                model(x[:7])
            losses = loss.detach().double().numpy()
            for name, pre, post in zip(("fc2", "fc3"), trains[:2], trains[1:], strict=True):
                change = (getattr(model, name).weight - after[name]).detach().numpy()
                expected = plain[name].change(pre, post, losses)
                np.testing.assert_allclose(change, expected, atol=2e-7)
    assert hook.steps == 6 and all(abs(gate.k) > 1e-3 for gate in hook.gates.values())
    assert np.abs(expected).max() > 1e-3


@pytest.mark.parametrize("variant", VARIANTS)
def test_multi_step_modules_and_single_steps_give_the_same_weights(variant):
    """Also: the next module of a Sequential is the neuron; outputs summed in place do no harm."""
    x, weights = torch.rand(5, N_STEPS, 4, 8) * 2, []
    for lif in (MultiStepLIF, StepLIF):
        torch.manual_seed(3)
        model = nn.Sequential(nn.Linear(8, 12), lif(), nn.Dropout(0.0), nn.Linear(12, 9), lif())
        hook = DASSDPHook({"3": DASSDP(0.05, 0.02, variant=variant)}, model, n_steps=N_STEPS,
                          warm_up_steps=2)
        for batch in x:
            if lif is MultiStepLIF:
                out = model(batch).sum(0)
            else:
                model[1].v = model[4].v = 0.0
                out = model(batch[0])
                for step in batch[1:]:
                    out += model(step)
            loss = out.sum(1)
            loss.mean().backward()
            hook.step(loss)
        weights.append(model[3].weight.detach())
    assert torch.equal(*weights)
    torch.manual_seed(3)
    assert not torch.equal(weights[0], nn.Sequential(nn.Linear(8, 12), nn.Linear(12, 9))[1].weight)


def test_scaled_spikes_of_a_dropout_are_spikes():
    model, same = single(5, 3), single(5, 3)
    same.load_state_dict(model.state_dict())
    pre, post = torch.rand(N_STEPS, 2, 5) < 0.4, torch.rand(N_STEPS, 2, 3) < 0.4
    for net, scale in ((model, 1.0), (same, 1 / 0.7)):
        hook = DASSDPHook({"0": DASSDP()}, net, n_steps=N_STEPS, warm_up_steps=0)
        hook.record("0", pre * scale, post)
        hook.step()
    assert torch.equal(model[0].weight, same[0].weight)


def test_under_autocast_the_change_is_computed_in_the_weights_precision():
    weights = []
    for enabled in (False, True):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(8, 12), MultiStepLIF(), nn.Linear(12, 3))
        hook = DASSDPHook({"2": DASSDP()}, model, n_steps=N_STEPS, warm_up_steps=0, readout="2")
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            model(torch.ones(N_STEPS, 4, 8))
            hook.record("2", torch.eye(12).expand(N_STEPS, 12, 12), torch.ones(N_STEPS, 12, 3))
            hook.step()
        weights.append(model[2].weight.detach())
    assert torch.equal(*weights)


def test_removed_hooks_record_nothing():
    model = nn.Sequential(nn.Linear(8, 12), MultiStepLIF(), nn.Linear(12, 3), MultiStepLIF())
    hook = DASSDPHook({"2": DASSDP()}, model, n_steps=N_STEPS, warm_up_steps=0)
    hook.remove()
    model(torch.ones(N_STEPS, 4, 8))
    with pytest.raises(EdgeError, match="nothing was recorded"):
        hook.step()


# --- resuming ------------------------------------------------------------------------------------

@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("stop", [2, 7])
def test_a_resumed_run_ends_with_the_same_weights(variant, stop):
    """Stopped in the warm-up of 5 steps and behind it; the state passes through torch.save."""
    rng = np.random.default_rng(8)
    trains = [[torch.tensor(v) for v in batch]
              for batch in batches(rng, 10, (N_STEPS, 4, 6, 5), False)]

    def start(model):
        return DASSDPHook({"0": DASSDP(0.05, 0.02, variant=variant)}, model, n_steps=N_STEPS,
                          warm_up_steps=5)

    def run(hook, some):
        for pre, post, losses in some:
            hook.record("0", pre, post)
            hook.step(losses)

    whole = single(6, 5)
    stopped, resumed = single(6, 5), single(6, 5)
    stopped.load_state_dict(whole.state_dict())
    run(start(whole), trains)
    first = start(stopped)
    run(first, trains[:stop])
    file = io.BytesIO()
    torch.save({"model": stopped.state_dict(), "hook": first.state_dict()}, file)
    file.seek(0)
    checkpoint = torch.load(file, weights_only=True)
    resumed.load_state_dict(checkpoint["model"])
    second = start(resumed)
    second.load_state_dict(checkpoint["hook"])
    run(second, trains[stop:])
    assert torch.equal(resumed[0].weight, whole[0].weight)
    assert second.steps == 10 and abs(second.gates["0"].k) > 1e-3
