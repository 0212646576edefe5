"""Counts of a sensor on the link: whole readings in pieces, or in the request itself; what is no
reading changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
from support.scenarios import SCENARIOS

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.build.compile import build_emulator
from edge_dassdp.emit import emit
from edge_dassdp.plan import Plan
from edge_dassdp.qir import QNetwork
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.loopback import LoopbackStream
from edge_dassdp.wire.messages import CHUNK_BYTES


def network(name: str = "sensor") -> QNetwork:
    return SCENARIOS[name].quantized


def linked(name: str = "sensor") -> LinkTarget:
    library = build_emulator(emit(Plan.of(network(name))))
    return LinkTarget.of(network(name), LoopbackStream(library))


def counts(name: str = "sensor", seed: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
    return np.random.default_rng(seed).integers(-128, 128, network(name).x_bytes).astype(np.int8)


@pytest.mark.parametrize("name", ["sensor", "sensor_frozen"])
def test_in_pieces_or_in_the_request_it_is_the_same_sample(name: str) -> None:
    assert (network(name).x_bytes <= CHUNK_BYTES) == (name == "sensor_frozen")
    with linked(name) as target:
        emulator = Emulator(network(name), checked=True)
        assert target.info.x_bytes == network(name).x_bytes == 2 * network(name).code_bytes
        for seed in range(4):
            x = counts(name, seed)
            for t in (target, emulator):
                t.observe(x, seed % 3)
            expected, found = (t.infer(x, digest=True) for t in (emulator, target))
            assert found.forward_digest == expected.forward_digest
        assert target.statistics().learned_digest == emulator.statistics().learned_digest


@pytest.mark.parametrize("n_bytes", [1, 7, 13, 15, 27, 64])
def test_a_piece_of_no_whole_readings_is_refused_and_the_right_one_follows(n_bytes: int) -> None:
    x = counts()
    with linked() as target:
        expected = target.infer(x, digest=True).forward_digest
        for offset in (0, 14):
            with pytest.raises(EdgeError) as caught:
                target._ask("PUT_SAMPLE", offset=offset, data=x.tobytes()[:n_bytes])
            assert caught.value.code == "E503"
        assert target.infer(x, digest=True).forward_digest == expected


def test_half_a_sample_is_not_observed_nor_run() -> None:
    x = counts()
    with linked() as target:
        before = target.statistics().learned_digest
        for name, fields in (("OBSERVE", {"label": 0}), ("INFER", {"flags": 0, "n_steps": 0})):
            target._ask("PUT_SAMPLE", offset=0, data=x.tobytes()[:56])
            with pytest.raises(EdgeError, match="the sample is not complete"):
                target._ask(name, x=b"", **fields)
        assert target.statistics().learned_digest == before


def test_a_label_that_is_none_is_refused() -> None:
    with linked() as target:
        for label in (-2, network().n_classes):
            with pytest.raises(EdgeError) as caught:
                target.observe(counts(), label)
            assert caught.value.code == "E503" and "label" in caught.value.message
        for kind in (1, 2, 3):
            with pytest.raises(EdgeError) as caught:
                target.select_profile(kind)
            assert caught.value.code == "E503"
        for wrong in (4, -1, "2", None):
            with pytest.raises(EdgeError) as caught:
                target.select_profile(wrong)  # type: ignore[arg-type]
            assert caught.value.code == "E105"


def test_an_application_learns_between_readings_and_the_sample_begins_anew() -> None:
    """Learning needs the memory of the sample: a half-read one is gone, and the next is whole."""
    x, net = counts(), network()
    n = net.sensor.n_channels  # type: ignore[union-attr]
    emulator, straight = Emulator(net, checked=True), Emulator(net, checked=True)
    emulator.learn(x, 1)
    straight.learn(x, 1)
    ffi, lib = emulator._ffi, emulator._lib
    reading = ffi.new("int16_t[]", [1000] * n)
    for _ in range(3):
        assert lib.dassdp_read(emulator._model, emulator._state, reading) == 0
    emulator.idle(2)
    straight.idle(2)
    said = [lib.dassdp_read(emulator._model, emulator._state,
                            ffi.new("int16_t[]", x.view("<i2").reshape(-1, n)[r].tolist()))
            for r in range(net.n_readings)]
    assert said == [0] * (net.n_readings - 1) + [1]
    result = ffi.new("dassdp_result_t *")
    lib.dassdp_infer(emulator._model, emulator._state, ffi.NULL, result)
    assert result.class_idx == straight.infer(x).class_idx
    assert lib.dassdp_observe(emulator._model, emulator._state, 0) >= 0
    assert lib.dassdp_observe(emulator._model, emulator._state, 0) == -4
