"""`<name>_quantize` in C gives the bytes that the Python side gives, of every kind of input."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.lanes import often
from support.library import loaded
from support.raw_features import clusters, in_units
from support.raw_features import network as network_of
from support.scenarios import SCENARIOS

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.qir import QNetwork
from edge_dassdp.qir.samples import input_x
from edge_dassdp.quantize import quantize

OK, REFUSED = 0, -3
TYPES: dict[str, type[np.generic]] = {"f32": np.float32, "i16": np.int16, "i32": np.int32}
ENDS = {"i16": (-2**15, 2**15 - 1), "i32": (-2**31, 2**31 - 1)}
WRAPPER = """
#include "it.h"
int f32(const float *values, int8_t *x) { return it_quantize(values, x); }
int i16(const int16_t *values, int8_t *x) { return it_quantize(values, x); }
int i32(const int32_t *values, int8_t *x) { return it_quantize(values, x); }
"""


def kind(network: QNetwork) -> tuple[Any, ...]:
    """What quantizing depends on."""
    return tuple((i.spikes, i.encoder is not None, i.n_events > 0, i.counts, i.n_frames > 1,
                  len(i.raw_shape) > 1, scale.is_uniform)
                 for i, scale in zip(network.inputs, network.x_scales, strict=True))


def one_of_each() -> dict[str, QNetwork]:
    found: dict[tuple[Any, ...], tuple[str, QNetwork]] = {}
    of_features = {f"features_{len(shape)}": raw_features(shape) for shape in ((9,), (3, 3))}
    for name, network in {**of_features, **{n: s.quantized for n, s in SCENARIOS.items()}}.items():
        if network.sensor is None:
            found.setdefault(kind(network), (name, network))
    return dict(found.values())


def raw_features(shape: tuple[int, ...]) -> QNetwork:
    """Of steps and zeros of their own."""
    x, y = clusters(200, 9, 3)
    unit, mean = 10.0 ** np.linspace(-3, 4, 9), 10.0 ** np.linspace(-2, 5, 9)
    made = in_units(network_of(x, y), unit, mean)
    made = replace(made, inputs=(replace(made.inputs[0], shape=shape),))
    return quantize(made, None, None, (x * unit + mean).astype(np.float32)).network


KINDS = one_of_each()


@pytest.fixture(scope="module", params=KINDS)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
         ) -> tuple[QNetwork, ctypes.CDLL]:
    network = KINDS[request.param]
    return network, loaded(network, "it", tmp_path_factory.mktemp("library"), WRAPPER)


def in_c(found: ctypes.CDLL, network: QNetwork, values: NDArray[Any], what: str = "f32"
         ) -> tuple[int, NDArray[np.int8]]:
    x = np.zeros(network.x_bytes, np.int8)
    given = np.ascontiguousarray(values, TYPES[what])
    status = getattr(found, what)(given.ctypes.data_as(ctypes.c_void_p),
                                  x.ctypes.data_as(ctypes.c_void_p))
    return status, x


def drawn(network: QNetwork, rng: np.random.Generator) -> NDArray[np.float32]:
    """A training sample: of values those at the ends of codes and beside them, and any other."""
    parts = []
    for source, scale in zip(network.inputs, network.x_scales, strict=True):
        shape = (source.n_frames, source.n_raw)
        if source.spikes and source.encoder is None:
            most = 3 if source.counts else 1
            rate = 0.3 if not source.n_events else 0.4 * source.n_events / source.n_values
            parts.append((rng.random(shape) < rate) * rng.integers(1, most + 1, shape))
            continue
        halves = rng.integers(-260, 261, shape) / 2
        edge = ((halves + scale.zero) * 2.0**-scale.frac_bits).astype(np.float32)
        beside = np.nextafter(edge, np.float32(rng.choice([-1e9, 1e9])))
        wild = rng.standard_normal(shape) * 10.0 ** rng.integers(-45, 37, shape)
        pick = rng.integers(0, 5, shape)
        parts.append(np.select([pick < 2, pick < 4], [edge, beside], wild))
    return np.concatenate([p.ravel() for p in parts]).astype(np.float32)


def test_there_is_one_of_each_kind() -> None:
    kinds = [k for network in KINDS.values() for k in kind(network)]
    for place in range(7):
        assert {k[place] for k in kinds} == {False, True}, place


def test_floats_give_the_bytes_of_the_python_side(case: tuple[QNetwork, ctypes.CDLL]) -> None:
    network, found = case
    rng = np.random.default_rng(3)
    for _ in range(often(40)):
        values = drawn(network, rng)
        status, x = in_c(found, network, values)
        assert status == OK
        np.testing.assert_array_equal(x, input_x(network, values[None])[0])


@pytest.mark.parametrize("what", ["i16", "i32"])
def test_integers_give_the_bytes_of_the_same_floats(case: tuple[QNetwork, ctypes.CDLL],
                                                    what: str) -> None:
    network, found = case
    rng, ends = np.random.default_rng(4), ENDS[what]
    for _ in range(often(20)):
        values = np.rint(np.clip(drawn(network, rng).astype(np.float64), *ends))
        if all(not i.spikes or i.encoder for i in network.inputs):
            values[rng.integers(len(values))] = rng.choice(ends)
        status, x = in_c(found, network, values, what)
        assert status == OK
        np.testing.assert_array_equal(x, input_x(network, values[None])[0])


def test_what_the_python_side_refuses_is_refused(case: tuple[QNetwork, ctypes.CDLL]) -> None:
    network, found = case
    rng, at = np.random.default_rng(5), 0
    for source in network.inputs:
        wrong = [np.nan, np.inf, -np.inf]
        if source.spikes and source.encoder is None:
            wrong += [0.5, -1, 1 + 1e-6, 256, 2.0**60] + ([] if source.counts else [2, 255])
        for value in wrong:
            values = drawn(network, rng)
            values[at + rng.integers(source.n_values)] = value
            with pytest.raises(EdgeError):
                input_x(network, values[None])
            assert in_c(found, network, values)[0] == REFUSED, value
        at += source.n_values


def test_more_events_than_fit_are_refused(case: tuple[QNetwork, ctypes.CDLL]) -> None:
    network, found = case
    if not all(i.n_events for i in network.inputs):
        return
    n_events, n = network.inputs[0].n_events, network.inputs[0].n_values
    values = np.zeros(sum(i.n_values for i in network.inputs), np.float32)
    values[:min(n, n_events)] = 1
    assert in_c(found, network, values)[0] == OK
    values[:n] = 1 if n > n_events else n_events
    with pytest.raises(EdgeError, match="events"):
        input_x(network, values[None])
    assert in_c(found, network, values)[0] == REFUSED
