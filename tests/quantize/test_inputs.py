"""Steps of inputs: raw features keep their resolution, clean and standardized data its one step,
and no glitch takes bits."""

from __future__ import annotations

import numpy as np
import pytest
from support.raw_features import clusters, in_units, network

from edge_dassdp import ir, qir
from edge_dassdp.base.errors import EdgeError
from edge_dassdp.data.clipping import clipping
from edge_dassdp.figures.fidelity import vanished
from edge_dassdp.ir.geometry import Conv, MaxPool, Pool
from edge_dassdp.qir.network import describe
from edge_dassdp.qir.order import device_order
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize
from edge_dassdp.quantize.settings import Settings
from edge_dassdp.quantize.wayback import requantize
from edge_dassdp.reference import Reference
from edge_dassdp.targets.open import open_target
from edge_dassdp.twin.model import FloatModel

X, Y = clusters(600, 8, 4)
NET = network(X, Y)
UNITS = {  # unit and mean of each feature
    "unequal": (np.geomspace(0.01, 1000, 8), np.zeros(8)),
    "offsets": (np.geomspace(0.01, 1000, 8), np.geomspace(1, 5000, 8)),
    "far from zero": (np.full(8, 0.5), np.full(8, 300.0)),
    "small": (np.full(8, 1e-3), np.zeros(8)),
    "imu": (np.repeat([0.5, 100.0], 4), np.repeat([9.81, 0.0], 4)),
}


def accuracies(net: ir.Network, x: np.ndarray, settings: Settings | None = None,
               train: np.ndarray | None = None) -> tuple[float, float, qir.QNetwork]:
    """In float and int8, on samples that calibration did not see, and the model."""
    model = quantize(net, None, settings, x[:300] if train is None else train).network
    classes = Reference(model).classify(input_x(model, x[300:]))
    floats = FloatModel(net).run(x[300:]).classes
    return float((floats == Y[300:]).mean()), float((classes == Y[300:]).mean()), model


@pytest.mark.parametrize("units", UNITS)
def test_raw_features_lose_at_most_a_point(units: str) -> None:
    unit, mean = UNITS[units]
    floats, integers, model = accuracies(in_units(NET, unit, mean),
                                         (X * unit + mean).astype(np.float32))
    assert floats > 0.8 and integers >= floats - 0.01
    assert (model.x_features is None) == (units == "small")


def test_one_step_for_all_loses_them() -> None:
    unit, mean = UNITS["imu"]
    floats, integers, _ = accuracies(in_units(NET, unit, mean),
                                     (X * unit + mean).astype(np.float32),
                                     Settings(input_scale="uniform"))
    assert integers < floats - 0.2


def behind_batch_norm(feature: int, std: float, mean: float) -> tuple[ir.Network, np.ndarray]:
    """NET behind a BatchNorm over samples with one feature of that spread, and these samples."""
    x = X.copy()
    x[:, feature] = mean + std * x[:, feature]
    gain = np.ones(8)
    gain[feature] = (std**2 + 1e-5) ** -0.5  # eps of PyTorch
    return in_units(NET, 1 / gain, mean * (np.arange(8) == feature)), x


@pytest.mark.parametrize("mean", [0.0, 7.0, -3e-3])
@pytest.mark.parametrize("std", [1e-4, 1e-6, 0.0])
def test_a_feature_of_hardly_any_spread_takes_no_bits_of_the_others(std: float, mean: float
                                                                    ) -> None:
    """Its weight is hundreds of times the others'; its values may be the least of all currents."""
    net, x = behind_batch_norm(3, std, mean)
    floats, integers, model = accuracies(net, x)
    assert floats > 0.6 and integers >= floats - 0.02 and model.x_features is not None
    lost = accuracies(net, x, Settings(input_scale="uniform"))[1]
    assert lost < floats - 0.2
    found = vanished(net, quantize(net, None, Settings(input_scale="uniform"), x).network)["fc1"]
    assert found > 0.5


def test_what_never_moved_becomes_part_of_the_bias_and_is_told_when_it_moves() -> None:
    net, x = behind_batch_norm(3, 0.0, 7.0)
    model = quantize(net, None, None, x[:300]).network
    assert not input_x(model, x)[:, 3].any() and not model.projection("fc1").w[3].any()
    assert not clipping(model.inputs, model.x_scales, x).warning
    x[:, 3] += 0.5
    found = clipping(model.inputs, model.x_scales, x)
    assert "x[3] 100 %" in found.warning and [f.feature for f in found.worst] == [3]


