"""What is lost is said, with an option that helps."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from support.raw_features import clusters, in_units, network
from support.scenarios import layers

from edge_dassdp import ir
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.clipping import clipping
from edge_dassdp.data.datasets import Samples
from edge_dassdp.figures.fidelity import Values, measure_fidelity, vanished
from edge_dassdp.figures.losses import attempt, losses
from edge_dassdp.figures.widths import compare_widths, narrowest
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings, alternatives
from edge_dassdp.reference import Reference
from edge_dassdp.rules import Learning
from edge_dassdp.twin.model import FloatModel

NET = layers()
X = np.random.default_rng(2).normal(0, 1, (100, NET.n_inputs)).astype(np.float32)


def with_weight(net: ir.Network, name: str, weight: np.ndarray) -> ir.Network:
    return replace(net, projections=tuple(
        replace(p, weight=weight) if p.name == name else p for p in net.projections))


def with_outlier(name: str, times: float) -> ir.Network:
    w = NET.projection(name).weight.copy()
    w[0, 0] = times * np.abs(w).max()
    return with_weight(NET, name, w)


def said(net: ir.Network, settings: Settings | None = None, learning: Learning | None = None,
         x: np.ndarray | None = None, judged: np.ndarray | None = None) -> tuple[str, ...]:
    """judged: samples to measure on, where they are not those to quantize for."""
    settings = settings or Settings()
    made = quantize(net, learning, settings, x)
    return losses(net, made.network, measure_fidelity(net, made, x if judged is None else judged),
                  settings,
                  lambda other: quantize(net, learning, other, x), x)


@pytest.mark.parametrize("x", [None, X])
@pytest.mark.parametrize("learns", [True, False])
@pytest.mark.parametrize("name", ["fc1", "fc2", "fc3"])
def test_weights_that_an_outlier_makes_0_are_counted_and_the_option_named_helps(
        name: str, learns: bool, x: np.ndarray | None) -> None:
    net = with_outlier(name, 500.0)
    learning = Learning.default(net) if learns else None
    found = [text for text in said(net, None, learning, x) if f"'{name}' became 0" in text]
    assert len(found) == 1
    share = vanished(net, quantize(net, learning, None, x).network)[name]
    assert share > 0.9 and found[0].startswith(f"{100 * share:.1f} %")
    option = re.search(rf"with --(per-neuron|bits {name}=16) it is (\d+\.\d) %", found[0])
    assert option
    helped = Settings(per_neuron=True) if option[1] == "per-neuron" \
        else Settings(bits_of={name: 16})
    after = vanished(net, quantize(net, learning, helped, x).network)[name]
    assert f"{100 * after:.1f}" == option[2] and after < share / 2


def test_ordinary_weights_lose_little_and_nothing_is_said() -> None:
    assert said(NET, None, Learning.default(NET), X) == ()
    assert max(vanished(NET, quantize(NET).network).values()) < 0.05


def test_one_step_for_features_of_unequal_size_names_steps_by_feature() -> None:
    unit = np.where(np.arange(NET.n_inputs) == 3, 5e-3, 1.0)
    net = with_weight(NET, "fc1", NET.projection("fc1").weight / unit[:, None])
    found = said(net, Settings(input_scale="uniform"), None, (X * unit).astype(np.float32))
    assert any("'fc1' became 0" in text and "with --input-scale feature it is" in text
               for text in found)


def test_few_bits_say_that_more_help() -> None:
    found = said(with_outlier("fc2", 3.0), Settings(weight_bits=4))
    assert any("with --bits fc2=8" in text for text in found)


def one_output() -> ir.Network:
    net = layers(sizes=(6, 24, 24, 1), n_steps=12)
    return net


def test_one_output_is_compared_by_its_values() -> None:
    net = one_output()
    x = X[:, :6]
    shares = []
    for bits in (8, 4):
        settings = Settings(weight_bits=bits)
        found = measure_fidelity(net, quantize(net, None, settings, x), x,
                                 np.zeros(len(x), np.int64))
        assert found.agreement is found.float_accuracy is found.integer_accuracy is None
        assert found.values is not None and found.values.relative is not None
        spread = FloatModel(net).run(x).logits.std()
        assert found.values.spread == pytest.approx(spread, rel=1e-3)
        shares.append(found.values.relative)
    assert shares[0] < 0.1 < shares[1]
    assert any("off by" in text for text in said(net, Settings(weight_bits=4), None, x))


def test_values_are_compared_where_there_are_classes_too() -> None:
    found = measure_fidelity(NET, quantize(NET, None, None, X), X).values
    assert found is not None and found.relative is not None and found.relative < 0.2
    assert found.correlation is not None and found.correlation > 0.98


def test_values_by_hand() -> None:
    floats = np.array([[0.0, 0.0], [2.0, 4.0]])
    found = Values.compared(floats, floats + np.array([[0.0, 1.0], [0.0, 0.0]]))
    assert (found.rms, found.largest) == (0.5, 1.0)
    assert found.spread == pytest.approx(np.sqrt((1 + 4) / 2))
    assert Values.compared(np.ones((3, 1)), np.ones((3, 1))).correlation is None


def test_the_narrowest_weights_of_one_output_are_judged_by_its_values() -> None:
    net, x = one_output(), X[:, :6]
    found = compare_widths(net, None, Settings(), Samples(x, np.zeros(len(x), np.int64)),
                           Samples(x, np.zeros(len(x), np.int64)),
                           (8, 4))
    assert [w.accuracy for w in found] == [None, None]
    assert found[0].off is not None and found[1].off is not None and found[0].off < found[1].off
    assert narrowest(found, 0.5) == 8


def test_labels_of_one_output_teach_nothing_and_it_is_said() -> None:
    net = one_output()
    assert any("one output" in text for text in said(net, None, Learning.default(net)))
    assert not any("one output" in text for text in said(net))


def test_raw_features_without_samples_ask_for_samples() -> None:
    x, y = clusters(300, 8, 3)
    plain = network(x, y)
    raw = in_units(plain, np.geomspace(0.01, 1000, 8), np.zeros(8))
    assert any("--data" in text for text in said(raw))
    assert not any("--data" in text for text in said(plain))


def rare(n_rare: int, value: float = 90.0) -> np.ndarray:
    """Ordinary samples but for a few values of feature 3."""
    x = X.copy()
    x[:n_rare, 3] = value
    return x


def test_samples_that_clip_are_said_beside_what_they_measure() -> None:
    assert any("clipped at the ends of int8" in text for text in said(NET, x=X, judged=30 * X))
    assert not any("clipped" in text for text in said(NET, x=X, judged=0.9 * X))


@pytest.mark.parametrize("input_scale", ["uniform", "feature"])
def test_calibration_values_that_count_as_glitches_are_told_by_feature(input_scale: str) -> None:
    """And the switch that is named takes them in."""
    settings, x = Settings(input_scale=input_scale), rare(1)
    found = [text for text in said(NET, settings, x=x) if "left out" in text]
    assert len(found) == 1 and found[0].startswith(f"1 of {x.size:,} calibration values")
    assert f"(x[3] 1, of {len(x)} each)" in found[0]
    assert "--input-range all" in found[0] and "input_range='all'" in found[0]
    whole = replace(settings, input_range="all")
    assert not any("left out" in text for text in said(NET, whole, x=x))
    model = quantize(NET, None, whole, x).network
    assert clipping(model.inputs, model.x_scales, x).n_clipped == 0
    assert model.x_scales[0].values(np.array(127)).ravel()[:4][-1] >= 90
    with pytest.raises(EdgeError, match="input_range is 'whole'"):
        Settings(input_range="whole")


def test_a_step_that_was_asked_for_and_clips_calibration_is_told() -> None:
    found = [text for text in said(NET, Settings(x_frac_bits=7), x=X) if "left out" in text]
    assert len(found) == 1 and "x_frac_bits=7 does not hold them" in found[0]


def test_values_below_any_step_say_so() -> None:
    found = [text for text in said(NET, x=(X * 1e-9).astype(np.float32)) if "127 steps" in text]
    [text] = found
    assert text.startswith("calibration: ") and "any step of int8; scale them up" in text
    assert not any("became 0" in text for text in said(NET, x=(X * 1e-9).astype(np.float32)))
    coarse = said(NET, Settings(x_frac_bits=-1), x=X)
    assert any("127 steps" in text and "x_frac_bits=-1; give more" in text for text in coarse)


def test_values_beyond_any_step_say_so() -> None:
    far = (X * 2e9).astype(np.float32)
    net = with_weight(NET, "fc1", NET.projection("fc1").weight / 2e9)
    found = [text for text in said(net, x=far) if "left out" in text or "clipped" in text]
    assert len(found) == 2 and all("scale them down" in text for text in found)
    assert not any("alike" in text or "glitch" in text for text in found)


def test_classes_that_integers_give_otherwise_are_warned_of() -> None:
    """Inputs whose sizes differ by powers of ten lose the network in int8."""
    x = np.exp(1.5 * X).astype(np.float32)
    assert any("give the class of float in" in text and "logarithm" in text
               for text in said(NET, x=x))
    assert not any("give the class of float" in text for text in said(NET, x=X))


def of_unequal_thresholds() -> ir.Network:
    """Neurons that are the same but for the unit they count in."""
    unit = np.geomspace(1e-3, 1e2, 40)
    p = NET.populations[0]
    net = with_weight(NET, "fc1", NET.projection("fc1").weight * unit)
    return replace(net, populations=(replace(p, threshold=unit, bias=p.bias * unit),
                                     *NET.populations[1:]))


def of_long_sums() -> ir.Network:
    """Membranes summed for a thousand steps, almost without a leak."""
    out = NET.populations[-1]
    return replace(NET, n_steps=1000, populations=(
        *NET.populations[:-1], replace(out, beta=np.full(out.size, 0.999))))


REFUSED = {
    "thresholds": (of_unequal_thresholds, Settings(), "--per-neuron"),
    "logits": (of_long_sums, Settings(), "--membrane-bits 16"),
    "a threshold": (NET, Settings(membrane_bits=16, threshold_bits=14), "--membrane-bits 32"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_refusal_names_an_option_that_helps(kind: str) -> None:
    made, settings, option = REFUSED[kind]
    net = made() if callable(made) else made
    with pytest.raises(EdgeError) as caught:
        attempt(settings, lambda chosen: quantize(net, None, chosen, X))
    assert caught.value.code in ("E201", "E202")
    assert caught.value.help.startswith(f"give {option}, with which it can be quantized; or ")
    changed = dict(alternatives(settings))[option]
    model = quantize(net, None, changed, X).network
    classes = Reference(model).classify(input_x(model, X))
    assert (classes == FloatModel(net).run(X).classes).mean() > 0.8


def test_a_refusal_that_no_option_mends_keeps_its_help() -> None:
    p = NET.populations[0]
    net = replace(NET, populations=(replace(p, threshold=np.full(p.size, 1e-25)),
                                    *NET.populations[1:]))
    with pytest.raises(EdgeError) as caught:
        attempt(Settings(), lambda chosen: quantize(net, None, chosen, X))
    assert not caught.value.help.startswith("give --") and "raise it" in caught.value.help
