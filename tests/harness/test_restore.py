"""A snapshot is put back whole or not at all, on every target, whatever is wrong with it and
wherever the host dies; what is half written runs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.devices import RawDevice, learned, network, pack, samples, stream, target
from support.faults import Cable
from support.mortal import Dead, Mortal

from edge_dassdp.base.errors import EdgeError
from edge_dassdp.harness.snapshot import SNAPSHOT, load_snapshot, save_snapshot
from edge_dassdp.storage.npz import write_npz
from edge_dassdp.targets.emulator import Emulator
from edge_dassdp.targets.link import LinkTarget
from edge_dassdp.targets.open import open_target
from edge_dassdp.targets.reference import ReferenceTarget
from edge_dassdp.targets.target import Target
from edge_dassdp.wire.messages import MESSAGES, STATUSES

Arrays = dict[str, np.ndarray]
KINDS = ("error", "gated", "memory")
HALF_WRITTEN = "what it has learned is half written: restore a snapshot, or reset it"
SPECS = ("reference", "emulator", "emulator-checked", "link")


def taught(target: Target, kind: str, n: int, seed: int) -> Target:
    x, labels = samples(n, seed, kind)
    for i in range(n):
        target.warm_up(x[i], labels[i]) if kind == "gated" and i < n // 2 else \
            target.learn(x[i], labels[i])
        if i == n // 2:
            target.fit_gate()
    return target


@cache
def arrays_of(kind: str) -> tuple[dict[str, Any], Arrays]:
    """A good snapshot."""
    emulator = taught(Emulator(network(kind), checked=True), kind, 24, 1)
    return {"format": SNAPSHOT, "model": network(kind).sha256}, {
        **{f"w_{p.name}": emulator.read_weights(p.name) for p in network(kind).plastic},
        "learning": np.frombuffer(emulator.read_learning(), np.uint8)}


def snapshot(folder: Path, kind: str, change: Callable[[Arrays], None] = lambda _: None) -> Path:
    header, arrays = arrays_of(kind)
    changed = {name: array.copy() for name, array in arrays.items()}
    change(changed)
    write_npz(folder / "snapshot.npz", header, changed)
    return folder / "snapshot.npz"


def everything(target: Target, kind: str) -> tuple[bytes, ...]:
    weights = (target.read_weights(p.name).tobytes() for p in network(kind).plastic)
    return (target.read_learning(), *weights)


def good(kind: str) -> tuple[bytes, ...]:
    _, arrays = arrays_of(kind)
    return tuple(arrays[n].tobytes() for n in (
        "learning", *(f"w_{p.name}" for p in network(kind).plastic)))


def opened(spec: str, kind: str) -> Target:
    return target(stream(kind), kind) if spec == "link" else open_target(spec, network(kind))


def refusal(call: Callable[[], object]) -> EdgeError:
    with pytest.raises(EdgeError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spec", SPECS)
def test_a_snapshot_goes_on_on_every_target(spec: str, kind: str, tmp_path: Path) -> None:
    taught_one = opened(spec, kind)
    load_snapshot(taught_one, network(kind), snapshot(tmp_path, kind))
    assert everything(taught_one, kind) == good(kind)
    other = Emulator(network(kind), checked=True)
    load_snapshot(other, network(kind), tmp_path / "snapshot.npz")
    x, labels = samples(8, 5, kind)
    for i in range(8):
        assert taught_one.learn(x[i], labels[i], digest=True).learned_digest == \
            other.learn(x[i], labels[i], digest=True).learned_digest


def dead_generator(arrays: Arrays) -> None:
    arrays["learning"][:] = 0


def all_ones(arrays: Arrays) -> None:
    arrays["learning"][:] = 255


def short(arrays: Arrays) -> None:
    arrays["learning"] = arrays["learning"][:-1]


def late_weight(arrays: Arrays) -> None:
    arrays["w_fc3"] = arrays["w_fc3"].astype(np.int16)
    arrays["w_fc3"][-1, -1] = 1000


def turned(arrays: Arrays) -> None:
    arrays["w_fc2"] = arrays["w_fc2"].T


@pytest.mark.parametrize("damage", [dead_generator, all_ones, short, late_weight, turned])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spec", SPECS)
def test_of_a_damaged_snapshot_nothing_is_put_back(
        spec: str, kind: str, damage: Callable[[Arrays], None], tmp_path: Path) -> None:
    """The learning state was looked at after the weights were written."""
    device = taught(opened(spec, kind), kind, 6, 9)
    before = everything(device, kind)
    problem = refusal(lambda: load_snapshot(device, network(kind),
                                            snapshot(tmp_path, kind, damage)))
    assert (problem.code, "snapshot.npz is damaged" in problem.message) == ("E103", True)
    assert problem.cause and problem.help.startswith("nothing of it was put back")
    assert everything(device, kind) == before
    x, labels = samples(1, 5, kind)
    device.learn(x[0], labels[0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spec", SPECS)
def test_what_a_target_refuses_of_a_restore_leaves_all_as_it_was(spec: str, kind: str) -> None:
    """Whoever calls `restore` with arrays of his own."""
    device = taught(opened(spec, kind), kind, 6, 9)
    before = everything(device, kind)
    weights = {p.name: np.zeros_like(p.w, np.int16) for p in network(kind).plastic}
    too_large = weights | {"fc3": weights["fc3"] + np.int16(300)}
    for given, learning in ((weights, bytes(len(before[0]))), (weights, b"abc"),
                            (too_large, before[0]), ({"fc1": weights["fc2"]}, before[0])):
        assert refusal(partial(device.restore, given, learning)).code in ("E503", "E104")
        assert everything(device, kind) == before
    device.restore(weights, before[0])
    assert everything(device, kind) == (before[0], *(w.tobytes() for w in weights.values()))


def test_a_device_that_refuses_says_that_all_is_as_before() -> None:
    device = taught(target(stream()), "error", 6, 9)
    weights = {p.name: np.zeros_like(p.w, np.int16) for p in network("error").plastic}
    problem = refusal(lambda: device.restore(weights, bytes(len(device.read_learning()))))
    assert problem.message == "the device refused RELEASE: value out of range"
    assert problem.help == "Weights and learning state are as before."


RESTORES: dict[str, Callable[[LinkTarget, Path], object]] = {
    "snapshot": lambda device, path: load_snapshot(device, network("gated"), path),
    "weights": lambda device, path: device.write_weights("fc2", arrays_of("gated")[1]["w_fc2"]),
    "learning": lambda device, path: device.write_learning(
        arrays_of("gated")[1]["learning"].tobytes()),
}


def deaths(what: str, path: Path) -> Iterator[tuple[LinkTarget, bool]]:
    """Hosts that die after each write of a restore; who comes next, and whether it was finished."""
    n_writes = 0
    while True:
        wire = stream("gated")
        line = Mortal(wire)
        device = taught(target(line, "gated"), "gated", 6, 9)
        assert isinstance(device, LinkTarget)
        line.n_writes = n_writes
        try:
            RESTORES[what](device, path)
        except Dead:
            yield target(wire, "gated"), False
            n_writes += 1
        else:
            yield target(wire, "gated"), True
            return


@pytest.mark.parametrize("what", RESTORES)
def test_a_host_that_dies_in_a_restore_leaves_no_mixture_that_runs(what: str, tmp_path: Path,
                                                                   ) -> None:
    path = snapshot(tmp_path, "gated")
    before = everything(taught(target(stream("gated"), "gated"), "gated", 6, 9), "gated")
    x, labels = samples(1, 5, "gated")
    n_held = 0
    for host, is_done in deaths(what, path):
        if is_half_written(host):
            n_held += 1
            assert not is_done
            held_runs_nothing(host, before[0], tmp_path / "mixture.npz")
            if n_held == 1 and what != "learning":  # it died before it wrote anything
                host.write_weights("fc2", host.read_weights("fc2"))
                assert everything(host, "gated") == before
                continue
            assert refusal(partial(host.write_weights, "fc2", host.read_weights("fc2"))
                           ).message.endswith(HALF_WRITTEN)
            if n_held % 3 == 0:
                host.reset()
            else:
                load_snapshot(host, network("gated"), path)
                assert everything(host, "gated") == good("gated")
        else:
            assert is_done or everything(host, "gated") == before
        host.learn(x[0], labels[0])
    assert n_held > 4


def is_half_written(host: LinkTarget) -> bool:
    try:
        host.read_learning()
    except EdgeError as problem:
        assert (problem.code, problem.message.endswith(HALF_WRITTEN)) == ("E503", True)
        return True
    return False


def held_runs_nothing(host: LinkTarget, learning: bytes, path: Path) -> None:
    x, labels = samples(1, 5, "gated")
    for call in (lambda: host.infer(x[0]), lambda: host.learn(x[0], labels[0]),
                 lambda: host.warm_up(x[0], labels[0]), host.fit_gate,
                 lambda: host.write_learning(learning),
                 lambda: save_snapshot(host, network("gated"), path)):
        assert refusal(call).message.endswith(HALF_WRITTEN)
    assert not path.exists()
    assert host.statistics().n_labelled >= 0


def test_a_line_that_is_lost_in_a_restore_is_told_with_what_it_leaves(tmp_path: Path) -> None:
    path = snapshot(tmp_path, "error")
    wire = Cable(stream())
    device = taught(target(wire, retries=1, timeout_s=0.01), "error", 6, 9)
    wire.loses, wire.n_passing = "request", 10
    problem = refusal(lambda: load_snapshot(device, network("error"), path))
    assert problem.code == "E502"
    assert "may be written in part: the device then runs nothing" in problem.help
    wire.loses = ""
    x, _ = samples(1)
    assert "half written" in refusal(lambda: device.infer(x[0])).message
    load_snapshot(device, network("error"), path)
    assert everything(device, "error") == good("error")


def test_a_device_that_restarts_in_a_restore_is_as_from_the_factory(tmp_path: Path) -> None:
    path = snapshot(tmp_path, "error")
    wire = stream()
    factory = learned(target(wire))
    line = Mortal(wire)
    device = taught(target(line), "error", 6, 9)
    line.n_writes = 10
    with pytest.raises(Dead):
        load_snapshot(device, network("error"), path)
    line.n_writes = None
    wire.reboot()
    assert refusal(lambda: load_snapshot(device, network("error"), path)).code == "E505"
    assert learned(device) == factory
    load_snapshot(device, network("error"), path)
    assert everything(device, "error") == good("error")


def test_every_request_that_runs_on_what_is_learned_is_refused_while_it_is_held() -> None:
    device = RawDevice("memory")
    assert device.ask("HOLD").status == device.ask("HOLD").status == 0, "nothing was written"
    write = pack("WRITE_WEIGHTS", projection=1, first=0, data=b"\0")
    assert device.ask(*write).status == 0
    payloads = {"INFER": {"flags": 0, "n_steps": 0, "x": b""}, "IDLE": {"n_steps": 1},
                "READ_LEARNING": {"offset": 0, "n_bytes": 1}, "OBSERVE": {"label": 1, "x": b""},
                "SELECT_PROFILE": {"profile": 0}, "DRIFT": {"allow": 0},
                "NEW_CLASS": {"class_name": b"wave"}, "FORGET_CLASS": {"class_idx": 0},
                "PUT_SAMPLE": {"offset": 0, "data": b"\0\0"}, "STREAM": {"hop": 1},
                "PUSH": {"flags": 0, "data": b"\0"},
                **{name: {"flags": 0, "label": 1, "loss_q8": -1, "x": b""}
                   for name in ("LEARN", "WARM_UP")}}
    held = {message.name for message in MESSAGES.values() if message.needs_whole}
    assert held == {*payloads, "FIT_GATE", "SAVE", "ROLLBACK", "FIT_PROFILE", "STORE"}
    for name in (*held, "HOLD"):
        assert device.ask(*pack(name, **payloads.get(name, {}))).status == STATUSES["E_HELD"]
    assert device.ask("RELEASE").status == 0
    assert device.ask(*write).status == 0
    assert device.ask("FIT_GATE").status == device.ask("HOLD").status == 0


def test_a_new_session_keeps_what_is_held_and_a_reset_lets_go() -> None:
    device = RawDevice()
    device.ask("HOLD")
    device.greet(7)
    assert device.ask("FIT_GATE").status == STATUSES["E_HELD"]
    assert device.ask("RESET", b"\0").status == device.ask("FIT_GATE").status == 0


@pytest.mark.parametrize("kind", KINDS)
def test_all_targets_refuse_the_same_learning_states(kind: str) -> None:
    """Also what rules carry: gates of DA-SSDP, stored samples."""
    rng = np.random.default_rng(8)
    targets: list[Target] = [ReferenceTarget(network(kind)), Emulator(network(kind)),
                             target(stream(kind), kind)]
    start = arrays_of(kind)[1]["learning"]
    for t in targets:
        t.write_learning(start.tobytes())
    n_refused = 0
    for _ in range(60):
        data = start.copy()
        for at in rng.integers(0, data.size, rng.integers(1, 4)):
            data[at] ^= 1 << rng.integers(8)
        said = [_written(t, data.tobytes()) for t in targets]
        assert said[0] == said[1] == said[2], np.flatnonzero(data != start)
        n_refused += said[0] != ""
        if not said[0]:
            for t in targets:
                t.write_learning(start.tobytes())
        assert {t.read_learning() for t in targets} == {start.tobytes()}
    assert 0 < n_refused < 60


def _written(target: Target, data: bytes) -> str:
    try:
        target.write_learning(data)
    except EdgeError as problem:
        return problem.code
    return ""