def test_what_never_moved_is_heard_where_its_weight_is_as_the_others() -> None:
    """A pixel of a border that a few samples light."""
    x = X.copy()
    x[:, 3] = 0.4
    model = quantize(NET, None, Settings(input_scale="feature"), x).network
    assert model.projection("fc1").w[3].any() and input_x(model, x)[:, 3].all()
    few = quantize(behind_batch_norm(3, 0.0, 7.0)[0], None, Settings(input_scale="feature"),
                   x[:2]).network  # of which nothing can be told
    assert few.projection("fc1").w[3].any()


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("still", [0.0, 2.0])
def test_channels_of_hardly_any_spread_take_no_bits_either(still: float, padding: int) -> None:
    """A still channel's border of zeros is no part of any bias: where it pads, it must count."""
    rng, unit = np.random.default_rng(0), np.array([1.0, 1.0, 1e-4, 0.0])
    mean = np.where(unit == 0, still, 0)
    x = rng.normal(0, 1, (200, 4, 10)) * unit[:, None] + mean[:, None]
    x[:, 0, 4] = 0.2  # a place that stands still in a channel that moves
    w = rng.normal(0, 0.7, (6, 4, 1, 3)) * ((unit**2 + 1e-5) ** -0.5)[None, :, None, None]
    bias = 0.3 - (w * mean[None, :, None, None]).sum(axis=(1, 2, 3))
    n = 8 + 2 * padding
    net = ir.Network(
        (ir.Input("x", 40, shape=(4, 10)),),
        (ir.Population("h", 6 * n, 0.5, 1.0, shape=(6, n)),
         ir.Population("out", 3, 0.0, 1.0, "none")),
        (ir.Projection("c", "x", "h", w, bias, conv=Conv(padding=(0, padding))),
         ir.Projection("fc", "h", "out", rng.normal(0, 1, (6 * n, 3)))),
        ir.Readout("out", "membrane_sum"), 6)
    rows = x.reshape(200, -1).astype(np.float32)
    floats = FloatModel(net).run(rows).classes
    model = quantize(net, None, None, rows).network
    scale = model.x_scales[0]
    if still and padding:
        assert not scale.zero.any()
        return
    assert all(len(set(part)) == 1 for part in scale.frac_bits.reshape(4, -1).tolist())
    agree = (Reference(model).classify(input_x(model, rows)) == floats).mean()
    plain = quantize(net, None, Settings(input_scale="uniform"), rows).network
    assert agree > 0.95 > 0.8 > (Reference(plain).classify(input_x(plain, rows)) == floats).mean()


def test_standardized_data_keeps_one_step_and_its_file() -> None:
    floats, integers, model = accuracies(NET, X)
    assert model.x_features is None and model.x_frac_bits == (4,)
    assert integers >= floats - 0.01


@pytest.mark.parametrize("glitch", [20.0, 1e3, -1e6, 32768.0])
def test_a_glitch_takes_no_bits(glitch: float) -> None:
    spoilt = X[:300].copy()
    spoilt[7, 3] = glitch
    clean = quantize(NET, None, None, X[:300]).network
    assert quantize(NET, None, None, spoilt).network.x_frac_bits == clean.x_frac_bits
    few = X[:40].copy()
    few[7, 3] = glitch
    assert quantize(NET, None, None, few).network.x_frac_bits \
        == quantize(NET, None, None, X[:40]).network.x_frac_bits


def test_a_heavy_tail_is_no_glitch() -> None:
    x = np.random.default_rng(0).standard_t(3, (500, 8)).astype(np.float32)
    peak = np.abs(x).max()
    assert peak > 15
    assert quantize(NET, None, Settings(input_scale="uniform"), x).network.x_frac_bits \
        == (int(np.floor(np.log2(127 / (2 * peak)))),)


def test_rare_events_are_no_glitches() -> None:
    """Values that are 0 but for a few, all of which count."""
    x = np.zeros((1000, 8), np.float32)
    x[np.arange(8) * 100, np.arange(8)] = 1.0
    assert quantize(NET, None, None, x).network.x_frac_bits == (5,)


@pytest.mark.parametrize(("value", "said"), [(np.nan, "NaN"), (np.inf, "infinite")])
def test_what_is_no_number_is_refused(value: float, said: str) -> None:
    bad = X[:20].copy()
    bad[3, 3] = value
    with pytest.raises(EdgeError, match=rf"samples\[3, 3\] is {said}, expected finite") as caught:
        quantize(NET, None, None, bad)
    assert caught.value.code == "E104"


def test_steps_by_feature_need_samples() -> None:
    with pytest.raises(EdgeError, match="samples") as caught:
        quantize(NET, None, Settings(input_scale="feature"))
    assert caught.value.code == "E105" and "--data" in caught.value.help


def test_codes_stand_for_the_samples() -> None:
    unit, mean = UNITS["offsets"]
    x = (X * unit + mean).astype(np.float32)
    model = quantize(in_units(NET, unit, mean), None, None, x).network
    scale = model.x_scales[0]
    off = np.abs(scale.values(input_x(model, x)) - x) * 2.0**scale.frac_bits
    assert off.max() <= 0.5 and np.abs(input_x(model, x)).max(axis=0).min() >= 31


