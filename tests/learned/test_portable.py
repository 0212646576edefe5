"""What was learned as bytes: the same from C and from here, all of it back or nothing."""

from __future__ import annotations

import struct
import zlib
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.scenarios import SCENARIOS

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.learned import portable
from edge_dassdp.learned.portable import HEAD, Learned, decode, encode
from edge_dassdp.qir.samples import input_x
from edge_dassdp.targets.emulator import LEARN, Emulator
from edge_dassdp.targets.reference import ReferenceTarget

KINDS = ("bits_4_5_6", "bits_5_16_8", "replay_batch", "guard_all", "gate_batch", "eihl", "sensor",
         "sensor_frozen", "frozen", "convolutions_16_bits", "published_4", "graph_16")
"""Scenarios that have everything that an export may hold."""


@cache
def taught(kind: str) -> Emulator:
    """An emulator that has learned; never changed afterwards."""
    emulator = Emulator(SCENARIOS[kind].quantized, checked=True)
    if emulator.network.plastic:
        emulator.run(*lessons(kind), mode=LEARN)
    return emulator


def lessons(kind: str, n: int = 25):
    scenario, rng = SCENARIOS[kind], np.random.default_rng(5)
    network = scenario.quantized
    labels = rng.integers(0, network.n_classes, n)
    if network.sensor is not None:
        counts = rng.integers(-700, 700, (n, network.x_bytes // 2), np.int16)
        return counts.astype("<i2").view(np.int8).reshape(n, -1), labels
    return np.concatenate([input_x(network, scenario.sample(rng)) for _ in range(n)]), labels


def learned(target) -> Learned:
    return Learned({p.name: target.read_weights(p.name) for p in target.network.plastic},
                   target.read_learning())


@pytest.mark.parametrize("kind", KINDS)
def test_c_and_python_write_the_same_bytes_and_read_each_other_s(kind: str) -> None:
    emulator = taught(kind)
    network = emulator.network
    data = emulator.exported()
    assert data == encode(network, learned(emulator))
    assert len(data) == portable.n_bytes(network)
    other = Emulator(network, checked=True)
    other.import_(data)
    assert other.exported() == data
    back = decode(network, data)
    assert back.learning == emulator.read_learning()
    if network.remembers:
        reference = ReferenceTarget(network)
        reference.restore(back.weights, back.learning)
        assert encode(network, learned(reference)) == data


@pytest.mark.parametrize("kind", ["bits_4_5_6", "guard_all", "sensor", "replay_batch"])
def test_learning_goes_on_behind_an_import_as_if_nothing_was(kind: str) -> None:
    emulator = taught(kind)
    first, second = (Emulator(emulator.network) for _ in range(2))
    x, labels = lessons(kind, 40)
    first.run(x, labels, mode=LEARN)
    data = first.exported()
    second.import_(data)
    for target in (first, second):
        target.run(x[::-1], labels[::-1], mode=LEARN)
    assert first.exported() == second.exported() != data


@pytest.mark.parametrize("kind", ["bits_5_16_8", "guard_all", "sensor"])
def test_any_piece_of_an_export_is_a_slice_of_it(kind: str) -> None:
    emulator = taught(kind)
    whole = emulator.exported()
    for size in (1, 2, 3, 31, 64, 257):
        pieces = [emulator.exported(at, min(size, len(whole) - at))
                  for at in range(0, len(whole), size)]
        assert b"".join(pieces) == whole, size
    assert emulator.exported(len(whole), 0) == b""
    for at, n in ((len(whole), 1), (len(whole) + 1, 0), (0, len(whole) + 1), (2**32 - 1, 2)):
        with pytest.raises(EdgeError, match="byte index out of range"):
            emulator.exported(at, n)


def refused(kind: str, data: bytes) -> tuple[str, str]:
    """The status that C gives and the code of Python; nothing changed."""
    emulator = taught(kind)
    before = bytes(emulator._ffi.buffer(emulator._state))
    with pytest.raises(EdgeError) as in_c:
        emulator.import_(data)
    assert bytes(emulator._ffi.buffer(emulator._state)) == before, "all or nothing"
    with pytest.raises(EdgeError) as here:
        decode(emulator.network, data)
    return in_c.value.message, here.value.code


def signed(data: bytes) -> bytes:
    """With the CRC that fits."""
    return data[:-4] + struct.pack("<I", zlib.crc32(data[:-4]))


def test_an_export_cut_at_any_byte_changes_nothing() -> None:
    data = taught("guard_all").exported()
    for n in range(len(data)):
        assert refused("guard_all", data[:n]) == ("the export is damaged or cut short", "E103"), n
    assert refused("guard_all", data + b"\0")[1] == "E103"


def test_a_flipped_bit_anywhere_changes_nothing() -> None:
    data = taught("guard_all").exported()
    for bit in range(0, 8 * len(data), 7):
        flipped = bytearray(data)
        flipped[bit >> 3] ^= 1 << (bit & 7)
        refused("guard_all", bytes(flipped))


def test_another_model_s_and_another_version_s_export_is_named() -> None:
    data = taught("guard_all").exported()
    assert refused("guard_all", taught("sensor").exported()) == (
        "an export of another model", "E504")
    newer = signed(HEAD.pack(b"dssp", 3, *HEAD.unpack_from(data)[2:]) + data[HEAD.size:])
    assert refused("guard_all", newer) == ("no export, or one of another version", "E103")
    assert refused("guard_all", b"PK" + data[2:]) == (
        "no export, or one of another version", "E103")


def test_values_that_no_learning_leaves_change_nothing_even_with_a_crc_that_fits() -> None:
    emulator = taught("bits_4_5_6")
    data, layout = emulator.exported(), emulator.layout
    weight = bytearray(data)
    weight[HEAD.size + layout.persist_end] = 64  # of 5 bits
    rng = bytearray(data)
    at = HEAD.size + layout.offset("learning")
    rng[at:at + 4] = bytes(4)
    for changed in (weight, rng):
        assert refused("bits_4_5_6", signed(bytes(changed))) == ("value out of range", "E103")


@settings(deadline=None)
@given(st.data())
def test_no_bytes_of_a_learning_state_leave_a_mixture(drawn: st.DataObject) -> None:
    kind = drawn.draw(st.sampled_from(["guard_all", "sensor", "gate_batch", "eihl"]))
    emulator = taught(kind)
    data = bytearray(emulator.exported())
    at = drawn.draw(st.integers(HEAD.size, HEAD.size + emulator.layout.persist_end - 1))
    data[at] = drawn.draw(st.integers(0, 255))
    changed = signed(bytes(data))
    other = Emulator(emulator.network, checked=True)
    other.import_(emulator.exported())
    try:
        other.import_(changed)
    except EdgeError:
        assert other.exported() == emulator.exported()
    else:
        assert other.exported() == changed


def test_bytes_that_are_not_aligned_are_refused() -> None:
    emulator = taught("sensor")
    data = emulator.exported()
    room = emulator._ffi.new("uint64_t[]", len(data) // 8 + 2)
    at = emulator._ffi.cast("uint8_t *", room) + 4
    emulator._ffi.memmove(at, data, len(data))
    with pytest.raises(EdgeError, match="multiple of 8"):
        emulator._check(emulator._lib.dassdp_import(emulator._model, emulator._state, at,
                                                    len(data)))
