"""Replay, the copy of the weights and the guard, asked for over the link."""

from __future__ import annotations

import pytest
from support.devices import RawDevice, learned, network, pack, samples, stream, target

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.wire.messages import IDLE_STEPS, MESSAGES, STATUSES

KIND = "memory"
COUNTERS = ("n_labelled", "n_replayed", "n_replay_skipped", "n_fallbacks", "hits", "factory_hits",
            "n_held", "is_open")


def test_replay_save_and_rollback_give_the_emulator_s_bits() -> None:
    both = target(stream(KIND), KIND), Emulator(network(KIND), checked=True)
    x, labels = samples(40, kind=KIND)
    n_replayed = n_fallen_back = 0
    for i in range(40):
        there, here = (t.learn(x[i], labels[i], digest=True) for t in both)
        assert there.learned_digest == here.learned_digest
        assert (there.n_replayed, there.is_fallen_back) == (here.n_replayed, here.is_fallen_back)
        n_replayed += there.n_replayed
        n_fallen_back += there.is_fallen_back
        if i in (10, 30):
            for t in both:
                t.save() if i == 10 else t.rollback()
            assert learned(both[0]) == learned(both[1])
    assert n_replayed > 40 and n_fallen_back > 0, "the test shows nothing"
    found, expected = (t.statistics() for t in both)
    assert [getattr(found, n) for n in COUNTERS] == [getattr(expected, n) for n in COUNTERS]
    assert (found.n_replayed, found.n_fallbacks) == (n_replayed, n_fallen_back)


def test_a_gate_says_what_it_holds_back() -> None:
    """Samples before the opening change nothing; then the ring is caught up with."""
    both = target(stream("gate"), "gate"), Emulator(network("gate"), checked=True)
    x, labels = samples(40, kind="gate")
    factory = {p.name: both[1].read_weights(p.name) for p in network("gate").plastic}
    held: list[bool] = []
    for i in range(40):
        there, here = (t.learn(x[i], labels[i], digest=True) for t in both)
        assert (there.is_held, there.n_replayed, there.learned_digest) == \
            (here.is_held, here.n_replayed, here.learned_digest)
        held.append(there.is_held)
        assert there.n_replayed == 0 or not there.is_held
        if there.is_held:
            assert both[0].idle(3) == both[1].idle(3) == 0
            for name, w in factory.items():
                assert (both[0].read_weights(name) == w).all()
    n = sum(held)
    assert 5 < n < 40 and held == [True] * n + [False] * (40 - n)
    found, expected = (t.statistics() for t in both)
    assert [getattr(found, name) for name in COUNTERS] == \
        [getattr(expected, name) for name in COUNTERS]
    assert (found.n_held, found.n_labelled, found.n_taken, found.is_open) == (n, 40 - n, 40, True)


@pytest.mark.parametrize("n_steps", [0, 1, IDLE_STEPS, IDLE_STEPS + 1, 3 * IDLE_STEPS])
def test_a_long_idle_is_many_short_requests(n_steps: int) -> None:
    both = target(stream(KIND), KIND), Emulator(network(KIND), checked=True)
    n_frames = both[0].link_frames
    assert [t.idle(n_steps) for t in both] == [n_steps, n_steps]
    assert both[0].link_frames - n_frames == max(1, -(-n_steps // IDLE_STEPS))
    assert learned(both[0]) == learned(both[1])
    assert both[0].statistics().n_replayed == n_steps


def test_a_rollback_without_a_copy_gives_factory_weights() -> None:
    device = target(stream(KIND), KIND)
    factory = [device.read_weights(f"fc{i}").tobytes() for i in (1, 2, 3)]
    x, labels = samples(20, kind=KIND)
    for i in range(20):
        device.learn(x[i], labels[i])
    assert [device.read_weights(f"fc{i}").tobytes() for i in (1, 2, 3)] != factory
    device.rollback()
    assert [device.read_weights(f"fc{i}").tobytes() for i in (1, 2, 3)] == factory


@pytest.mark.parametrize("what", ["idle", "save", "rollback"])
def test_what_a_model_lacks_is_refused_and_changes_nothing(what: str) -> None:
    device = target(stream())
    x, labels = samples(5)
    for i in range(5):
        device.learn(x[i], labels[i])
    before = learned(device)
    with pytest.raises(EdgeError, match="the model was built without it") as caught:
        device.idle(3) if what == "idle" else getattr(device, what)()
    assert caught.value.code == "E503"
    assert learned(device) == before


def test_a_device_refuses_what_its_model_lacks_whatever_its_host_knows() -> None:
    device = RawDevice()
    before = device.state()
    for name, fields in (("IDLE", {"n_steps": 3}), ("SAVE", {}), ("ROLLBACK", {}),
                         ("FIT_PROFILE", {}), ("SELECT_PROFILE", {"profile": 0})):
        assert device.ask(*pack(name, **fields)).status == STATUSES["E_ABSENT"], name
    assert device.state() == before


def test_no_idle_keeps_the_device_from_answering() -> None:
    device = RawDevice(KIND)
    before = device.state()
    for n_steps in (IDLE_STEPS + 1, 65535):
        assert device.ask(*pack("IDLE", n_steps=n_steps)).status == STATUSES["E_VALUE"]
    assert device.state() == before
    with pytest.raises(EdgeError, match="-1 steps cannot be run"):
        target(stream(KIND), KIND).idle(-1)


def test_a_half_written_memory_is_never_replayed() -> None:
    device = RawDevice(KIND)
    device.ask(*pack("WRITE_LEARNING", offset=0, data=b"\xff\xff\xff\xff"))
    assert device.ask(*pack("IDLE", n_steps=1)).status == STATUSES["E_HELD"]
    assert device.ask("RESET", b"\0").status == 0
    answer = device.ask(*pack("IDLE", n_steps=1))
    assert MESSAGES["IDLE"].response.unpack(answer.payload)["n_done"] == 1


def test_a_memory_goes_to_the_host_and_back() -> None:
    device = target(stream(KIND), KIND)
    x, labels = samples(12, kind=KIND)
    for i in range(12):
        device.learn(x[i], labels[i])
    weights = {name: device.read_weights(name) for name in ("fc2", "fc3")}
    learning = device.read_learning()
    device.idle(6)
    expected = learned(device)
    device.reset()
    for name, w in weights.items():
        device.write_weights(name, w)
    device.write_learning(learning)
    device.idle(6)
    assert learned(device) == expected
