"""Outputs that are values: the scale of their targets, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.valued import CENTRE, SETTINGS, fitted, learning, network, samples

import edge_dassdp as ed
from edge_dassdp import qir
from edge_dassdp.base.values import nrmse
from edge_dassdp.qir.samples import input_x
from edge_dassdp.reference.feedback import value_error
from edge_dassdp.rules import CUSUM, ErrorScaled
from edge_dassdp.twin.model import FloatModel


@pytest.fixture(scope="module")
def model() -> ed.QNetwork:
    x, y = samples(300, 1)
    return ed.quantize(fitted(), learning(replay=ed.Replay(12, 8)), SETTINGS, x=x, y=y)


def test_values_are_those_of_the_float_network_in_its_unit(model: ed.QNetwork) -> None:
    x, y = samples(200, 2)
    floats = FloatModel(fitted()).run(x).logits / 16.0
    with ed.open(model) as device:
        found = device.predict(x)
    assert nrmse(found - floats, y).max() < 0.12
    assert (np.abs(found.mean(axis=0) - CENTRE) < np.abs(y).std(axis=0)).all()


def test_a_target_comes_back_to_a_two_thousandth_of_its_scale(model: ed.QNetwork) -> None:
    assert model.values is not None
    _, y = samples(100, 3)
    q11 = model.values.in_q11(y)
    back = model.values.centre + q11 / 2048 * model.values.scale
    assert (np.abs(back - y) <= model.values.scale / 4096 * 1.001).all()


def test_the_error_is_target_less_value_in_its_scale(model: ed.QNetwork) -> None:
    assert model.values is not None
    with ed.open(model) as device:
        logits = device.target.run(input_x(model, samples(1, 9)[0])).logits[0].astype(np.int64)
    value = model.values.of_logits(logits[None])
    for step in (-0.5, 0.25, 3.0):
        target = model.values.in_q11(value + step * model.values.scale)[0].astype(np.int64)
        err_q8, loss_q8 = value_error(model.values, logits, target)
        assert np.abs(err_q8 - 256 * step).max() <= 2
        assert abs(loss_q8 - 256 * step**2) <= 16
    far = model.values.in_q11(value + 9.0 * model.values.scale)[0].astype(np.int64)
    assert (value_error(model.values, logits, far)[0] == 1024).all()


def test_a_file_keeps_it_and_classes_keep_their_format(model: ed.QNetwork, tmp_path: Path) -> None:
    ed.save(model, tmp_path / "v.npz")
    found = ed.load_model(tmp_path / "v.npz")
    assert found.sha256 == model.sha256 and found.values is not None and model.values is not None
    assert np.array_equal(found.values.scale, model.values.scale)
    assert qir.network.describe(model)[0]["format"].endswith("/8")
    classes = ed.quantize(fitted(), learning())
    assert qir.network.describe(classes)[0]["format"].endswith("/4")
    assert "values" not in qir.network.describe(classes)[0]


@pytest.mark.parametrize(("change", "code", "told"), [
    ({"y": None}, "E105", "there are none"),
    ({"y": np.full((300, 2), np.nan)}, "E104", "NaN"),
    ({"y": np.ones((300, 2))}, "E104", "targets of output 0 are all 1"),
    ({"y": np.zeros((300, 2), bool)}, "E104", "truth values"),
    ({"y": np.zeros((300, 3))}, "E104", r"expected numbers \(300, 2\)"),
    ({"y": np.zeros((299, 2))}, "E104", r"expected numbers \(300, 2\)"),
    ({"network": network("spike_count", "subtract")}, "E105", "count of their spikes"),
    ({"network": network("spike_count")}, "E105", "count of their spikes"),
    ({"learning": learning(gate=CUSUM())}, "E203", "CUSUM gate counts wrong classes"),
    ({"learning": learning(guard=ed.Guard(margin=2))}, "E203", "guard counts right classes"),
    ({"learning": learning(schedule=ErrorScaled())}, "E203", "steps by errors"),
    ({"learning": ed.Learning({"fc2": ed.DASSDP(0.01, 0.01)})}, "E203", "batches"),
])
def test_refused_with_a_sentence(change: dict[str, object], code: str, told: str) -> None:
    x, y = samples(300, 1)
    given = {"network": fitted(), "learning": learning(), "settings": SETTINGS, "x": x, "y": y}
    with pytest.raises(ed.EdgeError, match=told) as caught:
        ed.quantize(**{**given, **change})  # type: ignore[arg-type]
    assert caught.value.code == code and caught.value.help


def test_a_temperature_is_of_classes() -> None:
    with pytest.raises(ed.EdgeError, match="softmax of classes"):
        replace(SETTINGS, temperature=2.0)


def test_targets_out_of_range_are_counted_with_the_range(model: ed.QNetwork) -> None:
    x, y = samples(50, 3)
    y[[3, 7], 0] += 5000.0
    with ed.open(model) as device, pytest.raises(ed.EdgeError, match="sample 3") as caught:
        device.learn(x, y)
    assert "2 of 100" in caught.value.cause and " to " in caught.value.cause