def test_a_model_with_steps_by_feature_is_the_same_from_its_file(tmp_path) -> None:
    unit, mean = UNITS["imu"]
    net, x = in_units(NET, unit, mean), (X * unit + mean).astype(np.float32)
    model = quantize(net, None, None, x).network
    qir.save(model, tmp_path / "q.npz")
    again = qir.load(tmp_path / "q.npz")
    assert again.sha256 == model.sha256
    assert np.array_equal(input_x(again, x), input_x(model, x))
    assert requantize(net, again).sha256 == model.sha256


def test_a_model_of_one_step_keeps_its_identity(tmp_path) -> None:
    """Files and snapshots of before there were steps by feature stay good."""
    model = quantize(NET, None, None, X).network
    header, _ = describe(model)
    assert header["format"] == "edge_dassdp/quantized/4" and "x_features" not in header


VOLUMES = {
    "padded": (Conv(padding=(0, 1)), None, (2, 12)),
    "groups": (Conv(groups=2), None, (4, 10)),
    "pooled": (None, Pool("sum", (1, 2), (1, 2)), (2, 12)),
    "strided": (Conv(stride=(1, 2)), None, (3, 11)),
    "largest": (Conv(), None, (3, 10)),
}


@pytest.mark.parametrize("kind", VOLUMES)
@pytest.mark.parametrize("frames", [1, 5])
def test_channels_of_volumes_have_their_own_steps(kind: str, frames: int) -> None:
    """Windows of channels in units of their own, folded or pooled."""
    conv, pool, shape = VOLUMES[kind]
    largest = MaxPool((1, 2), (1, 2)) if kind == "largest" else None
    rng = np.random.default_rng(3)
    c, n = shape[0], int(np.prod(shape))
    unit = np.repeat(np.geomspace(0.05, 200, c), shape[1])
    mean = unit * 3
    x = (rng.normal(0, 1, (200, frames, n)) * unit + mean).astype(np.float32)
    if conv:
        by_channel = unit.reshape(conv.groups, 1, c // conv.groups, -1)[..., :1]
        w = rng.normal(0, 1, (conv.groups, 4 // conv.groups, c // conv.groups, 3)) / by_channel
        bias = -3 * (w * by_channel).sum(axis=(2, 3)).ravel()  # of the mean
        w = w.reshape(4, -1, 1, 3)
        volume = conv.out((c, 1, shape[1]), w.shape)
        volume = largest.out(volume) if largest else volume
        out, size = (volume[0], volume[2]), volume[0] * volume[2]
    else:
        assert pool is not None
        w = rng.normal(0, 0.4, (n // 2, 6)) / unit[::2, None]
        out, size, bias = (6,), 6, -np.ones(6)
    net = ir.Network(
        (ir.Input("x", n, n_frames=frames, shape=shape),),
        (ir.Population("h", size, 0.5, 2.0, shape=out),
         ir.Population("out", 3, 0.0, 1.0, "none")),
        (ir.Projection("c", "x", "h", w, bias, conv=conv, pool=pool,
                       result_pool=largest),
         ir.Projection("fc", "h", "out", rng.normal(0, 1, (size, 3)))),
        ir.Readout("out", "membrane_sum"), 5)
    rows = x.reshape(200, -1)
    model = quantize(net, None, None, rows[:100]).network
    scale = model.x_scales[0]
    assert not scale.is_uniform
    assert (scale.zero == 0).all() == (kind == "padded")
    assert all(len(set(part)) == 1 for part in scale.frac_bits.reshape(c, -1).tolist())
    fires = FloatModel(net).run(rows[100:]).spikes["h"]
    reference = Reference(model)
    reference.begin(input_x(model, rows[100:]))
    natural = slice(None) if model.population("h").natural is None else \
        device_order(model.population("h").natural)
    differ = 0.0
    for t_step in range(5):
        reference.step(t_step)
        differ += (reference.spikes["h"][:, natural] != fires[:, t_step]).mean() / 5
    # without a zero of its own a feature 3 steps off keeps a bit less
    assert fires.mean() > 0.1 and differ < (0.06 if kind == "padded" else 0.04)


def test_no_target_knows_of_steps() -> None:
    """What a device is sent are the codes; all targets agree on them."""
    unit, mean = UNITS["offsets"]
    x = (X[:12] * unit + mean).astype(np.float32)
    model = quantize(in_units(NET, unit, mean), None, None, (X * unit + mean).astype(np.float32)
                     ).network
    with open_target("reference", model) as a, open_target("emulator-checked", model) as b:
        for sample in input_x(model, x):
            assert a.infer(sample).logits.tolist() == b.infer(sample).logits.tolist()
