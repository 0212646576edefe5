"""Tables of paths: division by multiplication, taps of kernels, masks of delays."""

from __future__ import annotations

import numpy as np
import pytest
from support.scenarios import SCENARIOS

from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan
from edge_dassdp.plan.convolution import Axis, Taps, conv_tables, divisor, kernel_of
from edge_dassdp.plan.ledger import constant_bytes
from edge_dassdp.plan.routes import Lags
from edge_dassdp.qir import QNetwork, QProjection
from edge_dassdp.qir.packing import LANES

CONVOLVED = [(name, q.name) for name in ("convolutions", "sinabs", "line", "images_frames")
             for q in SCENARIOS[name].quantized.projections
             if q.conv is not None and q.w.ndim == 4 and q.pool is None]


@pytest.mark.parametrize("most", [1, 255, 4095, 65535])
@pytest.mark.parametrize("d", [1, 2, 3, 6, 7, 28, 255, 641, 65535])
def test_a_divisor_is_exact_and_stays_in_32_bits(d: int, most: int) -> None:
    found = divisor(d, most)
    n = np.arange(most + 1)
    products = n * found.factor + found.addend
    assert (products >> found.shift == n // d).all()
    assert products.max() < 1 << 32


def scattered(network: QNetwork, q: QProjection, x: np.ndarray) -> np.ndarray:
    """Sums as firmware/src/paths/deliver.c makes them of how often each source neuron fired."""
    made = conv_tables(network, q)
    c, _, width = made.source
    sums = np.zeros((made.y.n_out, made.x.n_out, made.out_channels), np.int64)
    weights = made.image.reshape(-1, made.tap_columns)
    if not made.group_channels:
        weights = weights.reshape(len(weights), -1, 4)[:, :, list(LANES)].reshape(len(weights), -1)
    n_rows, n_taps = (sum(t.n_taps for t in axis) for axis in (made.down, made.across))
    for idx in np.flatnonzero(x):
        place, channel = divmod(int(idx), c)
        y, at_x = divmod(place, width)
        first = channel // made.group_channels * made.tap_columns if made.group_channels else 0
        for out_y, row in reached(made.down, made.y, y):
            for out_x, tap in reached(made.across, made.x, at_x):
                w = weights[(channel * n_rows + row) * n_taps + tap]
                columns = sums[out_y, out_x, first : first + made.tap_columns]
                columns += x[idx] * w[: columns.size]
    return sums.ravel()


def reached(runs: tuple[Taps, ...], axis: Axis, place: int) -> list[tuple[int, int]]:
    """(output, tap of the image) along an axis."""
    quotient, phase = divmod(place + axis.padding, axis.stride)
    return [(quotient - run.quotient + k, run.first + k) for run in runs if run.phase == phase
            for k in range(run.n_taps) if 0 <= quotient - run.quotient + k < axis.n_out]


def test_a_frozen_kernel_of_one_place_is_scattered_and_a_plastic_one_lists_rows() -> None:
    found = Plan.of(SCENARIOS["pointwise_ssdp"].quantized).routes
    assert (found["c1_c2"].kind, found["c2_c3"].kind) == ("channels", "conv")


@pytest.mark.parametrize(("scenario", "projection"), CONVOLVED)
def test_a_kernel_s_image_gives_the_sums_of_its_convolution(scenario: str,
                                                            projection: str) -> None:
    network = SCENARIOS[scenario].quantized
    q, rng = network.projection(projection), np.random.default_rng(1)
    c, height, width = q.volume
    natural = kernel_of(q).shape[1] * (q.conv.groups if q.conv else 1)
    x = np.zeros((height, width, c), np.int64)
    x[:, :, :natural] = rng.integers(-2, 3, (height, width, natural))
    planes = x[:, :, :natural].transpose(2, 0, 1).reshape(1, -1)
    assert q.conv is not None
    expected = q.conv.apply(planes, q.w.astype(np.int64), (natural, height, width))[0]
    post = network.population(q.post).shape
    found = scattered(network, q, x.ravel()).reshape(post[1], post[2], -1).transpose(2, 0, 1)
    np.testing.assert_array_equal(found[: len(q.w)].ravel(), expected)
    assert not found[len(q.w):].any()


def test_masks_hold_every_neuron_once() -> None:
    delay = np.random.default_rng(2).integers(0, 5, 70)
    made = Lags.of(delay, 70)
    steps = made.steps
    bits = np.unpackbits(made.masks.view(np.uint8).reshape(len(steps), -1), axis=1, count=70,
                         bitorder="little")
    assert steps == tuple(sorted(set(delay.tolist())))
    assert (bits.sum(axis=0) == 1).all()
    assert (np.array(steps) @ bits == delay).all()
    assert Lags.of(np.full(70, 3), 70).masks.size == 0


@pytest.mark.parametrize("scenario", ["convolutions", "sinabs", "delays", "encoded_latency",
                                      "synapses"])
def test_constants_are_counted(scenario: str) -> None:
    """Arrays of the emitted tables take no more than predicted, and hardly less."""
    network = SCENARIOS[scenario].quantized
    plan = Plan.of(network)
    text = emit(plan)["dassdp_model.c"]
    sizes = {"uint8_t": 1, "int8_t": 1, "uint16_t": 2, "int16_t": 2, "int32_t": 4, "uint32_t": 4}
    found = 0
    for line in text.splitlines():
        words = line.split()
        if line.startswith("static _Alignas(4) const"):
            count = int(words[4].partition("[")[2].partition("]")[0])
            found += sizes[words[3]] * count
    n_paths = sum(route.has_path for route in plan.routes.values())
    assert found <= constant_bytes(plan) <= found + 900 * n_paths + 64
    assert plan.layout.state_bytes % 8 == 0
