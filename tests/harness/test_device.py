"""A device takes float samples in their natural shape and does the same on every target."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.scenarios import SCENARIOS, layers

import edge_dassdp as ed
from edge_dassdp.harness import Device, sample_rows
from edge_dassdp.ir import Input
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.reference import ReferenceTarget
from edge_dassdp.targets.target import Outcome

CASE = SCENARIOS["guard_all"]
PLASTIC = sorted(name for name, case in SCENARIOS.items() if case.quantized.plastic)


def samples(n: int, name: str = "guard_all",
            seed: int = 5) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    case, rng = SCENARIOS[name], np.random.default_rng(seed)
    x = np.concatenate([np.atleast_2d(case.sample(rng)) for _ in range(n)])
    return x, rng.integers(0, case.quantized.n_classes, n)


def refused(code: str, call: Callable[[], object]) -> ed.EdgeError:
    with pytest.raises(ed.EdgeError) as caught:
        call()
    assert caught.value.code == code
    return caught.value


def test_samples_come_in_their_natural_shape_or_flat_or_alone() -> None:
    source = Input("x", 24, shape=(2, 3, 4))
    x = np.arange(5 * 24, dtype=np.float32).reshape(5, 2, 3, 4)
    flat = x.reshape(5, 24)
    for given in (x, flat, x.tolist()):
        assert np.array_equal(sample_rows([source], given), flat)
    for given in (x[1], flat[1]):
        assert np.array_equal(sample_rows([source], given), flat[1:2])
    frames = Input("x", 4, n_frames=3, shape=(4,))
    assert np.array_equal(sample_rows([frames], flat[:, :12].reshape(5, 3, 4)), flat[:, :12])
    for wrong in (x[:, :1], flat[:, :23], x[None], 3.0, "text", np.full((1, 24), np.nan)):
        refused("E104", partial(sample_rows, [source], wrong))
    assert "(n, 24) or (n, 2, 3, 4)" in refused("E104", lambda: sample_rows([source], 1)).message


def test_two_inputs_lie_one_behind_the_other() -> None:
    inputs = [Input("a", 2), Input("b", 3)]
    assert sample_rows(inputs, np.zeros((4, 5))).shape == (4, 5)
    refused("E104", lambda: sample_rows(inputs, np.zeros((4, 2))))


@pytest.mark.parametrize("spec", ["reference", "emulator", "emulator-checked"])
def test_a_snapshot_goes_from_any_target_to_any_other(spec: str, tmp_path: Path) -> None:
    x, y = samples(30)
    with ed.open(CASE.quantized, spec) as one, ed.open(CASE.quantized, "emulator") as two:
        stream = one.learn(x, y)
        assert stream.predicted.shape == y.shape and not np.array_equal(
            one.weights()["fc3"], two.weights()["fc3"])
        one.save(tmp_path / "s.npz")
        two.load(tmp_path / "s.npz")
        assert two.verify(x[:4], y[:4]).differences == 0
        one.learn(x[:4], y[:4])
        assert one.target.read_learning() == two.target.read_learning()
        assert all(np.array_equal(one.weights()[name], w) for name, w in two.weights().items())
        two.reset()
        assert two.statistics().n_labelled == 0


@pytest.mark.parametrize("name", PLASTIC)
def test_verify_begins_where_the_device_stands(name: str) -> None:
    case = SCENARIOS[name]
    device = Device(case.quantized, Emulator(case.quantized))
    for call in case.calls():
        call.run(device.target)
    x, y = samples(3, name)
    targets = y if case.quantized.values is None else case.targets(x)
    assert str(device.verify(x).divergence) == "None"
    assert str(device.verify(x, targets).divergence) == "None"


def test_verify_names_what_differs() -> None:
    class Forgetful(ReferenceTarget):
        def learn(self, *given: Any, **named: Any) -> Outcome:
            outcome = super().learn(*given, **named)
            self.w["fc2"][0, 0] ^= 1
            return outcome

    done = Device(CASE.quantized, Forgetful(CASE.quantized)).verify(*samples(5))
    assert done.differences == 1 and done.divergence and done.samples == 2
    assert done.divergence.sample == 1 and done.divergence.signal.startswith("v_")


def test_what_a_device_says_is_what_its_target_says() -> None:
    x, y = samples(12)
    device = ed.open(CASE.quantized, "reference")
    packed = input_x(CASE.quantized, x)
    classes = Emulator(CASE.quantized).run(packed).class_idx
    assert np.array_equal(device.classify(x), classes)
    assert device.classify(x[0]).tolist() == [classes[0]]
    assert device.accuracy(x, classes) == 1.0
    device.learn(x[0], int(y[0]))
    assert device.idle(2) == 2
    assert device.statistics().n_labelled == 1


def test_a_warm_up_fits_the_gates() -> None:
    case = SCENARIOS["described_4"]
    device = ed.open(case.quantized, "emulator")
    device.warm_up(*samples(32, "described_4"))
    state = device.target.named_state()
    assert any(state[name][0] for name in state if name.endswith(".n_records"))
    assert any(state[name][0] for name in state if name.endswith(".root_s"))


def test_what_does_not_fit_is_refused_before_anything_runs() -> None:
    x, y = samples(4)
    device = ed.open(CASE.quantized, "emulator")
    for wrong_x, wrong_y in ((x[:, :-1], y), (x, y[:3]), (x, y + 0.5), (x, y - 100),
                             (x, [0, 0, 0, CASE.quantized.n_classes]), (x, "none")):
        refused("E104", partial(device.learn, wrong_x, wrong_y))
        refused("E104", partial(device.accuracy, wrong_x, wrong_y))
    refused("E104", lambda: device.accuracy(x[:0], y[:0]))
    refused("E105", lambda: ed.open(CASE.quantized, "nowhere"))
    assert device.statistics().n_labelled == 0


def test_a_model_is_printed_as_a_table_and_named_by_its_hash() -> None:
    model: QNetwork = CASE.quantized
    text = str(model)
    names = [*(i.name for i in model.inputs), *(p.name for p in model.populations),
             *(q.name for q in model.projections)]
    assert all(f" {name} " in line for name, line in zip(names, text.splitlines()[1:], strict=True))
    assert "array" not in text
    assert repr(model) == f"<QNetwork {model.sha256[:12]}>"


def test_samples_in_other_units_are_clipped_with_a_warning() -> None:
    net = layers()
    x = np.random.default_rng(0).normal(size=(40, net.n_inputs)).astype(np.float32)
    with ed.open(ed.quantize(net, x=x), "reference") as device:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            device.classify(x)
        assert device.clipping.n_clipped == 0
        with pytest.warns(UserWarning, match="clipped at the ends of int8"):
            device.classify(100 * x)
        assert device.clipping.share > 0.8


def test_lost_weights_are_a_warning() -> None:
    net = layers()
    net.projection("fc2").weight[0, 0] = 1e3
    with pytest.warns(UserWarning, match="'fc2' became 0"):
        ed.quantize(net)


@pytest.mark.parametrize(("source", "given", "wanted"), [
    (Input("x", 6), (2, 3, 4), "(2, 3, 4), expected (n, 6)"),
    (Input("x", 24, shape=(2, 3, 4)), (2, 7), "(2, 7), expected (n, 24) or (n, 2, 3, 4)"),
    (Input("x", 6, 5), (2, 7), "(2, 7), expected (n, 30) or (n, 5, 6)")])
def test_shapes_that_are_wanted_are_named_once(source: Input, given: tuple[int, ...],
                                               wanted: str) -> None:
    problem = refused("E104", lambda: sample_rows([source], np.zeros(given)))
    assert problem.message == f"samples have shape {wanted}"


@pytest.mark.parametrize("label", [2**63, 2**64 - 1])
def test_a_label_beyond_all_integers_is_told_as_it_is(label: int) -> None:
    """It wrapped to a negative one, and 2^64 - 1 to the one that means none."""
    with ed.open(CASE.quantized, "reference") as device:
        x, _ = samples(2)
        y = np.array([0, label], np.uint64)
        assert str(label) in refused("E104", lambda: device.learn(x, y)).message
        assert device.statistics().n_labelled == 0
    w = np.full(CASE.quantized.plastic[0].w.shape, 2**64 - 1, np.uint64)
    with ed.open(CASE.quantized, "reference") as device:
        refused("E503", lambda: device.target.write_weights(CASE.quantized.plastic[0].name, w))
