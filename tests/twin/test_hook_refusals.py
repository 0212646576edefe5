"""What the training hook refuses: settings, modules, trains, losses and states that do not fit."""

from __future__ import annotations

import sys

import pytest
import torch
from support.spiking_models import N_STEPS, MultiStepLIF, StepByStep, single
from torch import nn

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.rules import DASSDP, ReadoutDelta
from edge_dassdp.twin.hook import DASSDPHook

torch.set_num_threads(1)


def refused(code: str, call) -> str:
    with pytest.raises(EdgeError) as caught:
        call()
    assert caught.value.code == code
    return str(caught.value)


def test_settings_and_modules_that_do_not_fit_are_named():
    model = nn.Sequential(nn.Linear(4, 4), nn.Conv1d(4, 4, 1), nn.Linear(4, 4).bfloat16(),
                          nn.utils.parametrizations.weight_norm(nn.Linear(4, 4)))

    def build(name="0", rule=None, **changes):
        options = {"n_steps": 4, "warm_up_steps": 0, **changes}
        return lambda: DASSDPHook({name: rule or DASSDP()}, model, **options)

    assert "its nn.Linear modules are 0, 2" in refused("E105", build("fc9"))
    assert "'1' is a Conv1d" in refused("E203", build("1"))
    assert "torch.bfloat16" in refused("E203", build("2"))
    assert "parametrization" in refused("E203", build("3"))
    assert "ReadoutDelta" in refused("E203", build(rule=ReadoutDelta()))
    assert "n_steps is 0" in refused("E105", build(n_steps=0))
    assert "warm_up_steps is 1.5" in refused("E105", build(warm_up_steps=1.5))
    assert "'7' has no rule" in refused("E105", build(readout="7"))
    assert "'2' has no rule" in refused("E105", build(neurons={"2": "3"}))
    assert "no module 'lif'" in refused("E105", build(neurons={"0": "lif"}))
    refused("E105", lambda: DASSDPHook({}, model, n_steps=4, warm_up_steps=0))


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
    for values in (torch.rand(N_STEPS, 2, 5), -spikes, spikes * torch.nan,
                   torch.arange(5.0).expand(N_STEPS, 2, 5)):
        assert "not spikes" in refused("E203", record(pre=values))
    _, readout = hooked(readout="2")
    nan = torch.full((N_STEPS, 2, 3), torch.nan)
    assert "NaN" in refused("E104", record(post=nan, to=readout))
    assert "not spikes" in refused("E203", record(pre=torch.rand(N_STEPS, 2, 5), to=readout))
    assert hook.steps == readout.steps == 0


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
                       (torch.ones(3), "expected (2,)"), (torch.tensor([1.0, torch.nan]), "NaN")):
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
])
def test_a_state_of_something_else_is_refused(state):
    hook = DASSDPHook({"0": DASSDP()}, single(2, 2), n_steps=2, warm_up_steps=1)
    refused("E103", lambda: hook.load_state_dict(state))
