"""What the training hook refuses: settings, modules, trains, losses and states that do not fit."""

from __future__ import annotations

import sys

import pytest
import torch
from support.rule_examples import EXAMPLES
from support.spiking_models import N_STEPS, MultiStepLIF, StepByStep, single
from torch import nn

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.rules import DASSDP, ReadoutDelta
from edge_dassdp.rules.base import SynchronyRule
from edge_dassdp.twin.hook import DASSDPHook

torch.set_num_threads(1)


def refused(code: str, call) -> str:
    with pytest.raises(EdgeError) as caught:
        call()
    assert caught.value.code == code
    return str(caught.value)


def test_settings_and_modules_that_do_not_fit_are_named():
    model = nn.Sequential(nn.Linear(4, 4), nn.LSTM(4, 4), nn.Linear(4, 4).bfloat16(),
                          nn.utils.parametrizations.weight_norm(nn.Linear(4, 4)),
                          nn.LazyLinear(4), nn.LazyConv2d(4, 1), nn.Conv3d(4, 4, 1))

    def build(name="0", rule=None, **changes):
        options = {"n_steps": 4, "warm_up_steps": 0, **changes}
        return lambda: DASSDPHook({name: rule or DASSDP()}, model, **options)

    assert "modules and convolutions are 0, 2" in refused("E105", build("fc9"))
    assert "'1' is a LSTM" in refused("E203", build("1"))
    assert "'6' is a Conv3d" in refused("E203", build("6"))
    for lazy in ("4", "5"):
        assert f"'{lazy}' has no weight yet" in refused("E203", build(lazy))
    assert "torch.bfloat16" in refused("E203", build("2"))
    assert "parametrization" in refused("E203", build("3"))
    assert "ReadoutDelta" in refused("E203", build(rule=ReadoutDelta()))
    assert "n_steps is 0" in refused("E105", build(n_steps=0))
    assert "warm_up_steps is 1.5" in refused("E105", build(warm_up_steps=1.5))
    assert "'7' has no rule" in refused("E105", build(readout="7"))
    assert "'2' has no rule" in refused("E105", build(neurons={"2": "3"}))
    assert "no module 'lif'" in refused("E105", build(neurons={"0": "lif"}))
    assert "no module '5.2'" in refused("E105", build(neurons={"0": 5.2}))
    assert "'2' has no rule" in refused("E105", build(inputs={"2": "3"}))
    assert "no module 'lif'" in refused("E105", build(neurons={"0": "1"}, inputs={"0": "lif"}))
    for what in ("neurons", "inputs"):
        assert f"{what} is a list" in refused("E105", build(**{what: ["0"]}))
    for rules in ({}, None, ["0"]):
        refused("E105", lambda rules=rules: DASSDPHook(rules, model, n_steps=4, warm_up_steps=0))
    assert "the model is a dict" in refused(
        "E105", lambda: DASSDPHook({"0": DASSDP()}, {}, n_steps=4, warm_up_steps=0))


@pytest.mark.parametrize("layer", [nn.Linear(3, 3), nn.Conv1d(3, 3, 1), nn.Conv2d(3, 3, 1)])
@pytest.mark.parametrize("word", EXAMPLES)
def test_every_rule_stands_beside_training_or_is_refused(word, layer):
    def build():
        return DASSDPHook({"0": EXAMPLES[word]}, nn.Sequential(layer), n_steps=4, warm_up_steps=0)

    if isinstance(EXAMPLES[word], SynchronyRule):
        build().remove()
    else:
        assert type(EXAMPLES[word]).__name__ in refused("E203", build)


@pytest.mark.parametrize("conv, word", [
    (nn.Conv2d(4, 4, 3), "a kernel of 3"), (nn.Conv2d(4, 4, (1, 3)), r"a kernel of (1, 3)"),
    (nn.Conv2d(4, 4, 1, stride=2), "a stride of 2"), (nn.Conv1d(4, 4, 1, groups=2), "groups of 2"),
    (nn.Conv1d(4, 4, 1, padding=1), "a padding of 1"),
])
def test_convolutions_that_are_no_matrix_of_channels_are_named(conv, word):
    model = nn.Sequential(conv)
    assert word in refused(
        "E203", lambda: DASSDPHook({"0": DASSDP()}, model, n_steps=4, warm_up_steps=0))


def test_what_is_merely_the_next_module_behind_a_convolution_must_emit_spikes():
    """A normalization stands there as a rule; named, it is what the paper takes."""
    for neurons in ({}, {"0": "1"}):
        model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.ReLU())
        hook = DASSDPHook({"0": DASSDP()}, model, n_steps=1, warm_up_steps=0, neurons=neurons)
        model(torch.rand(2, 3, 5, 5))
        if neurons:
            hook.step()
        else:
            assert "neurons behind '0': the values are not spikes" in refused("E203", hook.step)


def hooked(**changes):
    model = nn.Sequential(nn.Linear(4, 5), MultiStepLIF(), nn.Linear(5, 3), MultiStepLIF())
    options = {"n_steps": N_STEPS, "warm_up_steps": 1, **changes}
    return model, DASSDPHook({"2": DASSDP()}, model, **options)


