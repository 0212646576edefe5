"""Operations of convolutions, pools, delays and coded inputs, against what their sums say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from support import wired_networks as wired

from edge_dassdp.figures.work import Work, inference_work
from edge_dassdp.figures.work_paths import Visits
from edge_dassdp.ir import Input, Network
from edge_dassdp.ir.geometry import Pool
from edge_dassdp.plan import Plan
from edge_dassdp.plan.convolution import kernel_of
from edge_dassdp.qir import QNetwork, QProjection, sums
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize

CONVOLUTIONAL = {"strides, dilation, groups, pools": wired.convolutions,
                 "several spikes a step": wired.sinabs_like, "one dimension": wired.line,
                 "currents": lambda: wired.images(True)}


def scattering(net: QNetwork) -> list[QProjection]:
    return [q for q in net.projections
            if Plan.of(net).routes[q.name].kind in ("conv", "currents")]


@pytest.mark.parametrize("make", CONVOLUTIONAL.values(), ids=CONVOLUTIONAL)
def test_every_tap_that_a_spike_adds_is_counted(make: Callable[[], Network]) -> None:
    """With weights of 1 the sums of one channel of the result count them."""
    net = quantize(make()).network
    assert scattering(net)
    for q in scattering(net):
        visits, ones = Visits.of(q, Plan.of(net).routes[q.name]), replace(q, w=np.ones_like(q.w))
        if q.pool is not None and q.pool.kind == "max":
            ones = replace(ones, pool=None, volume=q.pool.out(q.volume))
        each = np.eye(len(visits.taps), dtype=np.int64)
        post = net.population(q.post).shape if q.conv is not None else (q.n_post, 1, 1)
        found = sums.sums(ones, each, ones.w.astype(np.int64), post).sum(axis=1)
        groups, kernel = q.conv.groups if q.conv else 1, kernel_of(q)
        fires = np.arange(len(each)) % q.volume[0] < kernel.shape[1] * groups  # no padding
        counted = visits.taps * (kernel.shape[0] // groups)
        np.testing.assert_array_equal(counted[fires], found[fires], q.name)


def one(net: QNetwork, x: np.ndarray) -> Work:
    return inference_work(net, input_x(net, x.astype(np.float32)))[0]


def test_a_spike_in_the_middle_reaches_a_whole_kernel_and_one_at_the_corner_a_part() -> None:
    """3 x 3, one place of padding, stride 2, on 2 x 19 x 17 neurons; 6 channels, 8 with padding."""
    net = quantize(wired.convolutions()).network
    x = np.zeros((1, 6, 2, 19, 17))
    silent = one(net, x.reshape(1, -1))
    for place, runs, taps in (((8, 8), 1, 1), ((9, 9), 2, 4), ((0, 0), 1, 1)):
        x[:] = 0
        x[0, -1, 1, *place] = 1  # in the last step, so that little follows
        work = one(net, x.reshape(1, -1))
        first = net.projections[0]
        visits = Visits.of(first, Plan.of(net).routes[first.name])
        at = (place[0] * 17 + place[1]) * 2 + 1
        assert (visits.runs[at], visits.taps[at]) == (runs, taps)
        assert work.scattered_16 - silent.scattered_16 >= taps * 8
        assert work.words_searched == silent.words_searched


def test_overlapping_windows_are_all_visited() -> None:
    net = quantize(wired.convolutions()).network
    q = next(q for q in net.projections if q.pool is not None and q.pool.kind == "sum")
    assert q.pool is not None
    ones = q.pool.apply(np.eye(q.volume[1] * q.volume[2], dtype=np.int64), (1, *q.volume[1:]))
    visits = Visits.of(q, Plan.of(net).routes[q.name])
    np.testing.assert_array_equal(visits.windows[:: q.volume[0]], ones.sum(axis=1))


def test_lists_of_events_are_read_to_the_end_of_each_step() -> None:
    net = quantize(wired.sinabs_like()).network
    x = np.zeros((1, 7, 2 * 14 * 16))
    x[0, 2, 5], x[0, 3, 6], x[0, 6, 7] = 3, 1, 1
    assert one(net, x.reshape(1, -1)).events_read == 5 + 7
    x[:] = 0
    assert one(net, x.reshape(1, -1)).events_read == 7


@pytest.mark.parametrize("kind", ["latency", "rate", "delta"])
def test_every_code_is_looked_at_in_every_step(kind: str) -> None:
    network = wired.encoded(kind)
    net = quantize(network).network
    work = one(net, np.zeros((1, network.n_inputs)))
    assert getattr(work, f"codes_{kind}") == 8 * net.inputs[0].n_raw


def test_masks_of_delays_are_read_from_the_first_step_on_that_they_reach() -> None:
    network = wired.delayed(1)
    net = quantize(network).network
    n_masked = sum(route.delay.steps.count(0) * -(-route.delay.lags.size // 32)
                   for route in Plan.of(net).routes.values()
                   if route.delay is not None and route.delay.lags.size > 1)
    assert n_masked > 0
    assert one(net, np.zeros((1, network.n_inputs))).delay_words == n_masked


def test_nothing_is_delivered_before_a_delay_has_passed() -> None:
    source = Input("x", 2 * 6 * 6, 3, True, (2, 6, 6))
    network = wired.Builder(source, 3).dense("h", 9, pool=Pool("max", (2, 2), (2, 2)),
                                             delay=2).out()
    x = np.zeros((1, 3, 72))
    x[0, 0, :10] = x[0, 1] = 1
    work = one(quantize(network).network, x.reshape(1, -1))
    assert (work.events_pooled, work.windows_visited, work.lists_summed) == (10, 10, 1)
    assert work.events_delivered == 3  # windows over a row of six neurons and part of the next one


def test_plain_networks_hold_none_of_it() -> None:
    net = quantize(wired.synapses()).network
    work = one(net, np.ones((1, 20 * 10)))
    assert (work.events_delivered, work.kernels_scattered, work.delay_words) == (0, 0, 0)
    rich = [p for p in net.populations if p.dynamics is not None]
    assert work.rich_updates_16 + work.rich_updates_32 == 10 * sum(
        p.size for p in rich if not p.is_lean)
    assert work.rich_lean_16 + work.rich_lean_32 + work.rich_passed == 10 * sum(
        p.size + -p.size % 4 for p in rich if p.is_lean)


def test_neurons_without_leak_and_input_are_passed_by() -> None:
    """Six places of eight channels; the spike in the corner reaches one of them."""
    source = Input("x", 2 * 3 * 4, 4, True, (2, 3, 4))
    network = quantize(wired.Builder(source, 4).conv(
        "c", 8, (2, 2), beta=1.0, v_min=-1.0, bias=False, **wired.SINABS).out()).network
    assert network.population("c").stays
    x = np.zeros((1, 4, 24))
    assert one(network, x.reshape(1, -1)).rich_passed == 4 * 6 * 8
    x[0, 1, 0] = 1
    passed = one(network, x.reshape(1, -1)).rich_passed
    assert 3 * 6 * 8 < passed < 4 * 6 * 8
