"""Replay and guard in a learning state that came from outside: the C checks it field by field, as
an application has it done; a target then puts back what was there."""

from __future__ import annotations

import numpy as np
import pytest
from support.scenarios import SCENARIOS

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.harness.snapshot import SNAPSHOT, load_snapshot
from edge_dassdp.qir.samples import input_x
from edge_dassdp.storage.npz import write_npz
from edge_dassdp.targets.emulator import LEARN, Emulator
from edge_dassdp.targets.learning import checked_learning
from edge_dassdp.targets.reference import ReferenceTarget

SCENARIO = SCENARIOS["guard_all"]
NETWORK = SCENARIO.quantized


def stream(n: int):
    rng = np.random.default_rng(3)
    x = np.concatenate([input_x(NETWORK, SCENARIO.sample(rng)) for _ in range(n)])
    return x, rng.integers(0, NETWORK.n_classes, n)


@pytest.fixture
def device() -> Emulator:
    emulator = Emulator(NETWORK, checked=True)
    emulator.run(*stream(40), mode=LEARN)
    return emulator


def offset(device: Emulator, field: str) -> int:
    return device.layout.offset(field) - device.layout.persist_begin


def put(device: Emulator, *changes: tuple[str, int, str, int]) -> None:
    """Load the learning state with (field, byte in it, dtype, value) changed, and check it."""
    data = bytearray(device.read_learning())
    for field, at, dtype, value in changes:
        raw = np.array(value, dtype).tobytes()
        begin = offset(device, field) + at
        data[begin : begin + len(raw)] = raw
    device._put_learning(bytes(data))


def test_what_the_device_wrote_is_taken_back_unchanged(device):
    before = device.read_learning()
    device.write_learning(before)
    assert device.read_learning() == before


OUT_OF_RANGE = {
    "hits beyond the window": (("guard", 0, "<u4", 1 << 8), "guard.hits_bits"),
    "more judged than the window": (("guard", 8, "<u2", 9), "guard.n_judged"),
    "behind the last sample of flash": (("replay", 8, "<u2", 10), "replay.flash_idx"),
    "behind the last slot": (("replay", 10, "<u2", 4096), "replay.ring_idx"),
}


@pytest.mark.parametrize("what", OUT_OF_RANGE)
def test_a_field_out_of_range_is_refused_and_all_starts_again(device, what):
    change, _ = OUT_OF_RANGE[what]
    with pytest.raises(EdgeError, match="value out of range"):
        put(device, change)
    assert device.read_learning() == Emulator(NETWORK).read_learning()


@pytest.mark.parametrize("plane", [0, NETWORK.field_bits], ids=["count", "latency"])
def test_a_sample_that_no_network_leaves_is_refused(device, plane):
    assert device.named_state()["ring_seen"][0] > 0
    word = device.named_state()["ring"][plane]
    with pytest.raises(EdgeError, match="value out of range"):
        put(device, ("ring", 4 * plane, "<u4", int(word) ^ 0xFFFFFFFF))
    assert device.read_learning() == Emulator(NETWORK).read_learning()


@pytest.mark.parametrize(("at", "dtype", "value", "name"), [
    (4, "<u2", 7000, "cusum.sum_q10"), (6, "<u2", 99, "cusum.n_due"),
    (8, "<u2", 2, "cusum.is_open")])
def test_a_gate_that_no_device_leaves_is_refused_and_closed(at, dtype, value, name):
    scenario = SCENARIOS["gate"]
    device = Emulator(scenario.quantized, checked=True)
    x = np.concatenate([input_x(scenario.quantized, scenario.sample(np.random.default_rng(k)))
                        for k in range(20)])
    device.run(x, np.zeros(len(x), np.int64), mode=LEARN)
    data = bytearray(device.read_learning())
    assert device.statistics().is_open
    begin = offset(device, "cusum") + at
    data[begin : begin + np.dtype(dtype).itemsize] = np.array(value, dtype).tobytes()
    with pytest.raises(EdgeError, match="value out of range") as caught:
        device.write_learning(bytes(data))
    assert name in caught.value.cause
    with pytest.raises(EdgeError, match="value out of range"):
        checked_learning(scenario.quantized, bytes(data))
    with pytest.raises(EdgeError, match="value out of range"):
        device._put_learning(bytes(data))
    assert not device.statistics().is_open
    assert device.named_state()[name][0] == 0


@pytest.mark.parametrize(("scenario", "kept"), [("gate", 0), ("touch_error_scaled", 26)])
def test_a_share_of_misses_that_no_device_leaves_starts_again(scenario, kept):
    device = Emulator(SCENARIOS[scenario].quantized, checked=True)
    data = bytearray(device.read_learning())
    data[offset(device, "learning") + 23] = 250
    with pytest.raises(EdgeError, match="value out of range"):
        checked_learning(SCENARIOS[scenario].quantized, bytes(data))
    with pytest.raises(EdgeError, match="value out of range"):
        device._put_learning(bytes(data))
    assert device.named_state()["learning.miss_share_q8"][0] == kept


def test_every_fault_is_put_right_at_once(device):
    with pytest.raises(EdgeError, match="value out of range"):
        put(device, *(change for change, _ in OUT_OF_RANGE.values()),
            ("ring_seen", 0, "<u2", 65535))
    assert device.read_learning() == Emulator(NETWORK).read_learning()


def test_no_bytes_from_outside_lead_out_of_memory_or_range(device):
    """The checked build reports every overflow."""
    x, labels = stream(3)
    rng = np.random.default_rng(4)
    good = np.frombuffer(device.read_learning(), np.uint8)
    for n_changed in [1, 4, good.size] * 20:
        data = good.copy()
        data[rng.permutation(good.size)[:n_changed]] = rng.integers(0, 256, n_changed)
        try:
            device._put_learning(data.tobytes())
        except EdgeError as refused:
            assert refused.code == "E503"
        device.run(x, labels, mode=LEARN)
        device.idle(8)


MORE_THAN_ALL = {
    "skipped than labelled": (("learning", 8, "<u4", 41), "learning.n_skipped"),
    "replays skipped than made": (("replay", 4, "<u4", 2**31), "replay.n_replay_skipped"),
    "judged than labelled": (("learning", 4, "<u4", 6), "guard.n_judged"),
    "hits than judged": (("guard", 0, "<u4", 1 << 7), "guard.hits_bits"),
}


@pytest.mark.parametrize("what", MORE_THAN_ALL)
@pytest.mark.parametrize("kind", [Emulator, ReferenceTarget])
def test_more_of_a_part_than_of_the_whole_is_refused(device, tmp_path, kind, what):
    """Such a snapshot went in, and the statistics of the board were then called a lie."""
    (field, at, dtype, value), name = MORE_THAN_ALL[what]
    data = bytearray(device.read_learning())
    begin = offset(device, field) + at
    raw = np.array(value, dtype).tobytes()
    data[begin:begin + len(raw)] = raw
    other = kind(NETWORK)
    before = other.read_learning()
    with pytest.raises(EdgeError, match="value out of range") as refused:
        other.write_learning(bytes(data))
    assert name in refused.value.cause and other.read_learning() == before
    weights = {p.name: device.read_weights(p.name) for p in NETWORK.plastic}
    write_npz(tmp_path / "s.npz", {"format": SNAPSHOT, "model": NETWORK.sha256}, {
        "learning": np.frombuffer(bytes(data), np.uint8),
        **{f"w_{n}": w for n, w in weights.items()}})
    with pytest.raises(EdgeError, match="no device learns what it holds"):
        load_snapshot(other, NETWORK, tmp_path / "s.npz")
    other.write_learning(device.read_learning())