def test_trains_that_do_not_fit_are_refused():
    _, hook = hooked()
    spikes = torch.ones(N_STEPS, 2, 5)

    def record(pre=spikes, post=spikes[:, :, :3], name="2", to=hook):
        def call():
            to.record(name, pre, post)
            to.step(torch.ones(2))

        return call

    assert "expected one step (B, 5)" in refused("E104", record(pre=torch.ones(N_STEPS, 2, 4)))
    assert "neurons behind '2'" in refused("E104", record(post=torch.ones(3)))
    assert "shape (6, 0, 5)" in refused("E104", record(pre=spikes[:, :0]))
    assert "complex64" in refused("E104", record(pre=spikes.to(torch.complex64)))
    assert "ndarray" in refused("E104", record(pre=spikes.numpy()))
    assert "on meta" in refused("E104", record(pre=spikes.to("meta")))
    assert "'0' has no rule" in refused("E105", record(name="0"))
    assert "'[]' has no rule" in refused("E105", record(name=[]))
    for values in (spikes * torch.nan, spikes * torch.inf):
        assert "NaN or infinite" in refused("E104", record(pre=values))
    _, readout = hooked(readout="2")
    nan = torch.full((N_STEPS, 2, 3), torch.nan)
    assert "NaN" in refused("E104", record(post=nan, to=readout))
    assert hook.steps == readout.steps == 0


def test_real_numbers_that_modules_around_a_linear_emit_are_refused():
    """Spikes are what they have to emit: a number there is a membrane, or a module too early."""
    for values in (torch.rand(N_STEPS, 2, 4), -torch.ones(N_STEPS, 2, 4),
                   torch.full((N_STEPS, 2, 4), torch.nan),
                   torch.arange(4.0).expand(N_STEPS, 2, 4)):
        for readout in (None, "0"):
            model = nn.Sequential(nn.Linear(4, 3), MultiStepLIF())
            hook = DASSDPHook({"0": DASSDP()}, model, n_steps=N_STEPS, warm_up_steps=0,
                              readout=readout)
            model(values)
            assert "input of '0': the values are not spikes" in refused("E203", hook.step)
    model = nn.Sequential(nn.Linear(4, 3), nn.Identity())
    hook = DASSDPHook({"0": DASSDP()}, model, n_steps=N_STEPS, warm_up_steps=0)
    model(torch.ones(N_STEPS, 2, 4))
    assert "neurons behind '0': the values are not spikes" in refused("E203", hook.step)


def test_batches_that_do_not_fit_are_refused_and_change_nothing():
    model, hook = hooked(warm_up_steps=0)
    before, x = model[2].weight.clone(), 2 * torch.ones(N_STEPS, 2, 4)
    assert "input of '2': nothing was recorded" in refused("E104", hook.step)
    model(x)
    model(x)
    assert "12 steps were recorded, n_steps is 6" in refused("E104", hook.step)
    model(x[:4])
    assert "4 steps were recorded" in refused("E104", hook.step)
    model(x)
    assert "a batch of 1 follows one of 2" in refused("E104", lambda: model(x[:, :1]))
    hook.clear()
    hook.record("2", torch.ones(N_STEPS, 2, 5), torch.ones(N_STEPS, 3, 3))
    assert "2 samples before it and 3 behind it" in refused("E104", hook.step)
    assert torch.equal(model[2].weight, before) and hook.steps == 0
    model(x)
    hook.step()
    assert not torch.equal(model[2].weight, before)


def test_a_neuron_that_is_not_known_is_asked_for():
    model = StepByStep()
    hook = DASSDPHook({"fc2": DASSDP()}, model, n_steps=N_STEPS, warm_up_steps=0)
    model(torch.ones(2, 8))
    assert "neurons={projection: module}" in refused("E104", hook.step)
    wrong = DASSDPHook({"fc2": DASSDP()}, model, n_steps=N_STEPS, warm_up_steps=0,
                       neurons={"fc2": "fc3"})
    assert "neurons behind 'fc2'" in refused("E104", lambda: model(torch.ones(2, 8)))
    wrong.remove()
    hook = DASSDPHook({"fc1": DASSDP()}, model, n_steps=N_STEPS, warm_up_steps=0,
                      neurons={"fc1": "lif1"})
    assert "input of 'fc1': the values are not spikes" in refused(
        "E203", lambda: hook.step(model(torch.rand(2, 8))))


def test_losses_that_do_not_fit_are_refused_and_not_recorded():
    model, hook = hooked()
    x = torch.ones(N_STEPS, 2, 4)
    for loss, word in ((None, "needs the loss"), (torch.tensor(1.0), "reduction='none'"),
                       (torch.ones(3), "expected (2,)"), (torch.tensor([1.0, torch.nan]), "NaN"),
                       ("much", "the loss is a str"), (object(), "the loss is a object")):
        model(x)
        assert word in refused("E104", lambda loss=loss: hook.step(loss))
    assert hook.steps == 0 and hook.gates["2"].n == 0


def test_several_processes_are_refused():
    from torch.testing._internal.distributed.fake_pg import FakeStore

    torch.distributed.init_process_group("fake", store=FakeStore(), rank=0, world_size=2)
    try:
        assert "several processes" in refused("E203", hooked)
    finally:
        torch.distributed.destroy_process_group()


def test_without_torch_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "edge_dassdp.twin.hook")

    def load():
        import edge_dassdp.twin.hook  # noqa: F401

    assert "pip install 'edge-dassdp[torch]'" in refused("E303", load)


@pytest.mark.parametrize("state", [
    {}, {"steps": 3, "gates": {}}, {"steps": 3, "gates": {"1": {}}},
    {"steps": 3, "gates": {"0": {"m": 1}}}, {"steps": "x", "gates": {"0": {}}}, None,
    {"steps": -1, "gates": {"0": {}}}, {"steps": 3, "gates": {"0": {"k": "1"}}},
    {"steps": 3, "gates": {"0": {"n": None}}}, {"steps": 3, "gates": [0]},
])
def test_a_state_of_something_else_is_refused(state):
    hook = DASSDPHook({"0": DASSDP()}, single(2, 2), n_steps=2, warm_up_steps=1)
    refused("E103", lambda: hook.load_state_dict(state))
