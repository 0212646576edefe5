"""Integers to bytes and back; the C side agrees where it addresses single weights."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.scenarios import SCENARIOS

from edge_dassdp.plan import Plan
from edge_dassdp.qir.packing import (
    LANES,
    LEARNING_DTYPE,
    columns,
    pack_bits,
    pack_weights,
    row_bytes,
    unpack_bits,
    unpack_planes,
    unpack_weights,
)
from edge_dassdp.rules.gate import GATE_DTYPE
from edge_dassdp.targets.emulator import Emulator

RNG = np.random.default_rng(5)
BITS = (4, 5, 6, 7, 8, 16)


def weights(n_pre: int, n_post: int, bits: int) -> NDArray[np.int64]:
    return RNG.integers(-(1 << (bits - 1)), 1 << (bits - 1), (n_pre, n_post))


@pytest.mark.parametrize("n", [1, 7, 31, 32, 33, 64, 70])
def test_spikes_lie_in_words_with_zero_tails(n: int) -> None:
    spikes = RNG.random(n) < 0.5
    data = pack_bits(spikes)
    assert len(data) == 4 * -(-n // 32)
    words = np.frombuffer(data, "<u4")
    assert [bool((words[i >> 5] >> (i & 31)) & 1) for i in range(n)] == spikes.tolist()
    assert int(np.bitwise_count(words).sum()) == int(spikes.sum())
    np.testing.assert_array_equal(unpack_bits(data, n), spikes)


@pytest.mark.parametrize("bits", range(1, 9))
@pytest.mark.parametrize("n", [1, 2, 3, 8, 21, 64])
def test_planes_of_a_word_stand_together(n: int, bits: int) -> None:
    values = RNG.integers(0, 1 << bits, n)
    planes = np.zeros((-(-n // 32), bits), "<u4")
    for i, v in enumerate(values):
        for b in range(bits):
            planes[i >> 5, b] |= ((int(v) >> b) & 1) << (i & 31)
    np.testing.assert_array_equal(unpack_planes(planes.tobytes(), n, bits), values)


def test_a_group_of_four_has_the_lane_order() -> None:
    assert pack_weights(np.array([[10, 20, 30, 40]]), 8) == bytes(
        [138, 158, 148, 168, 128, 128, 128, 128])
    assert [LANES[LANES[k]] for k in range(4)] == [0, 1, 2, 3]


def test_a_packed_image_holds_groups_of_four_in_low_and_in_high_nibbles() -> None:
    w = np.arange(-8, 8).reshape(1, 16)
    image = pack_weights(w, 4, is_packed=True)
    assert image == bytes([0x40, 0x62, 0x51, 0x73, 0xC8, 0xEA, 0xD9, 0xFB])


@pytest.mark.parametrize("n_post", [1, 4, 6, 8, 9, 23])
def test_packed_images_round_trip(n_post: int) -> None:
    w = weights(5, n_post, 4)
    image = pack_weights(w, 4, is_packed=True)
    assert len(image) == 5 * row_bytes(n_post, 4, is_packed=True) == 5 * columns(n_post) // 2
    np.testing.assert_array_equal(unpack_weights(image, 5, n_post, 4, is_packed=True), w)
    np.testing.assert_array_equal(
        unpack_weights(image, 5, columns(n_post), 4, is_packed=True)[:, n_post:], 0)


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("n_post", [1, 4, 6, 8, 9, 23])
def test_weight_images_round_trip(n_post: int, bits: int) -> None:
    w = weights(5, n_post, bits)
    image = pack_weights(w, bits)
    assert len(image) == 5 * row_bytes(n_post, bits) and columns(n_post) % 8 == 0
    np.testing.assert_array_equal(unpack_weights(image, 5, n_post, bits), w)


@pytest.mark.parametrize("bits", BITS)
def test_padding_columns_hold_weight_zero(bits: int) -> None:
    image = pack_weights(weights(3, 5, bits), bits)
    np.testing.assert_array_equal(unpack_weights(image, 3, 8, bits)[:, 5:], 0)


@pytest.mark.parametrize("name", ["mixed_16", "clipped_weights"])
def test_c_finds_every_weight_where_python_packed_it(name: str) -> None:
    network = SCENARIOS[name].quantized
    emulator = Emulator(network, checked=True)
    for p in network.plastic:
        w = weights(p.n_pre, p.n_post, p.weight_bits)
        emulator.write_weights(p.name, w.astype(np.int16))  # one dassdp_weight_set each
        field = next(f for f in emulator.layout.fields if f.name == f"w_{p.name}")
        image = emulator._bytes(field.offset, field.offset + field.bytes)
        assert image == pack_weights(w, p.weight_bits, network.is_packed(p))


def test_structs_have_the_bytes_that_the_plan_counts() -> None:
    fields = {f.name: f.bytes for f in Plan.of(SCENARIOS["described"].quantized).layout.fields}
    assert fields["gate_fc2"] == GATE_DTYPE.itemsize == 48
    assert fields["learning"] == LEARNING_DTYPE.itemsize == 32
